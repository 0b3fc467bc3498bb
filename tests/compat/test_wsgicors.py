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
from crossorigin import fetch
from crossorigin.compat import CORSWarning, wsgicors
from crossorigin.origins import Origin
from tests.compat.differential import Difference, Pair, Row, Tally, read

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


def candidates(pair: Pair) -> list[Any]:
    """The policies in front of ``deny`` that are for the request's method."""
    with contextlib.redirect_stdout(io.StringIO()):
        app = original.CORS(own, **pair.configuration)
    before = app.activepolicies[: app.activepolicies.index("deny")] if "deny" in app.policies else app.activepolicies
    verbs = app.matchstrategy == "verbmatch"
    policies = [app.policies[name] for name in before]
    return [one for one in policies if not verbs or app.matchlist(asked_for(pair), one.methods, True)]


def is_constant(policy: Any) -> bool:
    return policy.origin in ("copy", "*") and policy.credentials != "true"


def leaves_its_place(origin: str, glob: str) -> bool:
    """Whether a star of *glob* reaches what its author did not mean."""
    return glob == "https://evil*" or (origin in STRANGERS and glob not in WIDE)


def allows(policy: Any, origin: str | None) -> bool:
    """Whether the drop-in has to allow *origin* if *policy* decides."""
    if is_constant(policy):
        return True
    if not origin or (origin != "null" and Origin.parse(origin) is None):
        return False
    if origin == "null":
        return "null" in policy.match
    globs = [glob for glob in policy.match if fnmatchcase(origin, glob) and not leaves_its_place(origin, glob)]
    return policy.origin in ("copy", "*") or bool(globs)


def decides(policies: list[Any], origin: str | None) -> Any:
    """The first policy whose text is for *origin*: it alone decides."""
    if origin is None:
        return policies[0] if policies else None
    if not origin:  # there is no text to compare
        return next((one for one in policies if allows(one, origin)), policies[0] if policies else None)
    matching = [one for one in policies if original.CORS.matchlist(origin, one.match) or (not one.match and one.origin)]
    return matching[0] if matching else None


def meant(pair: Pair) -> dict[str, Any]:
    """Every part of the answer that the drop-in has to give."""
    policies = candidates(pair)
    policy = decides(policies, pair.origin)
    allowed = policy is not None and allows(policy, pair.origin)
    fixed = not policies or is_constant(policies[0])
    answer: dict[str, Any] = {"vary": () if fixed else ("origin",), "error": "NoneType"}
    if pair.is_preflight:
        refusal = refused_with(pair, allowed)
        if refusal:
            if policies and not origin_of(pair):  # no policy is the one that decides
                answer["vary"] = ("origin",)
            return answer | {"status": 403, "body": refusal}
        return answer | {"status": 204, "body": b""} | granted(pair, policy, answer["vary"])
    fails, missing = pair.request.path == "/fails", pair.request.path == "/missing"
    answer |= {"status": 500 if fails else 404 if missing else 200, "body": pair.request.method.encode()}
    if fails:
        answer |= {"body": b"" if pair.request.method == "HEAD" else b"Internal Server Error", "error": "RuntimeError"}
    for part in (ACAO, EXPOSE, "vary"):
        if (line := own_lines(pair, part)) is not None:
            answer[part] = tuple(sorted({*line, *answer.get("vary", ())})) if part == "vary" else line
    return answer | (shown(pair, policy) if allowed else {})


def refused_with(pair: Pair, allowed: bool) -> bytes | None:
    if not allowed:
        malformed = pair.origin != "null" and Origin.parse(origin_of(pair)) is None and bool(candidates(pair))
        said = "is not the origin of any web page" if malformed else "is not allowed"
        return f"CORS: the origin {said}.\n".encode()
    malformed = "," in asked_for(pair) or not asked_for(pair)
    return b"CORS: the origin asked for something that is not one method.\n" if malformed else None


