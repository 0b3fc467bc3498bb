"""B4: the model and the real engines agree, situation by situation, but for the differences that it knows by name.

What the page gets and what reaches the servers are both compared. ``CROSSORIGIN_SITUATIONS=5000`` plays that many
situations, drawn anew on every run; without it they are the same ones each time.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from conformance.engines import ENGINES as INSTALLED
from conformance.engines import Engine as RealEngine
from conformance.engines.network import PAGE, Network, Request, response
from crossorigin.browser import ENGINES, Browser, Engine, HTTPRequest, HTTPResponse, run

from .generated import SCRIPT, Places, Servers, Situation, request_of, script_steps, situations

WANTED = os.environ.get("CROSSORIGIN_SITUATIONS")
COUNT = int(WANTED or 700)


def model(situation: Situation, network: Places, name: str, engine: Engine) -> tuple[list[Any], list[Any]]:
    """Play *situation* in the model of *engine*: what the page gets, and what reached the servers."""
    servers = Servers(situation, network, name)

    def send(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(*servers.answer(request.method, request.url, request.headers))

    browser = Browser(engine, clock=lambda: 0)
    got: list[Any] = []
    for step in situation.steps:
        verdict = run(
            browser.fetch(request_of(step, servers.url(0)), origin=servers.page_origin, partition=servers.page), send
        )
        seen = verdict.response
        if seen is None:
            got.append("blocked")
        elif step.upload_listener:
            got.append({"status": seen.status, "body": seen.body.decode()})
        else:
            got.append(
                {
                    "type": seen.type,
                    "status": seen.status,
                    "redirected": seen.redirected,
                    "headers": sorted({name.lower(): seen.get(name) for name, _ in seen.headers}.items()),
                    "body": seen.body.decode(),
                }
            )
    return got, servers.asked


class Played:
    """A situation in a real engine."""

    names = itertools.count()  # for URLs that no cache knows yet

    def __init__(self, network: Network) -> None:
        self.network = network
        self.servers: dict[str, Servers] = {}
        self.pages: dict[str, str] = {}

    def handler(self, request: Request) -> bytes:
        servers = self.servers[request.target.split("/")[1]]
        status, headers, body = servers.answer(request.method, request.target, request.headers)
        return response(status, headers, body if request.method != "HEAD" else b"")

    def play(self, engine: RealEngine, situation: Situation) -> tuple[list[Any], list[Any]]:
        """Play *situation* in *engine*: what the page gets, and what reached the servers."""
        servers = Servers(situation, self.network, f"{engine.name}-{next(self.names)}")
        self.servers[servers.name] = servers
        if self.pages.get(engine.name) != servers.page:
            engine.visit(servers.page + PAGE)
            self.pages[engine.name] = servers.page
        start = engine.run_sandboxed if situation.sandboxed else engine.run
        got = start(SCRIPT, script_steps(servers))
        return [self.comparable(one) for one in got], servers.asked

    @staticmethod
    def comparable(got: dict[str, Any]) -> Any:
        if "error" in got:
            return "blocked"
        if "headers" in got:
            got["headers"] = sorted(tuple(header) for header in got["headers"] if header[0] != "content-length")
        return got


def test_b4_the_model_agrees_with_the_engines(
    all_engines: dict[str, RealEngine], network: Network, judged: Callable[[str, RealEngine, int], None]
) -> None:
    played = Played(network)
    count = 0

    @settings(
        max_examples=COUNT,
        deadline=None,
        derandomize=WANTED is None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(situation=situations())
    def agree(situation: Situation) -> None:
        nonlocal count
        results = executor.map(lambda engine: played.play(engine, situation), all_engines.values())
        for engine, result in zip(all_engines.values(), results, strict=True):
            expected = model(situation, network, "model", ENGINES[engine.name])
            assert result == expected, f"{engine.name} and the model disagree"
        count += 1

    for engine in all_engines.values():
        engine.clear_cookies()
    with ThreadPoolExecutor(len(INSTALLED)) as executor, network.serving(played.handler):
        agree()

    for engine in all_engines.values():
        judged("model against engines", engine, count)
