"""What became of the latest questions, so that the same one costs next to nothing when it comes again (P1).

Browsers ask few questions, each of them many times: a page's requests and its preflights repeat word by word. Where the
rules look at nothing but these words, an adapter keeps what it made of the answer, and sends that again. Owns how much
is kept, and how long. Knows no stack: a question is whatever words an adapter compares, in the form in which its stack
has them.
"""

import time
from collections.abc import Hashable
from typing import Generic, TypeVar

from .answer import Answer, Rules

Status = TypeVar("Status")
Line = TypeVar("Line")

# More questions than that are made up, and so are longer ones. With what is kept of each, that is a few megabytes.
MAX_OUTCOMES = 1000
MAX_LENGTH = 1000  # of all the words of a question


class Outcome(Generic[Status, Line]):
    """What became of a question.

    Attributes:
        answer: What is written into the response; ``None`` for nothing.
        lines: The answer as it is written into a response that has nothing for it to replace or to merge with; ``None``
            where that is not known before there is a response.
        reply: The status, the lines and the body of what goes out in the application's place.
        until: The time, by `time.monotonic`, from which there is something to tell of it; ``None`` for never.
    """

    __slots__ = ("answer", "lines", "reply", "until")

    def __init__(
        self,
        answer: Answer | None,
        lines: tuple[Line, ...] | None = None,
        reply: tuple[Status, tuple[Line, ...], bytes] | None = None,
        until: float | None = None,
    ) -> None:
        self.answer = answer
        self.lines = lines
        self.reply = reply
        self.until = until


class Memory(dict[Hashable, Outcome[Status, Line]]):
    """The outcomes of the latest questions."""

    def recall(self, question: Hashable) -> Outcome[Status, Line] | None:
        """Return what became of *question*, unless there is something to tell of it by now."""
        outcome = self.get(question)
        if outcome is None or outcome.until is None or time.monotonic() < outcome.until:
            return outcome
        return None

    def keep(self, question: Hashable, outcome: Outcome[Status, Line]) -> None:
        """Keep what became of *question*, if it will do again; where there is no room, forget all the others."""
        is_due = outcome.until is not None and outcome.until <= time.monotonic()
        if is_due or _length(question) > MAX_LENGTH:
            return
        if len(self) >= MAX_OUTCOMES:
            self.clear()
        self[question] = outcome


class Memories(Generic[Status, Line]):
    """A memory for each of several rules."""

    def __init__(self) -> None:
        # By identity: a hash would look at all that they declare. They stay beside, so that none takes their place.
        self._memories: dict[int, tuple[Rules, Memory[Status, Line] | None]] = {}

    def of(self, rules: Rules) -> Memory[Status, Line] | None:
        """Return the memory for *rules*, or ``None`` if their answers may not be remembered."""
        known = self._memories.get(id(rules))
        if known is None:
            if len(self._memories) >= MAX_OUTCOMES:
                self._memories.clear()
            known = self._memories[id(rules)] = rules, Memory() if is_pure(rules) else None
        return known[1]


def is_pure(rules: Rules) -> bool:
    """Return whether the answers of *rules* may be remembered: see `Rules`.

    >>> from crossorigin import Policy
    >>> is_pure(Policy("https://app.example.com")), is_pure(Policy((), allow_origin_check=print))
    (True, False)
    """
    return getattr(rules, "is_pure", False) is True


def _length(question: object) -> int:
    if isinstance(question, str | bytes):
        return len(question)
    return sum(map(_length, question)) if isinstance(question, tuple) else 0
