"""Whether a policy's regular expressions can be matched within seconds, tried in a process that can be ended.

Nothing ends a match under way in this process, and all its threads wait for it: one expression of a policy that came
with a link could stop the lab for good. Run as a program, this module reads a policy and some origins from its standard
input, and matches all that the lab would match.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..answer import Rules
from ..compose import AnyOf, ByPath
from ..explanation import explain
from ..files import PolicyFileError, loads
from ..policy import Policy

SECONDS = 3.0  # the start of the process among them


def may_match(text: str) -> bool:
    """Return whether there may be a regular expression in the policy file *text*, whose keys may be escaped.

    >>> may_match("allow_origins = [{ regex = 'https://.*' }]"), may_match('allow_origins = ["*"]')
    (True, False)
    """
    return "regex" in text or "\\" in text


def is_quick(text: str, origins: Sequence[str]) -> bool:
    """Return whether *text*, a policy file's, is built, and matched with *origins*, in time."""
    try:
        subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps([text, origins]).encode(),
            capture_output=True,
            cwd=Path(__file__).parents[2],  # from where this package is imported, whatever a user's folder holds
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _try() -> None:
    text, origins = json.load(sys.stdin)
    try:
        rules = loads(text)
    except PolicyFileError:
        return  # it was read to its end, and whoever reads it for good says what is wrong
    for policy in _policies(rules):
        for origin in origins:
            explain(policy, origin=origin, credentials=True)  # with all that it would advise, which is tried, too


def _policies(rules: Rules | None) -> Iterator[Policy]:
    match rules:
        case Policy():
            yield rules
        case AnyOf():
            for one in rules.policies:
                yield from _policies(one)
        case ByPath():
            for named in (*rules.rules.values(), rules.default):
                yield from _policies(named)


if __name__ == "__main__":
    _try()
