"""How the values of a policy are written: as Python code, and as the plain data of TOML and JSON.

Owns the spelling of regular expressions in both. Knows nothing of what the values mean.
"""

import re

_INLINE_FLAGS = re.compile(r"\(\?([aimsux]+)\)")
_FLAG_LETTERS = {
    re.ASCII: "a",
    re.IGNORECASE: "i",
    re.MULTILINE: "m",
    re.DOTALL: "s",
    re.VERBOSE: "x",
}


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
