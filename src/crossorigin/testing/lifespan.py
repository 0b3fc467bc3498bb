"""An ASGI application's startup and shutdown, as a server runs them.

Owns the lifespan protocol (https://asgi.readthedocs.io/en/latest/specs/lifespan.html) from the server's side, in one
task, so that what the application opens in it is closed in it. Knows nothing of requests.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
Message = MutableMapping[str, Any]


class Lifespan:
    """The lifespan of one application.

    Args:
        app: The application.

    Attributes:
        state: What the application keeps for its requests; every request gets a copy of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._takes_part = False
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        # What the application says, in order. An exception or None is its end.
        self._answers: asyncio.Queue[Message | Exception | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the startup, if the application has one.

        Raises:
            Exception: What the application raised.
            RuntimeError: It says that the startup failed, and raised nothing.
        """
        self._task = asyncio.create_task(self._run())
        await self._play("startup")

    async def stop(self) -> None:
        """Run the shutdown, if the application has one and was started.

        Raises:
            Exception: As for `start`.
        """
        if self._task is not None and not self._task.done():
            await self._play("shutdown")
            await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        end: Exception | None = None
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:
            # The protocol lets an application raise on a scope that it does not know. One that asked for the first
            # event knows it, and its error is the developer's to see.
            end = error if self._takes_part else None
        self._answers.put_nowait(end)

    async def _receive(self) -> Message:
        self._takes_part = True
        return await self._messages.get()

    async def _send(self, message: Message) -> None:
        self._answers.put_nowait(message)

    async def _play(self, event: str) -> None:
        self._messages.put_nowait({"type": f"lifespan.{event}"})
        answer = await self._answers.get()
        failure = answer.get("message") if isinstance(answer, MutableMapping) else None
        failed = isinstance(answer, MutableMapping) and answer["type"].endswith(".failed")
        if failed:
            answer = await self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        if failed:
            raise RuntimeError(f"the application's {event} failed: {failure or 'it does not say why'}")
