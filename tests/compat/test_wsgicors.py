"""The drop-in for wsgicors beside the original: every difference between them is a row of the guide."""

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import wsgicors as original
from hypothesis import given, settings
from hypothesis import strategies as st
from paste.deploy import loadapp  # type: ignore[import-untyped]

from conformance.messages import Request, Response
from conformance.servers import ask_server, waitress_server
from conformance.stacks.wsgi import ask_wsgi
from crossorigin.compat import CORSWarning, wsgicors
from crossorigin.origins import Origin
from tests.compat.differential import Difference, Pair, Row, Tally

APP, OTHER, EVIL = "https://www.example.com", "http://example.com", "https://evil.test"
ACAO, METHODS, HEADERS = "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"
CREDENTIALS, EXPOSE, MAX_AGE = (
    "access-control-allow-credentials", "access-control-expose-headers", "access-control-max-age"
)  # fmt: skip


def own(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application with CORS lines of its own at some paths."""
    lines = {
        "/own": [("Access-Control-Allow-Origin", "https://own.example"), ("Access-Control-Expose-Headers", "x-own")],
        "/vary": [("Vary", "Accept-Encoding, Origin")],
    }.get(environ["PATH_INFO"], [])
    if environ["PATH_INFO"] == "/fails":
        raise RuntimeError("the application failed")
    status = "404 Not Found" if environ["PATH_INFO"] == "/missing" else "200 OK"
    start_response(status, [("X-Answer", "42"), *lines])
    return [environ["REQUEST_METHOD"].encode()]


PATHS = ("/items", "/own", "/vary", "/missing", "/fails")


def ask_both_of(configuration: dict[str, Any], request: Request) -> tuple[Response, Response]:
    with contextlib.redirect_stdout(io.StringIO()):  # what it prints of a policy without an origin
        theirs = asked(original.CORS(own, **configuration), request)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        ours = asked(wsgicors.CORS(own, **configuration), request)
    return theirs, ours


def asked(app: Any, request: Request) -> Response:
    try:
        return ask_wsgi(app, request)
    except AssertionError as error:  # what a server does for an application that raises
        return Response(500, (), b"", error.__cause__ if isinstance(error.__cause__, Exception) else None)


def ask_both(request: Request, **configuration: Any) -> tuple[Response, Response]:
    return ask_both_of(configuration, request)


# --- the differences on purpose


def origin_of(pair: Pair) -> str:
    return pair.origin or ""


def asked_for(pair: Pair) -> str:
    """The method, or the one that a preflight asks for."""
    names = {name.lower(): value for name, value in pair.request.headers}
    return names["access-control-request-method"] if pair.is_preflight else pair.request.method


def decided(pair: Pair) -> dict[str, Any]:
    """The options of the policy that answers the original's request, by their own names."""
    configuration = pair.configuration
    if "policy" not in configuration:
        return dict(configuration)
    with contextlib.redirect_stdout(io.StringIO()):
        name, _ = original.CORS(own, **configuration).selectPolicy(pair.origin, asked_for(pair))
    return {key.removeprefix(f"{name}_"): configuration[key] for key in configuration if key.startswith(f"{name}_")}


def own_lines(pair: Pair, part: str) -> tuple[str, ...] | None:
    lines: dict[str, dict[str, tuple[str, ...]]] = {
        "/own": {ACAO: ("https://own.example",), EXPOSE: ("x-own",)},
        "/vary": {"vary": ("accept-encoding", "origin")},
    }
    return None if pair.is_preflight else lines.get(pair.request.path, {}).get(part)


def is_refused(pair: Pair, difference: Difference) -> bool:
    """A preflight from an origin that is not allowed: 403 and the reason, not 204 and the policy."""
    if not pair.is_preflight or pair.ours.status != 403 or pair.ours.cors:
        return False
    expected = {
        "status": (204, 403),
        "body": (b"", b"CORS: the origin is not allowed.\n"),
        METHODS: (difference.theirs, None),
        HEADERS: (difference.theirs, None),
        CREDENTIALS: (("true",), None),
        MAX_AGE: (difference.theirs, None),
    }
    denied = ACAO not in {name.lower() for name, _ in pair.theirs.headers} or is_unfit(pair)
    return denied and (difference.theirs, difference.ours) == expected.get(difference.part)


def is_unfit(pair: Pair) -> bool:
    """The origin, or the method, is such as no browser sends, or a glob reached a stranger."""
    origin = origin_of(pair)
    malformed = pair.origin is not None and (origin == "null" or Origin.parse(origin) is None)
    return malformed or origin in STRANGERS or "," in asked_for(pair) or not asked_for(pair)


def falls_through(pair: Pair) -> bool:
    """Whether ours has gone on to a later policy, since the origin does not match the one that the original took."""
    if "policy" not in pair.configuration:
        return False
    with contextlib.redirect_stdout(io.StringIO()):
        app = original.CORS(own, **pair.configuration)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        name, sent = wsgicors.CORS(own, **pair.configuration).selectPolicy(pair.origin, asked_for(pair))
    theirs, _ = app.selectPolicy(pair.origin, asked_for(pair))
    index = app.activepolicies.index
    later = index(name) > index(theirs) or not pair.origin  # what is empty, no policy but a constant one allows
    return sent in ("*", pair.origin) and later and pair.ours.get(ACAO) == sent


def loses_all(pair: Pair, difference: Difference) -> bool:
    """An allowed origin's lines are gone from ours, and the application's are left; or ours refuses the preflight."""
    if falls_through(pair):
        return difference.part.startswith("access-control-") or difference.part == "vary"
    if pair.is_preflight:
        texts: tuple[bytes, ...] = (
            b"CORS: the origin is not the origin of any web page.\n",
            b"CORS: the origin is not allowed.\n",
        )
        texts += (b"CORS: the origin asked for something that is not one method.\n",)
        if difference.part in ("status", "body"):
            return difference.ours == 403 or difference.ours in texts
        return pair.ours.status == 403 and difference.part.startswith("access-") and difference.ours is None
    sent = {ACAO: origin_of(pair), CREDENTIALS: "true", EXPOSE: decided(pair).get("expose_headers")}
    left = own_lines(pair, difference.part)
    return difference.part in sent and difference.ours == left and bool(difference.theirs)


def is_malformed(pair: Pair, difference: Difference) -> bool:
    unfit = pair.origin is not None and origin_of(pair) != "null" and Origin.parse(origin_of(pair)) is None
    return unfit and loses_all(pair, difference)


def is_null(pair: Pair, difference: Difference) -> bool:
    if origin_of(pair) != "null":
        return False
    only_credentials = pair.ours.get(ACAO) == "null" and difference == (CREDENTIALS, ("true",), None)
    return (
        only_credentials
        or falls_through(pair)
        or (pair.ours.get(ACAO) in (None, "https://own.example") and loses_all(pair, difference))
    )


def is_literal(pair: Pair, difference: Difference) -> bool:
    """The original compares with nothing, and sends the text of the option."""
    literal = decided(pair).get("origin", "")
    nothing_compared = not pair.origin or set(literal) == {"*", " "}
    sent = literal in (pair.theirs.values(ACAO)[-1:] or [""]) and bool(literal)
    if not (nothing_compared and sent):
        return False
    instead = difference.ours in (("*",), (pair.origin,), own_lines(pair, ACAO))  # perhaps by the next policy
    return loses_all(pair, difference) or (difference.part == ACAO and difference.theirs[-1] == literal and instead)


def is_glob(pair: Pair, difference: Difference) -> bool:
    globs = [glob for key, value in pair.configuration.items() if key.endswith("origin") for glob in value.split(" ")]
    stranger = origin_of(pair) in STRANGERS and any(fnmatchcase(origin_of(pair), glob) for glob in globs)
    return stranger and loses_all(pair, difference)


def is_method(pair: Pair, difference: Difference) -> bool:
    return pair.is_preflight and ("," in asked_for(pair) or not asked_for(pair)) and loses_all(pair, difference)


def is_constant_star(pair: Pair, difference: Difference) -> bool:
    if difference.part == ACAO and difference.ours == ("*",):
        left = own_lines(pair, ACAO)
        echoed = (*(left or ()), origin_of(pair)) if pair.origin else left
        return difference.theirs in (echoed, left, (origin_of(pair),))
    if difference.part == EXPOSE and not pair.origin and pair.ours.get(ACAO) == "*":
        return difference.theirs == own_lines(pair, EXPOSE) and bool(difference.ours)
    vary = difference.part == "vary" and pair.ours.get(ACAO) == "*"
    return vary and difference.theirs == ("origin",) and difference.ours is None


def is_star_credentials(pair: Pair, difference: Difference) -> bool:
    options = decided(pair)
    if options.get("origin") != "*" or options.get("credentials") != "true":
        return False
    if pair.is_preflight:
        return difference == (ACAO, ("*",), (origin_of(pair),))
    # No policy matches the method, and still the last one's origin and credentials are sent.
    unmatched = pair.configuration.get("matchstrategy") == "verbmatch" and pair.ours.get(CREDENTIALS) is None
    return unmatched and difference.part in (ACAO, CREDENTIALS, EXPOSE) and loses_all(pair, difference)


def is_star_methods(pair: Pair, difference: Difference) -> bool:
    starred = "*" in decided(pair).get("methods", "")
    return (
        starred and difference.part == METHODS and difference.theirs == (asked_for(pair),) and difference.ours == ("*",)
    )


def is_star_headers(pair: Pair, difference: Difference) -> bool:
    if decided(pair).get("headers") != "*" or difference.part != HEADERS:
        return False
    lines = [value for name, value in pair.request.headers if name.lower() == "access-control-request-headers"]
    joined = ", ".join(lines)
    names = tuple(sorted(name.strip().lower() for name in joined.split(","))) if joined else None
    granted = tuple(name for name in names or () if name) or None
    mirrored = decided(pair).get("credentials") == "true"
    return difference.theirs == names and difference.ours in (
        (granted, None) if mirrored else (("*", "authorization"),)
    )


def is_star_alone(pair: Pair, difference: Difference) -> bool:
    """``*`` beside other names: alone, or with credentials, where it stands for nothing, left out."""
    if difference.part not in (METHODS, HEADERS, EXPOSE) or "*" not in (difference.theirs or ()):
        return False
    rest = tuple(name for name in difference.theirs if name != "*") or None
    return difference.ours in (("*",), ("*", "authorization"), rest)


def is_expose_star(pair: Pair, difference: Difference) -> bool:
    options = decided(pair)
    starred = options.get("expose_headers") == "*" and options.get("credentials") == "true"
    return (
        starred
        and difference.part == EXPOSE
        and "*" in difference.theirs
        and difference.ours in (("x-answer",), None)  # None: the plain 500 has no headers to show
    )


def is_duplicates(pair: Pair, difference: Difference) -> bool:
    """What the application set stands beside what the original sets; in ours, instead of it."""
    left = own_lines(pair, difference.part) if not pair.is_preflight else None
    if left is None or difference.theirs is None:
        return False
    if difference.part == "vary":
        return bool(difference.theirs == tuple(sorted((*left, "origin"))) and difference.ours == left)
    both = sorted(difference.theirs) == sorted((*left, *(difference.ours or ())))
    starred = difference.part == EXPOSE and {*left, *(difference.ours or ())} == set(difference.theirs) - {"*"}
    return difference.part in (ACAO, EXPOSE) and bool(both or starred)


def is_vary(pair: Pair, difference: Difference) -> bool:
    if difference.part != "vary" or (pair.ours.get(ACAO) == "*" and "policy" not in pair.configuration):
        return False
    names = {"origin"}
    if pair.is_preflight and (pair.ours.get(CREDENTIALS) == "true" or pair.origin == "null"):
        names |= {"access-control-request-method", "access-control-request-headers"}
    missing = set(difference.ours or ()) - set(difference.theirs or ())
    return bool(missing) and missing <= names and set(difference.theirs or ()) <= set(difference.ours)


def is_never_sent(pair: Pair, difference: Difference) -> bool:
    if difference.part not in (METHODS, HEADERS, EXPOSE) or not difference.theirs:
        return False
    ours = tuple(name for name in difference.theirs if name not in USELESS)
    return len(ours) < len(difference.theirs) and difference.ours == (ours or own_lines(pair, difference.part))


def is_max_age(pair: Pair, difference: Difference) -> bool:
    meant = {"100000": ("86400",), "-5": None, "soon": None, "1.5": None}
    if difference.part != MAX_AGE or not difference.theirs:
        return False
    return difference.theirs[0] in meant and difference.ours == meant[difference.theirs[0]]


def is_error(pair: Pair, difference: Difference) -> bool:
    both = isinstance(pair.theirs.error, RuntimeError) and isinstance(pair.ours.error, RuntimeError)
    parts = ("body", "vary", ACAO, CREDENTIALS, EXPOSE)
    return both and pair.ours.status == 500 and difference.part in parts and difference.theirs in (None, b"")


ROWS = (
    Row("500", is_error),
    Row("refused-preflight", is_refused),
    Row("malformed-method", is_method),
    Row("literal-origin", is_literal),
    Row("malformed-origin", is_malformed),
    Row("null-origin", is_null),
    Row("glob", is_glob),
    Row("star-credentials", is_star_credentials),
    Row("constant-star", is_constant_star),
    Row("star-methods", is_star_methods),
    Row("star-headers", is_star_headers),
    Row("expose-star", is_expose_star),
    Row("star-alone", is_star_alone),
    Row("never-sent", is_never_sent),
    Row("duplicates", is_duplicates),
    Row("max-age", is_max_age),
    Row("vary", is_vary),
    # Not to be seen in one answer: each has its test.
    *(Row(name, lambda pair, difference: False) for name in ("missing-origin", "matchstrategy")),
)


# --- the differential test

USELESS = {"put", "TRACE", "x y", "cookie", "set-cookie", ""}
ORIGIN_OPTIONS = (
    "copy", "*", APP, f"{APP} {OTHER}", "https://*.example.com", "*example.com http://192.168.*", "http://localhost:*",
    "https://example.com* *", "null", "https://Example.com", "", "* *", "https://*", "nul? https://*.test",
    "*localhost*",     "http://example.com http://example2.com https://*.example.com", "example.com",
)  # fmt: skip
STRANGERS = (
    "https://evilexample.com", "https://example.com.evil.test", "http://192.168.evil.test", "https://example.comx",
    "http://localhost.evil.test",
)  # fmt: skip
ORIGINS = (
    APP, OTHER, EVIL, *STRANGERS, "https://a.b.example.com", "http://localhost:8000", "http://192.168.1.1", "null",
    "https://example.com", "https://example.com:8443", "http://localhost", "", "https://Www.Example.com", "copy", "*",
    "https://evil.com/.example.com", "https://example.com:443", "https://x@www.example.com", "https://a.test",
)  # fmt: skip
METHOD_OPTIONS = ("*", "GET, PUT", "HEAD, OPTIONS, GET", "P*, GET", "put,TRACE,PUT", "GET,*", "", "patch", "DELETE")
HEADER_OPTIONS = ("*", "X-A, x-b", "Authorization", "*, x-a", "x y, Cookie", "")
EXPOSE_OPTIONS = ("*", "X-Foo", "X-Foo, X-Own", "*, X-Foo", "Set-Cookie", "")


@st.composite
def options(draw: st.DrawFn, prefix: str = "") -> dict[str, str]:
    drawn = {
        "origin": draw(st.sampled_from(ORIGIN_OPTIONS[:4]) | st.sampled_from(ORIGIN_OPTIONS)),
        "methods": draw(st.sampled_from(METHOD_OPTIONS)),
        "headers": draw(st.sampled_from(HEADER_OPTIONS)),
        "expose_headers": draw(st.sampled_from(EXPOSE_OPTIONS)),
        "credentials": draw(st.sampled_from(["true", "true", "false", "True", ""])),
        "maxage": draw(st.sampled_from(["", "180", "0", "100000", "-5", "soon", "1.5"])),
    }
    missing = draw(st.lists(st.sampled_from(sorted(drawn)[:-1]), max_size=3))  # never the origin
    return {prefix + key: drawn[key] for key in drawn if key == "origin" or key not in missing}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, str]:
    if draw(st.booleans()):
        return draw(options())
    names = draw(
        st.lists(st.sampled_from(["free", "subdom", "third", "deny", "missing"]), min_size=1, max_size=4, unique=True)
    )
    configuration = {"policy": ", ".join(names), "matchstrategy": draw(st.sampled_from(["firstmatch", "verbmatch"]))}
    for name in set(names) - {"missing"}:
        configuration |= draw(options(f"{name}_"))
    return configuration


