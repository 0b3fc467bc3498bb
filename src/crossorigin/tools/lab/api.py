"""The small API that every stack of the lab serves: what it answers, once, as data.

Knows nothing of policies and frameworks. A stack maps `answer` onto its own ways. It redirects and fails on purpose,
since what becomes of such responses is what people ask about.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ...browser.messages import Header
from .situations import HOSTS


class OnPurposeError(RuntimeError):
    """What the API raises at ``/fails``: an exception that nothing handles."""


class Reply(NamedTuple):
    """What the API answers."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    @property
    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI has them."""
        return [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in self.headers]


# What a person can choose on the page, and what happens there.
PATHS = {
    "/items": "answers 200, with X-Total-Count: 3",
    "/moved": "redirects to /items",
    "/fails": "raises an exception",
    "/missing": "is not there: 404",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_NAMES = frozenset({"127.0.0.1", "localhost", *(host for host, _ in HOSTS.values())})

# What a stack answers whoever reached it by a name that is not the lab's, or from a page that is not.
MISDIRECTED = Reply(421, (_TEXT,), b"This is no host, or no page, of the lab's.\n")


def is_own(hosts: Sequence[str], origins: Sequence[str] = ()) -> bool:
    """Return whether a request is one of the lab's, by its headers ``Host`` and ``Origin``.

    DNS rebinding ends here. And what other websites say of themselves reaches no expression of a policy: it was tried
    with the lab's own origins alone.

    >>> is_own(["127.0.0.1:8000"]), is_own(["evil.example:8000"]), is_own([])
    (True, False, False)
    >>> is_own(["localhost"], ["http://app.localhost:1"]), is_own(["localhost"], ["https://evil.example"])
    (True, False)
    """
    pages = [origin.removeprefix("http://") for origin in origins if origin != "null"]
    return len(hosts) == 1 and all(name.partition(":")[0].lower() in _NAMES for name in (*hosts, *pages))


def answer(path: str, query: str) -> Reply:
    """Return what the API answers at *path*, whatever the method.

    Args:
        path: The path that the framework routes on.
        query: The query, which a redirect keeps.

    Raises:
        OnPurposeError: At ``/fails``.

    >>> answer("/moved", "lab=1").headers
    (('Location', '/items?lab=1'),)
    """
    match path:
        case "/items":
            return Reply(200, (_TEXT, ("X-Total-Count", "3"), ("ETag", '"1"')), b"one, two, three\n")
        case "/moved":
            return Reply(307, (("Location", f"/items?{query}" if query else "/items"),), b"")
        case "/fails":
            raise OnPurposeError("on purpose")
        case _:
            return Reply(404, (_TEXT,), b"not here\n")
