"""What is measured: for each framework its bare application, the limit, crossorigin, and the peers that work in it.

The *limit* wraps the response and adds one fixed header, written as well as one can. What a library adds is what it
costs beyond the bare application of the same framework. Each peer is configured by its own documentation for the policy
of `kinds`; where it cannot say a part of that, its `note` says so.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any, NamedTuple

from conformance.messages import Request, Response
from conformance.stacks.aiohttp import ask_aiohttp
from conformance.stacks.asgi import ask_asgi
from conformance.stacks.wsgi import ask_wsgi

from . import kinds
from .carrying import Carrier

BARE = "bare"
LIMIT = "limit"
ORIGINS = (kinds.ORIGIN,)

# How an application is asked once, for the whole of its answer.
ASK: dict[str, Callable[[Any, Request], Response]] = {"ASGI": ask_asgi, "WSGI": ask_wsgi, "aiohttp": ask_aiohttp}


class Library(NamedTuple):
    """One application that is measured.

    Attributes:
        name: What it is called in tables: `BARE`, `LIMIT`, or the library.
        build: Makes the application anew, with the origins that are allowed.
        package: The distribution that it comes from, for its version.
        preflights: Whether it answers preflights; otherwise they go to the application.
        note: What of the policy it cannot say, or does otherwise.
        lacks: The same, by response headers without ``Access-Control-``.
        during: What has to be in force while it is built and asked, with the same origins.
    """

    name: str
    build: Callable[[Sequence[str]], Any]
    package: str | None = None
    preflights: bool = True
    note: str = ""
    lacks: tuple[str, ...] = ()
    during: Callable[[Sequence[str]], AbstractContextManager[Any]] = nullcontext

    @property
    def is_peer(self) -> bool:
        """Whether it is somebody else's."""
        return self.package is not None

    @property
    def enforces(self) -> bool:
        """Whether it has a policy at all."""
        return self.name not in (BARE, LIMIT)

    @property
    def title(self) -> str:
        """Its name with its version."""
        return f"{self.name} {version(self.package)}" if self.package else self.name


class Group(NamedTuple):
    """The libraries that are compared with each other: those of one framework.

    Attributes:
        name: The framework.
        stack: The interface that the framework serves: ``"ASGI"``, ``"WSGI"`` or ``"aiohttp"``.
        package: The framework's distribution, for its version.
        carrier: How its applications are asked.
        libraries: The bare application, the limit, crossorigin, and the peers.
    """

    name: str
    stack: str
    package: str | None
    carrier: Carrier
    libraries: tuple[Library, ...]

    @property
    def title(self) -> str:
        """Its name with its version."""
        return f"{self.name} {version(self.package)}" if self.package else self.name


def check(group: Group) -> None:
    """Make sure that every library of *group* gives the right answer to every kind of request.

    Raises:
        kinds.WrongAnswerError: If one does not.
    """
    for library in group.libraries:
        with library.during(ORIGINS):
            app = library.build(ORIGINS)
            for kind in (*kinds.KINDS, *kinds.UNSEEN):
                try:
                    kinds.check(kind, ASK[group.stack](app, kind.request), library.enforces, library.lacks)
                except kinds.WrongAnswerError as error:
                    raise kinds.WrongAnswerError(f"{library.name} in front of {group.name}: {error}") from error
