"""Policies put together: `AnyOf` asks one after the other, `ByPath` chooses by the path, `LEAVE` stands back.

They answer the same two questions as a `Policy`, so that no adapter knows which of them it holds. They decide nothing
but which policy answers. A path is compared as the framework routes on it; one that two readers could read differently
belongs to no policy (S19).
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from . import fetch
from .answer import DENIED, ORIGIN_ALLOWED, Answer, Block, Reason, Rules
from .findings import Finding
from .memory import MAX_OUTCOMES, is_pure
from .validation import Report

# `//`, `/./`, `/../` and a backslash are folded by some readers and not by others, a NUL ends a path for a few, and
# what is still encoded behind the framework's own decoding may be decoded once more.
_AMBIGUOUS = re.compile(r"//|/\.\.?(?:/|\Z)|[\\\x00]|%(?:2[ef]|5c|00)", re.IGNORECASE)


class Relay:
    """Rules that pass the two questions on: a base for those that change whom they ask, or how the answer reads.

    Args:
        rules: What is asked.

    Attributes:
        rules: What is asked, from the next request on.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    @property
    def is_async(self) -> bool:
        """Whether the rules must be awaited."""
        return self.rules.is_async

    def ruling(self, origin: str | None) -> Rules:
        """Return the rules that are asked about *origin*."""
        return self.rules

    def actual_reply(self, answer: Answer) -> Answer:
        """Return what becomes of *answer*, to an actual request."""
        return answer

    def preflight_reply(
        self, answer: Answer, origin: str, method: str, headers: Sequence[str], private_network: bool
    ) -> Answer:
        """Return what becomes of *answer*, to the preflight that the other arguments are."""
        return answer

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as the rules do."""
        answer = self.ruling(origin).actual(origin, path)
        return answer and self.actual_reply(answer)

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as the rules do."""
        answer = self.ruling(origin).preflight(origin, path, method, headers, private_network)
        return answer and self.preflight_reply(answer, origin, method, headers, private_network)

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does, awaiting what is ``async``."""
        answer = await self.ruling(origin).actual_async(origin, path)
        return answer and self.actual_reply(answer)

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does, awaiting what is ``async``."""
        answer = await self.ruling(origin).preflight_async(origin, path, method, headers, private_network)
        return answer and self.preflight_reply(answer, origin, method, headers, private_network)

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Return the nearest miss of the rules (S20)."""
        return self.rules.near_miss(reason, origin, path, method, headers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rules!r})"


class FixedRules:
    """Rules that give the same answer to everything: one refusal, or none at all.

    Args:
        name: What they are called.
        refusal: Why they refuse; ``None`` for rules that have no say.
    """

    is_async = False

    def __init__(self, name: str, refusal: Reason | None) -> None:
        self._name = name
        self._refusal = refusal and Answer(False, refusal, Block(), status=DENIED)
        self._without_origin = refusal and Answer(True, "no-origin", Block())

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer *this actual request?*, always the same."""
        return self._without_origin if origin is None else self._refusal

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer *this preflight?*, always the same."""
        return self._refusal

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does."""
        return self.actual(origin, path)

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does."""
        return self._refusal

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Return ``None``: nothing would have been allowed."""
        return None

    def __repr__(self) -> str:
        return self._name


LEAVE: Final = FixedRules("LEAVE", None)
"""Leaves the request to whatever is inside, preflights and both guards included: the adapter stands back."""

NO_CORS: Final = FixedRules("None", "path-uncovered")
"""Allows no origin at all: what ``None`` means in place of a policy."""

_UNREADABLE: Final = FixedRules("unreadable path", "path-ambiguous")


