"""The Starlette and FastAPI adapter: always outermost, and each endpoint under the policy that is written above it."""

import functools
import http.client
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from conformance.messages import Request
from conformance.messages import Response as Answered
from conformance.servers import ask_server, uvicorn_server
from conformance.situations import SITUATIONS, Situation
from conformance.stacks.asgi import asgi_api, ask_asgi
from conformance.stacks.starlette import serve_fastapi, serve_starlette
from crossorigin import LEAVE, AnyOf, ByPath, Decision, Policy
from crossorigin.answer import Rules
from crossorigin.asgi import CORSMiddleware, Receive, Scope, Send
from crossorigin.starlette import cors, setup

APP = "https://app.example.com"
EVIL = "https://evil.example"
POLICY = Policy(APP, allow_credentials=True, allow_methods=["PUT"], max_age=None)
GRANTED = {"allow-origin": APP, "allow-credentials": "true"}


def named(name: str) -> Policy:
    """Return a policy that answers everybody with its own name."""
    return Policy("*", allow_methods="*", allow_headers=[f"x-{name}"], expose_headers=[f"x-{name}"], max_age=None)


def policies_at(app: Any, path: str, method: str = "GET") -> tuple[str | None, str | None]:
    """Return the names of the policies that answer a preflight for *method*, and the request itself."""
    preflight = ask_asgi(app, Request.preflight(EVIL, method, path=path)).cors
    actual = ask_asgi(app, Request.actual(EVIL, path, method)).cors
    assert "AND" not in str(preflight) + str(actual)
    return preflight.get("allow-headers"), actual.get("expose-headers")


def says(name: str) -> Callable[[StarletteRequest], Response]:
    """Return an endpoint of its own that answers with *name*."""

    def endpoint(request: StarletteRequest) -> Response:
        return PlainTextResponse(name)

    return endpoint


def under(policy: Rules | None, name: str = "endpoint") -> Callable[[StarletteRequest], Response]:
    return cors(policy)(says(name))


NAMED = named("app")


def app_of(*routes: BaseRoute, policy: Rules | None = NAMED) -> Starlette:
    app = Starlette(routes=routes)
    setup(app, policy)
    return app


@pytest.mark.parametrize("serve", [serve_fastapi, serve_starlette])
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: f"{situation.rule}: {situation.name}")
def test_rule(situation: Situation, serve: Callable[[Policy], Any]) -> None:
    assert situation.problems(ask_asgi(serve(situation.policy), situation.request)) == []


# Always outermost


def guarded_app() -> FastAPI:
    """The story of the issue: setup first, then a middleware that wants a token, and a 500 page of the user's own."""
    app = FastAPI()
    setup(app, POLICY)

    @app.middleware("http")
    async def authenticate(
        request: StarletteRequest, call_next: Callable[[StarletteRequest], Awaitable[Response]]
    ) -> Response:
        if "authorization" not in request.headers:
            return JSONResponse({"detail": "no token"}, 401)
        return await call_next(request)

    @app.exception_handler(Exception)
    async def sorry(request: StarletteRequest, error: Exception) -> Response:
        return PlainTextResponse("so sorry", 500, {"X-Page": "ours"})

    @app.get("/fails")
    async def fails() -> None:
        raise LookupError("the handler failed")

    return app


def test_authentication_added_later_sees_no_preflight_and_its_401_is_readable() -> None:
    with uvicorn_server(guarded_app()) as address:
        preflight = ask_server(address, Request.preflight(APP, "PUT", path="/items"))
        refused = ask_server(address, Request.actual(APP, "/items"))
        missing = ask_server(address, Request.actual(APP, "/missing", Authorization="x"))

    assert (preflight.status, preflight.cors) == (204, {**GRANTED, "allow-methods": "PUT"})
    assert (refused.status, refused.cors, refused.vary) == (401, GRANTED, ["origin"])
    assert (missing.status, missing.cors) == (404, GRANTED)


def test_s12_the_users_own_500_page_keeps_its_body_and_gains_the_headers(caplog: pytest.LogCaptureFixture) -> None:
    with uvicorn_server(guarded_app()) as address:
        response = ask_server(address, Request.actual(APP, "/fails", Authorization="x"))

    assert (response.status, response.body, response.get("x-page")) == (500, b"so sorry", "ours")
    assert (response.cors, response.vary) == (GRANTED, ["origin"])
    assert "LookupError: the handler failed" in caplog.text


@pytest.mark.parametrize("make", [FastAPI, Starlette])
def test_s12_the_debug_page_gains_the_headers(make: Callable[..., Starlette]) -> None:
    def fails(request: StarletteRequest) -> Response:
        raise LookupError("the handler failed")

    app = make(debug=True, routes=[Route("/", fails)])
    setup(app, POLICY)

    response = ask_asgi(app, Request.actual(APP, "/"))

    assert (response.status, response.cors) == (500, GRANTED)
    assert b"the handler failed" in response.body
    assert isinstance(response.error, LookupError)


