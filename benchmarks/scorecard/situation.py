"""What a situation is: what is sent under which policy, what came, and what must hold of it.

Knows no library. What must hold is said by the meaning of an answer, never by one library's way of writing it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.messages import Request, Response
from crossorigin.browser import Verdict
from crossorigin.browser.request import Credentials

from .policies import LISTED, Neutral


@dataclass(frozen=True)
class Asks:
    """Requests that are sent as they are."""

    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Fetches:
    """A page's ``fetch()``, which the model of the browser plays with everything that belongs to it.

    Attributes:
        origin: The page's origin.
        path: The path of the API.
        method: The method.
        headers: The headers that the script sets.
        credentials: The credentials mode.
        body: The body, where there is one.
        cookie: Whether the browser has a cookie already, which it sends with credentials.
    """

    origin: str
    path: str = "/items"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: Credentials = "omit"
    body: str | None = None
    cookie: bool = True


@dataclass(frozen=True)
class Opens:
    """A page, or another client, that opens a WebSocket at ``/ws``."""

    origin: str | None


@dataclass(frozen=True)
class Logs:
    """Requests that are sent as they are, while the library's log is read."""

    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Compares:
    """One request, each time from another origin, under the policy and under one that lists more: what does it cost?"""

    request: Callable[[int], Request]
    more: Neutral


Play = Asks | Fetches | Opens | Logs | Compares


@dataclass(frozen=True)
class Cost:
    """What a request costs, in seconds: the least of several times, all taken in turns in one run.

    Attributes:
        fewer: Under the policy.
        more: Under the policy that lists more origins.
        scan: To compare: what Python takes to look for an origin in a list of those that are more.
    """

    fewer: float
    more: float
    scan: float

    @property
    def grows(self) -> bool:
        """Whether more origins cost more: a fifth of that scan or above. What costs the same grows by nothing."""
        return self.more - self.fewer > self.scan / 5


@dataclass(frozen=True)
class Exchange:
    """A request, and what came: a response, or the exception in words that left the application instead of one."""

    request: Request
    response: Response | str

    @property
    def answer(self) -> Response:
        """The response; one of status 0 if none came."""
        return self.response if isinstance(self.response, Response) else Response(0)


@dataclass(frozen=True)
class Seen:
    """What was seen of a situation.

    Attributes:
        exchanges: What went over the wire.
        bare: What the same application answers to the same requests without the library.
        verdict: How a page's fetch ended.
        log: The records of the library's log.
        cost: What the request costs.
    """

    exchanges: tuple[Exchange, ...] = ()
    bare: tuple[Response, ...] = ()
    verdict: Verdict | None = None
    log: tuple[str, ...] = ()
    cost: Cost | None = None


Holds = Callable[[Seen], list[str]]

# Lists in which the order says nothing. Some libraries write them in another order in every process.
LISTS = ("access-control-allow-headers", "access-control-expose-headers", "allow")


def settled(name: str, value: str) -> str:
    """Return the *value* of the header *name* in an order that is the same every time."""
    return ", ".join(sorted(each.strip() for each in value.split(","))) if name.lower() in LISTS else value


@dataclass(frozen=True)
class Situation:
    """One line of the suite.

    Attributes:
        rule: The rule that it shows, such as ``"S13"``.
        name: A short name for the command line; unique and stable.
        must: What must hold, as a sentence.
        play: What is sent.
        holds: Returns what does not hold, in words.
        policy: What is to be allowed.
        taste: Where the rule is a matter of taste, why. Such a situation never makes a rule broken.
    """

    rule: str
    name: str
    must: str
    play: Play
    holds: Holds
    policy: Neutral = field(default=LISTED)
    taste: str = ""