@st.composite
def requests(draw: st.DrawFn) -> Request:
    origin = draw(st.sampled_from([None, APP, APP, OTHER]) | st.sampled_from(ORIGINS))
    path = draw(st.sampled_from(PATHS))
    if draw(st.booleans()):
        return Request.actual(origin, path, draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PURGE", "OPTIONS"])))
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "purge", "GET, DELETE", "", None]))
    asked_headers = st.sampled_from(["x-a", "X-B,x-a", "authorization", "x-a,,", ""])
    return Request.preflight(origin, method, *draw(st.lists(asked_headers, max_size=2)), path=path)


def test_nothing_differs_but_by_the_rows(compared: Callable[..., None]) -> None:
    tally = Tally()

    @settings(max_examples=1100)  # hypothesis tries many a configuration several times
    @given(configurations(), st.lists(requests(), min_size=1, max_size=5))
    def run(configuration: dict[str, Any], asked: list[Request]) -> None:
        for request in asked:
            theirs, ours = ask_both_of(configuration, request)
            tally.compare(configuration, request, theirs, ours, ROWS)

    logging.getLogger("crossorigin").setLevel(logging.CRITICAL)
    try:
        run()
    finally:
        logging.getLogger("crossorigin").setLevel(logging.NOTSET)
    compared("wsgicors", len(tally.configurations), tally.answers, tally.rows)
    assert len(tally.configurations) >= 300


