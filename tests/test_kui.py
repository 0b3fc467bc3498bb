"""The Kui adapter: on a route, on a group, on and around an application, on the ASGI and on the WSGI side."""

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import kui.asgi
import kui.wsgi
import pytest
from baize.asgi import Files as ASGIFiles
from baize.datastructures import URL
from baize.wsgi import Files as WSGIFiles
from pydantic import BaseModel
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from conformance.messages import Request, Response
from conformance.servers import ask_server, uvicorn_server, waitress_server
from conformance.situations import SITUATIONS, Situation
from conformance.stacks import Stack
from conformance.stacks.asgi import ask_asgi
from conformance.stacks.kui import serve_kui_asgi, serve_kui_asgi_route, serve_kui_wsgi, serve_kui_wsgi_route
from conformance.stacks.wsgi import ask_wsgi
from crossorigin import LEAVE, ByPath, Decision, Policy
from crossorigin.kui import cors, setup

APP = "https://app.example.com"
PARTNER = "https://partner.example"
EVIL = "https://evil.example"
POLICY = Policy(APP, allow_methods=["PUT"], max_age=None)
OTHER = Policy(PARTNER, allow_methods=["DELETE"], max_age=None)
PUBLIC = Policy("*", max_age=None)

GRANTED = {"allow-origin": APP}
PREFLIGHT = {**GRANTED, "allow-methods": "PUT"}
PARTNERS = {"allow-origin": PARTNER}
PARTNERS_PREFLIGHT = {**PARTNERS, "allow-methods": "DELETE"}

STACKS = (
    Stack("asgi", serve_kui_asgi, ask_asgi),
    Stack("wsgi", serve_kui_wsgi, ask_wsgi),
    Stack("asgi-route", serve_kui_asgi_route, ask_asgi),
    Stack("wsgi-route", serve_kui_wsgi_route, ask_wsgi),
)
parametrize_stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


class Side(NamedTuple):
    """One side of Kui. Tests write a view once, as a plain def: *view* makes it what the side wants."""

    name: str
    kui: Any
    ask: Callable[[Any, Request], Response]

    def view(self, plain: Callable[..., Any]) -> Any:
        if self.name == "wsgi":
            return plain

        async def view() -> Any:
            return plain()

        return view

    def around(self, plain: Callable[[Callable[[], Any]], Any]) -> Any:
        """Return middleware from a generator function that is sent what the view gave and yields what goes out."""

        def middleware(endpoint: Any) -> Any:
            def run(given: Callable[[], Any]) -> Any:
                return plain(given)

            if self.name == "wsgi":
                return lambda: run(endpoint)

            async def wrapper() -> Any:
                # The view runs when *plain* asks for it; on ASGI, its outcome is fetched beforehand.
                try:
                    outcome = await endpoint()
                except Exception as error:
                    return run(lambda error=error: _raise(error))  # type: ignore[misc]
                return run(lambda: outcome)

            return wrapper

        return middleware

    def app(self, *routes: Any, **options: Any) -> Any:
        return self.kui.Kui(routes=routes, **options)

    def route(self, path: str, plain: Callable[..., Any], name: str = "") -> Any:
        return self.kui.HttpRoute(path, self.view(plain), name or path)


def _raise(error: Exception) -> Any:
    raise error


def ask_patiently(app: Any, request: Request) -> Response:
    """Play *request* as a client that sends no more once it has sent it: Kui's streams listen until it hangs up."""

    async def patient(scope: Any, receive: Any, send: Any) -> None:
        messages = [await receive()]

        async def receive_once() -> Any:
            return messages.pop() if messages else await asyncio.Event().wait()

        await app(scope, receive_once, send)

    return ask_asgi(patient, request)


SIDES = (Side("asgi", kui.asgi, ask_patiently), Side("wsgi", kui.wsgi, ask_wsgi))
parametrize_sides = pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)


def hello() -> Any:
    return "hello"


def fails() -> Any:
    raise LookupError("on purpose")


# The shared situations, and the guards


@parametrize_stacks
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: f"{situation.rule}: {situation.name}")
def test_rule(situation: Situation, stack: Stack) -> None:
    if stack.name.endswith("-route") and situation.request.path == "/fails" and situation.request.method == "GET":
        return  # what becomes of an unhandled exception, a route never sees: that takes setup()
    response = stack.ask(stack.serve(situation.policy), situation.request)

    assert situation.problems(response) == []


@parametrize_stacks
def test_the_suite_can_fail(stack: Stack) -> None:
    other = Policy("https://unrelated.example", allow_methods=["PATCH"])
    tried = [one for one in SITUATIONS if one.cors and one.request.path != "/fails"]
    held = [one for one in tried if not one.problems(stack.ask(stack.serve(other), one.request))]

    assert held == []


@parametrize_stacks
@pytest.mark.parametrize("origin", [EVIL, "null", "http://[", ""])
def test_s18_a_denied_request_never_reaches_the_view(stack: Stack, origin: str) -> None:
    response = stack.ask(stack.serve(POLICY, enforce=True), Request.actual(origin, "/fails", method="POST"))

    assert (response.status, response.cors, response.vary, response.error) == (403, {}, ["origin"], None)
    assert response.body.startswith(b"CORS: the origin")


