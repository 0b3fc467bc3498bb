"""What the data of a policy file declare: the arguments of one policy, or named policies, groups and path rules.

Owns the words of the format (``docs/policy-files.md``), and how they become rules. What is wrong is noted at its key,
and reading goes on; what is wrong with the arguments themselves, and with path rules, is told by the policies. Knows
nothing of lines, and of TOML and JSON no more than how advice is spelled in them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .answer import Rules
from .compose import LEAVE, NO_CORS, AnyOf, ByPath
from .findings import Finding, PolicyError, Spelling, finding
from .policy import Policy
from .syntax import Key, spelled
from .validation import DEFAULTS, close_match

# What stands at the top of a file with named policies.
SECTIONS = ("policies", "any-of", "paths", "use")
# Names that path rules give a meaning of their own.
RESERVED: dict[str, Rules | None] = {"LEAVE": LEAVE, "NONE": None}
# How TOML, which has no null, writes that there is no max_age; in whatever case.
NO_MAX_AGE = "none"
SCHEMA_KEY = "$schema"  # where editors look for the schema of a JSON file

# Where it stands in a pyproject.toml.
PYPROJECT = ("tool", "crossorigin")


class Note(NamedTuple):
    """Something to say about one place in the data.

    Attributes:
        key: The names that lead there.
        message: What is wrong, and what to write instead.
        finding: What the policy says about its argument, where it is that.
    """

    key: Key
    message: str
    finding: Finding | None = None


class Reader:
    """One walk over the data of a file. In place of what cannot be built stands something harmless, and it goes on.

    Attributes:
        problems: What is wrong.
        remarks: The warnings, and the dangers that were accepted.
        built: The policies and groups by their names.
    """

    def __init__(self, spelling: Spelling) -> None:
        self.problems: list[Note] = []
        self.remarks: list[Note] = []
        self.built: dict[str, Rules] = {}
        self._spelling = spelling
        self._policies: dict[str, object] = {}
        self._groups: dict[str, object] = {}
        self._under_way: list[str] = []  # the groups being built, each a member of the one before

    @property
    def parts(self) -> dict[Key, Rules]:
        """The policies and groups by their keys."""
        return {("policies" if name in self._policies else "any-of", name): one for name, one in self.built.items()}

    def _add(self, key: Key, message: str) -> None:
        self.problems.append(Note(key, message))

    def _note(self, notes: list[Note], key: Key, found: Finding) -> None:
        found = found.spelled(self._spelling)
        # Of a name that there is not, the key says it all.
        known = found.code in ("argument-missing", "argument-unknown")
        notes.append(Note(key, found.advice if known else f"{found.given}: {found.advice}", found))

    def read(self, table: object) -> Rules:
        """Return the rules that *table* declares."""
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
        is_one = any(near in DEFAULTS for near in meant.values())
        stray = [name for name, near in meant.items() if near is None and isinstance(table[name], dict) and not is_one]
        if not stray and not any(name in SECTIONS for name in meant.values()):
            return self._policy((), table)
        for name, near in meant.items():
            if name == PYPROJECT[0] and isinstance(table[name], dict) and PYPROJECT[1] in table[name]:
                belongs = "this is how it is written in pyproject.toml; move it there"
                self._add(PYPROJECT, f"{belongs}, or leave tool.crossorigin out of the header")
            elif name in stray:
                self._add((name,), "nothing of this name stands here; write [policies.NAME]")
            elif near in DEFAULTS:
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
            self.built[name] = self._policy(("policies", name), arguments)
        for name in self._groups:
            self._group(name)
        rules = self._chosen(table)
        reached = list(within(rules))
        for key, part in self.parts.items():
            if not any(part is one for one in reached):
                self._note(self.remarks, key, finding("unused-policy", spelled(key), key[-1]))
        return rules

    def _chosen(self, table: dict[str, Any]) -> Rules:
        if "paths" in table:
            if "use" in table:
                self._named(("use",), table["use"])
                self._add(("use",), "path rules choose the policy already; leave use out, or the path rules")
            if table["paths"] == {}:
                self._add(("paths",), 'no path is named here; write "/" = and the name of a policy')
            return self._paths(self._section(table, "paths"))
        if "use" in table:
            return self._named(("use",), table["use"])
        if any(note.key[-1:] == ("use",) for note in self.problems):
            pass  # where it does not count, and was told so
        elif len(self.built) > 1:
            names = " or ".join(
                self._spelling.setting.format(name="use", value=json.dumps(name)) for name in self.built
            )
            self._add((), f"nothing says which policy counts; add path rules, or above the first section {names}")
        elif not self.built and not self.problems:
            self._add((), "no policy is declared here; write one under [policies.NAME]")
        return next(iter(self.built.values()), NO_CORS)

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
        if key and given.pop("use", None) is not None:
            self._add((*key, "use"), "this is no argument of a policy; write it above the first section")
        if isinstance(given.get("max_age"), str) and given["max_age"].lower() == NO_MAX_AGE:
            given["max_age"] = None
        try:
            policy = Policy.from_mapping(given)
        except PolicyError as error:
            for found in error.findings:
                self._note(self.problems, (*key, *_argument(found.where, arguments)), found)
            return NO_CORS
        for found in policy.findings:
            self._note(self.remarks, (*key, *_argument(found.where, arguments)), found)
        return policy

    def _group(self, name: str) -> Rules:
        if name in self.built:
            return self.built[name]
        key = ("any-of", name)
        members = self._groups[name]
        self.built[name] = NO_CORS
        if not isinstance(members, list):
            instead = "write it above the first section" if name == "use" else 'write it so: ["app", "public"]'
            self._add(key, f"this is a list of names; {instead}")
            return NO_CORS
        self._under_way.append(name)
        rules = [self._named((*key, index), member) for index, member in enumerate(members)]
        self._under_way.pop()
        try:
            group = self.built[name] = AnyOf(*rules)
        except PolicyError as error:
            self.problems += [Note(key, found.advice, found) for found in error.findings]
            return NO_CORS
        places: dict[str, Key] = {f"AnyOf[{index}]": (*key, index) for index in range(len(rules))}
        self._remark_own(group, places)
        return group

    def _paths(self, paths: dict[str, Any]) -> Rules:
        rules: dict[str, Rules | None] = {}
        for path, name in paths.items():
            reserved = isinstance(name, str) and name in RESERVED
            rules[path] = RESERVED[name] if reserved else self._named(("paths", path), name, RESERVED)
        try:
            by_path = ByPath(rules)
        except PolicyError as error:
            for found in error.findings:
                path = str(found.value)
                if path == "use":
                    self._add(("paths", path), "this is no path; write it above the first section")
                else:
                    self._note(self.problems, ("paths", path), found)
            return NO_CORS
        self._remark_own(by_path, {f"ByPath[{path!r}]": ("paths", path) for path in paths})
        return by_path

    def _remark_own(self, rules: AnyOf | ByPath, places: Mapping[str, Key]) -> None:
        """Note what is odd about *rules* themselves, and not about what is put together there."""
        for found in rules.findings:
            if found.where in places:
                key = places[found.where]
                self._note(self.remarks, key, finding(found.code, found.where, key[-1]))

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
            return self.built[name]
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


def within(rules: Rules | None) -> Iterator[Rules]:
    """Yield *rules* and all that they are put together of."""
    if rules is None:
        return
    yield rules
    inner: Iterable[Rules | None] = ()
    if isinstance(rules, AnyOf):
        inner = rules.policies
    elif isinstance(rules, ByPath):
        inner = rules.rules.values()
    for one in inner:
        yield from within(one)


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