# --- each row by itself


def test_row_500() -> None:
    theirs, ours = ask_both(Request.actual(APP, "/fails"), origin=APP)

    assert (theirs.cors, str(theirs.error)) == ({}, "the application failed")
    assert (ours.status, ours.cors, str(ours.error)) == (500, {"allow-origin": APP}, "the application failed")


def test_row_refused_preflight() -> None:
    theirs, ours = ask_both(Request.preflight(EVIL), origin=APP, methods="PUT", headers="x-a", credentials="true")
    assert (theirs.status, theirs.body, theirs.vary) == (204, b"", [])
    assert theirs.cors == {"allow-methods": "PUT", "allow-headers": "x-a", "allow-credentials": "true"}
    assert (ours.status, ours.body) == (403, b"CORS: the origin is not allowed.\n")
    assert (ours.cors, ours.vary) == ({}, ["origin"])

    theirs, ours = ask_both(Request.preflight(APP), policy="deny")
    assert (theirs.status, theirs.cors) == (204, {})
    assert (ours.status, ours.cors, ours.vary) == (403, {}, [])


def test_row_malformed_method() -> None:
    theirs, ours = ask_both(Request.preflight(APP, "GET, DELETE"), origin="*", methods="*")

    assert (theirs.status, theirs.cors) == (204, {"allow-origin": "*", "allow-methods": "GET, DELETE"})
    assert (ours.status, ours.body) == (403, b"CORS: the origin asked for something that is not one method.\n")


