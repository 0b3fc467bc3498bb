"""What every framework routes: the paths of the API, some for CORS alone, and one that is behind a lock.

Each framework locks `PRIVATE` in the way of its own that runs before any handler. OPTIONS is nobody's business here:
what a framework answers by itself is what its users have.
"""

from conformance import api
from conformance.frameworks.routes import LOCKED, PRIVATE, is_locked, merged

from ..policies import PUBLIC_PATH

__all__ = ["FEED", "LOCKED", "METHODS", "PATHS", "POST_ONLY", "PRIVATE", "SLASHED", "answer", "is_locked", "merged"]

SLASHED = "/dir/"
FEED = f"{PUBLIC_PATH}/feed"
POST_ONLY = "/post-only"
PATHS = (*api.REPLIES, "/fails", PRIVATE, SLASHED, FEED, f"{PUBLIC_PATH}ity")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


def answer(method: str, path: str) -> api.Reply:
    """Return what the API answers, or raise `conformance.api.FailureError` at ``/fails``."""
    return api.answer(method, path) if path in (*api.REPLIES, "/fails") else api.Reply()
