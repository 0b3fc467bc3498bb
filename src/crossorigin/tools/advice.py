"""What to change so that a request is allowed, where the server is not ours: by what the answers lack.

A policy of ours says itself what to change (`crossorigin.explain`). Of another server there is its answer, and for an
application in this process what its CORS middleware was given, and the exception that it raised. Reads the verdict;
plays nothing.
"""

import re
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .. import fetch
from ..browser import HTTPResponse, Verdict
from ..browser.checks import check_headers, check_method, read_preflight
from ..browser.verdicts import Blocked, shortened
from ..misspellings import diagnose
from ..origins import ANY, NULL, OriginSet, is_declarable
from ..testing.responses import CORSError
from .applications import is_starlette, layers
from .foreign import has_all_methods, lacks_method, lets_in, pattern_changes, starlettes_middleware, texts
from .playing import Play, asked_headers
from .terminal import last_line

# This package, and Python's own: nobody mends these for an application's sake.
_NOT_OWN = (Path(__file__).parent.parent, Path(traceback.__file__).parent)


class _Words(NamedTuple):
    """How the parts of a CORS configuration are called: by the arguments of middleware, or by response headers."""

    origins: str
    methods: str
    headers: str
    credentials: str


_ARGUMENTS = _Words("allow_origins", "allow_methods", "allow_headers", "set allow_credentials=True")
_HEADERS = _Words(
    fetch.ALLOW_ORIGIN,
    fetch.ALLOW_METHODS,
    fetch.ALLOW_HEADERS,
    f"let the server send {fetch.ALLOW_CREDENTIALS}: true",
)


def changes(played: Play) -> list[str]:
    """Return what to change, one thing after the other; nothing where nothing has to change, or helps."""
    verdict, explanation = played.verdict, played.explanation
    if verdict.allowed:
        return []
    if explanation is not None and explanation.verdict.code == verdict.code:
        return list(explanation.advice)
    return list(_changes(played))


def notes(played: Play) -> list[str]:
    """Return what to know of a request that is allowed: who else is, with the visitor's cookies."""
    if not played.verdict.allowed or played.request.credentials != "include" or played.explanation is not None:
        return []
    middleware = starlettes_middleware(played.app)
    return list(lets_in(middleware)) if middleware is not None else []


def _changes(played: Play) -> Iterator[str]:
    verdict = played.verdict
    words = _ARGUMENTS if declared_origins(played.app) is not None else _HEADERS
    code = verdict.code
    if code == "origin-malformed":
        meant = verdict.details["meant"]
        if isinstance(meant, str):
            yield f"write the origin as a browser sends it, {shortened(meant)!r}"
    elif code.startswith("allow-") and verdict.exchanges[-1].request.get(fetch.ORIGIN) == NULL:
        yield _with_an_origin(played)
    elif code in ("allow-origin-missing", "allow-origin-other", "allow-origin-malformed", "allow-origin-several"):
        yield from _origin_changes(played, words)
    elif code == "allow-origin-wildcard":
        yield (
            f"name {played.page.origin!r} in {words.origins} instead of '*', and {words.credentials}; "
            "or fetch without 'include'"
        )
    elif code in ("allow-credentials-missing", "allow-credentials-not-true"):
        yield f"{words.credentials}; or fetch without 'include'"
    elif code == "preflight-redirect":
        yield "fetch the URL that the redirect leads to: often it is only a final slash, or https"
    elif verdict.stage == "preflight":
        yield from _preflight_changes(played, words)


def _with_an_origin(played: Play) -> str:
    """Return what to do where the browser sent the origin ``null``: whoever allows that one allows every website."""
    if played.page.origin == NULL:
        return "give the page an origin: sandboxed frames, file: and data: pages have the origin 'null', on any website"
    url = shortened(played.verdict.exchanges[-1].request.url)
    return f"fetch {url} itself: a redirect led there from another origin, and then browsers send the origin 'null'"


def _origin_changes(played: Play, words: _Words) -> Iterator[str]:
    origin, verdict = played.page.origin, played.verdict
    answer = verdict.exchanges[-1].response
    assert isinstance(answer, HTTPResponse)
    if played.raised is not None and verdict.code == "allow-origin-missing":
        yield f"mend what the application raises, {shortened(last_line(played.raised))}{_place(played.raised)}"
        if is_starlette(played.app):
            yield (
                "let the page read such a 500 all the same: crossorigin.starlette.setup(app, policy) covers it, and "
                "add_middleware(CORSMiddleware) does not, since Starlette answers exceptions outside of it"
            )
        return
    if verdict.code != "allow-origin-missing":
        yield _instead(answer.get(fetch.ALLOW_ORIGIN) or "", origin)
        return
    declared = declared_origins(played.app)
    middleware = starlettes_middleware(played.app)
    if played.explanation is not None:  # of our own policy, which has no objection
        yield _outermost(origin, answer.status)
    elif declared is None:
        # The sentence for it is the test client's: the two must not tell different stories.
        yield _told(verdict)
    elif middleware.is_allowed_origin(origin) if middleware else origin in OriginSet(_declarable(declared)):
        yield _outermost(origin, answer.status)
    elif middleware and (patterns := list(pattern_changes(middleware, origin))):
        yield from patterns
    elif misspelled := list(_misspelled(declared, origin)):
        yield from (f"write {origin!r} in {words.origins}, not {entry!r}: {why}" for entry, why in misspelled)
    elif near := OriginSet(_declarable(declared)).nearest(origin):
        yield f"add {origin!r} to {words.origins}, which has {shortened(near.declared)!r}: {near.difference}"
    else:
        yield f"add {origin!r} to {words.origins}, if that page is yours"


