"""The drop-in for Kui's ``allow_cors`` beside the original, on both sides: the same, but for the rows of its guide."""

import asyncio
import copy
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import kui.asgi
import kui.wsgi
import pytest
from baize.asgi import Files as ASGIFiles
from baize.wsgi import Files as WSGIFiles
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kui.asgi import HTTPException, Query

import crossorigin.compat.kui
from conformance.messages import Request, Response
from conformance.servers import ask_server, uvicorn_server, waitress_server
from conformance.stacks.asgi import ask_asgi, ask_asgi_async
from conformance.stacks.wsgi import ask_wsgi
from crossorigin import Policy, fetch
from crossorigin.compat import CORSWarning
from crossorigin.compat.kui import allow_cors
from crossorigin.kui import cors, setup
from crossorigin.origins import Origin

from .differential import Difference, Pair, Row, Tally, differences, exposable, read

APP = "https://app.example.com"
EVIL = "https://evil.example"
ONE = re.compile(r"https://app\.example\.com")
SAFELISTED = ("accept", "accept-language", "content-language", "content-type")

# What the views themselves set, by path.
OWN: dict[str, dict[str, str]] = {
    "/items": {},
    "/vary": {"vary": "Accept, origin"},
    "/own": {
        "access-control-allow-origin": "https://own.example",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "X-Own",
    },
    "/exposes": {"access-control-expose-headers": "X-Own"},
    "/conflict": {"x-a": "1"},
    "/handled": {},
}
STATUS = {"/conflict": 409, "/handled": 418, "/missing": 404}


def answer(path: str) -> Any:
    if path == "/conflict":
        raise HTTPException(409, OWN[path], b"/conflict")
    if path == "/handled":
        raise LookupError("an exception with a handler")
    if path == "/fails":
        raise ZeroDivisionError("an exception without one")
    return path.encode(), 200, OWN[path]


class Side(NamedTuple):
    """One side of Kui."""

    name: str
    kui: Any
    ask: Callable[[Any, Request], Response]

    def view(self, plain: Callable[[], Any]) -> Any:
        async def view() -> Any:
            return plain()

        return view if self.name == "asgi" else plain

    def routes(self) -> list[Any]:
        def view_at(path: str) -> Any:
            return self.view(lambda: answer(path))

        return [self.kui.HttpRoute(path, view_at(path), path) for path in (*OWN, "/fails")]

    def app(self, place: str, middleware: Any, arguments: Mapping[str, Any]) -> Any:
        """Return an application with *middleware*, Kui's or ours, at *place*; ``"app"`` stands for ``cors_config``."""
        options: dict[str, Any] = {"exception_handlers": {LookupError: self.handler()}}
        if place == "app":
            if middleware is allow_cors:
                options["http_middlewares"] = [middleware(**arguments)]
            else:
                options["cors_config"] = arguments
            return self.kui.Kui(routes=self.routes(), **options)
        if place == "group":
            group = self.kui.Routes(*self.routes(), http_middlewares=[middleware(**arguments)])
            return self.kui.Kui(routes=group, **options)
        return self.kui.Kui(routes=[route @ middleware(**arguments) for route in self.routes()], **options)

    def handler(self) -> Any:
        async def handler(error: Exception) -> Any:
            return b"/handled", 418

        return handler if self.name == "asgi" else lambda error: (b"/handled", 418)


SIDES = {"asgi": Side("asgi", kui.asgi, ask_asgi), "wsgi": Side("wsgi", kui.wsgi, ask_wsgi)}
PLACES = ("app", "group", "route")
EACH_SIDE = pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
EACH_PLACE = pytest.mark.parametrize("place", PLACES)


