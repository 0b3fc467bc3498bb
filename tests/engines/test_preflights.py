"""Suite "fewest preflights" (P6): what a page costs that uses four methods and three headers on one resource."""

from collections.abc import Callable
from typing import Any

from conformance import messages
from conformance.engines import Engine
from conformance.engines.network import PAGE, Network, Request, response

from .peers import HEADERS, LIBRARIES, METHODS, OURS, Ask

# It reads, changes, replaces and deletes, with the headers that such requests have, so that what is asked for differs
# from one request to the next.
USE = """
const [url, credentials] = arguments;
const token = { "Authorization": "Bearer x" };
const json = { "Content-Type": "application/json" };
const id = { "X-Request-Id": "1" };
const uses = [
    { headers: token },
    { method: "PATCH", headers: { ...token, ...json }, body: "{}" },
    { method: "PUT", headers: { ...token, ...json, ...id }, body: "{}" },
    { method: "DELETE", headers: { ...token, ...id } },
];
for (const use of uses) {
    try {
        await fetch(url, { ...use, credentials });
    } catch {
        return false;
    }
}
return true;
"""
REFUSED = "refused"
FRAMING = ("host", "connection", "content-length", "transfer-encoding")  # which a connection decides for itself


def preflights(engine: Engine, network: Network, library: str, credentials: bool) -> int | str:
    """Return how many preflights the page costs with *library*, or that it cannot do its work at all."""
    ask = LIBRARIES[library](network.origin("https", "app.example.com"), credentials)
    seen: list[Request] = []

    def handler(request: Request) -> bytes:
        seen.append(request)
        return through(ask, request)

    url = f"{network.origin('https', 'api.example.com')}/items?{library}{credentials}"  # preflights are cached by URL
    with network.serving(handler):
        done = engine.run(USE, url, "include" if credentials else "omit")
    asked = [request for request in seen if request.method == "OPTIONS"]
    used = [request for request in seen if request.method != "OPTIONS"]
    if done:
        assert sorted(request.method for request in used) == sorted(METHODS)
        assert {name for request in used for name in HEADERS if request.get(name)} == set(HEADERS)
    return len(asked) if done else REFUSED


def through(ask: Ask, request: Request) -> bytes:
    """Return what an application answers that is asked in process."""
    headers = tuple(line for line in request.headers if line[0].lower() not in FRAMING)
    answer = ask(messages.Request(request.method, request.target.partition("?")[0], headers, request.body))
    assert answer.error is None
    return response(answer.status, [line for line in answer.headers if line[0].lower() not in FRAMING], answer.body)


def test_p6_one_preflight_and_no_library_needs_fewer(
    engine: Engine, network: Network, judged: Callable[[str, Engine, int], None], counted: Callable[..., None]
) -> None:
    engine.visit(network.origin("https", "app.example.com") + PAGE)

    costs: dict[str, list[Any]] = {
        library: [preflights(engine, network, library, credentials) for credentials in (False, True)]
        for library in LIBRARIES
    }

    judged("fewest preflights", engine, 2 * len(LIBRARIES))
    for library, cost in costs.items():
        counted(library, engine, " / ".join(map(str, cost)))
    assert costs[OURS] == [1, 1]
    assert not [library for library, cost in costs.items() for count in cost if count != REFUSED and count < 1]
