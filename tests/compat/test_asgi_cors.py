"""The drop-in for asgi-cors beside the original: every difference between them is a row of the guide."""

import asyncio
import functools
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, MutableMapping
from fnmatch import fnmatchcase
from http.client import RemoteDisconnected
from typing import Any

import asgi_cors as original
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router

from conformance.messages import Request, Response
from conformance.servers import ask_over, connect, uvicorn_server
from conformance.stacks.asgi import ask_asgi_async
from crossorigin.compat import CORSWarning, asgi_cors
from crossorigin.origins import Origin
from tests.compat.differential import Difference, Pair, Row, Tally, read

APP, OTHER, EVIL = "https://www.example.com", "http://localhost:8000", "https://evil.test"
SLASH = r"^Error: CORS origin rules should never end in a /$"
NAMES = ("asgi_cors", "asgi_cors_decorator")
ACAO, LISTS = "access-control-allow-origin", ("access-control-allow-headers", "access-control-allow-methods")
MAX_AGE = "access-control-max-age"
WRITTEN = (ACAO, *LISTS, MAX_AGE)
EXPOSE, CREDENTIALS = "access-control-expose-headers", "access-control-allow-credentials"


async def own(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers its own preflights, and has CORS lines of its own at some paths."""
    lines = {
        "/own": {"access-control-allow-origin": "https://own.example", "access-control-expose-headers": "x-own"},
        "/lists": {"access-control-allow-methods": "PATCH", "access-control-allow-headers": "x-own"},
        "/age": {"access-control-max-age": "5"},
        "/vary": {"vary": "Accept-Encoding, origin"},
        "/credentials": {"access-control-allow-credentials": "true"},
    }.get(scope["path"], {})
    if scope["path"] == "/fails":
        raise RuntimeError("the application failed")
    headers = [(name.encode(), value.encode()) for name, value in lines.items()]
    status = 204 if scope["method"] == "OPTIONS" else 404 if scope["path"] == "/missing" else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": scope["method"].encode()})


PATHS = ("/items", "/own", "/lists", "/age", "/vary", "/credentials", "/missing", "/fails")


def encoded(app: Any) -> Any:
    """Let the original be asked although it sends ``max_age`` as `str`: see the row ``max-age-text``."""

    async def app_encoded(scope: Any, receive: Any, send: Any) -> None:
        async def send_encoded(event: MutableMapping[str, Any]) -> None:
            if "headers" in event:
                lines = event["headers"]
                headers = [(name, value.encode() if isinstance(value, str) else value) for name, value in lines]
                event = {**event, "headers": headers}
            await send(event)

        await app(scope, receive, send_encoded)

    return app_encoded


def ask_both_of(configuration: dict[str, Any], request: Request) -> tuple[Response, Response]:
    return asyncio.run(ask_both_async(configuration, request))


async def ask_both_async(configuration: dict[str, Any], request: Request) -> tuple[Response, Response]:
    theirs = await asked(served(original, configuration), request)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        app = served(asgi_cors, configuration)
    return theirs, await asked(app, request)


INNER: dict[str, Any] = {"allow_all": True, "headers": ["x-own"], "methods": ["PATCH"], "max_age": 5}


def served(module: Any, configuration: dict[str, Any]) -> Any:
    """The application behind the function or the decorator: bare, on a mount, or with a second layer inside."""
    arguments = {name: value for name, value in configuration.items() if name not in ("form", "place")}
    place = configuration.get("place", "bare")
    app: Any = asgi_cors_of(module, own, INNER) if place == "layer" else own
    if configuration.get("form") == "decorator":
        app = module.asgi_cors_decorator(**arguments)(app)
    else:
        app = module.asgi_cors(app, **arguments)
    if module is original:
        app = encoded(app)
    return Starlette(routes=[Mount("/", app)]) if place == "mount" else app


def asgi_cors_of(module: Any, app: Any, arguments: dict[str, Any]) -> Any:
    app = module.asgi_cors(app, **arguments)
    return encoded(app) if module is original else app


async def asked(app: Any, request: Request) -> Response:
    try:
        return await ask_asgi_async(app, request)
    except AssertionError as error:  # what a server does for an application that raises
        return Response(500, (), b"", error.__cause__ if isinstance(error.__cause__, Exception) else None)


def ask_both(request: Request, **configuration: Any) -> tuple[Response, Response]:
    return ask_both_of(configuration, request)


# --- the differences on purpose


def origins(request: Request) -> list[str]:
    return [value for name, value in request.headers if name.lower() == "origin"]


def own_lines(pair: Pair) -> dict[str, tuple[str, ...]]:
    """What the application sets, the layer inside included."""
    path = pair.request.path
    by_path: dict[str, dict[str, tuple[str, ...]]] = {
        "/own": {ACAO: ("https://own.example",), EXPOSE: ("x-own",)},
        "/credentials": {CREDENTIALS: ("true",)},
        "/age": {MAX_AGE: ("5",)},
        "/lists": {LISTS[0]: ("x-own",), LISTS[1]: ("PATCH",)},
        "/vary": {"vary": ("accept-encoding", "origin")},
    }
    lines = by_path.get(path, {})
    if pair.configuration["place"] == "layer":
        lines |= {ACAO: ("*",), LISTS[0]: ("x-own",), LISTS[1]: ("PATCH",), MAX_AGE: ("5",)}
    return lines


def is_allowed(pair: Pair) -> bool:
    """Whether the drop-in has to allow the request's origin."""
    configuration, lines = pair.configuration, origins(pair.request)
    if configuration["allow_all"]:
        return True
    if len(lines) != 1 or not lines[0]:
        return False
    (origin,) = lines
    if origin == "null" or Origin.parse(origin) is None:
        return origin == "null" and origin in map(text, configuration["hosts"] or ())
    globs = [text(glob) for glob in configuration["host_wildcards"]]
    matching = [glob for glob in globs if fnmatchcase(origin, glob) and (origin not in STRANGERS or glob in WIDE)]
    return origin in map(text, configuration["hosts"] or ()) or bool(matching) or origin in let_in_by(configuration)


def let_in_by(configuration: dict[str, Any]) -> list[str]:
    """The origins that the callback allows."""
    check = {
        starts_with_https: ("https://", ""),
        ends_in_bytes: ("", ".test"),
        is_bytes: ("https://app.test", "app.test"),
    }
    ends = check.get(configuration["callback"])
    return [origin for origin in ORIGINS if ends and origin.startswith(ends[0]) and origin.endswith(ends[1])]


def meant(pair: Pair) -> dict[str, Any]:
    """Every part of the answer that the drop-in has to give."""
    configuration, request = pair.configuration, pair.request
    fails = request.path == "/fails"
    status = 204 if request.method == "OPTIONS" else 404 if request.path == "/missing" else 200
    answer: dict[str, Any] = {"status": status, "body": request.method.encode(), "error": "NoneType"}
    if fails:
        answer = {"status": 500, "body": b"Internal Server Error", "error": "RuntimeError"}
    if fails and configuration["place"] == "mount":
        return answer  # Starlette's, and not ours
    if request.method == "HEAD" and fails:
        answer["body"] = b""
    answer |= {} if fails and configuration["place"] == "bare" else own_lines(pair)
    if not configuration["allow_all"]:
        answer["vary"] = tuple(sorted({*answer.get("vary", ()), "origin"}))
    if is_allowed(pair):
        named = (names(configuration["headers"], str.lower), names(configuration["methods"], str))
        age = {600: "600", "600": "600", 3600: "3600", 100_000: "86400", -5: "0"}.get(configuration["max_age"])
        allowed = (("*",) if configuration["allow_all"] else tuple(origins(request)), *named, (age,) if age else None)
        answer |= {part: value for part, value in zip(WRITTEN, allowed, strict=True) if value}
    return answer


def names(given: Any, case: Callable[[str], str]) -> tuple[str, ...]:
    listed = [name.strip() for entry in given for name in text(entry).split(",")]
    if "*" in listed:
        stars = tuple(sorted(case(name) for name in listed if name in ("*", "Authorization")))
        return stars if case is str.lower else ("*",)
    return tuple(sorted(case(name) for name in listed if case(name) not in USELESS))


def echoes(pair: Pair, difference: Difference) -> bool:
    """Whether it is one of the lines of an allowed origin, which the original sends and ours does not."""
    if difference.part == ACAO:
        return difference.theirs in {(origin,) for origin in origins(pair.request)}
    return difference.part in (*LISTS, MAX_AGE) and (pair.theirs.get(ACAO) or "") in origins(pair.request)


def is_vary(pair: Pair, difference: Difference) -> bool:
    return difference.part == "vary" and (difference.theirs or ()) == own_lines(pair).get("vary", ())


def is_malformed(pair: Pair, difference: Difference) -> bool:
    (origin,) = origins(pair.request) if len(origins(pair.request)) == 1 else ("",)
    return bool(origin) and origin != "null" and Origin.parse(origin) is None and echoes(pair, difference)


def is_glob(pair: Pair, difference: Difference) -> bool:
    strangers = [origin for origin in origins(pair.request) if origin in STRANGERS]
    globs = pair.configuration["host_wildcards"]
    matched = any(fnmatchcase(origin, text(glob)) for origin in strangers for glob in globs)
    return matched and echoes(pair, difference)


def is_null(pair: Pair, difference: Difference) -> bool:
    return origins(pair.request) == ["null"] and not is_allowed(pair) and echoes(pair, difference)


def is_never_sent(pair: Pair, difference: Difference) -> bool:
    theirs = difference.theirs or ()
    return difference.part in LISTS and bool(USELESS & set(theirs)) and "*" not in theirs and is_allowed(pair)


def is_star_alone(pair: Pair, difference: Difference) -> bool:
    return difference.part in LISTS and "*" in (difference.theirs or ()) and len(difference.theirs) > 1


def is_own_lines(pair: Pair, difference: Difference) -> bool:
    """The original takes these lines away even where it sets none."""
    kept = own_lines(pair).get(difference.part)
    return difference.part in (*LISTS, MAX_AGE) and difference.theirs is None and difference.ours == kept


def is_age(pair: Pair, difference: Difference) -> bool:
    given = pair.configuration["max_age"]
    return difference.part == MAX_AGE and difference.theirs == (str(given),) and given not in (600, 3600, "600")


def is_callback(pair: Pair, difference: Difference) -> bool:
    """The callback of the README raised behind the original."""
    failed = isinstance(pair.theirs.error, TypeError) and (pair.theirs.status, pair.theirs.cors) == (500, {})
    return failed and pair.configuration["callback"] in RAISING


def is_error(pair: Pair, difference: Difference) -> bool:
    """The application raised, and no framework is there to answer."""
    failed = isinstance(pair.theirs.error, RuntimeError) and (pair.theirs.status, pair.theirs.headers) == (500, ())
    return failed and pair.configuration["place"] != "mount"


def is_several(pair: Pair, difference: Difference) -> bool:
    return len(origins(pair.request)) > 1 and echoes(pair, difference)


def row(name: str, explains: Callable[[Pair, Difference], bool]) -> Row:
    """A row that explains a difference only if ours is exactly what it is meant to be."""
    return Row(name, lambda pair, one: explains(pair, one) and meant(pair).get(one.part) == one.ours)


ROWS = (
    row("callback-text", is_callback),
    row("500", is_error),
    row("several-origins", is_several),
    row("vary", is_vary),
    row("malformed-origin", is_malformed),
    row("null-origin", is_null),
    row("glob", is_glob),
    row("own-lines", is_own_lines),
    row("star-alone", is_star_alone),
    row("never-sent", is_never_sent),
    row("max-age", is_age),
    # Not to be seen in one answer: each has its test.
    *(Row(name, lambda pair, difference: False) for name in ("max-age-text", "callback-asked", "callback-fails")),
    *(Row(name, lambda pair, difference: False) for name in ("awaitable", "lone-text", "start-event")),
)


def text(entry: str | bytes) -> str:
    return entry.decode() if isinstance(entry, bytes) else entry


# --- the differential test


def starts_with_https(origin: Any) -> bool:
    return bool(origin.startswith("https://"))  # the README's: in the original, a TypeError


def ends_in_bytes(origin: Any) -> object:
    return origin.endswith(b".test") and "truthy"


async def is_bytes(origin: Any) -> bool:
    return origin in {b"https://app.test", b"null"}


def never(origin: Any) -> None:
    return None


USELESS = {"put", "TRACE", "x y", "cookie", ""}  # as methods, and as header names in lower case
RAISING = (starts_with_https,)
CALLBACKS = (None, None, None, starts_with_https, ends_in_bytes, is_bytes, never)
GLOBS = (
    "http://localhost:800*", "https://*.example.com", "http://*.example.com", "*example.com", "*", "https://*",
    "https://example.com*", b"http://localhost*", "https://*example.com", "http://192.168.*", "https://www.example.com",
    "https://*.Example.com", "https://pr-*.example.com", "n*l", "example.*", b"https://*.test",
)  # fmt: skip
HOSTS = (
    APP, APP.encode(), OTHER, "null", "https://*.example.com", "*", "https://Example.com", "https://example.com:443",
    "example.com", "https://bücher.example", "",
)  # fmt: skip
WIDE = ("*", "https://*", "https://*.test")  # globs that are meant for strangers, too
# Whom a glob lets in by leaving its place.
STRANGERS = (
    "https://evilexample.com", "https://example.com.evil.test", "http://localhost.evil.test", "https://example.comx",
    "http://192.168.evil.test", "https://a.example.com.evil.test", "http://localhost:8000.evil.test",
)  # fmt: skip
ORIGINS = (
    APP, OTHER, EVIL, *STRANGERS, "https://app.test", "http://localhost", "http://localhost:8009", "http://192.168.1.1",
    "https://a.b.example.com", "https://example.com", "https://example.com:8443", "https://pr-1.example.com", "null",
    "", "https://Example.com", "https://example.com:443", "https://evil.com/.example.com", "https://*.example.com", "*",
    "https://x@www.example.com", "example.com", "\xff", "http://[::1]:8000",
)  # fmt: skip


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    def some(*entries: Any) -> Any:
        return draw(st.lists(st.sampled_from(entries), max_size=3))

    return {
        "allow_all": draw(st.sampled_from([False, False, False, True, 1])),
        "hosts": draw(st.sampled_from([None, APP, (APP,)])) and some(*HOSTS),
        "host_wildcards": some(*GLOBS),
        "callback": draw(st.sampled_from(CALLBACKS)),
        "headers": some("X-A", b"x-b", "*", "Authorization", "x-c, x-d", "x y", "Cookie", " x-e ,, x-f", "", b","),
        "methods": some("GET", b"PUT", "*", "DELETE, PATCH", "put", "TRACE", "patch", " LOCK ", "MOVE,,COPY,", " "),
        "max_age": draw(st.sampled_from([None, 0, 600, 3600, "600", -5, 100_000, "soon", 1.5])),
        "form": draw(st.sampled_from(["function", "decorator"])),
        "place": draw(st.sampled_from(["bare", "bare", "mount", "layer"])),
    }


@st.composite
def requests(draw: st.DrawFn) -> Request:
    several = draw(st.sampled_from([1, 1, 1, 1, 0, 2]))
    lines = [("Origin", draw(st.sampled_from(ORIGINS))) for _ in range(several)]
    method, asked_for = draw(
        st.sampled_from([("GET", None), ("HEAD", None), ("POST", None), ("PURGE", None), ("OPTIONS", None)])
        | st.tuples(st.just("OPTIONS"), st.sampled_from(["GET", "PUT", "purge", "GET, DELETE", ""]))
    )
    if asked_for is not None:
        lines.append(("Access-Control-Request-Method", asked_for))
        lines += [("Access-Control-Request-Headers", "x-a")] * draw(st.integers(0, 2))
    return Request(method, draw(st.sampled_from(PATHS)), tuple(lines))


def answered(ours: Response) -> dict[str, Any]:
    error = {"error": type(ours.error).__name__, "status": ours.status, "body": ours.body}
    return error | {
        part: value for part in (*WRITTEN, EXPOSE, CREDENTIALS, "vary") if (value := read(ours, part)) is not None
    }


def test_nothing_differs_but_by_the_rows(compared: Callable[..., None]) -> None:
    tally = Tally()

    async def compare(configuration: dict[str, Any], asked_for: list[Request]) -> None:
        for request in asked_for:
            theirs, ours = await ask_both_async(configuration, request)
            assert meant(Pair(configuration, request, theirs, ours)) == answered(ours)
            tally.compare(configuration, request, theirs, ours, ROWS)

    @settings(max_examples=1100)  # hypothesis tries many a configuration several times
    @given(configurations(), st.lists(requests(), min_size=1, max_size=5))
    def run(configuration: dict[str, Any], asked_for: list[Request]) -> None:
        asyncio.run(compare(configuration, asked_for))

    logging.getLogger("crossorigin").setLevel(logging.CRITICAL)
    try:
        run()
    finally:
        logging.getLogger("crossorigin").setLevel(logging.NOTSET)
    compared("asgi-cors", len(tally.configurations), tally.answers, tally.rows)
    assert len(tally.configurations) >= 300


# --- each row by itself


def test_row_vary() -> None:
    for origin in (APP, EVIL, None):
        theirs, ours = ask_both(Request.actual(origin), hosts=[APP])
        assert (theirs.vary, ours.vary) == ([], ["origin"])
    theirs, ours = ask_both(Request.actual(APP), allow_all=True)
    assert (theirs.vary, ours.vary) == ([], [])


def test_row_malformed_origin() -> None:
    theirs, ours = ask_both(Request.actual("https://evil.com/.example.com"), host_wildcards=["https://*.example.com"])

    assert theirs.cors == {"allow-origin": "https://evil.com/.example.com"}
    assert ours.cors == {}


def test_row_several_origins() -> None:
    request = Request("GET", headers=(("Origin", EVIL), ("Origin", APP)))
    theirs, ours = ask_both(request, hosts=[APP])

    assert theirs.cors == {"allow-origin": APP}
    assert ours.cors == {}


def test_row_null_origin() -> None:
    for configuration in ({"callback": lambda origin: True}, {"host_wildcards": ["n*"]}):
        theirs, ours = ask_both(Request.actual("null"), **configuration)
        assert theirs.cors == {"allow-origin": "null"}
        assert ours.cors == {}
    theirs, ours = ask_both(Request.actual("null"), hosts=["null"])
    assert theirs.cors == ours.cors == {"allow-origin": "null"}


@pytest.mark.parametrize(
    ("glob", "origin", "friend"),
    [
        ("*example.com", "https://evilexample.com", "https://www.example.com"),
        ("https://example.com*", "https://example.com.evil.test", "https://example.com:8443"),
        ("http://localhost*", "http://localhost.evil.test", "http://localhost:3000"),
        ("http://192.168.*", "http://192.168.evil.test", "http://192.168.1.10:8080"),
    ],
)
def test_row_glob(glob: str, origin: str, friend: str) -> None:
    theirs, ours = ask_both(Request.actual(origin), host_wildcards=[glob])
    assert theirs.cors == {"allow-origin": origin}
    assert ours.cors == {}
    theirs, ours = ask_both(Request.actual(friend), host_wildcards=[glob])
    assert theirs.cors == ours.cors == {"allow-origin": friend}


def test_row_own_lines() -> None:
    theirs, ours = ask_both(Request.preflight(APP, "PATCH", path="/lists"), hosts=[APP])
    assert theirs.cors == {"allow-origin": APP}
    assert ours.cors == {"allow-origin": APP, "allow-methods": "PATCH", "allow-headers": "x-own"}

    theirs, ours = ask_both(Request.preflight(APP, "PATCH", path="/lists"), hosts=[APP], methods=["PUT"], headers=["x"])
    assert theirs.cors == ours.cors == {"allow-origin": APP, "allow-methods": "PUT", "allow-headers": "x"}


def test_row_star_alone() -> None:
    theirs, ours = ask_both(
        Request.actual(APP), hosts=[APP], methods=["GET", "*"], headers=["x-a", "*", "Authorization"]
    )

    assert theirs.cors == {"allow-origin": APP, "allow-methods": "GET, *", "allow-headers": "x-a, *, Authorization"}
    assert ours.cors == {"allow-origin": APP, "allow-methods": "*", "allow-headers": "*, Authorization"}


def test_row_never_sent() -> None:
    theirs, ours = ask_both(
        Request.actual(APP), hosts=[APP], methods=["put", "TRACE", "PUT"], headers=["Cookie", "x y"]
    )

    assert theirs.cors == {"allow-origin": APP, "allow-methods": "put, TRACE, PUT", "allow-headers": "Cookie, x y"}
    assert ours.cors == {"allow-origin": APP, "allow-methods": "PUT"}


def test_row_max_age() -> None:
    for given_age, theirs_age, ours_age in (
        (600, "600", "600"), (100_000, "100000", "86400"), (-5, "-5", "0"), ("soon", "soon", None), (0, None, None)
    ):  # fmt: skip
        theirs, ours = ask_both(Request.actual(APP), hosts=[APP], max_age=given_age)
        assert (theirs.cors.get("max-age"), ours.cors.get("max-age")) == (theirs_age, ours_age)


def test_row_max_age_text() -> None:
    def get(app: Any) -> dict[str, str]:
        with uvicorn_server(app, http="httptools") as address, connect(address) as connection:
            return ask_over(connection, Request.actual(APP)).cors

    with pytest.raises(RemoteDisconnected):
        get(original.asgi_cors(own, hosts=[APP], max_age=60))
    assert get(asgi_cors.asgi_cors(own, hosts=[APP], max_age=60)) == {"allow-origin": APP, "max-age": "60"}


def test_row_500() -> None:
    theirs, ours = ask_both(Request.actual(APP, "/fails"), hosts=[APP])

    assert (theirs.cors, str(theirs.error)) == ({}, "the application failed")
    assert (ours.status, ours.cors, str(ours.error)) == (500, {"allow-origin": APP}, "the application failed")


def test_row_start_event() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})

    def started(app: Any) -> set[str]:
        events: list[Any] = []

        async def send(event: Any) -> None:
            events.append(event)

        scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"origin", APP.encode())]}
        asyncio.run(app(scope, None, send))
        return set(events[0])

    assert "trailers" not in started(original.asgi_cors(app, hosts=[APP]))
    assert "trailers" in started(asgi_cors.asgi_cors(app, hosts=[APP]))


