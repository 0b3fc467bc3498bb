"""Drop-ins for five other CORS libraries: the same names and arguments, translated into a policy and an adapter.

A drop-in keeps what the original's users see and want, and drops what is a defect; ``docs/migrating`` lists each
difference. Here is what all of them share: how arguments become a `Policy` although the original never checked them,
and how a policy's answers are given in the original's words. Nothing in this package decides what is allowed.
"""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..answer import Answer, Block, Reason, Rules
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
    nothing is repaired, for that would allow more than the original does. Seconds that browsers do not honour are cut
    to those that they do. All this is said in one `CORSWarning`.

    Args:
        drop_in: What the user called, as the warning names it.
        literal: How many of the origins, from the first, the original compares as text: a star in them is no pattern.
        arguments: Those of `Policy`, with every list as a list or tuple.

    Example:
        >>> with warnings.catch_warnings(action="ignore"):
        ...     policy = translated("example", allow_origins=["*", "example.com"], allow_credentials=True)
        >>> policy.allow_origins, sorted(policy.dangerously_allow)
        (('*',), ['any-origin-with-credentials'])
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
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("crossorigin."):
        level, frame = level + 1, frame.f_back
    warnings.warn(CORSWarning(text), stacklevel=level)


class DropIn:
    """The answers of *rules* as the original gives them.

    CORS lines of the application that the policy does not set stay, as in all the originals: some applications set what
    the library had no argument for. Subclasses override `reworded`.

    Args:
        rules: What decides.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.is_async = rules.is_async
        self._kept: dict[Block, Block] = {}  # a policy has a handful of blocks for actual requests

    def reworded(
        self, answer: Answer, origin: str, path: str, method: str, headers: Sequence[str], private_network: bool
    ) -> Answer:
        """Return *answer*, to the preflight that the other arguments are, in the original's words and status."""
        return answer

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as the rules do."""
        return self._keeping(self.rules.actual(origin, path))

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as the rules do, `reworded`."""
        answer = self.rules.preflight(origin, path, method, headers, private_network)
        return answer and self.reworded(answer, origin, path, method, headers, private_network)

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does, awaiting what is ``async``."""
        return self._keeping(await self.rules.actual_async(origin, path))

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does, awaiting what is ``async``."""
        answer = await self.rules.preflight_async(origin, path, method, headers, private_network)
        return answer and self.reworded(answer, origin, path, method, headers, private_network)

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Return the nearest miss of the rules (S20)."""
        return self.rules.near_miss(reason, origin, path, method, headers)

    def _keeping(self, answer: Answer | None) -> Answer | None:
        if answer is None:
            return None
        kept = self._kept.get(answer.block)
        if kept is None:
            kept = self._kept[answer.block] = replace(answer.block, keep=True)
        return answer._replace(block=kept)
