"""The test client: what it sends, what a test sees of the answer, and what it says of misuse."""

import asyncio
import gc
import gzip
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import fastapi
import kui.asgi
import kui.wsgi
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse

import crossorigin.asgi
import crossorigin.wsgi
from conformance.frameworks import FRAMEWORKS, Framework
from conformance.servers import aiohttp_server, uvicorn_server, waitress_server
from crossorigin import Policy
from crossorigin.testing import AsyncBrowserClient, BrowserClient, CORSError, Engine, RequestError

APP = "https://app.example.com"
EVIL = "https://evil.example"
POLICY = Policy(APP, allow_credentials=True, allow_methods=["PUT"], allow_headers=["X-A"], expose_headers=["X-Total"])

Line = tuple[str, str]
Seen = list[dict[str, Any]]


def wsgi_app(
    *headers: Line, status: str = "200 OK", body: bytes = b"", seen: Seen | None = None
) -> Callable[..., list[bytes]]:
    """Return a WSGI application that answers everything alike, and keeps what it is asked in *seen*."""

    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        if seen is not None:
            seen.append({**environ, "body": environ["wsgi.input"].read()})
        start_response(status, list(headers))
        return [body]

    return app


def asgi_app(*headers: Line, status: int = 200, seen: Seen | None = None) -> Callable[..., Awaitable[None]]:
    """Return an ASGI application that answers everything alike, and keeps the scopes in *seen*."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        if seen is not None:
            seen.append(scope)
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": b"hello"})

    return app


ALLOWED: Line = ("Access-Control-Allow-Origin", APP)
WITH_CREDENTIALS: Line = ("Access-Control-Allow-Credentials", "true")


@pytest.fixture(autouse=True)
def root_logger_as_it_was() -> Iterator[None]:
    # Litestar, unless told otherwise, sets up the root logger of the process.
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


# --- which applications -----------------------------------------------------------------------------------------------


async def kui_items() -> list[int]:
    return [1]


def kui_wsgi_items() -> list[int]:
    return [1]


APPLICATIONS = {
    "a plain ASGI function": asgi_app(),
    "a plain WSGI function": wsgi_app(),
    "our ASGI middleware": crossorigin.asgi.CORSMiddleware(asgi_app(), POLICY),
    "our WSGI middleware": crossorigin.wsgi.CORSMiddleware(wsgi_app(), POLICY),
    "FastAPI": fastapi.FastAPI(),
    "Kui on ASGI": kui.asgi.Kui(routes=[kui.asgi.HttpRoute("/items", kui_items)]),
    "Kui on WSGI": kui.wsgi.Kui(routes=[kui.wsgi.HttpRoute("/items", kui_wsgi_items)]),
    "a bound method": crossorigin.wsgi.CORSMiddleware(wsgi_app(), POLICY).__call__,
    "an ASGI function with any arguments": None,
}


async def _any_arguments(*args: Any) -> None:
    await asgi_app()(*args)


APPLICATIONS["an ASGI function with any arguments"] = _any_arguments


@pytest.mark.parametrize("app", APPLICATIONS.values(), ids=APPLICATIONS)
def test_an_application_is_called_by_its_interface(app: Any) -> None:
    client = BrowserClient(app)

    (exchange,) = client.verdict("/items").exchanges

    assert getattr(exchange.response, "status", None) in (200, 404)


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
def test_every_framework_is_called_by_its_interface(framework: Framework) -> None:
    with BrowserClient(framework.serve(POLICY), base_url="http://localhost") as client:
        response = client.fetch("/items", credentials="include")

        assert (response.status, response.type, response.text) == (200, "cors", "items")
        assert client.verdict("/items", method="DELETE").code == "method-not-allowed"


def test_an_aiohttp_application_is_refused_with_the_way_to_test_it() -> None:
    with pytest.raises(TypeError, match=r"aiohttp\.test_utils\.TestServer.*server\.make_url"):
        BrowserClient(web.Application())


@pytest.mark.parametrize("thing", [None, 1, object(), lambda: None, lambda *args: None, type, int])
def test_anything_else_is_refused(thing: object) -> None:
    instead = "serve it and give its URL" if callable(thing) else "give one of these"

    with pytest.raises(TypeError, match=f"is neither a URL, nor an ASGI application.*: {instead}"):
        BrowserClient(thing)


# --- what is sent -----------------------------------------------------------------------------------------------------


def environ_headers(environ: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key.startswith(("HTTP_", "CONTENT_"))}


def test_nothing_but_a_browsers_headers_is_sent() -> None:
    seen: Seen = []
    client = BrowserClient(crossorigin.wsgi.CORSMiddleware(wsgi_app(seen=seen), POLICY))
    preflights: Seen = []
    refusing = BrowserClient(wsgi_app(seen=preflights))

    client.fetch("/items?a=1", method="PUT", headers={"X-A": "1"}, body="hello")
    refusing.verdict("/items", method="PUT", headers={"X-A": "1"})

    shared = {
        "HTTP_HOST": "api.example.com",
        "HTTP_ACCEPT": "*/*",
        "HTTP_REFERER": f"{APP}/",
        "HTTP_ORIGIN": APP,
        "HTTP_SEC_FETCH_DEST": "empty",
        "HTTP_SEC_FETCH_MODE": "cors",
        "HTTP_SEC_FETCH_SITE": "same-site",
        "HTTP_USER_AGENT": "Mozilla/5.0 (compatible; crossorigin)",
    }
    own = {"HTTP_X_A": "1", "CONTENT_TYPE": "text/plain;charset=UTF-8", "CONTENT_LENGTH": "5"}
    asked = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "x-a"}
    assert environ_headers(seen[0]) == shared | own
    assert environ_headers(preflights[0]) == shared | asked
    assert (seen[0]["body"], seen[0]["QUERY_STRING"], seen[0]["wsgi.url_scheme"]) == (b"hello", "a=1", "https")


def test_asgi_and_a_real_server_get_the_same_headers() -> None:
    def sent(scope: dict[str, Any]) -> dict[bytes, bytes]:
        return {name: value for name, value in scope["headers"] if name not in (b"host", b"referer")}

    inside: Seen = []
    outside: Seen = []
    BrowserClient(asgi_app(ALLOWED, seen=inside)).fetch("/", method="POST", body=b"x")
    with uvicorn_server(asgi_app(ALLOWED, seen=outside)) as address:
        BrowserClient(address, origin=APP).fetch("/", method="POST", body=b"x")

    # Across sites, and from https to http on this machine, which is as trustworthy.
    assert sent(outside[-1]) == sent(inside[-1]) | {b"sec-fetch-site": b"cross-site"}


@pytest.mark.parametrize("is_served", [False, True], ids=["in process", "over a server"])
def test_a_preflight_has_the_user_agent_of_the_request_after_it(is_served: bool) -> None:
    seen: Seen = []
    app = wsgi_app(ALLOWED, ("Access-Control-Allow-Methods", "PUT"), seen=seen)

    with waitress_server(app) if is_served else nullcontext(app) as where:
        BrowserClient(where).fetch("/", method="PUT")

    assert [environ["REQUEST_METHOD"] for environ in seen] == ["OPTIONS", "PUT"]
    assert seen[0]["HTTP_USER_AGENT"] == seen[1]["HTTP_USER_AGENT"]
    assert seen[0]["HTTP_USER_AGENT"].startswith("Mozilla/5.0 ")


@pytest.mark.parametrize("is_served", [False, True], ids=["in process", "over a server"])
def test_a_user_name_in_a_redirect_makes_no_authorization(is_served: bool) -> None:
    seen: Seen = []

    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        seen.append(environ)
        moved = environ["PATH_INFO"] == "/old"
        location = f"{environ['wsgi.url_scheme']}://u:p@{environ['HTTP_HOST']}/new"
        start_response("302 Found" if moved else "200 OK", [("Location", location)] if moved else [])
        return []

    with waitress_server(app) if is_served else nullcontext(app) as where:
        page = where if isinstance(where, str) else "https://api.example.com"
        BrowserClient(where, page).fetch("/old")

    assert [environ["PATH_INFO"] for environ in seen] == ["/old", "/new"]
    assert "HTTP_AUTHORIZATION" not in seen[1]


def test_a_method_keeps_its_case() -> None:
    client = BrowserClient(crossorigin.asgi.CORSMiddleware(asgi_app(), Policy(APP, allow_methods=["PATCH"])))

    assert client.verdict("/", method="patch").code == "method-case"
    assert client.fetch("/", method="PATCH").ok


def test_a_lower_case_method_reaches_the_application_so() -> None:
    seen: Seen = []
    BrowserClient(wsgi_app(ALLOWED, ("Access-Control-Allow-Methods", "patch"), seen=seen)).fetch("/", method="patch")

    assert [environ["REQUEST_METHOD"] for environ in seen] == ["OPTIONS", "patch"]


def test_json_is_sent_as_a_page_writes_it() -> None:
    seen: Seen = []
    client = BrowserClient(crossorigin.wsgi.CORSMiddleware(wsgi_app(seen=seen), Policy(APP, allow_headers="*")))

    client.fetch("/", method="POST", json={"name": "Zoë", "n": [1, 2]})
    client.fetch("/", method="POST", json=False, headers={"content-type": "text/plain"})

    assert [(one["CONTENT_TYPE"], one["body"]) for one in seen] == [
        ("application/json", '{"name":"Zoë","n":[1,2]}'.encode()),
        ("text/plain", b"false"),
    ]
    assert client.verdict("/1", method="POST", json=1).preflights
    assert not client.verdict("/2", method="POST", json=1, headers=[("Content-Type", "text/plain")]).preflights


def test_a_path_arrives_as_a_server_decodes_it() -> None:
    seen: Seen = []
    BrowserClient(wsgi_app(ALLOWED, seen=seen)).fetch("/z%C3%B6/é")

    assert seen[0]["PATH_INFO"].encode("latin-1").decode() == "/zö/é"


def test_headers_beyond_ascii_and_twice_pass_both_ways() -> None:
    seen: Seen = []
    app = crossorigin.wsgi.CORSMiddleware(wsgi_app(("X-Total", "caf\xe9"), seen=seen), POLICY)

    response = BrowserClient(app).fetch("/", headers=[("X-A", "\xe9"), ("X-A", "2")])

    assert seen[0]["HTTP_X_A"] == "\xe9,2"
    assert response.headers["X-Total"] == "caf\xe9"


def test_relative_urls_lead_to_the_api() -> None:
    client = BrowserClient(wsgi_app(ALLOWED), base_url="https://example.com/v1/")

    assert client.fetch("items").url == "https://example.com/v1/items"
    assert client.fetch("/items").url == "https://example.com/items"
    assert client.fetch("https://example.com/x").url == "https://example.com/x"


# --- what the page sees -----------------------------------------------------------------------------------------------


def test_the_response_is_the_one_that_the_script_has() -> None:
    app = wsgi_app(("X-Total", "3"), ("X-Secret", "s"), ("Set-Cookie", "a=1"), status="201 Created", body=b'{"a":1}')
    response = BrowserClient(crossorigin.wsgi.CORSMiddleware(app, POLICY)).fetch("/items")

    assert (response.status, response.ok, response.type, response.redirected) == (201, True, "cors", False)
    assert (response.url, response.body, response.text) == ("https://api.example.com/items", b'{"a":1}', '{"a":1}')
    assert response.json() == {"a": 1}
    assert (response.headers["x-total"], response.headers.get("X-TOTAL")) == ("3", "3")
    assert (response.headers.get("X-Secret"), response.hidden_headers["x-secret"]) == (None, "s")
    assert dict(response.headers) == {"x-total": "3"}
    assert len(response.headers) == 1
    assert response.verdict.allowed
    assert response.exception is None
    assert repr(response) == "<Response 201 cors https://api.example.com/items>"
    assert repr(response.headers).endswith("hidden from the page: x-secret, set-cookie, " + ", ".join(
        name.lower() for name, _ in response.verdict.exchanges[-1].response.headers  # type: ignore[union-attr]
        if name.lower() not in ("x-total", "x-secret", "set-cookie")
    ) + ")")  # fmt: skip


def test_a_missing_header_says_whether_it_is_hidden() -> None:
    headers = BrowserClient(wsgi_app(ALLOWED, ("X-Secret", "s"), ("Set-Cookie", "a=1"))).fetch("/").headers

    with pytest.raises(KeyError, match="X-Secret, which is hidden from the page: Access-Control-Expose-Headers"):
        headers["X-Secret"]
    with pytest.raises(KeyError, match="Set-Cookie, which no page ever sees"):
        headers["Set-Cookie"]
    with pytest.raises(KeyError, match=r"^'X-Other'$"):
        headers["X-Other"]


def test_text_is_utf8_without_a_byte_order_mark() -> None:
    response = BrowserClient(wsgi_app(ALLOWED, body=b"\xef\xbb\xbfn\xc3\xa4h\xff")).fetch("/")

    assert response.text == "näh\ufffd"


@pytest.mark.parametrize("serve", [None, waitress_server], ids=["in process", "over a server"])
def test_a_compressed_body_is_decompressed(serve: Any) -> None:
    app = wsgi_app(ALLOWED, ("Content-Encoding", "gzip"), body=gzip.compress(b"hello"))
    broken = wsgi_app(ALLOWED, ("Content-Encoding", "gzip"), body=b"hello")
    if serve is None:
        assert BrowserClient(app).fetch("/").text == "hello"
        assert BrowserClient(broken).verdict("/").code == "no-response"
    else:
        with serve(app) as address:
            assert BrowserClient(address).fetch("/").text == "hello"


def test_an_opaque_response_shows_nothing() -> None:
    response = BrowserClient(wsgi_app(("X-A", "1"), body=b"hello")).fetch("/", mode="no-cors")

    assert (response.type, response.status, response.ok, response.url, response.text) == ("opaque", 0, False, "", "")
    assert (dict(response.headers), response.hidden_headers["X-A"]) == ({}, "1")


def test_on_its_own_origin_a_page_sees_all() -> None:
    response = BrowserClient(wsgi_app(("X-A", "1")), "https://api.example.com").fetch("/")

    assert (response.type, response.headers["X-A"]) == ("basic", "1")


# --- what is blocked --------------------------------------------------------------------------------------------------


def test_the_error_says_what_went_over_the_wire() -> None:
    client = BrowserClient(crossorigin.wsgi.CORSMiddleware(wsgi_app(), POLICY))

    with pytest.raises(CORSError) as caught:
        client.fetch("/items", method="DELETE", headers={"X-A": "1"})

    assert caught.value.verdict.code == "method-not-allowed"
    assert str(caught.value) == (
        "DELETE https://api.example.com/items from https://app.example.com is blocked: the preflight fails: "
        "the method DELETE is not allowed by Access-Control-Allow-Methods (PUT)\n"
        "  (CORS-preflight fetch, step 7.5; code 'method-not-allowed')\n"
        "  > OPTIONS https://api.example.com/items\n"
        "  > Access-Control-Request-Method:     DELETE\n"
        "  > Access-Control-Request-Headers:    x-a\n"
        "  > Origin:                            https://app.example.com\n"
        "  < 204\n"
        "  < Access-Control-Allow-Origin:       https://app.example.com\n"
        "  < Access-Control-Allow-Credentials:  true\n"
        "  < Access-Control-Allow-Methods:      PUT\n"
        "  < Access-Control-Allow-Headers:      X-A\n"
        "  < Access-Control-Max-Age:            600"
    )


def test_a_server_that_refuses_in_words_is_quoted() -> None:
    client = BrowserClient(crossorigin.wsgi.CORSMiddleware(wsgi_app(), POLICY), EVIL)

    with pytest.raises(
        CORSError,
        match=r"(?s)does not allow the origin https://evil\.example, .*< 403 'CORS: the origin is not allowed\.",
    ) as caught:
        client.fetch("/items", method="PUT")

    assert caught.value.verdict.code == "allow-origin-missing"


def test_what_a_server_says_cannot_break_the_lines() -> None:
    hostile = "a\n  < 200\x1b[2J" + "x" * 999
    client = BrowserClient(wsgi_app(("access-control-max-age", hostile), status="403 No", body=hostile.encode()))

    with pytest.raises(CORSError) as caught:
        client.fetch("/")

    *_, status, max_age = str(caught.value).splitlines()
    assert status.startswith(r"  < 403 'a\\n  < 200\\x1b[2Jxxx")
    assert max_age.startswith(r"  < Access-Control-Max-Age:  a\n  < 200\x1b[2Jxxx")
    assert all(character.isprintable() for character in status + max_age)
    assert len(status) < 150
    assert len(max_age) < 150


def test_redirects_are_followed_and_their_misses_told() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        target = {"/old": "/new", "/away": "https://other.example/"}.get(environ["PATH_INFO"])
        start_response("307 Moved" if target else "200 OK", [ALLOWED, *([("Location", target)] if target else [])])
        return []

    client = BrowserClient(app)

    response = client.fetch("/old")
    away = client.verdict("/away")

    assert (response.url, response.redirected) == ("https://api.example.com/new", True)
    assert away.code == "no-response"
    assert "the redirect left the application, which is all there is in process" in away.message
    assert client.fetch("/away", redirect="manual").type == "opaqueredirect"
    assert client.fetch("/old", redirect="manual").type == "opaqueredirect"
    with pytest.raises(CORSError, match=r"< Location: .*/new"):
        client.fetch("/old", redirect="error")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        (
            f"https://{'other.' * 30}example/",
            "no response came: the redirect left the application, which is all there is in process: "
            "use redirect='manual', or verdict()",
        ),
        ("/" + "x" * 70_000, "too long"),
    ],
)
def test_a_redirect_out_of_reach_is_a_verdict(location: str, reason: str) -> None:
    verdict = BrowserClient(asgi_app(ALLOWED, ("Location", location), status=302)).verdict("/")

    assert verdict.code == "no-response"
    assert reason in verdict.message


def test_an_application_answers_on_http_and_https() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        moved = [("Location", "https://api.example.com/")] if environ["wsgi.url_scheme"] == "http" else []
        start_response("307 Moved" if moved else "200 OK", [("Access-Control-Allow-Origin", "*"), *moved])
        return []

    assert BrowserClient(app, base_url="http://api.example.com").fetch("/").url == "https://api.example.com/"


def test_a_server_that_is_not_there_is_a_verdict() -> None:
    with waitress_server(wsgi_app()) as address:
        pass

    with pytest.raises(
        CORSError, match=r"no response came: .*refused[^\n]*\n.*\n  > GET .*\n.*\n  < nothing: .*refused"
    ):
        BrowserClient(address).fetch("/")


def test_an_engine_is_played_with_its_differences() -> None:
    app = crossorigin.wsgi.CORSMiddleware(wsgi_app(), Policy(APP, allow_headers="*"))
    authorized = {"Authorization": "Bearer t"}

    assert BrowserClient(app).verdict("/", headers=authorized).code == "authorization-wildcard"
    assert BrowserClient(app, engine=Engine.CHROMIUM).verdict("/", headers=authorized).allowed


# --- what the browser keeps -------------------------------------------------------------------------------------------


def test_preflights_are_kept_until_the_client_forgets_them() -> None:
    client = BrowserClient(crossorigin.wsgi.CORSMiddleware(wsgi_app(), POLICY))

    counts = [len(client.verdict("/items", method="PUT").preflights) for _ in range(2)]
    client.clear()

    assert counts == [1, 0]
    assert len(client.verdict("/items", method="PUT").preflights) == 1


def cookie_app(*set_cookies: str, seen: Seen) -> Any:
    return wsgi_app(ALLOWED, WITH_CREDENTIALS, *(("Set-Cookie", line) for line in set_cookies), seen=seen)


def test_cookies_go_where_the_credentials_mode_says() -> None:
    seen: Seen = []
    client = BrowserClient(cookie_app("session=1; Secure", seen=seen))

    client.fetch("/", credentials="include")
    client.fetch("/")
    client.fetch("/", credentials="include")
    client.clear()
    client.fetch("/", credentials="include")

    assert [environ.get("HTTP_COOKIE") for environ in seen] == [None, None, "session=1", None]


@pytest.mark.parametrize(
    ("line", "origin", "sent"),
    [
        ("a=1", APP, "a=1"),
        ("a=1", EVIL, None),
        ("a=1; SameSite=None; Secure", EVIL, "a=1"),
        ("a=1; SameSite=None", APP, None),
    ],
)
def test_a_cookie_can_be_there_before(line: str, origin: str, sent: str | None) -> None:
    seen: Seen = []
    client = BrowserClient(cookie_app(seen=seen), origin)

    client.set_cookie(line)
    client.verdict("/", credentials="include")

    assert seen[0].get("HTTP_COOKIE") == sent


# --- misuse -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"headers": {"Cookie": "a=1"}}, "header Cookie, and browsers drop it in silence: write credentials='include'"),
        ({"headers": {"origin": EVIL}}, "header origin, and browsers .*: give the client the page's origin"),
        ({"headers": [("Host", "a")]}, "header Host, and browsers .*: give the client a base_url"),
        ({"headers": {"Sec-Fetch-Site": "none"}}, "header Sec-Fetch-Site, and browsers .*: leave it out"),
        ({"headers": {"X-A": "1"}, "mode": "no-cors"}, "in mode 'no-cors' no page can set the header X-A"),
        ({"method": "CONNECT"}, "browsers forbid it"),
        ({"method": "POST", "body": "", "json": 1}, "give either body or json"),
        ({"body": "a"}, "a GET request has no body"),
        ({"json": {}}, "a GET request has no body"),
        ({"method": "POST", "json": {}, "mode": "no-cors"}, "no page can set the header Content-Type so.*mode='cors'"),
        ({"method": "POST", "json": {}, "headers": [("X-A", 1)]}, "a header is a name and a value, both text"),
        ({"mode": "navigate"}, "mode is one of 'cors', 'no-cors', 'same-origin', not 'navigate'"),
    ],
)
def test_what_no_page_can_ask_for(options: Any, message: str) -> None:
    seen: Seen = []
    client = BrowserClient(wsgi_app(seen=seen))

    for method in (client.fetch, client.verdict):
        with pytest.raises(RequestError, match=message):
            method("/", **options)
    assert seen == []


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        BrowserClient(wsgi_app()).fetch("/", method="POST", json=float("nan"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data", r"fetch\(\) has no data: use body= or json="),
        ("params", r"fetch\(\) has no params: put them into the URL"),
        ("credential", r"fetch\(\) has no credential: use credentials="),
        ("base", r"fetch\(\) has no base: it has method, headers, body, "),
        ("x" * 500, r"fetch\(\) has no x{117}\.\.\.: it has"),
    ],
)
def test_an_option_that_fetch_does_not_have(option: str, message: str) -> None:
    client = BrowserClient(wsgi_app())
    options: Any = {option: "include"}

    for method in (client.fetch, client.verdict):
        with pytest.raises(TypeError, match=message):
            method("/", **options)


@pytest.mark.parametrize("options", [{}, {"method": "POST", "json": 1}])
def test_no_headers_can_be_said_so(options: Any) -> None:
    client = BrowserClient(crossorigin.wsgi.CORSMiddleware(wsgi_app(), Policy(APP, allow_headers="*")))

    assert client.fetch("/", headers=None, **options).ok


@pytest.mark.parametrize(
    ("engine", "instead"), [("firefox", "FIREFOX"), ("WebKit", "WEBKIT"), ("gecko", "STANDARD"), (None, "STANDARD")]
)
def test_an_engine_is_named_as_one(engine: Any, instead: str) -> None:
    with pytest.raises(TypeError, match=rf"engine is '?\w+'?: write Engine\.{instead}, which crossorigin\.testing has"):
        BrowserClient(wsgi_app(), engine=engine)


def test_an_application_is_nowhere_else() -> None:
    with pytest.raises(
        RequestError, match=r"nothing is at https://app\.example\.com: the application is at https://api\.ex"
    ):
        BrowserClient(wsgi_app()).fetch("https://app.example.com/items")


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ("app.example.com", "a browser there sends 'https://app.example.com': write that"),
        ("localhost:5173", "a browser there sends 'http://localhost:5173': write that"),
        ("https://app.example.com/", "a browser there sends 'https://app.example.com': write that"),
        ("https://app.example.com/path?q", "a browser there sends 'https://app.example.com'"),
        ("HTTPS://App.Example.com", "a browser there sends 'https://app.example.com'"),
        ("https://app.example.com:443", "a browser there sends 'https://app.example.com'"),
        ("http://app.example.com:80", "a browser there sends 'http://app.example.com'"),
        ("https://bücher.example", "a browser there sends 'https://xn--bcher-kva.example'"),
        ("capacitor://localhost/", "a browser there sends 'capacitor://localhost'"),
        ("file:///index.html", "which no page has: .* 'null' for that of a file"),
        ("*", r"origin is '\*', which no page has: write the origin of one page"),
        ("https://a b", "which no page has"),
        ("", "origin is '', which no page has: write the origin of one page, 'https://app.example.com' say"),
        (None, "origin is None, which no page has: write the origin of one page"),
        ("https://" + "X" * 9999, r"^.{90,300}$"),
    ],
)
def test_an_origin_that_no_browser_sends(origin: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BrowserClient(wsgi_app(), origin)


@pytest.mark.parametrize("origin", ["null", "http://localhost:5173", "http://[::1]:3000", "capacitor://localhost"])
def test_an_origin_that_browsers_send(origin: str) -> None:
    seen: Seen = []
    BrowserClient(wsgi_app(seen=seen), origin).verdict("/")

    assert seen[0]["HTTP_ORIGIN"] == origin


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("localhost:8000", "for it has no scheme: write 'http://localhost:8000'"),
        ("127.0.0.1:8000", r"for it has no scheme: write 'http://127\.0\.0\.1:8000'"),
        ("api.example.com/v1", r"for it has no scheme: write 'https://api\.example\.com/v1'"),
        ("ftp://api.example.com", "it is neither http nor https"),
        ("http://a b/", "is not a URL"),
        ("http://" + "x" * 9999 + "^", "^.{90,300}$"),
    ],
)
def test_a_url_where_no_application_is(text: str, message: str) -> None:
    for args, options in (((text,), {}), ((wsgi_app(),), {"base_url": text})):
        with pytest.raises(ValueError, match=message) as caught:
            BrowserClient(*args, **options)  # type: ignore[arg-type]
        assert "is not where an application can be found" in str(caught.value)


def test_a_base_url_is_text() -> None:
    with pytest.raises(TypeError, match=r"8000 is not where .*: give a URL, 'https://api\.example\.com' say"):
        BrowserClient(wsgi_app(), base_url=8000)  # type: ignore[arg-type]


def test_a_url_that_is_empty() -> None:
    with pytest.raises(ValueError, match=r"has no scheme: write 'https://api\.example\.com'"):
        BrowserClient("")


def test_a_server_is_where_its_url_says() -> None:
    with pytest.raises(TypeError, match="the URL of a server says it by itself"):
        BrowserClient("http://127.0.0.1:9", base_url="https://api.example.com")


# --- applications that fail -------------------------------------------------------------------------------------------


def test_an_exception_ends_in_a_500_and_is_the_cause() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        raise ZeroDivisionError("at work")

    with pytest.raises(
        CORSError, match=r"the application raised ZeroDivisionError\('at work'\)\n.*\n.*\n  < 500"
    ) as caught:
        BrowserClient(app).fetch("/")

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_verdict_logs_the_exception(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("at work")

    assert BrowserClient(app).verdict("/").code == "allow-origin-missing"
    assert [record.name for record in caplog.records] == ["crossorigin.testing"]
    assert "ZeroDivisionError: at work" in caplog.text


def test_a_500_with_cors_headers_is_a_response_with_its_exception() -> None:
    app = fastapi.FastAPI()
    app.add_api_route("/", lambda: 1 // 0)

    response = BrowserClient(crossorigin.asgi.CORSMiddleware(app, POLICY)).fetch("/")

    assert response.status == 500
    assert isinstance(response.exception, ZeroDivisionError)
    assert "the application raised ZeroDivisionError(" in repr(response)


@pytest.mark.parametrize(("chunks", "status"), [([], 500), ([b""], 500), ([b"half"], 200)])
def test_a_wsgi_application_that_fails_in_its_body(chunks: list[bytes], status: int) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield from chunks
            raise ZeroDivisionError

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [ALLOWED])
        return Body()

    verdict = BrowserClient(app).verdict("/")

    assert getattr(verdict.exchanges[0].response, "status", None) == status
    assert closed == [True]


@pytest.mark.parametrize(
    ("body", "status"),
    [(["str"], 500), ("str", 500), (b"bytes", 500), (None, 500), ([b"half", "str"], 200)],
    ids=["a list of text", "text", "bytes by themselves", "nothing", "text behind bytes"],
)
def test_a_wsgi_body_that_is_not_made_of_bytes(body: Any, status: int, caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [ALLOWED])
        return body

    client = BrowserClient(app)

    assert client.verdict("/").exchanges[0].response.status == status  # type: ignore[union-attr]
    assert "TypeError" in caplog.text
    if status == 500:
        with pytest.raises(CORSError, match="the application raised TypeError") as caught:
            client.fetch("/")
        assert isinstance(caught.value.__cause__, TypeError)
    else:
        response = client.fetch("/")
        assert (response.text, type(response.exception)) == ("half", TypeError)


def test_what_a_wsgi_application_writes_is_bytes() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [ALLOWED])("str")
        return []

    with pytest.raises(CORSError, match="a body is made of bytes, and the application gave 'str'"):
        BrowserClient(app).fetch("/")


def test_an_asgi_body_that_is_not_bytes() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"access-control-allow-origin", b"*")]})
        await send({"type": "http.response.body", "body": "str"})

    response = BrowserClient(app).fetch("/")

    assert (response.text, type(response.exception)) == ("", TypeError)


def test_a_wsgi_application_may_start_late_and_write() -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        write = start_response("200 OK", [ALLOWED])
        write(b"one ")
        yield b"two"

    assert BrowserClient(app).fetch("/").text == "one two"


def test_a_wsgi_application_that_never_starts() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        return []

    with pytest.raises(CORSError, match="never called start_response"):
        BrowserClient(app).fetch("/")


def test_an_asgi_application_that_never_answers() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"access-control-allow-origin", b"*")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    with pytest.raises(CORSError, match=r"returned before it sent .*http\.response\.start"):
        BrowserClient(silent).fetch("/")
    response = BrowserClient(half).fetch("/")
    assert (response.text, type(response.exception)) == ("half", RuntimeError)


# --- the lifespan, and event loops ------------------------------------------------------------------------------------


def lifespan_app(events: list[str], **failing: Exception) -> fastapi.FastAPI:
    @asynccontextmanager
    async def lifespan(app: fastapi.FastAPI) -> Any:
        events.append(f"startup in {id(asyncio.get_running_loop())}")
        if "startup" in failing:
            raise failing["startup"]
        yield {"pool": "open"}
        if "shutdown" in failing:
            raise failing["shutdown"]
        events.append(f"shutdown in {id(asyncio.get_running_loop())}")

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/")
    async def pool(request: StarletteRequest) -> JSONResponse:
        events.append(f"request in {id(asyncio.get_running_loop())}")
        return JSONResponse(getattr(request.state, "pool", None), headers=dict([ALLOWED]))

    return app


def test_a_with_statement_runs_the_lifespan_in_one_loop() -> None:
    events: list[str] = []

    with BrowserClient(lifespan_app(events)) as client:
        assert [client.fetch("/").json(), client.fetch("/").json()] == ["open", "open"]

    assert len({event.partition(" in ")[2] for event in events}) == 1
    assert [event.partition(" in ")[0] for event in events] == ["startup", "request", "request", "shutdown"]


def test_without_a_with_statement_there_is_no_lifespan() -> None:
    events: list[str] = []
    client = BrowserClient(lifespan_app(events))

    assert [client.fetch("/").json(), client.fetch("/").json()] == [None, None]
    assert len(set(events)) == 1
    client.close()


def test_a_client_that_is_not_closed_leaves_no_warning() -> None:
    client = BrowserClient(asgi_app(ALLOWED))
    client.fetch("/")

    del client
    gc.collect()  # a loop that is left open would warn here, and fail the test


@pytest.mark.parametrize("app", [asgi_app(ALLOWED), wsgi_app(ALLOWED)], ids=["ASGI", "WSGI"])
def test_a_closed_client_is_closed_once_and_for_all(app: Any) -> None:
    client = BrowserClient(app)
    client.fetch("/")

    client.close()
    client.close()

    for use in (client.__enter__, lambda: client.fetch("/"), lambda: client.verdict("/")):
        with pytest.raises(RuntimeError, match="this client is closed: make a new one"):
            use()


@pytest.mark.parametrize("app", [asgi_app(ALLOWED), wsgi_app(ALLOWED)], ids=["ASGI", "WSGI"])
def test_an_asynchronous_client_is_closed_once_and_for_all(app: Any) -> None:
    async def use() -> None:
        async with AsyncBrowserClient(app) as client:
            await client.fetch("/")
            await client.aclose()
        await client.aclose()
        for using in (client.__aenter__, lambda: client.fetch("/"), lambda: client.verdict("/")):
            with pytest.raises(RuntimeError, match="this client is closed: make a new one"):
                await using()

    asyncio.run(use())


def test_a_client_that_is_entered_twice_starts_and_ends_once() -> None:
    events: list[str] = []

    with BrowserClient(lifespan_app(events)) as client, client:
        assert client.fetch("/").ok

    assert [event.partition(" in ")[0] for event in events] == ["startup", "request", "shutdown"]


def test_an_asynchronous_client_that_is_entered_twice_starts_and_ends_once() -> None:
    events: list[str] = []

    async def use() -> None:
        async with AsyncBrowserClient(lifespan_app(events)) as client, client:
            assert (await client.fetch("/")).ok

    asyncio.run(use())

    assert [event.partition(" in ")[0] for event in events] == ["startup", "request", "shutdown"]


@pytest.mark.parametrize("when", ["startup", "shutdown"])
def test_an_error_in_the_lifespan_is_raised(when: str) -> None:
    def use() -> None:
        with BrowserClient(lifespan_app([], **{when: ZeroDivisionError("in the lifespan")})) as client:
            client.fetch("/")

    with pytest.raises(ZeroDivisionError, match="in the lifespan"):
        use()


def test_a_failure_without_an_exception_is_raised_too() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="the application's startup failed: no database"):
        BrowserClient(app).__enter__()


@pytest.mark.parametrize(
    "app",
    [
        asgi_app(ALLOWED),  # raises on a scope that it does not know
        crossorigin.asgi.CORSMiddleware(asgi_app(), POLICY),
    ],
)
def test_an_application_without_a_lifespan_works_in_a_with_statement(app: Any) -> None:
    with BrowserClient(app) as client:
        assert client.fetch("/").ok


def test_an_application_that_takes_a_lifespan_for_a_request_has_none() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"access-control-allow-origin", b"*")]})
        await send({"type": "http.response.body", "body": b""})

    with BrowserClient(app) as client:
        assert client.fetch("/").ok


def test_the_plain_client_has_no_place_in_an_event_loop() -> None:
    client = BrowserClient(asgi_app(ALLOWED))

    async def use() -> None:
        client.fetch("/")

    async def close() -> None:
        client.close()

    for misuse in (use, close):
        with pytest.raises(RuntimeError, match="use AsyncBrowserClient"):
            asyncio.run(misuse())


def test_a_wsgi_application_runs_in_the_thread_of_the_test() -> None:
    threads = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        threads.append(threading.current_thread())
        start_response("200 OK", [ALLOWED])
        return []

    async def use() -> None:
        async with AsyncBrowserClient(app) as client:
            await client.fetch("/")

    with BrowserClient(app) as client:
        client.fetch("/")
    asyncio.run(use())

    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


def test_the_asynchronous_client_does_what_the_plain_one_does() -> None:
    events: list[str] = []

    async def use() -> None:
        async with AsyncBrowserClient(lifespan_app(events)) as client:
            one, other = await asyncio.gather(client.fetch("/"), client.fetch("/"))
            assert (one.json(), other.json()) == ("open", "open")
            assert (await client.verdict("/", method="PUT")).code == "allow-origin-missing"
            with pytest.raises(CORSError):
                await client.fetch("/", method="PUT")
            with pytest.raises(RequestError):
                await client.fetch("/", headers={"Cookie": "a=1"})

    asyncio.run(use())

    assert [event.partition(" in ")[0] for event in events] == ["startup", "request", "request", "shutdown"]


# --- servers ----------------------------------------------------------------------------------------------------------


async def aiohttp_items(request: web.Request) -> web.Response:
    return web.json_response([1], headers=dict([ALLOWED]))


def test_the_asynchronous_client_tests_a_server_in_its_own_loop() -> None:
    async def use() -> None:
        app = web.Application()
        app.router.add_get("/items", aiohttp_items)
        async with TestServer(app) as server, AsyncBrowserClient(str(server.make_url("/"))) as client:
            assert (await client.fetch("/items")).json() == [1]

    asyncio.run(use())


def test_the_plain_client_tests_a_server() -> None:
    app = web.Application()
    app.router.add_get("/items", aiohttp_items)

    with aiohttp_server(app) as address, BrowserClient(address) as client:
        assert client.fetch("/items").json() == [1]
        assert client.fetch(f"{address}/items").json() == [1]


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with waitress_server(wsgi_app(ALLOWED)) as address:
        assert BrowserClient(address).fetch("/").ok


def test_without_httpx_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("crossorigin.testing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx", None)

    with pytest.raises(ImportError, match=r"pip install 'crossorigin\[testing\]'"):
        __import__("crossorigin.testing")
