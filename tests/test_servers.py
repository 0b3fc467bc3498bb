"""Real servers on loopback: the shared situations over real HTTP, and the README's applications behind them."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from fastapi import FastAPI
from flask import Flask

from conformance.applications import EVENTS, POLICIES, asgi_app, wsgi_app
from conformance.messages import Request, Response
from conformance.servers import (
    aiohttp_server,
    ask_over,
    ask_server,
    begin_over,
    connect,
    granian_server,
    gunicorn_server,
    hypercorn_server,
    uvicorn_server,
    waitress_server,
)
from conformance.situations import APP, EVIL, SITUATIONS, Situation
from conformance.stacks.wsgi import serve_wsgi
from crossorigin import Policy, asgi, wsgi

POLICY = Policy(APP, allow_credentials=True, allow_methods=["PUT"])
GRANTED = {"allow-origin": APP, "allow-credentials": "true"}
ASGI, WSGI = "conformance.applications:asgi_app", "conformance.applications:wsgi_app"


class Server(NamedTuple):
    """A real server: *start* serves `conformance.applications`; *keeps* says behind which responses it stays there."""

    name: str
    start: Callable[[], AbstractContextManager[str]]
    keeps: Callable[[Response], bool] = lambda response: True


def is_counted(response: Response) -> bool:
    return response.get("content-length") is not None


def never(response: Response) -> bool:
    return False


SERVERS = {
    server.name: server
    for server in (
        Server("uvicorn-h11", lambda: uvicorn_server(asgi_app(), http="h11")),
        Server("uvicorn-httptools", lambda: uvicorn_server(asgi_app(), http="httptools")),
        Server("hypercorn", lambda: hypercorn_server(asgi_app())),
        Server("granian-asgi", lambda: granian_server(ASGI)),
        Server("granian-wsgi", lambda: granian_server(WSGI, interface="wsgi")),
        Server("waitress", lambda: waitress_server(wsgi_app()), is_counted),
        Server("gunicorn-sync", lambda: gunicorn_server(WSGI), never),
        Server("gunicorn-gthread", lambda: gunicorn_server(WSGI, worker="gthread")),
    )
}


# --- what a server does not let through ---------------------------------------------------------------------------


class Change(NamedTuple):
    """A situation that goes otherwise over a socket: on which servers, for what reason, and what happens instead."""

    concerns: Callable[[Situation], bool]
    servers: set[str]
    reason: str
    instead: Callable[[Response], bool]


def has(sign: str) -> Callable[[Situation], bool]:
    return lambda situation: any(sign in value for _, value in situation.request.headers)


def refused(status: int) -> Callable[[Response], bool]:
    """The server's own refusal, which the application and its policy never see: no page can send such a request."""
    return lambda response: (response.status, response.cors) == (status, {})


CHANGES = (
    Change(has("\x00"), set(SERVERS), "RFC 9110 §5.5: a NUL makes a field value invalid", refused(400)),
    Change(has("\x0b"), set(SERVERS), "RFC 9110 §5.5: no control character in a field value", refused(400)),
    Change(
        has("\x01"),
        set(SERVERS) - {"uvicorn-h11", "hypercorn"},
        "the same; h11 alone, which these two parse with, lets the harmless ones through",
        refused(400),
    ),
    Change(
        has("x" * 8193),
        {"gunicorn-sync", "gunicorn-gthread"},
        "gunicorn takes header lines of at most 8190 bytes, as its setting limit_request_field_size has it",
        refused(431),
    ),
)

# These end the header line that they are in: what is behind them is another header, whatever the client.
UNSENDABLE = ("\r", "\n")

# What a handler raises stays in the server: here only the response is seen. See the test of the log.
UNSEEN = "the further condition does not hold"


