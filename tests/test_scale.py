"""S6: the cost of a decision does not depend on how many origins are declared. Counted in steps, not in time."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from conformance.messages import Request
from conformance.stacks.asgi import serve_asgi
from conformance.stacks.wsgi import environ_of, serve_wsgi
from crossorigin import Policy
from crossorigin.asgi import Message

FEW = ["https://app.example.com", "https://*.example.org", "http://localhost:*"]
MANY = [
    *FEW,
    *(f"https://site{number}.example.com" for number in range(5000)),
    *(f"https://*.tenant{number}.example.net" for number in range(5000)),
    *(f"http://host{number}.test:*" for number in range(5000)),
]
ORIGINS = [
    "https://app.example.com",
    "https://a.b.example.org",
    "http://localhost:5173",
    "https://evil.example",
    "https://example.org",
    "null",
    "https://app.example.com/",
]


def steps(work: Callable[[], Any]) -> int:
    """Return how many lines of Python *work* runs through, when what is remembered has been remembered."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    work()
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def policy_steps(policy: Policy, request: Request) -> int:
    origin = dict(request.headers)["Origin"]
    return steps(lambda: (policy.actual(origin), policy.preflight(origin, "/", "PUT", ["x-a"])))


def wsgi_steps(policy: Policy, request: Request) -> int:
    app = serve_wsgi(policy)
    environ = environ_of(request)
    return steps(lambda: app(environ, lambda *_: lambda data: None))


def asgi_steps(policy: Policy, request: Request) -> int:
    app = serve_asgi(policy)
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers]
    scope = {"type": "http", "method": request.method, "path": request.path, "headers": headers}

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None: ...

    def work() -> None:
        with pytest.raises(StopIteration):
            app(scope, receive, send).send(None)  # type: ignore[attr-defined]

    return steps(work)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("count", [policy_steps, wsgi_steps, asgi_steps])
def test_s6_a_decision_takes_the_same_steps_for_a_few_origins_and_for_thousands(
    count: Callable[[Policy, Request], int], origin: str
) -> None:
    few, many = (count(Policy(origins), Request.actual(origin)) for origins in (FEW, MANY))

    assert few == many > 0