def test_what_fastapi_itself_puts_outside_the_users_middleware_is_inside() -> None:
    app = FastAPI(max_body_size=10)
    setup(app, POLICY)

    @app.post("/")
    async def read(request: StarletteRequest) -> int:
        return len(await request.body())

    response = ask_asgi(app, Request("POST", "/", (("Origin", APP), ("Content-Length", "11")), b"x" * 11))

    assert (response.status, response.cors) == (413, GRANTED)


def test_middleware_added_before_and_after_stays_inside() -> None:
    app = FastAPI()
    seen: list[str] = []

    class Watching(BaseHTTPMiddleware):
        async def dispatch(self, request: StarletteRequest, call_next: Any) -> Response:
            seen.append(request.method)
            response: Response = await call_next(request)
            response.headers["Access-Control-Allow-Origin"] = "https://someone.example"
            return response

    app.add_middleware(Watching)
    setup(app, POLICY)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(Watching)
    app.get("/")(lambda: "long " * 100)

    preflight = ask_asgi(app, Request.preflight(APP, "GET", path="/"))
    assert (preflight.status, seen) == (204, [])

    response = ask_asgi(app, Request.actual(APP, "/", Accept_Encoding="gzip"))
    assert (response.cors, response.vary) == (GRANTED, ["accept-encoding", "origin"])
    assert seen == ["GET", "GET"]


def test_whatever_wraps_the_stack_after_setup_works_on() -> None:
    # As tracing libraries do.
    app = FastAPI()
    setup(app, POLICY)
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: GZipMiddleware(build())  # type: ignore[method-assign]

    assert ask_asgi(app, Request.actual(APP, "/")).cors == GRANTED


@pytest.mark.filterwarnings("ignore:Using `httpx` with")
def test_the_test_client_and_the_lifespan() -> None:
    from starlette.testclient import TestClient

    started: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        app.get("/late")(under(named("late")))
        started.append("started")
        yield

    app = FastAPI(lifespan=lifespan)
    setup(app, POLICY)

    with TestClient(app) as client:
        late = client.get("/late", headers={"Origin": EVIL})
        missing = client.get("/missing", headers={"Origin": APP})

    assert started == ["started"]
    assert late.headers["access-control-expose-headers"] == "x-late"
    assert missing.headers["access-control-allow-origin"] == APP


# One endpoint's own policy


@pytest.fixture(params=["FastAPI", "Starlette"])
def routed(request: pytest.FixtureRequest) -> Starlette:
    """One path with two policies by method, one without CORS, and one below a parameter."""
    endpoints = [
        ("GET", "/x", under(named("get"), "get")),
        ("PUT", "/x", under(named("put"), "put")),
        ("GET", "/private", under(None)),
        ("GET", "/items/{number:int}", under(named("item"))),
        ("GET", "/plain", says("plain")),
    ]
    if request.param == "Starlette":
        return app_of(*(Route(path, endpoint, methods=[method]) for method, path, endpoint in endpoints))
    app = FastAPI()
    setup(app, named("app"))
    for method, path, endpoint in endpoints:
        app.api_route(path.replace(":int", ""), methods=[method])(endpoint)
    return app


@pytest.mark.parametrize(
    ("method", "path", "policy"),
    [
        ("GET", "/x", "x-get"),
        ("HEAD", "/x", "x-get"),
        ("PUT", "/x", "x-put"),
        ("DELETE", "/x", "x-get"),  # 405 by the route that comes first, as the router has it
        ("GET", "/private", None),
        ("GET", "/items/7", "x-item"),
        ("GET", "/plain", "x-app"),
        ("GET", "/missing", "x-app"),
        ("get", "/plain", "x-app"),
    ],
)
def test_each_endpoint_has_its_policy_by_path_and_method(
    routed: Starlette, method: str, path: str, policy: str | None
) -> None:
    if method == "HEAD" and isinstance(routed, FastAPI):
        method = "GET"  # FastAPI adds no HEAD to GET

    assert policies_at(routed, path, method) == (policy, policy)


def test_an_endpoint_without_cors_refuses_the_preflight_and_stays_silent(routed: Starlette) -> None:
    preflight = ask_asgi(routed, Request.preflight(APP, "GET", path="/private"))
    actual = ask_asgi(routed, Request.actual(APP, "/private"))

    assert (preflight.status, preflight.cors) == (403, {})
    assert (actual.status, actual.body, actual.cors) == (200, b"endpoint", {})


def test_setup_without_a_policy_covers_marked_endpoints_alone() -> None:
    app = app_of(Route("/feed", under(named("feed"))), Route("/", says("home")), policy=None)

    assert policies_at(app, "/feed") == ("x-feed", "x-feed")
    assert policies_at(app, "/") == (None, None)


