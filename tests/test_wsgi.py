"""The WSGI adapter: what frameworks and servers do beyond the shared situations (PEP 3333)."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from conformance.messages import Request, Response
from conformance.stacks.wsgi import ask_wsgi, environ_of, wsgi_api
from crossorigin import Policy
from crossorigin.wsgi import CORSMiddleware

APP = "https://app.example.com"
POLICY = Policy([APP, "https://*.example.org"])

Environ = dict[str, Any]
Start = Callable[..., Any]


def ask(app: Callable[[Environ, Start], Iterable[bytes]], request: Request | None = None) -> Response:
    return ask_wsgi(CORSMiddleware(app, POLICY), request or Request.actual(APP))


def fail(data: bytes) -> bytes:
    raise LookupError(data)


def test_headers_in_any_case_are_replaced_and_merged() -> None:
    def app(environ: Environ, start_response: Start) -> list[bytes]:
        start_response("200 OK", [("ACCESS-CONTROL-Allow-Origin", "*"), ("VARY", "Accept")])
        return [b"ok"]

    response = ask(app)

    assert response.cors == {"allow-origin": APP}
    assert response.vary == ["accept", "origin"]


def test_the_header_list_of_the_application_is_not_changed() -> None:
    headers = [("X-A", "1")]

    def app(environ: Environ, start_response: Start) -> list[bytes]:
        start_response("200 OK", headers)
        return []

    ask(app)

    assert headers == [("X-A", "1")]


def test_a_response_that_starts_with_its_first_piece() -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""
        yield b"late"

    response = ask(app)

    assert (response.status, response.body, response.cors) == (200, b"late", {"allow-origin": APP})


def test_start_response_twice_with_exc_info() -> None:
    def app(environ: Environ, start_response: Start) -> list[bytes]:
        start_response("200 OK", [("X-A", "1")])
        try:
            raise LookupError
        except LookupError:
            start_response("502 Bad Gateway", [("X-B", "1")], sys.exc_info())
        return [b"sorry"]

    response = ask(app)

    assert (response.status, response.body, response.cors) == (502, b"sorry", {"allow-origin": APP})
    assert response.get("x-a") is None


def test_the_write_callable() -> None:
    def app(environ: Environ, start_response: Start) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"old ")
        return [b"style"]

    response = ask(app)

    assert (response.body, response.cors) == (b"old style", {"allow-origin": APP})


@pytest.mark.parametrize("announce", [False, True], ids=["before start_response", "behind start_response"])
@pytest.mark.parametrize("lazily", [False, True], ids=["when called", "when iterated over"])
def test_s12_an_exception_before_data_becomes_a_500_and_is_raised_on(announce: bool, lazily: bool) -> None:
    def pieces(start_response: Start) -> Iterator[bytes]:
        if announce:
            start_response("200 OK", [("Content-Length", "4")])
        yield from map(fail, [b"data"])

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        return pieces(start_response) if lazily else list(pieces(start_response))

    response = ask(app)

    assert (response.status, response.body, response.cors) == (500, b"Internal Server Error", {"allow-origin": APP})
    assert response.get("content-length") == "21"
    assert isinstance(response.error, LookupError)


@pytest.mark.parametrize("by_write", [False, True], ids=["by iteration", "by write()"])
def test_s12_an_exception_behind_data_is_only_raised_on(by_write: bool) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        write = start_response("200 OK", [])
        if by_write:
            write(b"half")
        else:
            yield b"half"
        raise LookupError

    response = ask(app)

    assert (response.status, response.body) == (200, b"half")
    assert isinstance(response.error, LookupError)


class Closing:
    """A body that counts how often it is closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("iterate", [True, False], ids=["read", "never read"])
def test_close_is_called_once(iterate: bool) -> None:
    body = Closing(b"a", b"b")

    def app(environ: Environ, start_response: Start) -> Closing:
        start_response("200 OK", [])
        return body

    answer: Any = CORSMiddleware(app, POLICY)(environ_of(Request.actual(APP)), lambda *_: lambda data: None)
    if iterate:
        assert list(answer) == [b"a", b"b"]
    answer.close()

    assert body.closed == 1