@parametrize_stacks
@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (APP, {}),
        (None, {}),
        ("http://api.example.com", {}),
        ("https://behind-a-proxy.example", {"Sec_Fetch_Site": "same-origin"}),
    ],
)
def test_s18_allowed_and_same_origin_requests_pass(stack: Stack, origin: str | None, headers: dict[str, str]) -> None:
    response = stack.ask(stack.serve(POLICY, enforce=True), Request.actual(origin, method="POST", **headers))

    assert response.body == b"items"


@parametrize_stacks
def test_preflight_status(stack: Stack) -> None:
    response = stack.ask(stack.serve(POLICY, preflight_status=200), Request.preflight(APP))

    assert (response.status, response.values("content-length"), response.cors) == (200, ["0"], PREFLIGHT)


@parametrize_stacks
def test_a_preflight_answered_with_204_has_no_content_headers(stack: Stack) -> None:
    response = stack.ask(stack.serve(POLICY), Request.preflight(APP))

    assert {name.lower() for name, _ in response.headers} == {
        "access-control-allow-origin",
        "access-control-allow-methods",
        "vary",
    }


@parametrize_stacks
def test_an_observer_is_told_of_each_request_once(stack: Stack) -> None:
    seen: list[Decision] = []
    app = stack.serve(POLICY, observe=seen.append)

    stack.ask(app, Request.actual(APP))
    stack.ask(app, Request.actual(None))
    stack.ask(app, Request.actual(EVIL, method="POST"))
    stack.ask(app, Request.preflight(APP))

    assert seen == [
        Decision("actual", APP, "GET", "/items", True, "allowed"),
        Decision("actual", EVIL, "POST", "/items", False, "origin-not-allowed"),
        Decision("preflight", APP, "PUT", "/items", True, "allowed"),
    ]


@parametrize_sides
def test_options_are_checked_when_the_middleware_is_made(side: Side) -> None:
    with pytest.raises(ValueError, match="preflight_status"):
        cors(POLICY, preflight_status=500)
    with pytest.raises(ValueError, match="preflight_status"):
        setup(side.app(), POLICY, preflight_status=500)
    with pytest.raises(TypeError, match="write policy="):
        cors("https://app.example.com")  # type: ignore[arg-type]


# What a view may return


class Item(BaseModel):
    id: int


def shared_responses(side: Side, path: Path) -> dict[str, Callable[[], Any]]:
    def events() -> Iterator[dict[str, str]]:
        yield {"event": "tick", "data": "1"}

    async def events_async() -> Any:
        yield {"event": "tick", "data": "1"}

    async def pieces_async() -> Any:
        yield b"one "
        yield b"two"

    files = (ASGIFiles if side.name == "asgi" else WSGIFiles)(path.parent)
    stream = pieces_async if side.name == "asgi" else lambda: iter([b"one ", b"two"])
    return {
        "text": lambda: "hello",
        "bytes": lambda: b"hello",
        "a tuple": lambda: ("hello", 201, {"X-A": "1", "Vary": "Accept"}),
        "a dict": lambda: {"a": 1},
        "a list": lambda: [1],
        "a model": lambda: Item(id=1),
        "an empty response": lambda: side.kui.HttpResponse(204),
        "a redirect": lambda: URL("/elsewhere"),
        "a path": lambda: path,
        "a stream": lambda: side.kui.StreamResponse(stream()),
        "events": events_async if side.name == "asgi" else events,
        "an application": lambda: files,
    }


