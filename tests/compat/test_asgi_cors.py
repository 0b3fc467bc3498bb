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

from conformance.messages import Request, Response
from conformance.servers import ask_over, connect, uvicorn_server
from conformance.stacks.asgi import ask_asgi_async
from crossorigin.compat import CORSWarning, asgi_cors
from crossorigin.origins import Origin
from tests.compat.differential import Difference, Pair, Row, Tally

APP, OTHER, EVIL = "https://www.example.com", "http://localhost:8000", "https://evil.test"
SLASH = r"^Error: CORS origin rules should never end in a /$"
NAMES = ("asgi_cors", "asgi_cors_decorator")
ACAO, LISTS = "access-control-allow-origin", ("access-control-allow-headers", "access-control-allow-methods")
MAX_AGE = "access-control-max-age"
WRITTEN = (ACAO, *LISTS, MAX_AGE)


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
    theirs = await asked(encoded(original.asgi_cors(own, **configuration)), request)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        app = asgi_cors.asgi_cors(own, **configuration)
    return theirs, await asked(app, request)


async def asked(app: Any, request: Request) -> Response:
    try:
        return await ask_asgi_async(app, request)
    except AssertionError as error:  # what a server does for an application that raises
        return Response(500, (), b"", error.__cause__ if isinstance(error.__cause__, Exception) else None)


def ask_both(request: Request, **configuration: Any) -> tuple[Response, Response]:
    return ask_both_of(configuration, request)


# --- the differences on purpose


def echoes(pair: Pair, difference: Difference) -> bool:
    """Whether it is one of the lines of an allowed origin, which the original sends and ours does not."""
    if difference.part == ACAO:
        return difference.theirs in {(origin,) for origin in origins(pair.request)} and kept(pair, difference)
    sent = {*LISTS, MAX_AGE} & {difference.part}
    return bool(sent) and (pair.theirs.get(ACAO) or "") in origins(pair.request) and kept(pair, difference)


def kept(pair: Pair, difference: Difference) -> bool:
    """Whether ours is what the application set."""
    app = {"/own": {ACAO: ("https://own.example",)}, "/age": {MAX_AGE: ("5",)}}
    app["/lists"] = {LISTS[0]: ("x-own",), LISTS[1]: ("PATCH",)}
    return bool(difference.ours == app.get(pair.request.path, {}).get(difference.part))


def origins(request: Request) -> list[str]:
    return [value for name, value in request.headers if name.lower() == "origin"]


def is_vary(pair: Pair, difference: Difference) -> bool:
    own_names = ("accept-encoding", "origin") if pair.request.path == "/vary" else ()
    theirs = difference.theirs or ()
    constant = pair.configuration["allow_all"] or "*" in pair.configuration["host_wildcards"]
    ours = difference.ours == tuple(sorted({*own_names, "origin"}))
    return difference.part == "vary" and theirs == own_names and ours and not constant


def is_constant_star(pair: Pair, difference: Difference) -> bool:
    if "*" not in pair.configuration["host_wildcards"] or pair.configuration["allow_all"]:
        return False
    if difference.part == ACAO:
        own_line = ("https://own.example",) if pair.request.path == "/own" else None
        sent = next(((origin,) for origin in origins(pair.request)[-1:] if origin), own_line)
        return bool(difference.ours == ("*",) and difference.theirs == sent)
    without = not any(origins(pair.request)[-1:])
    return without and difference.part in (*LISTS, MAX_AGE) and pair.ours.get(ACAO) == "*"


def is_malformed(pair: Pair, difference: Difference) -> bool:
    (origin,) = origins(pair.request) if len(origins(pair.request)) == 1 else ("",)
    return bool(origin) and origin != "null" and Origin.parse(origin) is None and echoes(pair, difference)


def is_glob(pair: Pair, difference: Difference) -> bool:
    strangers = [origin for origin in origins(pair.request) if origin in STRANGERS]
    globs = pair.configuration["host_wildcards"]
    matched = any(fnmatchcase(origin, text(glob)) for origin in strangers for glob in globs)
    return matched and echoes(pair, difference)


def is_null(pair: Pair, difference: Difference) -> bool:
    declared = "null" in map(text, pair.configuration["hosts"] or ())
    return origins(pair.request) == ["null"] and not declared and echoes(pair, difference)