def test_row_malformed_origin() -> None:
    for origin in ("https://evil.com/.example.com", "https://Www.Example.com"):
        theirs, ours = ask_both(Request.actual(origin), origin="https://*.example.com")
        assert theirs.cors == {"allow-origin": origin}
        assert ours.cors == {}


def test_row_literal_origin() -> None:
    for origin, option in (("", f"{APP} {OTHER}"), (EVIL, "* *")):
        theirs, ours = ask_both(Request.preflight(origin), origin=option)
        assert theirs.cors == {"allow-origin": option}
        assert (ours.status, ours.cors) == (403, {})


def test_row_null_origin() -> None:
    theirs, ours = ask_both(Request.actual("null"), origin="nul?")
    assert (theirs.cors, ours.cors) == ({"allow-origin": "null"}, {})

    theirs, ours = ask_both(Request.actual("null"), origin="null", credentials="true")
    assert theirs.cors == {"allow-origin": "null", "allow-credentials": "true"}
    assert ours.cors == {"allow-origin": "null"}

    theirs, ours = ask_both(Request.actual("null"), origin="copy", credentials="true")
    assert theirs.cors == {"allow-origin": "null", "allow-credentials": "true"}
    assert ours.cors == {}


@pytest.mark.parametrize(
    ("glob", "origin", "meant"),
    [
        ("*example.com", "https://evilexample.com", "https://www.example.com"),
        ("https://example.com*", "https://example.com.evil.test", "https://example.com:8443"),
        ("http://192.168.*", "http://192.168.evil.test", "http://192.168.1.10:8080"),
    ],
)
def test_row_glob(glob: str, origin: str, meant: str) -> None:
    theirs, ours = ask_both(Request.actual(origin), origin=glob)
    assert (theirs.cors, ours.cors) == ({"allow-origin": origin}, {})
    theirs, ours = ask_both(Request.actual(meant), origin=glob)
    assert theirs.cors == ours.cors == {"allow-origin": meant}


