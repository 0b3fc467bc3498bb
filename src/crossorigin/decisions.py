"""What is said about a decision: the log record of a refusal (S20), and whether there is a refusal to speak of.

Shared by all adapters. Asks the rules for the nearest thing that would have been allowed, and knows no framework.
"""

import logging
import threading
import time
from collections.abc import Sequence

from .answer import REASONS, Answer, Rules

logger = logging.getLogger("crossorigin")

QUIET_SECONDS = 60.0  # S20: a refusal is logged once a minute
MAX_REMEMBERED = 1000  # refusals, to that end: a flood of made-up origins fills neither memory nor log
MAX_SHOWN = 100  # characters of what a client sent that a record repeats


def is_same_origin(origin: str, scheme: str, host: str | None, fetch_site: str | None) -> bool:
    """Return whether a request comes from a page of the very origin that it goes to: no matter of CORS (S20).

    Browsers send ``Origin`` with every POST, PUT and DELETE, same-origin ones too. They tell the two apart in
    ``Sec-Fetch-Site`` (Fetch Metadata §2.5), which no page can set; only where it is absent (plain http, old browsers)
    is the origin compared with the request's own.

    Args:
        origin: The ``Origin`` header.
        scheme: The scheme of the request as the server sees it.
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
    return host is not None and origin == f"{scheme}://{host}"


class RefusalLog:
    """Logs each refusal once a minute per origin and reason, on the logger ``crossorigin`` (S20).

    Args:
        rules: Asked for the nearest miss.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._last: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def refused(self, answer: Answer, origin: str, path: str, method: str = "", headers: Sequence[str] = ()) -> None:
        """Log that *answer* refused a request: its origin and path, and for a preflight what it asked for."""
        now = time.monotonic()
        key = (origin[:MAX_SHOWN], answer.reason)
        with self._lock:
            last = self._last.get(key)
            if last is not None and now - last < QUIET_SECONDS:
                return
            if len(self._last) >= MAX_REMEMBERED:
                self._last = {key: then for key, then in self._last.items() if now - then < QUIET_SECONDS}
                if len(self._last) >= MAX_REMEMBERED:
                    return
            self._last[key] = now
        near = self._rules.near_miss(answer.reason, origin, path, method, headers)
        message = f"origin {_quoted(origin)} {REASONS[answer.reason]}" + (f" ({near})" if near else "")
        logger.warning("%s", message, exc_info=answer.error)


def _quoted(text: str) -> str:
    # ascii(), not repr(): a control or right-to-left character must not reach a terminal through the log.
    return ascii(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")
