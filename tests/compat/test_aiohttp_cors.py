"""aiohttp-cors and its drop-in side by side."""

import atexit
import functools
import inspect
import json
import tempfile
import warnings
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp_cors as original
import pytest
from aiohttp import hdrs, web
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.messages import Request, Response
from conformance.servers import ask_server
from conformance.stacks.aiohttp import aiohttp_server, ask_aiohttp
from crossorigin.compat import CORSWarning
from crossorigin.compat import aiohttp_cors as drop_in
from crossorigin.fetch import (
    FORBIDDEN_RESPONSE_HEADERS,
    SAFELISTED_RESPONSE_HEADERS,
    is_forbidden_method,
    is_forbidden_request_header,
    is_token,
)
from crossorigin.origins import Origin
from crossorigin.testing import BrowserClient
from tests.compat.differential import Difference, Pair, Row, Tally, read

APP = "https://app.example.com"
OTHER = "https://other.example.net"
EVIL = "https://evil.example"
FAILED = "CORS preflight request failed: "
PATH = "/items/page.txt"

# One application, built with either library.

Config = Mapping[str, Mapping[str, Any]] | None
LIBRARIES = (original, drop_in)


@dataclass(frozen=True)
class Route:
    """A route of the resource: its method, whether it is added, and with which options."""

    method: str
    added: bool = True
    config: Config = None


@dataclass(frozen=True)
class Configuration:
    """What an application does with the library."""

    kind: str = "function"
    defaults: Config = None
    resource_added: bool = False
    resource: Config = None
    routes: tuple[Route, ...] = ()
    view: Config = None
    custom: Mapping[str, Config] = field(default_factory=dict)
    mappings: bool = False


def options(library: Any, config: Config, *, mappings: bool = False) -> Any:
    """Return the options of *config* as *library* takes them: as mappings, where it may."""
    return config and {
        origin: of_origin if mappings and "allow_methods" not in of_origin else library.ResourceOptions(**of_origin)
        for origin, of_origin in config.items()
    }


async def play(request: web.Request) -> web.StreamResponse:
    """Answer with the headers that the request wishes for, or as badly."""
    wish = json.loads(request.headers.get("X-Play", "{}"))
    if "raise" in wish:
        raise LookupError("the handler failed")
    if "missing" in wish:
        raise web.HTTPNotFound
    return web.Response(text="played", headers={"X-Total": "3", **wish})


def view(library: Any, class_config: Config, custom: Mapping[str, Config]) -> type[web.View]:
    async def get(self: web.View) -> web.StreamResponse:
        return await play(self.request)

    async def put(self: web.View) -> web.StreamResponse:
        return await play(self.request)

    methods = {function.__name__: function for function in (get, put)}
    for name, config in custom.items():
        library.custom_cors(options(library, config))(methods[name.lower()])
    members = {"cors_config": options(library, class_config), **methods}
    return type("Items", (web.View, library.CorsViewMixin), members)


@functools.cache
def files() -> Path:
    """Return a folder of static files, which goes with this process."""
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    (Path(temporary.name) / "page.txt").write_text("played")
    return Path(temporary.name)


def build(library: Any, configuration: Configuration) -> web.Application:
    app = web.Application()
    read_options = functools.partial(options, library, mappings=configuration.mappings)
    cors = library.setup(app, defaults=read_options(configuration.defaults))
    resource: Any
    routes: list[tuple[Any, Route]] = []
    if configuration.kind == "view":
        added = app.router.add_route("*", "/items/{name}", view(library, configuration.view, configuration.custom))
        cors.add(added.resource if configuration.resource_added else added, read_options(configuration.resource))
        return app
    if configuration.kind == "static":
        resource = app.router.add_static("/items", files())
        there = {route.method: route for route in resource}
        routes = [(there[declared.method], declared) for declared in configuration.routes]
    else:
        resource = app.router.add_resource("/items/{name}")
        handler: Any = play
        if configuration.kind == "method-view":
            handler = view(library, configuration.view, configuration.custom)
        routes = [(resource.add_route(declared.method, handler), declared) for declared in configuration.routes]
    if configuration.resource_added:
        cors.add(resource, read_options(configuration.resource))
    for route, declared in routes:
        if declared.added:
            cors.add(route, read_options(declared.config))
    app.router.add_route("GET", "/private/{name}", play)
    return app


def ask(app: web.Application, request: Request) -> Response:
    """Ask an application; status 0 stands for a connection that is dropped without an answer."""
    try:
        return ask_aiohttp(app, request)
    except AssertionError:
        return Response(0)


def both(configuration: Configuration, request: Request) -> tuple[Response, Response]:
    """Return what the original answers, and what the drop-in does."""
    with warnings.catch_warnings(action="ignore", category=CORSWarning):
        theirs, ours = (ask(build(library, configuration), request) for library in LIBRARIES)
    return theirs, ours


# What the drop-in has to answer, as far as it differs from the original at all: what the rows below compare it with.


@dataclass(frozen=True)
class Expected:
    """The answer of the drop-in to one request: the refusal of a preflight, or the CORS headers."""

    text: str | None = None
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status: int = 200
    body: bytes = b""


Options: Any = original.ResourceOptions


def levels(configuration: Configuration, method: str, *, preflight: bool) -> tuple[list[Any], bool]:
    """Return the options by origin for *method*, and whether it was added."""
    routes = {route.method: route for route in configuration.routes}
    added = {method: route for method, route in routes.items() if route.added}
    defaults, resource = configuration.defaults or {}, configuration.resource or {}
    of_view = [configuration.custom.get(method) or {}, configuration.view or {}, defaults]
    if configuration.kind == "view":
        if method not in ("GET", "PUT", "OPTIONS"):
            return [] if preflight else [resource, defaults], False
        return of_view if preflight else [*of_view, resource], True
    if not configuration.resource_added and added:
        resource = next(iter(added.values())).config or {}
    if configuration.kind == "method-view" and method in routes and not preflight:
        return [*of_view, resource], method in added
    own = [added[method].config or {}] if method in added else []
    return [*own, resource, defaults], method in added


def chosen(configuration: Configuration, origin: str, method: str, *, preflight: bool) -> tuple[Any, Any, str]:
    """Return the options that the original chooses for *origin*, those that the drop-in does, and who has these."""
    chain, _ = levels(configuration, method, preflight=preflight)
    by_origin = {key: Options(**value) for key, value in ChainMap(*chain).items()}
    theirs = by_origin.get(origin, by_origin.get("*"))
    well_formed = Origin.parse(origin) is not None
    if origin in by_origin and (well_formed or origin == "null"):
        return theirs, by_origin[origin], origin
    if "*" in by_origin and (well_formed or not by_origin["*"].allow_credentials):
        return theirs, by_origin["*"], "*"
    return theirs, None, ""


def added_methods(configuration: Configuration) -> set[str]:
    return {route.method for route in configuration.routes if route.added}


def shown(text: str) -> str:
    return ascii(text[:100])


def is_method(text: str) -> bool:
    return is_token(text) and len(text) <= 64


def header(request: Request, name: str) -> list[str]:
    return [value for key, value in request.headers if key.lower() == name.lower()]


def asked_names(request: Request) -> list[str] | None:
    lines = header(request, "Access-Control-Request-Headers")
    names = [name.strip(" \t") for name in ",".join(lines).split(",")]
    names = [name for name in names if name]
    return names if all(map(is_token, names)) else None


def allowed_names(of_origin: Any) -> list[str]:
    if of_origin.allow_headers == "*":
        return ["*", "authorization"]
    usable = (name.lower() for name in of_origin.allow_headers if name != "*" and is_token(name))
    return [name for name in usable if not is_forbidden_request_header(name)]


