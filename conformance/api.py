"""The small API that every stack serves in front of the situations: what it answers, once, as data.

A stack maps `answer` onto its own ways: a route, a handler, an application. It sets some CORS headers of its own on
purpose, fails on purpose, and streams.
"""

from dataclasses import dataclass


class FailureError(RuntimeError):
    """What the API raises at ``/fails``: an exception that nothing handles."""


@dataclass(frozen=True)
class Reply:
    """What the API answers: a status, header lines, and the pieces of a body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),)
    pieces: tuple[bytes, ...] = (b"items",)


REPLIES = {
    "/items": Reply(),
    "/counted": Reply(
        headers=(("Content-Type", "text/plain"), ("X-Total-Count", "3"), ("Set-Cookie", "seen=1"), ("ETag", '"1"'))
    ),
    "/own-cors": Reply(
        headers=(
            ("Access-Control-Allow-Origin", "https://someone.example"),
            ("ACCESS-CONTROL-ALLOW-CREDENTIALS", "true"),
            ("Access-Control-Max-Age", "5"),
        )
    ),
    "/varies": Reply(headers=(("Vary", "Accept-Encoding, origin"), ("vary", "Accept"))),
    "/varies-on-all": Reply(headers=(("Vary", "*"),)),
    "/moved": Reply(307, (("Location", "/items"),), ()),
    "/unchanged": Reply(304, (("ETag", '"1"'),), ()),
    "/forbidden": Reply(403, pieces=(b"no",)),
    "/stream": Reply(pieces=(b"one ", b"two ", b"three")),
}
MISSING = Reply(404, pieces=(b"not here",))
OPTIONS = Reply(200, (("Content-Type", "text/plain"), ("Allow", "GET, OPTIONS")), (b"the application's own",))


def answer(method: str, path: str) -> Reply:
    """Return what the API answers, or raise `FailureError` at ``/fails``."""
    if method == "OPTIONS":
        return OPTIONS
    if path == "/fails":
        raise FailureError("on purpose")
    return REPLIES.get(path, MISSING)