def _outermost(origin: str, status: int) -> str:
    return (
        f"let the CORS middleware be outermost: it allows {origin!r}, and what answered {status} is outside "
        "of it, as what add_middleware adds later is; crossorigin.starlette.setup(app, policy) always is"
    )


def _declarable(declared: Iterable[str | re.Pattern[str]]) -> list[str | re.Pattern[str]]:
    return [entry for entry in declared if isinstance(entry, re.Pattern) or is_declarable(entry)]


def _instead(value: str, origin: str) -> str:
    """Return what a server is to send that sends *value*: one origin, which takes the place of what is there."""
    send = f"send {origin!r} in {fetch.ALLOW_ORIGIN} instead of {shortened(value)!r}"
    parts = [part.strip() for part in value.split(",")]
    if len(parts) > 1:
        return f"{send}: one origin, the page's, and no list"
    if misspelled := next(_misspelled(parts, origin), None):
        return f"{send}: {misspelled[1]}"
    if near := OriginSet(_declarable(parts)).nearest(origin):
        return f"{send}: {near.difference}"
    return f"{send}, if that page is yours"


def _told(verdict: Verdict) -> str:
    lines = str(CORSError(replace(verdict, exchanges=verdict.exchanges[-1:]))).splitlines()
    return lines[2].strip()


def _misspelled(declared: Iterable[str | re.Pattern[str]], origin: str) -> Iterator[tuple[str, str]]:
    """Yield the entries that *origin* was meant by, each with what is wrong with it."""
    for entry in declared:
        if isinstance(entry, re.Pattern) or is_declarable(entry):
            continue
        found = diagnose(entry, "")
        fixes = [found[0].fix] if isinstance(found[0].fix, str) else found[0].fix or []
        meant = OriginSet([fix for fix in fixes if is_declarable(fix)]) if isinstance(fixes, list) else ()
        if origin in meant or _same_host(entry, origin):
            yield shortened(entry), "; ".join(one.message for one in found)


def _same_host(entry: str, origin: str) -> bool:
    # "app.example.com" is taken for https, and may have meant http all the same.
    return entry.strip("/").lower() == origin.partition("://")[2]


def declared_origins(app: object) -> list[str | re.Pattern[str]] | None:
    """Return the origins that CORS middleware in *app* was given, as far as it tells, or ``None``.

    Starlette's, and whatever else keeps its origins in an attribute ``allow_origins``, among the layers of *app*.
    """
    if middleware := starlettes_middleware(app):
        regex = middleware.allow_origin_regex
        return [*texts(middleware), *([] if regex is None else [regex])]
    for layer in layers(app) if app is not None else ():
        given = getattr(layer, "allow_origins", None)
        if isinstance(given, (list, tuple, set, frozenset)):
            beside = getattr(layer, "allow_origin_regex", None)
            return [entry for entry in (*given, beside) if isinstance(entry, (str, re.Pattern))]
    return None


def _place(error: Exception) -> str:
    """Return where *error* was raised in the user's own code, if it passed through any."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""


def _is_own(filename: str) -> bool:
    if "site-packages" in filename or "<" in filename:
        return False
    return not any(Path(filename).is_relative_to(place) for place in _NOT_OWN)


def _preflight_changes(played: Play, words: _Words) -> Iterator[str]:
    """Yield all that the preflight's answer lacks: a server that refuses with a status still lists what it allows."""
    verdict = played.verdict
    if not verdict.preflights:
        return
    exchange = verdict.preflights[-1]
    answer = exchange.response
    if not isinstance(answer, HTTPResponse):
        return
    include = played.request.credentials == "include"
    method = exchange.request.get(fetch.REQUEST_METHOD) or ""
    found = False
    try:
        allowed = read_preflight(replace(answer, status=204), played.page.engine, None)
    except Blocked as blocked:
        name = fetch.ALLOW_METHODS if blocked.code == "allow-methods-malformed" else fetch.ALLOW_HEADERS
        yield f"let {name} be a list of names with commas between them"
        return
    middleware = starlettes_middleware(played.app)
    try:
        check_method(method, allowed, include)
        refused = middleware is not None and answer.status == 400 and lacks_method(middleware, method)
    except Blocked:
        refused = True
    if refused:
        found = True
        replaces = middleware is not None and has_all_methods(middleware)
        yield _method_change(method, allowed.methods, words, replaces_any=replaces)
    missing = []
    for name in asked_headers(verdict):
        try:
            check_headers([name], allowed, include, played.page.engine)
        except Blocked:
            missing.append("Authorization" if name == "authorization" else name)
    if missing:
        found = True
        literally = " by name: '*' does not cover it" if ANY in allowed.headers else ""
        yield f"add {', '.join(map(repr, missing))} to {words.headers}{literally}"
    if not found and verdict.code == "preflight-status":
        yield (
            f"answer the preflight before routing and authentication, with 204 instead of {answer.status}: it carries "
            "no cookies and no Authorization"
        )


def _method_change(method: str, listed: list[str], words: _Words, *, replaces_any: bool) -> str:
    upper = method.upper()
    add = f"add {upper!r} to {words.methods}"
    if replaces_any:
        add = f"replace '*' in {words.methods} by a list with {upper!r}: to this middleware '*' is a fixed list"
    if upper == method:
        return add
    in_page = f"write the method in upper case in the page, method: {upper!r}: browsers send {method!r} as it is"
    return in_page if upper in listed else f"{add}, and {in_page}"