def sent_origin(pair: Pair, policy: Any) -> dict[str, Any]:
    credentials = policy.credentials == "true" and pair.origin != "null"
    line = {ACAO: ("*",) if is_constant(policy) else (origin_of(pair),)}
    return line | ({CREDENTIALS: ("true",)} if credentials else {})


def listed(given: str, policy: Any) -> tuple[str, ...]:
    """A list of names as the drop-in sends it."""
    names = [name.strip().lower() for name in (given or "").split(",")]
    if "*" in names and policy.credentials != "true":
        return tuple(sorted(name for name in names if name in ("*", "authorization")))
    return tuple(sorted(name for name in names if name != "*" and name not in USELESS))


def shown(pair: Pair, policy: Any) -> dict[str, Any]:
    given_names = [name.strip().lower() for name in (policy.expose_headers or "").split(",")]
    dropped = USELESS | ({"*"} if policy.credentials == "true" else set())
    names = tuple(sorted(name for name in given_names if name not in dropped))
    if policy.expose_headers == "*" and policy.credentials == "true":
        return sent_origin(pair, policy) | {EXPOSE: () if pair.request.path == "/fails" else ("x-answer",)}
    return sent_origin(pair, policy) | ({EXPOSE: names} if names else {})


def granted(pair: Pair, policy: Any, vary: tuple[str, ...]) -> dict[str, Any]:
    credentials = policy.credentials == "true"
    answer = sent_origin(pair, policy)
    answer[METHODS] = tuple(sorted(name for name in policy.methods if name not in USELESS))
    if "*" in policy.methods:
        answer[METHODS] = (asked_for(pair),) if credentials else ("*",)
        vary += ("access-control-request-method",) if credentials else ()
    answer[HEADERS] = listed(policy.headers, policy)
    if policy.headers == "*":
        lines = [value for name, value in pair.request.headers if name.lower() == "access-control-request-headers"]
        asked_names = tuple(sorted(name.lower() for name in fetch.parse_list(lines) or ()))
        answer[HEADERS] = asked_names if credentials else ("*", "authorization")
        vary += ("access-control-request-headers",) if credentials else ()
    age = {"180": "180", " 180 ": "180", "0": "0", "100000": "86400", 60: "60"}.get(policy.maxage)
    return answer | {MAX_AGE: (age,) if age else (), "vary": tuple(sorted(vary))}


def answered(ours: Response) -> dict[str, Any]:
    parts = (ACAO, METHODS, HEADERS, CREDENTIALS, EXPOSE, MAX_AGE, "vary")
    answer = {"error": type(ours.error).__name__, "status": ours.status, "body": ours.body}
    return answer | {part: value for part in parts if (value := read(ours, part))}


def is_echoed(pair: Pair, difference: Difference) -> bool:
    """The original allows the origin, and ours does not: its lines, or the preflight's status and text, are others."""
    policy = decided(pair)
    sent = {ACAO: origin_of(pair), CREDENTIALS: "true", EXPOSE: policy.get("expose_headers")}
    if not pair.is_preflight:
        return difference.part in sent and bool(difference.theirs) and pair.theirs.status == pair.ours.status
    status = (
        pair.theirs.status == 204 and pair.ours.status == 403 and bool(pair.theirs.get(ACAO)) and not pair.ours.cors
    )
    return status and difference.part in ("status", "body", ACAO, METHODS, HEADERS, CREDENTIALS, MAX_AGE)


def is_refused(pair: Pair, difference: Difference) -> bool:
    """A preflight from an origin that is not allowed: 403 and the reason, not 204 and the policy."""
    statuses = (pair.theirs.status, pair.ours.status) == (204, 403)
    return pair.is_preflight and statuses and not pair.theirs.get(ACAO) and difference.part != "vary"


def is_malformed(pair: Pair, difference: Difference) -> bool:
    unfit = bool(origin_of(pair)) and origin_of(pair) != "null" and Origin.parse(origin_of(pair)) is None
    return unfit and is_echoed(pair, difference)


