"""Suite "drop-ins": each original's own example gives a page the same with nothing but the import changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from conformance.engines import Engine
from conformance.engines.network import PAGE, Network
from tests.compat.examples import EXAMPLES, application

SUITE = "drop-ins"
HOSTS = {"original": "asgi.api.example.com", "drop-in": "wsgi.api.example.com"}  # two names that the network knows

FETCHES: tuple[dict[str, Any], ...] = (
    {},
    {"credentials": "include"},
    {"method": "POST", "body": "text"},
    {"method": "POST", "body": "{}", "headers": {"Content-Type": "application/json"}},
    {"method": "HEAD"},
    {"method": "PUT"},
    {"method": "PATCH"},
    {"method": "patch"},
    {"headers": {"Authorization": "Bearer x"}},
    {"headers": {"X-Requested-With": "fetch"}},
    {"headers": {"X-Unheard-Of": "1"}},
    {"credentials": "include", "headers": {"Authorization": "Bearer x", "Content-Type": "application/json"}},
)

# Which headers a page sees depends on what servers add; those that the example sets say what is exposed.
PLAY = """
const [address, fetches] = arguments;
const outcomes = [];
for (const [number, init] of fetches.entries()) {
    try {
        const got = await fetch(`${address}?${number}`, { cache: "no-store", ...init });
        const seen = [...got.headers.keys()].filter((name) => name.startsWith("x-")).sort();
        outcomes.push([got.status, await got.text(), ...seen]);
    } catch {
        outcomes.push("blocked");
    }
}
return outcomes;
"""


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_page_gets_the_same_with_nothing_but_the_import_changed(
    engine: Engine, network: Network, judged: Callable[[str, Engine, int], None], name: str
) -> None:
    example = EXAMPLES[name]
    app, evil = (network.origin("https", host) for host in ("app.example.com", "evil.test"))
    got: dict[str, dict[str, Any]] = {}

    for side, host in HOSTS.items():
        served: AbstractContextManager[str] = example.serve(application(name, original=side == "original", page=app))
        with served as address, network.relay(host, address):
            url = network.origin("https", host) + example.path
            for page in (app, evil):
                engine.visit(page + PAGE)
                got.setdefault(side, {})[page] = engine.run(PLAY, url, FETCHES)

    judged(SUITE, engine, 2 * len(FETCHES))
    assert got["drop-in"] == got["original"]
    assert got["drop-in"][app][0][0] == 200  # the page that the example is about gets something at all
