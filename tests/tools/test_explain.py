"""``crossorigin explain``: the classic mistakes with the change that fixes each, and every kind of target."""

import json
import logging
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.servers import uvicorn_server
from crossorigin import Policy
from crossorigin.asgi import CORSMiddleware
from crossorigin.tools import playing
from crossorigin.tools.advice import changes
from crossorigin.tools.explain import explain
from crossorigin.tools.playing import Page, play
from crossorigin.tools.source import Address, Application
from crossorigin.tools.terminal import Terminal, WrongUse
from tests.tools import mistakes
from tests.tools.mistakes import APP

from .screens import drawn, piped

MISTAKES = "tests.tools.mistakes"


def told(source: str, *, as_json: bool = False, **options: Any) -> tuple[int, str]:
    return piped(lambda terminal: explain(terminal, source, **{"origin": APP, **options}), as_json=as_json)


@pytest.mark.parametrize(
    ("mistake", "reason", "change", "mended", "asks", "asks_mended"),
    [
        (
            "missing_scheme",
            "no Access-Control-Allow-Origin header is present",
            "write 'https://app.example.com' in allow_origins, not 'app.example.com': the scheme is missing",
            "missing_scheme_mended",
            {"path": "/items"},
            {},
        ),
        (
            "lower_case_patch",
            "its status is 400",
            "write the method in upper case in the page, method: 'PATCH': browsers send 'patch' as it is",
            "lower_case_patch",
            {"path": "/items", "method": "patch"},
            {"method": "PATCH"},
        ),
        (
            "wildcard_with_credentials",
            "Access-Control-Allow-Origin is '*', which never counts for a request whose credentials mode is 'include'",
            "name 'https://app.example.com' in allow_origins instead of '*', and set allow_credentials=True",
            "wildcard_with_credentials_mended",
            {"path": "/items", "credentials": "include"},
            {},
        ),
        (
            "header_not_listed",
            "its status is 400",
            "add 'x-api-key' to allow_headers",
            "header_not_listed_mended",
            {"path": "/items", "headers": ("X-Api-Key: 1",)},
            {},
        ),
        (
            "exception_in_handler",
            "the application raised RuntimeError: the database is gone",
            "mend what the application raises, RuntimeError: the database is gone (mistakes.py, line ",
            "exception_in_handler",
            {"path": "/fails"},
            {"path": "/items"},
        ),
        (
            "exception_in_handler",
            "< 500",
            "crossorigin.starlette.setup(app, policy) covers it",
            "exception_in_handler_covered",
            {"path": "/fails"},
            {},
        ),
        (
            "another_port",
            "no Access-Control-Allow-Origin header is present",
            "add 'http://localhost:5173' to allow_origins, which has 'http://localhost:3000': another port",
            "another_port_mended",
            {"path": "/items", "origin": "http://localhost:5173"},
            {},
        ),
    ],
)
def test_a_classic_mistake_is_told_with_the_change_that_fixes_it(
    mistake: str, reason: str, change: str, mended: str, asks: dict[str, Any], asks_mended: dict[str, Any]
) -> None:
    status, out = told(f"{MISTAKES}:{mistake}", **asks)
    status_mended, out_mended = told(f"{MISTAKES}:{mended}", **{**asks, **asks_mended})

    assert (status, status_mended) == (1, 0)
    assert reason in out
    assert change in out.partition("To allow it:")[2]
    assert "the page gets the response" in out_mended
    assert "To allow it:" not in out_mended


def test_all_that_one_preflight_lacks_is_told_at_once() -> None:
    out = told(f"{MISTAKES}:header_not_listed", method="delete", headers=("X-Api-Key", "Authorization: Bearer x"))[1]

    advice = out.partition("To allow it:\n")[2].splitlines()
    assert advice == ["  - add 'DELETE' to allow_methods", "  - add 'Authorization', 'x-api-key' to allow_headers"]


def test_a_misspelled_origin_of_the_page_itself_is_told() -> None:
    status, out = told(f"{MISTAKES}:another_port", origin="localhost:3000")

    assert status == 1
    assert "  - write the origin as a browser sends it, 'http://localhost:3000'\n" in out


