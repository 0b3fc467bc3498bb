"""What a driver is: how one library serves the API under a neutral policy, and how its application is asked.

Knows no library. What a library does not do by its own documentation is said in words, and is no mistake of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

from conformance.messages import Request, Response

from .policies import Neutral

OURS = "crossorigin"
SEVERAL_STACKS = (OURS, "kui")


class NotOffered(Exception):  # noqa: N818 - it is an answer, not a mistake
    """A policy that the library's documentation does not offer; the message says what it does say."""


@dataclass(frozen=True, eq=False)
class Library:
    """One library, with the driver for it.

    Attributes:
        name: What the command line and the table call it.
        distributions: Its distribution, and that of the framework that it is played on.
        setup: How it is installed in the application, as its documentation tells.
        serve: Returns the API behind the policy; without one, the same application without the library. Raises
            `NotOffered`.
        ask: Plays one request on such an application.
        open: Plays a WebSocket's handshake from an origin; the response is 101 if it is accepted.
        lacks: Rules that the library does not offer, each with what its documentation says; what it keeps of them
            nevertheless is kept.
        excuses: Situations that may fail, each with what its documentation says.
        logger: The logger that its documentation names.
    """

    name: str
    distributions: tuple[str, ...]
    setup: str
    serve: Callable[[Neutral | None], Any]
    ask: Callable[[Any, Request], Response]
    open: Callable[[Any, str | None], Response] | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)
    excuses: Mapping[str, str] = field(default_factory=dict)
    logger: str | None = None

    @property
    def family(self) -> str:
        """What the table calls it, whichever of its stacks this is."""
        return next((family for family in SEVERAL_STACKS if self.name.startswith(f"{family}-")), self.name)

    @cached_property
    def without(self) -> "Library":
        """The same application, without the library."""
        return replace(self, serve=lambda policy: self.serve(None))

    @property
    def is_ours(self) -> bool:
        """Whether it is crossorigin on one of its adapters."""
        return self.family == OURS

    @property
    def versions(self) -> str:
        """The distributions with their versions."""
        return " on ".join(f"{name} {version(name)}" for name in self.distributions)


NO_GUARD = "Its documentation has no option that keeps requests from the application."
NO_LOG = "Its documentation names no log."
NO_WEBSOCKETS_ON_WSGI = "WSGI has no WebSockets."
HTTP_ONLY = "Its documentation speaks of HTTP requests only."