def test_the_decorator_stands_above_or_below_the_route_sync_or_async() -> None:
    app = FastAPI()
    setup(app, None)

    @cors(named("above"))
    @app.get("/above")
    def above() -> str:
        return "above"

    @app.get("/below")
    @cors(named("below"))
    async def below(number: int = 1) -> int:
        return number

    assert policies_at(app, "/above") == ("x-above", "x-above")
    assert policies_at(app, "/below") == ("x-below", "x-below")
    assert ask_asgi(app, Request.actual(EVIL, "/below")).body == b"1"


def test_the_mark_shows_through_other_decorators_and_partials() -> None:
    marked = under(named("marked"))

    @functools.wraps(marked)
    def timed(request: StarletteRequest) -> Response:
        return marked(request)

    itself = cors(named("itself"))(functools.partial(says("partial")))
    app = app_of(Route("/timed", timed), Route("/partial", functools.partial(marked)), Route("/itself", itself))

    assert policies_at(app, "/timed") == ("x-marked", "x-marked")
    assert policies_at(app, "/partial") == ("x-marked", "x-marked")
    assert policies_at(app, "/itself") == ("x-itself", "x-itself")
    for route in app.routes:  # each of them is found alone, too
        assert policies_at(app_of(route), route.path) != ("x-app", "x-app")  # type: ignore[attr-defined]


def test_classes_and_their_methods() -> None:
    @cors(named("class"))
    class Items(HTTPEndpoint):
        def get(self, request: StarletteRequest) -> Response:
            return PlainTextResponse("get")

        @cors(named("put"))
        async def put(self, request: StarletteRequest) -> Response:
            return PlainTextResponse("put")

    class Headed(HTTPEndpoint):
        @cors(named("get"))
        def get(self, request: StarletteRequest) -> Response:
            return PlainTextResponse("get")

    class Inheriting(Items):
        pass

    app = app_of(Route("/items", Items), Route("/headed", Headed), Route("/inheriting", Inheriting))

    assert policies_at(app, "/items") == ("x-class", "x-class")
    assert policies_at(app, "/items", "HEAD") == ("x-class", "x-class")
    assert policies_at(app, "/items", "PUT") == ("x-put", "x-put")
    assert policies_at(app, "/items", "DELETE") == ("x-class", "x-class")
    assert policies_at(app, "/headed", "HEAD") == ("x-get", "x-get")
    assert policies_at(app, "/headed", "PUT") == ("x-app", "x-app")
    assert policies_at(app, "/headed", "__class__") == ("x-app", "x-app")
    assert policies_at(app, "/inheriting") == ("x-class", "x-class")
    assert policies_at(app_of(Route("/headed", Headed)), "/headed") == ("x-get", "x-get")


def test_an_asgi_application_below_a_mount_with_or_without_middleware() -> None:
    class Files:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asgi_api({**scope, "path": "/items"}, receive, send)

    app = app_of(
        Mount("/files", cors(named("files"))(Files())),
        Mount("/packed", cors(named("packed"))(Files()), middleware=[Middleware(GZipMiddleware)]),
        Mount("/others", Files()),
    )

    assert policies_at(app, "/files/a") == ("x-files", "x-files")
    assert policies_at(app, "/packed/a") == ("x-packed", "x-packed")
    assert policies_at(app, "/others/a") == ("x-app", "x-app")


@pytest.fixture
def included() -> FastAPI:
    """Routers in routers, included twice, with a plain Starlette route and a mount in one of them."""
    inner = APIRouter(prefix="/inner")
    inner.get("/{name}")(under(named("inner")))
    inner.put("/fixed")(under(named("put")))
    inner.get("/fixed")(says("hidden"))
    outer = APIRouter()
    outer.include_router(inner, prefix="/outer")
    outer.add_route("/plain", under(named("plain")))
    outer.mount("/mounted", Router([Route("/deep", under(named("deep")))]))
    app = FastAPI()
    app.include_router(outer, prefix="/v1")
    app.include_router(outer, prefix="/v2", dependencies=[Depends(lambda: None)])
    setup(app, named("app"))
    app.include_router(inner)
    return app


@pytest.mark.parametrize(
    ("method", "path", "policy"),
    [
        ("GET", "/v1/outer/inner/a", "x-inner"),
        ("GET", "/v2/outer/inner/a", "x-inner"),
        ("GET", "/inner/a", "x-inner"),
        ("GET", "/inner/fixed", "x-inner"),
        ("PUT", "/inner/fixed", "x-put"),
        ("PUT", "/v2/outer/inner/fixed", "x-put"),
        ("PUT", "/v1/outer/inner/a", "x-inner"),
        ("GET", "/v1/plain", "x-plain"),
        ("GET", "/v2/mounted/deep", "x-deep"),
        ("GET", "/v2/mounted/shallow", "x-app"),
        ("GET", "/outer/inner/a", "x-app"),
        ("GET", "/v3/outer/inner/a", "x-app"),
    ],
)
def test_included_routers(included: FastAPI, method: str, path: str, policy: str) -> None:
    assert policies_at(included, path, method) == (policy, policy)