def test_lists_and_file_wrappers_reach_the_server_as_they_are() -> None:
    class FileWrapper:
        def __init__(self, file: io.BytesIO) -> None:
            self.file = file

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.file)

    file = FileWrapper(io.BytesIO(b"file"))
    for body in (file, [b"list"], (b"tuple",)):

        def app(environ: Environ, start_response: Start, body: Any = body) -> Any:
            start_response("200 OK", [])
            return body

        environ = environ_of(Request.actual(APP)) | {"wsgi.file_wrapper": FileWrapper}

        assert CORSMiddleware(app, POLICY)(environ, lambda *_: lambda data: None) is body


def test_a_file_wrapper_that_is_no_class() -> None:
    environ = environ_of(Request.actual(APP)) | {"wsgi.file_wrapper": lambda file: file}

    body = CORSMiddleware(wsgi_api, POLICY)(environ, lambda *_: lambda data: None)

    assert list(body) == [b"items"]


def test_an_async_check_is_refused_when_the_adapter_is_built() -> None:
    async def check(origin: str) -> bool:
        return True

    with pytest.raises(TypeError, match="is async, and WSGI cannot await it; write it as a plain def"):
        CORSMiddleware(wsgi_api, Policy(APP, allow_origin_check=check))


def test_s11_of_two_policies_the_inner_one_decides() -> None:
    inner = Policy("https://inner.example", allow_methods=["PUT"], max_age=None)
    outer = Policy(["https://outer.example", "https://inner.example"], allow_credentials=True)
    app = CORSMiddleware(CORSMiddleware(wsgi_api, inner), outer)

    assert ask_wsgi(app, Request.actual("https://inner.example")).cors == {"allow-origin": "https://inner.example"}
    assert ask_wsgi(app, Request.actual("https://outer.example")).cors == {}
    assert ask_wsgi(app, Request.preflight("https://outer.example")).status == 403
    assert ask_wsgi(app, Request.preflight("https://inner.example")).cors == {
        "allow-origin": "https://inner.example",
        "allow-methods": "PUT",
    }


def test_s11_an_inner_policy_below_a_path_writes_the_responses_there() -> None:
    inner = CORSMiddleware(wsgi_api, Policy("*"))

    def router(environ: Environ, start_response: Start) -> Iterable[bytes]:
        app = inner if environ["PATH_INFO"] in ("/counted", "/fails") else wsgi_api
        return app(environ, start_response)

    app = CORSMiddleware(router, Policy(APP, allow_credentials=True))

    assert ask_wsgi(app, Request.actual("https://evil.example", "/counted")).cors == {"allow-origin": "*"}
    assert ask_wsgi(app, Request.actual("https://evil.example", "/fails")).cors == {"allow-origin": "*"}
    assert ask_wsgi(app, Request.actual("https://evil.example", "/items")).cors == {}
    assert ask_wsgi(app, Request.actual(APP, "/items")).cors == {"allow-origin": APP, "allow-credentials": "true"}


def test_flasks_wsgi_app_idiom_counts_as_inner() -> None:
    class Framework:
        def __init__(self) -> None:
            self.wsgi_app: Any = CORSMiddleware(wsgi_api, Policy("https://inner.example", max_age=None))

        def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
            return self.wsgi_app(environ, start_response)  # type: ignore[no-any-return]

    app = CORSMiddleware(Framework(), Policy("https://outer.example"))

    assert ask_wsgi(app, Request.preflight("https://inner.example", "GET")).status == 204
    assert ask_wsgi(app, Request.preflight("https://outer.example", "GET")).status == 403


@pytest.mark.parametrize("status", [200, 299])
def test_preflight_status_is_the_users_choice(status: int) -> None:
    response = ask_wsgi(CORSMiddleware(wsgi_api, POLICY, preflight_status=status), Request.preflight(APP, "GET"))

    assert response.status == status
    assert response.get("content-length") == "0"