class AnyOf:
    """Several policies: the first one that allows the origin decides everything for it.

    Use it where origins get different rights. What one policy allows is never mixed with what another allows.

    Args:
        policies: At least one `Policy`, or what else is composed of policies, in the order in which they are asked.

    Raises:
        PolicyError: If one of them is no policy, or there is none.

    Attributes:
        policies: The policies, in order.
        findings: What their findings say, and which policies can never be asked (F3).
        is_async: Whether one of them must be awaited.
        is_pure: Whether the same question always gets the same answer, at any path.

    Example:
        >>> from crossorigin import Policy
        >>> ours = Policy("https://app.example.com", allow_credentials=True)
        >>> rules = AnyOf(ours, Policy("*"))
        >>> rules.actual("https://app.example.com").headers
        (('Access-Control-Allow-Origin', 'https://app.example.com'), ('Access-Control-Allow-Credentials', 'true'))
        >>> rules.actual("https://stranger.example").headers
        (('Access-Control-Allow-Origin', '*'),)
    """

    def __init__(self, *policies: Rules) -> None:
        report = Report()
        given: tuple[object, ...] = policies  # whatever their types say
        for index, policy in enumerate(given):
            if not isinstance(policy, Rules):
                report.add("rule-type", f"AnyOf[{index}]", policy)
        if not policies:
            report.add("no-policies", "AnyOf", policies)
        report.stop()
        # What answers without an origin answers everybody: nobody asks the next one.
        everybody = next((index for index, policy in enumerate(policies) if _is_constant(policy)), len(policies))
        for index in range(everybody + 1, len(policies)):
            report.add("unreachable-policy", f"AnyOf[{index}]", policies[index])
        self.policies = policies
        self.findings = (*_findings((f"AnyOf[{index}]", one) for index, one in enumerate(policies)), *report.findings)
        self.is_async = any(policy.is_async for policy in policies)
        self.is_pure = type(self) is AnyOf and all(map(is_pure, policies))
        self._varied: dict[Block, Block] = {}

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer *this actual request?*, as the first policy that allows *origin*. See `Policy.actual`."""
        if origin is None:
            return self._settled(self.policies[0], self.policies[0].actual(None, path))
        return self._first(lambda policy: policy.actual(origin, path))

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer *this preflight?*, as the first policy that allows *origin*. See `Policy.preflight`."""
        return self._first(lambda policy: policy.preflight(origin, path, method, headers, private_network))

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does, awaiting what is ``async``."""
        if origin is None:
            return self.actual(None, path)
        return await self._first_async(lambda policy: policy.actual_async(origin, path))

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does, awaiting what is ``async``."""
        return await self._first_async(
            lambda policy: policy.preflight_async(origin, path, method, headers, private_network)
        )

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Return the nearest miss of the first policy that has one (S20)."""
        asked = self.policies
        if reason in ORIGIN_ALLOWED and not self.is_async:  # then one policy has refused, and the others have no say
            answers = ((policy, policy.actual(origin, path)) for policy in self.policies)
            asked = tuple(policy for policy, answer in answers if answer and answer.origin_allowed)[:1]
        misses = (policy.near_miss(reason, origin, path, method, headers) for policy in asked)
        return next((miss for miss in misses if miss), None)

    def _first(self, ask: Callable[[Rules], Answer | None]) -> Answer | None:
        refusal: Answer | None = None
        for policy in self.policies:
            answer = ask(policy)
            if answer is None or answer.origin_allowed:
                return self._settled(policy, answer)
            refusal = refusal or answer
        return self._settled(None, refusal)

    async def _first_async(self, ask: Callable[[Rules], Awaitable[Answer | None]]) -> Answer | None:
        refusal: Answer | None = None
        for policy in self.policies:
            answer = await ask(policy)
            if answer is None or answer.origin_allowed:
                return self._settled(policy, answer)
            refusal = refusal or answer
        return self._settled(None, refusal)

    def _settled(self, policy: Rules | None, answer: Answer | None) -> Answer | None:
        """Return *answer* as that of all policies together: another origin might have got another one (S10)."""
        if answer is None or fetch.ORIGIN in answer.vary or (policy is self.policies[0] and answer.headers):
            return answer
        block = answer.block
        varied = self._varied.get(block)
        if varied is None:
            if len(self._varied) >= MAX_OUTCOMES:
                self._varied.clear()  # rules that build a block for each answer must fill no memory
            varied = self._varied[block] = block.varied_by(fetch.ORIGIN)
        return answer._replace(block=varied)

    def __repr__(self) -> str:
        return f"AnyOf({', '.join(map(repr, self.policies))})"


class ByPath:
    """A policy for each part of an application: the first rule in written order that covers the path decides.

    A rule covers its own path and what is below it, by whole segments: ``/api`` and ``/api/`` both cover ``/api`` and
    ``/api/x``, and not ``/apixyz``. Paths are compared as the framework routes on them, with upper and lower case told
    apart. A path with ``//``, ``/./``, ``/../``, a backslash or a NUL, encoded or not, belongs to no rule (S19).

    Args:
        rules: Paths, each with a `Policy` (or what else is composed of policies), `LEAVE`, or ``None`` for no CORS.
        default: The same for paths that no rule covers.

    Raises:
        PolicyError: With every problem at once.

    Attributes:
        rules: The rules as they were given, in order.
        default: The rules for all other paths.
        findings: What the policies' findings say, and which rules an earlier one hides (F3).
        is_async: Whether one of them must be awaited.

    Example:
        >>> from crossorigin import Policy
        >>> rules = ByPath({"/public/": Policy("*"), "/": Policy("https://app.example.com")})
        >>> rules.actual("https://stranger.example", "/public/feed").allowed
        True
        >>> rules.actual("https://stranger.example", "/publicity").allowed
        False
    """

    def __init__(self, rules: Mapping[str, Rules | None], default: Rules | None = None) -> None:
        report = Report()
        self.by_prefix: list[tuple[str, Rules]] = []
        for path, policy in rules.items():
            where = f"ByPath[{path!r}]"
            if not _is_rule_path(path):
                report.add("rule-path", where, path, _path_meant(path))
                continue
            prefix = path.removesuffix("/")
            if any(_covers(earlier, prefix) for earlier, _ in self.by_prefix):
                report.add("unreachable-rule", where, path)
            self.by_prefix.append((prefix, _check_rules(policy, where, report)))
        self.rules = dict(rules)
        self.default = _check_rules(default, "ByPath default", report)
        report.stop()
        named = [*((f"ByPath[{path!r}]", policy) for path, policy in rules.items()), ("ByPath default", default)]
        self.findings = (*_findings(named), *report.findings)
        self.is_async = any(policy.is_async for policy in (*(policy for _, policy in self.by_prefix), self.default))

    def at(self, path: str) -> Rules:
        """Return the rules for *path*."""
        if _AMBIGUOUS.search(path):
            return _UNREADABLE
        return next((policy for prefix, policy in self.by_prefix if _covers(prefix, path)), self.default)

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer *this actual request?*, as the rule for *path* does. See `Policy.actual`."""
        return self.at(path).actual(origin, path)

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer *this preflight?*, as the rule for *path* does. See `Policy.preflight`."""
        return self.at(path).preflight(origin, path, method, headers, private_network)

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does, awaiting what is ``async``."""
        return await self.at(path).actual_async(origin, path)

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does, awaiting what is ``async``."""
        return await self.at(path).preflight_async(origin, path, method, headers, private_network)

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Return the nearest miss by the rule for *path* (S20)."""
        return self.at(path).near_miss(reason, origin, path, method, headers)

    def __repr__(self) -> str:
        default = "" if self.default is NO_CORS else f", default={self.default!r}"
        return f"ByPath({self.rules!r}{default})"


def _covers(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _check_rules(policy: object, where: str, report: Report) -> Rules:
    if policy is None:
        return NO_CORS
    if isinstance(policy, Rules):
        return policy
    report.add("rule-type", where, policy)
    return NO_CORS


def _is_constant(policy: Rules) -> bool:
    if isinstance(policy, ByPath):
        return all(map(_is_constant, (*(rules for _, rules in policy.by_prefix), policy.default)))
    if isinstance(policy, AnyOf):
        return _is_constant(policy.policies[0])
    answer = policy.actual(None)
    return answer is not None and bool(answer.headers)


def _is_rule_path(path: object) -> bool:
    return isinstance(path, str) and re.fullmatch("/[^?#*]*", path) is not None and not _AMBIGUOUS.search(path)


def _path_meant(path: object) -> str | None:
    meant = f"/{str(path).strip().removesuffix('*').lstrip('/')}"
    return meant if isinstance(path, str) and _is_rule_path(meant) else None


def _findings(rules: Iterable[tuple[str, Rules | None]]) -> list[Finding]:
    """Return the findings of *rules*, each saying in which of them it is."""
    return [
        found._replace(where=f"{where}: {found.where}")
        for where, policy in rules
        for found in getattr(policy, "findings", ())
    ]
