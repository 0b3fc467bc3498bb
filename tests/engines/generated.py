"""Situations for the model and for real engines alike: what a page does, and what the servers on its way answer.

Every header that CORS looks at is drawn right, wrong and odd. A situation is data: `Servers` plays its servers, for the
model and over a network, and `script_steps` says it to a page's script.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from hypothesis import strategies as st

from conformance.engines.names import in_namespace
from crossorigin.browser import Request

Header = tuple[str, str]

# Origins as a situation names them: scheme, host, and whether it is the one on another port.
APP = ("https", "app.example.com", False)
PLAIN_APP = ("http", "app.example.com", False)
API = ("https", "api.example.com", False)
PLAIN_API = ("http", "api.example.com", False)
OTHER = ("https", "other.test", False)
APP_ON_OTHER_PORT = ("https", "app.example.com", True)
Place = tuple[str, str, bool]


class Places(Protocol):
    """What says where a place is: the network of the engines, or none at all."""

    def origin(self, scheme: str, host: str, *, other_port: bool = False) -> str: ...


@dataclass(frozen=True)
class Answer:
    """What a server answers: a status, and header lines.

    In these ``{page}`` stands for the page's origin, ``{origin}`` for the one that the request shows, and ``{name}``
    for what all URLs of a situation begin with.
    """

    status: int = 200
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True)
class Hop:
    """One URL on the way: where it is, and its answers. All but the last redirect to the next."""

    place: Place
    preflight: Answer
    response: Answer
    user: str = ""


@dataclass(frozen=True)
class Step:
    """One call of ``fetch()``, or of XMLHttpRequest with a listener to the upload."""

    init: tuple[tuple[str, Any], ...] = ()
    upload_listener: bool = False

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.init)


@dataclass(frozen=True)
class Situation:
    """A page that makes some calls, one after the other, to the first of some URLs."""

    page: Place
    sandboxed: bool
    steps: tuple[Step, ...]
    hops: tuple[Hop, ...]


@dataclass
class Servers:
    """The servers of one situation under URLs of its own, and what reached them.

    Attributes:
        situation: What is played.
        network: Where the places are.
        name: Part of every URL.
        asked: Every request, as far as it is compared.
    """

    situation: Situation
    network: Places
    name: str
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def page(self) -> str:
        return self._origin(self.situation.page)

    @property
    def page_origin(self) -> str:
        return "null" if self.situation.sandboxed else self.page

    def url(self, hop: int) -> str:
        place = self.situation.hops[hop]
        scheme, _, rest = self._origin(place.place).partition("//")
        return f"{scheme}//{place.user}{rest}/{self.name}/{hop}?of={len(self.situation.hops)}"

    def answer(self, method: str, url: str, headers: Sequence[Header]) -> tuple[int, tuple[Header, ...], bytes]:
        """Note a request, and return the status, the headers and the body of the answer to it."""
        number = int(urlsplit(url).path.rsplit("/", 1)[1])
        hop = self.situation.hops[number]
        # XMLHttpRequest rewrites a charset in the case that the standard has it.
        sent = {name.lower(): value.lower() if name.lower() == "content-type" else value for name, value in headers}
        compared = FIRST_COMPARED if number == 0 and hop.place[0] == "https" else COMPARED
        is_preflight = method == "OPTIONS" and "access-control-request-method" in sent
        self.asked.append({"hop": number, "method": method, **{name: sent[name] for name in compared if name in sent}})
        answer = hop.preflight if is_preflight else hop.response
        words = {"{page}": self.page_origin, "{name}": self.name, "{origin}": sent.get("origin", self.page_origin)}
        lines = []
        for name, value in answer.headers:
            for word, meaning in words.items():
                value = value.replace(word, meaning)
            lines.append((name, value))
        if answer.status in (301, 302, 303, 307, 308) and number + 1 < len(self.situation.hops):
            lines.append(("Location", self.url(number + 1)))
        elif answer.status in (301, 302, 303, 307, 308) and is_preflight:
            lines.append(("Location", self.url(number)))
        return answer.status, tuple(lines), b"" if is_preflight else b"the body"

    def _origin(self, place: Place) -> str:
        scheme, host, other_port = place
        return self.network.origin(scheme, host, other_port=other_port)


# What of a request must be the same in the model and in an engine, by name in lower case. Fetch Metadata is not CORS:
# over plain http Chromium adds Sec-Fetch-Mode to preflights, and WebKit leaves all of it out after redirects.
COMPARED = (
    "origin", "access-control-request-method", "access-control-request-headers", "cookie", "authorization",
    "content-type", "content-language", "range", "x-a", "x-b", "x-http-method-override", "if-none-match", "dnt",
)  # fmt: skip
FIRST_COMPARED = (*COMPARED, "sec-fetch-site", "sec-fetch-mode")


def request_of(step: Step, url: str) -> Request:
    """Return *step* as the model takes it."""
    options = step.options
    return Request.of(
        url,
        method=options.get("method", "GET"),
        headers=[(name, value) for name, value in options.get("headers", [])],
        body=options.get("body"),
        mode=options.get("mode", "cors"),
        credentials=options.get("credentials", "same-origin"),
        redirect=options.get("redirect", "follow"),
        referrer_policy=options.get("referrerPolicy", "strict-origin-when-cross-origin"),
        upload_listener=step.upload_listener,
    )


def script_steps(servers: Servers) -> list[list[Any]]:
    """Return the situation's calls as `SCRIPT` takes them."""
    return [[servers.url(0), step.options, step.upload_listener] for step in servers.situation.steps]