def is_null(pair: Pair, difference: Difference) -> bool:
    only_credentials = pair.ours.get(ACAO) == "null" and difference == (CREDENTIALS, ("true",), None)
    return origin_of(pair) == "null" and (only_credentials or is_echoed(pair, difference))


def is_literal(pair: Pair, difference: Difference) -> bool:
    """The original compares with nothing, and sends the text of the option."""
    literal = decided(pair).get("origin", "")
    nothing_compared = pair.origin == "" or set(literal) == {"*", " "}
    return (
        nothing_compared and bool(literal) and pair.theirs.values(ACAO)[-1:] == [literal] and difference.part != "vary"
    )


def is_glob(pair: Pair, difference: Difference) -> bool:
    globs, origin = decided(pair).get("origin", "").split(" "), origin_of(pair)
    matched = any(fnmatchcase(origin, glob) and leaves_its_place(origin, glob) for glob in globs)
    return matched and is_echoed(pair, difference)


def is_method(pair: Pair, difference: Difference) -> bool:
    return pair.is_preflight and ("," in asked_for(pair) or not asked_for(pair)) and is_echoed(pair, difference)


def is_constant_star(pair: Pair, difference: Difference) -> bool:
    if pair.ours.get(ACAO) != "*":
        return False
    if difference.part == ACAO:
        left = own_lines(pair, ACAO)
        echoed = (*(left or ()), origin_of(pair)) if pair.origin else left
        return bool(difference.theirs == echoed)
    if difference.part == EXPOSE and not pair.origin:
        return bool(difference.theirs == own_lines(pair, EXPOSE))
    return difference.part == "vary" and difference.theirs == ("origin",) and difference.ours is None


def is_star_credentials(pair: Pair, difference: Difference) -> bool:
    options = decided(pair)
    if options.get("origin") != "*" or options.get("credentials") != "true":
        return False
    if pair.is_preflight and pair.ours.status == 204:
        return difference == (ACAO, ("*",), (origin_of(pair),))
    # No policy matches the method, and still the last one's origin and credentials are sent.
    unmatched = pair.configuration.get("matchstrategy") == "verbmatch" and pair.ours.get(CREDENTIALS) is None
    return unmatched and is_echoed(pair, difference)


def is_star_methods(pair: Pair, difference: Difference) -> bool:
    starred = "*" in (decided(pair).get("methods") or "")
    return starred and difference == (METHODS, (asked_for(pair),), ("*",))


def is_star_headers(pair: Pair, difference: Difference) -> bool:
    if decided(pair).get("headers") != "*" or difference.part != HEADERS:
        return False
    lines = [value for name, value in pair.request.headers if name.lower() == "access-control-request-headers"]
    joined = ", ".join(lines)
    return bool(
        difference.theirs == (tuple(sorted(name.strip().lower() for name in joined.split(","))) if joined else None)
    )


def is_star_alone(pair: Pair, difference: Difference) -> bool:
    """``*`` beside other names: alone, or with credentials, where it stands for nothing, left out."""
    return (
        difference.part in (METHODS, HEADERS, EXPOSE)
        and "*" in (difference.theirs or ())
        and len(difference.theirs) > 1
    )


def is_expose_star(pair: Pair, difference: Difference) -> bool:
    options = decided(pair)
    starred = options.get("expose_headers") == "*" and options.get("credentials") == "true"
    return starred and difference.part == EXPOSE and "*" in difference.theirs


def is_duplicates(pair: Pair, difference: Difference) -> bool:
    """What the application set stands beside what the original sets; in ours, instead of it."""
    left = own_lines(pair, difference.part)
    return (
        left is not None
        and difference.theirs is not None
        and set(left) < set(difference.theirs) | {"twice"}
        and (len(difference.theirs) > len(left))
    )


def is_vary(pair: Pair, difference: Difference) -> bool:
    names = {"origin", "access-control-request-method", "access-control-request-headers"}
    return difference.part == "vary" and set(difference.ours or ()) - set(difference.theirs or ()) <= names


