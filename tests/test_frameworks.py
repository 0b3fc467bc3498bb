"""Real frameworks over the generic adapters, and the lines that docs/stacks/ tells their users to write."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as connect_websocket

from conformance.frameworks import FRAMEWORKS, Framework
from conformance.messages import Request
from conformance.servers import ask_server, uvicorn_server, waitress_server
from conformance.situations import APP, CREDENTIALED, EVIL, SITUATIONS, Situation
from crossorigin import ByPath, Policy, asgi
from crossorigin.answer import Rules

POLICY = Policy(APP, allow_credentials=True, allow_methods=["PUT"])
GRANTED = {"allow-origin": APP, "allow-credentials": "true"}
BY_NAME = {framework.name: framework for framework in FRAMEWORKS}

parametrize_frameworks = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)


@pytest.fixture(autouse=True)
def root_logger_as_it_was() -> Iterator[None]:
    # Litestar, unless told otherwise, sets up the root logger of the process.
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def serve(framework: Framework, app: Any) -> AbstractContextManager[str]:
    return waitress_server(app) if framework.interface == "wsgi" else uvicorn_server(app, lifespan="auto")


# --- the shared situations ----------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """Situations in which some frameworks answer otherwise than the API does by itself, and why."""

    frameworks: set[str]
    concerns: Callable[[Situation], bool]
    problem: str  # how what `Situation.problems` says of it begins
    reason: str


def fails(situation: Situation) -> bool:
    return situation.request.path == "/fails"


DIFFERENCES = (
    Difference(
        set(BY_NAME), lambda one: one.name == "404", "body", "the framework's router shows the framework's page"
    ),
    Difference(
        set(BY_NAME) - {"pyramid"},
        fails,
        "the further condition",
        "the framework catches what a handler raises, logs it, and answers 500 by itself",
    ),
    Difference(
        {"django-wsgi", "django-asgi", "litestar", "quart", "blacksheep"},
        lambda one: one.request.method == "HEAD",
        "body",
        "the framework leaves it to the server to cut the body off",
    ),
    Difference(
        {"falcon"}, lambda one: fails(one) or one.name == "404", "Vary ['accept'", "its errors come as JSON or as XML"
    ),
    Difference({"pyramid"}, lambda one: one.name == "a redirect", "the further condition", "it makes the URL absolute"),
    Difference(
        {"quart"},
        lambda one: any("\n" in value for _, value in one.request.headers),
        "status 500",
        "it refuses a line end in a header of the request, which no server lets through to it",
    ),
)


@parametrize_frameworks
def test_the_situations_in_process(framework: Framework) -> None:
    apps: dict[Policy, Any] = {}
    problems = {}
    seen = set()
    for situation in SITUATIONS:
        if situation.policy not in apps:
            apps[situation.policy] = framework.serve(situation.policy)
        found = situation.problems(framework.ask(apps[situation.policy], situation.request))
        for difference in DIFFERENCES:
            if framework.name in difference.frameworks and difference.concerns(situation):
                seen |= {difference.reason for problem in found if problem.startswith(difference.problem)}
                found = [problem for problem in found if not problem.startswith(difference.problem)]
        if found:
            problems[situation.name] = found

    assert problems == {}
    # And no difference is listed that is not there.
    assert seen == {difference.reason for difference in DIFFERENCES if framework.name in difference.frameworks}


# --- what users ask first -----------------------------------------------------------------------------------------


@parametrize_frameworks
def test_s12_a_handler_that_raises_is_a_500_with_the_headers_and_is_logged(
    framework: Framework, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with serve(framework, framework.serve(POLICY)) as address:
        response = ask_server(address, Request.actual(APP, "/fails"))

    printed = capfd.readouterr()
    assert (response.status, response.cors, response.vary[-1]) == (500, GRANTED, "origin")
    assert "FailureError: on purpose" in caplog.text + printed.out + printed.err


@parametrize_frameworks
def test_s2_a_preflight_is_answered_before_the_frameworks_own_authentication(framework: Framework) -> None:
    app = framework.serve(POLICY)

    actual = framework.ask(app, Request.actual(APP, "/private"))
    preflight = framework.ask(app, Request.preflight(APP, "PUT", path="/private"))

    assert (actual.status, actual.body, actual.cors) == (401, b"who are you?", GRANTED)
    assert (preflight.status, preflight.cors["allow-methods"]) == (204, "PUT")


@parametrize_frameworks
def test_s1_a_plain_options_reaches_the_application(framework: Framework) -> None:
    response = framework.ask(framework.serve(POLICY), Request.preflight(APP, None))

    assert (response.body, response.cors) == (b"the application's own", GRANTED)


@parametrize_frameworks
def test_s18_enforcement_keeps_a_foreign_request_from_the_handler(framework: Framework) -> None:
    response = framework.ask(framework.serve(POLICY, enforce=True), Request.actual(EVIL, "/fails", method="POST"))

    assert (response.status, response.body, response.cors) == (403, b"CORS: the origin is not allowed.\n", {})


WITH_WEBSOCKETS = [framework for framework in FRAMEWORKS if framework.websockets]


@pytest.mark.parametrize("framework", WITH_WEBSOCKETS, ids=lambda framework: framework.name)
def test_s17_a_page_of_another_origin_opens_no_websocket(framework: Framework) -> None:
    with uvicorn_server(framework.serve(POLICY), lifespan="auto", ws="websockets-sansio") as address:
        url = address.replace("http", "ws", 1) + "/ws"
        greetings = []
        origins: list[Any] = [APP, address, None]
        evil: Any = EVIL
        for origin in origins:
            with connect_websocket(url, origin=origin, proxy=None) as websocket:
                greetings.append(websocket.recv())
        with pytest.raises(InvalidStatus) as refused:
            connect_websocket(url, origin=evil, proxy=None)

    assert greetings == ["hello"] * 3
    assert (refused.value.response.status_code, refused.value.response.body) == (
        403,
        b"CORS: the origin is not allowed.\n",
    )


# --- the pages of docs/stacks/ ------------------------------------------------------------------------------------

STACKS = Path(__file__).parent.parent / "docs" / "stacks"
PAGES = ("flask", "django", "falcon", "bottle", "pyramid", "litestar", "quart", "blacksheep")
SNIPPETS = [
    (page, block)
    for page in PAGES
    for block in re.findall(
        r"^```python\n(.*?)^```$", (STACKS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
]


@pytest.mark.parametrize(
    ("page", "snippet"), SNIPPETS, ids=[f"{page}-{number}" for number, (page, _) in enumerate(SNIPPETS)]
)
def test_the_lines_of_the_page(page: str, snippet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DJANGO_SETTINGS_MODULE", "set so that the page's own line, which keeps it, leaves nothing behind"
    )
    names: dict[str, Any] = {"__name__": page}
    exec(compile(snippet, f"{page}.md", "exec"), names)
    app = names.get("app") or names["application"]

    with uvicorn_server(app, lifespan="auto") if "crossorigin.asgi" in snippet else waitress_server(app) as address:
        local = ask_server(address, Request.actual("http://localhost:5173", "/items"))
        missing = ask_server(address, Request.actual(APP, "/nowhere"))
        preflight = ask_server(address, Request.preflight(APP, "PUT", path="/nowhere"))
        evil = ask_server(address, Request.actual(EVIL, "/items"))

    assert (local.status, local.cors) == (200, {"allow-origin": "http://localhost:5173"})
    assert b"items" in local.body or b"two" in local.body
    assert (missing.status, missing.cors) == (404, {"allow-origin": APP})
    assert (preflight.status, preflight.cors["allow-methods"]) == (204, "PUT, DELETE")
    assert (evil.status, evil.cors) == (200, {})


def test_every_page_has_lines_and_is_in_the_index() -> None:
    index = (STACKS / "README.md").read_text(encoding="utf-8")

    assert {page for page, _ in SNIPPETS} == set(PAGES)
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == {*PAGES, "fastapi", "starlette", "aiohttp", "kui"}


# --- what the pages warn of ---------------------------------------------------------------------------------------


def test_litestar_runs_its_middleware_behind_its_router() -> None:
    from litestar import Litestar, get
    from litestar.middleware import DefineMiddleware

    @get("/items")
    async def items() -> list[str]:
        return []

    middleware: Any = asgi.CORSMiddleware
    app = Litestar([items], middleware=[DefineMiddleware(middleware, policy=CREDENTIALED)], logging_config=None)
    litestar = BY_NAME["litestar"]

    assert "allow-origin" in litestar.ask(app, Request.actual(APP)).cors
    assert litestar.ask(app, Request.actual(APP, "/missing")).cors == {}
    assert litestar.ask(app, Request.preflight(APP, path="/missing")).status == 404


def test_flask_lets_exceptions_through_in_debug_mode_and_the_debuggers_page_does_not_come_up(
    capfd: pytest.CaptureFixture[str],
) -> None:
    from flask import Flask
    from werkzeug.debug import DebuggedApplication

    from crossorigin import wsgi

    app = Flask("demo")
    app.debug = True

    @app.get("/fails")
    def fails() -> str:
        raise LookupError("the handler failed")

    plain = app.wsgi_app
    outside = DebuggedApplication(wsgi.CORSMiddleware(plain, POLICY))
    inside = wsgi.CORSMiddleware(DebuggedApplication(plain, evalex=True), POLICY)

    with waitress_server(outside) as address:
        around = ask_server(address, Request.actual(APP, "/fails"))
    with waitress_server(inside) as address:
        page = ask_server(address, Request.actual(APP, "/fails"))

    assert (around.status, around.body, around.cors) == (500, b"Internal Server Error", GRANTED)
    assert "LookupError: the handler failed" in capfd.readouterr().err
    assert (page.status, page.cors) == (500, GRANTED)
    assert b"LookupError: the handler failed" in page.body


def test_blacksheep_routes_without_regard_to_case_and_on_what_was_sent() -> None:
    from blacksheep import Application
    from blacksheep.server.routing import Router

    api = Application(router=Router())

    @api.router.get("/{name}")
    async def one(name: str) -> str:
        return f"one {name}"

    @api.router.get("/admin/{name}")
    async def admin(name: str) -> str:
        return f"admin {name}"

    rules: Rules = ByPath({"/admin/": None, "/": Policy("*")})
    with uvicorn_server(asgi.CORSMiddleware(api, rules), lifespan="auto") as address:
        lower = ask_server(address, Request.actual(EVIL, "/admin/x"))
        upper = ask_server(address, Request.actual(EVIL, "/ADMIN/x"))
        encoded = ask_server(address, Request.actual(EVIL, "/admin%2Fx"))

    assert (lower.body, lower.cors) == (b"admin x", {})
    assert (upper.body, upper.cors) == (b"admin x", {"allow-origin": "*"})  # which the page tells how to avoid
    assert encoded.body == b"one admin/x"
