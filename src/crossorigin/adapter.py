"""What every adapter is made of: its options, checked when it is built, and the log of what it refuses.

Knows no framework. An adapter adds how its stack carries a request and a response.
"""

from collections.abc import Iterator, Sequence

from .answer import Answer, Rules
from .decisions import RefusalLog, is_same_origin


class Adapter:
    """A policy as one stack enforces it.

    Args:
        policy: A `Policy`, or whatever composes policies.
        preflight_status: The status of the answer to a preflight from an allowed origin, 200 to 299. Very old clients
            want 200.

    Raises:
        TypeError: If *policy* is not a policy.
        ValueError: If *preflight_status* is none that lets a preflight pass (Fetch §4.8, ok status).
    """

    def __init__(self, policy: Rules, *, preflight_status: int = 204) -> None:
        if not isinstance(policy, Rules):
            raise TypeError(
                f"policy is {policy!r}, of type {type(policy).__name__}; write policy=Policy(...), a crossorigin.Policy"
            )
        if preflight_status not in range(200, 300):
            raise ValueError(
                f"preflight_status is {preflight_status!r}; browsers accept 200 to 299 only, write 204 (or 200)"
            )
        self.policy = policy
        self.preflight_status = preflight_status
        self._log = RefusalLog(policy)

    def _note_preflight(self, answer: Answer, origin: str, path: str, method: str, headers: Sequence[str]) -> None:
        if not answer.allowed:
            self._log.refused(answer, origin, path, method, headers)

    def _note_actual(
        self, answer: Answer, origin: str, path: str, scheme: str, host: str | None, fetch_site: str | None
    ) -> None:
        if not answer.allowed and not is_same_origin(origin, scheme, host, fetch_site):
            self._log.refused(answer, origin, path)


def wrapped(app: object) -> Iterator[object]:
    """Yield *app* and what it wraps, as far as middleware tells: by an attribute ``app``, or Flask's ``wsgi_app``.

    A middleware that finds another inside itself stands back: that one covers the same requests, and is their
    writer (S11).
    """
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)
