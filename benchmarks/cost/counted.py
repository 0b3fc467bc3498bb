"""The program whose instructions are counted: plays batches of requests, and marks where each begins and ends.

`instructions` runs it under valgrind, which writes a profile whenever `sched_yield` is called: a function of the C
library that nothing else here calls. In between lies one batch. It imports nothing that it does not measure, since all
of it runs fifty times slower.
"""

import asyncio
import gc
import logging
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from .carrying import Asgi, Carrier, Wsgi
from .kinds import KINDS
from .plain import (
    AsgiLimit,
    WsgiLimit,
    bare_asgi,
    bare_wsgi,
    with_crossorigin_asgi,
    with_crossorigin_wsgi,
)

REQUESTS = 100  # in a batch


class Counted(NamedTuple):
    """One application: the stack and the role by which it is known, and how it is made and asked."""

    stack: str
    role: str
    build: Callable[[], Any]
    carrier: Carrier


COUNTED = (
    Counted("ASGI", "bare", lambda: bare_asgi, Asgi()),
    Counted("ASGI", "limit", lambda: AsgiLimit(bare_asgi), Asgi()),
    Counted("ASGI", "crossorigin", lambda: with_crossorigin_asgi(bare_asgi), Asgi()),
    Counted("WSGI", "bare", lambda: bare_wsgi, Wsgi()),
    Counted("WSGI", "limit", lambda: WsgiLimit(bare_wsgi), Wsgi()),
    Counted("WSGI", "crossorigin", lambda: with_crossorigin_wsgi(bare_wsgi), Wsgi()),
)
BATCHES = tuple((counted.stack, counted.role, kind.name) for counted in COUNTED for kind in KINDS)  # in their order


async def play() -> None:
    """Play all batches, each between two marks."""
    for counted in COUNTED:
        app = counted.build()
        for kind in KINDS:
            await (await counted.carrier.batch(app, kind.repeated(20)))()  # by now Python has specialised its code
            batch = await counted.carrier.batch(app, kind.repeated(REQUESTS))
            os.sched_yield()
            await batch()
            os.sched_yield()


if __name__ == "__main__":
    gc.disable()
    logging.getLogger("crossorigin").addHandler(logging.NullHandler())
    asyncio.run(play())
