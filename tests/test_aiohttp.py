"""The aiohttp adapter: what aiohttp's router, views, sub-applications and server do beyond the shared situations."""

import asyncio
import functools
import json
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from conformance.messages import Request, Response
from conformance.servers import ask_server
from conformance.situations import CREDENTIALED, EVERYTHING, PUBLIC, SITUATIONS, Situation
from conformance.stacks.aiohttp import aiohttp_server, ask_aiohttp, serve_aiohttp
from crossorigin import LEAVE, AnyOf, ByPath, Decision, Policy
from crossorigin.aiohttp import ByMethod, cors, setup

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

APP = "https://app.example.com"
OTHER = "https://other.example.net"
EVIL = "https://evil.example"
POLICY = Policy(APP, allow_credentials=True, allow_methods=["PUT", "DELETE"])
GRANTED = {"allow-origin": APP, "allow-credentials": "true"}
INNER = Policy(OTHER, allow_methods=["PATCH"])
ANYBODY = Policy("*", max_age=None)


def saying(text: str, **options: Any) -> Handler:
    """Return a handler that answers *text*."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, **options)

    return handler


def application(*routes: web.AbstractRouteDef, policy: Any = POLICY, **options: Any) -> web.Application:
    app = web.Application()
    app.add_routes(routes)
    setup(app, policy, **options)
    return app


# The shared situations.


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: f"{situation.rule}: {situation.name}")
def test_rule(situation: Situation) -> None:
    assert situation.problems(ask_aiohttp(serve_aiohttp(situation.policy), situation.request)) == []


@pytest.mark.parametrize("policy", [CREDENTIALED, EVERYTHING, PUBLIC], ids=["credentialed", "everything", "public"])
def test_the_situations_over_real_http(policy: Policy) -> None:
    problems = {}
    with aiohttp_server(serve_aiohttp(policy), access_log=None) as address:
        for situation in SITUATIONS:
            values = [value for _, value in situation.request.headers]
            # No client sends control characters, and aiohttp's parser takes header lines of up to 8 KiB.
            if situation.policy is not policy or any(len(value) > 8000 or not value.isprintable() for value in values):
                continue
            # What a handler raises stays in the server; here only the response is seen.
            found = situation.problems(ask_server(address, situation.request))
            problems[situation.name] = [text for text in found if text != "the further condition does not hold"]

    assert len(problems) >= 5
    assert [name for name, found in problems.items() if found] == []


# Whatever the router holds (S12).


class Items(web.View):
    async def get(self) -> web.StreamResponse:
        return web.Response(text="view")


async def raises(request: web.Request) -> web.StreamResponse:
    raise LookupError("the handler failed")


async def forbids(request: web.Request) -> web.StreamResponse:
    raise web.HTTPForbidden(text="no")


async def redirects(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/items")


async def times_out(request: web.Request) -> web.StreamResponse:
    raise TimeoutError


async def returns_nothing(request: web.Request) -> Any: ...


async def events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(3):
        await response.write(f"data: {number}\n\n".encode())
    return response


@pytest.fixture
def everything(tmp_path: Path) -> web.Application:
    (tmp_path / "page.txt").write_text("a file")
    app = application(web.get("/items", saying("items")), web.view("/view", Items), web.static("/static", tmp_path))
    for path, handler in {
        "/raises": raises,
        "/forbids": forbids,
        "/redirects": redirects,
        "/times-out": times_out,
        "/returns-nothing": returns_nothing,
        "/events": events,
    }.items():
        app.router.add_get(path, handler)
    app.router.add_route("*", "/any/{tail:.*}", saying("any"))
    sub = web.Application()
    sub.router.add_get("/items", saying("sub-application"))
    app.add_subapp("/sub", sub)
    domain = web.Application()
    domain.router.add_get("/", saying("domain"))
    app.add_domain("admin.example.com", domain)
    return app


RESPONSES = [
    ("GET", "/items", 200, b"items"),
    ("HEAD", "/items", 200, b""),
    ("POST", "/items", 405, b"405: Method Not Allowed"),
    ("GET", "/missing", 404, b"404: Not Found"),
    ("GET", "/view", 200, b"view"),
    ("PUT", "/view", 405, b"405: Method Not Allowed"),
    ("HEAD", "/static/page.txt", 200, b""),  # GET: over a real socket only, for aiohttp sends files by sendfile()
    ("GET", "/static/missing.txt", 404, b""),
    ("PUT", "/static/page.txt", 405, b"405: Method Not Allowed"),
    ("GET", "/any/thing", 200, b"any"),
    ("PURGE", "/any/thing", 200, b"any"),
    ("GET", "/sub/items", 200, b"sub-application"),
    ("GET", "/sub/missing", 404, b"404: Not Found"),
    ("DELETE", "/sub/items", 405, b"405: Method Not Allowed"),
    ("GET", "/forbids", 403, b"no"),
    ("GET", "/redirects", 302, b"302: Found"),
    ("GET", "/events", 200, b"data: 0\n\ndata: 1\n\ndata: 2\n\n"),
    ("GET", "/times-out", 504, b""),
    ("GET", "/returns-nothing", 500, b"500: Internal Server Error"),
]
ids_of_responses = [f"{method} {path}" for method, path, _, _ in RESPONSES]


@pytest.mark.parametrize(("method", "path", "status", "body"), RESPONSES, ids=ids_of_responses)
def test_s12_every_response_carries_the_headers(
    everything: web.Application, method: str, path: str, status: int, body: bytes
) -> None:
    allowed = ask_aiohttp(everything, Request.actual(APP, path, method))
    denied = ask_aiohttp(everything, Request.actual(EVIL, path, method))

    assert (allowed.status, allowed.body) == (denied.status, denied.body) == (status, body)
    assert (allowed.cors, allowed.vary) == (GRANTED, ["origin"])
    assert (denied.cors, denied.vary) == ({}, ["origin"])


@pytest.mark.parametrize("path", dict.fromkeys(path for _, path, _, _ in RESPONSES))
def test_s2_every_preflight_is_answered(everything: web.Application, path: str) -> None:
    response = ask_aiohttp(everything, Request.preflight(APP, "PUT", path=path))

    assert (response.status, response.body) == (204, b"")
    assert response.cors == {**GRANTED, "allow-methods": "PUT, DELETE", "max-age": "600"}
    assert response.get("content-type") is None


def test_s12_the_show_over_real_sockets(everything: web.Application, caplog: pytest.LogCaptureFixture) -> None:
    with aiohttp_server(everything, access_log=None) as address:
        file = ask_server(address, Request.actual(APP, "/static/page.txt"))
        shown = {
            f"{method} {path}": ask_server(address, Request.actual(APP, path, method))
            for method, path in [
                ("GET", "/missing"), ("PUT", "/items"), ("GET", "/raises"), ("GET", "/static/page.txt"),
                ("GET", "/sub/items"), ("GET", "/any/thing"), ("HEAD", "/items"), ("GET", "/events"),
            ]
        }  # fmt: skip
        domain = ask_server(address, Request.actual(APP, "/", Host="admin.example.com"))

    statuses = [404, 405, 500, 200, 200, 200, 200, 200]
    assert [response.status for response in shown.values()] == statuses
    assert [name for name, response in shown.items() if response.cors != GRANTED] == []
    assert (domain.body, domain.cors) == (b"domain", GRANTED)
    assert (file.body, file.cors) == (b"a file", GRANTED)
    assert "LookupError: the handler failed" in caplog.text


def test_s12_the_page_of_an_unhandled_exception_is_aiohttps_own(everything: web.Application) -> None:
    response = ask_aiohttp(everything, Request.actual(APP, "/raises", Accept="text/html"))

    assert (response.status, response.cors, response.vary) == (500, GRANTED, ["origin"])
    assert b"<h1>500 Internal Server Error</h1>" in response.body
    assert isinstance(response.error, LookupError)


@pytest.mark.filterwarnings("ignore:returning HTTPException object is deprecated")
def test_s12_an_exception_that_is_returned() -> None:
    async def returns(request: web.Request) -> web.StreamResponse:
        return web.HTTPConflict(headers={"Vary": "Accept", "X-Total-Count": "3"})

    response = ask_aiohttp(application(web.get("/", returns)), Request.actual(APP, "/"))

    assert (response.status, response.cors, response.vary) == (409, GRANTED, ["accept", "origin"])
    assert response.get("x-total-count") == "3"


def test_s12_an_exception_that_is_raised_again_and_again_keeps_nothing_of_the_last_answer() -> None:
    shared = web.HTTPTeapot if hasattr(web, "HTTPTeapot") else web.HTTPGone

    async def failing(request: web.Request) -> web.StreamResponse:
        raise shared(headers={"Access-Control-Allow-Origin": "https://stale.example"})

    app = application(web.get("/", failing))
    responses = [ask_aiohttp(app, Request.actual(origin, "/")) for origin in (APP, EVIL, None)]

    assert [response.cors for response in responses] == [GRANTED, {}, {}]


def test_s12_an_unknown_expectation_is_refused_before_all_middlewares_and_carries_the_headers() -> None:
    app = application(web.post("/", saying("created")))

    refused = ask_aiohttp(app, Request.actual(APP, "/", "POST", Expect="tea"))

    assert (refused.status, refused.cors, refused.vary) == (417, GRANTED, ["origin"])


def test_s12_a_stream_that_fails_half_way_has_had_its_headers(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        raise LookupError("half way")

    with (
        aiohttp_server(application(web.get("/", breaks)), access_log=None) as address,
        connected(address) as sock,
    ):
        sock.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nOrigin: {APP}\r\n\r\n".encode())
        received = read_all(sock)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"half")
    assert f"Access-Control-Allow-Origin: {APP}\r\n".encode() in received
    assert "LookupError: half way" in caplog.text


def test_no_route_is_added() -> None:
    app = application(web.get("/", saying("root")))

    assert {(route.method, route.handler.__name__) for route in app.router.routes()} == {
        ("GET", "handler"),
        ("HEAD", "handler"),
    }


def test_s1_a_plain_options_reaches_the_users_handler() -> None:
    app = application(web.get("/", saying("root")), web.options("/", saying("mine", headers={"Allow": "GET"})))

    plain = ask_aiohttp(app, Request("OPTIONS", "/"))
    with_origin = ask_aiohttp(app, Request.actual(APP, "/", "OPTIONS"))
    without_origin = ask_aiohttp(app, Request("OPTIONS", "/", (("Access-Control-Request-Method", "PUT"),)))
    preflight = ask_aiohttp(app, Request.preflight(APP, "PUT", path="/"))

    assert [plain.body, with_origin.body, without_origin.body] == [b"mine"] * 3
    assert [plain.cors, with_origin.cors, without_origin.cors] == [{}, GRANTED, {}]
    assert (preflight.status, preflight.body) == (204, b"")


def test_s2_other_middlewares_do_not_see_preflights_whether_they_are_added_before_or_behind() -> None:
    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    before, behind = web.Application(middlewares=[authenticate]), web.Application()
    for app in (before, behind):
        setup(app, POLICY)
    behind.middlewares.append(authenticate)

    for app in (before, behind):
        preflight = ask_aiohttp(app, Request.preflight(APP, "PUT", path="/nowhere"))
        actual = ask_aiohttp(app, Request.actual(APP, "/nowhere"))

        assert (preflight.status, preflight.cors["allow-methods"]) == (204, "PUT, DELETE")
        assert (actual.status, actual.cors) == (401, GRANTED)


def test_a_middleware_inserted_outside_sees_preflights_and_its_answers_carry_the_headers() -> None:
    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            raise web.HTTPUnauthorized
        # Another request from here on: what is kept with it does not reach the response.
        return await handler(request.clone(scheme="https"))

    app = application(web.put("/", saying("root")), enforce=True)
    app.middlewares.insert(0, authenticate)

    stopped = ask_aiohttp(app, Request.preflight(APP, "PUT", path="/"))
    passed = ask_aiohttp(app, Request.preflight(APP, "PUT", path="/", Authorization="x"))
    proxied = ask_aiohttp(app, Request.actual("https://api.example.com", "/", "PUT", Authorization="x"))
    denied = ask_aiohttp(app, Request.actual("http://api.example.com", "/", "PUT", Authorization="x"))

    assert (stopped.status, stopped.cors["allow-methods"]) == (401, "PUT, DELETE")
    assert (passed.status, passed.cors["allow-methods"]) == (204, "PUT, DELETE")
    assert (proxied.status, denied.status) == (200, 403)


# What the application sets itself (S10, S11).


def test_s11_what_handlers_set_is_replaced_however_they_set_it() -> None:
    theirs = {"Access-Control-Allow-Origin": "*", "access-control-max-age": "5"}

    async def responds(request: web.Request) -> web.StreamResponse:
        return web.Response(headers=theirs)

    async def streams(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=theirs)
        await response.prepare(request)
        return response

    async def fails(request: web.Request) -> web.StreamResponse:
        raise web.HTTPForbidden(headers=theirs)

    async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.extend(theirs)

    app = web.Application()
    app.add_routes([web.get("/responds", responds), web.get("/streams", streams), web.get("/fails", fails)])
    app.on_response_prepare.append(on_prepare)
    setup(app, POLICY)

    for path in ("/responds", "/streams", "/fails", "/missing"):
        responses = [ask_aiohttp(app, Request.actual(origin, path)) for origin in (APP, EVIL, None)]

        assert [response.cors for response in responses] == [GRANTED, {}, {}]


def test_cookies_and_repeated_headers_survive() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.Response(text="x", headers=[("Link", "</a>"), ("Link", "</b>"), ("Set-Cookie", "a=1")])
        response.set_cookie("b", "2", httponly=True)
        response.set_cookie("c", "3")
        return response

    response = ask_aiohttp(application(web.get("/", handler)), Request.actual(APP, "/"))

    assert response.values("set-cookie") == ["a=1", "b=2; HttpOnly; Path=/", "c=3; Path=/"]
    assert response.values("link") == ["</a>", "</b>"]
    assert response.cors == GRANTED
    assert len(response.values("content-length")) == len(response.values("content-type")) == 1


# `cors`: policies of handlers, methods and views (S11).


def test_cors_on_handlers_of_one_path_by_method() -> None:
    app = application(
        web.get("/", cors(ANYBODY)(saying("read"))), web.patch("/", cors(INNER)(saying("write"))), web.put("/", raises)
    )

    assert ask_aiohttp(app, Request.actual(EVIL, "/")).cors == {"allow-origin": "*"}
    assert ask_aiohttp(app, Request.actual(EVIL, "/", "HEAD")).cors == {"allow-origin": "*"}
    assert ask_aiohttp(app, Request.actual(OTHER, "/", "PATCH")).cors == {"allow-origin": OTHER}
    assert ask_aiohttp(app, Request.actual(APP, "/", "PATCH")).cors == {}
    assert ask_aiohttp(app, Request.actual(APP, "/", "PUT")).cors == GRANTED
    assert ask_aiohttp(app, Request.actual(APP, "/", "DELETE")).cors == GRANTED  # 405
    assert preflights(app, "/", "GET") == {"*": ""}
    assert preflights(app, "/", "PATCH") == {OTHER: "PATCH"}
    assert preflights(app, "/", "PUT") == {APP: "PUT, DELETE"}
    assert preflights(app, "/", "DELETE") == {APP: "PUT, DELETE"}


def test_cors_on_a_view_and_on_its_methods() -> None:
    @cors(INNER)
    class View(web.View):
        @cors(ANYBODY)
        async def get(self) -> web.StreamResponse:
            return web.Response(text="read")

        async def patch(self) -> web.StreamResponse:
            return web.Response(text="write")

        @cors(None)
        async def delete(self) -> web.StreamResponse:
            return web.Response(text="deleted", headers={"Access-Control-Allow-Origin": "*"})

    class Inherited(View):
        pass

    app = application(web.view("/view", View), web.get("/inherited", Inherited), web.patch("/inherited", Inherited))

    for path in ("/view", "/inherited"):
        assert ask_aiohttp(app, Request.actual(EVIL, path)).cors == {"allow-origin": "*"}
        assert ask_aiohttp(app, Request.actual(OTHER, path, "PATCH")).cors == {"allow-origin": OTHER}
        assert preflights(app, path, "GET") == {"*": ""}
        assert preflights(app, path, "PATCH") == {OTHER: "PATCH"}
    assert ask_aiohttp(app, Request.actual(OTHER, "/view", "PUT")).cors == {"allow-origin": OTHER}  # the view's own 405
    assert ask_aiohttp(app, Request.actual(OTHER, "/view", "DELETE")).cors == {}
    assert preflights(app, "/view", "DELETE") == {}
    assert preflights(app, "/view", "PUT") == {OTHER: "PATCH"}
    # The router does not hand these to a view, so the application's policy covers them.
    assert preflights(app, "/inherited", "DELETE") == {APP: "PUT, DELETE"}


def test_cors_none_turns_cors_off_for_a_handler() -> None:
    app = application(web.put("/", cors(None)(saying("x", headers={"Access-Control-Allow-Origin": "*"}))), enforce=True)

    assert ask_aiohttp(app, Request.actual(None, "/", "PUT")).cors == {}
    assert ask_aiohttp(app, Request.actual(APP, "/", "PUT")).status == 403
    assert ask_aiohttp(app, Request.actual("http://api.example.com", "/", "PUT")).status == 200
    assert preflights(app, "/", "PUT") == {}


def test_cors_leave_leaves_a_handler_to_itself() -> None:
    own = saying("mine", headers={"Access-Control-Allow-Origin": "https://own.example"})
    app = application(web.route("*", "/", cors(LEAVE)(own)), enforce=True)

    for request in (Request.actual(EVIL, "/"), Request.preflight(EVIL, path="/")):
        response = ask_aiohttp(app, request)

        assert (response.body, response.cors) == (b"mine", {"allow-origin": "https://own.example"})
        assert response.get("vary") is None


def test_cors_without_a_policy_for_the_application() -> None:
    app = application(web.get("/", saying("private")), web.get("/feed", cors(ANYBODY)(saying("feed"))), policy=None)

    assert ask_aiohttp(app, Request.actual(APP, "/")).cors == {}
    assert preflights(app, "/", "GET") == {}
    assert ask_aiohttp(app, Request.actual(APP, "/feed")).cors == {"allow-origin": "*"}
    assert preflights(app, "/feed", "GET") == {"*": ""}


def test_cors_holds_whatever_its_place_among_other_decorators() -> None:
    def traced(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def wrapper(request: web.Request) -> web.StreamResponse:
            return await handler(request)

        return wrapper

    routes = web.RouteTableDef()
    cors(ANYBODY)(routes.get("/above")(saying("above")))
    routes.get("/below")(traced(cors(ANYBODY)(saying("below"))))

    async def with_argument(text: str, request: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    class Pages:
        @cors(ANYBODY)
        async def method(self, request: web.Request) -> web.StreamResponse:
            return web.Response(text="method")

    inner = functools.partial(cors(ANYBODY)(with_argument), "partial")
    outer = cors(INNER)(functools.partial(with_argument, "partial"))
    app = application(*routes, web.get("/method", Pages().method), web.get("/inner", inner), web.get("/outer", outer))

    for path in ("/above", "/below", "/method", "/inner"):
        assert ask_aiohttp(app, Request.actual(EVIL, path)).cors == {"allow-origin": "*"}, path
        assert preflights(app, path, "GET") == {"*": ""}
    assert ask_aiohttp(app, Request.actual(OTHER, "/outer")).cors == {"allow-origin": OTHER}


@pytest.mark.parametrize("method", ["get", "GET, DELETE", "request", "__class__", "\x00", ""])
def test_s16_what_is_no_method_of_a_view_gets_none_of_its_policies(method: str) -> None:
    class View(web.View):
        @cors(ANYBODY)
        async def get(self) -> web.StreamResponse:
            return web.Response()

    response = ask_aiohttp(application(web.view("/", View)), Request.preflight(EVIL, method, path="/"))

    assert (response.status, response.cors, response.error) == (403, {}, None)


def test_cors_refuses_a_second_policy_and_what_cannot_be_marked() -> None:
    handler = cors(INNER)(saying("x"))

    assert cors(INNER)(handler) is handler
    with pytest.raises(RuntimeError, match="has another policy already; write one of its own for each policy"):
        cors(ANYBODY)(handler)
    with pytest.raises(TypeError, match=r"cannot be marked; write @cors\(\.\.\.\) above its def, or above its class"):
        cors(ANYBODY)(application().router.resolve)
    with pytest.raises(TypeError, match=r"write policy=Policy\(\.\.\.\)"):
        cors(handler)  # type: ignore[arg-type]


# Sub-applications (S11).


@pytest.fixture
def nested() -> web.Application:
    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            raise web.HTTPUnauthorized
        return await handler(request)

    sub = web.Application()
    sub.add_routes(
        [
            web.patch("/items", saying("sub")),
            web.get("/items", cors(ANYBODY)(saying("feed"))),
            web.get("/raises", raises),
        ]
    )
    setup(sub, INNER, preflight_status=200, enforce=True)
    app = application(web.get("/items", saying("app")), web.delete("/sub/items", saying("app's own")))
    app.middlewares.append(authenticate)
    app.add_subapp("/sub", sub)
    return app


def test_s11_a_sub_application_with_its_own_policy_is_covered_by_that_alone(nested: web.Application) -> None:
    def ask(origin: str, path: str, method: str = "GET") -> Response:
        return ask_aiohttp(nested, Request.actual(origin, path, method, Authorization="x"))

    assert ask(APP, "/items").cors == GRANTED
    assert ask(OTHER, "/sub/items", "PATCH").cors == {"allow-origin": OTHER}
    assert ask(OTHER, "/sub/missing").cors == {"allow-origin": OTHER}
    assert ask(OTHER, "/sub/raises").cors == {"allow-origin": OTHER}
    assert ask(OTHER, "/sub/items", "PUT").cors == {"allow-origin": OTHER}  # 405
    assert ask(EVIL, "/sub/items").cors == {"allow-origin": "*"}
    assert (ask(APP, "/sub/items", "PATCH").status, ask(APP, "/sub/items", "PATCH").cors) == (403, {})
    assert ask(EVIL, "/items").status == 200
    assert ask(APP, "/sub/items", "DELETE").cors == GRANTED  # the outer application's own route


def test_s11_the_preflights_of_a_sub_application_pass_the_outer_middlewares(nested: web.Application) -> None:
    assert preflights(nested, "/items", "GET", 204) == {APP: "PUT, DELETE"}
    assert preflights(nested, "/sub/items", "PATCH", 200) == {OTHER: "PATCH"}
    assert preflights(nested, "/sub/missing", "PUT", 200) == {OTHER: "PATCH"}
    assert preflights(nested, "/sub/items", "GET", 200) == {"*": ""}
    assert preflights(nested, "/sub/items", "DELETE", 204) == {APP: "PUT, DELETE"}


def test_s11_an_answer_of_the_outer_application_to_a_request_for_the_inner_carries_the_inner_policy(
    nested: web.Application,
) -> None:
    response = ask_aiohttp(nested, Request.actual(OTHER, "/sub/items", "PATCH"))

    assert (response.status, response.cors) == (401, {"allow-origin": OTHER})


def test_s11_only_the_sub_application_has_a_policy() -> None:
    sub = application(web.patch("/items", saying("sub")), policy=INNER)
    app = web.Application()
    app.add_routes([web.get("/items", saying("app")), web.delete("/sub/items", saying("app's own"))])
    app.add_subapp("/sub", sub)

    assert ask_aiohttp(app, Request.actual(OTHER, "/items")).cors == {}
    assert ask_aiohttp(app, Request.preflight(OTHER, "GET", path="/items")).status == 405
    assert ask_aiohttp(app, Request.actual(OTHER, "/sub/items", "PATCH")).cors == {"allow-origin": OTHER}
    assert preflights(app, "/sub/items", "PATCH") == {OTHER: "PATCH"}
    # DELETE is the outer application's, which has no policy: its preflights are nobody's.
    assert ask_aiohttp(app, Request.preflight(OTHER, "DELETE", path="/sub/items")).status == 405
    assert ask_aiohttp(app, Request.preflight(OTHER, "DELETE", path="/sub/items")).cors == {}


def test_s11_the_rules_of_the_outer_application_have_no_say_in_the_inner() -> None:
    async def own(request: web.Request) -> web.StreamResponse:
        return web.Response(text="own", headers={"Access-Control-Allow-Origin": "https://own.example"})

    left = application(web.route("*", "/{path:.*}", own), policy=LEAVE)
    covered = application(web.get("/items", saying("sub")), policy=INNER)
    app = application(policy=ByPath({"/covered": LEAVE, "/": POLICY}), enforce=True)
    app.add_subapp("/covered", covered)
    app.add_subapp("/left", left)

    assert ask_aiohttp(app, Request.actual(OTHER, "/covered/items")).cors == {"allow-origin": OTHER}
    assert ask_aiohttp(app, Request.actual(EVIL, "/left/x")).cors == {"allow-origin": "https://own.example"}
    assert ask_aiohttp(app, Request.preflight(EVIL, path="/left/x")).body == b"own"


def test_s11_a_resource_and_its_routes_have_policies_of_their_own(tmp_path: Path) -> None:
    app = application()
    resource = app.router.add_resource("/things")
    resource.add_route("GET", saying("got"))
    cors(ANYBODY)(resource.add_route("PATCH", saying("patched")))
    resource.add_route("PUT", cors(POLICY)(saying("put")))
    cors(INNER)(resource)

    assert ask_aiohttp(app, Request.actual(OTHER, "/things")).cors == {"allow-origin": OTHER}
    assert ask_aiohttp(app, Request.actual(OTHER, "/things", "PATCH")).cors == {"allow-origin": "*"}
    assert ask_aiohttp(app, Request.actual(APP, "/things", "PUT")).cors == GRANTED
    assert preflights(app, "/things", "GET") == {OTHER: "PATCH"}
    assert preflights(app, "/things", "PATCH") == {"*": ""}


def test_s12_a_resources_policy_covers_a_method_that_it_does_not_have() -> None:
    app = application()
    cors(INNER)(app.router.add_resource("/things")).add_route("GET", saying("got"))

    refused = ask_aiohttp(app, Request.actual(OTHER, "/things", "DELETE"))
    missing = ask_aiohttp(app, Request.actual(OTHER, "/elsewhere", "DELETE"))

    assert (refused.status, refused.cors) == (405, {"allow-origin": OTHER})
    assert (missing.status, missing.cors) == (404, {})
    assert preflights(app, "/things", "DELETE") == {OTHER: "PATCH"}


def test_s11_each_method_of_a_resource_has_a_policy_of_its_own() -> None:
    app = application()
    rules = ByMethod({"GET": ANYBODY, "PUT": POLICY, "PATCH": None, "POST": LEAVE}, default=INNER)
    resource = cors(rules)(app.router.add_resource("/things"))
    for method in ("GET", "PUT", "PATCH", "POST", "HEAD"):
        resource.add_route(method, saying(method))

    found = [
        ask_aiohttp(app, Request.actual(APP, "/things", method)).cors for method in ("GET", "PUT", "PATCH", "POST")
    ]
    assert found == [{"allow-origin": "*"}, GRANTED, {}, {}]
    for method in ("HEAD", "DELETE"):  # of which the second is a 405
        assert ask_aiohttp(app, Request.actual(OTHER, "/things", method)).cors == {"allow-origin": OTHER}
    assert preflights(app, "/things", "GET") == {"*": ""}
    assert preflights(app, "/things", "PUT") == {APP: "PUT, DELETE"}
    assert preflights(app, "/things", "PATCH") == {}
    assert preflights(app, "/things", "DELETE") == {OTHER: "PATCH"}
    assert ask_aiohttp(app, Request.preflight(APP, "POST", path="/things")).status == 405  # the application's own


def test_s11_each_method_of_a_view_and_of_an_application_has_a_policy_of_its_own() -> None:
    class Things(web.View):
        async def get(self) -> web.StreamResponse:
            return web.Response(text="got")

    marked = cors(ByMethod({"GET": INNER}))(Things)
    app = application(web.view("/view", marked), web.get("/items", saying("items")), policy=ByMethod({"GET": ANYBODY}))

    assert ask_aiohttp(app, Request.actual(OTHER, "/view")).cors == {"allow-origin": OTHER}
    assert ask_aiohttp(app, Request.actual(OTHER, "/view", "PUT")).cors == {}
    assert ask_aiohttp(app, Request.actual(APP, "/items")).cors == {"allow-origin": "*"}
    assert preflights(app, "/items", "GET") == {"*": ""}
    assert preflights(app, "/items", "PUT") == {}


def test_rules_by_method_change_while_they_are_in_use() -> None:
    app = application(policy=(rules := ByMethod({})))
    before = ask_aiohttp(app, Request.actual(APP, "/")).cors
    rules.rules["GET"] = ANYBODY

    assert (before, ask_aiohttp(app, Request.actual(APP, "/")).cors) == ({}, {"allow-origin": "*"})


def test_rules_by_method_are_checked_and_allow_nothing_where_the_method_is_unknown() -> None:
    with pytest.raises(TypeError, match=r"write policy=Policy\(\.\.\.\)"):
        ByMethod({"GET": APP})  # type: ignore[dict-item]
    rules = ByMethod({"GET": ANYBODY}, default=POLICY)

    assert repr(rules) == f"ByMethod({{'GET': {ANYBODY!r}}}, default={POLICY!r})"
    for outer in (AnyOf(rules), ByPath({"/": rules})):
        answer = outer.actual(APP)
        assert answer is not None
        assert not answer.allowed


@pytest.mark.parametrize("method", ["put", "Patch", "GET ", "", "A B", "PUT,GET"])
def test_rules_for_a_method_that_is_misspelled_are_refused(method: str) -> None:
    with pytest.raises(ValueError, match=rf"ByMethod has rules for {method!r}; write the method as it is sent"):
        ByMethod({"GET": POLICY, method: POLICY})


def test_rules_for_a_method_of_ones_own_are_rules() -> None:
    assert ByMethod({"PROPFIND": POLICY}).at("PROPFIND") is POLICY


def test_rules_by_method_do_not_nest() -> None:
    inner = ByMethod({"GET": POLICY})
    for arguments in ({"rules": {"GET": inner}}, {"rules": {}, "default": inner}):
        with pytest.raises(TypeError, match="ByMethod holds another ByMethod; write one"):
            ByMethod(**arguments)


def test_a_405_where_two_resources_share_a_path_has_the_policy_of_the_first_method() -> None:
    app = application(
        web.get("/items", saying("get")), web.get("/between", saying("")), web.put("/items", saying("put"))
    )
    first, _, second = app.router.resources()
    cors(INNER)(first)
    cors(ANYBODY)(second)

    assert ask_aiohttp(app, Request.actual(OTHER, "/items", "DELETE")).cors == {"allow-origin": OTHER}
    assert ask_aiohttp(app, Request.actual(EVIL, "/items", "DELETE")).cors == {}


def test_s11_static_files_have_a_policy_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("a file")
    app = application()
    cors(INNER)(app.router.add_static("/static", tmp_path))

    with aiohttp_server(app, access_log=None) as address:
        file = ask_server(address, Request.actual(OTHER, "/static/page.txt"))
        preflight = ask_server(address, Request.preflight(OTHER, "GET", path="/static/page.txt"))

    assert (file.body, file.cors) == (b"a file", {"allow-origin": OTHER})
    assert preflight.cors["allow-methods"] == "PATCH"


def test_s11_domains_with_policies_of_their_own() -> None:
    app = application(web.get("/", saying("app")))
    app.add_domain("a.example.net", application(web.get("/", saying("domain")), policy=INNER))

    with aiohttp_server(app, access_log=None) as address:
        domain = ask_server(address, Request.actual(OTHER, "/", Host="a.example.net"))
        preflight = ask_server(address, Request.preflight(OTHER, "PATCH", path="/", Host="a.example.net"))
        elsewhere = ask_server(address, Request.actual(APP, "/", Host="a.example.org"))

    assert (domain.body, domain.cors) == (b"domain", {"allow-origin": OTHER})
    assert preflight.cors["allow-methods"] == "PATCH"
    assert (elsewhere.body, elsewhere.cors) == (b"app", GRANTED)


def test_s11_each_adapter_tells_its_own_observer() -> None:
    outer: list[Decision] = []
    inner: list[Decision] = []
    app = application(observe=outer.append)
    app.add_subapp("/sub", application(web.patch("/", saying("sub")), policy=INNER, observe=inner.append))

    ask_aiohttp(app, Request.preflight(OTHER, "PATCH", path="/sub/"))
    ask_aiohttp(app, Request.actual(OTHER, "/sub/", "PATCH"))
    ask_aiohttp(app, Request.actual(EVIL, "/"))

    assert inner == [
        Decision("preflight", OTHER, "PATCH", "/sub/", True, "allowed"),
        Decision("actual", OTHER, "PATCH", "/sub/", True, "allowed"),
    ]
    assert outer == [Decision("actual", EVIL, "GET", "/", False, "origin-not-allowed")]


# Guards (S17, S18).


async def echo(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


async def is_evil(origin: str) -> bool:
    await asyncio.sleep(0)
    return origin == EVIL


@pytest.fixture(scope="module")
def sockets() -> Iterator[str]:
    sub = application(web.get("/ws", echo), policy=INNER)
    unguarded = application(web.get("/ws", echo), policy=POLICY, websockets=False)
    checked = application(web.get("/ws", echo), policy=Policy([], allow_origin_check=is_evil))
    app = application(web.get("/ws", echo), web.get("/off", cors(None)(saying("no socket"))))
    app.router.add_get("/own", cors(INNER)(functools.partial(echo)))
    for name, inner in {"sub": sub, "unguarded": unguarded, "checked": checked}.items():
        app.add_subapp(f"/{name}", inner)
    with aiohttp_server(app, access_log=None) as address:
        yield address


def open_socket(address: str, path: str, origin: str | None, **headers: str) -> Any:
    return connect(
        address.replace("http", "ws", 1) + path,
        origin=None if origin is None else Origin(origin),
        additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
        proxy=None,
    )


@pytest.mark.parametrize(
    ("path", "origin", "headers"),
    [
        ("/ws", None, {}),
        ("/ws", APP, {}),
        ("/ws", "its own", {}),
        ("/ws", "https://behind-a-proxy.example", {"Sec_Fetch_Site": "same-origin"}),
        ("/own", OTHER, {}),
        ("/sub/ws", OTHER, {}),
        ("/sub/ws", "its own", {}),
        ("/unguarded/ws", EVIL, {}),
        ("/checked/ws", EVIL, {}),
    ],
)
def test_s17_allowed_and_same_origin_handshakes_and_clients_without_origin_pass(
    sockets: str, path: str, origin: str | None, headers: dict[str, str]
) -> None:
    with open_socket(sockets, path, sockets if origin == "its own" else origin, **headers) as ws:
        ws.send("hello")
        answer = ws.recv()

    assert answer == "hello"


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/ws", EVIL),
        ("/ws", "null"),
        ("/ws", "http://127.0.0.1:1"),
        ("/own", APP),
        ("/off", APP),
        ("/sub/ws", APP),
        ("/checked/ws", APP),
        ("/missing", EVIL),
    ],
)
def test_s17_a_foreign_handshake_is_answered_403_before_it_is_accepted(sockets: str, path: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, open_socket(sockets, path, origin):
        pass

    response = refused.value.response
    assert response.status_code == 403
    assert response.body.startswith(b"CORS: the origin is")
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "WEBSOCKET "])
def test_s17_a_handshake_is_what_aiohttp_takes_for_one(sockets: str, upgrade: str) -> None:
    lines = ["GET /ws HTTP/1.1", "Host: x", f"Origin: {EVIL}", "Connection: Upgrade", f"Upgrade: {upgrade}"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]

    with connected(sockets) as sock:
        sock.sendall("\r\n".join(lines).encode())
        received = sock.recv(65536)

    assert received.startswith(b"HTTP/1.1 403 ")


def test_s17_the_handshake_carries_the_writers_headers_too(sockets: str) -> None:
    with open_socket(sockets, "/sub/ws", OTHER) as ws:
        assert ws.response.headers["Access-Control-Allow-Origin"] == OTHER


def test_s18_a_refused_request_reaches_neither_handler_nor_middleware() -> None:
    @web.middleware
    async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise AssertionError("the request must not get here")

    app = application(web.post("/", raises), enforce=True)
    app.middlewares.append(counting)

    response = ask_aiohttp(app, Request.actual(EVIL, "/", "POST"))

    assert (response.status, response.body, response.error) == (403, b"CORS: the origin is not allowed.\n", None)
    assert (response.cors, response.vary) == ({}, ["origin"])


def test_an_async_check_is_awaited_for_preflights_and_requests() -> None:
    app = application(web.put("/", saying("root")), policy=Policy([], allow_origin_check=is_evil, max_age=None))

    assert ask_aiohttp(app, Request.actual(EVIL, "/", "PUT")).cors == {"allow-origin": EVIL}
    assert ask_aiohttp(app, Request.actual(APP, "/", "PUT")).cors == {}
    assert ask_aiohttp(app, Request.preflight(EVIL, "GET", path="/")).cors == {"allow-origin": EVIL}
    assert ask_aiohttp(app, Request.preflight(APP, "GET", path="/")).status == 403


# Paths (S19), keep-alive and hostile requests, over real sockets.


def connected(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def exchange(address: str, *lines: str) -> tuple[int, dict[str, str], str]:
    """Send a request as it is, and return the status, the headers and the body of the answer."""
    with connected(address) as sock:
        sock.sendall("\r\n".join([*lines, "Host: x", "Connection: close", "", ""]).encode("latin-1"))
        head, _, body = read_all(sock).decode().partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in headers), body


@pytest.fixture(scope="module")
def by_path() -> Iterator[str]:
    async def public(request: web.Request) -> web.StreamResponse:
        return web.json_response(["public", dict(request.match_info)])

    async def private(request: web.Request) -> web.StreamResponse:
        return web.json_response(["private", dict(request.match_info)])

    app = application(policy=ByPath({"/public/": ANYBODY, "/100%25/": INNER, "/": POLICY}))
    app.add_routes(
        [
            web.get("/public/{name}", public),
            web.get("/public/{name}/{more}", public),
            web.get("/{name}", private),
            web.get("/{name}/{more}", private),
            web.get("/{name:.*}", private),
        ]
    )
    with aiohttp_server(app, access_log=None) as address:
        yield address


@pytest.mark.parametrize(
    ("path", "served", "allowed"),
    [
        ("/public/x", "public", "*"),
        ("/x", "private", APP),
        ("/publicx", "private", APP),
        ("/Public/x", "private", APP),
        ("/%70ublic/x", "public", "*"),
        ("/public%20/x", "private", APP),
        ("/public+/x", "private", APP),
        ("/public;v=1/x", "private", APP),
        ("/public/x?/../y", "public", "*"),
        ("/public/100%25", "public", "*"),
        ("/public/%252e%252e", "public", "*"),
        ("/100%25/x", "private", None),
        ("//public/x", "private", None),
        ("/public//x", "private", None),
        ("/public/../x", "private", None),
        ("/public/%2e%2e/x", "private", None),
        ("/x/../public/y", "private", None),
        ("/public/./x", "public", None),
        ("/public/..", "public", None),
        ("/public%2Fx", "private", None),
        ("/public%2fx", "private", None),
        ("/public/..%2Fx", "public", None),
        ("/x%2F..%2Fpublic/y", "private", None),
        ("/public%5Cx", "private", None),
        ("/public/%5c..%5cx", "public", None),
        ("/public/x%00", "public", None),
    ],
)
def test_s19_each_path_gets_the_policy_of_what_the_router_serves_or_none(
    by_path: str, path: str, served: str, allowed: str | None
) -> None:
    status, headers, body = exchange(by_path, f"GET {path} HTTP/1.1", f"Origin: {APP}")
    preflight, _, _ = exchange(
        by_path, f"OPTIONS {path} HTTP/1.1", f"Origin: {APP}", "Access-Control-Request-Method: GET"
    )

    if "/../" not in path and "/%2e%2e/" not in path and "/./" not in path:
        assert (status, json.loads(body)[0]) == (200, served)
    assert headers.get("access-control-allow-origin") == allowed
    assert preflight == (204 if allowed else 403)


def test_s19_the_host_and_an_absolute_target_change_nothing(by_path: str) -> None:
    _, poisoned, _ = exchange(by_path, "GET /x HTTP/1.1", f"Origin: {EVIL}", "X-Forwarded-Host: a/public/?")
    status, absolute, body = exchange(by_path, "GET http://a.example/public/x HTTP/1.1", f"Origin: {EVIL}")

    assert "access-control-allow-origin" not in poisoned
    assert (status, json.loads(body)[0], absolute["access-control-allow-origin"]) == (200, "public", "*")


@pytest.mark.parametrize(
    ("target", "status"),
    [("http://a.example", 204), ("http://a.example/public/x", 204), ("*", 403), ("a.example:80", 400)],
)
def test_a_preflight_for_any_target_is_answered(by_path: str, target: str, status: int) -> None:
    answered, _, _ = exchange(
        by_path, f"OPTIONS {target} HTTP/1.1", f"Origin: {APP}", "Access-Control-Request-Method: GET"
    )

    assert answered == status


def test_keep_alive_several_answers_over_one_connection() -> None:
    app = application(web.get("/", saying("root")), web.get("/events", events))
    preflight = f"OPTIONS / HTTP/1.1\r\nHost: x\r\nOrigin: {APP}\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
    denied = preflight.replace(APP, EVIL)
    actual = f"GET / HTTP/1.1\r\nHost: x\r\nOrigin: {APP}\r\n\r\n"
    chunked = f"GET /events HTTP/1.1\r\nHost: x\r\nOrigin: {APP}\r\n\r\n"
    last = "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with aiohttp_server(app, access_log=None) as address, connected(address) as sock:
        sock.sendall((preflight + denied + actual + chunked + last).encode())
        received = read_all(sock).decode()

    assert re.findall(r"HTTP/1\.1 (\d+)", received) == ["204", "403", "200", "200", "200"]
    assert received.count(f"Access-Control-Allow-Origin: {APP}\r\n") == 3
    assert received.count("Vary: Origin\r\n") == 5
    assert "Transfer-Encoding: chunked\r\n" in received


def test_an_event_stream_is_sent_piece_by_piece() -> None:
    released = asyncio.Event()

    async def waiting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await released.wait()
        await response.write(b"data: last\n\n")
        return response

    async def release(request: web.Request) -> web.StreamResponse:
        released.set()
        return web.Response()

    app = application(web.get("/events", waiting), web.post("/release", release))
    with aiohttp_server(app, access_log=None) as address, connected(address) as sock:
        sock.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\nOrigin: {APP}\r\nConnection: close\r\n\r\n".encode())
        first = b""
        while b"first" not in first:
            first += sock.recv(65536)
        ask_server(address, Request.actual(APP, "/release", "POST"))
        rest = read_all(sock)

    assert f"Access-Control-Allow-Origin: {APP}\r\n".encode() in first
    assert b"data: last" in rest


def test_a_preflight_whose_body_was_read_outside_is_refused() -> None:
    @web.middleware
    async def signed(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        return await handler(request)

    app = application(web.put("/", saying("root")), web.get("/other", cors(POLICY)(saying("other"))))
    app.middlewares.insert(0, signed)
    request = Request.preflight(APP, "PUT", path="/")
    with_body = Request(request.method, request.path, (*request.headers, ("Content-Length", "1")), b"x")

    assert ask_aiohttp(app, request).status == 204
    assert (ask_aiohttp(app, with_body).status, ask_aiohttp(app, with_body).error) == (403, None)


# The documentation.


def test_the_first_snippet_of_the_page_run_as_written() -> None:
    page = Path(__file__).parents[1] / "docs" / "stacks" / "aiohttp.md"
    snippet = page.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(snippet, names)

    with aiohttp_server(names["app"], access_log=None) as address:
        items = ask_server(address, Request.actual(APP, "/items"))
        preflight = ask_server(address, Request.preflight(APP, "PUT", path="/items"))
        feed = ask_server(address, Request.actual(EVIL, "/feed"))

    assert (items.body, items.cors) == (b'["one", "two"]', GRANTED)
    assert preflight.cors["allow-methods"] == "PUT"
    assert (feed.body, feed.cors) == (b"[]", {"allow-origin": "*"})


# Building it.


def test_setup_refuses_what_it_cannot_work_on() -> None:
    app = application()
    with pytest.raises(RuntimeError, match=r"called twice for one application; call it once, with AnyOf"):
        setup(app, POLICY)
    with pytest.raises(TypeError, match=r"no aiohttp.web.Application; write setup\(app, policy\)"):
        setup(POLICY, app)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"write policy=Policy\(\.\.\.\)"):
        setup(web.Application(), APP)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="preflight_status is 404"):
        setup(web.Application(), POLICY, preflight_status=404)


def test_setup_comes_before_the_application_is_added_or_started() -> None:
    running, added = web.Application(), web.Application()
    running.freeze()
    web.Application().add_subapp("/sub", added)

    for app in (running, added):
        with pytest.raises(RuntimeError, match=r"call setup\(\) before add_subapp\(\) or run_app\(\)"):
            setup(app, POLICY)


def test_a_setup_that_failed_can_be_repeated() -> None:
    app = web.Application()
    with pytest.raises(ValueError, match="preflight_status"):
        setup(app, POLICY, preflight_status=1)

    setup(app, POLICY)

    assert ask_aiohttp(app, Request.actual(APP, "/")).cors == GRANTED


def test_nothing_is_logged_but_refusals(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "crossorigin")
    app = application(web.get("/", saying("root")))

    for origin in (APP, None, "http://api.example.com", EVIL, EVIL):
        ask_aiohttp(app, Request.actual(origin, "/"))

    assert caplog.messages == [f"origin '{EVIL}' is not allowed"]


def preflights(app: web.Application, path: str, method: str, status: int = 204) -> dict[str, str]:
    """Return the origins whose preflight for *method* passes, as the answer names them, each with what it allows."""
    answers = [ask_aiohttp(app, Request.preflight(origin, method, path=path)) for origin in (APP, OTHER, EVIL)]
    passed = [answer for answer in answers if answer.status == status]
    assert all(answer.status == 403 and answer.cors == {} for answer in answers if answer not in passed)
    return {answer.cors["allow-origin"]: answer.cors.get("allow-methods", "") for answer in passed}
