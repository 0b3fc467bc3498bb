"""What every framework routes: the paths of the API, the methods that the situations use, and a path behind a lock.

Each framework locks `PRIVATE` in the way of its own that runs before any handler: without ``Authorization`` it is 401.
"""

from ..api import REPLIES, Reply

PRIVATE = "/private"
LOCKED = b"who are you?"
PATHS = (*REPLIES, "/fails", PRIVATE)  # any other path is the framework's own 404
METHODS = ("GET", "HEAD", "POST", "OPTIONS")


def is_locked(path: str, authorization: object) -> bool:
    """Return whether a request for *path* is refused for want of *authorization*."""
    return path == PRIVATE and not authorization


def merged(reply: Reply) -> dict[str, str]:
    """Return the headers of *reply* for frameworks that keep them by name: the lines of each joined to one."""
    headers: dict[str, str] = {}
    for name, value in reply.headers:
        key = next((known for known in headers if known.lower() == name.lower()), name)
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
