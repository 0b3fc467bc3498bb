"""The arguments of a policy as others hold them: a mapping of plain data, or environment variables.

Owns how the names of arguments are recognised in both, and how a variable is read as a value. What the values mean, and
what can be wrong with them, is told by ``validation``. Every function writes findings to a `Report`; none raises one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .findings import Finding, Spelling
from .validation import DEFAULTS, Report, close_match

# What differs among the arguments in a variable; all others are lists, with commas between their entries.
_FLAGS = ("allow_credentials", "allow_private_network")
_CODE = "allow_origin_check"
_REGEX = "allow_origin_regex"  # an argument of Starlette's middleware
_WORDS: dict[str, bool] = {"true": True, "false": False}


def read_mapping(mapping: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Return the arguments that *mapping* holds, and report those that are unknown or missing.

    >>> read_mapping({"allow_origin": "*"}, report := Report())
    {'allow_origins': ()}
    >>> [(found.where, found.code, found.fix) for found in report.findings]
    [('allow_origin', 'argument-unknown', 'allow_origins'), ('allow_origins', 'argument-missing', None)]
    """
    known: dict[str, Any] = {"allow_origins": ()}
    for name, value in mapping.items():
        if name in DEFAULTS:
            known[name] = value
        elif name == _REGEX:
            report.add("argument-regex", _REGEX, value)
        else:
            close = close_match(str(name), DEFAULTS)
            where = str(name) if str(name).isidentifier() else repr(name)
            report.add("argument-unknown", where, value, close)
    if "allow_origins" not in mapping:
        report.add("argument-missing", "allow_origins", None)
    return known


def read_environment(environ: Mapping[str, str], prefix: str, report: Report) -> dict[str, Any]:
    """Return the arguments that the variables of *environ* hold whose names begin with *prefix*.

    A variable that is empty counts as not set. What is wrong is reported at the variable's name.

    >>> read_environment({"CORS_ALLOW_ORIGINS": "https://a.example, https://b.example"}, "CORS_", Report())
    {'allow_origins': ['https://a.example', 'https://b.example']}
    """
    variables = {_variable(name, prefix): name for name in DEFAULTS if name != _CODE}
    known: dict[str, Any] = {"allow_origins": ()}
    for variable in sorted(name for name in environ if name.startswith(prefix)):
        text = environ[variable]
        if variable == _variable(_CODE, prefix):
            report.add("check-type", variable, text, None, ", which no variable can hold")
        elif variable == _variable(_REGEX, prefix):
            report.add("argument-regex", variable, text)
        elif variable not in variables:
            # Not its value: a variable that is none of ours may hold a secret.
            report.add("argument-unknown", variable, variable, close_match(variable, variables))
        elif text.strip(" \t,"):
            known[variables[variable]] = _value(variables[variable], text)
    if not known["allow_origins"]:
        origins = _variable("allow_origins", prefix)
        if any(name.startswith(prefix) for name in environ):
            report.add("argument-missing", origins, None, None, f", and {origins} is empty or not set")
        else:
            report.add("argument-missing", origins, None, None, f", and no variable begins with {prefix}")
    report.findings = [found.spelled(_in_variables(prefix)) for found in report.findings]
    return known


def at_variables(findings: Iterable[Finding], prefix: str) -> list[Finding]:
    """Return *findings* about arguments as findings about the variables that held them, with fixes as text."""
    spelling = _in_variables(prefix)
    return [
        found._replace(where=_variable(found.where, prefix), fix=_as_text(found.fix)).spelled(spelling)
        for found in findings
    ]


class _Variables(Spelling):
    """Settings are an environment's, and `setting` is what the names of all variables begin with."""

    def set(self, name: str, value: object) -> str:
        return f"{_variable(name, self.setting)}={_as_text(value)}"


def _in_variables(prefix: str) -> Spelling:
    origins, pattern = _variable("allow_origins", prefix), "Write a pattern such as https://*.example.com"
    sentences = {
        "origin-regex-text": ("", f"{pattern}."),
        "argument-regex": ("", f"{pattern} into {origins}; no variable holds an expression."),
        "argument-missing": ("", f"Set {origins}."),
        "flag-type": ("this is true or false, nothing else", "Write true or false."),
        "max-age-type": ("this is a whole number of seconds, or none", "Write the number of seconds, or none."),
    }
    return _Variables(prefix, sentences)


def _variable(argument: str, prefix: str) -> str:
    return prefix + argument.upper()


def _value(argument: str, text: str) -> object:
    bare = text.strip()
    if argument in _FLAGS:
        return _WORDS.get(bare.lower(), text)
    if argument == "max_age":
        if bare.lower() == "none":
            return None
        return int(bare) if re.fullmatch("-?[0-9]{1,9}", bare) else text
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _as_text(fix: object) -> str | None:
    if fix is None:
        return None
    if isinstance(fix, bool):
        return str(fix).lower()
    return ",".join(fix) if isinstance(fix, list) else str(fix)