def is_never_sent(pair: Pair, difference: Difference) -> bool:
    if difference.part not in LISTS or pair.ours.get(ACAO) is None:
        return False
    ours = [name for name in difference.theirs or () if name not in USELESS]
    return (
        difference.theirs is not None
        and len(ours) < len(difference.theirs)
        and difference.ours == (tuple(ours) or None)
    )


def is_star_alone(pair: Pair, difference: Difference) -> bool:
    named = difference.theirs is not None and "*" in difference.theirs and len(difference.theirs) > 1
    return difference.part in LISTS and named and set(difference.ours or ()) in ({"*"}, {"*", "authorization"})


def is_own_lines(pair: Pair, difference: Difference) -> bool:
    """The original takes these lines away even where it sets none, or only what no browser matches."""
    gone = difference.theirs is None or set(difference.theirs) <= USELESS
    return difference.part in (*LISTS, MAX_AGE) and gone and bool(difference.ours) and kept(pair, difference)


def is_age(pair: Pair, difference: Difference) -> bool:
    given = pair.configuration["max_age"]
    meant = {"600": ("600",), 100_000: ("86400",), -5: ("0",)}
    return (
        difference.part == MAX_AGE
        and difference.theirs == (str(given),)
        and difference.ours == meant.get(given, None if not kept(pair, difference) else difference.ours)
    )


def is_callback(pair: Pair, difference: Difference) -> bool:
    """The callback of the README raised behind the original."""
    failed = isinstance(pair.theirs.error, TypeError) and pair.theirs.status == 500
    return failed and pair.configuration["callback"] in RAISING and pair.ours.error is None


def is_error(pair: Pair, difference: Difference) -> bool:
    both = isinstance(pair.theirs.error, RuntimeError) and isinstance(pair.ours.error, RuntimeError)
    return both and pair.ours.status == 500 and difference.part in ("body", "vary", *WRITTEN)


def is_several(pair: Pair, difference: Difference) -> bool:
    return len(origins(pair.request)) > 1 and echoes(pair, difference)


ROWS = (
    Row("callback-text", is_callback),
    Row("500", is_error),
    Row("several-origins", is_several),
    Row("constant-star", is_constant_star),
    Row("vary", is_vary),
    Row("malformed-origin", is_malformed),
    Row("null-origin", is_null),
    Row("glob", is_glob),
    Row("own-lines", is_own_lines),
    Row("star-alone", is_star_alone),
    Row("never-sent", is_never_sent),
    Row("max-age", is_age),
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


USELESS = {"put", "TRACE", "x y", "cookie"}  # as methods, and as header names in lower case
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
        "headers": some("X-A", b"x-b", "*", "Authorization", "x-c, x-d", "x y", "Cookie"),
        "methods": some("GET", b"PUT", "*", "DELETE, PATCH", "put", "TRACE", "patch"),
        "max_age": draw(st.sampled_from([None, 0, 600, 3600, "600", -5, 100_000, "soon", 1.5])),
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


def test_nothing_differs_but_by_the_rows(compared: Callable[..., None]) -> None:
    tally = Tally()

    async def compare(configuration: dict[str, Any], asked_for: list[Request]) -> None:
        for request in asked_for:
            theirs, ours = await ask_both_async(configuration, request)
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


def test_row_constant_star() -> None:
    for origin, theirs_allowed in ((EVIL, EVIL), ("null", "null"), (None, None)):
        theirs, ours = ask_both(Request.actual(origin), host_wildcards=["*"], max_age=60)
        assert theirs.cors.get("allow-origin") == theirs_allowed
        assert (ours.cors, ours.vary) == ({"allow-origin": "*", "max-age": "60"}, [])


@pytest.mark.parametrize(
    ("glob", "origin", "meant"),
    [
        ("*example.com", "https://evilexample.com", "https://www.example.com"),
        ("https://example.com*", "https://example.com.evil.test", "https://example.com:8443"),
        ("http://localhost*", "http://localhost.evil.test", "http://localhost:3000"),
        ("http://192.168.*", "http://192.168.evil.test", "http://192.168.1.10:8080"),
    ],
)
def test_row_glob(glob: str, origin: str, meant: str) -> None:
    theirs, ours = ask_both(Request.actual(origin), host_wildcards=[glob])
    assert theirs.cors == {"allow-origin": origin}
    assert ours.cors == {}
    theirs, ours = ask_both(Request.actual(meant), host_wildcards=[glob])
    assert theirs.cors == ours.cors == {"allow-origin": meant}


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