# Makes the calls, and says of each what the page got.
SCRIPT = """
const got = [];
for (const [url, init, uploads] of arguments[0]) {
    got.push(await (uploads ? uploaded(url, init) : fetched(url, init)));
}
return got;

async function fetched(url, init) {
    try {
        const response = await fetch(url, init);
        const headers = [...response.headers];
        return { type: response.type, status: response.status, redirected: response.redirected, headers,
                 body: await response.text() };
    } catch (error) {
        return { error: String(error) };
    }
}

function uploaded(url, init) {
    return new Promise((resolve) => {
        const request = new XMLHttpRequest();
        request.open(init.method, url);
        request.withCredentials = init.credentials === "include";
        for (const [name, value] of init.headers) request.setRequestHeader(name, value);
        request.upload.onprogress = () => {};
        request.onerror = () => resolve({ error: "error event" });
        request.onload = () => resolve({ status: request.status, body: request.responseText });
        request.send(init.body);
    });
}
"""


def lines(name: str, *choices: str | tuple[str, ...] | None) -> st.SearchStrategy[tuple[Header, ...]]:
    """Draw the lines of one header: the first of *choices* half of the time; ``None`` for no line."""

    def written(choice: str | tuple[str, ...] | None) -> tuple[Header, ...]:
        if choice is None:
            return ()
        return tuple((name, value) for value in ([choice] if isinstance(choice, str) else choice))

    first, *rest = choices
    return st.one_of(st.just(first), st.sampled_from(rest)).map(written)


ALLOW_ORIGIN = lines(
    "Access-Control-Allow-Origin", "{origin}", "{page}", "*", None, "null", "{page}/", "{page}, {page}", "{page} https://a.example",
    ("{page}", "{page}"), ("*", "*"), ("*", ""), "https://other.example", "HTTPS://APP.EXAMPLE.COM",
    "https://app.example.com:443", " \t{page}\t ", "", "*, {page}", "https://*.example.com", "{page}.", '"{page}"',
)  # fmt: skip
ALLOW_CREDENTIALS = lines(
    "Access-Control-Allow-Credentials", "true", None, "True", "TRUE", "false", "true, true", ("true", "true"),
    " true\t", "", "1", '"true"',
)  # fmt: skip
ALLOW_METHODS = lines(
    "Access-Control-Allow-Methods", "PUT, DELETE, PATCH", None, "*", "put, delete, patch", "", "PUT", "GET, POST",
    ("PUT", "DELETE"), "PUT DELETE", "PUT,,DELETE", ",", '"PUT"', "PUT\t,\tFOO , OPTIONS", "*, PUT", "PUT; DELETE",
    ("PUT", "A B"), "'PUT'", "patch, FOO",
)  # fmt: skip
ALLOW_HEADERS = lines(
    "Access-Control-Allow-Headers", "X-A, x-b, Content-Type, Authorization, range", None, "*", "*, Authorization", "",
    "x-a", ("X-A", "content-type"), "x-a x-b", '"x-a"', "x-a,,x-b", "x-a;q=1", "authorization", "content-type, x-b",
    "*, x-a", "x-\xe4", "accept, accept-language, content-language, x-a", ("x-a", "(x)"), "X-A\t, X-B",
)  # fmt: skip
MAX_AGE = lines(
    "Access-Control-Max-Age", "600", None, "0", "-1", "5s", "600, 600", ("600", "600"), "", " 600 ", "1.5", "+60",
    "99999999999999999999",
)  # fmt: skip
EXPOSE_HEADERS = lines(
    "Access-Control-Expose-Headers", "X-Seen", None, "*", "x-seen,x-other", "x seen", ("x-seen", "X-Other"), "",
    "set-cookie, x-other", '"x-seen"', ",x-seen,,", "*, x-seen", ("x-seen", "a b"), "x-see",
)  # fmt: skip
OWN_HEADERS = (
    ("Content-Type", "text/plain"), ("Cache-Control", "no-store"), ("ETag", '"1"'), ("X-Seen", "1"), ("X-Other", "2"),
    ("X-Other", "3"), ("Content-Language", "en"),
)  # fmt: skip

