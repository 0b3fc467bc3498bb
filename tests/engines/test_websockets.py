"""S17 with real pages: whose handshakes each server accepts, and what the engines send with one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from aiohttp import web

import crossorigin.aiohttp
from conformance.engines import Engine
from conformance.engines.network import PAGE, Network, Request, response
from conformance.pages import FOREIGN, PAGES, Page, credentialed
from conformance.servers import aiohttp_server, uvicorn_server
from crossorigin import Policy
from crossorigin.asgi import CORSMiddleware, Receive, Scope, Send

API = "api.example.com"
PAGE_SOURCE = b"<!doctype html><title>the API's own page</title>"

# What comes of a handshake: the answer to a message, or nothing, after which the server must still be there.
EXCHANGE = """
const [url, http] = arguments;
const socket = new WebSocket(url);
const answer = await new Promise((resolve) => {
    socket.onopen = () => socket.send("hello");
    socket.onmessage = (message) => resolve(message.data);
    socket.onerror = socket.onclose = () => resolve(null);
});
socket.close();
return answer ?? (await fetch(http, { mode: "no-cors" })).type;
"""
REFUSED = "opaque"


def asgi_echo(accepted: list[str]) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": PAGE_SOURCE})
            return
        accepted.append(dict(scope["headers"])[b"origin"].decode())
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            else:
                await send({"type": "websocket.send", "text": f"{message['text']}, page"})

    return app


def aiohttp_echo(accepted: list[str], policy: Policy) -> web.Application:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path != "/ws":
            return web.Response(body=PAGE_SOURCE, content_type="text/html")
        accepted.append(request.headers["Origin"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{message.data}, page")
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    crossorigin.aiohttp.setup(app, policy)
    return app


SERVERS: dict[str, Callable[[list[str], Policy], AbstractContextManager[str]]] = {
    "uvicorn-websockets": lambda accepted, policy: uvicorn_server(
        CORSMiddleware(asgi_echo(accepted), policy), ws="websockets-sansio"
    ),
    "uvicorn-wsproto": lambda accepted, policy: uvicorn_server(
        CORSMiddleware(asgi_echo(accepted), policy), ws="wsproto"
    ),
    "aiohttp": lambda accepted, policy: aiohttp_server(aiohttp_echo(accepted, policy)),
}


def origin_of(network: Network, page: Page) -> str:
    return network.origin(page.scheme, page.host or API, other_port=page.other_port)


@pytest.mark.parametrize("server", SERVERS)
def test_s17_allowed_and_own_pages_exchange_messages_and_foreign_ones_are_refused(
    engine: Engine, network: Network, judged: Callable[[str, Engine, int], None], server: str
) -> None:
    api = network.origin("https", API)
    accepted: list[str] = []
    got = {}

    with SERVERS[server](accepted, credentialed(network.origin)) as address, network.relay(API, address):
        for name, page in PAGES.items():
            engine.visit(origin_of(network, page) + PAGE)
            run = engine.run_sandboxed if page.sandboxed else engine.run
            got[name] = run(EXCHANGE, f"{api.replace('http', 'ws', 1)}/ws", f"{api}/")

    judged("our servers", engine, len(PAGES))
    assert got == {name: REFUSED if name in FOREIGN else "hello, page" for name in PAGES}
    assert accepted == [origin_of(network, page) for name, page in PAGES.items() if name not in FOREIGN]


@pytest.mark.parametrize(("page", "site"), [("own", "same-origin"), ("app", "same-site"), ("evil", "cross-site")])
def test_engines_send_origin_with_a_handshake_and_all_but_chromium_say_from_which_site(
    engine: Engine, network: Network, page: str, site: str
) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> bytes:
        seen.append(request)
        return response(403 if request.get("upgrade") else 200)

    engine.visit(origin_of(network, PAGES[page]) + PAGE)
    api = network.origin("https", API)
    with network.serving(handler):
        engine.run(EXCHANGE, f"{api.replace('http', 'ws', 1)}/ws", f"{api}/")

    handshake = next(request for request in seen if request.get("upgrade"))
    assert handshake.get("origin") == origin_of(network, PAGES[page])
    assert handshake.get("sec-fetch-site") == (None if engine.name == "chromium" else site)
