"""Drop-ins for five other CORS libraries: the same names and arguments, translated into a policy and an adapter.

A drop-in keeps what the original's users see and want, and drops what is a defect; ``docs/migrating`` lists each
difference. Here is what all of them share: how arguments become a `Policy` although the original never checked them,
and how a policy's answers are given in the original's words. Nothing in this package decides what is allowed.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from .. import fetch
from ..answer import Answer, Block, Rules, keeping
from ..compose import Relay
from ..findings import Finding, PolicyError, finding, table
from ..origins import ANY
from ..policy import Policy


class CORSWarning(UserWarning):
    """A drop-in accepted a policy that `crossorigin.Policy` would not, since the original accepts it, too.

    Given once for each policy. It names the codes of the dangers, and for each the safe spelling.
    """


def translated(drop_in: str, *, literal: int = 0, **arguments: Any) -> Policy:
    """Return ``Policy(**arguments)`` as a library would have it that checks nothing.

    What is dangerous is accepted. What can never match is left out, since it never matched in the original either:
    nothing is repaired, for that would allow more. Seconds are cut to what browsers honour. All this is said in one
    `CORSWarning`, in the name of *drop_in*. All lists are lists or tuples. The first *literal* origins are text to the
    original, and a star in them is no pattern.
    """
    detail = "; the original compares it as text, which no browser sends"
    found: list[Finding] = [
        finding("origin-wildcard", f"allow_origins[{index}]", entry, None, detail)
        for index, entry in enumerate(arguments["allow_origins"][:literal])
        if isinstance(entry, str) and ANY in entry
    ]
    try:
        policy = Policy(**arguments)
    except PolicyError as error:
        found += error.findings
    else:
        if not found:
            return policy
    wrong = {one.where: one for one in found if one.severity == "error"}
    for name, value in arguments.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            arguments[name] = [entry for index, entry in enumerate(value) if f"{name}[{index}]" not in wrong]
        elif name in wrong:
            arguments[name] = wrong[name].fix
    dangers = {one.code for one in found if one.severity == "danger" and one.where not in wrong}
    text = f"{drop_in} accepts, as the original does, what crossorigin.Policy would refuse:\n{table(found)}"
    warn(text)
    return Policy(**arguments, dangerously_allow=dangers)


def warn(text: str) -> None:
    """Emit a `CORSWarning` that points at the first line outside of this package: the user's."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("crossorigin."):
        level, frame = level + 1, frame.f_back
    warnings.warn(CORSWarning(text), stacklevel=level)


class Sealed:
    """A class of a drop-in that never calls the original's methods *uncalled*: redefining one would change nothing."""

    uncalled = ""

    def __init_subclass__(cls) -> None:
        for name in () if "uncalled" in vars(cls) else cls.uncalled.split():
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{name} would never be called: leave it out, and write a Policy instead"
                )


class DropIn(Relay):
    """The answers of *rules* as the original gives them.

    CORS lines of the application that the policy does not set stay, as in all the originals: some applications set what
    the library had no argument for. Unless *own_credentials*, that of credentials goes beside an allowed origin.
    """

    def __init__(self, rules: Rules, *, own_credentials: bool = True) -> None:
        super().__init__(rules)
        self._own_credentials = own_credentials
        self._kept: dict[Block, Block] = {}  # a policy has a handful of blocks for actual requests

    def actual_reply(self, answer: Answer) -> Answer:
        """Return *answer*, to an actual request, with the application's lines kept."""
        kept = self._kept.get(answer.block)
        if kept is None:
            own = fetch.CORS_RESPONSE_HEADERS
            if answer.headers and not self._own_credentials:
                own -= {fetch.ALLOW_CREDENTIALS.lower()}
            kept = self._kept[answer.block] = keeping(answer, own)
        return answer._replace(block=kept)