@parametrize_sides
@pytest.mark.parametrize(
    "what",
    [
        "text", "bytes", "a tuple", "a dict", "a list", "a model", "an empty response", "a redirect", "a path",
        "a stream", "events", "an application",
    ],
)  # fmt: skip
def test_s12_whatever_a_view_returns_leaves_with_the_headers(side: Side, what: str, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("content")
    view = shared_responses(side, path)[what]
    bare = side.app(side.route("/file.txt", view))
    app = side.app(side.route("/file.txt", view) @ cors(POLICY))

    expected = side.ask(bare, Request.actual(None, "/file.txt"))
    response = side.ask(app, Request.actual(APP, "/file.txt"))

    assert (response.status, response.body, response.error) == (expected.status, expected.body, None)
    assert response.cors == GRANTED
    assert response.vary == [*expected.vary, "origin"]
    kept = {line for line in expected.headers if line[0].lower() != "vary"}
    assert kept <= set(response.headers)


@parametrize_sides
@pytest.mark.parametrize(("ranges", "status"), [("bytes=0-2", 206), ("bytes=0-1,3-4", 206)])
def test_s12_ranges_of_a_file(side: Side, ranges: str, status: int, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("content")
    app = side.app(side.route("/", lambda: path) @ cors(POLICY))

    response = side.ask(app, Request.actual(APP, "/", Range=ranges))

    assert (response.status, response.cors) == (status, GRANTED)


@parametrize_sides
def test_cookies_stay_lines_of_their_own(side: Side) -> None:
    def view() -> Any:
        response = side.kui.PlainTextResponse("hello")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    response = side.ask(side.app(side.route("/", view) @ cors(POLICY)), Request.actual(APP, "/"))

    assert [line.split(";")[0] for line in response.values("set-cookie")] == ["a=1", "b=2"]


@parametrize_sides
def test_nothing_leaks_into_the_next_request_through_a_response_that_a_view_keeps(side: Side) -> None:
    kept = side.kui.PlainTextResponse("hello", headers={"Vary": "Accept"})
    app = side.app(side.route("/", lambda: kept) @ cors(Policy([APP, PARTNER])))

    origins = (APP, PARTNER, EVIL, None, APP)
    seen = [side.ask(app, Request.actual(origin, "/")) for origin in origins]

    assert [response.cors.get("allow-origin") for response in seen] == [APP, PARTNER, None, None, APP]
    assert [response.vary for response in seen] == [["accept", "origin"]] * 5
    assert "access-control-allow-origin" not in kept.headers


@parametrize_sides
def test_middleware_outside_meets_the_response_that_the_view_gave(side: Side) -> None:
    def stamp(given: Callable[[], Any]) -> Any:
        response = side.kui.convert_response(given())
        assert isinstance(response, side.kui.JSONResponse)
        assert response.content == {"a": 1}
        response.headers["X-Stamp"] = "1"
        response.status_code = 202
        return response

    app = side.app(side.route("/", lambda: {"a": 1}) @ cors(POLICY) @ side.around(stamp))

    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.get("x-stamp"), response.cors) == (202, "1", GRANTED)


@parametrize_sides
def test_an_inner_policy_in_a_mounted_application_is_the_writer(side: Side) -> None:
    inner = side.app(side.route("/", hello) @ cors(OTHER))
    mounted = side.kui.Kui.__module__  # the two sides keep their subpaths in modules of their own
    subpaths = __import__(f"baize.{mounted.split('.')[1]}", fromlist=["Subpaths"]).Subpaths
    app = side.app(side.route("/inner/", lambda: subpaths(("/inner", inner))) @ cors(POLICY))

    assert side.ask(app, Request.actual(PARTNER, "/inner/")).cors == PARTNERS
    assert side.ask(app, Request.actual(APP, "/inner/")).cors == {}


# Exceptions


@parametrize_sides
def test_s12_an_http_exception_becomes_kuis_own_response_with_the_headers(side: Side) -> None:
    def view() -> Any:
        raise kui.asgi.HTTPException(402, {"X-Price": "1"}, "pay first")

    response = side.ask(side.app(side.route("/", view) @ cors(POLICY)), Request.actual(APP, "/"))

    assert (response.status, response.body, response.get("x-price")) == (402, b"pay first", "1")
    assert (response.cors, response.vary, response.error) == (GRANTED, ["origin"], None)


@parametrize_sides
def test_s12_an_exception_handler_of_the_application_with_the_headers(side: Side) -> None:
    app = setup(side.app(side.route("/", fails)), POLICY)
    handler = (lambda error: ("sorry", 418)) if side.name == "wsgi" else None

    async def handler_async(error: Exception) -> Any:
        return "sorry", 418

    app.add_exception_handler(LookupError, handler or handler_async)

    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.body, response.cors) == (418, b"sorry", GRANTED)


@parametrize_sides
def test_s12_an_exception_handler_that_fails(side: Side) -> None:
    app = setup(side.app(side.route("/", fails)), POLICY)

    async def handler_async(error: Exception) -> Any:
        raise RuntimeError

    app.add_exception_handler(
        LookupError, handler_async if side.name == "asgi" else lambda error: _raise(RuntimeError(error))
    )
    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.cors) == (500, GRANTED)
    assert isinstance(response.error, RuntimeError)


def raising(side: Side, error: BaseException, plain: Callable[[Any], Any], kind: Any, policy: Policy | None) -> Any:
    """Return an application whose route has *policy* and raises *error*, with *plain* as the handler for *kind*."""

    def view() -> Any:
        raise error

    async def view_async() -> Any:
        raise error

    async def handler(error: Any) -> Any:
        return plain(error)

    route = side.kui.HttpRoute("/", view_async if side.name == "asgi" else view)
    return side.kui.Kui(
        routes=[route if policy is None else route @ cors(policy)],
        exception_handlers={kind: handler if side.name == "asgi" else plain},
    )


@parametrize_sides
@pytest.mark.parametrize("again", ["the same", "HTTPException", "another"])
@pytest.mark.parametrize("covered", ["route", "setup", "both"])
def test_an_exception_handler_that_raises_is_called_once(side: Side, again: str, covered: str) -> None:
    raised: dict[str, Exception] = {"HTTPException": kui.asgi.HTTPException(404), "another": RuntimeError()}
    logged: list[str] = []

    def handler(error: Any) -> Any:
        logged.append(type(error).__name__)
        raise raised.get(again, error)

    app = raising(side, LookupError(), handler, LookupError, None if covered == "setup" else POLICY)
    if covered == "route":
        with pytest.raises(AssertionError, match="no response") as caught:
            side.ask(app, Request.actual(APP, "/"))
        failure = caught.value.__cause__
    else:
        response = side.ask(setup(app, POLICY), Request.actual(APP, "/"))
        assert (response.status, response.cors) == (500, GRANTED)
        failure = response.error

    assert logged == ["LookupError"]
    assert type(failure) is type(raised.get(again, LookupError()))


@parametrize_sides
def test_s12_a_handler_for_base_exceptions(side: Side) -> None:
    class Stopped(BaseException):
        pass

    app = raising(side, Stopped(), lambda error: ("stopped", 503), BaseException, POLICY)
    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.body, response.cors) == (503, b"stopped", GRANTED)


@parametrize_sides
def test_s12_a_handler_that_drops_the_headers_of_an_http_exception(side: Side) -> None:
    error = kui.asgi.HTTPException(402, {"X-Price": "1"}, "pay first")
    app = raising(side, error, lambda error: ("no", 402), kui.asgi.HTTPException, POLICY)

    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.body, response.cors, response.vary) == (402, b"no", GRANTED, ["origin"])