@pytest.mark.parametrize("columns", [80, 140])
def test_on_a_terminal_it_is_drawn_in_three_columns(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    out = drawn(
        monkeypatch,
        lambda end: explain(
            end, f"{MISTAKES}:lower_case_patch", origin=APP, method="patch", path="/items", engine="firefox"
        ),
        columns,
    )

    lines = out.splitlines()
    drawing = [line for line in lines if line.startswith(" │")]
    width = len(drawing[0])
    assert width == min(columns, 116)
    assert re.fullmatch(r" page +browser +server", lines[0])
    assert re.fullmatch(r" https://app.example.com +Firefox +https://api.example.com", lines[1])
    assert len(lines[0]) == len(lines[1]) == width
    bars = [index for index, sign in enumerate(drawing[0]) if sign == "│"]
    assert len(bars) == 3
    assert all(line[bar] in "│▶◀" or "─" in line for line in drawing for bar in bars)
    assert sum("▶" in line for line in drawing) == 2
    assert sum("◀" in line for line in drawing) == 2
    assert max(map(len, lines)) <= columns
    assert "Accept-Language, Content-Language, Content-Type" in " ".join(
        out.replace("│", " ").split()
    )  # nothing is cut
    assert "To allow it:" in lines


def test_at_80_columns_no_two_titles_touch_and_no_word_is_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = "https://application.shop.example.com"

    out = drawn(monkeypatch, lambda end: explain(end, f"{MISTAKES}:another_port", origin=origin))
    blocked = drawn(
        monkeypatch, lambda end: explain(end, f"{MISTAKES}:missing_scheme_mended", origin=APP, credentials="include")
    )

    assert re.match(r" https://application\.shop\S*… Standard +https://api\.example\.com$", out.splitlines()[1])
    assert re.search(r"│ blocked: allow- +│.+\n │   credentials-missing +│", blocked)


def test_where_the_terminal_cannot_draw_it_is_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "is_ascii", True)

    out = drawn(monkeypatch, lambda end: explain(end, f"{MISTAKES}:missing_scheme", origin=APP, path="/items"))

    assert out.isascii()
    assert "------>|" in out


def test_json_has_the_verdict_and_all_exchanges() -> None:
    status, out = told(f"{MISTAKES}:header_not_listed", as_json=True, headers=("X-Api-Key",), engine="webkit")

    data = json.loads(out)
    assert status == 1
    assert (data["allowed"], data["code"], data["engine"]) == (False, "preflight-status", "webkit")
    assert data["exchanges"][0]["request"]["method"] == "OPTIONS"
    assert data["exchanges"][0]["response"]["status"] == 400
    assert data["advice"] == ["add 'x-api-key' to allow_headers"]


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    path = tmp_path / "crossorigin.toml"
    path.write_text("allow_origins = ['http://localhost:8080']", encoding="utf-8")
    return path


def test_a_policy_says_itself_what_to_change(policy_file: Path) -> None:
    status, out = told(str(policy_file), origin="http://localhost:3000", method="PUT")

    assert status == 1
    assert "add 'http://localhost:3000' to allow_origins" in out
    assert "the policy allows 'http://localhost:8080': another port" in out
    assert "  - add 'PUT' to allow_methods\n" in out


NAMED = """
[policies.app]
allow_origins = ["https://app.example.com"]
[policies.public]
allow_origins = ["*"]
[any-of]
known = ["app", "public"]
[paths]
"/feed/" = "public"
"/int/" = "NONE"
"/api" = "known"
"""


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (
            {"origin": "https://evil.example", "path": "/api/x", "method": "PUT"},
            ["add 'PUT' to allow_methods in policies.public (which \"/feed/\" uses, too)"],
        ),
        ({"path": "/api", "method": "PUT"}, ["add 'PUT' to allow_methods in policies.app"]),
        ({"path": "/api", "credentials": "include"}, ["set allow_credentials = true in policies.app; or fetch with"]),
        ({"path": "/nothing"}, ['in paths, write the name of a policy for "/nothing", or for "/"']),
        ({"path": "/int/x"}, ['in paths, write the name of a policy for "/int/", instead of "NONE"']),
        (
            {"origin": "http://x.example", "path": "/feed", "credentials": "include"},
            [
                "name 'http://x.example' instead of '*' and set allow_credentials = true in policies.public "
                '(which "/api" uses, too) (a danger, to be accepted with '
                "dangerously_allow = ['insecure-origin-with-credentials'])",
            ],
        ),
    ],
)
def test_of_a_file_what_to_change_is_told_by_the_names_that_are_there(
    tmp_path: Path, options: dict[str, Any], advice: list[str]
) -> None:
    path = tmp_path / "crossorigin.toml"
    path.write_text(NAMED, encoding="utf-8")

    changes_ = json.loads(told(str(path), as_json=True, **options)[1])["advice"]

    assert [change[: len(start)] for change, start in zip(changes_, advice, strict=True)] == advice


