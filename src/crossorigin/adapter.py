"""What every adapter is made of: its options, checked when it is built, and what it does with a decision.

Logs refusals, tells the observer, and says whether a guard keeps a request out (S17, S18, S20). Knows no framework: an
adapter adds how its stack carries a request and a response.
"""

from collections.abc import Iterator, Sequence

from .answer import Answer, Rules
from .decisions import Decision, Kind, Observer, RefusalLog, is_same_origin, logger


class Adapter:
    """A policy as one stack enforces it.

    Args:
        policy: A `Policy`, or what is composed of policies.
        preflight_status: The status of the answer to a preflight from an allowed origin, 200 to 299. Very old clients
            want 200.
        enforce: Whether an actual request from an origin that is not allowed is answered 403 and never reaches the
            application (S18). CORS alone lets it run, and hides the answer.
        websockets: Whether a WebSocket handshake from an origin that is neither allowed nor the application's own is
            refused (S17). CORS does not cover handshakes.
        observe: A callable that is given a `crossorigin.Decision` for each CORS request.

    Raises:
        TypeError: If *policy* is not a policy, or *observe* not callable.
        ValueError: If *preflight_status* is none that lets a preflight pass (Fetch §4.8, ok status).
    """

    def __init__(
        self,
        policy: Rules,
        *,
        preflight_status: int = 204,
        enforce: bool = False,
        websockets: bool = True,
        observe: Observer | None = None,
    ) -> None:
        given: object = policy  # whatever its type says
        if not isinstance(given, Rules):
            kind = type(policy).__name__
            raise TypeError(f"policy is {policy!r}, of type {kind}; write policy=Policy(...), a crossorigin.Policy")
        if preflight_status not in range(200, 300):
            raise ValueError(
                f"preflight_status is {preflight_status!r}; browsers accept 200 to 299 only, write 204 (or 200)"
            )
        if observe is not None and not callable(observe):
            raise TypeError(f"observe is {observe!r}; write a function of one crossorigin.Decision")
        self.policy = policy
        self.preflight_status = preflight_status
        self.enforce = enforce
        self.websockets = websockets
        self.observe = observe
        self._log = RefusalLog()
        self._observer_failed = False

    def note_preflight(
        self, rules: Rules, answer: Answer, origin: str, path: str, method: str, headers: Sequence[str]
    ) -> None:
        """Tell what *rules* answered to a preflight for *method* and *headers*."""
        if not answer.allowed or self.observe is not None:
            self._note("preflight", rules, answer, origin, path, method, headers)

    def admits(
        self,
        kind: Kind,
        rules: Rules,
        answer: Answer,
        origin: str,
        method: str,
        path: str,
        *,
        scheme: str,
        host: str | None,
        fetch_site: str | None,
    ) -> bool:
        """Tell what *rules* answered to an actual request or a handshake, and return whether it may go on.

        Same-origin requests always may, and there is nothing to tell of them.
        """
        if (answer.allowed and self.observe is None) or is_same_origin(origin, scheme, host, fetch_site):
            return True
        self._note(kind, rules, answer, origin, path, method)
        return answer.allowed or not (self.websockets if kind == "websocket" else self.enforce)

    def _note(
        self,
        kind: Kind,
        rules: Rules,
        answer: Answer,
        origin: str,
        path: str,
        method: str,
        headers: Sequence[str] = (),
    ) -> None:
        log = not answer.allowed and self._log.is_due(origin, answer.reason)
        if not log and self.observe is None:
            return
        near = None if answer.allowed else rules.near_miss(answer.reason, origin, path, method, headers)
        decision = Decision(kind, origin, method, path, answer.allowed, answer.reason, near)
        if log:
            self._log.write(decision, answer.error)
        if self.observe is None:
            return
        try:
            self.observe(decision)
        except Exception:
            if not self._observer_failed:
                self._observer_failed = True
                logger.exception("observe failed; this is logged once")


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