def both(request: Request, side: str = "asgi", place: str = "route", **arguments: Any) -> tuple[Response, Response]:
    """Return what the original and the drop-in answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        kinds = (SIDES[side].kui.allow_cors, allow_cors)
        theirs, ours = (SIDES[side].ask(SIDES[side].app(place, one, arguments), request) for one in kinds)
    return theirs, ours


# What can be imported, and where it goes


@EACH_SIDE
def test_names_and_signature_are_the_originals(side: Side) -> None:
    def parameters(function: Any) -> list[tuple[Any, ...]]:
        return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]

    assert parameters(allow_cors) == parameters(side.kui.allow_cors)
    assert crossorigin.compat.kui.__all__ == ["allow_cors"]


@EACH_PLACE
@EACH_SIDE
def test_it_is_middleware_for_routes_groups_and_applications(side: Side, place: str) -> None:
    app = side.app(place, allow_cors, {"allow_origins": [ONE], "allow_methods": ["PUT"]})

    preflight = side.ask(app, Request.preflight(APP, "PUT"))
    assert (preflight.status, preflight.body) == (200, b"")
    assert preflight.cors == {
        "allow-origin": APP,
        "allow-methods": "PUT",
        "allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
        "max-age": "600",
    }
    assert side.ask(app, Request.actual(APP)).cors == {"allow-origin": APP}
    assert side.ask(app, Request.actual(EVIL)).cors == {}


@EACH_SIDE
def test_a_group_below_a_prefix_is_copied_with_its_middleware(side: Side) -> None:
    group = "/api" // side.kui.Routes(*side.routes(), http_middlewares=[allow_cors([ONE])])
    app = side.kui.Kui(routes=copy.copy(group))

    assert side.ask(app, Request.actual(APP, "/api/items")).cors == {"allow-origin": APP}


@pytest.mark.parametrize(("side", "serve"), [("asgi", uvicorn_server), ("wsgi", waitress_server)])
def test_it_works_on_a_server(side: str, serve: Any) -> None:
    with serve(SIDES[side].app("app", allow_cors, {"allow_origins": [ONE]})) as address:
        preflight = ask_server(address, Request.preflight(APP, "PATCH"))
        actual = ask_server(address, Request.actual(APP))

    assert (preflight.status, preflight.cors["allow-origin"]) == (200, APP)
    assert (actual.body, actual.cors) == (b"/items", {"allow-origin": APP})


@pytest.mark.parametrize("path", [*OWN, "/missing"])
@EACH_SIDE
def test_as_an_applications_middleware_it_has_the_effect_of_cors_config(side: Side, path: str) -> None:
    config = {"allow_origins": [ONE], "allow_methods": ["PUT"], "expose_headers": ["X-B"], "allow_credentials": True}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs, ours = (side.ask(side.app("app", one, config), Request.actual(APP, path)) for one in (None, allow_cors))

    # On every route, whatever became of the view; and not where nothing is routed.
    granted = {"allow-origin": APP, "allow-credentials": "true", "expose-headers": "X-B"} if path in OWN else {}
    assert ours.cors == granted
    assert {name: value for name, value in theirs.cors.items() if name in granted} == granted
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert ours.status == STATUS.get(path, 200)


@pytest.mark.parametrize("path", ["/number", "/view"])
@EACH_SIDE
def test_so_it_has_on_what_kui_refuses_and_on_classes_of_views(side: Side, path: str) -> None:
    async def number_async(number: Annotated[int, Query(...)]) -> str:
        return str(number)

    def number(number: Annotated[int, Query(...)]) -> str:
        return str(number)

    def application(**options: Any) -> Any:
        class View(side.kui.HttpView):  # type: ignore[misc, name-defined]
            get = staticmethod(side.view(lambda: answer("/handled")))

        plain = number_async if side.name == "asgi" else number
        routes = [side.kui.HttpRoute("/number", plain), side.kui.HttpRoute("/view", View)]
        return side.kui.Kui(routes=routes, exception_handlers={LookupError: side.handler()}, **options)

    apps = application(cors_config={"allow_origins": [ONE]}), application(http_middlewares=[allow_cors([ONE])])
    theirs, ours = (side.ask(app, Request.actual(APP, path)) for app in apps)

    assert (ours.status, ours.body, ours.cors) == (theirs.status, theirs.body, {"allow-origin": APP})
    assert (ours.status, theirs.cors["allow-origin"]) == ({"/number": 422, "/view": 418}[path], APP)


@EACH_SIDE
def test_middleware_around_it_still_meets_the_exceptions(side: Side) -> None:
    met: list[str] = []

    def transaction(view: Any) -> Any:
        def rolls_back(error: Exception) -> None:
            met.append(type(error).__name__)

        async def covered_async() -> Any:
            try:
                return await view()
            except Exception as error:
                rolls_back(error)
                raise

        def covered() -> Any:
            try:
                return view()
            except Exception as error:
                rolls_back(error)
                raise

        return covered_async if side.name == "asgi" else covered

    middlewares = [allow_cors([ONE]), transaction]
    app = side.kui.Kui(
        routes=side.routes(), http_middlewares=middlewares, exception_handlers={LookupError: side.handler()}
    )
    conflict, handled = (side.ask(app, Request.actual(APP, path)) for path in ("/conflict", "/handled"))

    assert met == ["HTTPException", "LookupError"]
    assert (conflict.status, conflict.cors) == (409, {"allow-origin": APP})
    assert (handled.status, handled.cors) == (418, {"allow-origin": APP})


class Stopped(BaseException):
    """An exception that is no `Exception`."""


def handled_by(side: Side, plain: Callable[[BaseException], Any], error: BaseException, kind: Any, **app: Any) -> Any:
    """Return an application whose view raises *error*, and whose handler for *kind* of them is *plain*."""

    def view() -> Any:
        raise error

    async def handler(error: BaseException) -> Any:
        return plain(error)

    route = side.kui.HttpRoute("/items", side.view(view))
    given = handler if side.name == "asgi" else plain
    return side.kui.Kui(routes=[route @ app.pop("middleware")], exception_handlers={kind: given}, **app)


@pytest.mark.parametrize("again", ["the same", "HTTPException", "another"])
@EACH_SIDE
def test_a_handler_that_raises_is_called_once_and_what_it_raises_goes_to_the_server(side: Side, again: str) -> None:
    raised: dict[str, Exception] = {"HTTPException": HTTPException(404), "another": ZeroDivisionError()}
    logged: list[list[str]] = []

    def handler(error: BaseException) -> Any:
        logged[-1].append(type(error).__name__)
        raise raised.get(again, error)

    causes = []
    for middleware in (side.kui.allow_cors, allow_cors):
        logged.append([])
        app = handled_by(side, handler, LookupError(), LookupError, middleware=middleware([ONE]))
        with pytest.raises(AssertionError, match="no response") as caught:
            side.ask(app, Request.actual(APP))
        causes.append(type(caught.value.__cause__))

    assert logged == [["LookupError"], ["LookupError"]]
    assert causes == [type(raised.get(again, LookupError()))] * 2


@EACH_SIDE
def test_a_handler_for_base_exceptions_has_the_headers_too(side: Side) -> None:
    answers = []
    for middleware in (side.kui.allow_cors, allow_cors):
        app = handled_by(side, lambda error: ("stopped", 503), Stopped(), BaseException, middleware=middleware([ONE]))
        answer = side.ask(app, Request.actual(APP))
        answers.append((answer.status, answer.body, answer.cors))

    assert answers == [(503, b"stopped", {}), (503, b"stopped", {"allow-origin": APP})]


@EACH_SIDE
def test_a_handler_that_drops_an_errors_headers_has_those_of_cors(side: Side) -> None:
    app = handled_by(
        side, lambda error: ("no", 409), HTTPException(409, {"x-a": "1"}), HTTPException, middleware=allow_cors([ONE])
    )
    answer = side.ask(app, Request.actual(APP))

    assert (answer.status, answer.body, answer.cors, answer.vary) == (409, b"no", {"allow-origin": APP}, ["origin"])


@pytest.mark.filterwarnings("ignore::crossorigin.compat.CORSWarning")
@EACH_SIDE
def test_a_handlers_own_credentials_go_beside_an_allowed_origin_only(side: Side) -> None:
    own = {"access-control-allow-credentials": "true", "access-control-max-age": "5"}
    patterns = [ONE, re.compile("null")]
    app = handled_by(side, lambda error: ("no", 409, own), LookupError(), LookupError, middleware=allow_cors(patterns))
    answers = {origin: side.ask(app, Request.actual(origin)).cors for origin in (APP, "null", EVIL)}

    assert answers == {
        APP: {"allow-origin": APP, "max-age": "5"},
        "null": {"allow-origin": "null", "max-age": "5"},
        EVIL: {"allow-credentials": "true", "max-age": "5"},
    }


@pytest.mark.filterwarnings("ignore::crossorigin.compat.CORSWarning")
@EACH_SIDE
def test_a_views_own_credentials_go_beside_an_allowed_origin_only(side: Side) -> None:
    app = side.app("route", allow_cors, {"allow_origins": [ONE, re.compile("null")]})
    credentials = {
        origin: side.ask(app, Request.actual(origin, "/own")).cors.get("allow-credentials")
        for origin in (APP, "null", EVIL)
    }

    assert credentials == {APP: None, "null": None, EVIL: "true"}


@EACH_SIDE
def test_an_unhandled_exception_goes_to_the_server_as_in_the_original(side: Side) -> None:
    for middleware in (side.kui.allow_cors, allow_cors):
        with pytest.raises(AssertionError, match="no response") as raised:
            side.ask(side.app("app", middleware, {"allow_origins": [ONE]}), Request.actual(APP, "/fails"))
        assert isinstance(raised.value.__cause__, ZeroDivisionError)


@EACH_SIDE
def test_an_inner_policy_decides(side: Side) -> None:
    inner = side.kui.HttpRoute("/items", side.view(lambda: answer("/items"))) @ cors(Policy(EVIL))
    app = side.kui.Kui(routes=[inner], http_middlewares=[allow_cors([ONE])])

    answers = {origin: side.ask(app, Request.actual(origin)).cors for origin in (APP, EVIL)}
    assert answers == {APP: {}, EVIL: {"allow-origin": EVIL}}
    assert side.ask(app, Request.preflight(EVIL)).cors["allow-origin"] == EVIL


@EACH_SIDE
def test_in_an_application_with_setup_the_routes_own_policy_decides(side: Side) -> None:
    app = setup(side.app("route", allow_cors, {"allow_origins": [ONE]}), Policy(EVIL))

    assert side.ask(app, Request.actual(APP)).cors == {"allow-origin": APP}
    assert side.ask(app, Request.actual(EVIL)).cors == {}
    assert side.ask(app, Request.actual(EVIL, "/missing")).cors == {"allow-origin": EVIL}


# Patterns


def test_a_pattern_that_is_one_text_is_one_origin() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exact = allow_cors([ONE, re.compile("http://localhost:3000")], allow_credentials=True)

    app = kui.asgi.Kui(routes=[route @ exact for route in SIDES["asgi"].routes()])
    origins = (APP, "http://localhost:3000", "https://appxexample.com", "http://localhost:300")
    assert [bool(ask_asgi(app, Request.actual(origin)).cors) for origin in origins] == [True, True, False, False]


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        (r"^https://app\.example\.com$", APP),
        (r"https://app\.example\.com\Z", APP),
        (r"^https\://app\.example\.com\Z", APP),
        (r"http://\[::1\]:3000", "http://[::1]:3000"),
        (re.escape("http://[::1]:3000"), "http://[::1]:3000"),
    ],
)
def test_a_pattern_that_is_one_text_may_be_anchored_and_have_brackets(pattern: str, origin: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exact = allow_cors([re.compile(pattern)], allow_credentials=origin.startswith("https:"))
    app = kui.asgi.Kui(routes=[route @ exact for route in SIDES["asgi"].routes()])

    assert ask_asgi(app, Request.actual(origin)).cors["allow-origin"] == origin
    theirs, _ = both(Request.actual(origin), allow_origins=[re.compile(pattern)])
    assert theirs.cors["allow-origin"] == origin


@pytest.mark.parametrize("pattern", [r"\*", r"https://\*\.example\.com", r"http://localhost:\*"])
def test_an_escaped_star_is_no_wildcard(pattern: str) -> None:
    for origin in (APP, "http://localhost:1"):
        theirs, ours = both(Request.actual(origin), allow_origins=[re.compile(pattern)])

        assert (theirs.cors, ours.cors) == ({}, {})


def test_flags_of_a_pattern_count() -> None:
    origin = "https://shop.example"
    theirs, ours = both(Request.actual(origin), allow_origins=[re.compile("https://SHOP\\.example", re.IGNORECASE)])

    assert theirs.cors["allow-origin"] == ours.cors["allow-origin"] == origin


@pytest.mark.parametrize("wrong", [[APP], APP, [b"x"], [re.compile(b"x")], [None]])
def test_what_is_no_pattern_is_refused_with_what_to_write(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"allow_origins holds .*; write re\.compile\(re\.escape\("):
        allow_cors(wrong)

    app = SIDES["asgi"].app("route", kui.asgi.allow_cors, {"allow_origins": wrong})
    with pytest.raises(AssertionError) as raised:  # the original finds out at the first request, and fails it
        ask_asgi(app, Request.actual(APP))
    assert isinstance(raised.value.__cause__, AttributeError | TypeError)


# The warning


def test_the_defaults_are_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        allow_cors()


def test_a_dangerous_policy_is_accepted_with_one_warning_that_points_at_its_line() -> None:
    with pytest.warns(CORSWarning) as warned:
        allow_cors([re.compile(".*"), re.compile("null")], allow_credentials=True, allow_methods=["TRACE", "get"])

    (warning,) = warned
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.startswith("crossorigin.compat.kui.allow_cors accepts, as the original does, what ")
    assert "dangerously_allow=['any-origin-with-credentials']" in text
    assert "dangerously_allow=['null-origin']" in text
    assert "write 'GET'" in text
    assert "TRACE" not in text


# The rows, literally


def test_row_vary() -> None:
    for origin in (APP, EVIL, None):
        theirs, ours = both(Request.actual(origin, "/vary"), allow_origins=[ONE])
        assert (theirs.vary, ours.vary) == (["accept", "origin"], ["accept", "origin"])

        theirs, ours = both(Request.actual(origin), allow_origins=[ONE])
        assert (theirs.vary, ours.vary) == ([], ["origin"])


def test_row_credentials_false() -> None:
    theirs, ours = both(Request.actual(APP), allow_origins=[ONE])

    assert (theirs.cors["allow-credentials"], ours.cors.get("allow-credentials")) == ("false", None)


def test_row_own_credentials() -> None:
    theirs, ours = both(Request.actual(APP, "/own"), allow_origins=[ONE])

    assert (theirs.cors["allow-credentials"], ours.cors.get("allow-credentials")) == ("false", None)

    # To whom no origin is allowed, both leave the view's own lines.
    theirs, ours = both(Request.actual(EVIL, "/own"), allow_origins=[ONE])
    assert theirs.cors["allow-credentials"] == ours.cors["allow-credentials"] == "true"


def test_row_preflight_headers() -> None:
    theirs, ours = both(Request.actual(APP), allow_origins=[ONE], allow_methods=["PUT"])

    assert set(theirs.cors) == {"allow-origin", "allow-methods", "allow-headers", "allow-credentials", "max-age"}
    assert ours.cors == {"allow-origin": APP}


def test_row_preflight_exposes() -> None:
    theirs, ours = both(Request.preflight(APP), allow_origins=[ONE], expose_headers=["X-A"])

    assert (theirs.cors["expose-headers"], ours.cors.get("expose-headers")) == ("X-A", None)


def test_row_plain_options() -> None:
    theirs, ours = both(Request.actual(APP, method="OPTIONS"), allow_origins=[ONE])

    assert (theirs.status, theirs.body) == (200, b"")
    assert (ours.status, ours.body, ours.cors) == (200, b"/items", {"allow-origin": APP})


def test_row_denied_preflight() -> None:
    theirs, ours = both(Request.preflight(EVIL), allow_origins=[ONE])

    assert (theirs.status, theirs.body, theirs.cors) == (200, b"/items", {})
    assert (ours.status, ours.body, ours.cors) == (403, b"CORS: the origin is not allowed.\n", {})


def test_row_malformed_method() -> None:
    theirs, ours = both(Request.preflight(APP, "GET, PUT"), allow_origins=[ONE])

    assert (theirs.status, theirs.cors["allow-origin"]) == (200, APP)
    assert (ours.status, ours.cors) == (403, {})
    assert ours.body == b"CORS: the origin asked for something that is not one method.\n"


def test_row_malformed_origin() -> None:
    origin = "https://evil.com#.example.org"
    theirs, ours = both(Request.actual(origin), allow_origins=[re.compile(r"https://.*\.example\.org")])
    assert (theirs.cors["allow-origin"], ours.cors) == (origin, {})

    theirs, ours = both(Request.preflight("<script>"))
    assert (theirs.status, theirs.cors["allow-origin"]) == (200, "<script>")
    assert (ours.status, ours.cors) == (403, {})


@pytest.mark.parametrize("side", SIDES)
def test_row_several_origins(side: str) -> None:
    request = Request("GET", "/items", (("Origin", APP), ("Origin", EVIL)))
    theirs, ours = both(request, side)

    assert (theirs.cors["allow-origin"], ours.cors) == (f"{APP}, {EVIL}", {})


def test_row_null_origin() -> None:
    theirs, ours = both(Request.actual("null"))
    assert (theirs.cors["allow-origin"], ours.cors) == ("null", {})

    # Only by its name.
    theirs, ours = both(Request.actual("null"), allow_origins=[re.compile("null")])
    assert theirs.cors["allow-origin"] == ours.cors["allow-origin"] == "null"


def test_row_null_credentials() -> None:
    theirs, ours = both(Request.actual("null"), allow_origins=[re.compile("null")], allow_credentials=True)

    assert (theirs.cors["allow-credentials"], ours.cors) == ("true", {"allow-origin": "null"})


def test_row_never_sent() -> None:
    theirs, ours = both(Request.preflight(APP), allow_origins=[ONE])
    assert theirs.cors["allow-methods"] == "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, TRACE"
    assert ours.cors["allow-methods"] == "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"

    theirs, ours = both(Request.preflight(APP), allow_origins=[ONE], allow_headers=["Cookie", "X-A"])
    assert "Cookie" in theirs.cors["allow-headers"]
    assert ours.cors["allow-headers"] == "Accept, Accept-Language, Content-Language, Content-Type, X-A"


def test_row_star() -> None:
    theirs, ours = both(Request.preflight(APP), allow_methods=["*", "PUT"], allow_headers=["*", "authorization"])
    assert theirs.cors["allow-methods"] == "*, PUT"
    assert set(theirs.cors["allow-headers"].lower().split(", ")) == {*SAFELISTED, "*", "authorization"}
    assert (ours.cors["allow-methods"], ours.cors["allow-headers"]) == ("*", "*, authorization")


def test_row_star_beside_credentials() -> None:
    request = Request.preflight(APP, "PUT", "x-a")
    arguments: dict[str, Any] = {"allow_origins": [ONE], "allow_methods": ["*"], "allow_headers": ["*"]}
    theirs, ours = both(request, **arguments, allow_credentials=True)
    assert theirs.cors["allow-methods"] == "*"
    assert "*" in theirs.cors["allow-headers"]
    assert (ours.cors["allow-methods"], ours.cors["allow-headers"]) == ("PUT", "x-a")

    request = Request.actual(APP, "/conflict")
    theirs, ours = both(request, place="app", allow_origins=[ONE], expose_headers=["*"], allow_credentials=True)
    assert (theirs.cors["expose-headers"], ours.cors["expose-headers"]) == ("*", "x-a")


def test_row_max_age() -> None:
    for max_age, sent in {-5: "0", 10**9: "86400"}.items():
        theirs, ours = both(Request.preflight(APP), allow_origins=[ONE], max_age=max_age)

        assert (theirs.cors["max-age"], ours.cors["max-age"]) == (str(max_age), sent)

    theirs, ours = both(Request.preflight(APP), allow_origins=[ONE], max_age=None)
    assert (theirs.cors["max-age"], ours.cors.get("max-age")) == ("None", None)


def test_row_lone_string() -> None:
    theirs, ours = both(Request.preflight(APP), allow_origins=[ONE], allow_methods="PUT")

    assert (theirs.cors["allow-methods"], ours.cors["allow-methods"]) == ("P, U, T", "PUT")


@pytest.mark.parametrize("path", ["/conflict", "/handled"])
@pytest.mark.parametrize("side", SIDES)
def test_row_exceptions(side: str, path: str) -> None:
    theirs, ours = both(Request.actual(APP, path), side, allow_origins=[ONE])

    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert (theirs.cors, ours.cors) == ({}, {"allow-origin": APP})


@EACH_SIDE
def test_row_files(side: Side, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("a file")
    files = {"asgi": ASGIFiles, "wsgi": WSGIFiles}[side.name](tmp_path)

    def app(middleware: Any) -> Any:
        return side.kui.Kui(routes=[side.kui.HttpRoute("/page.txt", side.view(lambda: files)) @ middleware([ONE])])

    with pytest.raises(AssertionError, match="no response") as caught:
        side.ask(app(side.kui.allow_cors), Request.actual(APP, "/page.txt"))
    assert isinstance(caught.value.__cause__, AttributeError)
    answer = side.ask(app(allow_cors), Request.actual(APP, "/page.txt"))
    assert (answer.status, answer.body, answer.cors) == (200, b"a file", {"allow-origin": APP})


# Nothing else differs


class Configuration(NamedTuple):
    """The arguments of the middleware, and where it goes."""

    side: str
    place: str
    arguments: Mapping[str, Any]

    @property
    def listed(self) -> "Configuration":
        """The same, with each lone string in a list."""
        arguments = {name: [value] if isinstance(value, str) else value for name, value in self.arguments.items()}
        return self._replace(arguments=arguments)


class Case:
    """What one request means under one configuration, for the rows."""

    def __init__(self, pair: Pair) -> None:
        arguments = {
            "allow_origins": [re.compile(".*")],
            "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"],
            **pair.configuration.listed.arguments,
        }
        self.pair = pair
        self.place = pair.configuration.place
        self.path = pair.request.path
        self.patterns = list(arguments["allow_origins"])
        self.credentials = bool(arguments.get("allow_credentials"))
        self.methods = list(arguments["allow_methods"])
        self.headers = sorted({*SAFELISTED, *(name.lower() for name in arguments.get("allow_headers", ()))})
        self.exposed = sorted(name.lower() for name in arguments.get("expose_headers", ()))
        self.max_age = arguments.get("max_age", 600)
        self.origins = [value for name, value in pair.request.headers if name == "Origin"]
        self.origin = ", ".join(self.origins)
        self.is_raised = self.path in ("/conflict", "/handled")

    def own(self, name: str) -> tuple[str, ...] | None:
        """What the view itself sets, as `read` gives it."""
        return read(Response(200, tuple(OWN.get(self.path, {}).items())), name)

    @property
    def they_allow(self) -> bool:
        return bool(self.origin) and any(pattern.fullmatch(self.origin) for pattern in self.patterns)

    @property
    def origin_cause(self) -> str | None:
        """The row by which we refuse an origin that the original allows."""
        if not self.they_allow:
            return None
        if len(self.origins) > 1:
            return "several-origins"
        if self.origin == "null":
            return None if re.compile("null") in self.patterns else "null-origin"
        return None if Origin.parse(self.origin) else "malformed-origin"

    @property
    def expands(self) -> bool:
        """Whether the names of the response's headers take the place of a star."""
        return self.credentials and "*" in self.exposed

    @property
    def is_malformed_method(self) -> bool:
        asked = self.asked("Method")
        return len(asked) > 1 or not fetch.is_token(asked[0])

    def asked(self, what: str) -> list[str]:
        """The lines in which a preflight asks, for ``"Method"`` or ``"Headers"``."""
        return [value for name, value in self.pair.request.headers if name == f"Access-Control-Request-{what}"]


