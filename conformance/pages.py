"""What real pages do with the API behind two policies, and what they must get: for real engines on real servers.

The situations of `situations` say what a server answers; these say what becomes of the answer, derived by hand from the
policy. Written as data, for whichever engine plays them; where the pages and the API are is the network's business, so
that everything here names hosts, and `credentialed` is told how an origin is written there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from crossorigin import Policy


@dataclass(frozen=True)
class Page:
    """Where a page comes from.

    Attributes:
        host: Its host, or nothing for the API's own.
        scheme: ``"https"`` or ``"http"``.
        other_port: Whether it is on another port than the usual one.
        sandboxed: Whether the script runs in a sandboxed frame of it, with the origin ``null``.
    """

    host: str | None
    scheme: str = "https"
    other_port: bool = False
    sandboxed: bool = False


PAGES = {
    "app": Page("app.example.com"),
    "subdomain": Page("shop.eu.example.com"),
    "own": Page(None),
    "evil": Page("evil.test"),
    "other port": Page("app.example.com", other_port=True),
    "plain http": Page("app.example.com", "http"),
    "parent": Page("example.com"),
    "prefix": Page("app.example.com.evil.test"),
    "glued": Page("evilexample.com"),
    "sandbox": Page("app.example.com", sandboxed=True),
}
FOREIGN = ("evil", "other port", "plain http", "parent", "prefix", "glued", "sandbox")


def credentialed(origin: Callable[..., str]) -> Policy:
    """Return the policy with credentials. *origin* writes an origin: ``origin("https", "app.example.com")``."""
    app = origin("https", "app.example.com")
    return Policy(
        [app, app.replace("app.", "*.")],  # with the port, where it has one
        allow_credentials=True,
        allow_methods=["PUT", "DELETE"],
        allow_headers=["Authorization", "X-Request-Id"],
        expose_headers=["X-Total-Count"],
    )


PUBLIC = Policy("*", allow_methods="*", allow_headers=["*", "Authorization"], expose_headers="*")


@dataclass(frozen=True)
class Situation:
    """What a page does, and what it must get.

    Attributes:
        name: What happens, in a few words; unique within its policy.
        page: Which of `PAGES` does it.
        readable: Whether the page gets the response; all further expectations are about that.
        method: The method, as the script writes it.
        path: The path of the API.
        headers: The headers that the script sets.
        credentials: The credentials mode.
        body: The body, where there is one.
        status: The status that the page sees.
        text: The body that the page sees, where that matters.
        sees: Headers by name: the value that the page sees, or nothing where it must not see any.
        times: How often the page does it, at the same URL.
    """

    name: str
    page: str
    readable: bool
    method: str = "GET"
    path: str = "/items"
    headers: dict[str, str] = field(default_factory=dict)
    credentials: Literal["omit", "same-origin", "include"] = "include"
    body: str | None = None
    status: int = 200
    text: str | None = None
    sees: dict[str, str | None] = field(default_factory=dict)
    times: int = 1


COUNTED: dict[str, str | None] = {"content-type": "text/plain", "x-total-count": "3", "etag": None, "set-cookie": None}
JSON = {"Content-Type": "application/json"}

# fmt: off
CREDENTIALED_SITUATIONS: tuple[Situation, ...] = (
    Situation("GET with credentials", "app", True, text="items"),
    Situation("GET without credentials", "app", True, credentials="omit", text="items"),
    Situation("GET with credentials for its own origin", "app", True, credentials="same-origin", text="items"),
    Situation("GET, twice", "app", True, times=2),
    Situation("HEAD", "app", True, "HEAD", text=""),
    Situation("PUT", "app", True, "PUT", text="items"),
    Situation("PUT, twice", "app", True, "PUT", times=2),
    Situation("PUT without credentials", "app", True, "PUT", credentials="omit"),
    Situation("PUT in lower case is PUT", "app", True, "put"),
    Situation("DELETE", "app", True, "DELETE", body="all of it"),
    Situation("PATCH is not allowed", "app", False, "PATCH"),
    Situation("PATCH is not allowed, without credentials", "app", False, "PATCH", credentials="omit"),
    Situation("PATCH in lower case is another method, and not allowed", "app", False, "patch"),
    Situation("a method that nobody has heard of", "app", False, "CHICKEN"),
    Situation("Authorization", "app", True, headers={"Authorization": "Bearer x"}),
    Situation("Authorization without credentials", "app", True, headers={"Authorization": "x"}, credentials="omit"),
    Situation("PUT with both headers", "app", True, "PUT", headers={"Authorization": "x", "X-Request-Id": "1"}),
    Situation("a header in another case", "app", True, headers={"x-REQUEST-id": "1"}),
    Situation("a header that is not listed", "app", False, headers={"X-Debug": "1"}),
    Situation("a header that is not listed, beside one that is", "app", False,
              headers={"X-Debug": "1", "X-Request-Id": "1"}),
    Situation("POST of text", "app", True, "POST", body="text", text="items"),
    Situation("POST of a form", "app", True, "POST", headers={"Content-Type": "application/x-www-form-urlencoded"},
              body="a=1"),
    Situation("POST of JSON, where Content-Type is not listed", "app", False, "POST", headers=JSON, body="{}"),
    Situation("exposed headers", "app", True, path="/counted", sees=COUNTED),
    Situation("exposed headers without credentials", "app", True, path="/counted", credentials="omit", sees=COUNTED),
    Situation("404", "app", True, path="/missing", status=404, text="not here"),
    Situation("404 for PUT", "app", True, "PUT", "/missing", status=404),
    Situation("403 of the application", "app", True, path="/forbidden", status=403, text="no"),
    Situation("304", "app", True, path="/unchanged", status=304, text=""),
    Situation("500 of an exception", "app", True, path="/fails", status=500),
    Situation("500 of an exception, for PUT", "app", True, "PUT", "/fails", status=500),
    Situation("a redirect", "app", True, path="/moved", text="items"),
    Situation("a redirect, for PUT", "app", True, "PUT", "/moved", text="items"),
    Situation("a redirect, with Authorization", "app", True, path="/moved", headers={"Authorization": "x"}),
    Situation("a stream", "app", True, path="/stream", text="one two three"),
    Situation("CORS headers of the application's own", "app", True, path="/own-cors"),
    Situation("Vary of the application's own", "app", True, path="/varies"),
    Situation("a subdomain", "subdomain", True, text="items"),
    Situation("PUT of a subdomain", "subdomain", True, "PUT", headers={"Authorization": "x"}),
    Situation("PATCH of a subdomain", "subdomain", False, "PATCH"),
    Situation("the API's own page", "own", True, text="items"),
    Situation("the API's own page, PATCH", "own", True, "PATCH", headers={"X-Debug": "1"}),
    Situation("the API's own page sees all headers", "own", True, path="/counted",
              sees={"x-total-count": "3", "etag": '"1"', "set-cookie": None}),
    *(Situation(f"{page}: GET with credentials", page, False) for page in FOREIGN),
    *(Situation(f"{page}: GET without credentials", page, False, credentials="omit") for page in FOREIGN),
    *(Situation(f"{page}: PUT", page, False, "PUT") for page in FOREIGN),
    Situation("evil: POST", "evil", False, "POST", body="text"),
    Situation("evil: HEAD", "evil", False, "HEAD"),
    Situation("evil: Authorization", "evil", False, headers={"Authorization": "x"}),
    Situation("evil: 404", "evil", False, path="/missing"),
    Situation("evil: 500 of an exception", "evil", False, path="/fails"),
    Situation("evil: a redirect", "evil", False, path="/moved"),
    Situation("evil: a stream", "evil", False, path="/stream"),
    Situation("evil: CORS headers of the application's own", "evil", False, path="/own-cors"),
    Situation("sandbox: POST", "sandbox", False, "POST", body="text"),
)
PUBLIC_SITUATIONS: tuple[Situation, ...] = (
    *(Situation(f"{page}: GET", page, True, credentials="omit", text="items") for page in ("app", *FOREIGN)),
    *(Situation(f"{page}: GET with credentials", page, False) for page in ("app", "evil", "sandbox")),
    *(Situation(f"{page}: PATCH", page, True, "PATCH", credentials="omit") for page in ("app", "evil", "sandbox")),
    Situation("credentials for its own origin", "evil", True, credentials="same-origin"),
    Situation("PUT with credentials", "evil", False, "PUT"),
    Situation("DELETE", "evil", True, "DELETE", credentials="omit"),
    Situation("any header", "evil", True, headers={"X-Debug": "1", "x-b": "2"}, credentials="omit"),
    Situation("any header, with credentials", "evil", False, headers={"X-Debug": "1"}),
    Situation("Authorization", "evil", True, headers={"Authorization": "Bearer x"}, credentials="omit"),
    Situation("Authorization of a sandboxed frame", "sandbox", True, headers={"Authorization": "x"},
              credentials="omit"),
    Situation("POST of JSON", "evil", True, "POST", headers=JSON, credentials="omit", body="{}"),
    Situation("all headers are exposed", "evil", True, path="/counted", credentials="omit",
              sees={**COUNTED, "etag": '"1"'}),
    Situation("404", "evil", True, path="/missing", credentials="omit", status=404),
    Situation("500 of an exception", "evil", True, path="/fails", credentials="omit", status=500),
    Situation("a redirect", "evil", True, path="/moved", credentials="omit", text="items"),
    Situation("a stream", "evil", True, path="/stream", credentials="omit", text="one two three"),
    Situation("CORS headers of the application's own", "evil", True, path="/own-cors", credentials="omit"),
    Situation("the API's own page", "own", True, "PATCH", text="items"),
)
# fmt: on