def test_row_lone_text() -> None:
    theirs, ours = ask_both(Request.actual(APP), hosts=[APP], methods="PUT", headers="x-a, x-b")
    assert theirs.cors == {"allow-origin": APP, "allow-methods": "P, U, T", "allow-headers": "x, -, a, ,,  , x, -, b"}
    assert ours.cors == {"allow-origin": APP, "allow-methods": "PUT", "allow-headers": "x-a, x-b"}

    with pytest.raises(AssertionError, match="should never end in a /"):  # its seventh and eighth characters
        original.asgi_cors(own, hosts=APP)
    assert ask_ours(APP, hosts=APP) == ask_ours(APP, hosts=APP.encode()) == {"allow-origin": APP}


# --- the callback


def ask_ours(origin: str, **configuration: Any) -> dict[str, str]:
    return asyncio.run(asked(asgi_cors.asgi_cors(own, **configuration), Request.actual(origin))).cors


def test_row_callback_text() -> None:
    theirs, ours = ask_both(Request.actual("https://any.example"), callback=starts_with_https)
    assert isinstance(theirs.error, TypeError)
    assert (ours.cors, ours.error) == ({"allow-origin": "https://any.example"}, None)

    assert ask_ours("http://any.example", callback=starts_with_https) == {}


def test_row_callback_asked() -> None:
    given_origins: list[Any] = []

    def callback(origin: Any) -> bool:
        given_origins.append(bytes(origin))
        return False

    for origin in (APP, "null", "not an origin", EVIL):
        ask_both(Request.actual(origin), hosts=[APP], callback=callback)

    assert given_origins == [APP.encode(), b"null", b"not an origin", EVIL.encode(), EVIL.encode()]  # the last is ours