def is_never_sent(pair: Pair, difference: Difference) -> bool:
    theirs = set(difference.theirs or ())
    return difference.part in (METHODS, HEADERS, EXPOSE) and bool(theirs & USELESS) and "*" not in theirs


def is_max_age(pair: Pair, difference: Difference) -> bool:
    given = decided(pair).get("maxage")
    return difference.part == MAX_AGE and bool(given) and difference.theirs == (str(given),)


def is_error(pair: Pair, difference: Difference) -> bool:
    theirs = isinstance(pair.theirs.error, RuntimeError) and (pair.theirs.status, pair.theirs.headers) == (500, ())
    return theirs and pair.request.path == "/fails"


def row(name: str, explains: Callable[[Pair, Difference], bool]) -> Row:
    """A row that explains a difference only if ours is exactly what it is meant to be."""
    return Row(
        name, lambda pair, one: explains(pair, one) and (meant(pair).get(one.part) or None) == (one.ours or None)
    )


ROWS = (
    row("500", is_error),
    row("refused-preflight", is_refused),
    row("malformed-method", is_method),
    row("literal-origin", is_literal),
    row("malformed-origin", is_malformed),
    row("null-origin", is_null),
    row("glob", is_glob),
    row("star-credentials", is_star_credentials),
    row("constant-star", is_constant_star),
    row("star-methods", is_star_methods),
    row("star-headers", is_star_headers),
    row("expose-star", is_expose_star),
    row("star-alone", is_star_alone),
    row("never-sent", is_never_sent),
    row("duplicates", is_duplicates),
    row("max-age", is_max_age),
    row("vary", is_vary),
    # Not to be seen in one answer: each has its test.
    *(Row(name, lambda pair, difference: False) for name in ("missing-origin", "matchstrategy")),
)


# --- the differential test

USELESS = {"put", "TRACE", "x y", "cookie", "set-cookie", ""}
ORIGIN_OPTIONS = (
    "copy", "*", APP, f"{APP} {OTHER}", "https://*.example.com", "*example.com http://192.168.*", "http://localhost:*",
    "https://example.com* *", "null", "https://Example.com", "", "* *", "https://*", "nul? https://*.test",
    "*localhost*", "https://evil*", "http://example.com http://example2.com https://*.example.com", "example.com",
)  # fmt: skip
WIDE = ("https://*", "https://*.test")  # globs that are meant for strangers, too
STRANGERS = (
    "https://evilexample.com", "https://example.com.evil.test", "http://192.168.evil.test", "https://example.comx",
    "http://localhost.evil.test",
)  # fmt: skip
ORIGINS = (
    APP, OTHER, EVIL, *STRANGERS, "https://a.b.example.com", "http://localhost:8000", "http://192.168.1.1", "null",
    "https://example.com", "https://example.com:8443", "http://localhost", "", "https://Www.Example.com", "copy", "*",
    "https://evil.com/.example.com", "https://example.com:443", "https://x@www.example.com", "https://a.test", "https://evil",
)  # fmt: skip
METHOD_OPTIONS = (
    "*",
    "GET, PUT",
    "HEAD, OPTIONS, GET",
    "P*, GET",
    "put,TRACE,PUT",
    "GET,*",
    "",
    "patch",
    "DELETE",
    " LOCK ,, MOVE,",
    " ",
)
HEADER_OPTIONS = ("*", "X-A, x-b", "Authorization", "*, x-a", "x y, Cookie", "", " X-C ,,x-d,", None)
EXPOSE_OPTIONS = ("*", "X-Foo", "X-Foo, X-Own", "*, X-Foo", "Set-Cookie", "", " X-C ,,x-d,", None)


