"""Suite "our servers": five stacks on real servers, and what real pages in each engine get from them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from conformance.engines import Engine
from conformance.engines.network import PAGE, Network
from conformance.pages import CREDENTIALED_SITUATIONS, PAGES, PUBLIC, PUBLIC_SITUATIONS, Page, Situation, credentialed
from conformance.servers import aiohttp_server, uvicorn_server, waitress_server
from conformance.stacks.aiohttp import serve_aiohttp
from conformance.stacks.asgi import serve_asgi
from conformance.stacks.kui import serve_kui_asgi
from conformance.stacks.starlette import serve_fastapi
from conformance.stacks.wsgi import serve_wsgi

SUITE = "our servers"
STACKS: dict[str, Callable[[Any], AbstractContextManager[str]]] = {
    "asgi": lambda policy: uvicorn_server(serve_asgi(policy)),
    "fastapi": lambda policy: uvicorn_server(serve_fastapi(policy)),
    "wsgi": lambda policy: waitress_server(serve_wsgi(policy)),
    "aiohttp": lambda policy: aiohttp_server(serve_aiohttp(policy)),
    "kui": lambda policy: uvicorn_server(serve_kui_asgi(policy)),
}

# All stacks side by side, each fetch to one of them after the other, so that nothing but the situation decides. A fetch
# that fails is followed by one that asks the same server for nothing that CORS is about: where that fails too, CORS was
# not the reason.
PLAY = """
async function play(fetches) {
    const outcomes = [];
    for (const [url, init, times] of fetches) {
        const outcome = [];
        for (let time = 0; time < times; time++) {
            try {
                const got = await fetch(url, init);
                outcome.push({ status: got.status, headers: Object.fromEntries(got.headers), text: await got.text() });
            } catch (error) {
                const control = await fetch(url, { mode: "no-cors" });
                outcome.push({ blocked: error.name, control: control.type });
            }
        }
        outcomes.push(outcome);
    }
    return outcomes;
}
return await Promise.all(arguments[0].map(play));
"""
BLOCKED = {"blocked": "TypeError", "control": "opaque"}


@pytest.fixture(scope="module")
def served(network: Network) -> Iterator[None]:
    """All stacks behind both policies, where `host_of` says."""
    with ExitStack() as running:
        for kind, policy in (("api", credentialed(network.origin)), ("open", PUBLIC)):
            for stack, serve in STACKS.items():
                address = running.enter_context(serve(policy))
                running.enter_context(network.relay(host_of(stack, kind), address))
        yield


def host_of(stack: str, kind: str) -> str:
    return f"{stack}.{kind}.example.com"


def problems(situation: Situation, outcomes: list[dict[str, Any]]) -> list[str]:
    """Return what of what the page got is not as it must be."""
    found = []
    for outcome in outcomes:
        if not situation.readable:
            found += [] if outcome == BLOCKED else [f"{outcome}, not {BLOCKED}"]
        elif "blocked" in outcome:
            found.append(f"blocked: {outcome}")
        else:
            if outcome["status"] != situation.status:
                found.append(f"status {outcome['status']}, not {situation.status}")
            if situation.text not in (None, outcome["text"]):
                found.append(f"text {outcome['text']!r}, not {situation.text!r}")
            seen = {name: outcome["headers"].get(name) for name in situation.sees}
            if seen != situation.sees:
                found.append(f"headers {seen}, not {situation.sees}")
    return found if len(outcomes) == situation.times else [*found, f"{len(outcomes)} outcomes"]


def fetch_of(situation: Situation, api: str, number: int) -> tuple[str, dict[str, Any], int]:
    init: dict[str, Any] = {"method": situation.method, "credentials": situation.credentials, "cache": "no-store"}
    init["headers"] = situation.headers
    if situation.body is not None:
        init["body"] = situation.body
    return f"{api}{situation.path}?{number}", init, situation.times  # a URL of its own: preflights are cached by URL


def play(engine: Engine, network: Network, kind: str, situations: tuple[Situation, ...]) -> dict[str, list[str]]:
    """Play *situations* page by page on all stacks, and return what is wrong, by stack and situation."""
    wrong: dict[str, list[str]] = {}
    numbered = list(enumerate(situations))

    def play_on(page: Page, url: str, stacks: list[str], chosen: list[tuple[int, Situation]]) -> None:
        apis = [network.origin("https", host_of(stack, kind)) for stack in stacks]
        engine.visit(url)
        run = engine.run_sandboxed if page.sandboxed else engine.run
        outcomes = run(PLAY, [[fetch_of(situation, api, number) for number, situation in chosen] for api in apis])
        for stack, of_stack in zip(stacks, outcomes, strict=True):
            for (_, situation), outcome in zip(chosen, of_stack, strict=True):
                if found := problems(situation, outcome):
                    wrong[f"{stack}: {situation.name}"] = found

    for name, page in PAGES.items():
        chosen = [one for one in numbered if one[1].page == name]
        if page.host is not None:
            url = network.origin(page.scheme, page.host, other_port=page.other_port) + PAGE
            play_on(page, url, list(STACKS), chosen)
        else:
            for stack in STACKS:
                play_on(page, f"{network.origin('https', host_of(stack, kind))}/items", [stack], chosen)
    return wrong


@pytest.mark.parametrize(("kind", "situations"), [("api", CREDENTIALED_SITUATIONS), ("open", PUBLIC_SITUATIONS)])
@pytest.mark.usefixtures("served")
def test_pages_get_what_the_policy_says(
    engine: Engine,
    network: Network,
    judged: Callable[[str, Engine, int], None],
    kind: str,
    situations: tuple[Situation, ...],
) -> None:
    wrong = play(engine, network, kind, situations)

    judged(SUITE, engine, len(situations) * len(STACKS))
    assert wrong == {}


def test_the_situations_are_told_apart_by_name() -> None:
    for situations in (CREDENTIALED_SITUATIONS, PUBLIC_SITUATIONS):
        assert len({situation.name for situation in situations}) == len(situations)
        assert {situation.page for situation in situations} <= set(PAGES)