def test_the_root_path_of_the_server_is_not_part_of_the_route() -> None:
    app = FastAPI()
    setup(app, ByPath({"/x": named("app")}))
    app.get("/x/y")(under(named("endpoint")))
    app.get("/x")(says("plain"))
    app.mount("/sub", Router([Route("/x", under(named("sub")))]))

    with uvicorn_server(app, root_path="/api") as address:
        seen = {path: ask_server(address, Request.actual(EVIL, path)) for path in ("/x/y", "/x", "/y", "/sub/x")}

    assert {path: response.cors.get("expose-headers") for path, response in seen.items()} == {
        "/x/y": "x-endpoint",
        "/x": "x-app",
        "/y": None,
        "/sub/x": "x-sub",
    }
    assert [response.status for response in seen.values()] == [200, 200, 404, 200]


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_the_root_path_of_fastapi_replaces_that_of_the_mount() -> None:
    sub = FastAPI(root_path="/elsewhere")
    sub.get("/x")(under(named("short"), "short"))
    sub.get("/sub/x")(under(named("long"), "long"))
    app = app_of(Mount("/sub", sub))
    rooted = FastAPI(root_path="/api")
    setup(rooted, named("app"))
    rooted.get("/x")(under(named("x")))

    assert ask_asgi(app, Request("GET", "/sub/x")).body == b"long"
    assert policies_at(app, "/sub/x") == ("x-long", "x-long")
    assert policies_at(rooted, "/api/x") == ("x-x", "x-x")


def test_mounted_applications_hosts_and_routes_in_mounts() -> None:
    sub = FastAPI()
    sub.get("/x")(under(named("sub")))
    app = app_of(
        Host("admin.example.com", Router([Route("/x", under(named("admin")))])),
        Host("api.example.com:80", Router([Route("/hosted", under(named("hosted")))])),
    )
    other = app_of(
        Mount("/sub", sub),
        Mount("/{tenant}/routes", routes=[Route("/{name}", under(named("routes")))]),
        Mount("/packed", sub, middleware=[Middleware(GZipMiddleware)]),
        Mount("", Router([Route("/x", under(named("root")))])),
    )

    assert policies_at(app, "/hosted") == ("x-hosted", "x-hosted")
    assert policies_at(app, "/x") == ("x-app", "x-app")
    assert policies_at(other, "/sub/x") == ("x-sub", "x-sub")
    assert policies_at(other, "/sub/y") == ("x-app", "x-app")
    assert policies_at(other, "/packed/x") == ("x-sub", "x-sub")
    assert policies_at(other, "/a/routes/b") == ("x-routes", "x-routes")
    assert policies_at(other, "/x") == ("x-root", "x-root")


def test_a_redirect_to_an_endpoints_slash_has_the_endpoints_policy() -> None:
    app = app_of(
        Route("/with/", under(named("with"))),
        Route("/without", under(named("without"))),
        Mount("/mount", routes=[Route("/", under(named("mount")))]),
    )

    for path, policy in {"/with": "x-with", "/without/": "x-without", "/mount": "x-mount"}.items():
        assert ask_asgi(app, Request("GET", path)).status == 307
        assert policies_at(app, path) == (policy, policy)


def test_without_a_redirect_the_slash_is_another_path() -> None:
    app = FastAPI(redirect_slashes=False)
    setup(app, named("app"))
    app.get("/with/")(under(named("with")))
    empty = FastAPI()
    setup(empty, named("app"))
    empty.get("")(under(named("empty")))

    assert policies_at(app, "/with") == ("x-app", "x-app")
    assert policies_at(empty, "/") == ("x-app", "x-app")


def test_a_path_that_no_convertor_can_convert_is_the_applications_own_error() -> None:
    app = app_of(
        Route("/items/{number:int}", under(named("item"))),
        Route("/{rest:path}", under(named("rest"))),
    )

    response = ask_asgi(app, Request.actual(EVIL, "/items/" + "9" * 5000))

    assert (response.status, response.cors["expose-headers"]) == (500, "x-app")
    assert isinstance(response.error, ValueError)
    assert ask_asgi(app, Request.preflight(EVIL, "GET", path="/items/" + "9" * 5000)).status == 204