LINES = {
    name: f"access-control-{name}"
    for name in ("allow-origin", "allow-credentials", "allow-methods", "allow-headers", "max-age", "expose-headers")
}


def explained_by(pair: Pair, difference: Difference) -> str | None:
    """Return the name of the row that *difference* belongs to."""
    case = Case(pair)
    if pair.is_preflight and case.path != "/missing":
        return preflight_row(case, difference)
    part, theirs, ours = difference
    own = case.own(part)
    if part == "vary":
        expected = tuple(sorted({*(own or ()), "origin"}))
        return ("plain-options" if case.path == "/vary" else "vary") if ours == expected and theirs is None else None
    if case.origin_cause:
        wanted = own if part.startswith("access-control-") else view_answer(case, part)
        return case.origin_cause if ours == wanted else None
    if not case.they_allow:
        return None
    if pair.request.method == "OPTIONS" and part in ("status", "body"):
        return "plain-options" if ours == view_answer(case, part) else None
    is_bare = case.is_raised and case.place != "app" and pair.request.method != "OPTIONS"  # nothing of the original's
    return granted_row(case, difference, own, is_bare=is_bare)


def view_answer(case: Case, part: str) -> Any:
    return {"status": STATUS.get(case.path, 200), "body": case.path.encode()}.get(part)