def test_row_callback_fails(caplog: pytest.LogCaptureFixture) -> None:
    def callback(origin: Any) -> bool:
        raise LookupError("no database")

    theirs, ours = ask_both(Request.actual(EVIL), callback=callback)

    assert isinstance(theirs.error, LookupError)
    assert (ours.status, ours.cors, ours.error) == (200, {}, None)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "no database" in str(record.exc_info[1])


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_row_awaitable() -> None:
    class Check:
        async def __call__(self, origin: Any) -> bool:
            return bool(origin == APP)

    for callback in (Check(), lambda origin: asyncio.sleep(0, origin == APP)):
        theirs, ours = ask_both(Request.actual(EVIL), callback=callback)
        assert theirs.cors == {"allow-origin": EVIL}  # a coroutine is true
        assert ours.cors == {}
        assert ask_ours(APP, callback=callback) == {"allow-origin": APP}


@pytest.mark.parametrize("kind", [str, str.encode], ids=["str", "bytes"])
def test_callbacks_may_compare_with_text_and_with_bytes(kind: Callable[[str], Any]) -> None:
    app, evil = kind(APP), kind(EVIL)
    checks: tuple[Callable[[Any], object], ...] = (
        lambda origin: origin == app,
        lambda origin: app == origin,
        lambda origin: origin in {app, kind("https://other.example")},
        lambda origin: origin in [kind("https://other.example"), app],
        lambda origin: dict.fromkeys([app], "truthy").get(origin),
        lambda origin: origin not in {evil, kind("https://worse.test")},
        lambda origin: origin not in (kind("https://worse.test"), evil),
        lambda origin: origin != evil,
        lambda origin: evil != origin,
        lambda origin: origin.startswith(kind("https://www.")),
        lambda origin: kind("example") in origin,
        lambda origin: origin.split(kind("."))[1] == kind("example"),
    )

    for check in checks:

        async def check_async(origin: Any, check: Callable[[Any], object] = check) -> object:
            await asyncio.sleep(0)
            return check(origin)

        for callback in (check, check_async, functools.partial(check_async, check=check)):
            assert ask_ours(APP, callback=callback) == {"allow-origin": APP}
            assert ask_ours(EVIL, callback=callback) == {}