def test_every_response_has_the_policy_of_the_endpoint_that_answered() -> None:
    paths = ["/a", "/a/b", "/{name}", "/a/{name}", "/{name}/b", "/{rest:path}"]
    methods = [["GET"], ["PUT", "POST"], ["DELETE", "GET"]]

    def routes(prefix: str) -> Iterator[tuple[str, list[str], Any]]:
        for number, path in enumerate(paths if prefix == "b" else reversed(paths)):
            name = f"{prefix}{number}"
            yield path, methods[number % 3], under(named(name), f"x-{name}")

    router, app = APIRouter(), FastAPI()
    setup(app, named("app"))
    for path, allowed, endpoint in routes("a"):
        router.api_route(path, methods=allowed)(endpoint)
    sub = Router([Route(path, endpoint, methods=allowed) for path, allowed, endpoint in routes("b")])
    app.include_router(router, prefix="/a")
    app.mount("/a/b", sub)
    for path, allowed, endpoint in routes("c"):
        app.api_route(path, methods=allowed)(endpoint)

    seen = set()
    for path in [
        "/",
        "/a",
        "/b",
        "/a/b",
        "/a/a/b",
        "/a/b/a",
        "/a/b/x/b",
        "/a/x",
        "/x/b",
        "/a/a",
        "/a/b/",
        "//",
        "/a//b",
    ]:
        for method in ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]:
            response = ask_asgi(app, Request.actual(EVIL, path, method))
            preflight = ask_asgi(app, Request.preflight(EVIL, method, path=path))
            assert response.cors["expose-headers"] == preflight.cors["allow-headers"], (method, path)
            if response.status == 200 and response.body:
                assert response.cors["expose-headers"] == response.body.decode(), (method, path)
                seen.add(response.body)

    assert len(seen) >= 8


# Nested policies: exactly one writer


def sub_application(how: str) -> Any:
    """An application with a policy of its own, in each way to give it one."""
    routes = [Route("/x", under(named("ignored"))), Route("/plain", says("plain"))]
    inner = named("inner")
    if how == "setup":
        return app_of(Route("/x", says("x")), policy=inner)
    if how == "fastapi setup":
        app = FastAPI()
        setup(app, inner)
        app.get("/x")(lambda: "x")
        return app
    if how == "add_middleware":
        starlette = Starlette(routes=routes)
        starlette.add_middleware(CORSMiddleware, policy=inner)
        starlette.add_middleware(GZipMiddleware)
        return starlette
    if how == "router middleware":
        return Router(routes, middleware=[Middleware(GZipMiddleware), Middleware(CORSMiddleware, policy=inner)])
    assert how == "wrapped"
    return GZipMiddleware(CORSMiddleware(Starlette(routes=routes), inner))


WAYS = ["setup", "fastapi setup", "add_middleware", "router middleware", "wrapped"]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("at", ["mount", "host", "included mount"])
def test_s11_a_mounted_application_with_its_own_policy_is_the_only_writer_below(how: str, at: str) -> None:
    outer = Policy([EVIL, APP], allow_credentials=True, max_age=None)
    sub = sub_application(how)
    app = FastAPI()
    setup(app, outer, enforce=True)
    prefix = {"mount": "/sub", "host": "", "included mount": "/v1/sub"}[at]
    if at == "mount":
        app.mount("/sub", sub)
    elif at == "host":
        app.host("api.example.com", sub)
    else:
        router = APIRouter()
        router.mount("/sub", sub)
        app.include_router(router, prefix="/v1")

    for _ in range(2):  # before and after the inner application has built its stack
        assert policies_at(app, f"{prefix}/x") == ("x-inner", "x-inner")
        assert policies_at(app, f"{prefix}/missing") == ("x-inner", "x-inner")
        stranger = ask_asgi(app, Request.actual("https://stranger.example", f"{prefix}/x"))
        assert (stranger.status, stranger.cors["allow-origin"]) == (200, "*")
    if at != "host":
        assert ask_asgi(app, Request.actual(APP, "/x")).cors == GRANTED
        assert ask_asgi(app, Request.actual("https://stranger.example", "/x")).status == 403
    if at == "mount":
        redirect = ask_asgi(app, Request.actual(APP, "/sub"))
        assert (redirect.status, redirect.cors) == (307, GRANTED)


def test_s11_a_mount_with_middleware() -> None:
    app = app_of(
        Mount("/sub", routes=[Route("/x", says("x"))], middleware=[Middleware(CORSMiddleware, policy=named("inner"))])
    )

    assert policies_at(app, "/sub/x") == ("x-inner", "x-inner")
    assert policies_at(app, "/x") == ("x-app", "x-app")


def test_s11_a_route_with_middleware_whose_router_lets_no_preflight_through() -> None:
    inner = Policy(APP, allow_methods=["PUT"], max_age=None)
    app = app_of(
        Route("/x", says("x"), methods=["GET", "PUT"], middleware=[Middleware(CORSMiddleware, policy=inner)]),
        Route("/all", asgi_api, middleware=[Middleware(CORSMiddleware, policy=inner, preflight_status=200)]),
        policy=Policy(EVIL, allow_credentials=True),
    )

    for path in ("/x", "/all"):
        assert ask_asgi(app, Request.actual(APP, path)).cors == {"allow-origin": APP}
        assert ask_asgi(app, Request.actual(EVIL, path)).cors == {}
        assert ask_asgi(app, Request.preflight(EVIL, "PUT", path=path)).status == 403
        preflight = ask_asgi(app, Request.preflight(APP, "PUT", path=path))
        assert preflight.cors == {"allow-origin": APP, "allow-methods": "PUT"}
    # A 405 comes from the router, outside the route's middleware.
    refused = ask_asgi(app, Request.actual(APP, "/x", "DELETE"))
    assert (refused.status, refused.cors) == (405, {"allow-origin": APP})