@st.composite
def options(draw: st.DrawFn, prefix: str = "") -> dict[str, Any]:
    drawn = {
        "origin": draw(st.sampled_from(ORIGIN_OPTIONS[:4]) | st.sampled_from(ORIGIN_OPTIONS)),
        "methods": draw(st.sampled_from(METHOD_OPTIONS)),
        "headers": draw(st.sampled_from(HEADER_OPTIONS)),
        "expose_headers": draw(st.sampled_from(EXPOSE_OPTIONS)),
        "credentials": draw(st.sampled_from(["true", "true", "false", "True", "", None])),
        "maxage": draw(st.sampled_from(["", "180", "0", "100000", "-5", "soon", "1.5", None, " 180 ", 0])),
    }
    missing = draw(st.lists(st.sampled_from(sorted(drawn)[:-1]), max_size=3))  # never the origin
    return {prefix + key: drawn[key] for key in drawn if key == "origin" or key not in missing}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
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
    # An empty Origin, which nobody sends, has a test of its own: the original asks the policies in another order then.
    origin = draw(st.sampled_from([None, APP, APP, OTHER]) | st.sampled_from([one for one in ORIGINS if one]))
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
            expected = meant(Pair(configuration, request, theirs, ours))
            assert {part: value for part, value in expected.items() if value or part == "body"} == answered(ours)
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


# --- the first policy whose text matches decides


@pytest.mark.parametrize(
    ("block", "origin"),
    [("https://bad*", "https://bad.com"), ("*bad.com", "https://evilbad.com"), ("nul?", "null"), ("* *", EVIL)],
)
def test_nothing_falls_through_to_a_later_policy(block: str, origin: str) -> None:
    configuration: dict[str, Any] = {
        "policy": "block,free",
        "block_origin": block,
        "free_origin": "copy",
        "free_methods": "PUT",
    }
    theirs, ours = ask_both(Request.actual(origin), **configuration)
    assert theirs.cors == {"allow-origin": block if block == "* *" else origin}  # by `block`
    assert (ours.status, ours.cors, ours.vary) == (200, {}, ["origin"])
    theirs, ours = ask_both(Request.preflight(origin, "PUT"), **configuration)
    assert (theirs.status, theirs.cors.get("allow-methods")) == (204, None)
    assert (ours.status, ours.cors, ours.vary) == (403, {}, ["origin"])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)
        assert wsgicors.CORS(own, **configuration).selectPolicy(origin) == ("block", None)


def test_null_with_credentials_decides_for_null_alone() -> None:
    configuration: dict[str, Any] = {"policy": "a,b", "a_origin": "null", "a_credentials": "true", "b_origin": "copy"}
    _, ours = ask_both(Request.actual("null"), **configuration)
    assert ours.cors == {"allow-origin": "null"}
    _, ours = ask_both(Request.actual(EVIL), **configuration)
    assert (ours.cors, ours.vary) == ({"allow-origin": "*"}, ["origin"])


def test_a_500_tells_nobody_else_anything() -> None:
    for origin in (EVIL, None, "null", "not an origin"):
        _, ours = ask_both(Request.actual(origin, "/fails"), origin=APP, credentials="true", expose_headers="X-A")
        assert (ours.status, ours.body, ours.cors, ours.vary) == (500, b"Internal Server Error", {}, ["origin"])


# --- two layers, options, and what may be changed


def test_the_outer_of_two_layers_answers_preflights_and_replaces_what_it_sets() -> None:
    inner: dict[str, Any] = {"origin": f"{APP} {OTHER}", "methods": "PUT", "expose_headers": "X-Inner"}
    outer: dict[str, Any] = {"origin": APP, "methods": "DELETE"}
    theirs, ours = (module.CORS(module.CORS(own, **inner), **outer) for module in (original, wsgicors))
    for request in (Request.preflight(APP, "PUT"), Request.preflight(APP, "DELETE")):
        expected = {"allow-origin": APP, "allow-methods": "DELETE"}
        assert asked(theirs, request).cors == asked(ours, request).cors == expected
    assert (asked(theirs, Request.preflight(OTHER, "PUT")).status, asked(ours, Request.preflight(OTHER)).status) == (
        204,
        403,
    )
    for origin in (APP, OTHER):
        assert asked(ours, Request.actual(origin)).cors == {"allow-origin": origin, "expose-headers": "X-Inner"}
        assert asked(theirs, Request.actual(origin)).cors["expose-headers"] == "X-Inner"
    assert asked(theirs, Request.actual(APP)).cors["allow-origin"] == f"{APP} AND {APP}"  # see `duplicates`