def test_callbacks_get_what_the_original_passed() -> None:
    given_origins: list[Any] = []
    ask_ours(APP, callback=given_origins.append)
    (origin,) = given_origins

    assert isinstance(origin, bytes)
    assert origin.decode() == APP
    assert hash(origin) == hash(APP) == hash(APP.encode())


def test_callbacks_that_want_text_are_called_again_with_it() -> None:
    ask_ours(APP, callback=lambda origin: origin.encode())

    assert ask_ours(APP, callback=lambda origin: origin.encode() == APP.encode()) == {"allow-origin": APP}
    assert ask_ours(APP, callback=lambda origin: f"{origin}" and origin.removeprefix("https://") == "www.example.com")


# --- the rest of what users see


def test_the_public_names_and_signatures_are_the_originals() -> None:
    assert asgi_cors.__all__ == list(NAMES)
    for name in NAMES:
        theirs = inspect.signature(getattr(original, name)).parameters.values()
        ours = inspect.signature(getattr(asgi_cors, name)).parameters.values()
        assert [(one.name, one.kind, one.default) for one in ours] == [
            (one.name, one.kind, one.default) for one in theirs
        ]


def test_the_result_is_an_async_function_that_wraps_the_application() -> None:
    for module in (original, asgi_cors):
        app = module.asgi_cors(own, allow_all=True)
        decorated = module.asgi_cors_decorator(allow_all=True)(own)
        for wrapped in (app, decorated):
            assert inspect.iscoroutinefunction(wrapped)
            assert (wrapped.__name__, wrapped.__doc__, wrapped.__wrapped__) == ("own", own.__doc__, own)