def test_s11_in_a_mounted_application_without_its_own_policy_the_outer_one_writes() -> None:
    app = app_of(Mount("/sub", Starlette(routes=[Route("/x", says("x"))])))

    assert policies_at(app, "/sub/x") == ("x-app", "x-app")


def test_s11_leave_lets_the_endpoint_speak_for_itself() -> None:
    @cors(LEAVE)
    def own(request: StarletteRequest) -> Response:
        return PlainTextResponse(request.method, headers={"Access-Control-Allow-Origin": "https://own.example"})

    app = app_of(Route("/own", own, methods=["GET", "OPTIONS"]))

    assert ask_asgi(app, Request.actual(APP, "/own")).cors == {"allow-origin": "https://own.example"}
    preflight = ask_asgi(app, Request.preflight(APP, "GET", path="/own"))
    assert (preflight.body, preflight.cors) == (b"OPTIONS", {"allow-origin": "https://own.example"})


def test_a_composed_policy_on_one_endpoint() -> None:
    async def allows(origin: str) -> bool:
        return origin == APP

    app = app_of(
        Route("/both", under(AnyOf(Policy(EVIL), POLICY))),
        Route("/later", under(Policy([], allow_origin_check=allows))),
        policy=None,
    )

    assert ask_asgi(app, Request.actual(EVIL, "/both")).cors == {"allow-origin": EVIL}
    assert ask_asgi(app, Request.actual(APP, "/both")).cors == GRANTED
    assert ask_asgi(app, Request.actual(APP, "/later")).cors == {"allow-origin": APP}
    assert ask_asgi(app, Request.actual(EVIL, "/later")).cors == {}


def test_the_options_of_setup_hold_for_marked_endpoints() -> None:
    seen: list[Decision] = []
    app = Starlette(routes=[Route("/x", under(POLICY), methods=["PUT"])])
    setup(app, None, preflight_status=200, enforce=True, observe=seen.append)

    assert ask_asgi(app, Request.preflight(APP, "PUT", path="/x")).status == 200
    assert ask_asgi(app, Request.actual(EVIL, "/x", "PUT")).status == 403
    assert [(decision.kind, decision.allowed) for decision in seen] == [("preflight", True), ("actual", False)]


# Work that is done once


class CountedRoute(Route):
    """A route that counts how often it is asked."""

    asked = 0

    def matches(self, scope: Any) -> tuple[Match, Any]:
        self.asked += 1
        return super().matches(scope)


def test_without_own_policies_no_route_is_looked_for() -> None:
    route = CountedRoute("/x", says("x"))
    app = app_of(route, Mount("/sub", Starlette(routes=[Route("/x", says("x"))])))

    ask_asgi(app, Request.actual(APP, "/x"))
    ask_asgi(app, Request.preflight(APP, "GET", path="/x"))

    assert route.asked == 1  # by the router


def test_a_route_added_after_the_first_request_is_seen() -> None:
    app = FastAPI()
    setup(app, named("app"))
    router = APIRouter()

    assert policies_at(app, "/x") == ("x-app", "x-app")
    router.get("/x")(under(named("x")))
    app.include_router(router)
    assert policies_at(app, "/x") == ("x-x", "x-x")

    # From here on requests are resolved: what is added below the application's own routes is seen, too.
    router.get("/y")(under(named("y")))
    assert policies_at(app, "/y") == ("x-y", "x-y")


def test_a_router_that_contains_itself_is_looked_through_once() -> None:
    router = Router([Route("/x", says("x"))])
    router.mount("/again", router)
    app = app_of(Mount("/router", router))

    assert policies_at(app, "/router/again/again/x") == ("x-app", "x-app")
    router.routes.insert(0, Route("/y", under(named("y"))))
    app.router.routes.append(Route("/z", says("z")))
    assert policies_at(app, "/router/again/again/y") == ("x-y", "x-y")


# Errors


@pytest.mark.parametrize("make", [FastAPI, Starlette])
def test_setup_after_the_first_request_or_twice_is_refused(make: Callable[[], Starlette]) -> None:
    app = make()
    setup(app, POLICY)
    with pytest.raises(RuntimeError, match=r"twice .* call it once, with AnyOf\(\.\.\.\) or ByPath"):
        setup(app, POLICY)

    started = make()
    ask_asgi(started, Request("GET", "/"))
    with pytest.raises(RuntimeError, match=r"call setup\(\) where it is created, before its first request"):
        setup(started, POLICY)