def granted_row(case: Case, difference: Difference, own: Any, *, is_bare: bool) -> str | None:
    part, theirs, ours = difference
    shown = shown_of(case)
    if is_bare:
        expected: dict[str, Any] = {LINES["allow-origin"]: (case.origin,), LINES["expose-headers"]: shown}
        if case.credentials and case.origin != "null":
            expected[LINES["allow-credentials"]] = ("true",)
        return "exceptions" if theirs is None and ours == expected.get(part) else None
    if part in (LINES["allow-methods"], LINES["allow-headers"], LINES["max-age"]):
        return "preflight-headers" if theirs and ours is None else None
    if part == LINES["allow-credentials"]:
        return credentials_row(case, difference, own)
    if part == LINES["expose-headers"] and ours == (shown or (None if case.expands else own)):
        if case.credentials and "*" in case.exposed:
            return "star-beside-credentials" if theirs and "*" in theirs else None
        if case.pair.request.method == "OPTIONS" and own and theirs is None:
            return "plain-options"  # the view is called, and sets it
        return "never-sent" if shown != tuple(case.exposed) else None
    return None


def credentials_row(case: Case, difference: Difference, own: Any) -> str | None:
    _, theirs, ours = difference
    if ours is not None:  # the view's own never stays beside an allowed origin
        return None
    if case.credentials:
        return "null-credentials" if case.origin == "null" and theirs == ("true",) else None
    return ("own-credentials" if own else "credentials-false") if theirs == ("false",) else None


