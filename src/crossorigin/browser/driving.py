"""Running the algorithm: the two loops between it and a network (B1)."""

from collections.abc import Awaitable, Callable

from .algorithm import Fetching
from .messages import HTTPRequest, HTTPResponse, NoResponse
from .verdicts import Verdict


def run(fetching: Fetching, send: Callable[[HTTPRequest], HTTPResponse | NoResponse]) -> Verdict:
    """Run a fetch to its end, with *send* for a network.

    Args:
        fetching: What `Browser.fetch` returned.
        send: Carries one request and returns what came back.

    >>> from crossorigin.browser import Browser, Request
    >>> fetching = Browser().fetch(
    ...     Request.of("https://api.example.com/", method="PUT"), origin="https://app.example.com"
    ... )
    >>> run(fetching, lambda request: NoResponse("connection refused")).message
    'PUT https://api.example.com/ from https://app.example.com is blocked: the preflight fails: no response came: ...'
    """
    try:
        request = next(fetching)
        while True:
            request = fetching.send(send(request))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


async def run_async(fetching: Fetching, send: Callable[[HTTPRequest], Awaitable[HTTPResponse | NoResponse]]) -> Verdict:
    """Run a fetch to its end as `run` does, awaiting *send*."""
    try:
        request = next(fetching)
        while True:
            request = fetching.send(await send(request))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict
