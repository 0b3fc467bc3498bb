"""Counting what the policy decides, with prometheus-client: a small application with a page of metrics.

Run it with ``python -m examples.observe_prometheus``, ask it something as a page of another origin would, and look at
what it counted::

    curl -H "Origin: https://app.example.com" http://127.0.0.1:8000/items
    curl -H "Origin: https://evil.example" http://127.0.0.1:8000/items
    curl http://127.0.0.1:8000/metrics

A rise of ``reason="origin-not-allowed"`` behind a deployment is a page that no longer works, or a policy that names the
wrong origin; a rise of ``kind="websocket"`` that is not allowed is somebody else's page that tries to open a socket.
"""

import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry, Counter, make_asgi_app

from crossorigin import Decision, Policy
from crossorigin.asgi import ASGIApp, CORSMiddleware, Receive, Scope, Send

POLICY = Policy("https://app.example.com", allow_methods=["PUT"])


async def items(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'["one", "two"]'})


def build(registry: CollectorRegistry = REGISTRY) -> ASGIApp:
    decisions = Counter(
        "cors_decisions", "What the CORS policy decided.", ["kind", "allowed", "reason"], registry=registry
    )

    def count(decision: Decision) -> None:
        # Three labels from short fixed lists: a few dozen time series at most. The origin, the path and the method are
        # whatever a client sends: as labels, anybody could fill the memory with them.
        decisions.labels(decision.kind, str(decision.allowed).lower(), decision.reason).inc()

    api = CORSMiddleware(items, POLICY, observe=count)
    metrics: ASGIApp = make_asgi_app(registry)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Around the policy, not behind it: no page has any business with the metrics.
        inner = metrics if scope.get("path") == "/metrics" else api
        await inner(scope, receive, send)

    return app


if __name__ == "__main__":
    uvicorn.run(build(), host="127.0.0.1", port=8000, lifespan="off")
