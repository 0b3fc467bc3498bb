"""The policy as the page writes it: text, read as a policy file is, with everything that is wrong with it.

Owns what the page is told of a text, and how rules become text. What a text may say is `crossorigin.files`'s business.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ... import files
from ...answer import Rules
from ...compose import LEAVE, NO_CORS, AnyOf, ByPath
from ...findings import Finding
from ...policy import Policy
from ..trial import SECONDS

LONGEST = 20_000  # characters of a policy that a link may bring: some take a time that grows with their square

HELD = (
    "The lab does not put this policy in force: matching its regular expressions with the origins of the lab's pages "
    f"takes more than {SECONDS:g} seconds, and could stop the lab for good."
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or odd, as the page shows it.

    Attributes:
        severity: ``"error"``, ``"danger"`` or ``"warning"``. Only warnings let the policy be used.
        where: The line and the key.
        message: What is wrong, and what to write instead.
        code: The stable word for it; empty for what is about the text and not about a policy.
    """

    severity: str
    where: str
    message: str
    code: str = ""


@dataclass(frozen=True)
class Reading:
    """What a text says.

    Attributes:
        rules: The rules; ``None`` if they cannot be built, or are not to be put in force here.
        problems: What is wrong or odd, in the order of the text.
        held: Why the text is not read any further, and not put in force: a sentence; else empty.
    """

    rules: Rules | None
    problems: tuple[Problem, ...]
    held: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it for the page."""
        problems = [asdict(problem) for problem in self.problems]
        return {"built": self.rules is not None, "held": self.held, "problems": problems}


def read(text: str) -> Reading:
    """Return what *text* says, or what is wrong with it. It is JSON if it begins with a brace, else TOML.

    >>> read('allow_origins = ["https://app.example.com"]').rules
    Policy(['https://app.example.com'])
    >>> [problem.where for problem in read('allow_origins = ["app.example.com"]').problems]
    ['line 1, allow_origins[0]']
    """
    try:
        rules = files.loads(text.encode("utf-8", "replace").decode())  # JSON can hold half a surrogate pair
    except files.PolicyFileError as error:
        return Reading(None, tuple(map(_of_file, error.problems)))
    return Reading(rules, tuple(map(_of_policy, getattr(rules, "findings", ()))))


def _of_file(problem: files.Problem) -> Problem:
    found = problem.finding
    place = [] if problem.line is None else [f"line {problem.line}"]
    where = ", ".join([*place, problem.key] if problem.key else place) or "the text"
    severity, code = ("error", "") if found is None else (found.severity, found.code)
    return Problem(severity, where, problem.message, code)


def _of_policy(found: Finding) -> Problem:
    return Problem(found.severity, found.where, found.advice, found.code)


def as_text(rules: Rules) -> str:
    r"""Return *rules* as the text of a policy file.

    Raises:
        TypeError: If they are code: an ``allow_origin_check``, say.

    >>> as_text(Policy("https://app.example.com", max_age=None))
    'allow_origins = ["https://app.example.com"]\nmax_age = "none"\n'
    """
    if isinstance(rules, Policy):
        return _arguments(rules)
    return _Writer().text(rules)


class _Writer:
    """Names what is put together."""

    def __init__(self) -> None:
        self._policies: dict[str, Policy] = {}
        self._groups: dict[str, list[str]] = {}

    def text(self, rules: Rules) -> str:
        lines: list[str] = []
        if isinstance(rules, ByPath):
            paths = {path: self._name(one) for path, one in rules.rules.items()}
            lines = ["[paths]", *(f"{_quoted(path)} = {_quoted(name)}" for path, name in paths.items())]
            if rules.default is not NO_CORS and "/" not in rules.rules:
                lines.append(f'"/" = {_quoted(self._name(rules.default))}')
        else:
            lines = ["[paths]", f'"/" = {_quoted(self._name(rules))}']
        groups = [f"{name} = {json.dumps(members)}" for name, members in self._groups.items()]
        named = [f"[policies.{name}]\n{_arguments(policy)}" for name, policy in self._policies.items()]
        return "\n".join([*named, *(["[any-of]", *groups, ""] if groups else []), *lines, ""])

    def _name(self, rules: Rules | None) -> str:
        if rules is None or rules is NO_CORS:
            return "NONE"
        if rules is LEAVE:
            return "LEAVE"
        if isinstance(rules, AnyOf):
            members = [self._name(one) for one in rules.policies]
            name = f"group{len(self._groups) + 1}"
            self._groups[name] = members
            return name
        if not isinstance(rules, Policy):
            raise TypeError(f"{type(rules).__name__} within a rule cannot be written as data")
        known = next((name for name, one in self._policies.items() if one is rules), None)
        name = known or f"policy{len(self._policies) + 1}"
        self._policies[name] = rules
        return name


def _arguments(policy: Policy) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in policy.to_mapping().items())


def _value(value: Any) -> str:
    """Return *value* in TOML."""
    if value is None:
        return _quoted(files.NO_MAX_AGE)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool | int):
        return json.dumps(value)
    entries: Iterable[Any] = value
    return f"[{', '.join(map(_value, entries))}]"


def _quoted(text: str) -> str:
    """Return *text* as TOML has it: as in JSON, but for pairs of surrogates and for DEL, which it forbids."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
