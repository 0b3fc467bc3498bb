"""How the values of a policy are written: as Python code, and as the plain data of TOML and JSON.

Owns the spelling of regular expressions in both, and in which words advice about TOML and JSON differs from that about
Python. Knows nothing of what the values mean.
"""

import re

from .findings import Spelling

_INLINE_FLAGS = re.compile(r"\(\?([aimsux]+)\)")
_FLAG_LETTERS = {
    re.ASCII: "a",
    re.IGNORECASE: "i",
    re.MULTILINE: "m",
    re.DOTALL: "s",
    re.VERBOSE: "x",
}


class _Toml(Spelling):
    def value(self, value: object) -> str:
        match value:
            case None:
                return "null"
            case bool():
                return str(value).lower()
            case list():
                return f"[{', '.join(map(self.value, value))}]"
            case dict():
                return "{ " + ", ".join(f"{name} = {self.value(one)}" for name, one in value.items()) + " }"
        return repr(value)


class _Json(Spelling):
    def value(self, value: object) -> str:
        import json  # noqa: PLC0415 - so late, since nothing is written but for advice (P5)

        text = json.dumps(value, ensure_ascii=False, default=repr)
        return text if text.isprintable() else json.dumps(value, default=repr)


def _sentences(expression: str, nothing: str) -> dict[str, tuple[str, str]]:
    quoted = ("", "Write it between quotes.")
    return {
        "origin-type": (
            "an origin is text or a regular expression",
            f'Write text such as "https://app.example.com", or {expression}.',
        ),
        "origin-regex-text": ("", f"Write a pattern such as https://*.example.com, or {expression}."),
        "argument-regex": ("", f"Put {expression} into allow_origins."),
        "method-type": quoted,
        "header-type": quoted,
        "list-type": ("", 'Write a list such as ["PUT"].'),
        "flag-type": ("this is true or false, nothing else", "Write true or false."),
        "max-age-type": (
            f"max_age is a whole number of seconds, or {nothing}",
            f"Write the number of seconds, or {nothing}.",
        ),
    }


TOML: Spelling = _Toml("{name} = {value}", _sentences('{ regex = "..." }', '"none"'))
JSON: Spelling = _Json('"{name}": {value}', _sentences('{ "regex": "..." }', "null"))


def as_code(value: object) -> str:
    """Return *value* as code that makes it again: an expression in full, a tuple as a list, a function by its name.

    >>> as_code(("https://app.example.com", re.compile("x", re.IGNORECASE)))
    "['https://app.example.com', re.compile('x', re.IGNORECASE)]"
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_code, value))}]"
    if isinstance(value, frozenset):
        return repr(sorted(value))
    if isinstance(value, re.Pattern):
        # Not repr(): it cuts a long expression off.
        flags = "|".join(f"re.{flag.name}" for flag in _flags_beside(value))
        return f"re.compile({value.pattern!r}{flags and f', {flags}'})"
    return getattr(value, "__qualname__", repr(value)) if callable(value) else repr(value)


def as_data(value: object) -> object:
    """Return *value* as plain data: an expression as ``{"regex": "..."}``, its flags written into it.

    >>> as_data((re.compile("x", re.IGNORECASE), "https://app.example.com"))
    [{'regex': '(?i)x'}, 'https://app.example.com']
    """
    if isinstance(value, tuple):
        return [as_data(entry) for entry in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, re.Pattern):
        letters = "".join(_FLAG_LETTERS[flag] for flag in _flags_beside(value))
        own = _INLINE_FLAGS.match(value.pattern)
        if own:
            return {"regex": f"(?{letters}{own[1]}){value.pattern[own.end() :]}"}
        return {"regex": f"(?{letters}){value.pattern}" if letters else value.pattern}
    return value


def _flags_beside(expression: re.Pattern[str]) -> list[re.RegexFlag]:
    """Return the flags that *expression* was compiled with, besides those that its text holds."""
    beside = expression.flags & ~re.compile(expression.pattern).flags
    return [flag for flag in _FLAG_LETTERS if beside & flag]