@parametrize_sides
def test_s12_a_handler_that_is_added_after_the_first_exception(side: Side) -> None:
    app = raising(side, LookupError(), lambda error: ("sorry", 418), ZeroDivisionError, POLICY)
    with pytest.raises(AssertionError, match="no response"):
        side.ask(app, Request.actual(APP, "/"))

    async def handler(error: Any) -> Any:
        return "sorry", 418

    app.add_exception_handler(LookupError, handler if side.name == "asgi" else lambda error: ("sorry", 418))
    responses = [side.ask(app, Request.actual(origin, "/")) for origin in (APP, EVIL)]

    assert [(one.status, one.cors) for one in responses] == [(418, GRANTED), (418, {})]


@parametrize_sides
def test_s11_what_a_handler_answers_leaves_with_the_headers_of_the_innermost_policy(side: Side) -> None:
    def hiding(endpoint: Any) -> Any:
        async def hidden() -> Any:
            return await endpoint()

        def hidden_plain() -> Any:
            return endpoint()

        return hidden_plain if side.name == "wsgi" else hidden

    async def handler(error: Any) -> Any:
        return "sorry", 418

    inner = hiding(cors(OTHER)(side.view(fails)))
    handlers = {LookupError: handler if side.name == "asgi" else lambda error: ("sorry", 418)}
    app = side.app(side.kui.HttpRoute("/", inner, "hidden") @ cors(POLICY), exception_handlers=handlers)

    for again in (False, True):
        answers = {origin: side.ask(app, Request.actual(origin, "/")).cors for origin in (PARTNER, APP)}
        assert answers == {PARTNER: PARTNERS, APP: {}}, again
        if not again:
            setup(app, PUBLIC)


@parametrize_sides
def test_s12_a_parameter_that_is_not_valid(side: Side) -> None:
    def view(page: Annotated[int, kui.asgi.Query(...)]) -> Any:
        return str(page)

    async def view_async(page: Annotated[int, kui.asgi.Query(...)]) -> Any:
        return str(page)

    app = setup(side.app(side.kui.HttpRoute("/", view if side.name == "wsgi" else view_async)), POLICY)

    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.cors, response.error) == (422, GRANTED, None)


@parametrize_sides
def test_s12_an_unhandled_exception_becomes_a_plain_500_and_is_raised_on(side: Side) -> None:
    app = setup(side.app(side.route("/", fails) @ cors(POLICY)), POLICY)

    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.status, response.body, response.cors) == (500, b"Internal Server Error", GRANTED)
    assert isinstance(response.error, LookupError)


@parametrize_sides
@pytest.mark.parametrize("given", [None, {"a": {1}, "b": object()}], ids=["nothing", "not JSON"])
def test_s12_a_response_that_cannot_be_made(side: Side, given: Any) -> None:
    response = side.ask(setup(side.app(side.route("/", lambda: given)), POLICY), Request.actual(APP, "/"))

    assert (response.status, response.cors) == (500, GRANTED)
    assert response.error is not None


@parametrize_sides
def test_s12_a_stream_that_fails_on_its_way_is_only_raised_on(side: Side) -> None:
    async def pieces_async() -> Any:
        yield b"half"
        raise LookupError

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise LookupError

    def view() -> Any:
        return side.kui.StreamResponse(pieces_async() if side.name == "asgi" else pieces())

    app = side.app(side.route("/", view) @ cors(POLICY))
    response = (ask_half if side.name == "asgi" else ask_wsgi)(app, Request.actual(APP, "/"))

    assert (response.status, response.body, response.cors) == (200, b"half", GRANTED)
    assert isinstance(response.error, LookupError)


def ask_half(app: Any, request: Request) -> Response:
    """Play *request* on an ASGI application whose response may break off."""
    sent: list[Any] = []

    async def finished(scope: Any, receive: Any, send: Any) -> None:
        async def keep(message: Any) -> None:
            sent.append(message)
            await send(message)

        try:
            await app(scope, receive, keep)
        except LookupError:
            await send({"type": "http.response.body", "body": b""})
            raise

    return ask_asgi(finished, request)


@parametrize_sides
@pytest.mark.parametrize("error", [LookupError("bug"), kui.asgi.HTTPException(409)], ids=["unhandled", "HTTP"])
def test_middleware_outside_still_meets_the_exception(side: Side, error: Exception) -> None:
    # It may have a transaction to roll back. What CORS adds must not turn a failure into a response before its eyes.
    log: list[str] = []

    def transaction(given: Callable[[], Any]) -> Any:
        try:
            result = given()
        except Exception:
            log.append("rolled back")
            raise
        log.append("committed")
        return result

    app = setup(side.app(side.route("/", lambda: _raise(error)) @ cors(POLICY) @ side.around(transaction)), POLICY)

    response = side.ask(app, Request.actual(APP, "/"))

    assert log == ["rolled back"]
    assert response.cors == GRANTED


@parametrize_sides
def test_middleware_outside_may_call_the_view_once_more(side: Side) -> None:
    calls: list[int] = []

    def view() -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise LookupError
        return "hello"

    def again(endpoint: Any) -> Any:
        def wrapper() -> Any:
            try:
                return endpoint()
            except LookupError:
                return endpoint()

        async def wrapper_async() -> Any:
            try:
                return await endpoint()
            except LookupError:
                return await endpoint()

        return wrapper_async if side.name == "asgi" else wrapper

    app = side.app(side.route("/", view) @ cors(POLICY) @ again)

    response = side.ask(app, Request.actual(APP, "/"))

    assert (response.body, response.cors, len(calls)) == (b"hello", GRANTED, 2)