def test_a_layer_outside_that_turns_exceptions_into_responses_has_to_go_inside() -> None:
    def catching(app: Any) -> Any:
        def caught(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            try:
                return list(app(environ, start_response))
            except RuntimeError:
                return own({**environ, "PATH_INFO": "/missing"}, start_response)

        return caught

    request = Request.actual(APP, "/fails")
    theirs = asked(catching(original.CORS(own, origin=APP)), request)
    inside = asked(wsgicors.CORS(catching(own), origin=APP), request)
    assert (theirs.status, theirs.cors) == (404, {})
    assert (inside.status, inside.cors) == (404, {"allow-origin": APP})


def test_options_that_are_none_are_empty() -> None:
    names = ("methods", "headers", "expose_headers", "credentials", "maxage")
    nothing: dict[str, Any] = dict.fromkeys(names)
    app = wsgicors.CORS(own, origin=APP, **nothing)
    assert asked(app, Request.preflight(APP)).cors == asked(app, Request.actual(APP)).cors == {"allow-origin": APP}
    nowhere: dict[str, Any] = {"origin": None}
    assert asked(wsgicors.CORS(own, **nowhere), Request.actual(APP)).cors == {}


@pytest.mark.parametrize("maxage", ["", None, 0, False])
def test_a_false_maxage_sends_nothing(maxage: Any) -> None:
    theirs, ours = ask_both(Request.preflight(APP), origin=APP, maxage=maxage)
    assert theirs.cors == ours.cors == {"allow-origin": APP}


def test_a_maxage_of_any_length_is_no_error() -> None:
    for maxage in ("1" * 10, "9" * 5000):  # longer than Python reads an integer
        with pytest.warns(CORSWarning, match="max_age"):
            app = wsgicors.CORS(own, origin=APP, maxage=maxage)
        assert asked(app, Request.preflight(APP)).cors.get("max-age") in (None, "86400")


def test_the_application_can_be_set() -> None:
    def other(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("202 Accepted", [])
        return [b"other"]

    for module in (original, wsgicors):
        app = module.CORS(own, origin=APP)
        app.application = other
        response = asked(app, Request.actual(APP))
        assert app.application is other
        assert (response.status, response.body, response.cors) == (202, b"other", {"allow-origin": APP})


@pytest.mark.parametrize("name", ["matchpattern", "matchlist", "selectPolicy"])
def test_a_method_that_would_never_be_called_is_refused_in_a_subclass(name: str) -> None:
    type("Mine", (original.CORS,), {name: lambda self: None})
    with pytest.raises(
        TypeError, match=rf"Mine\.{name} would never be called: leave it out, and write a Policy instead"
    ):
        type("Mine", (wsgicors.CORS,), {name: lambda self: None})


@pytest.mark.parametrize(
    ("origin", "case_sensitive", "matches"),
    [("https://a.test", True, True), ("https://A.test", True, False), ("https://A.test", False, True)],
)
def test_matchlist_minds_case_when_it_is_asked_to(origin: str, case_sensitive: bool, matches: bool) -> None:
    for module in (original, wsgicors):
        assert module.CORS.matchlist(origin, ["https://a.*"], case_sensitive) is matches
        assert module.CORS.matchlist("PUT", ["P*"], True) is True
        assert module.CORS.matchlist("PUT", ["P*"], False) is False
        assert module.CORS.matchlist("PUT", ["P*"]) is False


# --- PasteDeploy

INI = Path(__file__).parent.parent.parent / "examples" / "migrating" / "from_wsgicors.ini"


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
