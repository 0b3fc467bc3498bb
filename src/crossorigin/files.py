"""Policy files: `load` reads a policy, or several put together, from TOML or JSON.

Owns how a file is found out to be one, and how whatever is wrong with it is told: all at once, each problem with its
line, its key and its fix. What a file may say is ``sections``' business; lines are told by ``syntax``.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .answer import Rules
from .compose import ByPath
from .findings import Finding, Spelling
from .notation import JSON, TOML
from .sections import NO_MAX_AGE, PYPROJECT, Note, Reader, within
from .syntax import Key, UnreadableError, parse, spelled

__all__ = ["NO_MAX_AGE", "PolicyFile", "PolicyFileError", "Problem", "load", "loads", "read"]


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
        is_readable: Whether it is a policy file at all: text in a notation that can be read.
    """

    def __init__(self, problems: Iterable[Problem], *, is_readable: bool = True) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.is_readable = is_readable
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        return f"the policy file has {count} problem{'s' * (count != 1)}:{lines}"


@dataclass(frozen=True)
class PolicyFile:
    """What a policy file declares, and how it is called there.

    Attributes:
        rules: What an adapter takes.
        spelling: How the file is written.
        parts: The named policies and groups, such as ``"policies.app"``; none where there is one policy alone.
        remarks: The warnings, and the dangers that were accepted, in the order of the file.
    """

    rules: Rules
    spelling: Spelling
    parts: Mapping[str, Rules]
    remarks: tuple[Problem, ...]

    def where(self, policy: Rules, path: str) -> str:
        """Return where *policy* stands, which decides at *path*, and for what else it counts; empty if it is alone."""
        name = next((name for name, part in self.parts.items() if part is policy), None)
        if name is None:
            return ""
        rules = self.rules.rules if isinstance(self.rules, ByPath) else {}
        used = [json.dumps(prefix) for prefix, rule in rules.items() if any(policy is one for one in within(rule))]
        others = [prefix for prefix in used if prefix != json.dumps(self._rule_for(path))]
        also = f" (which {' and '.join(others)} use{'s' * (len(others) == 1)}, too)" if others else ""
        return f" in {name}{also}"

    def cover(self, path: str) -> str:
        """Return what to write so that *path*, at which no policy decides, has one."""
        rule = self._rule_for(path)
        if rule is None:
            return f'in paths, write the name of a policy for {json.dumps(path)}, or for "/"'
        return f'in paths, write the name of a policy for {json.dumps(rule)}, instead of "NONE"'

    def _rule_for(self, path: str) -> str | None:
        """Return the path, as it is written, whose rule covers *path*."""
        rules = self.rules.rules if isinstance(self.rules, ByPath) else {}
        return next((prefix for prefix in rules if f"{path}/".startswith(f"{prefix.removesuffix('/')}/")), None)


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
    return _read(name, _text(name)).rules


def loads(text: str) -> Rules:
    """Return what *text*, that of a policy file, declares. It is JSON if it begins with a brace, else TOML.

    Raises:
        PolicyFileError: With every problem at once.

    >>> loads("allow_origins = ['https://app.example.com']")
    Policy(['https://app.example.com'])
    """
    return _read("policy.json" if text.lstrip().startswith("{") else "policy.toml", text).rules


def read(path: str | os.PathLike[str]) -> PolicyFile:
    """Return all that the policy file at *path* tells: what `load` returns, and where it stands there.

    Raises:
        PolicyFileError: With every problem at once.
        OSError: If the file cannot be read.
    """
    name = os.fspath(path)
    return _read(name, _text(name))


def _read(name: str, text: str) -> PolicyFile:
    spelling = JSON if name.endswith(".json") else TOML
    base: Key = PYPROJECT if Path(name).name == "pyproject.toml" else ()
    try:
        data, positions = parse(text, "json" if spelling is JSON else "toml")
        for part in base:
            data = data.get(part) if isinstance(data, dict) else None
        if data is None and base:
            raise UnreadableError(f"there is no [{spelled(base)}] in this file; add it, or name another file")
        reader = Reader(spelling)
        rules = reader.read(data)
    except UnreadableError as error:
        raise _only(name, error.message, error.line) from None
    except RecursionError:
        raise _only(name, "this is nested too deeply to be a policy file") from None

    def placed(notes: Sequence[Note]) -> list[Problem]:
        keys = ((*base, *note.key) for note in notes)
        problems = [
            Problem(name, positions.line(key), spelled(key), note.message, note.finding)
            for key, note in zip(keys, notes, strict=True)
        ]
        return sorted(problems, key=lambda problem: problem.line or 0)

    repeated = [
        Note(key, "this key stands twice, and JSON would drop the first one; leave one of them out")
        for key, _ in positions.repeated
    ]
    problems = placed([*repeated, *reader.problems])
    if problems:
        raise PolicyFileError(problems)
    parts = {spelled((*base, *key)): one for key, one in reader.parts.items()}
    return PolicyFile(rules, spelling, parts, tuple(placed(reader.remarks)))


def _only(path: str, message: str, line: int | None = None) -> PolicyFileError:
    return PolicyFileError([Problem(path, line, "", message)], is_readable=False)


def _text(path: str) -> str:
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