def test_of_a_json_file_settings_are_told_as_json(tmp_path: Path) -> None:
    path = tmp_path / "cors.json"
    path.write_text(json.dumps({"allow_origins": "*"}), encoding="utf-8")

    out = told(str(path), credentials="include")[1]

    assert f"  - name '{APP}' instead of '*' and set \"allow_credentials\": true; or fetch without" in out


def test_a_header_that_no_page_can_set_is_told(policy_file: Path) -> None:
    status, out = told(str(policy_file), origin="http://localhost:8080", headers=("Cookie: a=b",))

    assert status == 0
    assert "Cookie is dropped in silence: no page can set it" in out


def test_an_application_with_our_adapter_is_called_and_its_policy_speaks() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-called", b"1")]})
        await send({"type": "http.response.body", "body": b""})

    covered = CORSMiddleware(app, Policy("http://localhost:8080"))

    played = play(Application(covered, "app:app"), Page("http://localhost:3000"))

    assert played.verdict.code == "allow-origin-missing"
    assert ("x-called", "1") in played.verdict.exchanges[0].response.headers  # type: ignore[union-attr]
    assert played.explanation is not None
    assert "another port" in played.explanation.advice[0]


def test_a_wsgi_application_is_called() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Access-Control-Allow-Origin", APP)])
        return [environ["PATH_INFO"].encode()]

    played = play(Application(app, "app:app"), Page(APP, path="/b%20c"))

    assert played.verdict.response is not None
    assert played.verdict.response.body == b"/b c"


def test_an_aiohttp_application_is_spoken_for_by_its_policy() -> None:
    from aiohttp import web

    import crossorigin.aiohttp

    app = web.Application()
    with pytest.raises(WrongUse, match=r"setup\(app, policy\); or serve it, and give its URL"):
        play(Application(app, "app:app"), Page(APP))
    crossorigin.aiohttp.setup(app, Policy(APP))

    assert play(Application(app, "app:app"), Page(APP)).allowed


def test_an_application_that_does_not_start_is_one_sentence() -> None:
    from fastapi import FastAPI

    def connect() -> None:
        raise OSError("no such database")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        connect()
        yield

    app = FastAPI(lifespan=lifespan)

    with pytest.raises(WrongUse, match="app:app does not start: OSError: no such database"):
        play(Application(app, "app:app"), Page(APP))


class Recorded:
    """An application that knows what it was asked."""

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.asked: list[str] = []
        self.headers = headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.asked.append(f"{scope['method']} {scope['path']}")
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            await send({"type": "http.response.body", "body": b""})


ALLOWING = [(b"access-control-allow-origin", APP.encode()), (b"access-control-allow-methods", b"PUT")]


def test_a_server_gets_the_preflight_alone_and_with_send_the_request() -> None:
    app = Recorded(ALLOWING)
    with uvicorn_server(app, lifespan="off") as address:
        status, out = told(f"{address}/items", method="PUT")
        assert (status, app.asked) == (0, ["OPTIONS /items"])
        data = json.loads(told(address, as_json=True, method="PUT", path="/items")[1])
        assert (data["allowed"], data["code"]) == (None, "preflight-passed")
        app.asked.clear()
        sent, told_sent = told(f"{address}/items", method="PUT", send=True)

    assert "the preflight passes" in out
    assert "the request itself is not sent: --send sends it" in out
    assert (sent, app.asked) == (0, ["OPTIONS /items", "PUT /items"])
    assert "the page gets the response" in told_sent


def test_a_request_without_preflight_is_not_sent_unless_asked_for() -> None:
    app = Recorded([])
    with uvicorn_server(app, lifespan="off") as address:
        with pytest.raises(WrongUse, match="needs no preflight, so that nothing was sent: --send sends the request"):
            told(address)
        assert app.asked == []
        status, out = told(address, send=True)

    assert status == 1
    assert f"the server does not allow the origin {APP}, or has no CORS at this URL" in out