def test_wrong_arguments_of_setup_are_refused_at_once_and_leave_the_application_alone() -> None:
    app = FastAPI()
    with pytest.raises(TypeError, match=r"policy is '\*', of type str; write policy=Policy"):
        setup(app, "*")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="preflight_status is 404"):
        setup(app, POLICY, preflight_status=404)
    with pytest.raises(TypeError, match=r"write setup\(app, policy\) with a Starlette or FastAPI application"):
        setup(asgi_api, POLICY)  # type: ignore[arg-type]

    setup(app, POLICY)
    assert ask_asgi(app, Request.actual(APP, "/")).cors == GRANTED


def test_setup_and_the_middleware_on_one_application_are_refused() -> None:
    before = Starlette(middleware=[Middleware(CORSMiddleware, policy=POLICY)])
    with pytest.raises(RuntimeError, match=r"has a CORSMiddleware besides setup\(\); remove it"):
        setup(before, POLICY)

    after = FastAPI()
    setup(after, POLICY)
    after.add_middleware(GZipMiddleware)
    after.add_middleware(CORSMiddleware, policy=POLICY)
    with pytest.raises(RuntimeError, match=r"has a CORSMiddleware besides setup\(\); remove it"):
        after.build_middleware_stack()


def test_cors_wants_a_policy() -> None:
    with pytest.raises(TypeError, match=r"policy is <function .*>, of type function; write policy=Policy"):

        @cors  # type: ignore[arg-type]
        def endpoint() -> None: ...

    with pytest.raises(TypeError, match=r"policy is \['https://app\.example\.com'\], of type list"):
        cors([APP])  # type: ignore[arg-type]


def test_cors_wants_an_endpoint_of_its_own() -> None:
    marked = under(POLICY)
    assert cors(POLICY)(marked) is marked
    with pytest.raises(RuntimeError, match="write one of its own for each policy"):
        cors(named("other"))(marked)
    for wrong in (Starlette(), FastAPI(), APIRouter(), Route("/", says("x")), "/feed"):
        with pytest.raises(TypeError, match="is for an endpoint, not for"):
            cors(POLICY)(wrong)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"cannot be marked; write @cors\(\.\.\.\) above its def, or above its class"):
        cors(POLICY)(len)


# WebSockets, over real sockets