# Where it goes: routes, methods, classes, groups, applications


@parametrize_sides
def test_a_route_for_one_method(side: Side) -> None:
    app = side.app()
    app.router.http.put("/", name="put", middlewares=[cors(POLICY)])(side.view(hello))

    preflight = side.ask(app, Request.preflight(APP, "PUT", path="/"))
    actual = side.ask(app, Request.actual(APP, "/", "PUT"))
    refused = side.ask(app, Request.actual(APP, "/", "POST"))
    options = side.ask(app, Request.preflight(APP, None, path="/"))

    assert (preflight.status, preflight.cors) == (204, PREFLIGHT)
    assert (actual.body, actual.cors) == (b"hello", GRANTED)
    assert (refused.status, refused.get("allow"), refused.cors) == (405, "PUT", GRANTED)
    assert (options.status, options.get("allow"), options.cors) == (200, "PUT", GRANTED)


def a_class(side: Side) -> Any:
    # Kui's class views have class methods, as soon as there is middleware; and there always is.
    class View(side.kui.HttpView):  # type: ignore[misc,name-defined]
        if side.name == "asgi":

            @classmethod
            async def get(cls) -> Any:
                return "got"

            @classmethod
            async def put(cls) -> Any:
                raise kui.asgi.HTTPException(409)

        else:

            @classmethod
            def get(cls) -> Any:
                return "got"

            @classmethod
            def put(cls) -> Any:
                raise kui.asgi.HTTPException(409)

    return View


@parametrize_sides
def test_a_class_of_views(side: Side) -> None:
    app = side.app(side.kui.HttpRoute("/", a_class(side)) @ cors(POLICY))

    preflight = side.ask(app, Request.preflight(APP, path="/"))
    got = side.ask(app, Request.actual(APP, "/"))
    conflict = side.ask(app, Request.actual(APP, "/", "PUT"))
    options = side.ask(app, Request.preflight(APP, None, path="/"))

    assert (preflight.status, preflight.cors) == (204, PREFLIGHT)
    assert (got.body, got.cors) == (b"got", GRANTED)
    assert (conflict.status, conflict.cors) == (409, GRANTED)
    assert (options.get("allow"), options.cors) == ("GET, PUT, OPTIONS", GRANTED)


@parametrize_sides
def test_a_method_that_a_class_has_not_needs_setup_for_its_405(side: Side) -> None:
    # Kui answers it beside all middleware of the route.
    app = side.app(side.kui.HttpRoute("/", a_class(side)) @ cors(POLICY))
    alone = side.ask(app, Request.actual(APP, "/", "PATCH"))
    with_setup = side.ask(setup(app, OTHER), Request.actual(APP, "/", "PATCH"))

    assert (alone.status, alone.cors) == (405, {})
    assert (with_setup.status, with_setup.cors) == (405, GRANTED)


@parametrize_sides
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_group_of_routes(side: Side, prefix: str) -> None:
    routes = side.kui.Routes(side.route("/", hello), http_middlewares=[cors(POLICY)])
    app = side.kui.Kui(routes=prefix // routes if prefix else routes)  # which copies the group deeply

    assert side.ask(app, Request.preflight(APP, path=f"{prefix}/")).cors == PREFLIGHT
    assert side.ask(app, Request.actual(APP, f"{prefix}/")).cors == GRANTED


@parametrize_sides
def test_an_application_with_middleware_covers_its_routes_and_not_its_404(side: Side) -> None:
    app = side.app(side.route("/", hello), http_middlewares=[cors(POLICY)])

    assert side.ask(app, Request.preflight(APP, path="/")).cors == PREFLIGHT
    assert side.ask(app, Request.actual(APP, "/")).cors == GRANTED
    assert side.ask(app, Request.actual(APP, "/missing")).cors == {}


@parametrize_sides
def test_a_view_keeps_its_parameters_and_its_name(side: Side) -> None:
    def tenant() -> str:
        return "acme"

    def items(
        page: Annotated[int, kui.asgi.Query(...)],
        tenant: Annotated[str, kui.asgi.Depends(tenant)],
        size: Annotated[int, kui.asgi.Query()] = 10,
    ) -> Any:
        """List the items."""
        return f"{tenant} {page} {size}"

    async def items_async(
        page: Annotated[int, kui.asgi.Query(...)],
        tenant: Annotated[str, kui.asgi.Depends(tenant)],
        size: Annotated[int, kui.asgi.Query()] = 10,
    ) -> Any:
        """List the items."""
        return f"{tenant} {page} {size}"

    view = items_async if side.name == "asgi" else items
    app = side.app(side.kui.HttpRoute("/", view) @ cors(POLICY))

    response = _ask_with_query(side, app, b"page=3&size=10")

    assert (response.body, response.cors) == (b"acme 3 10", GRANTED)
    assert app.router.url_for(view.__name__) == "/"


def _ask_with_query(side: Side, app: Any, query: bytes) -> Response:
    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "query_string": query}, receive, send)

    def wsgi_app(environ: Any, start_response: Any) -> Any:
        return app({**environ, "QUERY_STRING": query.decode()}, start_response)

    return side.ask(asgi_app if side.name == "asgi" else wsgi_app, Request.actual(APP, "/"))