def test_row_star_credentials() -> None:
    for option in ("*", "copy"):
        theirs, ours = ask_both(Request.preflight(APP), origin=option, credentials="true", methods="PUT")
        assert theirs.cors["allow-origin"] == ("*" if option == "*" else APP)  # beside credentials, browsers refuse `*`
        assert ours.cors == {"allow-origin": APP, "allow-credentials": "true", "allow-methods": "PUT"}

    theirs, ours = ask_both(Request.actual(APP), origin="*", credentials="true")
    assert theirs.cors == ours.cors == {"allow-origin": APP, "allow-credentials": "true"}
    assert (theirs.vary, ours.vary) == ([], ["origin"])

    verbs = {"policy": "a", "matchstrategy": "verbmatch", "a_origin": "*", "a_methods": "GET", "a_credentials": "true"}
    theirs, ours = ask_both(Request.actual(APP, method="PUT"), **verbs)
    assert theirs.cors == {"allow-origin": APP, "allow-credentials": "true"}  # although no policy matches PUT
    assert ours.cors == {}


def test_row_constant_star() -> None:
    theirs, ours = ask_both(Request.actual(EVIL), origin="copy")
    assert (theirs.cors, theirs.vary) == ({"allow-origin": EVIL}, ["origin"])
    assert (ours.cors, ours.vary) == ({"allow-origin": "*"}, [])

    theirs, ours = ask_both(Request.actual(None), origin="*")
    assert (theirs.cors, ours.cors) == ({}, {"allow-origin": "*"})
    theirs, ours = ask_both(Request.actual("null"), origin="copy")
    assert (theirs.cors, ours.cors) == ({"allow-origin": "null"}, {"allow-origin": "*"})


