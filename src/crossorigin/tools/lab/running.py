"""A lab from its start to its end: the sockets, the stacks and the site, in one event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from socket import socket
from typing import Any, TypeVar

from ..terminal import last_line
from .bench import Bench
from .servers import host_at, listeners, port_of, serve, silenced, uvicorn_server
from .site import site
from .situations import HOSTS
from .stacks import STACKS

T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """A running lab.

    Attributes:
        address: Of its page.
        bench: What it knows.
    """

    address: str
    bench: Bench
    _loop: asyncio.AbstractEventLoop

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run *call* in the lab's event loop, and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


@contextmanager
def running_lab(policy: str | None = None, port: int = 0) -> Iterator[Lab]:
    """Run a lab on loopback until the end of the block.

    Args:
        policy: The text with which the page begins; the first situation's if there is none.
        port: That of the page; 0 for one that is free.

    Raises:
        OSError: If the port is in use.
    """
    sockets = listeners(port)
    try:
        others = listeners(0)
    except BaseException:
        _close(sockets)
        raise
    ports = port_of(sockets[0]), port_of(others[0])
    origins = {word: f"http://{host_at(host, ports[second])}" for word, (host, second) in HOSTS.items()}
    bench = Bench(policy or "", origins, given=policy is not None)
    if policy is None:
        bench.policy = bench.situations[0].policy
    started: Future[asyncio.AbstractEventLoop] = Future()
    stop = asyncio.Event()
    thread = threading.Thread(target=_run, args=(bench, ports, [*sockets, *others], started, stop), name="lab")
    with silenced():
        thread.start()
        try:
            loop = started.result()
            yield Lab(f"http://{host_at('localhost', ports[0])}/", bench, loop)
        finally:
            if not started.cancelled() and started.exception() is None:
                started.result().call_soon_threadsafe(stop.set)
            thread.join()


def _run(
    bench: Bench,
    ports: tuple[int, int],
    sockets: list[socket],
    started: "Future[asyncio.AbstractEventLoop]",
    stop: asyncio.Event,
) -> None:
    async def main() -> None:
        async with AsyncExitStack() as serving:
            for stack in STACKS:
                if stack.missing is None:
                    try:
                        app = stack.build(bench.rules, bench.journal)
                    except Exception as error:  # of a framework that is installed, and does not import, say
                        bench.failed[stack.key] = f"does not start: {last_line(error)}"
                        continue
                    bench.addresses[stack.key] = await serving.enter_async_context(serve(stack.kind, app))
            await serving.enter_async_context(uvicorn_server(site(bench, *ports), sockets))
            started.set_result(asyncio.get_running_loop())
            await stop.wait()

    try:
        asyncio.run(main())
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)
    finally:
        _close(sockets)


def _close(sockets: list[socket]) -> None:
    for listener in sockets:
        listener.close()