def allowed_methods(configuration: Configuration, of_origin: Any, method: str, *, added: bool) -> list[str]:
    if added:
        return [] if is_forbidden_method(method) else [method]
    elsewhere = added_methods(configuration)
    if of_origin.allow_methods == "*":
        return sorted(hdrs.METH_ALL - elsewhere - {"CONNECT", "TRACE"}) if elsewhere else ["*"]
    usable = (name for name in of_origin.allow_methods or () if name != "*" and is_token(name))
    return sorted(name for name in usable if not is_forbidden_method(name) and name not in elsewhere)


def expected(pair: Pair) -> Expected:
    return expected_preflight(pair) if pair.is_preflight else expected_actual(pair)


def opening(of_origin: Any, key: str, origin: str) -> dict[str, tuple[str, ...]]:
    constant = key == "*" and not of_origin.allow_credentials
    headers: dict[str, tuple[str, ...]] = {"access-control-allow-origin": ("*" if constant else origin,)}
    if of_origin.allow_credentials and origin != "null":
        headers["access-control-allow-credentials"] = ("true",)
    return headers


def expected_preflight(pair: Pair) -> Expected:
    configuration, origin, method = pair.configuration, sent_origin(pair) or "", asked_method(pair)
    chain, added = levels(configuration, method, preflight=True)
    _, of_origin, key = chosen(configuration, origin, method, preflight=True)
    no_method = FAILED + f"request method {shown(method)} is not allowed for {shown(origin)} origin"
    if of_origin is None and added:
        return Expected(FAILED + (f"origin {shown(origin)} is not allowed" if any(chain) else "no origins are allowed"))
    if of_origin is None or not is_method(method):
        return Expected(no_method)
    methods = allowed_methods(configuration, of_origin, method, added=added)
    if not (method in methods or ("*" in methods and not is_forbidden_method(method))):
        return Expected(no_method)
    names, allowed = asked_names(pair.request), allowed_names(of_origin)
    if names is None:
        lines = ", ".join(header(pair.request, "Access-Control-Request-Headers"))
        return Expected(FAILED + f"headers are not allowed: {shown(lines)}")
    missing = {name.upper() for name in names if name.lower() not in allowed and "*" not in allowed}
    if missing:
        return Expected(FAILED + f"headers are not allowed: {', '.join(sorted(missing))}")
    if of_origin.allow_credentials:
        methods = [method] if methods == ["*"] else methods
        allowed = sorted(map(str.lower, names)) if "*" in allowed else allowed
    headers = opening(of_origin, key, origin)
    if methods:
        headers["access-control-allow-methods"] = tuple(methods)
    if allowed:
        headers["access-control-allow-headers"] = tuple(sorted(allowed))
    if of_origin.max_age is not None and not isinstance(of_origin.max_age, bool):
        headers["access-control-max-age"] = (str(min(of_origin.max_age, 86400)),)
    return Expected(None, headers)