def websocket_app() -> FastAPI:
    app = FastAPI()
    setup(app, POLICY)

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    async def echo_too(websocket: WebSocket) -> None:
        await echo(websocket)

    app.websocket("/ws")(echo)

    @app.websocket("/open/{name}")
    @cors(Policy("*"))
    async def open_to_all(websocket: WebSocket, name: str) -> None:
        await echo(websocket)

    @cors(None)
    class Closed(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await echo(websocket)

    router = APIRouter()
    router.websocket("/closed")(cors(None)(echo_too))
    app.include_router(router, prefix="/included")
    app.router.routes.append(WebSocketRoute("/class", Closed))
    guarded = [Middleware(CORSMiddleware, policy=Policy("https://inner.example"))]
    app.router.routes.append(WebSocketRoute("/inner", echo, middleware=guarded))
    unguarded = FastAPI()
    setup(unguarded, POLICY, websockets=False)
    unguarded.websocket("/ws")(echo)
    app.mount("/unguarded", unguarded)
    return app


@pytest.fixture(scope="module", params=["websockets-sansio", "wsproto"])
def websocket_address(request: pytest.FixtureRequest) -> Iterator[str]:
    with uvicorn_server(websocket_app(), ws=request.param) as address:
        yield address


def handshake(address: str, path: str, origin: str | None) -> str | int:
    """Return what the server says first, or the status with which it refuses the handshake."""
    given = None if origin is None else Origin(origin)
    try:
        with connect(address.replace("http", "ws", 1) + path, origin=given, proxy=None) as websocket:
            return str(websocket.recv())
    except InvalidStatus as refusal:
        return refusal.response.status_code


@pytest.mark.parametrize(
    ("path", "origin", "outcome"),
    [
        ("/ws", EVIL, 403),
        ("/ws", APP, "hello"),
        ("/ws", None, "hello"),
        ("/ws", "own", "hello"),
        ("/open/a", EVIL, "hello"),
        ("/included/closed", APP, 403),
        ("/included/closed", None, "hello"),
        ("/included/closed", "own", "hello"),
        ("/class", APP, 403),
        ("/class", "own", "hello"),
        ("/inner", APP, 403),
        ("/inner", "https://inner.example", "hello"),
        ("/unguarded/ws", EVIL, "hello"),
        ("/missing", EVIL, 403),
    ],
)
def test_s17_each_websocket_has_its_policy(
    websocket_address: str, path: str, origin: str | None, outcome: str | int
) -> None:
    if origin == "own":
        origin = websocket_address

    assert handshake(websocket_address, path, origin) == outcome


def test_s17_a_websocket_is_not_redirected_to_a_slash() -> None:
    @cors(Policy("*"))
    async def refuse(websocket: WebSocket) -> None:
        await websocket.close()

    seen: list[Decision] = []
    app = Starlette(routes=[WebSocketRoute("/open/", refuse)])
    setup(app, POLICY, observe=seen.append)

    with uvicorn_server(app, ws="wsproto") as address:
        assert [handshake(address, path, EVIL) for path in ("/open/", "/open")] == [403, 403]

    assert [decision.allowed for decision in seen] == [True, False]


# Policies by path, over a real socket


def ask_raw(address: str, target: str, method: str = "GET", **headers: str) -> Answered:
    """Send a request with *target* as it is: no client in between that tidies the path."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return Answered(response.status, tuple(response.getheaders()), response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module", params=["h11", "httptools"])
def by_path_address(request: pytest.FixtureRequest) -> Iterator[str]:
    app = FastAPI()
    setup(app, ByPath({"/public/": Policy("*"), "/": POLICY}))

    @app.get("/public/{rest:path}")
    async def public(rest: str) -> str:
        return f"public {rest}"

    @app.get("/{rest:path}")
    async def private(rest: str) -> str:
        if rest == "forbidden":
            raise HTTPException(403)
        return f"private {rest}"

    with uvicorn_server(app, http=request.param) as address:
        yield address


PUBLIC, PRIVATE, NONE = {"allow-origin": "*"}, GRANTED, dict[str, str]()


@pytest.mark.parametrize(
    ("target", "body", "headers"),
    [
        ("/public/x", "public x", PUBLIC),
        ("/x", "private x", PRIVATE),
        ("/publicx", "private publicx", PRIVATE),
        ("/Public/x", "private Public/x", PRIVATE),
        ("/%70ublic/x", "public x", PUBLIC),
        ("/public%2fx", "public x", PUBLIC),
        ("/public%2Fx", "public x", PUBLIC),
        ("/public+/x", "private public+/x", PRIVATE),
        ("/public%20/x", "private public /x", PRIVATE),
        ("/public;a/x", "private public;a/x", PRIVATE),
        ("/x?/public/", "private x", PRIVATE),
        ("//public/x", "private /public/x", NONE),
        ("/%2fpublic/x", "private /public/x", NONE),
        ("/public//x", "public /x", NONE),
        ("/public/../x", "public ../x", NONE),
        ("/public/..", "public ..", NONE),
        ("/public/%2e%2e/x", "public ../x", NONE),
        ("/public%2f..%2fx", "public ../x", NONE),
        ("/./public/x", "private ./public/x", NONE),
        ("/x/../public/x", "private x/../public/x", NONE),
        ("/public/%252e%252e/x", "public %2e%2e/x", NONE),
        ("/public%252fx", "private public%2fx", NONE),
        ("/public%5c..%5cx", "private public\\\\..\\\\x", NONE),
        ("/public/%00x", "public \\u0000x", NONE),
    ],
)
def test_s19_each_spelling_of_a_path_has_the_policy_of_what_is_served_or_none(
    by_path_address: str, target: str, body: str, headers: dict[str, str]
) -> None:
    actual = ask_raw(by_path_address, target, Origin=APP)
    preflight = ask_raw(by_path_address, target, "OPTIONS", Origin=APP, Access_Control_Request_Method="GET")

    assert (actual.body.decode(), actual.cors) == (f'"{body}"', headers)
    assert preflight.cors.get("allow-origin") == headers.get("allow-origin")
    assert preflight.status == (204 if headers else 403)


def test_s19_the_root_of_a_rule_and_an_error_below_it(by_path_address: str) -> None:
    assert ask_raw(by_path_address, "/public", Origin=EVIL).cors == PUBLIC
    assert ask_raw(by_path_address, "/forbidden", Origin=APP).cors == PRIVATE
    assert ask_raw(by_path_address, "/forbidden", Origin=EVIL).cors == NONE


def test_s19_an_absolute_target_says_nothing_of_the_path(by_path_address: str) -> None:
    response = ask_raw(by_path_address, "/x", Origin=EVIL, X_Original_Url="/public/x", X_Forwarded_Prefix="/public")

    assert (response.body, response.cors) == (b'"private x"', NONE)


# The documentation


@pytest.mark.parametrize("name", ["fastapi", "starlette"])
def test_the_first_snippet_of_the_page_run_as_written(name: str) -> None:
    page = Path(__file__).parents[1] / "docs" / "stacks" / f"{name}.md"
    snippet = page.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(snippet, names)

    with uvicorn_server(names["app"]) as address:
        items = ask_server(address, Request.actual(APP, "/items"))
        preflight = ask_server(address, Request.preflight(APP, "PUT", path="/items"))
        feed = ask_server(address, Request.actual(EVIL, "/feed"))

    assert (items.body, items.cors) == (b'["one","two"]', GRANTED)
    assert (preflight.status, preflight.cors["allow-methods"]) == (204, "PUT")
    assert (feed.body, feed.cors) == (b"[]", {"allow-origin": "*"})
