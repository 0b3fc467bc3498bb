"""TOML and JSON as Python's own parsers read them, and the line on which each key and each entry of a list stands.

The parsers decide whether a text is valid, and what it says; they do not tell where. So this module reads the tokens of
a text that they have accepted, and notes lines. Knows nothing of policies. Restates as much of TOML 1.0 and of RFC 8259
as tells one token from the next.
"""

import ast
import json
import re
import tomllib
from bisect import bisect
from typing import Any, Literal

Key = tuple[str | int, ...]
"""The names that lead to a value, a number for the place in a list: ``("policies", "app", "allow_origins", 2)``."""

Notation = Literal["toml", "json"]

# In both notations. Several lines of text may end with quotes of their own, before the closing three.
_TOKEN = re.compile(
    r"""
    "{3}(?:[^\\]|\\.)*?"{3,5} | '{3}.*?'{3,5} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*'   # text
    | \#[^\n]*                                                                    # a comment
    | [\[\]{},:=\n]                                                               # what divides
    | [^\s"'\#\[\]{},:=]+                                                         # numbers, words, bare keys
    """,
    re.VERBOSE | re.DOTALL,
)
_BARE = re.compile("[A-Za-z0-9_-]+")
# What people mean by what the parser stops at.
_HINTS = (
    (r"Invalid value", "put text between quotes, and write true and false in lower case"),
    (r"Illegal character '\\[nr]'|Unterminated string|Expected \"'", "close the quotes on the line on which they open"),
    (r"Unescaped '\\|Invalid hex value", "write it between single quotes, within which a backslash is a backslash"),
    (r"Unclosed array", "close it with ], and put commas between its entries"),
    (r"Unclosed inline table", "close it with }, on the same line"),
    (r"Expected newline|Expected '='|Invalid statement", "put each NAME = VALUE on a line of its own"),
    (r"Cannot declare|Duplicate", "put all of it under one header, or leave one out"),
)
_PLACE_IN_TOML = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


