"""Policy files: `load` reads a policy, or several put together, from TOML or JSON.

Owns the format of these files (``docs/policy-files.md``): the arguments of one `Policy`, or named policies, groups of
them and path rules. Whatever is wrong is said at once, each problem with its line, its key and its fix. What is wrong
with the arguments themselves, and with path rules, is told by the policies; lines are told by ``syntax``.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .answer import Rules
from .compose import LEAVE, NO_CORS, AnyOf, ByPath
from .findings import Finding, PolicyError
from .policy import Policy
from .syntax import Key, Positions, UnreadableError, parse, spelled
from .validation import DEFAULTS, close_match

# What stands at the top of a file with named policies.
SECTIONS = ("policies", "any-of", "paths", "use")
# Names that path rules give a meaning of their own.
RESERVED: dict[str, Rules | None] = {"LEAVE": LEAVE, "NONE": None}
# How TOML, which has no null, writes that there is no max_age.
NO_MAX_AGE = "none"
SCHEMA_KEY = "$schema"  # where editors look for the schema of a JSON file

_PYPROJECT: Key = ("tool", "crossorigin")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a policy file.

    Attributes:
        path: The file, as it was given.
        line: Where it is, counted from 1; ``None`` where it is about the whole file.
        key: The names that lead there: ``"policies.app.allow_origins[2]"``; empty for the whole file.
        message: What is wrong, and what to write instead.
        finding: What the policy says about its argument, where it is that.
    """

    path: str
    line: int | None
    key: str
    message: str
    finding: Finding | None = None

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class PolicyFileError(ValueError):
    """A policy file that was not loaded, with every reason why.

    Attributes:
        problems: All that is wrong, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        return f"the policy file has {count} problem{'s' * (count != 1)}:{lines}"


def load(path: str | os.PathLike[str]) -> Rules:
    """Return what the policy file at *path* declares: a `Policy`, `AnyOf` or `ByPath`, whatever an adapter takes.

    The suffix tells TOML from JSON. Of a ``pyproject.toml``, the table ``[tool.crossorigin]`` is read.

    Raises:
        PolicyFileError: With every problem at once.
        OSError: If the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "crossorigin.toml"
        >>> _ = path.write_text("allow_origins = ['https://app.example.com']", encoding="utf-8")
        >>> load(path)
        Policy(['https://app.example.com'])
    """
    name = os.fspath(path)
    text = _read(name)
    try:
        data, positions = parse(text, "json" if name.endswith(".json") else "toml")
        reader = _Reader(name, positions, _PYPROJECT if Path(name).name == "pyproject.toml" else ())
        rules = reader.read(data)
    except UnreadableError as error:
        raise _only(name, error.message, error.line) from None
    except RecursionError:
        raise _only(name, "this is nested too deeply to be a policy file") from None
    reader.stop()
    return rules


def _only(path: str, message: str, line: int | None = None) -> PolicyFileError:
    return PolicyFileError([Problem(path, line, "", message)])


def _read(path: str) -> str:
    if Path(path).is_dir():
        raise _only(path, f"this is a directory; name a file in it, such as {Path(path) / 'crossorigin.toml'}")
    if Path(path).suffix not in (".toml", ".json"):
        raise _only(path, "the name of a policy file ends in .toml or .json; rename it")
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _only(
            path, f"this is not UTF-8: byte 0x{content[error.start]:02x}; save the file as UTF-8", line
        ) from None


class _Reader:
    """One walk over the data of a file. In place of what cannot be built stands something harmless, and it goes on."""

    def __init__(self, path: str, positions: Positions, base: Key) -> None:
        self._path = path
        self._positions = positions
        self._base = base  # what stands in front of all keys
        self._problems: list[Problem] = []
        self._policies: dict[str, object] = {}
        self._groups: dict[str, object] = {}
        self._built: dict[str, Rules] = {}
        self._under_way: list[str] = []  # the groups being built, each a member of the one before

    def stop(self) -> None:
        """Raise what was found wrong, if anything."""
        if self._problems:
            raise PolicyFileError(sorted(self._problems, key=lambda problem: problem.line or 0))

    def _add(self, key: Key, message: str, found: Finding | None = None) -> None:
        full = (*self._base, *key)
        self._problems.append(Problem(self._path, self._positions.line(full), spelled(full), message, found))

    def read(self, data: Any) -> Rules:
        """Return the rules that *data*, the whole file, declares."""
        for key, line in self._positions.repeated:
            message = "this key stands twice, and JSON would drop the first one; leave one of them out"
            self._problems.append(Problem(self._path, line, spelled(key), message))
        table = data
        for name in self._base:
            table = table.get(name) if isinstance(table, dict) else None
        if table is None and self._base:
            self._base = ()
            self._add((), f"there is no [{spelled(_PYPROJECT)}] in this file; add it, or name another file")
            return NO_CORS
        if not isinstance(table, dict):
            self._add((), "a policy file holds a table of names and values, not a list or a single value")
            return NO_CORS
        table = {name: value for name, value in table.items() if name != SCHEMA_KEY}
        if not table:
            self._add((), "nothing is declared here; write at least allow_origins")
            return NO_CORS
        meant = {
            name: name if name in (*SECTIONS, *DEFAULTS) else _nearest(name, (*SECTIONS, *DEFAULTS)) for name in table
        }
        if not any(name in SECTIONS for name in meant.values()):
            return self._policy((), table)
        for name, near in meant.items():
            if near in DEFAULTS:
                self._add((name,), "this belongs to one policy, and there are named ones; move it into [policies.NAME]")
            elif name not in SECTIONS:
                self._add((name,), f"nothing of this name stands here; write {near or ', '.join(SECTIONS)}")
        return self._named_rules(table)

    def _named_rules(self, table: dict[str, Any]) -> Rules:
        self._policies = self._section(table, "policies")
        self._groups = self._section(table, "any-of")
        for section, declared in (("policies", self._policies), ("any-of", self._groups)):
            for name in declared.keys() & RESERVED.keys():
                self._add((section, name), "path rules give this name a meaning of their own; choose another one")
        for name in self._policies.keys() & self._groups.keys():
            self._add(("any-of", name), "a policy has this name already; choose another one")
        for name, arguments in self._policies.items():
            self._built[name] = self._policy(("policies", name), arguments)
        for name in self._groups:
            self._group(name)
        if "paths" in table:
            if "use" in table:
                self._named(("use",), table["use"])
                self._add(("use",), "path rules choose the policy already; leave use out, or the path rules")
            if table["paths"] == {}:
                self._add(("paths",), 'no path is named here; write "/" = and the name of a policy')
            return self._paths(self._section(table, "paths"))
        if "use" in table:
            return self._named(("use",), table["use"])
        if len(self._built) > 1:
            names = " or ".join(f"use = {json.dumps(name)}" for name in self._built)
            self._add((), f"nothing says which policy counts; add path rules, or above the first section {names}")
        elif not self._built and not self._problems:
            self._add((), "no policy is declared here; write one under [policies.NAME]")
        return next(iter(self._built.values()), NO_CORS)

    def _section(self, table: dict[str, Any], name: str) -> dict[str, Any]:
        section = table.get(name, {})
        if isinstance(section, dict):
            return section
        self._add((name,), f"this is a table; write [{name}] above its lines, or {{...}} in JSON")
        return {}

    def _policy(self, key: Key, arguments: object) -> Rules:
        if not isinstance(arguments, dict):
            misplaced = key[-1] in DEFAULTS
            meant = "this belongs to one policy; write it" if misplaced else "a policy is a table; write its arguments"
            self._add(key, f"{meant} under [policies.NAME]")
            return NO_CORS
        given = dict(arguments)
        if given.pop("allow_origin_check", None) is not None:
            self._add((*key, "allow_origin_check"), "a function cannot stand in a file; build this policy in Python")
        if given.get("max_age") == NO_MAX_AGE:
            given["max_age"] = None
        try:
            return Policy.from_mapping(given)
        except PolicyError as error:
            for found in error.findings:
                self._add((*key, *_argument(found.where, arguments)), _said(found), found)
            return NO_CORS

    def _group(self, name: str) -> Rules:
        if name in self._built:
            return self._built[name]
        key = ("any-of", name)
        members = self._groups[name]
        self._built[name] = NO_CORS
        if not isinstance(members, list):
            self._add(key, 'this is a list of names; write it so: ["app", "public"]')
            return NO_CORS
        self._under_way.append(name)
        rules = [self._named((*key, index), member) for index, member in enumerate(members)]
        self._under_way.pop()
        try:
            self._built[name] = AnyOf(*rules)
        except PolicyError as error:
            for found in error.findings:
                self._add(key, found.advice, found)
        return self._built[name]

    def _paths(self, paths: dict[str, Any]) -> Rules:
        rules: dict[str, Rules | None] = {}
        for path, name in paths.items():
            reserved = isinstance(name, str) and name in RESERVED
            rules[path] = RESERVED[name] if reserved else self._named(("paths", path), name, RESERVED)
        try:
            return ByPath(rules)
        except PolicyError as error:
            for found in error.findings:
                path = str(found.value)
                above = "this is no path; write it above the first section" if path == "use" else _said(found)
                self._add(("paths", path), above, found)
            return NO_CORS

    def _named(self, key: Key, name: object, also: Iterable[str] = ()) -> Rules:
        """Return the policy or the group of this *name*; *also* is what else could have been meant."""
        if not isinstance(name, str):
            self._add(key, "this is the name of a policy or of a group; write it between quotes")
        elif name in self._under_way:
            circle = " > ".join([*self._under_way[self._under_way.index(name) :], name])
            self._add(key, f"the group {name!r} would hold itself: {circle}; leave one of them out")
        elif name in self._groups:
            return self._group(name)
        elif name in self._policies:
            return self._built[name]
        elif name in RESERVED:
            self._add(key, f"{name} is for path rules alone; write the name of a policy or of a group")
        else:
            names = [*self._policies, *self._groups, *also]
            near = _nearest(name, names)
            meant = (
                repr(near) if near else f"one of {', '.join(map(repr, names))}" if names else "[policies.NAME] first"
            )
            self._add(key, f"there is no policy and no group {name!r}; write {meant}")
        return NO_CORS


def _nearest(word: str, words: Iterable[str]) -> str | None:
    folded = {one.lower().replace("_", "-"): one for one in words}
    near = close_match(word.lower().replace("_", "-"), folded)
    return near and folded[near]


def _argument(where: str, arguments: Mapping[str, Any]) -> Key:
    """Return the key of what a finding calls *where*: an argument, or an entry of one that is a list."""
    unknown = {name if name.isidentifier() else repr(name): name for name in arguments}
    argument, _, place = where.partition("[")
    if where in unknown or not place:
        return (unknown.get(where, where),)
    return (argument, int(place.rstrip("]"))) if isinstance(arguments[argument], list) else (argument,)


def _said(found: Finding) -> str:
    """Return the sentence of *found* in the words of a file: ``true`` and ``null``, not ``True`` and ``None``."""
    if found.code in ("argument-missing", "argument-unknown"):
        return found.advice  # the key says it all
    told = replace(found, value=_Word.of(found.value), fix=None if found.fix is None else _Word.of(found.fix))
    return str(told).removeprefix(f"{found.where}: ")


class _Word(str):
    """A word that stands without quotes."""

    __slots__ = ()
    __repr__ = str.__str__

    @classmethod
    def of(cls, value: object) -> object:
        return cls(json.dumps(value)) if value is None or isinstance(value, bool) else value
