"""The kinds of request that everything is measured with, and what the answer to each has to be.

One policy for all: one exact origin with credentials, two methods, two request headers, one exposed header, ten
minutes. Beside what CORS adds, each request carries the lines that a browser sends. Every answer is checked before it
is measured, so that no library is measured doing nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from conformance.messages import Request, Response
from crossorigin import Policy

ORIGIN = "https://app.example.com"
DENIED = "https://evil.example"
METHODS = ("PUT", "DELETE")
HEADERS = ("Authorization", "X-Request-Id")
EXPOSED = "X-Total-Count"
MAX_AGE = 600


def policy(origins: Sequence[str] = (ORIGIN,)) -> Policy:
    """Return the policy, with these *origins*."""
    return Policy(
        origins,
        allow_credentials=True,
        allow_methods=METHODS,
        allow_headers=HEADERS,
        expose_headers=EXPOSED,
        max_age=MAX_AGE,
    )


PATH = "/items"
BODY = b'{"items": []}'
CONTENT_TYPE = "application/json"

# What Chromium sends with a fetch() to another site, besides Origin.
BROWSER = (
    ("Host", "api.example.com"),
    ("Connection", "keep-alive"),
    ("sec-ch-ua-platform", '"Linux"'),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("sec-ch-ua", '"Chromium";v="140", "Not=A?Brand";v="24"'),
    ("sec-ch-ua-mobile", "?0"),
    ("Accept", "*/*"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Dest", "empty"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-US,en;q=0.9"),
)


class Kind(NamedTuple):
    """A kind of request.

    Attributes:
        name: What it is called in tables.
        request: One of its kind.
        allowed: Whether the policy allows its origin.
        unseen: Whether each comes from another origin, so that no answer can be remembered.
    """

    name: str
    request: Request
    allowed: bool
    unseen: bool = False

    @property
    def is_preflight(self) -> bool:
        """Whether a middleware may answer it in the application's place."""
        return self.request.method == "OPTIONS"

    def repeated(self, times: int) -> list[Request]:
        """Return as many requests of this kind."""
        if not self.unseen:
            return [self.request] * times
        return [from_origin(self.request, f"https://site{next(_unseen):09}.example") for _ in range(times)]


_unseen = count()


def from_origin(request: Request, origin: str) -> Request:
    """Return *request* as a page of *origin* sends it."""
    lines = tuple((name, origin if name == "Origin" else value) for name, value in request.headers)
    return replace(request, headers=lines)


def _actual(*lines: tuple[str, str]) -> Request:
    return Request("GET", PATH, (*BROWSER[:7], *lines, *BROWSER[7:]))  # where Chromium puts Origin: behind Accept


def _preflight(origin: str) -> Request:
    asked = (
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,x-request-id"),
        ("Origin", origin),
    )
    return Request("OPTIONS", PATH, (*BROWSER[:7], *asked, *BROWSER[7:]))


ALLOWED = Kind("allowed", _actual(("Origin", ORIGIN)), allowed=True)
KINDS = (
    Kind("no Origin", _actual(), allowed=False),
    ALLOWED,
    Kind("denied", _actual(("Origin", DENIED)), allowed=False),
    Kind("preflight allowed", _preflight(ORIGIN), allowed=True),
    Kind("preflight denied", _preflight(DENIED), allowed=False),
)
# Beyond what P1 names: nobody asks so but who wants to be a burden.
UNSEEN = (
    Kind("denied, never seen", _actual(("Origin", DENIED)), allowed=False, unseen=True),
    Kind("preflight denied, never seen", _preflight(DENIED), allowed=False, unseen=True),
)


# What the policy says to an allowed origin, by header without ``Access-Control-``.
SAID = {"allow-credentials": "true"}
SAID_IN_PREFLIGHTS = {"allow-methods": ", ".join(METHODS), "allow-headers": ", ".join(HEADERS), "max-age": str(MAX_AGE)}
SAID_OTHERWISE = {"expose-headers": EXPOSED}


class WrongAnswerError(Exception):
    """What a library answered is not what its policy says: measuring it would say nothing."""


def check(kind: Kind, response: Response, enforces: bool, lacks: Sequence[str] = ()) -> None:
    """Make sure that *response* is the right one to a request of *kind*: that it says all of the policy.

    Args:
        kind: What was asked.
        response: What was answered.
        enforces: Whether there is a policy at all: the bare application has none.
        lacks: What of the policy the library cannot say, by header.

    Raises:
        WrongAnswerError: With what is wrong about it.
    """
    if response.error is not None:
        raise WrongAnswerError(f"{kind.name}: the application raised {response.error!r}") from response.error
    if not kind.is_preflight and (response.status != 200 or response.body != BODY):
        raise WrongAnswerError(f"{kind.name}: the application's answer did not arrive, but {response.status}")
    if not any(name == "Origin" for name, _ in kind.request.headers):
        return  # no page reads this, whatever it says of CORS
    wanted = ORIGIN if enforces and kind.allowed else None
    if response.cors.get("allow-origin") != wanted:
        raise WrongAnswerError(f"{kind.name}: wanted Access-Control-Allow-Origin: {wanted}, and got {response.cors}")
    if not (enforces and kind.allowed):
        return
    if kind.is_preflight and not 200 <= response.status <= 299:
        raise WrongAnswerError(f"{kind.name}: no browser would go on after {response.status}")
    for name, value in {**SAID, **(SAID_IN_PREFLIGHTS if kind.is_preflight else SAID_OTHERWISE)}.items():
        if name not in lacks and not _names(value) <= _names(response.cors.get(name, "")):
            raise WrongAnswerError(f"{kind.name}: wanted {value!r} in {name}, and got {response.cors}")


def _names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}