class UnreadableError(ValueError):
    """A text that is not valid, with the line where the parser gave up, if it told."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


class Positions:
    r"""The lines of a text that is valid TOML, or valid JSON.

    Attributes:
        repeated: The keys that a JSON text has twice, each with the line of the later one. TOML forbids them.

    Example:
        >>> positions = Positions('{"paths": {\n"/": "app"}}', "json")
        >>> positions.line(("paths", "/"))
        2
    """

    def __init__(self, text: str, notation: Notation) -> None:
        self._text = text
        self._notation = notation
        self._newlines = [place for place, character in enumerate(text) if character == "\n"]
        self._tokens = list(_tokens(text, notation))
        self._next = 0
        self._lines: dict[Key, int] = {}
        self.repeated: list[tuple[Key, int]] = []
        if notation == "json":
            self._read_value(())
        else:
            self._read_statements()

    def line(self, key: Key) -> int | None:
        """Return the line of *key*, or of the nearest thing around it that has one; the first line is 1."""
        while key not in self._lines and key:
            key = key[:-1]
        return self._lines.get(key) if key else None

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _place(self) -> int:
        return self._tokens[self._next][1]

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1][0]

    def _line(self) -> int:
        return bisect(self._newlines, self._place() - 1) + 1

    def _read_statements(self) -> None:
        header: Key = ()
        while self._next < len(self._tokens):
            if self._peek() == "\n":
                self._take()
            elif self._peek() == "[":
                line, start = self._line(), self._place()
                end = start
                while self._peek() not in ("\n", ""):
                    end = self._place() + len(self._take())
                header = _names(tomllib.loads(self._text[start:end]))
                self._note((), header, line)
            else:
                self._read_pair(header)

    def _read_pair(self, parent: Key) -> None:
        line, start = self._line(), self._place()
        while self._peek() not in ("=", ":"):
            self._take()
        written = self._text[start : self._place()]
        self._take()
        key = (json.loads(written),) if self._notation == "json" else _names(tomllib.loads(f"{written} = 0"))
        if self._notation == "json" and (*parent, *key) in self._lines:
            self._forget((*parent, *key))
            self.repeated.append(((*parent, *key), line))
        self._note(parent, key, line)
        self._read_value((*parent, *key))

    def _read_value(self, key: Key) -> None:
        self._lines.setdefault(key, self._line())
        opening = self._peek()
        if opening not in ("[", "{"):
            while self._peek() not in (",", "]", "}", "\n", ""):
                self._take()
            return
        self._take()
        index = 0
        while self._peek() not in ("]", "}"):
            if opening == "[":
                self._read_value((*key, index))
                index += 1
            else:
                self._read_pair(key)
            if self._peek() == ",":
                self._take()
        self._take()

    def _forget(self, repeated: Key) -> None:
        # The last one counts, so the lines of the one before would be those of something that the data do not hold.
        self._lines = {key: line for key, line in self._lines.items() if key[: len(repeated)] != repeated}

    def _note(self, parent: Key, key: Key, line: int) -> None:
        for length in range(1, len(key) + 1):
            self._lines.setdefault((*parent, *key[:length]), line)


def parse(text: str, notation: Notation) -> tuple[Any, Positions]:
    """Return what *text* says, and where.

    Raises:
        UnreadableError: If it is not valid.

    >>> parse("max_age = None", "toml")
    Traceback (most recent call last):
    crossorigin.syntax.UnreadableError: this is not TOML: invalid value at column 11; put text between quotes, ...
    """
    try:
        data = tomllib.loads(text) if notation == "toml" else json.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE_IN_TOML.search(str(error))
        what = str(error)[: place.start()] if place else str(error)
        what = re.sub(r"\(.*\)", lambda key: f"[{spelled(ast.literal_eval(key[0]))}]", what)
        line = int(place[1] or text.rstrip("\n").count("\n") + 1) if place else None
        if what == "Cannot overwrite a value" and line is not None and (twice := _twice(text, line)):
            raise UnreadableError(f"this is not TOML: {twice}; leave one of them out", line) from None
        at = f" at column {place[2]}" if place and place[2] else " at the end of the file" if place else ""
        advice = "".join(f"; {hint}" for pattern, hint in _HINTS if re.match(pattern, what))
        raise UnreadableError(f"this is not TOML: {what[0].lower()}{what[1:]}{at}{advice}", line) from None
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise UnreadableError(f"this is not JSON: {what} at column {error.colno}", error.lineno) from None
    except ValueError:
        raise UnreadableError("this cannot be read: a number has more digits than Python reads; shorten it") from None
    return data, Positions(text, notation)


def _twice(text: str, line: int) -> str | None:
    """Return what stands on *line* for the second time, and where it stood first, if the two lines tell."""
    before = text.split("\n")[:line]
    name = before.pop().partition("=")[0].strip()
    first = next((number for number in range(len(before), 0, -1) if _name(before[number - 1]) == name), None)
    return None if first is None else f"{name} stands on line {first} already"


def _name(line: str) -> str:
    name, equals, _ = line.partition("=")
    return name.strip() if equals else ""


def spelled(key: Key) -> str:
    """Return *key* as people write it.

    >>> spelled(("paths", "/public/")), spelled(("policies", "app", "allow_origins", 2))
    ('paths."/public/"', 'policies.app.allow_origins[2]')
    """
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += "." * bool(text) + (part if _BARE.fullmatch(part) else json.dumps(part))
    return text


def _tokens(text: str, notation: Notation) -> list[tuple[str, int]]:
    """Return the tokens without comments, and without the newlines that end no statement."""
    tokens: list[tuple[str, int]] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        if token[0] != "#" and (token != "\n" or (notation == "toml" and depth == 0)):
            tokens.append((token, match.start()))
    return tokens


def _names(table: object) -> Key:
    """Return the names that lead down a table of tables with one entry each."""
    names: list[str | int] = []
    while isinstance(table, dict) and table:
        [(name, table)] = table.items()
        names.append(name)
    return tuple(names)
