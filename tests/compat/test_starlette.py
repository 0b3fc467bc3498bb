"""The drop-in for Starlette's ``CORSMiddleware`` beside the original: the same, but for the rows of its guide."""

import asyncio
import inspect
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI, HTTPException
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware, cors
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect
from websockets.typing import Origin as WebSocketOrigin

import crossorigin.compat.starlette
from conformance.messages import Request, Response
from conformance.servers import ask_server, uvicorn_server
from conformance.stacks.asgi import ask_asgi, ask_asgi_async
from crossorigin import Policy, fetch
from crossorigin.asgi import ASGIApp, Receive, Scope, Send
from crossorigin.compat import CORSWarning
from crossorigin.compat.starlette import CORSMiddleware
from crossorigin.origins import Origin
from crossorigin.starlette import setup

from .differential import Difference, Pair, Row, Tally, differences, exposable, read

APP = "https://app.example.com"
PARTNER = "https://partner.example"
EVIL = "https://evil.example"
ORIGINAL: Any = cors.CORSMiddleware
BOTH = pytest.mark.parametrize("middleware", [ORIGINAL, CORSMiddleware], ids=["original", "drop-in"])

VARY = ["origin", *(f"access-control-request-{name}" for name in ("method", "headers", "private-network"))]
SAFELISTED = ["accept", "accept-language", "content-language", "content-type"]

