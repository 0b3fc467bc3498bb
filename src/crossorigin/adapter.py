"""What every adapter is made of: its options, what it reads of a request, and what it does with the answer.

Tells a preflight from an actual request (S1), asks the rules, logs refusals, tells the observer, and says what goes out
in the application's place (S15, S17, S18, S20). Knows no framework: an adapter adds how its stack carries a request's
headers in and a response's headers out.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from . import fetch
from .answer import Answer, Reply, Rules, preflight_reply, refusal_reply
from .compose import NO_CORS
from .decisions import Decision, Kind, Observer, RefusalLog, is_same_origin, logger

# In a scope or an environment: a list that holds the CORS lines that an inner adapter wrote. A response that arrives
# with just these is that one's, and the outer adapters leave it alone; any other response is theirs to write (S11).
WRITTEN = "crossorigin.written"


class Asked(NamedTuple):
    """What a request asks of the rules, as an adapter reads it.

    Attributes:
        kind: What it is: ``"preflight"``, ``"actual"`` or ``"websocket"``.
        origin: Its ``Origin`` header, several lines joined, however malformed; ``None`` if it has none.
        method: Its method; for a preflight, the one that it asks for.
        path: The path that the framework routes on.
        scheme: Its scheme as the server sees it.
        lines: Returns the lines of one of its headers, by the name as `crossorigin.fetch` spells it.
    """

    kind: Kind
    origin: str | None
    method: str
    path: str
    scheme: str
    lines: Callable[[str], Sequence[str]]

    @classmethod
    def read(cls, kind: Kind, method: str, path: str, scheme: str, lines: Callable[[str], Sequence[str]]) -> "Asked":
        """Return what a request of *kind*, ``"actual"`` or ``"websocket"``, asks: perhaps it is a preflight.

        >>> headers = {"Origin": ["https://app.example.com"], "Access-Control-Request-Method": ["PUT"]}
        >>> Asked.read("actual", "OPTIONS", "/", "https", lambda name: headers.get(name, ()))[:3]
        ('preflight', 'https://app.example.com', 'PUT')
        """
        origin = _joined(lines(fetch.ORIGIN))
        if origin is not None and method == "OPTIONS" and kind == "actual":
            wanted = _joined(lines(fetch.REQUEST_METHOD))
            if wanted is not None:  # S1: these three together are a preflight, and nothing else is
                return cls("preflight", origin, wanted, path, scheme, lines)
        return cls(kind, origin, method, path, scheme, lines)

    @property
    def names(self) -> Sequence[str]:
        """The lines in which a preflight asks for headers."""
        return self.lines(fetch.REQUEST_HEADERS)

    def of(self, rules: Rules) -> Answer | None:
        """Return the answer of *rules*; ``None`` if they leave the request to the application."""
        if self.kind != "preflight" or self.origin is None:
            return rules.actual(self.origin, self.path)
        return rules.preflight(self.origin, self.path, self.method, self.names, self._private_network)

    async def of_async(self, rules: Rules) -> Answer | None:
        """Return the answer of *rules* as `of` does, awaiting what has to be awaited."""
        if not rules.is_async:
            return self.of(rules)
        if self.kind != "preflight" or self.origin is None:
            return await rules.actual_async(self.origin, self.path)
        return await rules.preflight_async(self.origin, self.path, self.method, self.names, self._private_network)

    @property
    def _private_network(self) -> bool:
        return _joined(self.lines(fetch.REQUEST_PRIVATE_NETWORK)) == "true"

    @property
    def is_same_origin(self) -> bool:
        """Whether it comes from a page of the very origin that it goes to (S20)."""
        host, fetch_site = _joined(self.lines(fetch.HOST)), _joined(self.lines(fetch.FETCH_SITE))
        return self.origin is not None and is_same_origin(self.origin, self.scheme, host, fetch_site)


def _joined(lines: Sequence[str]) -> str | None:
    # RFC 9110 §5.3. Where one value is meant, two of them make none that is valid.
    return ", ".join(lines) if lines else None


_OPTIONS = frozenset({"policy", "preflight_status", "enforce", "websockets", "observe"})


class Adapter:
    """A policy as one stack enforces it. Its options are fixed.

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
        if type(preflight_status) is not int or not 200 <= preflight_status <= 299:
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

    def __setattr__(self, name: str, value: object) -> None:
        if name in _OPTIONS and name in vars(self):
            raise AttributeError(f"{name} is fixed when a {type(self).__name__} is built; build another one")
        super().__setattr__(name, value)

    @classmethod
    def redefines(cls, base: type["Adapter"], names: str) -> bool:
        """Return whether this class has any of the methods *names* of its own, in place of those of *base*."""
        return any(getattr(cls, name) is not getattr(base, name) for name in names.split())

    def reply(self, rules: Rules, asked: Asked, answer: Answer) -> Reply | None:
        """Tell what *rules* answered, and return what goes out in the application's place, if anything does.

        That is the answer to a preflight (S2), and the refusal of a guard. Same-origin requests pass all guards, and
        there is nothing to tell of them.
        """
        kind, origin = asked.kind, asked.origin
        if origin is None:
            return None
        if kind == "preflight":
            self._tell(rules, asked, origin, answer)
            return preflight_reply(answer, self.preflight_status)
        if (answer.allowed and self.observe is None) or asked.is_same_origin:
            return None
        self._tell(rules, asked, origin, answer)
        guarded = self.websockets if kind == "websocket" else self.enforce
        return refusal_reply(answer) if guarded and not answer.allowed else None

    def quiet_until(self, asked: Asked, answer: Answer) -> float | None:
        """Return until when the same question needs nothing but the same *answer*; ``None`` for ever.

        Where somebody is to be told, or a guard looks at more than the question, that time has passed.
        """
        if asked.origin is None or (answer.allowed and self.observe is None):
            return None
        guarded = self.enforce and asked.kind == "actual"
        return 0.0 if guarded or self.observe is not None else self._log.quiet_until(asked.origin, answer.reason)

    def _tell(self, rules: Rules, asked: Asked, origin: str, answer: Answer) -> None:
        log = not answer.allowed and self._log.is_due(origin, answer.reason)
        if not log and self.observe is None:
            return
        kind, _, method, path, _, _ = asked
        near = None if answer.allowed else rules.near_miss(answer.reason, origin, path, method, asked.names)
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
                logger().exception("observe failed; this is logged once")


RULES = "__crossorigin_rules__"  # the attribute in which a handler or an endpoint keeps its own rules


def checked(policy: Rules | None) -> Rules:
    """Return the rules that *policy* is, with ``None`` for no CORS; raise `TypeError` as `Adapter` does."""
    return Adapter(NO_CORS if policy is None else policy).policy


def mark(target: object, rules: Rules) -> None:
    """Give a handler, an endpoint or a view its own *rules*, and change nothing else about it.

    Raises:
        TypeError: If it cannot be marked.
        RuntimeError: If it is marked with another policy already.
    """
    marked = vars(target).get(RULES, rules) if hasattr(target, "__dict__") else rules
    if marked != rules:
        raise RuntimeError(f"{target!r} has another policy already; write one of its own for each policy")
    try:
        setattr(target, RULES, rules)
    except AttributeError:
        raise TypeError(f"{target!r} cannot be marked; write @cors(...) above its def, or above its class") from None


def wrapped(app: object) -> Iterator[object]:
    """Yield *app* and what it wraps, as far as middleware tells: by an attribute ``app``, or Flask's ``wsgi_app``."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)
