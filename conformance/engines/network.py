"""What the pages of the tests are served by: HTTP/1.1 on raw sockets of loopback, with TLS, for every name there is.

It sends the very bytes that a test's handler returns, so that malformed answers reach the browser too, and hands on
connections to real servers, as a proxy does that terminates TLS. Knows nothing of CORS.

Inside the namespace the origins are ``https://app.example.com`` and the like, without a port; elsewhere they are names
below localhost, with ports. `Network.origin` tells which.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import trustme

from .names import LOOPBACK, in_namespace, names, reachable

PORTS = {"http": 80, "https": 443}
PAGE = "/page"
PAGE_SOURCE = b'<!doctype html><link rel="icon" href="data:,"><title>page</title>'  # asks for nothing by itself
LONGEST_HEAD = 2**20


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        scheme: ``"http"`` or ``"https"``.
        host: The value of ``Host``, with its port.
        method: As sent.
        target: What stands between the method and the version: path and query.
        headers: The header lines, in their order and their case.
        body: The body.
    """

    scheme: str
    host: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """Return the value of the first header line called *name*, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


Handler = Callable[[Request], bytes]


def response(status: int = 200, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """Return a well-formed response, with the body's length where a response has one."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    if status >= 200 and status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Network:
    """The servers of one test run. An empty page is at `PAGE` of every origin; the rest is what a test makes it."""

    def __init__(self) -> None:
        self._handler: Handler = _nothing
        self._errors: list[BaseException] = []
        self._relays: dict[str, str] = {}
        self._ports: dict[tuple[str, bool], int] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._executor = ThreadPoolExecutor(1)  # in which handlers run, one at a time

    def origin(self, scheme: str, host: str, *, other_port: bool = False) -> str:
        """Return the origin of *host* here, such as ``https://app.example.com``.

        Args:
            scheme: ``"http"`` or ``"https"``.
            host: One of the names in `names.HOSTS`, or ``127.0.0.1``.
            other_port: Whether the one that differs by its port alone is meant.
        """
        port = self._ports[scheme, other_port]
        return f"{scheme}://{reachable(host)}" + (f":{port}" if port != PORTS[scheme] else "")

    @contextmanager
    def serving(self, handler: Handler) -> Iterator[None]:
        """Answer every request with what *handler* returns, until the end of the block.

        Requests for `PAGE` are answered with the empty page, and those to an origin that is handed on do not get here.
        The handler is called in another thread, for one request at a time. An error that it raises closes the
        connection, and is raised again at the end of the block.
        """
        self._handler = handler
        self._errors.clear()
        try:
            yield
        finally:
            self._handler = _nothing
            if self._errors:
                raise self._errors[0]

    @contextmanager
    def relay(self, host: str, address: str) -> Iterator[None]:
        """Hand the connections to *host*, whatever its scheme, on to the server at *address* (``http://host:port``)."""
        name = reachable(host)
        self._relays[name] = urlsplit(address).netloc
        try:
            yield
        finally:
            del self._relays[name]

    async def run(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Serve until *stop* is set; call *ready* once everything listens."""
        servers = []
        try:
            for scheme, other_port in [(scheme, other) for scheme in PORTS for other in (False, True)]:
                listener = _listener(PORTS[scheme] if in_namespace() and not other_port else 0)
                self._ports[scheme, other_port] = listener.getsockname()[1]
                context = _certified() if scheme == "https" else None
                servers.append(
                    await asyncio.start_server(self._accept(scheme), sock=listener, ssl=context, limit=LONGEST_HEAD)
                )
            ready()
            await stop.wait()
        finally:
            for server in servers:
                server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            self._executor.shutdown()

    def _accept(self, scheme: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = asyncio.create_task(self._serve(scheme, reader, writer))
            self._connections.add(connection)
            connection.add_done_callback(self._connections.discard)

        return accept

    async def _serve(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side has had enough, and wait until it is closed."""
        try:
            with suppress(OSError, asyncio.IncompleteReadError):  # when the browser goes away
                await self._converse(scheme, reader, writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        except asyncio.CancelledError:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
            raise

    async def _converse(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_still = True
        while open_still:
            head = await reader.readuntil(b"\r\n\r\n")
            request = _parse(scheme, head)
            address = self._relays.get(request.host.partition(":")[0])
            if address is not None:
                await _hand_on(head, reader, writer, address)
                return
            request = replace(request, body=await reader.readexactly(int(request.get("content-length") or 0)))
            answer = await self._answer(request)
            writer.write(answer)
            await writer.drain()
            open_still = _ends_by_itself(request, answer)

    async def _answer(self, request: Request) -> bytes:
        if request.target == PAGE:
            return response(200, [("Content-Type", "text/html")], PAGE_SOURCE)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._handler, request)
        except Exception as error:
            self._errors.append(error)
            raise ConnectionAbortedError from error


@contextmanager
def loopback() -> Iterator[Network]:
    """Serve on loopback until the end of the block.

    Raises:
        OSError: If ports 80 and 443 of the namespace are taken: only one process in it can do this at a time.
    """
    served = Network()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(served.run(ready.set, stop))
        finally:
            ready.set()

    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(run)
        ready.wait()
        try:
            if not running.done():
                yield served
        finally:
            if not running.done():
                loop.call_soon_threadsafe(stop.set)
            running.result()


def _nothing(request: Request) -> bytes:
    return response(404, [("Content-Type", "text/plain")], b"nothing is served here")


def _listener(port: int) -> socket.socket:
    # The protocol is named so that asyncio sets TCP_NODELAY: small answers would wait for an acknowledgement otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener


def _certified() -> ssl.SSLContext:
    """Return a server's side of TLS, with a certificate for every name that no browser knows the authority of."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(LOOPBACK, *names(), "*.localhost").configure_cert(context)
    return context


def _parse(scheme: str, head: bytes) -> Request:
    start, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = start.split(" ", 2)
    pairs = [line.partition(":") for line in lines]
    headers = tuple((name, value.strip(" \t")) for name, _, value in pairs)
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return Request(scheme, host, method, target, headers)


def _ends_by_itself(request: Request, answer: bytes) -> bool:
    """Return whether the client sees where *answer* ends, or the end of the connection must tell it."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    if b"\r\nconnection: close" in head:
        return False
    bodiless = request.method == "HEAD" or head[9:12] in (b"204", b"304")
    return bodiless or b"\r\ncontent-length:" in head or b"\r\ntransfer-encoding:" in head


async def _hand_on(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
    """Carry bytes both ways between a browser, which has sent *head*, and the server at *address*."""
    host, _, port = address.partition(":")
    server_reader, server_writer = await asyncio.open_connection(host, int(port))
    try:
        server_writer.write(head)
        ways = {
            asyncio.create_task(_carry(reader, server_writer)),
            asyncio.create_task(_carry(server_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    finally:
        server_writer.close()
        with suppress(OSError):
            await server_writer.wait_closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
