"""Real servers on loopback: the README's applications behind them, and the shared situations over real HTTP."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask

from conformance.messages import Request
from conformance.servers import ask_server, uvicorn_server, waitress_server
from conformance.situations import APP, CREDENTIALED, EVERYTHING, PUBLIC, SITUATIONS, Situation
from conformance.stacks.asgi import serve_asgi
from conformance.stacks.wsgi import serve_wsgi
from crossorigin import Policy, asgi, wsgi

POLICY = Policy(APP, allow_credentials=True, allow_methods=["PUT"])
GRANTED = {"allow-origin": APP, "allow-credentials": "true"}

# Over a socket a client cannot send these, and a server answers 304 and HEAD in its own way.
UNSENDABLE = ("\r", "\n", "\x00", "\x01", "\x0b")
POLICIES = {"credentialed": CREDENTIALED, "everything": EVERYTHING, "public": PUBLIC}
SERVERS: dict[str, Callable[[Policy], AbstractContextManager[str]]] = {
    "uvicorn-h11": lambda policy: uvicorn_server(serve_asgi(policy), http="h11"),
    "uvicorn-httptools": lambda policy: uvicorn_server(serve_asgi(policy), http="httptools"),
    "waitress": lambda policy: waitress_server(serve_wsgi(policy)),
}


@pytest.fixture(params=[(server, policy) for server in SERVERS for policy in POLICIES], ids="-".join)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Policy]]:
    server, name = request.param
    with SERVERS[server](POLICIES[name]) as address:
        yield address, POLICIES[name]


def sendable(situation: Situation) -> bool:
    values = [value for _, value in situation.request.headers]
    return not any(sign in value for sign in UNSENDABLE for value in values) and "longer than" not in situation.name


def test_the_situations_over_real_http(served: tuple[str, Policy]) -> None:
    address, policy = served
    situations = [one for one in SITUATIONS if one.policy is policy and sendable(one)]

    problems = {}
    for situation in situations:
        response = ask_server(address, situation.request)
        # What a handler raises stays in the server; here only the response is seen.
        found = [text for text in situation.problems(response) if text != "the further condition does not hold"]
        if found:
            problems[situation.name] = found

    assert len(situations) >= 5
    assert problems == {}


def test_fastapi_under_uvicorn_answers_500_with_the_headers_and_logs_the_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()
    app.add_middleware(asgi.CORSMiddleware, policy=POLICY)

    @app.get("/fails")
    async def fails() -> None:
        raise LookupError("the handler failed")

    with uvicorn_server(app) as address:
        response = ask_server(address, Request.actual(APP, "/fails"))

    assert (response.status, response.cors) == (500, GRANTED)
    assert "LookupError: the handler failed" in caplog.text


def test_flask_under_waitress_answers_500_with_the_headers_and_logs_the_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Flask("demo")
    app.wsgi_app = wsgi.CORSMiddleware(app.wsgi_app, POLICY)  # type: ignore[method-assign]

    @app.get("/fails")
    def fails() -> str:
        raise LookupError("the handler failed")

    with waitress_server(app) as address:
        response = ask_server(address, Request.actual(APP, "/fails"))

    assert (response.status, response.cors) == (500, GRANTED)
    assert "LookupError: the handler failed" in caplog.text


def test_a_wsgi_application_that_raises_is_logged_by_waitress(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), waitress_server(serve_wsgi(POLICY)) as address:
        response = ask_server(address, Request.actual(APP, "/fails"))

    assert (response.status, response.cors, response.body) == (500, GRANTED, b"Internal Server Error")
    assert "FailureError: on purpose" in caplog.text


def test_fastapi_answers_a_preflight_before_routing_and_authentication() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def authenticate(request: Any, call_next: Any) -> Any:
        raise AssertionError("a preflight carries no credentials, and must not get here")

    app.add_middleware(asgi.CORSMiddleware, policy=POLICY)

    with uvicorn_server(app) as address:
        response = ask_server(address, Request.preflight(APP, "PUT", path="/nowhere"))

    assert (response.status, response.cors["allow-methods"]) == (204, "PUT")