def test_row_star_methods() -> None:
    theirs, ours = ask_both(Request.preflight(APP, "PURGE"), origin=APP, methods="*")
    assert (theirs.cors["allow-methods"], ours.cors["allow-methods"]) == ("PURGE", "*")

    theirs, ours = ask_both(Request.preflight(APP, "PURGE"), origin=APP, methods="*", credentials="true")
    assert theirs.cors == ours.cors
    assert (theirs.vary, ours.vary) == ([], ["origin", "access-control-request-method"])


def test_row_star_headers() -> None:
    theirs, ours = ask_both(Request.preflight(APP, "GET", "x-a, authorization"), origin=APP, headers="*")
    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("x-a, authorization", "*, Authorization")

    theirs, ours = ask_both(Request.preflight(APP, "GET", "x-a, x b"), origin=APP, headers="*", credentials="true")
    assert theirs.cors["allow-headers"] == "x-a, x b"
    assert "allow-headers" not in ours.cors


def test_row_star_alone() -> None:
    some: dict[str, str] = {"origin": APP, "headers": "x-a, *", "expose_headers": "*, x-b"}
    preflight, actual = Request.preflight(APP, "GET"), Request.actual(APP)
    theirs, ours = ask_both(preflight, **some)
    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("x-a, *", "*")

    theirs, ours = ask_both(preflight, **some, credentials="true")  # where a star is a name like any other
    assert (theirs.cors["allow-headers"], ours.cors["allow-headers"]) == ("x-a, *", "x-a")
    theirs, ours = ask_both(actual, **some, credentials="true")
    assert (theirs.cors["expose-headers"], ours.cors["expose-headers"]) == ("*, x-b", "x-b")


def test_row_expose_star() -> None:
    theirs, ours = ask_both(Request.actual(APP), origin=APP, expose_headers="*", credentials="true")
    assert (theirs.cors["expose-headers"], ours.cors["expose-headers"]) == ("*", "x-answer")

    theirs, ours = ask_both(Request.actual(APP), origin=APP, expose_headers="*")
    assert theirs.cors["expose-headers"] == ours.cors["expose-headers"] == "*"


def test_row_never_sent() -> None:
    theirs, ours = ask_both(Request.preflight(APP), origin=APP, methods="put, TRACE, PUT", headers="Cookie, x y, x-a")

    assert (theirs.cors["allow-methods"], theirs.cors["allow-headers"]) == ("put, TRACE, PUT", "Cookie, x y, x-a")
    assert (ours.cors["allow-methods"], ours.cors["allow-headers"]) == ("PUT", "x-a")


def test_row_duplicates() -> None:
    theirs, ours = ask_both(Request.actual(APP, "/own"), origin=APP, expose_headers="x-foo")
    assert theirs.cors == {"allow-origin": f"https://own.example AND {APP}", "expose-headers": "x-own AND x-foo"}
    assert ours.cors == {"allow-origin": APP, "expose-headers": "x-foo"}

    theirs, ours = ask_both(Request.actual(APP, "/vary"), origin=APP)
    assert (theirs.vary, ours.vary) == (["accept-encoding", "origin", "origin"], ["accept-encoding", "origin"])

    theirs, ours = ask_both(Request.actual(EVIL, "/own"), policy="deny")  # nobody else writes
    assert theirs.cors == ours.cors == {"allow-origin": "https://own.example", "expose-headers": "x-own"}


def test_row_max_age() -> None:
    for text, theirs_age, ours_age in (("180", "180", "180"), ("100000", "100000", "86400"), ("soon", "soon", None)):
        theirs, ours = ask_both(Request.preflight(APP), origin=APP, maxage=text)
        assert (theirs.cors.get("max-age"), ours.cors.get("max-age")) == (theirs_age, ours_age)


def test_row_vary() -> None:
    for request in (Request.preflight(APP), Request.actual(EVIL), Request.actual(None)):
        theirs, ours = ask_both(request, origin=APP, methods="PUT")
        assert (theirs.vary, ours.vary) == ([], ["origin"])
    theirs, ours = ask_both(Request.actual(APP), origin=APP)
    assert theirs.vary == ours.vary == ["origin"]


def test_row_missing_origin(capsys: pytest.CaptureFixture[str]) -> None:
    configurations: dict[str, dict[str, Any]] = {
        "hasn't defined any keys": {"policy": "free"},
        "has no value for 'origin' set": {"policy": "free", "free_methods": "PUT"},
    }
    for said, configuration in configurations.items():
        original.CORS(own, **configuration)
        assert f"The policy 'free' was referenced but {said}" in capsys.readouterr().out
        with pytest.warns(CORSWarning, match=f"The policy 'free' was referenced but {said}") as caught:
            wsgicors.CORS(own, **configuration)
        assert [warning.filename for warning in caught] == [__file__]
        assert capsys.readouterr().out == ""
    wsgicors.CORS(own)  # `deny`, as the original has it, needs none