@pytest.fixture(params=SERVERS.values(), ids=list(SERVERS), scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    server: Server = request.param
    with server.start() as address:
        yield server, address


def for_policy(situation: Situation) -> Request:
    name = next(name for name, policy in POLICIES.items() if policy is situation.policy)
    request = situation.request
    return Request(request.method, request.path, (*request.headers, ("X-Policy", name)), request.body)


def test_the_situations_over_real_http(served: tuple[Server, str]) -> None:
    server, address = served
    situations = [one for one in SITUATIONS if not any(has(sign)(one) for sign in UNSENDABLE)]

    problems = {}
    with connect(address) as connection:
        for situation in situations:
            response = ask_over(connection, for_policy(situation))
            found = situation.problems(response)
            if situation.request.path == "/fails":
                connection.close()  # which servers do behind an exception, some without announcing it
                found = [problem for problem in found if problem != UNSEEN]
            for change in CHANGES:
                if server.name in change.servers and change.concerns(situation):
                    found = [] if change.instead(response) else [f"{response}, though: {change.reason}"]
            if found:
                problems[situation.name] = found

    assert len(situations) >= 160
    assert problems == {}


def allowed(request: Request) -> str | None:
    return APP if ("Origin", APP) in request.headers else None


def test_one_connection_carries_request_after_request(served: tuple[Server, str]) -> None:
    server, address = served
    requests = [
        (Request.actual(APP), 200),
        (Request.preflight(APP, "PUT"), 204),
        (Request.preflight(EVIL, "PUT"), 403),
        (Request.actual(APP, method="HEAD"), 200),
        (Request.actual(APP, "/unchanged"), 304),
        (Request.actual(APP, "/stream"), 200),
        (Request.actual(APP, "/missing"), 404),
        (Request.actual(EVIL), 200),
    ]

    with connect(address) as connection:
        for request, status in requests:
            before = connection.sock
            response = ask_over(connection, request)

            assert (response.status, response.cors.get("allow-origin")) == (status, allowed(request))
            # Not closed, and not opened anew for this request, unless the one before has announced it.
            assert (connection.sock is not None) == server.keeps(response)
            assert before is None or connection.sock in (before, None)


def test_waitress_keeps_the_connection_behind_a_preflight_with_status_200() -> None:
    # Behind a 204, which has no Content-Length, it does not: see docs/stacks/README.md.
    with waitress_server(serve_wsgi(POLICY, preflight_status=200)) as address, connect(address) as connection:
        response = ask_over(connection, Request.preflight(APP, "PUT"))

        assert (response.status, response.get("content-length")) == (200, "0")
        assert connection.sock is not None


def test_head_gets_the_headers_of_get_and_no_body(served: tuple[Server, str]) -> None:
    _, address = served

    with connect(address) as connection:
        head, get = (ask_over(connection, Request.actual(APP, "/counted", method)) for method in ("HEAD", "GET"))

    assert (head.status, head.cors, head.vary, head.body) == (200, get.cors, ["origin"], b"")
    assert get.cors["expose-headers"] == "X-Total-Count"


def test_a_body_of_unknown_length_is_chunked(served: tuple[Server, str]) -> None:
    server, address = served

    with connect(address) as connection:
        response = ask_over(connection, Request.actual(APP, "/stream"))

    assert (response.cors["allow-origin"], response.body) == (APP, b"one two three")
    if server.name != "granian-wsgi":  # it joins a list of pieces and counts them
        assert (response.get("transfer-encoding"), response.get("content-length")) == ("chunked", None)


def test_server_sent_events_arrive_one_by_one_behind_the_headers(served: tuple[Server, str]) -> None:
    _, address = served

    with socket.create_server(("127.0.0.1", 0)) as gate, connect(address) as connection:
        request = Request.actual(APP, "/events", X_Gate=str(gate.getsockname()[1]))
        response = begin_over(connection, request)
        origin = response.headers.get_all("Access-Control-Allow-Origin")
        first = response.read1(100)
        gate.accept()[0].close()  # only now may the application go on
        rest = response.read()

    assert (response.status, origin) == (200, [APP])
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert (first, rest) == EVENTS


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_s12_what_a_handler_raises_reaches_the_servers_log(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with server.start() as address:
        ask_server(address, Request.actual(APP, "/fails"))

    printed = capfd.readouterr()
    assert "FailureError: on purpose" in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_server_ends_with_its_block_also_when_that_fails(server: Server) -> None:
    started = server.start()
    address = started.__enter__()
    error = LookupError()

    ended = started.__exit__(LookupError, error, None)

    assert not ended  # the error goes on
    with pytest.raises(ConnectionRefusedError), connect(address) as connection:
        connection.connect()


@pytest.mark.parametrize("start", [gunicorn_server, granian_server])
def test_a_process_that_ends_before_it_answers_is_an_error(start: Any) -> None:
    with pytest.raises(RuntimeError, match="did not start"), start("conformance.applications:missing"):
        raise AssertionError("there is nothing to serve")


def test_aiohttp_serves_a_stream_over_a_connection_that_stays_open() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one ")
        await response.write(b"two")
        return response

    app = web.Application()
    app.router.add_get("/stream", stream)

    with aiohttp_server(app) as address, connect(address) as connection:
        first = ask_over(connection, Request.actual(APP, "/stream"))
        kept = connection.sock
        second = ask_over(connection, Request.actual(APP, "/stream"))

        assert kept is not None
        assert connection.sock is kept
    assert (first.get("transfer-encoding"), first.body, second.body) == ("chunked", b"one two", b"one two")


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
