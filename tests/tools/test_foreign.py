"""What `crossorigin explain` says of middleware that is not ours: advice that opens no more than the page needs."""

import re
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware

import crossorigin.asgi
from conformance.servers import uvicorn_server
from crossorigin import Policy
from crossorigin.tools.advice import changes, notes
from crossorigin.tools.explain import explain
from crossorigin.tools.foreign import expression
from crossorigin.tools.playing import Page, Play, play
from crossorigin.tools.source import Address, Application

from .mistakes import APP
from .screens import drawn, piped

EVIL = "https://evil.com"


def played(page: Page, **given: Any) -> Play:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, **given)

    @app.get("/")
    async def items() -> list[str]:
        return []

    return play(Application(app, "app:app"), page)


@pytest.mark.parametrize("given", [{"allow_origins": [APP]}, {"allow_origin_regex": "https://.+"}])
@pytest.mark.parametrize("credentials", ["same-origin", "include"])
def test_nobody_is_told_to_allow_pages_without_an_origin(given: dict[str, Any], credentials: Any) -> None:
    (advice,) = changes(played(Page("null", credentials=credentials), **given))

    assert advice.startswith("give the page an origin: sandboxed frames")


def test_nor_where_a_star_does_not_count_for_them() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    (advice,) = changes(play(Application(app, "app:app"), Page("null", credentials="include")))

    assert advice.startswith("give the page an origin")


@pytest.mark.parametrize("answer", [b"", b"https://app.example.com", b"https://other.example"])
def test_a_redirect_that_took_the_origin_away_is_told(answer: bytes) -> None:
    async def last(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"access-control-allow-origin", answer)] * bool(answer)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    with uvicorn_server(last) as target:

        async def first(scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"access-control-allow-origin", b"*"), (b"location", f"{target}/last".encode())]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

        with uvicorn_server(first) as address:
            (advice,) = changes(play(Address(address), Page(APP), send=True))

    assert advice.startswith(f"fetch {target}/last itself: a redirect led there from another origin")


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("https://*.example.com", ["https://a.b.example.com"], ["https://example.com", "https://a.example.com:8443"]),
        ("http://localhost:*", ["http://localhost", "http://localhost:3000"], ["http://localhost:x", "http://localhostx"]),
        ("https://*.my-site.example:*", ["https://a.my-site.example:1"], [f"{EVIL}/a.my-site.example:1"]),
        ("http://[::1]:*", ["http://[::1]:80", "http://[::1]"], ["http://[::2]"]),
        ("https://*", [EVIL], ["http://evil.com", "https://a/b"]),
    ],
)  # fmt: skip
def test_the_expression_for_a_pattern_matches_what_the_pattern_covers(
    pattern: str, matches: list[str], misses: list[str]
) -> None:
    regex = expression(pattern)

    assert all(re.fullmatch(regex, origin) for origin in matches)
    assert not any(re.fullmatch(regex, origin) for origin in misses)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({"allow_origins": ["http://localhost:*"]}, "http://localhost"),
        ({"allow_origins": ["http://localhost:*"], "allow_credentials": True}, "http://localhost:5173"),
        ({"allow_origins": ["https://*.example.com", APP]}, "https://a.example.com"),
        (
            {"allow_origins": ["https://*.example.com"], "allow_origin_regex": r"https://admin\.other\.org"},
            "https://a.example.com",
        ),
    ],
)
def test_who_writes_the_expression_is_allowed_and_nobody_loses(given: dict[str, Any], origin: str) -> None:
    (advice,) = changes(played(Page(origin), **given))

    regex = eval(advice.removeprefix("write allow_origin_regex=").partition(", not '")[0])
    mended = {**given, "allow_origin_regex": regex}

    assert played(Page(origin), **mended).allowed
    assert not played(Page(EVIL), **mended).allowed
    if "allow_origin_regex" in given:
        assert played(Page("https://admin.other.org"), **mended).allowed


@pytest.mark.parametrize(
    ("entry", "origin"), [("https://*", APP), ("https://*.github.io", "https://mine.github.io"), ("http://*.x.example", "http://a.x.example")]
)  # fmt: skip
def test_no_expression_is_proposed_that_hands_credentials_to_strangers(entry: str, origin: str) -> None:
    (advice,) = changes(played(Page(origin), allow_origins=[entry], allow_credentials=True))

    assert advice.startswith(f"name '{origin}' in allow_origins instead of '{entry}'")
    assert "regex=" not in advice


@pytest.mark.parametrize(
    ("given", "origin", "named"),
    [
        ({"allow_origins": ["*"]}, EVIL, "'*' in allow_origins"),
        ({"allow_origins": ["*"]}, "null", "'*' in allow_origins"),
        ({"allow_origins": ["null"]}, "null", "'null' in allow_origins"),
        ({"allow_origin_regex": "https://.*"}, APP, "allow_origin_regex='https://.*'"),
    ],
)
def test_what_lets_every_website_in_is_told_where_it_is_allowed(given: dict[str, Any], origin: str, named: str) -> None:
    page = Page(origin, credentials="include")

    (note,) = notes(played(page, allow_credentials=True, **given))

    assert note.startswith(
        f"pages on any website get the same, with the visitor's cookies, for the middleware has {named}"
    )


@pytest.mark.parametrize(
    ("given", "credentials"),
    [
        ({"allow_origins": [APP], "allow_credentials": True}, "include"),
        ({"allow_origins": [APP], "allow_origin_regex": "https://a[.]example", "allow_credentials": True}, "include"),
        ({"allow_origins": ["*"], "allow_credentials": True}, "same-origin"),
        ({"allow_origins": ["*"]}, "include"),
    ],
)
def test_what_is_as_it_should_be_or_blocked_has_no_note(given: dict[str, Any], credentials: Any) -> None:
    assert notes(played(Page(APP, credentials=credentials), **given)) == []


def test_the_note_is_printed_drawn_and_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    monkeypatch.setattr("tests.tools.mistakes.open_to_all", app, raising=False)

    def command(terminal: Any) -> int:
        return explain(terminal, "tests.tools.mistakes:open_to_all", origin=EVIL, credentials="include")

    status, out = piped(command)

    assert status == 0
    assert "\n\nTake care:\n  - pages on any website get the same" in out
    assert '"notes": [\n    "pages on any website' in piped(command, as_json=True)[1]
    assert "Take care:" in drawn(monkeypatch, command)


def test_what_answers_outside_of_our_adapter_is_told_and_not_the_origin() -> None:
    app = FastAPI()
    app.add_middleware(crossorigin.asgi.CORSMiddleware, policy=Policy(APP))

    @app.middleware("http")
    async def authenticate(request: Any, call_next: Any) -> Response:
        return Response(status_code=401)

    (advice,) = changes(play(Application(app, "app:app"), Page(APP)))

    assert advice.startswith(f"let the CORS middleware be outermost: it allows '{APP}', and what answered 401 is")
