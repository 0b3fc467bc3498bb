"""The scores: what the outcomes of a rule's situations come to for each library.

A library that is played on several stacks, as crossorigin and Kui are, has one score for each rule: that of them all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property

from .libraries import LIBRARIES
from .library import Library
from .playing import Outcome, play
from .situation import Situation
from .situations import RULES, SITUATIONS


class Mark(Enum):
    """What a cell of the table says: a sign, and what it means."""

    KEPT = "✓", "kept in every situation"
    PARTLY = "(✓)", "kept in every situation that the library offers"
    TASTE = "≈", "kept, but for matters of taste"
    BROKEN = "✗", "broken in so many situations"
    LACKS = "\N{EN DASH}", "not offered, by the library's own documentation"

    @property
    def sign(self) -> str:
        """The sign in the table."""
        return self.value[0]

    @property
    def meaning(self) -> str:
        """The sign in words."""
        return self.value[1]


@dataclass(frozen=True)
class Cell:
    """A rule and a library.

    Attributes:
        rule: The rule.
        outcomes: What came of its situations, on all stacks of the library.
    """

    rule: str
    outcomes: tuple[Outcome, ...]

    @cached_property
    def broken(self) -> tuple[Outcome, ...]:
        """The outcomes that break the rule, one for each situation."""
        return _distinct(outcome for outcome in self.outcomes if outcome.is_broken)

    @cached_property
    def taste(self) -> tuple[Outcome, ...]:
        """The outcomes that differ in a matter of taste, one for each situation."""
        return _distinct(outcome for outcome in self.outcomes if outcome.is_taste)

    @cached_property
    def lacks(self) -> tuple[Outcome, ...]:
        """The outcomes that the library does not offer, one for each situation and reason."""
        return tuple({(each.situation.name, each.lacks): each for each in self.outcomes if each.lacks}.values())

    @property
    def mark(self) -> Mark:
        """What all of it comes to."""
        if self.broken:
            return Mark.BROKEN
        if all(outcome.lacks for outcome in self.outcomes):
            return Mark.LACKS
        if self.taste:
            return Mark.TASTE
        return Mark.PARTLY if self.lacks else Mark.KEPT

    @property
    def sign(self) -> str:
        """What the table shows."""
        return f"{self.mark.sign} {len(self.broken)}" if self.broken else self.mark.sign


@dataclass(frozen=True)
class Score:
    """A column of the table: a library, with its stacks and its cells by rule."""

    family: str
    libraries: tuple[Library, ...]
    cells: dict[str, Cell]


outcome = cache(play)  # for the table, the page and the picture


def score(family: str, rules: Iterable[str] = RULES) -> Score:
    """Return the score of the library *family*."""
    libraries = tuple(library for library in LIBRARIES if library.family == family)
    cells = {
        rule: Cell(rule, tuple(outcome(library, each) for library in libraries for each in situations_of(rule)))
        for rule in rules
    }
    return Score(family, libraries, cells)


def scores() -> tuple[Score, ...]:
    """Return the score of every library."""
    return tuple(score(family) for family in FAMILIES)


def situations_of(rule: str) -> tuple[Situation, ...]:
    """Return the situations that show *rule*."""
    return tuple(situation for situation in SITUATIONS if situation.rule == rule)


def _distinct(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple({outcome.situation.name: outcome for outcome in reversed(list(outcomes))}.values())[::-1]


FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(library.family for library in LIBRARIES))