def shown_of(case: Case) -> tuple[str, ...] | None:
    """Return what we send of ``expose_headers``."""
    valid = [name for name in case.exposed if fetch.is_token(name) and name != "set-cookie"]
    return (exposable(case.pair.ours) if case.expands else tuple(valid)) or None


def preflight_row(case: Case, difference: Difference) -> str | None:
    part, theirs, ours = difference
    refused = case.origin_cause or ("malformed-method" if case.they_allow and case.is_malformed_method else None)
    if not case.they_allow:
        refused = "denied-preflight"
    if part == "vary":
        # A denied preflight gets to the view in the original, which sets its own.
        before = case.own(part) if refused == "denied-preflight" else None
        starred = case.credentials and refused is None
        lists = {"access-control-request-method": case.methods, "access-control-request-headers": case.headers}
        matters = [name for name, listed in lists.items() if starred and "*" in listed]
        return (refused or "vary") if (theirs, ours) == (before, tuple(sorted([*matters, "origin"]))) else None
    if refused:
        said = {"status": ours == 403, "body": str(ours).startswith("b'CORS: the origin ")}
        return refused if said.get(part, ours is None) else None
    if part == LINES["expose-headers"]:
        return "preflight-exposes" if theirs == tuple(case.exposed) and ours is None else None
    if part == LINES["allow-credentials"]:
        return credentials_row(case, difference, None)
    if part == LINES["max-age"]:
        sent = (str(min(max(case.max_age, 0), 86400)),)
        return "max-age" if (theirs, ours) == ((str(case.max_age),), sent) else None
    if part == LINES["allow-methods"]:
        sent = tuple(
            sorted(
                name
                for name in case.methods
                if fetch.is_token(name) and not fetch.is_forbidden_method(name) and name == fetch.normalize_method(name)
            )
        )
        granted = [method for method in case.asked("Method") if not fetch.is_forbidden_method(method)]
        return list_row(case, tuple(sorted(case.methods)), sent, difference, [], granted)
    if part == LINES["allow-headers"]:
        sent = tuple(
            name for name in case.headers if fetch.is_token(name) and not fetch.is_forbidden_request_header(name)
        )
        granted = [name for line in case.asked("Headers") for name in map(str.strip, line.lower().split(","))]
        if not all(fetch.is_token(name) for name in granted if name):
            granted = []
        granted = [name for name in granted if name and (name != "authorization" or name in sent)]
        return list_row(case, tuple(case.headers), sent, difference, ["authorization"], granted)
    return None