def test_the_decorator_takes_all_that_the_function_takes() -> None:
    arguments: dict[str, Any] = {
        "hosts": [APP],
        "host_wildcards": ["https://*.test"],
        "callback": lambda origin: origin == "https://extra.example",
        "headers": ["x-a"],
        "methods": ["PUT"],
        "max_age": 60,
    }
    decorated = asgi_cors.asgi_cors_decorator(False, *arguments.values())(own)
    rest = {"allow-methods": "PUT", "allow-headers": "x-a", "max-age": "60"}

    for origin in (APP, "https://a.test", "https://extra.example"):
        cors = asyncio.run(asked(decorated, Request.actual(origin))).cors
        assert cors == ask_ours(origin, **arguments) == {"allow-origin": origin, **rest}


@pytest.mark.parametrize("argument", ["hosts", "host_wildcards"])
@pytest.mark.parametrize("entry", ["https://example.com/", b"https://example.com/", "https://*.example.com/"])
def test_an_origin_that_ends_in_a_slash_is_refused_in_the_originals_words(argument: str, entry: Any) -> None:
    for module in (original, asgi_cors):
        with pytest.raises(AssertionError, match=SLASH):
            module.asgi_cors(own, **{argument: [entry]})
        with pytest.raises(AssertionError, match=SLASH):
            module.asgi_cors_decorator(**{argument: [entry]})(own)


