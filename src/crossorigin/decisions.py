"""Decisions: what the rules said to one request, as adapters tell it to the log and to an observer (S20).

Shared by all adapters. Knows no framework, and decides nothing but whether there is something to tell: a same-origin
request is no matter of CORS.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from .answer import REASONS, Reason

if TYPE_CHECKING:
    import logging

WARNING = 30  # `logging.WARNING`
QUIET_SECONDS = 60.0  # S20: a refusal is logged once a minute
DEAF_SECONDS = 1.0  # a log that is switched on says something of a known refusal after so long
MAX_REMEMBERED = 1000  # refusals, to that end: a flood of made-up origins fills neither memory nor log
MAX_SHOWN = 100  # characters of what a client sent that a record repeats

Kind = Literal["preflight", "actual", "websocket"]


class Decision(NamedTuple):
    """What was decided about one CORS request.

    Attributes:
        kind: ``"preflight"``, ``"actual"`` or ``"websocket"`` (a handshake).
        origin: The ``Origin`` header as it came: anything that a client may send.
        method: The request's method; for a preflight, the one that it asks for, as it came.
        path: The path that the framework routes on.
        allowed: Whether the page may go on, or may read the response.
        reason: A stable word for why: ``"allowed"``, ``"origin-not-allowed"``, ...
        near_miss: What would have been allowed instead, in words, where something is close.
    """

    kind: Kind
    origin: str
    method: str
    path: str
    allowed: bool
    reason: Reason
    near_miss: str | None = None


Observer = Callable[[Decision], object]


def is_same_origin(origin: str, scheme: str, host: str | None, fetch_site: str | None) -> bool:
    """Return whether a request comes from a page of the very origin that it goes to: no matter of CORS (S20).

    Browsers send ``Origin`` with every POST, PUT and DELETE, same-origin ones too. They tell the two apart in
    ``Sec-Fetch-Site`` (Fetch Metadata §2.5), which no page can set; only where it is absent (plain http, old browsers,
    Chromium's WebSocket handshakes) is the origin compared with the request's own.

    Args:
        origin: The ``Origin`` header.
        scheme: The scheme of the request as the server sees it; ``ws`` and ``wss`` count as ``http`` and ``https``.
        host: The ``Host`` header, if there is one.
        fetch_site: The ``Sec-Fetch-Site`` header, if there is one.

    Example:
        >>> is_same_origin("https://api.example.com", "http", "internal:8000", "same-origin")
        True
        >>> is_same_origin("http://localhost:8000", "http", "localhost:8000", None)
        True
    """
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    # A proxy that ends TLS makes the request's scheme http, and Chromium sends no Sec-Fetch-Site with a handshake. An
    # https page of the same host is trusted either way; a plain-http one only where the request is plain, too.
    return host is not None and origin in (f"{scheme.replace('ws', 'http', 1)}://{host}", f"https://{host}")


class RefusalLog:
    """Logs each refusal once a minute per origin and reason, on the logger ``crossorigin`` (S20)."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, Reason], float] = {}
        self._full_until = 0.0
        self._lock = threading.Lock()

    def is_due(self, origin: str, reason: Reason) -> bool:
        """Return whether a refusal of *origin* for *reason* is to be logged now, and remember that it was."""
        now = time.monotonic()
        if now < self.quiet_until(origin, reason):
            return False
        key = (origin[:MAX_SHOWN], reason)
        with self._lock:
            last = self._last.get(key)
            if last is not None and now - last < QUIET_SECONDS:
                return False
            if len(self._last) >= MAX_REMEMBERED:
                if now < self._full_until:
                    return False
                self._last = {key: then for key, then in self._last.items() if now - then < QUIET_SECONDS}
                if len(self._last) >= MAX_REMEMBERED:
                    # Looked at again in a minute, not at every request: a flood must not make each refusal expensive.
                    self._full_until = now + QUIET_SECONDS
                    logger().warning(
                        "%d refusals in a minute: further ones are not logged for a minute", MAX_REMEMBERED
                    )
                    return False
            self._last[key] = now
        return True

    def quiet_until(self, origin: str, reason: Reason) -> float:
        """Return from when on a refusal of *origin* for *reason* is due, by `time.monotonic`.

        While nobody listens, that is looked at again in a second.
        """
        if not logger().isEnabledFor(WARNING):
            return time.monotonic() + DEAF_SECONDS
        last = self._last.get((origin[:MAX_SHOWN], reason))
        if last is None:
            return self._full_until if len(self._last) >= MAX_REMEMBERED else 0.0
        return last + QUIET_SECONDS

    @staticmethod
    def write(decision: Decision, error: Exception | None) -> None:
        """Log *decision*, with what ``allow_origin_check`` raised."""
        near = f" ({decision.near_miss})" if decision.near_miss else ""
        logger().warning("origin %s %s%s", _quoted(decision.origin), REASONS[decision.reason], near, exc_info=error)


def logger() -> "logging.Logger":
    """Return the logger ``crossorigin``."""
    import logging  # noqa: PLC0415 - so late, since it takes a while to load, and servers have it by then (P5)

    return logging.getLogger("crossorigin")


def _quoted(text: str) -> str:
    # ascii(), not repr(): a control or right-to-left character must not reach a terminal through the log.
    return ascii(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")