def list_row(
    case: Case,
    listed: tuple[str, ...],
    sent: tuple[str, ...],
    difference: Difference,
    beside: list[str],
    granted: list[str],
) -> str | None:
    """Return the row for a list of a preflight's answer, of which *sent* can match.

    *beside* is named beside a star; *granted* is what takes the place of one, beside credentials.
    """
    _, theirs, ours = difference
    if "*" not in sent:
        row = "never-sent"
    elif case.credentials:
        row, sent = "star-beside-credentials", tuple(sorted(granted))
    else:
        row, sent = "star", ("*", *(name for name in beside if name in sent))
    return row if set(theirs or ()) == set(listed) and ours == (sent or None) else None


def row(name: str) -> Row:
    return Row(name, lambda pair, difference: explained_by(pair, difference) == name)


def is_lone_string(pair: Pair, difference: Difference) -> bool:
    """Whether the drop-in answers as the original does when the string is in a list, but for the other rows."""
    if pair.configuration.listed == pair.configuration:
        return False
    listed = pair.configuration.listed
    theirs = ask(listed, application(listed, original=True), pair.request)
    relisted = Pair(listed, pair.request, theirs, pair.ours)
    return all(explained_by(relisted, one) for one in differences(theirs, pair.ours) if one.part == difference.part)