def test_row_matchstrategy() -> None:
    app = original.CORS(own, policy="a", a_origin="*", matchstrategy="first")
    for request in (Request.actual(APP), Request.preflight(APP)):
        assert isinstance(asked(app, request).error, KeyError)

    with pytest.raises(ValueError, match="matchstrategy is 'first'; write 'firstmatch' or 'verbmatch'"):
        wsgicors.CORS(own, policy="a", a_origin="*", matchstrategy="first")


# --- the rest of what users see

POLICIES: dict[str, Any] = {
    "policy": "subdom, free",
    "subdom_origin": "http://example.com https://*.example.com",
    "subdom_methods": "GET, PUT",
    "free_origin": "copy",
    "free_methods": "GET, HEAD",
}


def test_the_public_names_and_signatures_are_the_originals() -> None:
    assert wsgicors.__all__ == ["CORS", "make_middleware"]
    for path in ("CORS", "make_middleware", "CORS.selectPolicy", "CORS.matchlist", "CORS.matchpattern"):
        theirs, ours = (inspect.signature(attrgetter(path)(module)) for module in (original, wsgicors))
        assert [(one.name, one.kind, one.default) for one in ours.parameters.values()] == [
            (one.name, one.kind, one.default) for one in theirs.parameters.values()
        ]


@pytest.mark.parametrize("strategy", ["firstmatch", "verbmatch"])
@pytest.mark.parametrize("names", ["subdom, free", "subdom,deny,free", "deny", "free"])
def test_select_policy_says_what_the_original_says(strategy: str, names: str) -> None:
    configuration = {**POLICIES, "policy": names, "matchstrategy": strategy}
    theirs, ours = original.CORS(own, **configuration), wsgicors.CORS(own, **configuration)

    for origin in (APP, OTHER, EVIL):
        for method in ("GET", "PUT", "DELETE"):
            name, sent = theirs.selectPolicy(origin, method)
            assert ours.selectPolicy(origin, method) == (name, "*" if name == "free" and sent else sent)


def test_the_attributes_are_the_originals() -> None:
    direct: dict[str, Any] = {"origin": APP, "methods": "PUT", "credentials": "true"}
    for configuration in (POLICIES, direct, {"policy": "deny"}):
        theirs, ours = original.CORS(own, **configuration), wsgicors.CORS(own, **configuration)
        assert ours.activepolicies == theirs.activepolicies
        assert ours.matchstrategy == theirs.matchstrategy
        assert ours.application is theirs.application is own
        assert {name: policy._asdict() for name, policy in ours.policies.items()} == {
            name: policy._asdict() for name, policy in theirs.policies.items()
        }


@given(st.sampled_from(ORIGINS), st.lists(st.sampled_from(ORIGIN_OPTIONS), max_size=3), st.booleans())
def test_matchlist_and_matchpattern_compare_text(origin: str, globs: list[str], case_sensitive: bool) -> None:
    arguments = (origin, globs, case_sensitive)
    assert wsgicors.CORS.matchlist(*arguments) == original.CORS.matchlist(*arguments)
    for glob in globs:
        assert wsgicors.CORS.matchpattern(False, glob, origin) == original.CORS.matchpattern(False, glob, origin)
        assert wsgicors.CORS.matchpattern(True, glob, origin)


def test_nothing_is_allowed_behind_deny() -> None:
    for names in ("deny, free", "deny"):
        theirs, ours = ask_both(Request.actual(EVIL), **{**POLICIES, "policy": names})
        assert theirs.cors == ours.cors == {}


def test_the_first_policy_that_matches_answers() -> None:
    for origin, methods in ((APP, "GET, PUT"), (EVIL, "GET, HEAD")):
        theirs, ours = ask_both(Request.preflight(origin), **POLICIES)
        assert theirs.cors["allow-methods"] == ours.cors["allow-methods"] == methods


def test_with_verbmatch_the_method_matters() -> None:
    configuration = {**POLICIES, "matchstrategy": "verbmatch", "subdom_methods": "P*", "free_origin": EVIL}
    for method, allowed in (("PUT", True), ("PATCH", True), ("GET", False)):
        theirs, ours = ask_both(Request.actual(APP, method=method), **configuration)
        assert theirs.cors == ours.cors == ({"allow-origin": APP} if allowed else {})
        theirs, ours = ask_both(Request.preflight(APP, method), **configuration)
        assert ("allow-origin" in theirs.cors, ours.status) == (allowed, 204 if allowed else 403)


