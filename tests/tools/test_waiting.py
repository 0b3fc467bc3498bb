"""What `crossorigin explain` waits for: the begin of an answer, from a server or an application in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from conformance.servers import uvicorn_server
from crossorigin.browser import HTTPRequest, HTTPResponse
from crossorigin.tools import playing, waiting
from crossorigin.tools.playing import Page, play
from crossorigin.tools.source import Address, Application
from crossorigin.tools.terminal import WrongUse

from .mistakes import APP

ALLOWING = [(b"access-control-allow-origin", APP.encode())]


async def allowing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": ALLOWING})
    await send({"type": "http.response.body", "body": b""})


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 1000


async def mute() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


@pytest.mark.parametrize("body", [endless, mute])
def test_an_answer_without_an_end_is_an_answer(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    monkeypatch.setattr(waiting, "_MOMENT", 0.1)
    app = FastAPI()

    @app.get("/")
    async def stream() -> StreamingResponse:
        return StreamingResponse(body(), headers={"Access-Control-Allow-Origin": APP})

    played = play(Application(app, "app:app"), Page(APP))

    assert (played.allowed, played.raised) == (True, None)


def test_nor_has_that_of_a_wsgi_application_to_end() -> None:
    closed: list[bool] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Access-Control-Allow-Origin", APP)])
        try:
            yield b""
            while True:
                yield b"x"
        finally:
            closed.append(True)

    verdict = play(Application(app, "app:app"), Page(APP)).verdict

    assert verdict.response is not None
    assert (verdict.response.body, closed) == (b"x", [True])


def test_what_is_raised_after_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await allowing(scope, receive, send)
        await asyncio.sleep(0.1)
        raise LookupError("afterwards")

    monkeypatch.setattr(waiting, "_MOMENT", 0.01)

    assert repr(play(Application(app, "app:app"), Page(APP)).raised) == "LookupError('afterwards')"


def test_an_application_is_told_by_its_own_name() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        pass

    assert "silent" in str(play(Application(silent, "app:app"), Page(APP)).raised)
    assert "no_answer" in str(play(Application(no_answer, "app:app"), Page(APP)).raised)


def no_answer(environ: Any, start_response: Any) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    ("path", "asked"), [(None, "/items?a=1"), ("/", "/"), ("/x", "/x"), ("y", "/y"), ("?b", "/items?b")]
)
def test_a_path_is_one_at_the_server_and_no_path_is_that_of_the_url(path: str | None, asked: str) -> None:
    with uvicorn_server(allowing) as address:
        played = play(Address(f"{address}/items?a=1"), Page(APP, path=path), send=True)

    assert played.verdict.exchanges[-1].request.url == f"{address}{asked}"


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that knows ``localhost``, and nothing below it."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **more: Any) -> Any:
        if str(host).endswith(".localhost"):
            raise socket.gaierror("no such name")
        return resolve(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("no_names")
def test_names_below_localhost_are_this_machine() -> None:
    hosts: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        hosts.extend(value.decode() for name, value in scope["headers"] if name == b"host")
        await allowing(scope, receive, send)

    with uvicorn_server(app) as address:
        port = address.rpartition(":")[2]
        assert play(Address(f"http://app.localhost:{port}/"), Page(APP), send=True).allowed

    assert hosts == [f"app.localhost:{port}"]


@pytest.mark.usefixtures("no_names")
def test_a_certificate_of_ones_own_is_trusted_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("app.localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    with uvicorn_server(allowing, ssl_certfile=tmp_path / "server.pem") as address:
        target = Address(f"https://app.localhost:{address.rpartition(':')[2]}/")
        with pytest.raises(
            WrongUse, match=r"certificate verify failed.*; SSL_CERT_FILE names a file of certificates to"
        ):
            play(target, Page(APP), send=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert play(target, Page(APP), send=True).allowed


def test_of_the_environment_no_proxy_counts_and_of_a_url_no_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    authorizations: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        authorizations.extend(value for name, value in scope["headers"] if name == b"authorization")
        await allowing(scope, receive, send)

    with uvicorn_server(app) as address:
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")  # where nobody listens
        sender = waiting.HeadersOnly(5)
        try:
            url = f"{address.replace('://', '://me:secret@')}/"
            answer = sender.send(HTTPRequest("GET", url))
        finally:
            sender.close()

    assert isinstance(answer, HTTPResponse)
    assert authorizations == []


def test_a_server_has_as_long_as_an_application() -> None:
    assert playing._SECONDS == 10