# Nesting (S11)


@parametrize_sides
@pytest.mark.parametrize("around", ["a group", "the application", "setup", "all of them"])
def test_s11_the_policy_of_the_route_is_the_only_one(side: Side, around: str) -> None:
    outer = cors(POLICY) if around != "setup" else lambda endpoint: endpoint
    routes: Any = [side.route("/own", hello) @ cors(OTHER), side.route("/", hello)]
    everywhere = around in ("the application", "all of them")
    if around in ("a group", "all of them"):
        routes = side.kui.Routes(*routes, http_middlewares=[outer])
    app = side.kui.Kui(routes=routes, http_middlewares=[outer] if everywhere else [])
    if around in ("setup", "all of them"):
        setup(app, POLICY)

    assert side.ask(app, Request.actual(PARTNER, "/own")).cors == PARTNERS
    assert side.ask(app, Request.actual(APP, "/own")).cors == {}
    assert side.ask(app, Request.preflight(PARTNER, path="/own")).cors == PARTNERS_PREFLIGHT
    assert side.ask(app, Request.preflight(APP, path="/own")).status == 403
    assert side.ask(app, Request.actual(APP, "/")).cors == GRANTED
    assert side.ask(app, Request.preflight(APP, path="/")).cors == PREFLIGHT


@parametrize_sides
def test_s11_each_request_is_told_once(side: Side) -> None:
    inner: list[Decision] = []
    outer: list[Decision] = []
    routes = side.kui.Routes(
        side.route("/own", hello) @ cors(OTHER, observe=inner.append),
        side.route("/", hello),
        http_middlewares=[cors(POLICY, observe=outer.append)],
    )
    app = setup(side.kui.Kui(routes=routes), POLICY, observe=outer.append)

    for path in ("/own", "/"):
        side.ask(app, Request.actual(APP, path))
        side.ask(app, Request.preflight(APP, path=path))

    assert inner == []  # the options of setup() hold
    assert [(one.kind, one.path, one.allowed) for one in outer] == [
        ("actual", "/own", False),
        ("preflight", "/own", False),
        ("actual", "/", True),
        ("preflight", "/", True),
    ]


