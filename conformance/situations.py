"""The server rules S1 to S16 as situations: a policy, a request, and what must hold of the answer on every stack.

The expectation is complete: `cors` holds every CORS header that the response may carry, and `vary` every name in
``Vary``, so that a header too many fails as one too few does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from crossorigin import Policy

from .messages import Request, Response

APP = "https://app.example.com"
SUBDOMAIN = "https://shop.eu.example.com"
EVIL = "https://evil.example"

CREDENTIALED = Policy(
    [APP, "https://*.example.com", "http://localhost:*"],
    allow_credentials=True,
    allow_methods=["PUT", "DELETE"],
    allow_headers=["Authorization", "X-Request-Id"],
    expose_headers=["X-Total-Count"],
    max_age=600,
)
PUBLIC = Policy("*", allow_methods="*", allow_headers=["*", "Authorization"], expose_headers="*", max_age=None)
EVERYTHING = Policy(APP, allow_credentials=True, allow_methods="*", allow_headers="*", expose_headers="*")
ONE = Policy("https://one.example")
NULL = Policy(["null", APP], allow_credentials=True, dangerously_allow=["null-origin"])
REFLECTING = Policy("*", allow_credentials=True, dangerously_allow=["any-origin-with-credentials"])
EXPRESSION = Policy(re.compile(r"https://([a-z]+\.)?example\.org"), max_age=0)
PRIVATE = Policy(APP, allow_private_network=True)


def _raises(origin: str) -> bool:
    raise LookupError(origin)


async def _later(origin: str) -> bool:
    return origin == SUBDOMAIN


CHECKED = Policy(APP, allow_origin_check=lambda origin: origin.endswith(".example.net"))
FAILING = Policy(APP, allow_origin_check=_raises)

GRANTED = {"allow-origin": APP, "allow-credentials": "true"}
PREFLIGHT = {"allow-methods": "PUT, DELETE", "allow-headers": "Authorization, X-Request-Id", "max-age": "600"}
EXPOSED = {"expose-headers": "X-Total-Count"}


@dataclass(frozen=True)
class Situation:
    """One line of the conformance suite.

    Attributes:
        rule: The rule that it shows, such as ``"S13"``.
        name: What happens, in a few words; unique.
        policy: The policy that the stack enforces.
        request: What the client sends.
        cors: Every CORS header that the response may carry, by name without ``Access-Control-``.
        vary: The names that ``Vary`` must hold, in any order.
        status: The status that the response must have.
        body: What the body must be, where that matters.
        more: A further condition, where the above cannot say it.
    """

    rule: str
    name: str
    policy: Policy
    request: Request
    cors: dict[str, str] = field(default_factory=dict)
    vary: tuple[str, ...] = ("origin",)
    status: int = 200
    body: bytes | None = None
    more: Callable[[Response], bool] | None = None

    def problems(self, response: Response) -> list[str]:
        """Return what of *response* is not as it must be, in words."""
        found = []
        if response.status != self.status:
            found.append(f"status {response.status}, not {self.status}")
        if response.cors != self.cors:
            found.append(f"CORS headers {response.cors}, not {self.cors}")
        if sorted(response.vary) != sorted(self.vary):
            found.append(f"Vary {response.vary}, not {list(self.vary)}")
        if self.body is not None and response.body != self.body:
            found.append(f"body {response.body[:80]!r}, not {self.body!r}")
        if self.more is not None and not self.more(response):
            found.append("the further condition does not hold")
        return found


def _plain_refusal(response: Response) -> bool:
    return (response.get("content-type") or "").startswith("text/plain") and 0 < len(response.body) < 200


def _refused_preflight(rule: str, name: str, policy: Policy, origin: str) -> Situation:
    return Situation(rule, name, policy, Request.preflight(origin), status=403, more=_plain_refusal)


def _unsafe(rule: str, policy: Policy, what: dict[str, str]) -> list[Situation]:
    """Return situations in which origins that must not match *policy* are refused, on both kinds of request."""
    return [
        situation
        for name, origin in what.items()
        for situation in (
            Situation(rule, f"{name}, actual request", policy, Request.actual(origin)),
            _refused_preflight(rule, f"{name}, preflight", policy, origin),
        )
    ]


# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    # S1 A preflight is OPTIONS with Origin and Access-Control-Request-Method. Any other OPTIONS reaches the app.
    Situation("S1", "OPTIONS without Origin reaches the application", CREDENTIALED, Request("OPTIONS"),
              body=b"the application's own"),
    Situation("S1", "OPTIONS with Origin alone reaches the application", CREDENTIALED,
              Request.preflight(APP, None), {**GRANTED, **EXPOSED}, body=b"the application's own"),
    Situation("S1", "OPTIONS with the method alone reaches the application", CREDENTIALED,
              Request.preflight(None, "PUT"), body=b"the application's own"),
    Situation("S1", "GET with the headers of a preflight is an actual request", CREDENTIALED,
              Request.actual(APP, Access_Control_Request_Method="PUT"), {**GRANTED, **EXPOSED}, body=b"items"),
    # S2 A preflight is answered before routing, authentication, redirects and body reading.
    Situation("S2", "a preflight for a path that does not exist", CREDENTIALED,
              Request.preflight(APP, path="/missing"), {**GRANTED, **PREFLIGHT}, status=204, body=b""),
    Situation("S2", "a preflight for a path that redirects", CREDENTIALED,
              Request.preflight(APP, path="/moved"), {**GRANTED, **PREFLIGHT}, status=204, body=b""),
    Situation("S2", "a preflight for a handler that fails", CREDENTIALED,
              Request.preflight(APP, path="/fails"), {**GRANTED, **PREFLIGHT}, status=204, body=b""),
    # S3 A malformed Origin is an origin that is not allowed.
    *_unsafe("S3", REFLECTING, {
        "an empty Origin": "",
        "an Origin with a path": f"{APP}/",
        "an Origin with a query": f"{APP}?x",
        "an Origin with a user": "https://user@app.example.com",
        "an Origin with its default port": f"{APP}:443",
        "an Origin in upper case": "https://APP.example.com",
        "an Origin without a scheme": "app.example.com",
        "two origins in one Origin": f"{APP}, {APP}",
        "two origins with a space": f"{APP} {EVIL}",
        "an Origin that is not ASCII": "https://ex\xe4mple.com",
        "an Origin with a control character": "https://app.example.com\x01",
        "an Origin with a tab": "https://app\t.example.com",
        "an Origin with a line end": "https://app.example.com\r\nX-Injected: 1",
        "an Origin with a NUL": "https://app.example.com\x00",
        "an Origin with a percent sign": "https://app%60.example.com",
        "an Origin with a port too large": "https://app.example.com:65536",
        "an Origin longer than any": "https://" + "a." * 4000 + "example.com",
        "an Origin with an uncompressed address": "http://[0:0:0:0:0:0:0:1]",
        "an Origin with an odd address": "http://0x7f.1",
        "an opening bracket": "http://[",
        "Null in another case": "NULL",
    }),
    Situation("S3", "two Origin headers, actual request", REFLECTING,
              Request("GET", "/items", (("Origin", APP), ("Origin", APP)))),
    # S4 Exact origins match exactly; patterns match the parsed scheme, host and port.
    Situation("S4", "the exact origin", CREDENTIALED, Request.actual(APP), {**GRANTED, **EXPOSED}, body=b"items"),
    Situation("S4", "a label below a wildcard", CREDENTIALED, Request.actual(SUBDOMAIN),
              {**GRANTED, **EXPOSED, "allow-origin": SUBDOMAIN}),
    Situation("S4", "a label with an underscore below a wildcard", CREDENTIALED,
              Request.actual("https://a_b.example.com"),
              {**GRANTED, **EXPOSED, "allow-origin": "https://a_b.example.com"}),
    Situation("S4", "any port", CREDENTIALED, Request.actual("http://localhost:5173"),
              {**GRANTED, **EXPOSED, "allow-origin": "http://localhost:5173"}),
    Situation("S4", "any port is none, too", CREDENTIALED, Request.actual("http://localhost"),
              {**GRANTED, **EXPOSED, "allow-origin": "http://localhost"}),
    Situation("S4", "a regular expression on the whole origin", EXPRESSION, Request.actual("https://a.example.org"),
              {"allow-origin": "https://a.example.org"}),
    Situation("S4", "a check that says yes", CHECKED, Request.actual("https://a.example.net"),
              {"allow-origin": "https://a.example.net"}),
    *_unsafe("S4", CREDENTIALED, {
        "another site": EVIL,
        "the name itself is not below the wildcard": "https://example.com",
        "another scheme": "http://app.example.com",
        "another port": f"{APP}:8443",
        "the name as a prefix": "https://app.example.com.evil.example",
        "the name glued to a prefix": "https://evilexample.com",
        "the name in a fragment": "https://evil.com#.example.com",
        "the name in a path": "https://evil.com/.example.com",
        "the name behind a backslash": r"https://evil.com\.example.com",
        "the name behind an at sign": "https://evil.com@app.example.com",
        "an empty label": "https://.example.com",
        "a final dot": "https://a.example.com.",
        "another top-level domain": "https://app.example.co",
        "a dot that matches anything": "https://appxexample.com",
        "punctuation that some engines send": "https://evil{.example.com",
        "a plus sign": "https://evil+.example.com",
        "localhost as a prefix": "http://localhost.evil.example",
        "localhost with a port glued on": "http://localhost:800.evil.example",
    }),
    *_unsafe("S4", EXPRESSION, {
        "an expression is anchored at its end": "https://a.example.org.evil.example",
        "an expression is anchored at its start": "http://https://example.org",
        "an expression never sees a line end": "https://example.org\n",
    }),
    *_unsafe("S4", CHECKED, {
        "a check that says no": "https://a.example.org",
        "a check never sees a malformed origin": "https://evil/.example.net",
    }),
    *_unsafe("S4", FAILING, {"a check that fails": "https://a.example.net"}),
    # S5 `null` matches only where it is declared and accepted.
    Situation("S5", "null where it is declared", NULL, Request.actual("null"), {"allow-origin": "null"}),
    Situation("S5", "null under any origin without credentials", PUBLIC, Request.actual("null"),
              {"allow-origin": "*", "expose-headers": "*"}, vary=()),
    *_unsafe("S5", CREDENTIALED, {"null where it is not declared": "null"}),
    *_unsafe("S5", REFLECTING, {"null under any origin with credentials": "null"}),
    # S6, that a decision costs the same for one origin and for thousands, is shown by tests/test_scale.py.
    # S7 Access-Control-Allow-Origin is the request's origin or the constant `*`; never `*` or `null` with credentials.
    Situation("S7", "any origin without credentials", PUBLIC, Request.actual(EVIL),
              {"allow-origin": "*", "expose-headers": "*"}, vary=()),
    Situation("S7", "any origin with credentials, accepted on purpose", REFLECTING, Request.actual(EVIL),
              {"allow-origin": EVIL, "allow-credentials": "true"}),
    Situation("S7", "null never gets credentials, preflight", NULL, Request.preflight("null", "POST"),
              {"allow-origin": "null", "max-age": "600"}, status=204),
    # S8 Allow-Credentials is `true` or absent; Expose-Headers `*` with credentials is expanded.
    Situation("S8", "no credentials, no header", ONE, Request.actual("https://one.example"),
              {"allow-origin": "https://one.example"}),
    Situation("S8", "exposing everything without credentials", PUBLIC, Request.actual(APP, "/counted"),
              {"allow-origin": "*", "expose-headers": "*"}, vary=()),
    Situation("S8", "exposing everything with credentials", EVERYTHING, Request.actual(APP, "/counted"),
              {**GRANTED, "expose-headers": "x-total-count, etag"}),
    Situation("S8", "exposing everything of a response that has nothing to expose", EVERYTHING,
              Request.actual(APP, "/items"), GRANTED),
    # S9 A response to an origin that is not allowed carries no Access-Control-* at all.
    Situation("S9", "a denied origin gets nothing", CREDENTIALED, Request.actual(EVIL), body=b"items"),
    Situation("S9", "a denied origin gets nothing that the application set", CREDENTIALED,
              Request.actual(EVIL, "/own-cors")),
    Situation("S9", "a denied origin gets nothing where everything is allowed", EVERYTHING,
              Request.actual(EVIL, "/counted")),
    # S10 `Origin` is in `Vary` on every response, or the answer is a constant.
    Situation("S10", "Vary without Origin", CREDENTIALED, Request.actual(None), body=b"items"),
    Situation("S10", "Vary with one origin declared, without Origin", ONE, Request.actual(None)),
    Situation("S10", "Vary with one origin declared, denied", ONE, Request.actual(EVIL)),
    Situation("S10", "Vary where any origin is allowed with credentials", REFLECTING, Request.actual(None)),
    Situation("S10", "a constant answer goes out without Origin, too", PUBLIC, Request.actual(None),
              {"allow-origin": "*", "expose-headers": "*"}, vary=()),
    Situation("S10", "a constant answer is constant for a malformed Origin, too", PUBLIC,
              Request.actual("https://app.example.com/"), {"allow-origin": "*", "expose-headers": "*"}, vary=()),
    Situation("S10", "Vary is merged without duplicates", CREDENTIALED, Request.actual(APP, "/varies"),
              {**GRANTED, **EXPOSED}, vary=("accept-encoding", "origin", "accept"),
              more=lambda response: len(response.values("vary")) == 1),
    Situation("S10", "Vary is merged for a denied origin", CREDENTIALED, Request.actual(EVIL, "/varies"),
              vary=("accept-encoding", "origin", "accept")),
    Situation("S10", "Vary: * stays", CREDENTIALED, Request.actual(APP, "/varies-on-all"), {**GRANTED, **EXPOSED},
              vary=("*",)),
    Situation("S10", "Vary on a preflight that repeats what was asked for", EVERYTHING,
              Request.preflight(APP, "PURGE", "x-a"),
              {**GRANTED, "allow-methods": "PURGE", "allow-headers": "x-a", "max-age": "600"}, status=204,
              vary=("origin", "access-control-request-method", "access-control-request-headers")),
    # S11 One writer.
    Situation("S11", "what the application set is replaced", CREDENTIALED, Request.actual(APP, "/own-cors"),
              {**GRANTED, **EXPOSED}),
    Situation("S11", "what the application set is replaced by a constant", PUBLIC, Request.actual(None, "/own-cors"),
              {"allow-origin": "*", "expose-headers": "*"}, vary=()),
    Situation("S11", "what the application set is removed without Origin", CREDENTIALED,
              Request.actual(None, "/own-cors")),
    # S12 All of this on every response.
    Situation("S12", "404", CREDENTIALED, Request.actual(APP, "/missing"), {**GRANTED, **EXPOSED}, status=404,
              body=b"not here"),
    Situation("S12", "403 of the application", CREDENTIALED, Request.actual(APP, "/forbidden"),
              {**GRANTED, **EXPOSED}, status=403),
    Situation("S12", "304", CREDENTIALED, Request.actual(APP, "/unchanged"), {**GRANTED, **EXPOSED}, status=304),
    Situation("S12", "a redirect", CREDENTIALED, Request.actual(APP, "/moved"), {**GRANTED, **EXPOSED}, status=307,
              more=lambda response: response.get("location") == "/items"),
    Situation("S12", "a stream", CREDENTIALED, Request.actual(APP, "/stream"), {**GRANTED, **EXPOSED},
              body=b"one two three"),
    Situation("S12", "HEAD", CREDENTIALED, Request.actual(APP, method="HEAD"), {**GRANTED, **EXPOSED}, body=b""),
    Situation("S12", "an exception that nothing handles", CREDENTIALED, Request.actual(APP, "/fails"),
              {**GRANTED, **EXPOSED}, status=500, more=lambda response: isinstance(response.error, RuntimeError)),
    Situation("S12", "an exception, for a denied origin", CREDENTIALED, Request.actual(EVIL, "/fails"), status=500,
              more=lambda response: isinstance(response.error, RuntimeError)),
    Situation("S12", "an exception, without Origin", PUBLIC, Request.actual(None, "/fails"),
              {"allow-origin": "*", "expose-headers": "*"}, vary=(), status=500,
              more=lambda response: isinstance(response.error, RuntimeError)),
    # S13 An allowed origin's preflight gets everything that is allowed; the browser does the refusing.
    Situation("S13", "an allowed preflight", CREDENTIALED, Request.preflight(APP, "PUT", "x-request-id"),
              {**GRANTED, **PREFLIGHT}, status=204, body=b""),
    Situation("S13", "a preflight for a method that is not allowed", CREDENTIALED, Request.preflight(APP, "PATCH"),
              {**GRANTED, **PREFLIGHT}, status=204, body=b""),
    Situation("S13", "a preflight for a header that is not allowed", CREDENTIALED,
              Request.preflight(APP, "PUT", "x-other"), {**GRANTED, **PREFLIGHT}, status=204, body=b""),
    Situation("S13", "a preflight for a method that always passes", ONE,
              Request.preflight("https://one.example", "POST"),
              {"allow-origin": "https://one.example", "max-age": "600"}, status=204, body=b""),
    Situation("S13", "max_age 0 is sent", EXPRESSION, Request.preflight("https://example.org", "POST"),
              {"allow-origin": "https://example.org", "max-age": "0"}, status=204),
    Situation("S13", "the private network is answered for where it is allowed", PRIVATE,
              Request.preflight(APP, "GET", Access_Control_Request_Private_Network="true"),
              {"allow-origin": APP, "max-age": "600", "allow-private-network": "true"}, status=204,
              vary=("origin", "access-control-request-private-network")),
    Situation("S13", "the private network is not mentioned where it is not allowed", ONE,
              Request.preflight("https://one.example", "GET", Access_Control_Request_Private_Network="true"),
              {"allow-origin": "https://one.example", "max-age": "600"}, status=204),
    # S14 `*` for methods and headers.
    Situation("S14", "stars without credentials are sent as they are", PUBLIC,
              Request.preflight(APP, "PURGE", "x-a,authorization"),
              {"allow-origin": "*", "allow-methods": "*", "allow-headers": "*, Authorization"}, vary=(), status=204),
    Situation("S14", "split lists are joined", EVERYTHING, Request.preflight(APP, "PUT", "x-a, x-b", "x-c,,\tx-d"),
              {**GRANTED, "allow-methods": "PUT", "allow-headers": "x-a, x-b, x-c, x-d", "max-age": "600"}, status=204,
              vary=("origin", "access-control-request-method", "access-control-request-headers")),
    *(
        Situation("S14", f"with credentials, {what}", EVERYTHING, Request.preflight(APP, "PUT", names),
                  {**GRANTED, "allow-methods": "PUT", "max-age": "600"}, status=204,
                  vary=("origin", "access-control-request-method", "access-control-request-headers"))
        for what, names in {
            "markup for a header name is not repeated": "x-a, <script>",
            "a space in a header name is not repeated": "x a",
            "129 header names are not repeated": ",".join(f"x-{number}" for number in range(129)),
            "more than 8 KiB of header names are not repeated": "x" * 8193,
            "a control character in a header name is not repeated": "x-a\x01",
        }.items()
    ),
    Situation("S14", "with credentials, a forbidden method is not repeated", EVERYTHING,
              Request.preflight(APP, "TRACE"), {**GRANTED, "max-age": "600"}, status=204,
              vary=("origin", "access-control-request-method", "access-control-request-headers")),
    # S15 A denied origin's preflight: 403, a short reason, Vary, nothing else.
    _refused_preflight("S15", "a preflight from a denied origin", CREDENTIALED, EVIL),
    _refused_preflight("S15", "a preflight from a denied origin, where everything is allowed", EVERYTHING, EVIL),
    # S16 Access-Control-Request-Method is one token.
    *(
        Situation("S16", f"{what} for a method", policy, Request.preflight(APP, method), status=403,
                  more=lambda response: response.get("allow-methods") is None)
        for policy in (CREDENTIALED, EVERYTHING)
        for what, method in {
            f"a list ({len(policy.allow_methods)})": "GET, DELETE",
            f"an empty value ({len(policy.allow_methods)})": "",
            f"a space ({len(policy.allow_methods)})": "PUT DELETE",
            f"markup ({len(policy.allow_methods)})": "<PUT>",
            f"a control character ({len(policy.allow_methods)})": "PUT\x0b",
        }.items()
    ),
)
# fmt: on