REDIRECTS = (301, 302, 303, 307, 308)
# Where there are two: at the second one Firefox brings back the Content-Type that the first one took away.
UNCHANGING_REDIRECTS = (307, 308)


def _joined(*parts: st.SearchStrategy[tuple[Header, ...]]) -> st.SearchStrategy[tuple[Header, ...]]:
    return st.tuples(*parts).map(lambda drawn: tuple(header for part in drawn for header in part))


PREFLIGHTS = st.builds(
    Answer,
    st.one_of(
        st.just(204), st.sampled_from([200, 201, 206, 299, 300, 301, 302, 304, 307, 400, 403, 404, 405, 500, 503])
    ),
    _joined(ALLOW_ORIGIN, ALLOW_CREDENTIALS, ALLOW_METHODS, ALLOW_HEADERS, MAX_AGE),
)
GOOD_PREFLIGHT = Answer(
    204,
    (
        ("Access-Control-Allow-Origin", "{origin}"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "PUT, DELETE, PATCH, patch, FOO, OPTIONS"),
        ("Access-Control-Allow-Headers", "x-a, x-b, content-type, authorization, range, if-none-match, dnt, "
         "content-language, accept, accept-language, x-http-method-override"),
        ("Access-Control-Max-Age", "600"),
    ),
)  # fmt: skip
RESPONSES = st.builds(
    Answer,
    st.sampled_from([200, 200, 200, 201, 204, 300, 304, 400, 401, 403, 404, 418, 500, 503]),
    _joined(ALLOW_ORIGIN, ALLOW_CREDENTIALS, EXPOSE_HEADERS, st.just(OWN_HEADERS)),
)
GOOD_RESPONSE_HEADERS = (("Access-Control-Allow-Origin", "{origin}"), ("Access-Control-Allow-Credentials", "true"))

SET_COOKIE = ("Set-Cookie", "seen=1; Secure; SameSite=None; Path=/{name}")

