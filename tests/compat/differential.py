"""Two libraries side by side: the same request to both, and every difference between their answers has a name.

A difference on purpose is a `Row`, which has a line in the drop-in's page below ``docs/migrating`` and its own test.
Whatever no row explains is a mistake of ours, and fails the test.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.messages import Request, Response
from crossorigin import fetch

# Lists in which neither the order nor what stands between two names says anything, and case does only for methods.
LISTS = ("access-control-allow-headers", "access-control-allow-methods", "access-control-expose-headers", "vary")
METHODS = "access-control-allow-methods"


class Difference(NamedTuple):
    """A part of the answer in which two libraries differ.

    Attributes:
        part: ``"status"``, ``"body"``, ``"error"``, ``"vary"``, or a CORS header in lower case.
        theirs: What the original answers: for a list, the names in order; for another header, its lines.
        ours: The same of the drop-in.
    """

    part: str
    theirs: Any
    ours: Any


@dataclass(frozen=True)
class Pair:
    """One request, and what the original and the drop-in answer it under one configuration."""

    configuration: Any
    request: Request
    theirs: Response
    ours: Response

    @property
    def origin(self) -> str | None:
        """The request's origin."""
        return next((value for name, value in self.request.headers if name.lower() == "origin"), None)

    @property
    def is_preflight(self) -> bool:
        """Whether the request is a preflight (S1)."""
        names = {name.lower() for name, _ in self.request.headers}
        return self.request.method == "OPTIONS" and names >= {"origin", "access-control-request-method"}


@dataclass(frozen=True)
class Row:
    """A difference on purpose.

    Attributes:
        name: What the guide calls it.
        explains: Whether it is this difference; it has to look at both sides, so that no mistake hides behind it.
    """

    name: str
    explains: Callable[[Pair, Difference], bool]


@dataclass
class Tally:
    """What was compared: how many configurations and answers, and how often each row was the difference."""

    configurations: set[str] = field(default_factory=set)
    answers: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    _told: dict[tuple[str, str, str], dict[str | None, list[Pair]]] = field(default_factory=dict)

    def compare(
        self, configuration: Any, request: Request, theirs: Response, ours: Response, rows: Sequence[Row]
    ) -> None:
        """Count one pair of answers, and raise `AssertionError` for a difference that is none of *rows*."""
        self.configurations.add(repr(configuration))
        self.answers += 1
        pair = Pair(configuration, request, theirs, ours)
        self._check_caches(pair)
        for difference in differences(theirs, ours):
            row = next((row for row in rows if row.explains(pair, difference)), None)
            assert row is not None, f"no row explains {difference} in {pair}"
            self.rows[row.name] += 1

    def _check_caches(self, pair: Pair) -> None:
        """Check that no shared cache gives what we tell one origin to a page of another one (S10)."""
        if pair.request.method == "OPTIONS":
            return  # which no cache keeps
        place = (repr(pair.configuration), pair.request.method, pair.request.path)
        told = self._told.setdefault(place, {})
        told.setdefault(pair.ours.get("Access-Control-Allow-Origin"), []).append(pair)
        if len(told) > 1:
            unmarked = [one for pairs in told.values() for one in pairs if not {"origin", "*"} & {*one.ours.vary}]
            assert not unmarked, f"what this gets depends on the origin, and Vary does not say so: {unmarked[0]}"


def differences(theirs: Response, ours: Response) -> list[Difference]:
    """Return the parts in which two answers differ."""
    parts = [
        Difference("status", theirs.status, ours.status),
        Difference("body", theirs.body, ours.body),
        Difference("error", type(theirs.error).__name__, type(ours.error).__name__),
    ]
    names = {name.lower() for answer in (theirs, ours) for name, _ in answer.headers}
    compared = (name for name in sorted(names) if name == "vary" or name.startswith("access-control-"))
    parts += [Difference(name, read(theirs, name), read(ours, name)) for name in compared]
    return [part for part in parts if part.theirs != part.ours]


def read(answer: Response, name: str) -> tuple[str, ...] | None:
    """Return a header of *answer* as `Difference` holds it; ``None`` where it has none."""
    lines = answer.values(name)
    if not lines:
        return None
    if name not in LISTS:
        return tuple(lines)
    elements = [element.strip() for line in lines for element in line.split(",")]
    return tuple(sorted(elements if name == METHODS else map(str.lower, elements)))


def exposable(answer: Response) -> tuple[str, ...]:
    """Return the headers of *answer* that a page sees only where they are exposed, in order and in lower case."""
    hidden = ("access-control-", "vary", *fetch.SAFELISTED_RESPONSE_HEADERS, *fetch.FORBIDDEN_RESPONSE_HEADERS)
    return tuple(sorted({name.lower() for name, _ in answer.headers if not name.lower().startswith(hidden)}))