@pytest.mark.parametrize(
    ("headers", "options", "change"),
    [
        (
            [(b"access-control-allow-origin", b"app.example.com")],
            {},
            "send 'https://app.example.com' in Access-Control-Allow-Origin instead of 'app.example.com': the scheme is",
        ),
        (
            [(b"access-control-allow-origin", b"https://app.example.com:8443")],
            {},
            "instead of 'https://app.example.com:8443': another port",
        ),
        (
            [(b"access-control-allow-origin", b"https://other.example")],
            {},
            "send 'https://app.example.com' in Access-Control-Allow-Origin instead of 'https://other.example', if that",
        ),
        (
            [(b"access-control-allow-origin", b"%%garbage")],
            {},
            "send 'https://app.example.com' in Access-Control-Allow-Origin instead of '%%garbage'",
        ),
        (
            [(b"access-control-allow-origin", b"https://app.example.com, https://b.example")],
            {},
            "instead of 'https://app.example.com, https://b.example': one origin, the page's, and no list",
        ),
        (
            [(b"access-control-allow-origin", b"*")],
            {"credentials": "include"},
            "and let the server send Access-Control",
        ),
        (ALLOWING[:1], {"credentials": "include"}, "let the server send Access-Control-Allow-Credentials: true"),
        (ALLOWING[:1], {"method": "PUT"}, "add 'PUT' to Access-Control-Allow-Methods"),
        (ALLOWING, {"method": "put", "headers": ("X-A",)}, "add 'x-a' to Access-Control-Allow-Headers"),
        (
            [*ALLOWING, (b"access-control-allow-headers", b"*")],
            {"headers": ("Authorization",)},
            "add 'Authorization' to Access-Control-Allow-Headers by name: '*' does not cover it",
        ),
        (
            [*ALLOWING[:1], (b"access-control-allow-methods", b"PUT POST")],
            {"method": "PUT"},
            "let Access-Control-Allow-Methods be a list of names with commas between them",
        ),
    ],
)
def test_a_strangers_server_is_judged_by_its_headers(
    headers: list[tuple[bytes, bytes]], options: dict[str, Any], change: str
) -> None:
    with uvicorn_server(Recorded(headers), lifespan="off") as address:
        status, out = told(address, send=True, **options)

    assert status == 1
    assert change in out.partition("To allow it:")[2]


@pytest.mark.parametrize(("status", "change"), [(401, "with 204 instead of 401"), (307, "the URL that the redirect")])
def test_a_preflight_that_something_else_answers(status: int, change: str) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        lines = [("Access-Control-Allow-Origin", APP), ("Access-Control-Allow-Methods", "PUT"), ("Location", "/x")]
        start_response(f"{status} Other", lines)
        return []

    assert change in changes(play(Application(app, "app:app"), Page(APP, method="PUT")))[0]


def test_an_application_that_fails_behind_a_url_is_not_taken_for_a_refusal() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with uvicorn_server(app, lifespan="off") as address:
        out = told(address, send=True)[1]

    assert "  - the application failed (500), and its log says why" in out


@pytest.mark.parametrize("origins", [{"allow_origins": [APP]}, {"allow_origin_regex": "https://app[.]example[.]com"}])
def test_middleware_outside_of_cors_is_told_and_not_the_origin(origins: dict[str, Any]) -> None:
    from fastapi import FastAPI, Response
    from fastapi.middleware.cors import CORSMiddleware as Starlettes

    app = FastAPI()
    app.add_middleware(Starlettes, **origins)

    @app.middleware("http")
    async def authenticate(request: Any, call_next: Any) -> Response:
        return Response(status_code=401)

    (advice,) = changes(play(Application(app, "app:app"), Page(APP)))

    assert advice.startswith("let the CORS middleware be outermost: it allows 'https://app.example.com', and what")


@pytest.mark.parametrize(
    ("given", "method", "change"),
    [
        (
            {"allow_origins": ["https://*.example.com"]},
            "GET",
            r"write allow_origin_regex='https://[a-z0-9_.-]+\\.example\\.com', not 'https://*.example.com'",
        ),
        ({"allow_origins": []}, "GET", f"add '{APP}' to allow_origins, if that page is yours"),
        ({"allow_origins": [APP]}, "POST", "add 'POST' to allow_methods"),
        (
            {"allow_origins": [APP], "allow_methods": ["*"]},
            "PROPFIND",
            "replace '*' in allow_methods by a list with 'PROPFIND'",
        ),
    ],
)
def test_starlettes_middleware_is_advised_by_its_own_rules(given: dict[str, Any], method: str, change: str) -> None:
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware as Starlettes

    app = FastAPI()
    app.add_middleware(Starlettes, **{"allow_headers": ["X-Id"], **given})

    (advice,) = changes(play(Application(app, "app:app"), Page(APP, method=method, headers=(("X-Id", "1"),))))

    assert advice.startswith(change)