# What the application itself sets, by path.
OWN: dict[str, tuple[tuple[str, str], ...]] = {
    "/items": (),
    "/vary": (("Vary", "Accept"),),
    "/vary-origin": (("Vary", "origin"), ("Vary", "Accept")),
    "/vary-star": (("Vary", "*"),),
    "/own": (
        ("Access-Control-Allow-Origin", "https://own.example"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-Own"),
    ),
    "/exposes": (("Access-Control-Expose-Headers", "X-Own"),),
    "/counts": (("X-Total", "2"),),
    "/missing": (),
    "/fails": (),
    "/conflict": (),
}


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"]
    if path == "/fails":
        raise LookupError("the handler failed")
    if path == "/conflict":
        raise HTTPException(409)
    headers = [(name.lower().encode(), value.encode()) for name, value in OWN[path]]
    await send({"type": "http.response.start", "status": 404 if path == "/missing" else 200, "headers": headers})
    await send({"type": "http.response.body", "body": path.encode()})


def added(middleware: Any, **arguments: Any) -> Starlette:
    app = Starlette(routes=[Mount("/", api)])
    app.add_middleware(middleware, **arguments)
    return app


def mounted(middleware: Any, **arguments: Any) -> Starlette:
    return Starlette(routes=[Mount("/", api, middleware=[Middleware(middleware, **arguments)])])


PLACES: dict[str, Callable[..., Any]] = {"added": added, "mounted": mounted}


def both(request: Request, place: str = "added", **arguments: Any) -> tuple[Response, Response]:
    """Return what the original and the drop-in answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        theirs, ours = (ask_asgi(PLACES[place](one, **arguments), request) for one in (ORIGINAL, CORSMiddleware))
    return theirs, ours


# What can be imported


def test_names_and_signature_are_the_originals() -> None:
    def parameters(middleware: Any) -> list[tuple[Any, ...]]:
        signature = inspect.signature(middleware)
        return [(one.name, one.kind, one.default) for one in signature.parameters.values()]

    ours = crossorigin.compat.starlette
    assert parameters(CORSMiddleware) == parameters(ORIGINAL)
    assert ours.ALL_METHODS is cors.ALL_METHODS
    assert ours.SAFELISTED_HEADERS is cors.SAFELISTED_HEADERS
    assert sorted(ours.__all__) == ["ALL_METHODS", "CORSMiddleware", "SAFELISTED_HEADERS"]


@BOTH
def test_it_goes_around_a_bare_application(middleware: Any) -> None:
    response = ask_asgi(middleware(api, [APP], ["PUT"]), Request.actual(APP))

    assert (response.status, response.body, response.cors) == (200, b"/items", {"allow-origin": APP})


@BOTH
def test_it_goes_into_starlette_and_fastapi(middleware: Any) -> None:
    apps = [
        Starlette(routes=[Mount("/", api)], middleware=[Middleware(middleware, allow_origins=[APP])]),
        FastAPI(routes=[Mount("/", api)], middleware=[Middleware(middleware, allow_origins=[APP])]),
        added(middleware, allow_origins=[APP]),
    ]

    assert [ask_asgi(app, Request.actual(APP)).cors for app in apps] == [{"allow-origin": APP}] * 3


@BOTH
def test_fastapis_preflight_gets_past_a_dependency(middleware: Any) -> None:
    app = FastAPI()
    app.add_middleware(middleware, allow_origins=[APP], allow_methods=["*"], allow_headers=["*"])

    @app.put("/items")
    async def put(body: dict[str, int]) -> dict[str, int]:
        return body

    with uvicorn_server(app) as address:
        preflight = ask_server(address, Request.preflight(APP, "PUT", "content-type"))
        invalid = ask_server(address, Request.actual(APP, method="PUT"))

    assert (preflight.status, preflight.body) == (200, b"OK")
    assert (invalid.status, invalid.cors) == (422, {"allow-origin": APP})


# The texts and statuses of refused preflights


@BOTH
@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        (Request.preflight(APP, "PUT", "x-a"), 200, b"OK"),
        (Request.preflight(EVIL, "PUT", "x-a"), 400, b"Disallowed CORS origin"),
        (Request.preflight(APP, "PATCH", "x-a"), 400, b"Disallowed CORS method"),
        (Request.preflight(APP, "POST"), 400, b"Disallowed CORS method"),
        (Request.preflight(APP, "PUT", "x-a, x-b"), 400, b"Disallowed CORS headers"),
        (Request.preflight(EVIL, "GET", "x-b"), 400, b"Disallowed CORS origin, method, headers"),
        (
            Request.preflight(EVIL, "GET", "x-b", Access_Control_Request_Private_Network="true"),
            400,
            b"Disallowed CORS origin, method, headers, private-network",
        ),
        (
            Request.preflight(APP, "PUT", Access_Control_Request_Private_Network="true"),
            400,
            b"Disallowed CORS private-network",
        ),
    ],
)
def test_a_preflight_is_answered_in_starlettes_words(
    middleware: Any, request_: Request, status: int, text: bytes
) -> None:
    app = added(middleware, allow_origins=[APP], allow_methods=["PUT"], allow_headers=["X-A"])

    response = ask_asgi(app, request_)

    assert (response.status, response.body) == (status, text)
    assert response.get("content-type") == "text/plain; charset=utf-8"
    assert response.get("content-length") == str(len(text))


def test_an_allowed_origin_that_is_refused_a_method_keeps_its_headers() -> None:
    theirs, ours = both(Request.preflight(APP, "POST"), allow_origins=[APP], allow_credentials=True)

    assert (theirs.status, ours.status) == (400, 400)
    assert ours.cors == theirs.cors
    assert ours.cors["allow-origin"] == APP


def test_all_methods_are_starlettes_list_and_nothing_else() -> None:
    for method, status in {**dict.fromkeys(cors.ALL_METHODS, 200), "PROPFIND": 400, "patch": 400}.items():
        theirs, ours = both(Request.preflight(APP, method), allow_origins=[APP], allow_methods=["*"])

        assert (method, theirs.status, ours.status) == (method, status, status)
        assert ours.cors == theirs.cors


def test_a_refusal_is_observed_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    app = added(CORSMiddleware, allow_origins=[APP], allow_methods=["PUT"])

    ask_asgi(app, Request.preflight(APP, "POST"))
    ask_asgi(app, Request.preflight(APP, "PUT", Access_Control_Request_Private_Network="true"))

    method, private = caplog.messages
    assert method == f"origin {APP!r} asked for a method that is not allowed ('POST' is not in allow_methods)"
    assert private.startswith(f"origin {APP!r} asked for a header that is not allowed")


# What users rely on


@BOTH
def test_a_star_within_an_origin_is_text(middleware: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        app = middleware(api, ["https://*.example.com"])

    assert ask_asgi(app, Request.actual(APP)).cors == {}
    assert ask_asgi(app, Request.preflight(APP, "GET")).body == b"Disallowed CORS origin"


@BOTH
def test_allow_origin_regex_matches_the_whole_origin(middleware: Any) -> None:
    app = middleware(api, allow_origin_regex=r"https://[a-z]+\.example\.com")

    origins = (APP, f"{APP}.evil.com", f"{APP}:8443", "http://app.example.com")
    assert [ask_asgi(app, Request.actual(origin)).cors for origin in origins] == [{"allow-origin": APP}, {}, {}, {}]


@BOTH
def test_an_endpoints_own_expose_headers_stay(middleware: Any) -> None:
    app = middleware(api, [APP])

    response = ask_asgi(app, Request.actual(APP, "/exposes"))

    assert response.cors == {"allow-origin": APP, "expose-headers": "X-Own"}


@BOTH
def test_the_headers_that_browsers_need_not_ask_for_may_be_asked_for(middleware: Any) -> None:
    app = middleware(api, [APP])

    response = ask_asgi(app, Request.preflight(APP, "GET", ",".join(SAFELISTED)))

    assert (response.status, read(response, "access-control-allow-headers")) == (200, tuple(SAFELISTED))


@BOTH
def test_websockets_are_left_alone(middleware: Any) -> None:
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/live", echo)])
    app.add_middleware(middleware, allow_origins=[APP])

    with uvicorn_server(app, ws="websockets-sansio") as address:
        url = address.replace("http", "ws", 1) + "/live"
        with connect(url, origin=WebSocketOrigin(EVIL), proxy=None) as connection:
            assert connection.recv() == "hello"


def test_setup_beside_the_drop_in_is_refused() -> None:
    app = added(CORSMiddleware, allow_origins=[APP])

    with pytest.raises(RuntimeError, match="has a CORSMiddleware besides setup"):
        setup(app, Policy(APP))


# Exceptions


class Failure(NamedTuple):
    """An application that fails, and the exceptions that its own handler was given."""

    app: Any
    handled: list[Exception]


def failing(kind: Any, middleware: Any, handler: str | None, debug: bool) -> Failure:
    handled: list[Exception] = []

    def page(request: Any, error: Exception) -> PlainTextResponse:
        handled.append(error)
        return PlainTextResponse("so sorry", 500, {"X-Page": "ours"})

    async def page_async(request: Any, error: Exception) -> PlainTextResponse:
        return page(request, error)

    pages: dict[str | None, Any] = {None: {}, "def": {Exception: page}, "async def": {500: page_async}}
    app = kind(routes=[Mount("/", api)], debug=debug, exception_handlers=pages[handler])
    app.add_middleware(middleware, allow_origins=[APP])
    return Failure(app, handled)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("handler", [None, "def", "async def"])
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a_500_page_is_the_originals_with_cors_headers(kind: Any, handler: str | None, debug: bool) -> None:
    original = failing(kind, ORIGINAL, handler, debug)
    drop_in = failing(kind, CORSMiddleware, handler, debug)

    for _ in range(2):
        theirs, ours = (ask_asgi(one.app, Request.actual(APP, "/fails")) for one in (original, drop_in))

        assert (ours.status, ours.cors, ours.vary) == (500, {"allow-origin": APP}, ["origin"])
        assert (theirs.status, theirs.cors) == (500, {})
        assert isinstance(ours.error, LookupError)
        assert ours.get("x-page") == theirs.get("x-page")
        if debug:
            assert b"LookupError: the handler failed" in ours.body
        else:
            assert ours.body == theirs.body
    # Called for the layer inside and not again for the one outside.
    assert len(drop_in.handled) == len(original.handled) == (2 if handler and not debug else 0)


def test_an_exception_of_a_middleware_further_out_gets_the_users_page_without_headers() -> None:
    app, handled = failing(Starlette, CORSMiddleware, "def", debug=False)

    async def outer(request: StarletteRequest, call_next: Any) -> Any:
        response = await call_next(request)
        if request.url.path == "/missing":
            raise LookupError("outside")
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=outer)
    inside = ask_asgi(app, Request.actual(APP, "/fails"))
    outside = ask_asgi(app, Request.actual(APP, "/missing"))

    assert (inside.body, inside.cors) == (b"so sorry", {"allow-origin": APP})
    assert (outside.body, outside.cors) == (b"so sorry", {})
    assert [str(error) for error in handled] == ["the handler failed", "outside"]


@BOTH
def test_an_exception_behind_the_first_bytes_is_raised_on(middleware: Any) -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half"})
        raise LookupError("broken off")

    app = Starlette(routes=[Mount("/", breaks_off)])
    app.add_middleware(middleware, allow_origins=[APP])
    response = ask_asgi(app, Request.actual(APP))

    assert (response.status, response.body, response.cors) == (200, b"half", {"allow-origin": APP})
    assert isinstance(response.error, LookupError)


def outermost(app: Any) -> list[str]:
    """Give *app* a middleware that answers exceptions by itself, and return what it has caught."""
    caught: list[str] = []

    class Catching:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await self.app(scope, receive, send)
            except LookupError as error:
                caught.append(str(error))
                await PlainTextResponse("caught", 503)(scope, receive, send)

    app.add_middleware(Catching)
    return caught


@pytest.mark.parametrize("place", PLACES)
@BOTH
def test_a_middleware_further_out_catches_exceptions(middleware: Any, place: str) -> None:
    app = PLACES[place](middleware, allow_origins=[APP])
    caught = outermost(app)
    response = ask_asgi(app, Request.actual(APP, "/fails"))

    assert caught == ["the handler failed"]
    assert (response.status, response.body, response.cors, response.error) == (503, b"caught", {}, None)


@pytest.mark.parametrize("place", PLACES)
@BOTH
def test_an_exception_carries_nothing_of_ours(middleware: Any, place: str) -> None:
    handled: list[Exception] = []

    def page(request: Any, error: Exception) -> PlainTextResponse:
        handled.append(error)
        return PlainTextResponse("so sorry", 500)

    app = PLACES[place](middleware, allow_origins=[APP])
    app.add_exception_handler(Exception, page)
    response = ask_asgi(app, Request.actual(APP, "/fails"))

    assert (response.status, response.body) == (500, b"so sorry")
    assert handled == [response.error]
    assert [vars(error) for error in handled] == [{}]
    assert handled[0].args == ("the handler failed",)
    assert not hasattr(handled[0], "__notes__")


@BOTH
def test_a_plain_handler_runs_in_a_thread_and_an_async_one_in_the_loop(middleware: Any) -> None:
    threads: dict[str, int] = {}

    def plain(request: Any, error: Exception) -> PlainTextResponse:
        threads["def"] = threading.get_ident()
        return PlainTextResponse("so sorry", 500)

    async def coroutine(request: Any, error: Exception) -> PlainTextResponse:
        threads["async def"] = threading.get_ident()
        return PlainTextResponse("so sorry", 500)

    for page in (plain, coroutine):
        app = added(middleware, allow_origins=[APP])
        app.add_exception_handler(Exception, page)
        assert ask_asgi(app, Request.actual(APP, "/fails")).body == b"so sorry"
    assert threads["async def"] == threading.get_ident() != threads["def"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_custom_page_for_a_mounts_exceptions_has_the_headers(kind: str) -> None:
    shared = PlainTextResponse("gone", 410, {"Vary": "Accept"})

    def page(request: Any, error: Exception) -> PlainTextResponse:
        return shared

    async def page_async(request: Any, error: Exception) -> PlainTextResponse:
        return shared

    answers = []
    for middleware in (ORIGINAL, CORSMiddleware):
        app = mounted(middleware, allow_origins=[APP])
        app.add_exception_handler(HTTPException, page if kind == "def" else page_async)
        answers.append([ask_asgi(app, Request.actual(origin, "/conflict")) for origin in (APP, EVIL, None, APP)])
    theirs, ours = answers

    assert [(one.status, one.body, one.cors, one.vary) for one in theirs] == [(410, b"gone", {}, ["accept"])] * 4
    assert [one.cors for one in ours] == [{"allow-origin": APP}, {}, {}, {"allow-origin": APP}]
    assert [(one.status, one.body, one.vary) for one in ours] == [(410, b"gone", ["accept", "origin"])] * 4


def two_mounts(middleware: Any) -> Starlette:
    mounts = {"/a": APP, "/b": PARTNER}
    return Starlette(
        routes=[
            Mount(path, api_below, middleware=[Middleware(middleware, allow_origins=[origin])])
            for path, origin in mounts.items()
        ]
    )


async def api_below(scope: Scope, receive: Receive, send: Send) -> None:
    await api({**scope, "path": scope["path"].removeprefix(scope["root_path"])}, receive, send)


def test_two_mounts_have_each_their_own_origins() -> None:
    for path, mine, other in (("/a", APP, PARTNER), ("/b", PARTNER, APP)):
        for end, status in (("/items", 200), ("/fails", 500), ("/conflict", 409)):
            for origin, allowed in ((mine, {"allow-origin": mine}), (other, {})):
                theirs, ours = (
                    ask_asgi(two_mounts(one), Request.actual(origin, path + end)) for one in (ORIGINAL, CORSMiddleware)
                )
                assert (theirs.status, ours.status, ours.body) == (status, status, theirs.body)
                assert theirs.cors == (allowed if status == 200 else {})
                assert ours.cors == allowed
                assert ours.vary == ["origin"]
    app = two_mounts(CORSMiddleware)
    for _ in range(2):  # one application: what is hooked for one mount does not answer for the other
        for path, origin in (("/a", APP), ("/b", PARTNER), ("/a", PARTNER), ("/b", APP)):
            cors = ask_asgi(app, Request.actual(origin, f"{path}/fails")).cors
            assert cors == ({"allow-origin": origin} if (path, origin) in (("/a", APP), ("/b", PARTNER)) else {})


def test_a_sub_application_with_its_own_middleware_answers_by_that() -> None:
    answers = []
    for middleware in (ORIGINAL, CORSMiddleware):
        inner = Starlette(routes=[Mount("/", api_below)])
        inner.add_middleware(middleware, allow_origins=[PARTNER])
        app = Starlette(routes=[Mount("/sub", inner)])
        paths = ("/items", "/fails", "/conflict", "/missing")
        answers.append([ask_asgi(app, Request.actual(PARTNER, f"/sub{path}")) for path in paths])
    theirs, ours = answers

    assert [one.status for one in ours] == [one.status for one in theirs] == [200, 500, 409, 404]
    assert [one.body for one in ours] == [one.body for one in theirs]
    assert [one.cors for one in theirs] == [{"allow-origin": PARTNER}, {}, *[{"allow-origin": PARTNER}] * 2]
    assert [one.cors for one in ours] == [{"allow-origin": PARTNER}] * 4


# Two layers


def layered(middleware: Any, outer: dict[str, Any], inner: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        return middleware(middleware(api, **inner), **outer)


def test_the_outer_of_two_layers_answers_preflights_by_its_own_rules() -> None:
    inner: dict[str, Any] = {"allow_origins": [APP, PARTNER], "allow_methods": ["PUT"], "allow_headers": ["x-a"]}
    outer: dict[str, Any] = {"allow_origins": [APP], "allow_methods": ["DELETE"]}
    for request, status in (
        (Request.preflight(APP, "DELETE"), 200),
        (Request.preflight(APP, "PUT"), 400),
        (Request.preflight(APP, "DELETE", "x-a"), 400),
        (Request.preflight(PARTNER, "PUT"), 400),
    ):
        theirs, ours = (ask_asgi(layered(one, outer, inner), request) for one in (ORIGINAL, CORSMiddleware))
        assert (theirs.status, ours.status, ours.body) == (status, status, theirs.body)


def test_the_outer_of_two_layers_replaces_what_it_sets_and_keeps_the_rest() -> None:
    inner: dict[str, Any] = {"allow_origins": [APP, PARTNER], "expose_headers": ["X-Inner"]}
    for outer in ({"allow_origins": [APP]}, {"allow_origins": [APP], "expose_headers": ["X-Outer"]}):
        for origin, exposed in ((APP, outer.get("expose_headers", ["X-Inner"])), (PARTNER, ["X-Inner"])):
            theirs, ours = (
                ask_asgi(layered(one, outer, inner), Request.actual(origin)) for one in (ORIGINAL, CORSMiddleware)
            )
            assert ours.cors == {"allow-origin": origin, "expose-headers": exposed[0]}
            if origin == APP:
                assert theirs.cors == ours.cors
    theirs, ours = (
        ask_asgi(layered(one, {"allow_origins": ["*"]}, inner), Request.actual(APP))
        for one in (ORIGINAL, CORSMiddleware)
    )
    assert theirs.cors == ours.cors == {"allow-origin": "*", "expose-headers": "X-Inner"}


# What subclasses may not do, and lists that are copied


@pytest.mark.parametrize(
    "name", ["is_allowed_origin", "preflight_response", "simple_response", "send", "allow_explicit_origin"]
)
def test_a_method_that_would_never_be_called_is_refused_in_a_subclass(name: str) -> None:
    assert hasattr(ORIGINAL, name)
    type("Mine", (ORIGINAL,), {name: lambda self: None})
    with pytest.raises(
        TypeError, match=rf"Mine\.{name} would never be called: leave it out, and write a Policy instead"
    ):
        type("Mine", (CORSMiddleware,), {name: lambda self: None})


def test_a_subclass_with_arguments_of_its_own_works() -> None:
    class Mine(CORSMiddleware):
        def __init__(self, app: ASGIApp) -> None:
            super().__init__(app, allow_origins=[APP])

    app = Starlette(routes=[Mount("/", api)])
    app.add_middleware(Mine)
    assert ask_asgi(app, Request.actual(APP)).cors == {"allow-origin": APP}


def test_lists_are_copied_when_the_middleware_is_built() -> None:
    origins = [APP]
    theirs, ours = ORIGINAL(api, allow_origins=origins), CORSMiddleware(api, allow_origins=origins)
    origins.append(PARTNER)

    assert ask_asgi(theirs, Request.actual(PARTNER)).cors == {"allow-origin": PARTNER}
    assert ask_asgi(ours, Request.actual(PARTNER)).cors == {}


@pytest.mark.parametrize(
    ("given_names", "sent", "read_as"),
    [
        (None, None, None),
        ([], None, None),
        (["X-A, X-B"], "X-A, X-B", "X-A, X-B"),
        ([" X-A ", "X-B"], " X-A , X-B", "X-A, X-B"),
        (("X-A,X-B", "X-C"), "X-A,X-B, X-C", "X-A, X-B, X-C"),
    ],
)
def test_exposed_headers_are_read_as_the_wire_text_worked(
    given_names: Any, sent: str | None, read_as: str | None
) -> None:
    theirs, ours = both(Request.actual(APP), allow_origins=[APP], expose_headers=given_names)

    assert (theirs.cors.get("expose-headers"), ours.cors.get("expose-headers")) == (sent, read_as)


def test_a_warning_finds_a_line_in_a_module_without_a_name() -> None:
    with pytest.warns(CORSWarning) as caught:
        exec(
            compile("CORSMiddleware(None, allow_origins=['null'])", "nameless.py", "exec"),
            {"CORSMiddleware": CORSMiddleware},
        )

    assert [warning.filename for warning in caught] == ["nameless.py"]


@BOTH
def test_a_scope_without_headers_is_a_request_without_an_origin(middleware: Any) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    # Starlette itself reads scope["headers"], and so only the drop-in serves such a request.
    app = middleware(api, allow_origins=[APP])
    scope = {"type": "http", "method": "GET", "path": "/items"}
    if middleware is ORIGINAL:
        with pytest.raises(KeyError, match="headers"):
            asyncio.run(app(scope, None, send))
    else:
        asyncio.run(app(scope, None, send))
        assert sent[0]["headers"] == [(b"vary", b"Origin")]


# The warning


def test_a_dangerous_policy_is_accepted_with_one_warning_that_points_at_its_line() -> None:
    with pytest.warns(CORSWarning) as warned:
        CORSMiddleware(api, allow_origins=["*", "https://app.example.com/"], allow_credentials=True)

    (warning,) = warned
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.startswith("crossorigin.compat.starlette.CORSMiddleware accepts, as the original does, what ")
    assert "dangerously_allow=['any-origin-with-credentials']" in text
    assert "write 'https://app.example.com'" in text


def test_an_application_warns_once_when_it_is_built() -> None:
    app = added(CORSMiddleware, allow_origins=["null"])

    with pytest.warns(CORSWarning, match="null-origin") as warned:
        answers = [ask_asgi(app, Request.actual("null")).cors for _ in range(3)]

    assert len(warned) == 1
    assert answers == [{"allow-origin": "null"}] * 3


def test_the_safe_spelling_is_silent() -> None:
    CORSMiddleware(api, allow_origins=[APP], allow_credentials=True, allow_methods=["*"], allow_headers=["*"])


def test_a_regex_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(re.error):
        CORSMiddleware(api, allow_origin_regex="(")


# The rows, literally


def test_row_vary() -> None:
    theirs, ours = both(Request.actual(APP, "/vary-origin"), allow_origins=[APP])
    assert (theirs.vary, ours.vary) == (["origin", "accept", "origin"], ["origin", "accept"])

    theirs, ours = both(Request.actual(APP, "/vary"), allow_origins=["*"])
    assert (theirs.vary, ours.vary) == (["accept", "origin"], ["accept"])

    theirs, ours = both(Request.actual(None, "/vary-star"), allow_origins=[APP])
    assert (theirs.vary, ours.vary) == (["*", "origin"], ["*"])


def test_row_preflight_vary() -> None:
    theirs, ours = both(Request.preflight(APP, "GET"), allow_origins=[APP])
    assert (theirs.vary, ours.vary) == (VARY, ["origin"])

    theirs, ours = both(Request.preflight(APP, "GET"), allow_origins=["*"])
    assert (theirs.vary, ours.vary) == (VARY, [])


def test_row_star_without_origin() -> None:
    theirs, ours = both(Request.actual(None), allow_origins=["*"], expose_headers=["X-Total"])

    assert (theirs.cors, ours.cors) == ({}, {"allow-origin": "*", "expose-headers": "X-Total"})


def test_row_denied_origin() -> None:
    arguments: dict[str, Any] = {"allow_origins": [APP], "allow_credentials": True, "expose_headers": ["X-Total"]}

    theirs, ours = both(Request.actual(EVIL), **arguments)
    assert (theirs.cors, ours.cors) == ({"allow-credentials": "true", "expose-headers": "X-Total"}, {})

    theirs, ours = both(Request.preflight(EVIL, "GET"), **arguments)
    assert theirs.cors == {
        "allow-methods": "GET",
        "max-age": "600",
        "allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
        "allow-credentials": "true",
    }
    assert ours.cors == {}


def test_row_malformed_origin() -> None:
    origin = "https://evil.com#.example.org"
    theirs, ours = both(Request.actual(origin), allow_origin_regex=r"https://.*\.example\.org")
    assert (theirs.cors, ours.cors) == ({"allow-origin": origin}, {})

    theirs, ours = both(Request.preflight("x", "GET"), allow_origins=["*"], allow_credentials=True)
    assert (theirs.status, theirs.cors["allow-origin"]) == (200, "x")
    assert (ours.status, ours.body, ours.cors) == (400, b"Disallowed CORS origin", {})


def test_row_null_origin() -> None:
    theirs, ours = both(Request.actual("null"), allow_origins=["*"], allow_credentials=True)
    assert (theirs.cors, ours.cors) == ({"allow-origin": "null", "allow-credentials": "true"}, {})

    theirs, ours = both(Request.actual("null"), allow_origin_regex=".*")
    assert (theirs.cors, ours.cors) == ({"allow-origin": "null"}, {})


def test_row_null_credentials() -> None:
    theirs, ours = both(Request.actual("null"), allow_origins=["null"], allow_credentials=True)

    assert theirs.cors == {"allow-origin": "null", "allow-credentials": "true"}
    assert ours.cors == {"allow-origin": "null"}


def test_row_several_origins() -> None:
    request = Request("GET", "/items", (("Origin", APP), ("Origin", EVIL)))
    theirs, ours = both(request, allow_origins=[APP])

    assert (theirs.cors, ours.cors) == ({"allow-origin": APP}, {})


def test_row_lone_string() -> None:
    theirs, ours = both(Request.actual("https://app.example.co"), allow_origins=APP)
    assert (theirs.cors, ours.cors) == ({"allow-origin": "https://app.example.co"}, {})

    theirs, ours = both(Request.actual(APP), allow_origins=APP, expose_headers="X-A")
    assert (theirs.cors["expose-headers"], ours.cors["expose-headers"]) == ("X, -, A", "X-A")

    theirs, ours = both(Request.preflight(APP, "ET"), allow_origins=[APP], allow_methods="GET")
    assert (theirs.status, theirs.cors["allow-methods"]) == (200, "G, E, T")
    assert (ours.status, ours.cors["allow-methods"]) == (400, "GET")


def test_row_empty_methods() -> None:
    theirs, ours = both(Request.preflight(APP, "GET"), allow_origins=[APP], allow_methods=[])

    assert (theirs.status, theirs.cors["allow-methods"]) == (400, "")
    assert (ours.status, ours.cors.get("allow-methods")) == (400, None)


def test_row_never_sent() -> None:
    arguments: dict[str, Any] = {"allow_origins": [APP], "allow_methods": ["get", "PUT"], "allow_headers": ["Cookie"]}

    theirs, ours = both(Request.preflight(APP, "get", "cookie"), **arguments)
    assert (theirs.status, theirs.cors["allow-methods"]) == (200, "get, PUT")
    assert (ours.status, ours.cors["allow-methods"]) == (400, "PUT")
    assert ours.body == b"Disallowed CORS method, headers"

    theirs, ours = both(Request.actual(APP), allow_origins=[APP], expose_headers=["X-A\r\nX-Injected: 1"])
    assert (theirs.cors["expose-headers"], ours.cors) == ("X-A\r\nX-Injected: 1", {"allow-origin": APP})


def test_row_star_headers() -> None:
    theirs, ours = both(Request.preflight(APP, "GET", "x-a"), allow_origins=[APP], allow_headers=["*"])
    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("x-a", "*, Authorization")

    # Beside credentials browsers read a star literally: then the names are mirrored here, too.
    arguments: dict[str, Any] = {"allow_origins": [APP], "allow_headers": ["*"], "allow_credentials": True}
    theirs, ours = both(Request.preflight(APP, "GET", "x-a,authorization"), **arguments)
    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("x-a,authorization", "x-a, authorization")

    theirs, ours = both(Request.preflight(APP, "GET"), allow_origins=[APP], allow_headers=["*"])
    assert (theirs.cors.get("allow-headers"), ours.cors["allow-headers"]) == (None, "*, Authorization")


def test_row_malformed_headers() -> None:
    request = Request.preflight(APP, "GET", "<script>;=,\x7f")
    theirs, ours = both(request, allow_origins=[APP], allow_headers=["*"], allow_credentials=True)

    assert (theirs.status, theirs.cors["allow-headers"]) == (200, "<script>;=,\x7f")
    assert (ours.status, ours.body, ours.cors.get("allow-headers")) == (400, b"Disallowed CORS headers", None)


def test_row_split_headers() -> None:
    request = Request.preflight(APP, "GET", "x-a", "x-b")
    theirs, ours = both(request, allow_origins=[APP], allow_headers=["*"], allow_credentials=True)
    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("x-a", "x-a, x-b")

    theirs, ours = both(request, allow_origins=[APP], allow_headers=["X-A"])
    assert (theirs.status, ours.status) == (200, 400)


def test_row_empty_elements() -> None:
    theirs, ours = both(Request.preflight(APP, "GET", "x-a,"), allow_origins=[APP], allow_headers=["X-A"])

    assert (theirs.status, theirs.body) == (400, b"Disallowed CORS headers")
    assert (ours.status, ours.body) == (200, b"OK")


def test_row_malformed_method() -> None:
    theirs, ours = both(Request.preflight(APP, "GET, PUT"), allow_origins=[APP])
    assert (theirs.status, theirs.body, theirs.cors["allow-origin"]) == (400, b"Disallowed CORS method", APP)
    assert (ours.status, ours.body, ours.cors) == (400, b"Disallowed CORS method", {})

    name = "Access-Control-Request-Method"
    twice = Request("OPTIONS", "/items", (("Origin", APP), (name, "GET"), (name, "PUT")))
    theirs, ours = both(twice, allow_origins=[APP])
    assert (theirs.status, ours.status) == (200, 400)


def test_row_private_network_value() -> None:
    request = Request.preflight(APP, "GET", Access_Control_Request_Private_Network="false")
    theirs, ours = both(request, allow_origins=[APP])
    assert (theirs.status, ours.status) == (400, 200)

    theirs, ours = both(request, allow_origins=[APP], allow_private_network=True)
    assert (theirs.cors["allow-private-network"], ours.cors.get("allow-private-network")) == ("true", None)


def test_row_star_beside_credentials() -> None:
    request = Request.actual(APP, "/counts")
    theirs, ours = both(request, allow_origins=[APP], allow_credentials=True, expose_headers=["*"])

    assert (theirs.cors["expose-headers"], ours.cors["expose-headers"]) == ("*", "x-total")


def test_row_max_age() -> None:
    for max_age, sent in {-5: "0", 10**9: "86400", None: None}.items():
        theirs, ours = both(Request.preflight(APP, "GET"), allow_origins=[APP], max_age=max_age)

        assert (theirs.cors["max-age"], ours.cors.get("max-age")) == (str(max_age), sent)


def test_row_unhandled_exception() -> None:
    theirs, ours = both(Request.actual(APP, "/fails"), allow_origins=[APP])

    assert (theirs.status, theirs.cors, theirs.vary) == (500, {}, [])
    assert (ours.status, ours.cors, ours.vary) == (500, {"allow-origin": APP}, ["origin"])
    assert isinstance(theirs.error, LookupError)
    assert isinstance(ours.error, LookupError)


def test_row_mounted_exception() -> None:
    theirs, ours = both(Request.actual(APP, "/conflict"), "mounted", allow_origins=[APP])

    assert (theirs.status, theirs.body, theirs.cors, theirs.error) == (409, b"Conflict", {}, None)
    assert (ours.status, ours.body, ours.cors, ours.error) == (409, b"Conflict", {"allow-origin": APP}, None)


# Nothing else differs


class Configuration(NamedTuple):
    """The arguments of the middleware, and where it goes."""

    place: str
    arguments: Mapping[str, Any]

    @property
    def listed(self) -> "Configuration":
        """The same, with each lone string in a list."""
        listed = {
            name: [value] if isinstance(value, str) and name != "allow_origin_regex" else value
            for name, value in self.arguments.items()
        }
        return self._replace(arguments=listed)


class Case:
    """What one request means under one configuration, for the rows."""

    def __init__(self, pair: Pair) -> None:
        arguments = pair.configuration.listed.arguments
        self.pair = pair
        self.original = ORIGINAL(api, **arguments)
        self.credentials = bool(arguments.get("allow_credentials"))
        self.constant = self.original.allow_all_origins and not self.credentials
        given = arguments.get("expose_headers") or ()
        self.exposed = [name.strip() for entry in given for name in entry.split(",")]
        self.methods = list(self.original.allow_methods)
        self.headers = sorted(name.lower() for name in self.original.allow_headers)
        self.origins = self._lines("origin")
        self.asked_methods = self._lines("access-control-request-method")
        self.asked_headers = self._lines("access-control-request-headers")
        self.asked_private = self._lines("access-control-request-private-network")

    def _lines(self, wanted: str) -> list[str]:
        return [value for name, value in self.pair.request.headers if name.lower() == wanted]

    def own(self, name: str) -> tuple[str, ...] | None:
        """What the application itself sets, as `read` gives it."""
        path = self.pair.request.path
        lines = () if self.pair.is_preflight or path in ("/fails", "/conflict") else OWN[path]
        return read(Response(200, lines), name)

    @property
    def they_allow(self) -> bool:
        """Whether the original allows the origin, of several the first."""
        return bool(self.origins) and self.original.is_allowed_origin(self.origins[0])

    @property
    def origin_cause(self) -> str | None:
        """The row by which we refuse an origin that the original allows."""
        if not self.they_allow or self.constant:
            return None
        if len(self.origins) > 1:
            return "several-origins"
        (origin,) = self.origins
        if origin == "null":
            return None if "null" in self.original.allow_origins else "null-origin"
        return None if Origin.parse(origin) else "malformed-origin"

    @property
    def we_allow(self) -> bool:
        return self.they_allow and self.origin_cause is None

    @property
    def malformed_method(self) -> bool:
        return len(self.asked_methods) > 1 or not fetch.is_token(self.asked_methods[0])

    @property
    def answers_malformed_method(self) -> bool:
        return self.pair.is_preflight and self.we_allow and self.malformed_method

    @property
    def valid_methods(self) -> list[str]:
        return [
            name
            for name in self.methods
            if fetch.is_token(name) and not fetch.is_forbidden_method(name) and name == fetch.normalize_method(name)
        ]

    @property
    def valid_headers(self) -> list[str]:
        return [name for name in self.headers if fetch.is_token(name) and not fetch.is_forbidden_request_header(name)]

    @property
    def shown(self) -> tuple[str, ...] | None:
        """What we send of the policy's ``expose_headers``."""
        valid = [name.lower() for name in self.exposed if fetch.is_token(name) and name.lower() != "set-cookie"]
        return (exposable(self.pair.ours) if self.expands else tuple(sorted(valid))) or None

    @property
    def expands(self) -> bool:
        """Whether the names of the response's headers take the place of a star."""
        return self.credentials and "*" in self.exposed

    def causes(self) -> dict[str, str | None]:
        """For each word of a refusal, the row by which only one of the two says it."""
        return {
            "origin": self.origin_cause,
            "method": "malformed-method" if self.malformed_method else self._method_cause(),
            "headers": self._headers_cause(),
            "private-network": "private-network-value" if self.asked_private == ["false"] else None,
        }

    def _method_cause(self) -> str | None:
        (method,) = self.asked_methods
        return "never-sent" if method in self.methods and method not in self.valid_methods else None

    def _headers_cause(self) -> str | None:
        if len(self.asked_headers) > 1:
            return "split-headers"
        names = [name.strip(" \t").lower() for line in self.asked_headers for name in line.split(",")]
        if any(name and not fetch.is_token(name) for name in names):
            return "malformed-headers"
        if "" in names:
            return "empty-elements"
        return "never-sent" if set(names) & set(self.headers) - set(self.valid_headers) else None


OURS_PASSES = ("empty-elements", "private-network-value")


def refusal(body: bytes) -> list[str]:
    return [] if body == b"OK" else body.decode().removeprefix("Disallowed CORS ").split(", ")


def explained_by(pair: Pair, difference: Difference) -> str | None:
    """Return the name of the row that *difference* belongs to."""
    case = Case(pair)
    if pair.request.path in ("/fails", "/conflict") and not pair.is_preflight:
        return exception_row(case, difference)
    return (preflight_row if pair.is_preflight else actual_row)(case, difference)


def exception_row(case: Case, difference: Difference) -> str | None:
    path = case.pair.request.path
    name = {"/fails": "unhandled-exception", "/conflict": "mounted-exception"}[path]
    if name == "mounted-exception" and case.pair.configuration.place != "mounted":
        return actual_row(case, difference)
    part, theirs, ours = difference
    allowed = case.we_allow or (case.constant and not case.origins)
    expected: dict[str, tuple[str, ...] | None] = {
        "vary": None if case.constant else ("origin",),
        fetch.ALLOW_ORIGIN.lower(): ("*",) if case.constant else tuple(case.origins[:1]),
        fetch.ALLOW_CREDENTIALS.lower(): ("true",),
        fetch.EXPOSE_HEADERS.lower(): case.shown,
    }
    is_ours = part in expected and ours == expected[part] and (allowed or part == "vary")
    return name if theirs is None and is_ours else None


def actual_row(case: Case, difference: Difference) -> str | None:
    part, theirs, ours = difference
    own = case.own(part)
    if part == "vary":
        mine = list(own or ())
        kept = set(mine) if case.constant else {"*"} if "*" in mine else {*mine, "origin"}
        expected = tuple(sorted(mine if case.constant else kept)) or None
        return "vary" if theirs == tuple(sorted([*mine, "origin"])) and ours == expected else None
    if not case.origins:
        expected = {fetch.ALLOW_ORIGIN.lower(): ("*",), fetch.EXPOSE_HEADERS.lower(): case.shown}.get(part)
        return "star-without-origin" if case.constant and theirs == own and ours == expected else None
    if not case.we_allow:
        return (case.origin_cause or "denied-origin") if ours == own else None
    if part == fetch.ALLOW_CREDENTIALS.lower() and case.origins == ["null"]:
        return "null-credentials" if (theirs, ours) == (("true",), own) else None
    if part == fetch.EXPOSE_HEADERS.lower():
        if case.expands:
            return "star-beside-credentials" if theirs and "*" in theirs and ours == case.shown else None
        return "never-sent" if ours == (case.shown or own) else None
    return None


def preflight_row(case: Case, difference: Difference) -> str | None:
    part, theirs, ours = difference
    if part in ("status", "body"):
        answers = (case.pair.theirs, case.pair.ours)
        they_say, we_say = (refusal(answer.body) for answer in answers)
        if [answer.status for answer in answers] != [400 if words else 200 for words in (they_say, we_say)]:
            return None
        causes = {word: case.causes()[word] for word in sorted(set(they_say) ^ set(we_say))}
        for word, cause in causes.items():
            if cause is None or (cause != "split-headers" and (word in they_say) != (cause in OURS_PASSES)):
                return None
        return next(iter(causes.values()), None)
    if part == "vary":
        expected = {
            "origin": not case.constant,
            VARY[2]: case.credentials and case.original.allow_all_headers,
            VARY[3]: case.original.allow_private_network,
        }
        withheld = not case.we_allow or case.malformed_method
        names = [name for name, varies in expected.items() if varies and (name == "origin" or not withheld)]
        return "preflight-vary" if (theirs, ours) == (tuple(sorted(VARY)), tuple(sorted(names)) or None) else None
    if not case.we_allow:
        return (case.origin_cause or "denied-origin") if theirs and ours is None else None
    if case.malformed_method:
        return "malformed-method" if theirs and ours is None else None
    return granted_row(case, difference)


def granted_row(case: Case, difference: Difference) -> str | None:
    part, theirs, ours = difference
    if part == fetch.ALLOW_CREDENTIALS.lower() and case.origins == ["null"]:
        return "null-credentials" if (theirs, ours) == (("true",), None) else None
    if part == fetch.MAX_AGE.lower():
        age = case.pair.configuration.arguments["max_age"]
        sent = None if age is None else (str(min(max(age, 0), 86400)),)
        return "max-age" if (theirs, ours) == ((str(age),), sent) else None
    if part == fetch.ALLOW_METHODS.lower():
        if not case.methods:
            return "empty-methods" if (theirs, ours) == (("",), None) else None
        return "never-sent" if ours == (tuple(sorted(case.valid_methods)) or None) else None
    if part == fetch.ALLOW_HEADERS.lower():
        if not case.original.allow_all_headers:
            return "never-sent" if ours == tuple(case.valid_headers) else None
        if not case.credentials:
            return "star-headers" if ours == ("*", "authorization") else None
        names = fetch.parse_list(case.asked_headers)
        mirrored = tuple(sorted(name.lower() for name in names or ())) or None
        return (case.causes()["headers"] or "star-headers") if ours == mirrored else None
    if part == fetch.ALLOW_PRIVATE_NETWORK.lower():
        return "private-network-value" if (case.asked_private, theirs, ours) == (["false"], ("true",), None) else None
    return None


def row(name: str) -> Row:
    return Row(name, lambda pair, difference: explained_by(pair, difference) == name)


def is_lone_string(pair: Pair, difference: Difference) -> bool:
    """Whether the drop-in answers as the original does when the string is in a list, but for the other rows."""
    if pair.configuration.listed == pair.configuration:
        return False
    theirs = ask(pair.configuration.listed, ORIGINAL, pair.request)
    listed = Pair(pair.configuration.listed, pair.request, theirs, pair.ours)
    return all(explained_by(listed, one) for one in differences(theirs, pair.ours) if one.part == difference.part)


NAMED = """
    vary preflight-vary star-without-origin denied-origin malformed-origin null-origin null-credentials several-origins
    empty-methods never-sent star-headers malformed-headers split-headers empty-elements malformed-method
    private-network-value star-beside-credentials max-age unhandled-exception mounted-exception
"""
ROWS: tuple[Row, ...] = (*map(row, NAMED.split()), Row("lone-string", is_lone_string))


def lists(*entries: str) -> st.SearchStrategy[Any]:
    some = st.lists(st.sampled_from(entries), max_size=4)
    return st.one_of(some, some.map(tuple), st.sampled_from(entries))


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    arguments = {
        "allow_origins": lists(
            APP, APP, PARTNER, "*", "null", "https://*.example.com", f"{APP}/", "app.example.com", "https://App.example.com",
            f"{APP}:443", "http://localhost:3000", "capacitor://localhost",
        ),
        "allow_methods": lists("GET", "POST", "PUT", "PATCH", "*", "get", "patch", "TRACE", "PROPFIND", "A B"),
        "allow_headers": lists("X-A", "x-a", "X-B", "Authorization", "*", "Accept", "Cookie", "A B"),
        "allow_credentials": st.sampled_from([False, True, 1]),
        "allow_origin_regex": st.sampled_from(
            [None, r"https://.*\.example\.org", ".*", r"https://app\.example\.com", "null|http://localhost:.*"]
        ),
        "allow_private_network": st.booleans(),
        "expose_headers": st.none()
        | lists("X-Total", "*", "Set-Cookie", "x-total", "A B", "Content-Type", " X-B ,x-c", ",", ""),
        "max_age": st.sampled_from([600, 0, -5, 7201, 86400, 86401, None]),
    }  # fmt: skip
    origins = arguments.pop("allow_origins")
    likely = st.lists(st.sampled_from([PARTNER, "*", "null", APP]), max_size=2).map(lambda more: [APP, *more])
    chosen = draw(st.fixed_dictionaries({"allow_origins": st.one_of(likely, origins)}, optional=arguments))
    return Configuration(draw(st.sampled_from(sorted(PLACES))), chosen)


ORIGINS = (
    APP, PARTNER, EVIL, "null", "", "https://App.example.com", f"{APP}/", f"{APP}.evil.com", f"{APP}:443",
    f"{APP}:8443", "https://app.example.co", "https://evil.com#.example.org", "https://a.example.org", "http://localhost:3000",
    "http://localhost:3001", "https://*.example.com", "app.example.com", "capacitor://localhost", "h\xf6st",
    "https://notapp.example.com",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "patch", "get", "TRACE", "PROPFIND", "GET, PUT", "", "A B", "ET")
NAMES = (
    "x-a", "X-A,x-b", "authorization", "content-type", "x-a,", "", ",", " x-a , x-b ", "<script>", "x-a\xa0", "cookie",
    "x-c", "a b", "x-total\tx",
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> Request:
    number = draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2]))
    headers = [("Origin", draw(st.one_of(st.just(APP), st.sampled_from(ORIGINS)))) for _ in range(number)]
    kind = draw(st.sampled_from(["actual", "actual", "preflight", "preflight", "plain"]))
    path = draw(st.sampled_from(sorted(OWN)))
    if kind == "actual":
        return Request(draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "BREW"])), path, tuple(headers))
    if kind == "preflight":
        asked = draw(st.lists(st.sampled_from(METHODS), min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2]))))
        headers += [("Access-Control-Request-Method", method) for method in asked]
        names = draw(st.lists(st.sampled_from(NAMES), max_size=draw(st.sampled_from([1, 1, 2]))))
        headers += [("Access-Control-Request-Headers", name) for name in names]
        if private := draw(st.sampled_from([None, None, "true", "false"])):
            headers.append(("Access-Control-Request-Private-Network", private))
    return Request("OPTIONS", path, tuple(headers))


@pytest.fixture(autouse=True, scope="module")
def runner() -> Iterator[None]:
    global RUNNER
    with asyncio.Runner() as RUNNER:
        yield


RUNNER: asyncio.Runner


def ask(configuration: Configuration, middleware: Any, request: Request) -> Response:
    app = PLACES[configuration.place](middleware, **configuration.arguments)
    return RUNNER.run(ask_asgi_async(app, request))


def test_nothing_differs_but_by_the_rows(compared: Callable[[str, int, int, Mapping[str, int]], None]) -> None:
    tally = Tally()

    @settings(max_examples=1800)
    @given(configurations(), st.lists(requests(), min_size=2, max_size=5))
    def run(configuration: Configuration, asked: list[Request]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CORSWarning)
            apps: list[ASGIApp] = [
                PLACES[configuration.place](one, **configuration.arguments) for one in (ORIGINAL, CORSMiddleware)
            ]
            for request in asked:
                theirs, ours = (RUNNER.run(ask_asgi_async(app, request)) for app in apps)
                tally.compare(configuration, request, theirs, ours, ROWS)

    run()
    compared("starlette", len(tally.configurations), tally.answers, tally.rows)
    assert len(tally.configurations) >= 300
