"""What became of the latest questions, so that the same one costs next to nothing when it comes again (P1).

Browsers ask few questions, each of them many times: a page's requests and its preflights repeat word by word. Where the
rules look at nothing but these words (`is_pure`), an adapter keeps what it made of the answer, and sends that again.
Owns how much is kept, and how long. Knows no stack: a question is whatever words an adapter compares, in the form in
which its stack has them.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from .answer import Answer, Rules

Status = TypeVar("Status")
Line = TypeVar("Line")

MAX_OUTCOMES = 1000  # more questions than that are made up
MAX_LENGTH = 1000  # of all the words of a question


class Outcome(Generic[Status, Line]):
    """What became of a question.

    Attributes:
        answer: The answer of the rules.
        lines: The answer as it is written into a response that has nothing for it to replace or to merge with.
        reply: The status, the lines and the body of the answer to a preflight, which goes out in the application's
            place.
        until: The time, by `time.monotonic`, from which there is something to tell of it; ``None`` for never.
    """

    __slots__ = ("answer", "lines", "reply", "until")

    def __init__(
        self,
        answer: Answer,
        lines: tuple[Line, ...] = (),
        reply: tuple[Status, tuple[Line, ...], bytes] | None = None,
        until: float | None = None,
    ) -> None:
        self.answer = answer
        self.lines = lines
        self.reply = reply
        self.until = until


class Memory(dict[Hashable, Outcome[Status, Line]]):
    """The outcomes of the latest questions."""

    def keep(self, question: Hashable, outcome: Outcome[Status, Line]) -> None:
        """Keep what became of *question*, unless that is long; where there is no room, forget all the others."""
        if _length(question) > MAX_LENGTH:
            return
        if len(self) >= MAX_OUTCOMES:
            self.clear()
        self[question] = outcome


def _length(question: object) -> int:
    if isinstance(question, str | bytes):
        return len(question)
    return sum(map(_length, question)) if isinstance(question, tuple) else 0


def is_pure(rules: Rules) -> bool:
    """Return whether *rules* say so of themselves: they look at nothing but the words of the question, without path.

    >>> from crossorigin import Policy
    >>> is_pure(Policy("https://app.example.com")), is_pure(Policy((), allow_origin_check=print))
    (True, False)
    """
    return getattr(rules, "is_pure", False) is True