def read_own(wish: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the handler's own CORS headers, which stay where the drop-in has nothing to set."""
    response = Response(200, tuple(wish.items()))
    names = [name.lower() for name in wish if name.lower().startswith("access-control-")]
    return {name: read(response, name) or () for name in names}


def expected_response(pair: Pair) -> tuple[int, bytes, Mapping[str, str]]:
    """Return the status and the body of an actual request, and the headers that the handler sets."""
    configuration, request = pair.configuration, pair.request
    wish = json.loads((header(request, "X-Play") or ["{}"])[0])
    routed = {"view": {"GET", "PUT"}, "static": {"GET", "HEAD"}}.get(configuration.kind, set())
    routed |= {route.method for route in configuration.routes}
    if request.method == "OPTIONS":
        missing = "origin header" if sent_origin(pair) is None else "'Access-Control-Request-Method' header"
        where = " in the request" if sent_origin(pair) is None else ""
        return 403, f"{FAILED}{missing} is not specified{where}".encode(), {}
    if request.method not in routed:
        return 405, b"" if request.method == "HEAD" else b"405: Method Not Allowed", {}
    body = b"" if request.method == "HEAD" else b"played"
    return 200, body, {} if configuration.kind == "static" else wish


def expected_actual(pair: Pair) -> Expected:
    status, body, own = expected_response(pair)
    headers = expected_headers(pair, read_own(own))
    return Expected(None, headers, status, body)


def expected_headers(pair: Pair, own: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    configuration, origin = pair.configuration, sent_origin(pair)
    chain, _ = levels(configuration, pair.request.method, preflight=False)
    by_origin: Mapping[str, Any] = ChainMap(*chain)
    of_origin: Any
    if origin is None:
        if set(by_origin) != {"*"} or by_origin["*"].get("allow_credentials"):
            return own
        of_origin, key = Options(**by_origin["*"]), "*"
    else:
        _, of_origin, key = chosen(configuration, origin, pair.request.method, preflight=False)
    if of_origin is None:
        return own
    kept = {name: value for name, value in own.items() if name != "access-control-allow-credentials"}
    headers = kept | opening(of_origin, key, origin or "")
    names = sorted(name.lower() for name in of_origin.expose_headers if is_token(name))
    names = [name for name in names if name not in FORBIDDEN_RESPONSE_HEADERS]
    if of_origin.allow_credentials and "*" in names:
        hidden = {*FORBIDDEN_RESPONSE_HEADERS, *SAFELISTED_RESPONSE_HEADERS, "connection", "date", "server", "vary"}
        there = {name.lower() for name, _ in pair.ours.headers} - hidden
        names = sorted(name for name in there if not name.startswith("access-control-"))
        headers.pop("access-control-expose-headers", None)
    if names:
        headers["access-control-expose-headers"] = tuple(names)
    return headers


# The differences on purpose. A row first says that it is this difference, by what was asked and what the original
# answered; then the drop-in's part of it has to be exactly what is expected.


def explained(name: str, condition: Callable[[Pair, Difference], bool]) -> Row:
    def explains(pair: Pair, difference: Difference) -> bool:
        if difference.part in ("error", "vary") or not condition(pair, difference):
            return False
        to, theirs = expected(pair), pair.theirs
        if difference.part not in ("status", "body"):
            return bool(difference.ours == to.headers.get(difference.part))
        if not pair.is_preflight:  # only a dropped connection differs from a response
            dropped = (theirs.status, theirs.body) == (0, b"")
            return dropped and difference.ours == (to.status if difference.part == "status" else to.body)
        said = (theirs.status == 403 and theirs.body.startswith(FAILED.encode())) or (theirs.status, theirs.body) == (
            200,
            b"",
        )
        ours = (200, b"") if to.text is None else (403, to.text.encode())
        return said and difference.ours == ours[difference.part == "body"]

    return Row(name, explains)


def sent_origin(pair: Pair) -> str | None:
    """Return the request's origin, several lines joined as the drop-in reads them."""
    lines = header(pair.request, "Origin")
    return ", ".join(lines) if lines else None


def first_lines(request: Request) -> Request:
    """Return *request* as the original reads it: with the first line alone of these two headers."""
    names = [name.lower() for name, _ in request.headers]
    single = ("origin", "access-control-request-method")
    kept = [
        line
        for index, line in enumerate(request.headers)
        if names[index] not in single or names[index] not in names[:index]
    ]
    return Request(request.method, request.path, tuple(kept))


def is_several(pair: Pair, difference: Difference) -> bool:
    first = first_lines(pair.request)
    if first == pair.request:
        return False
    theirs = both(pair.configuration, first)[0]
    if difference.part in ("status", "body"):
        return (theirs.status, theirs.body) == (pair.theirs.status, pair.theirs.body)
    return bool(read(theirs, difference.part) == difference.theirs)


def is_unknown_method(pair: Pair, difference: Difference) -> bool:
    of_origin = options_of(pair)
    star = of_origin is not None and of_origin.allow_methods == "*" and bool(added_methods(pair.configuration))
    unknown = refused_method(lambda method: is_method(method) and method not in hdrs.METH_ALL)
    return star and unknown(pair, difference)


def other_origin(null: bool) -> Callable[[Pair, Difference], bool]:
    """The original chose options for an origin for which the drop-in has none, or others."""

    def condition(pair: Pair, difference: Difference) -> bool:
        if pair.origin is None or (pair.origin == "null") is not null or pair.theirs.status == 0:
            return False
        method = asked_method(pair)
        theirs, ours, _ = chosen(pair.configuration, pair.origin, method, preflight=pair.is_preflight)
        if null and theirs and difference.part == "access-control-allow-credentials":
            return bool(theirs.allow_credentials and difference.theirs == ("true",))
        return theirs is not None and theirs is not ours

    return condition


def asked_method(pair: Pair) -> str:
    asked = header(pair.request, "Access-Control-Request-Method") if pair.is_preflight else []
    return ", ".join(asked) if asked else pair.request.method


def options_of(pair: Pair) -> Any:
    return chosen(pair.configuration, sent_origin(pair) or "", asked_method(pair), preflight=pair.is_preflight)[1]


def newly_refused(pair: Pair, difference: Difference) -> bool:
    return pair.is_preflight and pair.theirs.status == 200 and pair.ours.status == 403


def is_vary(pair: Pair, difference: Difference) -> bool:
    if difference.part != "vary":
        return False
    theirs, ours = set(difference.theirs or ()), list(difference.ours)
    asked = {"access-control-request-method", "access-control-request-headers"} if pair.is_preflight else set()
    return len(set(ours)) == len(ours) and theirs | {"origin"} <= set(ours) <= theirs | {"origin"} | asked


def is_dropped(pair: Pair, difference: Difference) -> bool:
    """The original dropped the connection for headers of the handler."""
    own = "Access-Control" in "".join(header(pair.request, "X-Play"))
    statuses = {"status": pair.ours.status == 200, "body": pair.ours.body in (b"played", b"")}
    return own and pair.theirs.status == 0 and statuses.get(difference.part, difference.part != "error")


def is_405(pair: Pair, difference: Difference) -> bool:
    missing = pair.ours.status == 405 and not pair.is_preflight
    return missing and pair.theirs.status in (0, 405) and difference.theirs in (None, 0, b"")


def is_bad_list(pair: Pair, difference: Difference) -> bool:
    return pair.is_preflight and pair.ours.status == 403 and asked_names(pair.request) is None


def is_split(pair: Pair, difference: Difference) -> bool:
    lines = header(pair.request, "Access-Control-Request-Headers")
    if not pair.is_preflight or len(lines) < 2:
        return False
    if difference.part not in ("status", "body", "access-control-allow-headers"):
        return newly_refused(pair, difference)
    first = asked_names(Request("OPTIONS", PATH, (("Access-Control-Request-Headers", lines[0]),)))
    return first != asked_names(pair.request)


def refused_method(condition: Callable[[str], bool]) -> Callable[[Pair, Difference], bool]:
    def is_refused(pair: Pair, difference: Difference) -> bool:
        refused = pair.is_preflight and pair.ours.status == 403
        return refused and pair.theirs.status in (200, 403) and condition(asked_method(pair))

    return is_refused


def names_undeclarable(names: Any) -> bool:
    return names != "*" and any(
        name == "*" or not is_token(name) or is_forbidden_request_header(name) for name in names or ()
    )


def is_undeclarable(pair: Pair, difference: Difference) -> bool:
    """A name or a method was declared that no browser sends, or that is none."""
    of_origin = options_of(pair)
    if of_origin is None:
        return False
    if difference.part == "access-control-expose-headers":
        exposed = of_origin.expose_headers
        return bool(exposed != "*" and difference.theirs == tuple(sorted(map(str.lower, exposed))))
    refused = newly_refused(pair, difference) or difference.part == "body"
    return refused and (names_undeclarable(of_origin.allow_headers) or names_undeclarable(of_origin.allow_methods))


def is_exposed_star(pair: Pair, difference: Difference) -> bool:
    of_origin = options_of(pair)
    if difference.part != "access-control-expose-headers" or of_origin is None or "*" not in of_origin.expose_headers:
        return False
    return {"content-length", "date", "server"} <= set(difference.theirs) or "*" in difference.theirs


def is_constant(pair: Pair, difference: Difference) -> bool:
    if difference.part == "access-control-expose-headers":
        return pair.origin is None and difference.theirs in (None, ("x-own",))
    if difference.part == "access-control-allow-credentials":  # a handler's own, which never goes beside `*`
        return pair.origin is None and difference.ours is None and pair.ours.cors.get("allow-origin") == "*"
    origin = pair.origin and pair.origin.encode().decode("latin-1")
    theirs = [None, ("https://own.example",)] if origin is None else [(origin,)]
    return (
        difference.part == "access-control-allow-origin" and difference.ours == ("*",) and difference.theirs in theirs
    )


def is_list(part: str, star: bool) -> Callable[[Pair, Difference], bool]:
    """The original names what was asked for, and the drop-in all that is allowed."""

    def condition(pair: Pair, difference: Difference) -> bool:
        of_origin = options_of(pair)
        if difference.part != f"access-control-allow-{part}" or of_origin is None or pair.theirs.status != 200:
            return False
        names = tuple(sorted({name.lower() for name in asked_names(pair.request) or ()})) or None
        asked = names if part == "headers" else (asked_method(pair),)
        declared = of_origin.allow_headers if part == "headers" else of_origin.allow_methods
        return difference.theirs == asked and (declared == "*") is star

    return condition


def is_max_age(pair: Pair, difference: Difference) -> bool:
    return difference.part == "access-control-max-age" and difference.theirs == (str(options_of(pair).max_age),)


def is_sorted(pair: Pair, difference: Difference) -> bool:
    if difference.part != "body" or pair.theirs.status != 403:
        return False
    start = (FAILED + "headers are not allowed: ").encode()
    theirs, ours = (body.removeprefix(start).split(b", ") for body in (difference.theirs, difference.ours))
    return bool(sorted(theirs) == ours and difference.theirs.startswith(start))


def is_escaped(pair: Pair, difference: Difference) -> bool:
    if difference.part != "body" or pair.theirs.status != 403 or pair.ours.status != 403:
        return False
    return pair.origin is not None and (repr(pair.origin) != shown(pair.origin) or "'" in pair.origin)


def is_plain_options(pair: Pair, difference: Difference) -> bool:
    plain = pair.request.method == "OPTIONS" and not pair.is_preflight
    return plain and pair.theirs.status == pair.ours.status == 403 and difference.theirs is None


def shown_by_its_test(pair: Pair, difference: Difference) -> bool:
    """Nothing in the generated configurations leads to this difference."""
    return False


ROWS: tuple[Row, ...] = (
    Row("vary", is_vary),
    explained("own-headers", is_dropped),
    explained("405", is_405),
    explained("plain-options", is_plain_options),
    explained("several-lines", is_several),
    explained("null-origin", other_origin(null=True)),
    explained("malformed-origin", other_origin(null=False)),
    explained("constant-star", is_constant),
    explained("malformed-list", is_bad_list),
    explained("split-headers", is_split),
    explained("malformed-method", refused_method(lambda method: not is_method(method))),
    explained("lowercase-method", refused_method(lambda method: method != method.upper())),
    explained("forbidden-method", refused_method(is_forbidden_method)),
    explained("unknown-method", is_unknown_method),
    explained("undeclarable-names", is_undeclarable),
    explained("exposed-star", is_exposed_star),
    explained("star-headers", is_list("headers", star=True)),
    explained("all-headers", is_list("headers", star=False)),
    explained("star-methods", is_list("methods", star=True)),
    explained("all-methods", is_list("methods", star=False)),
    explained("max-age", is_max_age),
    explained("sorted-headers", is_sorted),
    explained("escaped-text", is_escaped),
    Row("middlewares", shown_by_its_test),
    Row("several-resources", shown_by_its_test),
    Row("view-not-added", shown_by_its_test),
    Row("view-mapping", shown_by_its_test),
    Row("view-attribute", shown_by_its_test),
    Row("sub-application", shown_by_its_test),
)

# The differential test.

ORIGINS = [APP, OTHER, "*", "*", "*", "null", "http://insecure.example"]
ODD_ORIGINS = ["https://app.example.com/", "app.example.com", "https://APP.example.com", "https://*.example.com", ""]
HEADERS = ["X-A", "x-b", "Content-Type", "Authorization"]


def several(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


lists = st.lists(several(*HEADERS), max_size=3)
ages: st.SearchStrategy[Any] = several(None, 0, 1, 600, 86400, 86401, 10**9, True)
resource_options = st.fixed_dictionaries(
    {},
    optional={
        "allow_credentials": st.booleans(),
        "allow_headers": st.one_of(
            several("*"), lists, lists.map(tuple), st.lists(several("x-a", "*", "Cookie", "x a", ""), max_size=3)
        ),
        "expose_headers": st.one_of(
            several("*"), lists, st.lists(several("X-Total", "*", "Set-Cookie", "x y", ""), max_size=3)
        ),
        "max_age": ages,
        "allow_methods": st.one_of(
            several("*", "*", None), st.lists(several("GET", "PUT", "delete", "Post", "TRACE", "*", "a b"), max_size=4)
        ),
    },
)
configs: st.SearchStrategy[Config] = st.one_of(
    st.none(),
    st.dictionaries(several(*ORIGINS), resource_options, min_size=1, max_size=3),
    st.dictionaries(several(*ORIGINS, *ODD_ORIGINS), resource_options, max_size=3),
)
methods = several("GET", "GET", "GET", "PUT", "PUT", "POST", "DELETE", "PATCH", "HEAD", "TRACE")
function_routes = st.tuples(
    st.builds(Route, several("GET", "PUT"), several(True, True, False), configs),
    st.builds(Route, several("POST", "DELETE", "PATCH", "HEAD", "TRACE"), st.booleans(), configs),
)
view_routes = st.lists(
    st.builds(Route, several("GET", "PUT"), st.booleans(), configs),
    min_size=1,
    max_size=2,
    unique_by=lambda one: one.method,
)
static_routes = st.lists(
    st.builds(Route, several("GET", "HEAD"), several(True, True, False), configs),
    max_size=2,
    unique_by=lambda one: one.method,
)
customs = st.dictionaries(several("GET", "PUT"), configs)
common: dict[str, Any] = {
    "defaults": configs, "resource_added": st.booleans(), "resource": configs, "mappings": st.booleans(),
}  # fmt: skip
configurations = st.one_of(
    st.builds(Configuration, routes=function_routes, **common),
    st.builds(Configuration, kind=st.just("view"), view=configs, custom=customs, **common),
    st.builds(
        Configuration,
        kind=st.just("method-view"),
        routes=view_routes.map(tuple),
        view=configs,
        custom=customs,
        **common,
    ),
    st.builds(Configuration, kind=st.just("static"), routes=static_routes.map(tuple), **common),
)
origins = st.one_of(
    several(APP, OTHER),
    several(None, *ORIGINS, *ODD_ORIGINS),
    several(
        EVIL, EVIL, "https://app.example.com.evil.example", "https://evilapp.example.com", "https://app.example.com:8443",
        "http://app.example.com", "https://" + "a" * 300 + ".example", "https://o'brien.example", "https://\xe9.example",
    ),
)  # fmt: skip
# What the handler is to answer with, by the last segment of the path: a cache knows one answer for each path.
WISHES: tuple[Mapping[str, str], ...] = (
    {}, {"Vary": "Accept, accept-encoding"}, {"Vary": "*"}, {"Access-Control-Allow-Origin": "https://own.example"},
    {"Access-Control-Allow-Credentials": "true"},
    {"Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "5"},
    {"Access-Control-Expose-Headers": "X-Own"}, {"Access-Control-Max-Age": "5"}, {"Set-Cookie": "a=b"},
    {"missing": "yes"}, {"raise": "yes"},
)  # fmt: skip
MANY = ",".join(f"x-{letter}" for letter in "hgfedcba")  # too many for a set to have them in order by chance
ASKED = [
    "X-A",
    "X-A",
    "x-a,x-b",
    "content-type, authorization",
    "x-a,",
    "X-Other",
    MANY,
    MANY,
    "cookie",
    "x a",
    "",
    " x-b\t",
]
NONE = Response(0)


def declared_origins(configuration: Configuration) -> list[str]:
    own = [route.config for route in configuration.routes]
    every = [configuration.defaults, configuration.resource, configuration.view, *configuration.custom.values(), *own]
    return sorted({origin for config in every for origin in config or {} if origin != "*"})


def granted(configuration: Configuration) -> list[Request]:
    """Return preflights that the drop-in should grant, of every kind."""
    asked = [
        preflight(origin, method)
        for origin in [*declared_origins(configuration), EVIL]
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "BREW")
    ]
    return [one for one in asked if expected(Pair(configuration, one, NONE, NONE)).text is None]


def tempting(configuration: Configuration) -> list[Request]:
    """Return preflights that the original grants, or refuses for their headers, and the drop-in refuses."""
    asked = [
        preflight(origin, method)
        for origin in [*declared_origins(configuration), EVIL]
        for method in ("TRACE", "BREW", "BREW", "BREW")
        if (of_origin := chosen(configuration, origin, method, preflight=True)[0]) is not None
        and (of_origin.allow_methods == "*" or method in added_methods(configuration))
    ]
    for one in granted(configuration)[:2]:
        origin, method = (value for _, value in one.headers)
        asked += [preflight(origin, method, MANY), preflight(origin, method, "x-a, x b")]
        asked += [preflight("https://o'brien.example", method), preflight(origin, f"{method}, DELETE")]
        asked += [preflight(origin, method.lower())]
    return asked


@st.composite
def scenarios(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[Configuration, list[Request]]:
    """Draw a configuration, and requests of which many are for what it declares."""
    configuration = draw(configurations)
    likely, known = [EVIL, *declared_origins(configuration)], (granted(configuration), tempting(configuration))
    some_origin = st.one_of(st.sampled_from(likely), origins)
    return configuration, [draw(requests(configuration, some_origin, *known)) for _ in range(6)]


@st.composite
def requests(
    draw: Callable[[st.SearchStrategy[Any]], Any],
    configuration: Configuration,
    origins: st.SearchStrategy[str | None],
    passing: list[Request],
    tempting: list[Request],
) -> Request:
    more = tuple(draw(several((), (), (), (), (), (("Origin", EVIL),), (("Access-Control-Request-Method", "GET"),))))
    number = draw(several(0, 0, *range(len(WISHES))))
    folder = draw(several("/items", "/items", "/items", "/items", "/items", "/private", "/elsewhere"))
    name = "page.txt" if configuration.kind == "static" or number == 0 else str(number)
    path = f"{folder}/{name}"
    kind = draw(several("actual", "actual", "preflight", *["passing"] * 3, "tempting"))
    if kind == "tempting" and tempting:
        tempted: Request = draw(st.sampled_from(tempting))
        return tempted
    if kind == "actual":
        known = [route.method for route in configuration.routes] or ["GET", "PUT"]
        method = draw(st.one_of(st.sampled_from(known), methods, several("OPTIONS", "BREW")))
        wish = {} if configuration.kind == "static" else WISHES[number]
        actual = Request.actual(draw(origins), path, method, X_Play=json.dumps(wish))
        return Request(actual.method, actual.path, actual.headers + more[:1] * (more[:1] == (("Origin", EVIL),)))
    if kind == "passing" and passing:
        one = draw(st.sampled_from(passing))
        method = asked_method(Pair(configuration, one, NONE, NONE))
        _, of_origin, _ = chosen(configuration, header(one, "Origin")[0], method, preflight=True)
        names = ["x-any", "x-a"] if of_origin.allow_headers == "*" else allowed_names(of_origin)
        asked = draw(st.lists(st.sampled_from(names), max_size=2)) if names else []
        lines = (("Access-Control-Request-Headers", ", ".join(asked)),) if asked else ()
        return Request(one.method, one.path, one.headers + lines)
    method = draw(
        st.one_of(
            methods, methods, several("OPTIONS", "put", "get", "GET, DELETE", "BREW", "BREW", "BREW", "", "a" * 70)
        )
    )
    names = draw(st.lists(several(*ASKED), max_size=2))
    one = Request.preflight(draw(origins), method, *names, path=path)
    return Request(one.method, one.path, one.headers + more)


def test_nothing_differs_but_by_the_rows(compared: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiohttp.web_fileresponse.NOSENDFILE", True)  # the connection is in memory, and has no socket
    tally = Tally()
    preflights: list[bool] = []

    @settings(max_examples=650)
    @given(scenarios())
    def run(scenario: tuple[Configuration, Sequence[Request]]) -> None:
        configuration, asked = scenario
        with warnings.catch_warnings(action="ignore", category=CORSWarning):
            theirs, ours = (build(library, configuration) for library in LIBRARIES)
        for request in asked:
            answer = ask(ours, request)
            tally.compare(configuration, request, ask(theirs, request), answer, ROWS)
            if request.method == "OPTIONS" and header(request, "Access-Control-Request-Method"):
                preflights.append(answer.status == 200)

    run()
    compared("aiohttp-cors", len(tally.configurations), tally.answers, tally.rows)
    assert len(tally.configurations) >= 300
    assert sum(preflights) * 3 >= len(preflights)
    assert {row.name for row in ROWS if row.explains is not shown_by_its_test} <= tally.rows.keys()


# Each difference on purpose: what the original answers, and what the drop-in does.


def route(config: Config, method: str = "PUT", **options: Any) -> Configuration:
    return Configuration(routes=(Route(method, config=config),), **options)


def answers(configuration: Configuration, request: Request) -> list[tuple[int, dict[str, str]]]:
    return [(answer.status, answer.cors) for answer in both(configuration, request)]


def refusals(configuration: Configuration, request: Request) -> list[str]:
    """Return the texts with which both refuse a preflight; of one that passes, its status."""
    return [
        answer.body.decode().removeprefix(FAILED) if answer.status == 403 else str(answer.status)
        for answer in both(configuration, request)
    ]


def actual(origin: str | None, method: str = "PUT", **wish: str) -> Request:
    return Request.actual(
        origin, PATH, method, X_Play=json.dumps({name.replace("_", "-"): wish[name] for name in wish})
    )


def preflight(origin: str, method: str = "PUT", *names: str) -> Request:
    return Request.preflight(origin, method, *names, path=PATH)


def test_row_vary() -> None:
    for origin in (APP, EVIL, None):
        theirs, ours = both(route({APP: {}}), actual(origin, Vary="Accept"))
        assert (theirs.values("Vary"), ours.values("Vary")) == (["Accept"], ["Accept, Origin"])


def test_row_own_headers() -> None:
    theirs, ours = answers(route({APP: {}}), actual(APP, Access_Control_Allow_Origin="https://own.example"))

    assert theirs == (0, {})  # the connection is dropped
    assert ours == (200, {"allow-origin": APP})


def test_row_405() -> None:
    theirs, ours = answers(route({APP: {}}), actual(APP, "DELETE"))
    assert (theirs, ours) == ((405, {}), (405, {"allow-origin": APP}))

    theirs, ours = answers(Configuration("view", view={APP: {}}), actual(APP, "DELETE"))
    assert (theirs, ours) == ((0, {}), (405, {}))


def test_row_plain_options() -> None:
    theirs, ours = both(route({APP: {}}), actual(APP, "OPTIONS"))

    text = FAILED + "'Access-Control-Request-Method' header is not specified"
    assert theirs.body == ours.body == text.encode()
    assert (theirs.status, theirs.cors) == (403, {})
    assert (ours.status, ours.cors) == (403, {"allow-origin": APP})


def test_row_null_origin() -> None:
    everything: Config = {"*": {"allow_credentials": True}}
    theirs, ours = answers(route(everything), actual("null"))
    assert (theirs, ours) == ((200, {"allow-origin": "null", "allow-credentials": "true"}), (200, {}))
    assert refusals(route(everything), preflight("null")) == ["200", "origin 'null' is not allowed"]

    theirs, ours = answers(route({"null": {"allow_credentials": True}}), actual("null"))
    assert theirs == (200, {"allow-origin": "null", "allow-credentials": "true"})
    assert ours == (200, {"allow-origin": "null"})


def test_row_malformed_origin() -> None:
    slash = APP + "/"
    theirs, ours = answers(route({slash: {}}), actual(slash))
    assert (theirs, ours) == ((200, {"allow-origin": slash}), (200, {}))

    everything: Config = {"*": {"allow_credentials": True}}
    theirs, ours = answers(route(everything), actual("<script>"))
    assert (theirs, ours) == ((200, {"allow-origin": "<script>", "allow-credentials": "true"}), (200, {}))


def test_row_constant_star() -> None:
    theirs, ours = answers(route({"*": {}}), actual(APP))
    assert (theirs, ours) == ((200, {"allow-origin": APP}), (200, {"allow-origin": "*"}))

    theirs, ours = answers(route({"*": {}}), actual(None))
    assert (theirs, ours) == ((200, {}), (200, {"allow-origin": "*"}))


def test_row_malformed_list() -> None:
    theirs, ours = refusals(route({APP: {"allow_headers": "*"}}), preflight(APP, "PUT", "x-a, x b"))

    assert (theirs, ours) == ("200", "headers are not allowed: 'x-a, x b'")


def test_row_split_headers() -> None:
    theirs, ours = refusals(route({APP: {"allow_headers": ["X-A"]}}), preflight(APP, "PUT", "x-a", "x-b"))

    assert (theirs, ours) == ("200", "headers are not allowed: X-B")


def test_row_several_lines() -> None:
    config: Config = {APP: {}, OTHER: {}}
    theirs, ours = answers(route(config), Request("PUT", PATH, (("Origin", APP), ("Origin", OTHER))))
    assert (theirs, ours) == ((200, {"allow-origin": APP}), (200, {}))

    two = preflight(APP, "PUT")
    two = Request(two.method, two.path, (*two.headers, ("Access-Control-Request-Method", "DELETE")))
    assert refusals(route(config), two) == ["200", f"request method 'PUT, DELETE' is not allowed for '{APP}' origin"]


def test_row_unknown_method() -> None:
    everything: Config = {APP: {"allow_methods": "*"}}
    resource = Configuration(resource_added=True, resource=everything)
    assert refusals(resource, preflight(APP, "BREW")) == ["200", "200"]

    theirs, ours = refusals(route(everything), preflight(APP, "BREW"))
    assert (theirs, ours) == ("200", f"request method 'BREW' is not allowed for '{APP}' origin")


def test_row_malformed_method() -> None:
    theirs, ours = both(route({APP: {"allow_methods": "*"}}), preflight(APP, "GET, DELETE"))

    assert (theirs.status, theirs.cors["allow-methods"]) == (200, "GET, DELETE")
    text = FAILED + f"request method 'GET, DELETE' is not allowed for '{APP}' origin"
    assert (ours.status, ours.cors, ours.body) == (403, {}, text.encode())


def test_row_lowercase_method() -> None:
    theirs, ours = refusals(route({APP: {"allow_methods": ["PATCH"]}}), preflight(APP, "patch"))

    assert (theirs, ours) == ("200", f"request method 'patch' is not allowed for '{APP}' origin")


def test_row_forbidden_method() -> None:
    theirs, ours = refusals(route({APP: {}}, "TRACE"), preflight(APP, "TRACE"))

    assert (theirs, ours) == ("200", f"request method 'TRACE' is not allowed for '{APP}' origin")


def test_row_undeclarable_names() -> None:
    theirs, ours = refusals(route({APP: {"allow_headers": ["Cookie"]}}), preflight(APP, "PUT", "cookie"))
    assert (theirs, ours) == ("200", "headers are not allowed: COOKIE")

    exposing = answers(route({APP: {"expose_headers": ["Set-Cookie"]}}), actual(APP))
    assert exposing[0] == (200, {"allow-origin": APP, "expose-headers": "Set-Cookie"})
    assert exposing[1] == (200, {"allow-origin": APP})


def test_row_exposed_star() -> None:
    theirs, ours = both(route({APP: {"expose_headers": "*"}}), actual(APP))
    assert read(theirs, "access-control-expose-headers") == (
        "connection", "content-length", "date", "server", "x-total"
    )  # fmt: skip
    assert ours.cors["expose-headers"] == "*"

    theirs, ours = both(route({APP: {"expose_headers": "*", "allow_credentials": True}}), actual(APP))
    assert read(theirs, "access-control-expose-headers") == (
        "connection", "content-length", "date", "server", "x-total"
    )  # fmt: skip
    assert ours.cors["expose-headers"] == "x-total"


def test_row_star_headers() -> None:
    theirs, ours = both(route({APP: {"allow_headers": "*"}}), preflight(APP, "PUT", "x-a"))

    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("X-A", "*, Authorization")


def test_row_all_headers() -> None:
    theirs, ours = both(route({APP: {"allow_headers": ["X-A", "X-B"]}}), preflight(APP, "PUT", "x-b"))

    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("X-B", "X-A, X-B")


def test_row_star_methods() -> None:
    everything: Config = {APP: {"allow_methods": "*"}}
    theirs, ours = both(Configuration(resource_added=True, resource=everything), preflight(APP, "DELETE"))
    assert (theirs.cors["allow-methods"], ours.cors["allow-methods"]) == ("DELETE", "*")

    # Of an added route, nobody hears elsewhere: its options may be stricter.
    theirs, ours = both(route(everything), preflight(APP, "DELETE"))
    assert (theirs.cors["allow-methods"], ours.cors["allow-methods"]) == (
        "DELETE",
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST",
    )


def test_row_all_methods() -> None:
    theirs, ours = both(route({APP: {"allow_methods": ["DELETE", "PATCH", "PUT"]}}), preflight(APP, "DELETE"))

    assert (theirs.cors["allow-methods"], ours.cors["allow-methods"]) == ("DELETE", "DELETE, PATCH")


def test_row_max_age() -> None:
    theirs, ours = both(route({APP: {"max_age": 10**9}}), preflight(APP))

    assert (theirs.cors["max-age"], ours.cors["max-age"]) == ("1000000000", "86400")


def test_row_sorted_headers() -> None:
    names = [f"X-{letter}" for letter in "ABCDEFGH"]
    theirs, ours = refusals(route({APP: {}}), preflight(APP, "PUT", ",".join(reversed(names))))

    assert sorted(theirs.removeprefix("headers are not allowed: ").split(", ")) == names  # in another order each time
    assert ours == f"headers are not allowed: {', '.join(names)}"


def test_row_escaped_text() -> None:
    theirs, ours = refusals(route({APP: {}}), preflight("https://\xe9.example\x1b" + "x" * 200))

    assert theirs == f"origin 'https://\xe9.example\x1b{'x' * 200}' is not allowed"
    assert ours == f"origin 'https://\\xe9.example\\x1b{'x' * 82}' is not allowed"

    long = "https://" + "x" * 200 + ".example"
    theirs, ours = refusals(route({APP: {}}), preflight(long, "B" * 200))
    assert theirs == f"request method '{'B' * 200}' is not allowed for '{long}' origin"
    assert ours == f"request method '{'B' * 100}' is not allowed for '{long[:100]}' origin"

    _, ours = refusals(route({APP: {}}), preflight(APP, "PUT", "x " * 200))
    assert ours == f"headers are not allowed: '{'x ' * 50}'"


async def hello(request: web.Request) -> web.StreamResponse:
    return web.Response(text="hello")


def test_row_middlewares() -> None:
    @web.middleware
    async def authenticate(request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            raise web.HTTPUnauthorized
        response: web.StreamResponse = await handler(request)
        return response

    statuses = []
    for library in LIBRARIES:
        app = web.Application(middlewares=[authenticate])
        cors = library.setup(app, defaults={APP: library.ResourceOptions(allow_headers=["Authorization"])})
        cors.add(app.router.add_get("/", hello))
        statuses.append(ask(app, Request.preflight(APP, "GET", "authorization", path="/")).status)

    assert statuses == [401, 200]


def test_row_several_resources() -> None:
    found = []
    for library in LIBRARIES:
        app = web.Application()
        cors = library.setup(app, defaults={APP: library.ResourceOptions()})
        cors.add(app.router.add_get("/items", hello))
        app.router.add_get("/between", hello)  # else aiohttp puts both routes into one resource
        cors.add(app.router.add_put("/items", hello))
        found.append([ask(app, Request.preflight(APP, method)).status for method in ("GET", "PUT", "DELETE")])

    assert found == [[200, 403, 403], [200, 200, 403]]


def test_row_view_not_added() -> None:
    found = []
    for library in LIBRARIES:
        app = web.Application()
        library.setup(app)
        app.router.add_view("/items", view(library, {APP: {}}, {}))
        found.append(
            [
                (answer.status, answer.cors)
                for answer in (ask(app, Request.preflight(APP, "PUT")), ask(app, Request.actual(APP)))
            ]
        )

    theirs, ours = found
    assert theirs == [(200, {"allow-origin": APP, "allow-methods": "PUT"}), (200, {})]
    assert ours == [(403, {}), (200, {})]


def test_row_view_mapping() -> None:
    found = []
    for library in LIBRARIES:
        app = web.Application()
        items: Any = view(library, None, {})
        items.cors_config = {APP: {"max_age": 60}}
        library.setup(app).add(app.router.add_view("/items", items))
        answer = ask(app, Request.actual(APP))
        found.append((answer.status, answer.cors))

    assert found == [(0, {}), (200, {"allow-origin": APP})]


def test_row_view_attribute() -> None:
    theirs, ours = refusals(Configuration("view", view={APP: {}}), preflight(APP, "REQUEST"))

    assert (theirs, ours) == ("200", f"request method 'REQUEST' is not allowed for '{APP}' origin")


def test_row_sub_application() -> None:
    found = []
    for library in LIBRARIES:
        inner, app = web.Application(), web.Application()
        inner.router.add_view("/items", view(library, {APP: {}}, {}))
        app.add_subapp("/sub", inner)
        cors = library.setup(app)
        for added in list(app.router.routes()):
            cors.add(added)
        answer = ask(app, Request.actual(APP, "/sub/items"))
        found.append((answer.status, answer.cors))

    assert found == [(0, {}), (200, {"allow-origin": APP})]


# What stays as it was.


def public(module: Any) -> set[str]:
    dunders = {name for name in vars(original.__about__) if name.startswith("__") and name in original.__all__}
    return {name for name in {*original.__all__, "APP_CONFIG_KEY", *dunders} if hasattr(module, name)}


def signature(function: Any) -> list[tuple[Any, ...]]:
    parameters = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


def test_all_public_names_are_there() -> None:
    assert public(drop_in) == public(original) >= {*original.__all__, "APP_CONFIG_KEY"}
    assert drop_in.__version__ == original.__version__


@pytest.mark.parametrize(
    "name",
    ["setup", "custom_cors", "CorsConfig", "CorsConfig.add", "ResourceOptions", "ResourceOptions.is_method_allowed",
     "CorsViewMixin.options"],
)  # fmt: skip
def test_signatures_are_equal(name: str) -> None:
    theirs, ours = original, drop_in
    for part in name.split("."):
        theirs, ours = getattr(theirs, part), getattr(ours, part)

    assert signature(ours) == signature(theirs)


values = st.one_of(
    several(None, True, False, 0, 1, -1, 1.5, "*", "X-A", "", (), {}, {"*"}, 10**9),
    st.lists(several("X-A", "x-a", "*", ""), max_size=3),
    st.lists(several("X-A", "x-a"), max_size=3).map(tuple),
)
arguments = ("allow_credentials", "expose_headers", "allow_headers", "max_age", "allow_methods")


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (ValueError, TypeError, AttributeError) as error:
        return type(error), "got" in str(error) and str(error)


@given(st.dictionaries(several(*arguments), values))
def test_resource_options_are_checked_and_normalised_alike(given_options: dict[str, Any]) -> None:
    theirs, ours = (outcome(lambda: library.ResourceOptions(**given_options)) for library in LIBRARIES)  # noqa: B023

    assert ours == theirs
    assert repr(ours) == repr(theirs)
    if isinstance(theirs, Options):
        assert ours._asdict() == theirs._asdict()
        for method in ("put", "X-A", "x-a", ""):
            assert ours.is_method_allowed(method) == theirs.is_method_allowed(method)


@pytest.mark.parametrize(
    "config",
    ["x", ["x"], {1: {}}, {b"x": {}}, {"*": "x"}, {"*": None}, {"*": {"allow_origin": 1}},
     {"*": {"allow_methods": "*"}}, {"*": {"max_age": -1}}],
)  # fmt: skip
def test_wrong_options_are_refused_in_the_same_words(config: Any) -> None:
    for place in ("defaults", "add"):
        texts = []
        for library in LIBRARIES:
            app = web.Application()
            setup = functools.partial(library.setup, app, defaults=config)
            if place == "add":
                setup = functools.partial(library.setup(app).add, app.router.add_resource("/"), config)
            with pytest.raises(ValueError, match=r"got|Unexpected") as caught:
                setup()
            texts.append(str(caught.value))
        assert texts[0] == texts[1]


class NoMixin(web.View):
    async def get(self) -> web.StreamResponse:
        return await hello(self.request)


CONFLICTS: dict[str, Callable[[Any, Any], object]] = {
    "own OPTIONS": lambda router, cors: cors.add(router.add_route("OPTIONS", "/", hello)),
    "own *": lambda router, cors: cors.add(router.add_route("*", "/", hello)),
    "no mixin": lambda router, cors: cors.add(router.add_route("*", "/", NoMixin)),
    "resource twice": lambda router, cors: cors.add(cors.add(router.add_resource("/"))),
    "route twice": lambda router, cors: cors.add(cors.add(router.add_get("/", hello))),
    "resource after route": lambda router, cors: cors.add(cors.add(router.add_get("/", hello)).resource),
    "no route": lambda router, cors: cors.add("/"),
    "a handler": lambda router, cors: cors.add(hello),
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_conflicts_are_refused_in_the_same_words(conflict: str) -> None:
    texts = []
    for library in LIBRARIES:
        app = web.Application()
        cors = library.setup(app)
        with pytest.raises(ValueError, match=r"already|expected|derived") as caught:
            CONFLICTS[conflict](app.router, cors)
        texts.append(str(caught.value).split(" at 0x")[0])

    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["options", "get_request_config"])
def test_a_view_that_redefines_what_is_never_called_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"Items\.{name} would never be called: leave it out, and write a Policy"):
        type("Items", (web.View, drop_in.CorsViewMixin), {name: hello})


@pytest.mark.parametrize("argument", ["allow_headers", "expose_headers", "allow_methods"])
def test_names_that_are_no_text_are_refused(argument: str) -> None:
    wrongs: list[Any] = [[1], ["X-A", None], (b"x-a",)]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=rf"'{argument}' must be either '\*', or sequence of strings, got"):
            drop_in.ResourceOptions(**{argument: wrong})


def test_credentials_of_the_handler_go_beside_an_allowed_origin_only() -> None:
    own = {"Access_Control_Allow_Credentials": "true", "Access_Control_Max_Age": "5"}
    granted = {"allow-origin": APP, "max-age": "5"}
    with warnings.catch_warnings(action="ignore", category=CORSWarning):
        app = build(drop_in, route({APP: {}, "null": {}}))
        everybody = build(drop_in, route({"*": {}}))

    assert ask(app, actual(APP, **own)).cors == granted
    assert ask(app, actual("null", **own)).cors == {**granted, "allow-origin": "null"}
    assert ask(everybody, actual(APP, **own)).cors == {**granted, "allow-origin": "*"}
    for origin in (EVIL, None):
        assert ask(app, actual(origin, **own)).cors == {"allow-credentials": "true", "max-age": "5"}


def test_a_router_adapter_is_refused() -> None:
    with pytest.raises(TypeError, match="leave it out"):
        drop_in.CorsConfig(web.Application(), router_adapter=object())


def test_webview_is_deprecated_and_of_no_effect() -> None:
    app = web.Application()
    cors = drop_in.setup(app)
    with pytest.warns(DeprecationWarning, match="webview is deprecated") as caught:
        cors.add(app.router.add_route("*", "/items", view(drop_in, {APP: {}}, {})), webview=True)

    assert caught[0].filename == __file__
    assert ask(app, Request.preflight(APP, "PUT")).status == 200


def test_the_configuration_is_left_in_the_application() -> None:
    app = web.Application()

    cors = drop_in.setup(app, defaults={"*": drop_in.ResourceOptions()})

    assert app[drop_in.APP_CONFIG_KEY] is cors
    assert cors.defaults == {"*": drop_in.ResourceOptions()}


@pytest.mark.parametrize("library", LIBRARIES)
def test_static_files(library: Any, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("a file")
    app = web.Application()
    cors = library.setup(app, defaults={APP: library.ResourceOptions()})
    static = app.router.add_static("/items", tmp_path)
    assert cors.add(static) is static
    for added in list(static):
        if added.method == "GET":
            cors.add(added)

    with aiohttp_server(app, access_log=None) as address:
        file = ask_server(address, actual(APP, "GET"))
        statuses = [ask_server(address, preflight(APP, method)).status for method in ("GET", "HEAD", "PUT")]
        plain = ask_server(address, actual(APP, "OPTIONS"))

    assert (file.body, file.cors) == (b"a file", {"allow-origin": APP})
    assert statuses == [200, 403, 403]
    assert (plain.status, plain.body) == (
        403,
        f"{FAILED}'Access-Control-Request-Method' header is not specified".encode(),
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_route_of_the_router_can_be_added(library: Any) -> None:
    app = web.Application()
    for method in ("GET", "PUT", "POST", "DELETE"):
        app.router.add_route(method, "/items", hello)
    everything = library.ResourceOptions(allow_headers="*", expose_headers="*")
    cors = library.setup(app, defaults={"*": everything})
    for added in list(app.router.routes()):
        cors.add(added)

    assert [added.method for added in app.router.routes()] == ["GET", "PUT", "POST", "DELETE", "OPTIONS"]
    for method in ("GET", "PUT", "POST", "DELETE"):
        assert ask(app, Request.preflight(APP, method, "x-any")).status == 200
    assert ask(app, Request.preflight(APP, "PATCH")).status == 403


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_routes_options_go_before_its_resources_and_those_before_the_defaults(library: Any) -> None:
    configuration = Configuration(
        defaults={APP: {"max_age": 1}, OTHER: {"max_age": 1}, EVIL: {"max_age": 1}},
        resource_added=True,
        resource={APP: {"max_age": 2}, OTHER: {"max_age": 2}},
        routes=(Route("PUT", config={APP: {"max_age": 3}}),),
    )
    app = build(library, configuration)

    ages = [ask(app, preflight(origin)).cors["max-age"] for origin in (APP, OTHER, EVIL)]

    assert ages == ["3", "2", "1"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_not_added_is_left_alone(library: Any) -> None:
    async def own(request: web.Request) -> web.StreamResponse:
        return web.Response(text="own", headers={"Access-Control-Allow-Origin": "https://own.example"})

    app = web.Application()
    library.setup(app, defaults={APP: library.ResourceOptions()}).add(app.router.add_get("/added", hello))
    for method in ("GET", "OPTIONS"):
        app.router.add_route(method, "/own", own)

    for request in (Request.actual(APP, "/own"), Request.preflight(APP, "GET", path="/own")):
        answer = ask(app, request)
        assert (answer.body, answer.cors, answer.vary) == (b"own", {"allow-origin": "https://own.example"}, [])
    assert ask(app, Request.actual(APP, "/nowhere")).cors == {}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_handler_that_fails(library: Any) -> None:
    answer = ask(build(library, route({APP: {}})), Request.actual(APP, PATH, "PUT", X_Play='{"raise": ""}'))

    assert (answer.status, answer.cors, type(answer.error)) == (500, {"allow-origin": APP}, LookupError)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_sub_application_of_its_own(library: Any) -> None:
    inner, app = web.Application(), web.Application()
    cors = library.setup(inner, defaults={APP: library.ResourceOptions()})
    cors.add(inner.router.add_put("/items", hello))
    app.add_subapp("/sub", inner)

    assert ask(app, Request.preflight(APP, "PUT", path="/sub/items")).status == 200
    assert ask(app, Request.actual(APP, "/sub/items", "PUT")).cors == {"allow-origin": APP}


@pytest.mark.parametrize("star", [False, True], ids=["named", "star"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_preflight_for_the_resource_says_nothing_of_a_route_with_options_of_its_own(library: Any, star: bool) -> None:
    app = web.Application()
    cors = library.setup(app)
    allow_methods = "*" if star else ["PUT", "DELETE"]
    everything = library.ResourceOptions(allow_methods=allow_methods, allow_headers=["X-Admin"], max_age=600)
    resource = cors.add(app.router.add_resource("/items"), {APP: everything})
    resource.add_route("PUT", hello)
    cors.add(resource.add_route("DELETE", hello), {APP: library.ResourceOptions()})

    with aiohttp_server(app, access_log=None) as address:
        page = BrowserClient(address, origin=APP)
        codes = [page.verdict("/items", method=method, headers={"X-Admin": "1"}).code for method in ("PUT", "DELETE")]
        plain = page.verdict("/items", method="DELETE").code

    assert (codes, plain) == (["allowed", "allow-origin-missing"], "allowed")


@pytest.mark.parametrize("library", LIBRARIES)
def test_so_it_is_where_a_view_for_one_method_is_not_added(library: Any) -> None:
    app = web.Application()
    cors = library.setup(app)
    everything = library.ResourceOptions(allow_methods=["PUT", "DELETE"], allow_headers=["X-Admin"])
    resource = app.router.add_resource("/items")
    resource.add_route("PUT", view(library, {APP: {}}, {}))
    cors.add(resource, {APP: everything})
    cors.add(resource.add_route("DELETE", hello), {APP: library.ResourceOptions()})

    assert ask(app, Request.preflight(APP, "PUT", "x-admin")).cors["allow-methods"] == "PUT"
    assert ask(app, Request.preflight(APP, "DELETE", "x-admin")).status == 403


@pytest.mark.parametrize("library", LIBRARIES)
def test_options_for_a_view_that_is_added_after_its_resource_do_not_open_its_preflights(library: Any) -> None:
    app = web.Application()
    cors = library.setup(app)
    resource = cors.add(app.router.add_resource("/items"), {OTHER: library.ResourceOptions(allow_methods="*")})
    everything = library.ResourceOptions(allow_methods="*")
    cors.add(resource.add_route("*", view(library, {}, {})), {APP: everything})

    assert [ask(app, Request.preflight(origin, "PUT")).status for origin in (APP, OTHER)] == [403, 200]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_view_for_one_method(library: Any) -> None:
    app = web.Application()
    cors = library.setup(app)
    resource = cors.add(app.router.add_resource("/items"), {OTHER: library.ResourceOptions()})
    added = cors.add(resource.add_route("PUT", view(library, {EVIL: {}}, {})), {APP: library.ResourceOptions()})

    # Preflights go by what was added, and requests by what the view says and by what its resource was given.
    statuses = [ask(app, Request.preflight(origin, added.method)).status for origin in (APP, OTHER, EVIL)]
    granted = [ask(app, Request.actual(origin, "/items", "PUT")).cors for origin in (APP, OTHER, EVIL)]
    assert statuses == [200, 200, 403]
    assert granted == [{}, {"allow-origin": OTHER}, {"allow-origin": EVIL}]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_view_that_is_added_after_its_resource(library: Any) -> None:
    app = web.Application()
    cors = library.setup(app, defaults={OTHER: library.ResourceOptions()})
    resource = cors.add(app.router.add_resource("/items"))
    cors.add(resource.add_route("*", view(library, {APP: {}}, {})), {EVIL: library.ResourceOptions()})

    statuses = [ask(app, Request.preflight(origin, "PUT")).status for origin in (APP, OTHER, EVIL)]
    granted = [ask(app, Request.actual(origin)).cors for origin in (APP, OTHER, EVIL)]
    assert statuses == [403, 403, 403]
    assert granted == [{"allow-origin": APP}, {"allow-origin": OTHER}, {}]


def test_a_preflight_that_another_resource_hides_is_refused() -> None:
    app = web.Application()
    cors = drop_in.setup(app, defaults={APP: drop_in.ResourceOptions()})
    app.router.add_get("/items", hello)
    cors.add(app.router.add_get("/{any}", hello))

    answer = ask(app, Request.preflight(APP, "GET"))

    assert (answer.status, answer.cors) == (403, {})
    assert answer.body == f"{FAILED}request method 'GET' is not allowed for '{APP}' origin".encode()


# Warnings.


def test_a_danger_is_accepted_with_one_warning_for_each_policy() -> None:
    app = web.Application()
    everything = drop_in.ResourceOptions(allow_credentials=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cors = drop_in.setup(app, defaults={"*": everything})
        for method in ("GET", "PUT"):
            cors.add(app.router.add_route(method, "/items", hello), {"*": everything})
        cors.add(app.router.add_get("/other", hello), {"http://a.example": {"allow_credentials": True}})

    assert [warning.category for warning in caught] == [CORSWarning, CORSWarning]
    assert {warning.filename for warning in caught} == {__file__}
    first, second = (str(warning.message) for warning in caught)
    assert "any-origin-with-credentials" in first
    assert "dangerously_allow" in first
    assert "insecure-origin-with-credentials" in second
    assert "https://a.example" in second


def test_a_views_danger_is_said_where_the_view_is_added() -> None:
    app = web.Application()
    cors = drop_in.CorsConfig(app)
    with pytest.warns(CORSWarning, match="any-origin-with-credentials") as caught:
        cors.add(app.router.add_view("/items", view(drop_in, {"*": {"allow_credentials": True}}, {})))

    assert [warning.filename for warning in caught] == [__file__]


def test_a_policy_without_dangers_gives_no_warning() -> None:
    app = web.Application()
    cors = drop_in.setup(app, defaults={"*": drop_in.ResourceOptions(allow_headers="*", expose_headers="*")})
    cors.add(app.router.add_get("/", hello))  # warnings are errors here