def shown_by_its_test(pair: Pair, difference: Difference) -> bool:
    """Nothing in the generated configurations leads to this difference."""
    return False


NAMED = """
    vary credentials-false own-credentials preflight-headers preflight-exposes plain-options denied-preflight
    malformed-method malformed-origin several-origins null-origin null-credentials never-sent star
    star-beside-credentials max-age exceptions
"""
ROWS: tuple[Row, ...] = (*map(row, NAMED.split()), Row("lone-string", is_lone_string), Row("files", shown_by_its_test))


def lists(*entries: str) -> st.SearchStrategy[Any]:
    some = st.lists(st.sampled_from(entries), max_size=3)
    return st.one_of(some, some.map(tuple), st.sampled_from(entries))


PATTERNS = [
    re.compile(text)
    for text in (
        r"https://app\.example\.com", r"https://app\.example\.com", ".*", r"https://.*\.example\.org", "null",
        "null|https://app.example.com", r"\*", r"^https://app\.example\.com$", r"http://\[::1\]\Z", r"a\$",
        "http://localhost:[0-9]*", "", "app", r"https://\*\.example\.com",
    )
]  # fmt: skip


NULL = Configuration("asgi", "route", {"allow_origins": [re.compile("null")], "allow_credentials": True})


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    patterns = st.lists(st.sampled_from(PATTERNS), max_size=3)
    arguments = {
        "allow_origins": st.one_of(patterns, patterns.map(lambda more: (ONE, *more))),
        "allow_methods": lists("GET", "POST", "PUT", "PATCH", "*", "get", "patch", "TRACE", "PROPFIND", "A B"),
        "allow_headers": lists("X-A", "x-b", "Authorization", "*", "Cookie", "A B"),
        "expose_headers": lists("X-Total", "*", "Set-Cookie", "A B", "Content-Type"),
        "allow_credentials": st.sampled_from([False, True, 1]),
        "max_age": st.sampled_from([600, 0, -5, 7201, 86400, 86401]),
    }
    chosen = draw(st.fixed_dictionaries({}, optional=arguments))
    return Configuration(draw(st.sampled_from(sorted(SIDES))), draw(st.sampled_from(PLACES)), chosen)