def test_the_application_sees_its_own_options() -> None:
    theirs, ours = ask_both(Request.preflight(APP, "PUT"), hosts=[APP], methods=["PUT"], headers=["x-a"], max_age=60)

    assert theirs.body == ours.body == b"OPTIONS"
    assert theirs.status == ours.status == 204
    assert theirs.cors == ours.cors
    assert ours.cors == {"allow-origin": APP, "allow-methods": "PUT", "allow-headers": "x-a", "max-age": "60"}


def test_other_scopes_reach_the_application_untouched() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    async def nothing(*_: Any) -> None: ...

    for kind in ("lifespan", "websocket"):
        scope = {"type": kind, "path": "/", "headers": [(b"origin", EVIL.encode())]}
        served: Any = asgi_cors.asgi_cors(app, hosts=[APP])
        asyncio.run(served(scope, nothing, nothing))
        assert seen.pop() == (scope, nothing, nothing)


def warned(call: Callable[[], Any]) -> Iterator[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return iter(caught)


def test_what_a_policy_would_refuse_is_one_warning_at_the_users_line() -> None:
    arguments: dict[str, Any] = {
        "hosts": ["null", "example.com", "https://*.example.com"],
        "host_wildcards": ["https://*.example.com:443"],
        "methods": ["put"],
    }
    calls = (lambda: asgi_cors.asgi_cors(own, **arguments), lambda: asgi_cors.asgi_cors_decorator(**arguments)(own))
    for call in calls:
        (warning,) = warned(call)
        message = str(warning.message)
        assert (warning.category, warning.filename) == (CORSWarning, __file__)
        for said in ("asgi_cors accepts", "[null-origin]", "'example.com'", "write 'https://example.com'", "'PUT'"):
            assert said in message
        assert "text, which no browser sends" in message  # what stands in `hosts` is no glob
        assert "[origin-default-port]" in message


def test_what_is_safe_warns_of_nothing() -> None:
    assert not list(warned(lambda: asgi_cors.asgi_cors(own, hosts=[APP], host_wildcards=["*"], methods=["GET"])))


def test_without_an_origin_nobody_is_told_anything() -> None:
    for configuration in ({"hosts": ["null"]}, {"callback": lambda origin: True}, {"host_wildcards": ["https://*"]}):
        theirs, ours = ask_both(Request.actual(None), **configuration)
        assert theirs.cors == ours.cors == {}


def test_a_star_in_hosts_is_no_glob() -> None:
    for host in ("*", "https://*.example.com", "http://localhost:*"):
        for origin in ("https://www.example.com", "http://localhost:1", EVIL, None):
            theirs, ours = ask_both(Request.actual(origin), hosts=[host])
            assert theirs.cors == ours.cors == {}


# --- where it stands


def test_a_star_alone_sends_the_origin_back_so_that_the_application_may_add_credentials() -> None:
    for wildcards in (["*"], ["**"], ["*", "https://*.example.com"]):
        theirs, ours = ask_both(Request.actual(EVIL, "/credentials"), host_wildcards=wildcards)
        assert theirs.cors == ours.cors == {"allow-origin": EVIL, "allow-credentials": "true"}
        theirs, ours = ask_both(Request.actual(None), host_wildcards=wildcards)
        assert theirs.cors == ours.cors == {}
        assert ours.vary == ["origin"]


def below(module: Any, handled: list[Exception], **configuration: Any) -> Starlette:
    """A Starlette application that has one behind asgi_cors on a mount, with a page for exceptions of its own."""

    async def teapot(request: StarletteRequest) -> PlainTextResponse:
        raise HTTPException(418, "a teapot", {"X-Pot": "tea"})

    async def fail(request: StarletteRequest) -> PlainTextResponse:
        raise LookupError("the endpoint failed")

    async def page(request: StarletteRequest, error: Exception) -> PlainTextResponse:
        handled.append(error)
        return PlainTextResponse("so sorry", 500, {"X-Page": "ours"})

    async def raw(scope: Any, receive: Any, send: Any) -> None:
        await teapot(StarletteRequest(scope))

    inside = Router([Route("/teapot", teapot), Route("/fails", fail), Mount("/raw/", raw)])
    app = module.asgi_cors(inside, **configuration)
    return Starlette(routes=[Mount("/api", app)], exception_handlers={Exception: page})


@pytest.mark.parametrize(
    ("path", "status", "body", "is_inside"),
    [
        ("/missing", 404, b"Not Found", False),
        ("/teapot", 418, b"a teapot", True),  # which a route answers
        ("/raw/", 418, b"a teapot", False),
        ("/fails", 500, b"so sorry", False),
    ],
)
def test_a_framework_around_it_keeps_its_pages(path: str, status: int, body: bytes, is_inside: bool) -> None:
    for module in (original, asgi_cors):
        handled: list[Exception] = []
        app = below(module, handled, hosts=[APP])
        response = asyncio.run(asked(app, Request.actual(APP, f"/api{path}")))

        assert (response.status, response.body) == (status, body)
        assert response.cors == ({"allow-origin": APP} if is_inside else {})
        assert [str(error) for error in handled] == ["the endpoint failed"] * (status == 500)
        assert [vars(error) for error in handled] == [{}] * (status == 500)
        assert isinstance(response.error, LookupError if status == 500 else type(None))
        assert response.get("x-pot") == ("tea" if status == 418 else None)


def test_a_layer_outside_that_turns_exceptions_into_responses_has_to_go_inside() -> None:
    def catching(app: Any) -> Any:
        async def caught(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except RuntimeError:
                await own({**scope, "path": "/missing"}, receive, send)

        return caught

    request = Request.actual(APP, "/fails")
    theirs = asyncio.run(asked(catching(original.asgi_cors(own, hosts=[APP])), request))
    inside = asyncio.run(asked(asgi_cors.asgi_cors(catching(own), hosts=[APP]), request))

    assert (theirs.status, theirs.cors) == (404, {})
    assert (inside.status, inside.cors) == (404, {"allow-origin": APP})


def test_a_500_tells_nobody_else_anything() -> None:
    for origin in (EVIL, None, "null", "not an origin"):
        _, ours = ask_both(Request.actual(origin, "/fails"), hosts=[APP], methods=["PUT"], max_age=60)
        assert (ours.status, ours.body, ours.cors, ours.vary) == (500, b"Internal Server Error", {}, ["origin"])


def test_of_two_layers_the_outer_one_replaces_what_it_sets_and_keeps_the_rest() -> None:
    inner: dict[str, Any] = {"hosts": [APP], "methods": ["PUT"], "headers": ["x-a"]}
    for outer, expected in (
        ({"hosts": [APP], "methods": ["GET"]}, {"allow-origin": APP, "allow-methods": "GET", "allow-headers": "x-a"}),
        ({"hosts": [EVIL]}, {"allow-origin": APP, "allow-methods": "PUT", "allow-headers": "x-a"}),
        ({"allow_all": True}, {"allow-origin": "*", "allow-methods": "PUT", "allow-headers": "x-a"}),
    ):
        for request in (Request.actual(APP), Request.preflight(APP, "PUT")):
            app = asgi_cors.asgi_cors(asgi_cors.asgi_cors(own, **inner), **outer)
            assert asyncio.run(asked(app, request)).cors == expected
            theirs = original.asgi_cors(original.asgi_cors(own, **inner), **outer)
            answered_by_them = asyncio.run(asked(theirs, request)).cors
            assert answered_by_them["allow-origin"] == expected["allow-origin"]
            assert answered_by_them.items() <= expected.items()  # it takes lines away: see the row `own-lines`


def test_a_scope_without_headers_is_a_request_without_an_origin() -> None:
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    for module in (original, asgi_cors):
        app = module.asgi_cors(own, hosts=[APP])
        asyncio.run(app({"type": "http", "method": "GET", "path": "/items"}, None, send))
    theirs, ours = sent[::2]
    assert (theirs["status"], ours["status"]) == (200, 200)
    assert (theirs["headers"], ours["headers"]) == ([], [(b"vary", b"Origin")])


def test_the_decorator_checks_and_warns_when_it_is_made_and_not_for_each_application() -> None:
    for module in (original, asgi_cors):
        with pytest.raises(AssertionError, match=SLASH):
            module.asgi_cors_decorator(hosts=["https://example.com/"])

    made: list[Any] = []
    (warning,) = warned(lambda: made.append(asgi_cors.asgi_cors_decorator(hosts=["null"])))
    assert (warning.category, warning.filename) == (CORSWarning, __file__)
    assert not list(warned(lambda: [made[0](own), made[0](own)]))


def test_what_is_no_utf_8_is_left_out_with_a_warning() -> None:
    calls: list[dict[str, Any]] = [{"hosts": [b"\xff", APP]}, {"host_wildcards": [b"https://\xff*", APP]}]
    for arguments in (*calls, {"hosts": [APP], "methods": [b"\xff"]}, {"hosts": [APP], "headers": [b"\xff"]}):
        made: list[Any] = []
        (warning,) = warned(lambda made=made, arguments=arguments: made.append(asgi_cors.asgi_cors(own, **arguments)))  # type: ignore[misc]
        assert warning.category is CORSWarning
        assert asyncio.run(asked(made[0], Request.actual(APP))).cors == {"allow-origin": APP}
        original.asgi_cors(own, **arguments)  # accepted there, too


def test_a_callback_that_fails_is_not_asked_again() -> None:
    asked_about: list[Any] = []

    def callback(origin: Any) -> bool:
        asked_about.append(origin)
        raise LookupError("no database")

    logging.getLogger("crossorigin").setLevel(logging.CRITICAL)
    try:
        assert ask_ours(EVIL, callback=callback) == {}
    finally:
        logging.getLogger("crossorigin").setLevel(logging.NOTSET)
    assert [type(origin).__mro__[1] for origin in asked_about] == [bytes]
