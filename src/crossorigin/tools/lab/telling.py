"""What the page is told of a play, as data: only what it shows."""

from collections.abc import Iterable
from typing import Any

from ...answer import REASONS
from ...browser.messages import Header, HTTPResponse
from .journal import Seen
from .plays import Play

# Of all that went over the wire, what CORS reads, and what made it necessary; compared in lower case.
_SHOWN_OF_REQUEST = ("origin", "access-control-request-", "authorization", "content-type", "cookie")
_SHOWN_OF_RESPONSE = ("access-control-", "vary", "location", "x-total-count")


def play_as_data(play: Play) -> dict[str, Any]:
    """Return *play*, with the three things that the page shows side by side, less what the browser did."""
    data: dict[str, Any] = {"id": play.identity, "stack": play.stack, "url": play.url, "code": play.code}
    if play.verdict is None or play.explanation is None:
        return {**data, "allowed": False, "message": play.impossible, "steps": [], "declared": None}
    verdict, declared = play.verdict, play.explanation
    last = declared.verdict.exchanges[-1].response if declared.verdict.exchanges else None
    return {
        **data,
        "allowed": verdict.allowed,
        "message": verdict.message,
        "clause": verdict.clause,
        "steps": verdict.steps,
        "dropped": [name for name, _ in declared.request.dropped],
        "refused": play.is_refused_by_server,
        "visible": None if verdict.response is None else sorted({name.lower() for name, _ in verdict.response.headers}),
        "declared": {
            "allowed": declared.allowed,
            "reason": declared.reason,
            "sentence": "" if declared.reason is None else f"the origin {REASONS[declared.reason]}",
            "advice": declared.advice,
            "headers": _shown(last.headers, _SHOWN_OF_RESPONSE) if isinstance(last, HTTPResponse) else [],
        },
    }


def seen_as_data(seen: Seen) -> dict[str, Any]:
    """Return what a server saw of one request, as far as CORS is concerned with it."""
    return {
        "method": seen.method,
        "request": _shown(seen.request, _SHOWN_OF_REQUEST),
        "status": seen.status,
        "response": _shown(seen.response, _SHOWN_OF_RESPONSE),
    }


def _shown(headers: Iterable[Header], prefixes: tuple[str, ...]) -> list[Header]:
    """Return those of *headers* that CORS is about, in one spelling."""
    told = [(name, value) for name, value in headers if name.lower().startswith(prefixes)]
    return [(name.title() if name.islower() else name, value) for name, value in told]