@parametrize_sides
def test_s20_a_refusal_is_logged_once_whichever_way_it_takes(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    app = setup(side.app(side.route("/", hello) @ cors(OTHER)), POLICY)

    with caplog.at_level(logging.WARNING, logger="crossorigin"):
        side.ask(app, Request.actual(EVIL, "/", "POST"))
        side.ask(app, Request.actual(EVIL, "/", "POST"))

    assert caplog.messages == [f"origin '{EVIL}' is not allowed"]


@parametrize_sides
def test_s2_middleware_between_the_policies_does_not_meet_preflights(side: Side) -> None:
    def authenticate(given: Callable[[], Any]) -> Any:
        raise kui.asgi.HTTPException(401)

    def app() -> Any:
        routes = side.kui.Routes(
            side.route("/", hello) @ cors(OTHER), http_middlewares=[side.around(authenticate), cors(POLICY)]
        )
        return side.kui.Kui(routes=routes)

    for one in (app(), setup(app(), POLICY)):
        preflight = side.ask(one, Request.preflight(PARTNER, path="/"))
        actual = side.ask(one, Request.actual(PARTNER, "/"))

        assert (preflight.status, preflight.cors) == (204, PARTNERS_PREFLIGHT)
        assert (actual.status, actual.cors) == (401, PARTNERS)


@parametrize_sides
def test_s11_a_policy_behind_a_decorator_that_hides_it_still_writes(side: Side) -> None:
    def hiding(endpoint: Any) -> Any:
        async def hidden() -> Any:
            return await endpoint()

        return side.view(endpoint) if side.name == "wsgi" else hidden

    inner = hiding(cors(OTHER)(side.view(hello)))
    app = setup(side.app(side.kui.HttpRoute("/", inner, "hidden") @ cors(POLICY)), PUBLIC)

    assert side.ask(app, Request.actual(PARTNER, "/")).cors == PARTNERS
    assert side.ask(app, Request.actual(APP, "/")).cors == {}


@parametrize_sides
def test_cors_none_turns_it_off_for_a_route(side: Side) -> None:
    def view() -> Any:
        return "hello", 200, {"Access-Control-Allow-Origin": "*"}

    bare, covered = (side.app(side.route("/", view) @ cors(None)) for _ in range(2))
    setup(covered, POLICY)

    for app in (bare, covered):
        assert side.ask(app, Request.actual(APP, "/")).cors == {}
        assert side.ask(app, Request.preflight(APP, path="/")).status == 403


@parametrize_sides
def test_cors_leave_leaves_a_route_to_itself(side: Side) -> None:
    def view() -> Any:
        return "hello", 200, {"Access-Control-Allow-Origin": "https://own.example"}

    app = setup(side.app(side.route("/", view) @ cors(LEAVE)), POLICY)

    assert side.ask(app, Request.actual(APP, "/")).cors == {"allow-origin": "https://own.example"}
    assert side.ask(app, Request.preflight(APP, path="/")).body == b"hello"


@parametrize_sides
def test_a_policy_for_each_method_of_one_path(side: Side) -> None:
    routes = side.kui.MultimethodRoutes(base_class=side.kui.HttpView)
    routes.http.get("/", middlewares=[cors(POLICY)])(side.view(lambda: "got"))
    routes.http.delete("/", middlewares=[cors(OTHER)])(side.view(lambda: "deleted"))
    app = setup(side.kui.Kui(routes=routes), PUBLIC)

    assert side.ask(app, Request.preflight(APP, "GET", path="/")).cors == PREFLIGHT
    assert side.ask(app, Request.preflight(APP, "DELETE", path="/")).status == 403
    assert side.ask(app, Request.preflight(PARTNER, "DELETE", path="/")).cors == PARTNERS_PREFLIGHT
    assert side.ask(app, Request.actual(APP, "/")).cors == GRANTED
    assert side.ask(app, Request.actual(PARTNER, "/", "DELETE")).cors == PARTNERS
    assert side.ask(app, Request.preflight(EVIL, "PATCH", path="/")).cors == {"allow-origin": "*"}


@parametrize_sides
def test_p1_what_is_remembered_of_one_path_is_nothing_to_another(side: Side) -> None:
    routes = side.kui.MultimethodRoutes(base_class=side.kui.HttpView)
    for path, middlewares in {"/own": [cors(OTHER)], "/plain": []}.items():
        routes.http.get(path, name=path)(side.view(lambda: "got"))
        routes.http.delete(path, name=path, middlewares=middlewares)(side.view(lambda: "deleted"))
    app = setup(side.kui.Kui(routes=routes), PUBLIC)

    for _ in range(3):
        assert side.ask(app, Request.preflight(PARTNER, "DELETE", path="/plain")).cors == {"allow-origin": "*"}
        assert side.ask(app, Request.preflight(PARTNER, "DELETE", path="/own")).cors == PARTNERS_PREFLIGHT
        assert side.ask(app, Request.actual(PARTNER, "/plain", "DELETE")).cors == {"allow-origin": "*"}
        assert side.ask(app, Request.actual(PARTNER, "/own", "DELETE")).cors == PARTNERS


@parametrize_sides
def test_paths_have_their_policies(side: Side) -> None:
    rules = ByPath({"/public": PUBLIC, "/": POLICY})
    routes = [side.route(path, hello) for path in ("/public/x", "/publicx", "/x")]

    for app in (setup(side.app(*routes), rules), side.app(*[route @ cors(rules) for route in routes])):
        assert side.ask(app, Request.actual(APP, "/public/x")).cors == {"allow-origin": "*"}
        assert side.ask(app, Request.actual(EVIL, "/publicx")).cors == {}
        assert side.ask(app, Request.actual(APP, "/x")).cors == GRANTED


# The whole application


@parametrize_sides
def test_setup_returns_the_application_and_covers_what_is_routed_later(side: Side) -> None:
    app = side.app()
    same = setup(app, POLICY)
    app.router.http("/later", name="later")(side.view(hello))

    assert same is app
    assert isinstance(app, side.kui.Kui)
    assert side.ask(app, Request.actual(APP, "/later")).cors == GRANTED
    assert side.ask(app, Request.actual(APP, "/missing")).cors == GRANTED


@parametrize_sides
def test_setup_without_a_policy_allows_what_is_decorated_and_nothing_else(side: Side) -> None:
    app = setup(side.app(side.route("/", hello), side.route("/own", hello) @ cors(POLICY)))

    assert side.ask(app, Request.actual(APP, "/own")).cors == GRANTED
    assert side.ask(app, Request.preflight(APP, path="/own")).status == 204
    assert side.ask(app, Request.actual(APP, "/")).cors == {}
    assert side.ask(app, Request.preflight(APP, path="/")).status == 403


@parametrize_sides
def test_setup_twice_is_refused(side: Side) -> None:
    app = setup(side.app(), POLICY)

    with pytest.raises(RuntimeError, match="setup\\(\\) was called before"):
        setup(app, OTHER)


def test_setup_is_for_kui_only() -> None:
    with pytest.raises(TypeError, match="write setup"):
        setup(lambda environ, start_response: [], POLICY)  # type: ignore[type-var]


@parametrize_sides
def test_a_path_parameter_that_cannot_be_converted(side: Side) -> None:
    def view() -> Any:
        return "hello"

    app = setup(side.app(side.route("/on/{day:date}", view) @ cors(OTHER)), POLICY)

    preflight = side.ask(app, Request.preflight(APP, path="/on/2024-99-99"))
    actual = side.ask(app, Request.actual(APP, "/on/2024-99-99"))

    assert (preflight.status, preflight.cors) == (204, PREFLIGHT)
    assert (actual.status, actual.cors) == (500, GRANTED)  # Kui's own
    assert isinstance(actual.error, ValueError)
    assert side.ask(app, Request.actual(PARTNER, f"/on/{datetime.date(2024, 2, 29)}")).cors == PARTNERS


# Checks that must be awaited


async def is_partner(origin: str) -> bool:
    await asyncio.sleep(0)
    return origin == PARTNER


CHECKED = Policy(APP, allow_origin_check=is_partner, max_age=None)


@pytest.mark.parametrize("serve", [serve_kui_asgi, serve_kui_asgi_route])
def test_an_async_check_is_awaited_on_asgi(serve: Callable[..., Any]) -> None:
    app = serve(CHECKED)

    assert ask_asgi(app, Request.actual(PARTNER)).cors == PARTNERS
    assert ask_asgi(app, Request.actual(EVIL)).cors == {}
    assert ask_asgi(app, Request.preflight(PARTNER)).cors == PARTNERS
    assert ask_asgi(app, Request.preflight(EVIL)).status == 403


@pytest.mark.parametrize("serve", [serve_kui_wsgi, serve_kui_wsgi_route])
def test_an_async_check_is_refused_on_wsgi(serve: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="allow_origin_check is async"):
        serve(CHECKED)


# WebSockets (S17), over real sockets


def echoing(**where: Any) -> kui.asgi.Kui:
    async def echo() -> None:
        await kui.asgi.websocket.accept()
        async for text in kui.asgi.websocket.iter_text():
            await kui.asgi.websocket.send_text(text)

    class Echo(kui.asgi.SocketView):
        async def on_receive(self, data: Any) -> None:
            await kui.asgi.websocket.send_text(data)

    routes: list[Any] = [
        kui.asgi.SocketRoute("/function", echo),
        kui.asgi.SocketRoute("/class", Echo),
        kui.asgi.SocketRoute("/own", echo, "own") @ cors(OTHER),
        kui.asgi.SocketRoute("/own-class", Echo, "own-class") @ cors(OTHER),
    ]
    return kui.asgi.Kui(routes=routes, **where)


def knock(address: str, path: str, origin: str | None) -> str | int:
    """Return what comes back through a WebSocket, or the status with which the handshake is refused."""
    uri = address.replace("http", "ws", 1) + path
    try:
        with connect(uri, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
            socket.send("hello")
            return str(socket.recv())
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("kind", ["websockets-sansio", "wsproto"])
@pytest.mark.parametrize("way", ["setup", "middleware"])
def test_s17_foreign_handshakes_are_refused(way: str, kind: str) -> None:
    app = setup(echoing(), POLICY) if way == "setup" else echoing(socket_middlewares=[cors(POLICY)])

    with uvicorn_server(app, ws=kind) as address:
        for path in ("/function", "/class"):
            assert knock(address, path, EVIL) == 403
            assert knock(address, path, "null") == 403
            assert knock(address, path, APP) == "hello"
            assert knock(address, path, address) == "hello"
            assert knock(address, path, None) == "hello"
        for path in ("/own", "/own-class"):
            assert knock(address, path, APP) == 403
            assert knock(address, path, PARTNER) == "hello"
            assert knock(address, path, address) == "hello"


def test_s17_the_guard_can_be_turned_off() -> None:
    with uvicorn_server(setup(echoing(), POLICY, websockets=False), ws="websockets-sansio") as address:
        assert knock(address, "/function", EVIL) == "hello"
        assert knock(address, "/own", EVIL) == "hello"


def test_s17_a_socket_without_cors_is_left_to_itself() -> None:
    app = echoing(socket_middlewares=[cors(LEAVE)])

    with uvicorn_server(app, ws="websockets-sansio") as address:
        assert knock(address, "/function", EVIL) == "hello"


# Real servers


@pytest.mark.parametrize(
    ("serve", "server"),
    [
        (serve_kui_asgi, uvicorn_server),
        (serve_kui_wsgi, waitress_server),
    ],
    ids=["uvicorn", "waitress"],
)
def test_over_a_real_server(serve: Callable[..., Any], server: Any) -> None:
    with server(serve(POLICY)) as address:
        preflight = ask_server(address, Request.preflight(APP))
        denied = ask_server(address, Request.preflight(EVIL))
        head = ask_server(address, Request.actual(APP, method="HEAD"))
        stream = ask_server(address, Request.actual(APP, "/stream"))
        missing = ask_server(address, Request.actual(APP, "/missing"))
        failed = ask_server(address, Request.actual(APP, "/fails"))
        options = ask_server(address, Request.preflight(APP, None))

    assert (preflight.status, preflight.cors, preflight.body) == (204, PREFLIGHT, b"")
    assert (denied.status, denied.cors, denied.vary) == (403, {}, ["origin"])
    assert (head.status, head.cors, head.body) == (200, GRANTED, b"")
    assert (stream.body, stream.cors) == (b"one two three", GRANTED)
    assert (missing.status, missing.body, missing.cors) == (404, b"not here", GRANTED)
    assert (failed.status, failed.body, failed.cors) == (500, b"Internal Server Error", GRANTED)
    assert (options.body, options.cors) == (b"the application's own", GRANTED)


# Beside Kui's own


@parametrize_sides
def test_what_kuis_own_answers_differently(side: Side) -> None:
    theirs = side.app(side.route("/", hello) @ side.kui.allow_cors())
    ours = side.app(side.route("/", hello) @ cors(PUBLIC))

    def values(request: Request, *names: str) -> list[list[str | None]]:
        return [[side.ask(app, request).get(name) for name in names] for app in (theirs, ours)]

    # It repeats any origin and forgets Vary; ours is the constant, which needs none.
    assert values(Request.actual(EVIL, "/"), "access-control-allow-origin", "vary") == [[EVIL, None], ["*", None]]
    # It answers every OPTIONS that has an Origin.
    assert [side.ask(app, Request.preflight(APP, None, path="/")).body for app in (theirs, ours)] == [b"", b"hello"]


def test_s19_with_a_root_path_the_rules_see_what_kui_routes_on() -> None:
    rules = ByPath({"/mounted/private": None, "/": PUBLIC})
    app = setup(kui.asgi.Kui(routes=[SIDES[0].route("/mounted/private", hello)]), rules)

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/mounted"}, receive, send)

    response = ask_asgi(mounted, Request.actual(APP, "/mounted/private"))

    assert (response.body, response.cors) == (b"hello", {})