def test_no_file_of_this_package_is_named_to_be_mended() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        pass

    (advice,) = changes(play(Application(silent, "app:app"), Page(APP)))

    assert advice.startswith("mend what the application raises, RuntimeError: ")
    assert "applications.py" not in advice


def test_middleware_that_cannot_be_built_is_one_sentence() -> None:
    from starlette.applications import Starlette

    import crossorigin.starlette

    app = Starlette()
    crossorigin.starlette.setup(app, Policy(APP))
    app.add_middleware(CORSMiddleware, policy=Policy(APP))

    with pytest.raises(WrongUse, match="cannot build its middleware: RuntimeError: the application has a CORSMiddle"):
        play(Application(app, "app:app"), Page(APP))


def test_refusals_are_not_logged_as_well_and_the_log_is_as_it_was_afterwards(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    covered = CORSMiddleware(app, Policy("https://other.example"))
    monkeypatch.setattr(mistakes, "covered", covered, raising=False)

    assert told(f"{MISTAKES}:covered")[0] == 1

    assert caplog.records == []
    assert not logging.getLogger("crossorigin").disabled


def test_a_server_that_does_not_answer_is_one_sentence() -> None:
    with uvicorn_server(Recorded([]), lifespan="off") as address:
        pass

    with pytest.raises(WrongUse, match=f"^{address}/ does not answer: .*[Rr]efused"):
        play(Address(address), Page(APP), send=True)


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """A server that sends *first*, and then neither ends its answer nor the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def serve() -> None:
            try:
                kept.append(listener.accept()[0])
                kept[0].recv(65536)
                kept[0].sendall(first)
            except OSError:  # the client went away
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
        for connection in kept:
            connection.close()


def test_of_a_servers_answer_the_headers_are_enough() -> None:
    endless = f"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: {APP}\r\nContent-Length: 9999999\r\n\r\nx"

    with dripping(endless.encode()) as address:
        assert play(Address(address), Page(APP), send=True).allowed


def test_whoever_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "_SECONDS", 0.3)
    release = threading.Event()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        release.wait(60)
        return []

    try:
        with pytest.raises(WrongUse, match=r"^app:app does not answer within 0.3 seconds$"):
            play(Application(app, "app:app"), Page(APP))
    finally:
        release.set()
    with dripping(b"HTTP/1.1 200") as address, pytest.raises(WrongUse, match="does not answer"):
        play(Address(address), Page(APP), send=True)


def test_a_narrow_terminal_has_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    out = drawn(monkeypatch, lambda end: explain(end, f"{MISTAKES}:missing_scheme", origin=APP), 50)

    assert out.startswith("GET https://api.example.com/ from https://app.example.com, credentials: same-origin\n")
    assert "│" not in out


def test_what_a_server_sends_does_not_reach_the_terminal_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Access-Control-Allow-Origin", "https://\x1b]0;owned\x07 [red]x")])
        return []

    monkeypatch.setattr(mistakes, "hostile", app, raising=False)

    out = drawn(monkeypatch, lambda end: explain(end, f"{MISTAKES}:hostile", origin=APP))

    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[red]" in out.replace("\n", "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "GET PUT"}, "a method is one word such as GET or PUT"),
        ({"method": "TRACE"}, "no page can use the method 'TRACE'"),
        ({"headers": ("X A",)}, "--header 'X A' is no header: write NAME or NAME:VALUE"),
        ({"path": "http://"}, "no browser can fetch"),
        ({"engine": "netscape"}, "--engine 'netscape' is none of standard, chromium, firefox, webkit"),
    ],
)
def test_what_no_page_can_ask_for_is_one_sentence(policy_file: Path, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongUse) as caught:
        told(str(policy_file), **options)

    assert str(caught.value).startswith(sentence)


@pytest.fixture(autouse=True)
def _importable() -> Iterator[None]:
    before = [*sys.path]
    yield
    sys.path[:] = before
