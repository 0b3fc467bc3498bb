"""Small things that a careless change would break unseen: each of these was once changed, and no other test said so."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import crossorigin.starlette
from conformance.messages import Request
from conformance.stacks import STACKS, Stack
from conformance.stacks.asgi import asgi_api, ask_asgi
from conformance.stacks.wsgi import ask_wsgi, environ_of, wsgi_api
from crossorigin import Policy, asgi, wsgi
from crossorigin.answer import write
from crossorigin.asgi import Message, Receive, Scope, Send

APP = "https://app.example.com"
EVIL = "https://evil.example"
POLICY = Policy(APP, allow_methods=["PUT"], max_age=None)
PUBLIC = Policy("*")
PRIVATE = Policy(APP, allow_private_network=True)

Environ = dict[str, Any]
Start = Callable[..., Any]

parametrize_stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


@parametrize_stacks
def test_s10_a_constant_policy_leaves_the_applications_vary_alone(stack: Stack) -> None:
    response = stack.ask(stack.serve(PUBLIC), Request.actual(APP, "/varies"))

    assert sorted(response.vary) == ["accept", "accept-encoding", "origin"]


@pytest.mark.parametrize("value", ["false", "1", "TRUE", ""])
@parametrize_stacks
def test_the_private_network_is_asked_for_with_true_alone(stack: Stack, value: str) -> None:
    request = Request.preflight(APP, "GET", Access_Control_Request_Private_Network=value)

    assert "allow-private-network" not in stack.ask(stack.serve(PRIVATE), request).cors


def test_repeated_headers_and_their_order_are_kept() -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "a=1"), ("X-B", "2"), ("X-A", "1")]

    assert write(headers, POLICY.actual(APP))[:4] == headers


def test_empty_elements_of_vary_vanish_and_its_names_keep_their_case() -> None:
    assert write([("vary", "Accept-Encoding,, ,accept-encoding")], POLICY.actual(EVIL)) == [
        ("Vary", "Accept-Encoding, Origin")
    ]


def test_a_header_that_is_no_token_is_not_exposed() -> None:
    everything = Policy(APP, allow_credentials=True, expose_headers="*")

    lines = dict(write([("x bad", "1"), ("X-Good", "2"), ("x-good", "3")], everything.actual(APP)))

    assert lines["Access-Control-Expose-Headers"] == "x-good"


def test_asgi_sends_names_in_lower_case() -> None:
    for request in (
        Request.actual(APP),
        Request.preflight(APP),
        Request.preflight(EVIL),
        Request.actual(APP, "/fails"),
    ):
        response = ask_asgi(asgi.CORSMiddleware(asgi_api, POLICY), request)

        assert [name for name, _ in response.headers if name != name.lower() and name != "Content-Type"] == []


def test_a_body_without_any_piece_is_no_failure() -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("204 No Content", [])
        yield from ()

    assert ask_wsgi(wsgi.CORSMiddleware(app, POLICY), Request.actual(APP)).status == 204


def test_an_empty_first_piece_sends_nothing_yet() -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""
        raise LookupError

    response = ask_wsgi(wsgi.CORSMiddleware(app, POLICY), Request.actual(APP))

    assert (response.status, response.cors) == (500, {"allow-origin": APP})


@pytest.mark.parametrize("lazily", [False, True])
def test_wsgi_lets_exits_pass(lazily: bool) -> None:
    def pieces() -> Iterator[bytes]:
        yield from map(sys.exit, [3])

    def app(environ: Environ, start_response: Start) -> Any:
        return pieces() if lazily else sys.exit(3)

    with pytest.raises(SystemExit):
        list(wsgi.CORSMiddleware(app, POLICY)(environ_of(Request.actual(APP)), lambda *_: lambda data: None))


def test_wsgi_hands_on_the_environment_itself() -> None:
    seen: list[Environ] = []

    def app(environ: Environ, start_response: Start) -> list[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return []

    environ = environ_of(Request.actual(APP))
    wsgi.CORSMiddleware(app, POLICY)(environ, lambda *_: lambda data: None)

    assert seen[0] is environ


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_s18_the_requests_own_scheme_counts(scheme: str) -> None:
    guarded = wsgi.CORSMiddleware(wsgi_api, POLICY, enforce=True)
    started: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        started.append(status)
        return lambda data: None

    environ = environ_of(Request.actual("http://api.example.com", method="POST")) | {"wsgi.url_scheme": scheme}
    guarded(environ, start_response)

    assert started[0].startswith("200" if scheme == "http" else "403")


def test_an_empty_sec_fetch_site_is_not_same_origin() -> None:
    guarded = wsgi.CORSMiddleware(wsgi_api, POLICY, enforce=True)

    response = ask_wsgi(guarded, Request.actual("http://api.example.com", method="POST", Sec_Fetch_Site=""))

    assert response.status == 403


@parametrize_stacks
def test_s12_a_failing_handler_sends_no_body_to_head(stack: Stack) -> None:
    response = stack.ask(stack.serve(POLICY), Request.actual(APP, "/fails", method="HEAD"))

    assert (response.status, response.cors) == (500, {"allow-origin": APP})
    if stack.name not in ("aiohttp", "fastapi", "starlette"):  # servers take the body of their own error pages away
        assert response.body == b""


def test_s11_a_second_try_with_the_same_environment_is_written_like_the_first() -> None:
    guarded = wsgi.CORSMiddleware(wsgi_api, POLICY)
    environ = environ_of(Request.actual(APP))

    def again(_: Environ, start_response: Start) -> Any:
        list(guarded(environ, lambda *_: lambda data: None))
        return guarded(environ, start_response)

    assert ask_wsgi(again, Request.actual(APP)).cors == {"allow-origin": APP}


def test_s11_a_discarded_inner_response_does_not_cover_the_real_one() -> None:
    inner = wsgi.CORSMiddleware(wsgi_api, PUBLIC)

    def cascade(environ: Environ, start_response: Start) -> Any:
        list(inner(environ, lambda *_: lambda data: None))  # a 404, say: the next application is tried
        return wsgi_api(environ, start_response)

    app = wsgi.CORSMiddleware(cascade, POLICY)

    assert ask_wsgi(app, Request.actual(EVIL, "/own-cors")).cors == {}
    assert ask_wsgi(app, Request.actual(APP, "/own-cors")).cors == {"allow-origin": APP}


def test_s11_the_same_on_asgi() -> None:
    inner = asgi.CORSMiddleware(asgi_api, PUBLIC)

    async def cascade(scope: Scope, receive: Receive, send: Send) -> None:
        async def discard(message: Message) -> None: ...

        await inner(scope, receive, discard)
        await asgi_api(scope, receive, send)

    app = asgi.CORSMiddleware(cascade, POLICY)

    assert ask_asgi(app, Request.actual(EVIL, "/own-cors")).cors == {}
    assert ask_asgi(app, Request.actual(APP, "/own-cors")).cors == {"allow-origin": APP}


def test_s12_what_an_inner_layer_answers_by_itself_has_the_headers() -> None:
    class Authentication:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body"})

    app = asgi.CORSMiddleware(Authentication(asgi.CORSMiddleware(asgi_api, PUBLIC)), POLICY)

    response = ask_asgi(app, Request.actual(APP))

    assert (response.status, response.cors, response.vary) == (401, {"allow-origin": APP}, ["origin"])


def test_s18_the_outer_ones_options_hold_around_another_policy() -> None:
    seen: list[object] = []
    inner = asgi.CORSMiddleware(asgi_api, POLICY)
    app = asgi.CORSMiddleware(inner, PUBLIC, enforce=True, observe=seen.append)

    assert ask_asgi(app, Request.actual(EVIL, method="POST")).status == 403
    assert len(seen) == 1


@pytest.mark.parametrize("method", ["X" * 65, "X" * 60_000])
@parametrize_stacks
def test_f4_a_method_longer_than_any_is_no_method(stack: Stack, method: str) -> None:
    everything = Policy(APP, allow_credentials=True, allow_methods="*")

    response = stack.ask(stack.serve(everything), Request.preflight(APP, method))

    assert (response.status, response.cors) == (403, {})


@parametrize_stacks
def test_s20_a_long_list_of_refused_headers_is_shortened(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    stack.ask(stack.serve(POLICY), Request.preflight(APP, "PUT", ",".join(f"x-{number:060}" for number in range(100))))

    (message,) = [record.getMessage() for record in caplog.records if record.name == "crossorigin"]
    assert message.endswith(" and 95 more)")
    assert len(message) < 600


def test_the_other_kind_of_application_is_named_when_it_is_built() -> None:
    class Flask:
        wsgi_app = wsgi_api

    with pytest.raises(TypeError, match=r"a WSGI application; import CORSMiddleware from crossorigin\.wsgi"):
        asgi.CORSMiddleware(Flask(), POLICY)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"an ASGI application; import CORSMiddleware from crossorigin\.asgi"):
        wsgi.CORSMiddleware(asgi_api, POLICY)  # type: ignore[arg-type]


def test_s10_where_an_inner_policy_gave_nothing_the_outer_vary_stands() -> None:
    inner = asgi.CORSMiddleware(asgi_api, Policy("https://inner.example"))

    async def cascade(scope: Scope, receive: Receive, send: Send) -> None:
        async def discard(message: Message) -> None: ...

        await inner(scope, receive, discard)
        await asgi_api(scope, receive, send)

    response = ask_asgi(asgi.CORSMiddleware(cascade, POLICY), Request.actual(EVIL))

    assert (response.cors, response.vary) == ({}, ["origin"])


def test_an_endpoint_marked_after_the_first_request_is_found() -> None:
    async def secret(request: Any) -> PlainTextResponse:
        return PlainTextResponse("secret")

    app = Starlette(routes=[Route("/x", secret)])
    crossorigin.starlette.setup(app, PUBLIC)
    before = ask_asgi(app, Request.actual(EVIL, "/x"))
    app.router.routes[0] = Route("/x", crossorigin.starlette.cors(None)(secret))
    after = ask_asgi(app, Request.actual(EVIL, "/x"))

    assert (before.cors, after.cors) == ({"allow-origin": "*"}, {})