LONG = "a" * 124
REQUEST_HEADERS = st.lists(
    st.sampled_from(
        [
            ("X-A", "1"), ("x-b", "2"), ("Authorization", "Bearer t"), ("Content-Type", "application/json"),
            ("Content-Type", "text/plain"), ("content-type", "text/plain;charset=utf-8"),
            ("Content-Type", "multipart/form-data; boundary=x"), ("Content-Type", "text/plain; a=(b)"),
            ("Content-Type", "Application/X-WWW-Form-Urlencoded"), ("Content-Type", "text/plain, text/html"),
            ("Accept", "text/html;q=0.9,*/*"), ("Accept", "text/html;x=<>"), ("Accept", LONG + "aaaa"),
            ("Accept", LONG + "aaaaa"), ("Accept-Language", "de, en;q=0.5"), ("Accept-Language", "de@en"),
            ("Content-Language", "de"), ("Content-Language", "de_DE"), ("Range", "bytes=0-99"), ("Range", "bytes=-99"),
            ("Range", "bytes=9-0"), ("Range", "bytes=5-"), ("Cookie", "a=b"), ("Sec-Fetch-Site", "none"),
            ("X-HTTP-Method-Override", "TRACE"), ("X-HTTP-Method-Override", "PUT"),
            ("DNT", "1"), ("Origin", "https://evil.example"),
        ]
    ),
    max_size=3,
    unique_by=lambda header: header[0].lower(),
)  # fmt: skip


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw one call."""
    if draw(st.integers(0, 15)) == 0:
        headers = draw(REQUEST_HEADERS)
        credentials = draw(st.sampled_from(["same-origin", "include"]))
        upload = {"method": "POST", "headers": headers, "credentials": credentials, "body": "text"}
        return Step(tuple(upload.items()), upload_listener=True)
    mode = draw(st.sampled_from(["cors"] * 10 + ["no-cors", "same-origin"]))
    method = draw(
        st.sampled_from(["GET", "get", "HEAD", "POST", "post"])
        if mode == "no-cors"
        else st.sampled_from(
            "GET GET get HEAD POST POST post PUT PUT put DELETE delete PATCH patch pAtCh OPTIONS options FOO".split()
        )
    )
    init: dict[str, Any] = {"mode": mode, "method": method}
    init["headers"] = draw(REQUEST_HEADERS)
    init["credentials"] = draw(st.sampled_from(["same-origin", "include", "include", "omit"]))
    init["redirect"] = draw(st.sampled_from(["follow"] * 8 + ["error", "manual"]))
    if draw(st.integers(0, 3)) == 0:
        policies = ["no-referrer", "origin", "same-origin", "unsafe-url", "no-referrer-when-downgrade"]
        init["referrerPolicy"] = draw(st.sampled_from(policies))
    if method.upper() not in ("GET", "HEAD") and draw(st.booleans()):
        init["body"] = "text"
    return Step(tuple(init.items()))


def may_need_preflight(step: Step) -> bool:
    """Return whether *step* is more than the simplest of requests."""
    options = step.options
    return bool(step.upload_listener or options["headers"] or options["method"].upper() not in ("GET", "HEAD", "POST"))


@st.composite
def hops(draw: st.DrawFn, places: Sequence[Place], most: int, *, may_have_user: bool) -> tuple[Hop, ...]:
    """Draw one to *most* URLs, each redirecting to the next."""
    count = min(draw(st.sampled_from([1, 1, 1, 2, 2, 3])), most)
    redirects = REDIRECTS if count < 3 else UNCHANGING_REDIRECTS
    drawn = []
    for number in range(count):
        is_last = number == count - 1
        response = draw(RESPONSES)
        if not is_last:
            # A wrong redirect ends the way: mostly right ones make it worth going.
            headers = draw(st.one_of(st.just(GOOD_RESPONSE_HEADERS), st.just(response.headers)))
            # 301 and 308 would be kept by the HTTP cache, which is none of CORS.
            response = Answer(draw(st.sampled_from(redirects)), (*headers, ("Cache-Control", "no-store")))
        drawn.append(
            Hop(
                draw(st.sampled_from(places)),
                draw(st.one_of(PREFLIGHTS, st.just(GOOD_PREFLIGHT))),
                response,
                "user:secret@" if number and may_have_user and draw(st.integers(0, 11)) == 0 else "",
            )
        )
    return tuple(drawn)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Draw a whole situation."""
    page = draw(st.sampled_from([APP] * 5 + [PLAIN_APP]))
    places = [PLAIN_API, PLAIN_API, PLAIN_APP] if page == PLAIN_APP else [API, API, API, OTHER, APP, APP_ON_OTHER_PORT]
    calls = draw(st.lists(steps(), min_size=1, max_size=3))
    # Under a listener to the upload, WebKit blocks what it should not after a second redirect.
    # At the second one, Firefox brings back the Authorization that the first one took away.
    most = 2 if any(call.upload_listener or "Authorization" in dict(call.options["headers"]) for call in calls) else 3
    # WebKit sends a preflight to a URL with a user in it before it refuses to go there.
    way = draw(hops(places, most, may_have_user=not any(may_need_preflight(call) for call in calls)))
    # Third-party cookies are where browsers differ from version to version: only the page's own site sets any.
    # Below localhost, WebKit takes every host for a site of its own.
    is_one_site = in_namespace() and all(hop.place[1].endswith("example.com") for hop in way)
    if is_one_site and page == APP and draw(st.booleans()):
        last = way[-1]
        way = (*way[:-1], replace(last, response=replace(last.response, headers=(*last.response.headers, SET_COOKIE))))
    return Situation(page, draw(st.integers(0, 9)) == 0, tuple(calls), way)