def test_make_middleware_merges_the_two_kinds_of_options() -> None:
    for module in (original, wsgicors):
        app = module.make_middleware(own, {"policy": "a", "a_origin": EVIL, "here": "/etc"}, a_origin=APP)
        assert type(app) is module.CORS
        assert app.selectPolicy(APP) == ("a", APP)
        assert app.selectPolicy(EVIL) == ("a", None)
        assert module.make_middleware(own, origin="*").selectPolicy(APP) == ("deny", None)  # there is no policy


def test_what_is_no_text_is_refused_with_a_clear_error() -> None:
    options: dict[str, Any] = {"origin": [APP]}
    with pytest.raises(TypeError, match=r"the options of policy 'direct' are .*; write each as one str"):
        wsgicors.CORS(own, **options)


def warned(call: Callable[[], Any]) -> Iterator[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return iter(caught)


def test_a_dangerous_policy_is_one_warning_at_the_users_line() -> None:
    options: dict[str, Any] = {
        "policy": "a,b",
        "a_origin": "copy",
        "a_credentials": "true",
        "b_origin": "null example.com",
    }
    for call in (lambda: wsgicors.CORS(own, **options), lambda: wsgicors.make_middleware(own, options)):
        first, second = warned(call)
        for warning in (first, second):
            assert (warning.category, warning.filename) == (CORSWarning, __file__)
        assert "wsgicors.CORS, policy 'a', accepts" in str(first.message)
        assert "[any-origin-with-credentials]" in str(first.message)
        assert "[null-origin]" in str(second.message)
        assert "write 'https://example.com'" in str(second.message)


def test_what_is_safe_warns_of_nothing() -> None:
    assert not list(warned(lambda: wsgicors.CORS(own, **POLICIES)))
    assert not list(warned(lambda: wsgicors.CORS(own, origin="*", headers="*", methods="*", maxage="180")))


# --- PasteDeploy

INI = Path(__file__).parent.parent.parent / "examples" / "migrating" / "wsgicors.ini"


@pytest.fixture(params=["egg:crossorigin#wsgicors", "egg:wsgicors#middleware"])
def served_ini(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, bool]]:
    """The address of the ini file's pipeline behind waitress, with our filter or the original's."""
    text = INI.read_text(encoding="utf-8")
    assert text.count("egg:crossorigin#wsgicors") == 1
    path = tmp_path / "served.ini"
    path.write_text(text.replace("egg:crossorigin#wsgicors", request.param), encoding="utf-8")
    with waitress_server(loadapp(f"config:{path}")) as address:
        yield address, "crossorigin" in request.param


def test_an_ini_file_with_two_policies_is_served_over_http(served_ini: tuple[str, bool]) -> None:
    address, is_ours = served_ini

    def ask(request: Request) -> tuple[int, dict[str, str]]:
        response = ask_server(address, Request(request.method, "/", request.headers))
        return response.status, response.cors

    for origin in (APP, OTHER):  # the first policy that matches
        status, cors = ask(Request.preflight(origin, "DELETE", "x-a"))
        assert (status, cors["allow-origin"], cors["max-age"]) == (204, origin, "180")
        assert cors["allow-methods"] == "HEAD, OPTIONS, GET, POST, PUT, DELETE"
        assert cors["allow-headers"] == ("*, Authorization" if is_ours else "x-a")
        assert ask(Request.actual(origin)) == (200, {"allow-origin": origin, "expose-headers": "Foo, Doom"})

    status, cors = ask(Request.preflight(EVIL, "DELETE"))  # the other one
    assert (status, cors["allow-origin"], cors["allow-methods"]) == (
        204,
        "*" if is_ours else EVIL,
        "HEAD, OPTIONS, GET",
    )
    assert ask(Request.actual(EVIL)) == (200, {"allow-origin": "*" if is_ours else EVIL, "expose-headers": "*"})


def test_an_ini_file_denies_who_matches_no_policy(tmp_path: Path) -> None:
    text = INI.read_text(encoding="utf-8").replace("policy=subdom,free", "policy=subdom,deny")
    for egg, status, methods in (("crossorigin#wsgicors", 403, None), ("wsgicors#middleware", 204, None)):
        path = tmp_path / "served.ini"
        path.write_text(text.replace("crossorigin#wsgicors", egg), encoding="utf-8")
        with waitress_server(loadapp(f"config:{path}")) as address:
            refused = ask_server(address, Request("OPTIONS", "/", Request.preflight(EVIL).headers))
            allowed = ask_server(address, Request("OPTIONS", "/", Request.preflight(APP).headers))
            assert (refused.status, refused.cors.get("allow-methods"), refused.cors) == (status, methods, {})
            assert (allowed.status, allowed.cors["allow-origin"]) == (204, APP)
            assert ask_server(address, Request.actual(EVIL, "/")).cors == {}