ORIGINS = (
    APP, EVIL, "null", "", "https://App.example.com", f"{APP}/", f"{APP}.evil.com", f"{APP}:8443", "https://appxexample.com",
    "https://evil.com#.example.org", "https://a.example.org", "http://localhost:3000", "http://localhost:3000/x", "*",
    "a$", "http://[::1]", "https://*.example.com", "app", "<script>", "https://notapp.example.com",
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> Request:
    number = draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2]))
    headers = [("Origin", draw(st.one_of(st.just(APP), st.sampled_from(ORIGINS)))) for _ in range(number)]
    kind = draw(st.sampled_from(["actual", "actual", "preflight", "preflight", "plain"]))
    path = draw(st.sampled_from([*OWN, "/missing"]))
    if kind == "actual":
        return Request(draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "BREW"])), path, tuple(headers))
    if kind == "preflight":
        methods = draw(
            st.lists(st.sampled_from(["PUT", "PATCH", "GET, PUT", "patch", "", "TRACE"]), min_size=1, max_size=2)
        )
        headers += [("Access-Control-Request-Method", method) for method in methods]
        names = draw(st.lists(st.sampled_from(["x-a", "X-A,x-b", "x-c", "", "<script>"]), max_size=2))
        headers += [("Access-Control-Request-Headers", name) for name in names]
    return Request("OPTIONS", path, tuple(headers))


@pytest.fixture(autouse=True, scope="module")
def runner() -> Iterator[None]:
    global RUNNER
    with asyncio.Runner() as RUNNER:
        yield


RUNNER: asyncio.Runner


def application(configuration: Configuration, *, original: bool) -> Any:
    side = SIDES[configuration.side]
    middleware = side.kui.allow_cors if original else allow_cors
    return side.app(configuration.place, middleware, configuration.arguments)


def ask(configuration: Configuration, app: Any, request: Request) -> Response:
    if configuration.side == "asgi":
        return RUNNER.run(ask_asgi_async(app, request))
    return ask_wsgi(app, request)


def test_nothing_differs_but_by_the_rows(compared: Callable[[str, int, int, Mapping[str, int]], None]) -> None:
    tally = Tally()

    @settings(max_examples=2000)
    @example(NULL, [Request.actual("null"), Request.preflight("null")])  # one that is seldom drawn
    @given(configurations(), st.lists(requests(), min_size=2, max_size=4))
    def run(configuration: Configuration, asked: list[Request]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CORSWarning)
            apps = [application(configuration, original=original) for original in (True, False)]
            for request in asked:
                theirs, ours = (ask(configuration, app, request) for app in apps)
                tally.compare(configuration, request, theirs, ours, ROWS)

    run()
    compared("kui", len(tally.configurations), tally.answers, tally.rows)
    assert {row.name for row in ROWS if row.explains is not shown_by_its_test} <= tally.rows.keys()
    assert len(tally.configurations) >= 300
