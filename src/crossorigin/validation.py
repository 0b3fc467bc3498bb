"""Reads the arguments of a policy: returns them in one canonical form, and reports everything that is wrong with them.

Owns how each finding of the catalogue is recognised (F1 to F3); what a misspelled origin was meant to be is told by
``misspellings``. Every function takes what a user wrote, of whatever type, and a `Report` to write findings to; none of
them raises. Runs when a policy is built.
"""

import re
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TypeGuard

from . import fetch
from .findings import DANGERS, KINDS, Finding, PolicyError, finding
from .origins import (
    ANY,
    NULL,
    OriginPattern,
    OriginSet,
    has_public_suffix_below,
    is_declarable,
    is_loopback,
    is_public_suffix,
)

OriginCheck = Callable[[str], bool | Awaitable[bool]]

MAX_AGE_LIMIT = 86400  # what Firefox keeps at most, and more than a wrong policy should live
CHROMIUM_MAX_AGE = 7200

# Every argument of `Policy`, in order, with its default in the form in which it is kept.
DEFAULTS: dict[str, object] = {
    "allow_origins": (),
    "allow_origin_check": None,
    "allow_credentials": False,
    "allow_methods": (),
    "allow_headers": (),
    "expose_headers": (),
    "max_age": 600,
    "allow_private_network": False,
    "dangerously_allow": frozenset(),
}

# Hosts of strangers, of every shape. An expression that matches one of them lets strangers in.
_STRANGERS = (
    "evil.com", "www.evil.com", "evil.example", "a.b", "x7.net", "stranger-site.org", "evil.co.uk", "203.0.113.7",
    "evil.github.io", "evil.netlify.app", "evil.vercel.app", "evil.pages.dev", "evil.herokuapp.com",
    "localhost.evil.com",
)  # fmt: skip
_STRANGE_ORIGINS = [
    f"{scheme}://{host}{port}" for host in _STRANGERS for scheme in ("https", "http") for port in ("", ":8443")
]


class Report:
    """Collects findings while the arguments of a policy are read."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: str, where: str, value: object, fix: object = None, detail: str = "") -> None:
        """Note that *value* at *where* is wrong, by the row *code* of the catalogue."""
        self.findings.append(finding(code, where, value, fix, detail))

    def stop(self, accepted: frozenset[str] = frozenset()) -> None:
        """Raise `PolicyError` if there are errors, or dangers whose codes are not *accepted*."""
        stopping = [
            found
            for found in self.findings
            if found.severity == "error" or (found.severity == "danger" and found.code not in accepted)
        ]
        if stopping:
            raise PolicyError(sorted(stopping, key=_argument_position))


def _argument_position(found: Finding) -> int:
    order = list(DEFAULTS)
    argument = found.where.partition("[")[0]
    return order.index(argument) if argument in order else len(order)


def read_origins(value: object, credentials: bool, report: Report) -> tuple[str | re.Pattern[str], ...]:
    """Return the valid entries of ``allow_origins``, and report the dangers (F2) that they are with *credentials*.

    An expression may be given as plain data, ``{"regex": "..."}``.
    """
    entries: list[str | re.Pattern[str]] = []
    for index, given in enumerate(_origin_entries(value)):
        where = f"allow_origins[{index}]"
        entry = _compiled(given, where, report) if _is_expression_data(given) else given
        shown = entry.pattern if isinstance(entry, re.Pattern) else entry
        meant: object = entry
        if (isinstance(entry, str) and is_declarable(entry)) or _is_text_expression(entry):
            entries.append(entry)
            if isinstance(entry, re.Pattern) and is_ambiguous(entry.pattern):
                report.add("regex-nested-quantifier", where, shown)
        elif isinstance(entry, re.Pattern):
            report.add("origin-type", where, shown, None, ", not an expression over bytes")
        elif entry is not _REPORTED:
            from .misspellings import diagnose  # noqa: PLC0415 - so late, since right policies never need it (P5)

            found = diagnose(entry, where)
            report.findings += found
            meant = found[0].fix  # which may be a danger in its turn: say both at once (F1)
        for one in meant if isinstance(meant, list) else [meant]:
            for danger in _dangers(one, credentials):
                safer = _https_of(one) if danger == "insecure-origin-with-credentials" else None
                report.add(danger, where, shown, safer)
    return tuple(entries)


_REPORTED = object()  # an entry of which everything has been said


def _origin_entries(value: object) -> Iterable[object]:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, Mapping)):
        return value
    return [value]


def _is_text_expression(entry: object) -> TypeGuard[re.Pattern[str]]:
    return isinstance(entry, re.Pattern) and isinstance(entry.pattern, str)


def _is_expression_data(entry: object) -> TypeGuard[Mapping[str, object]]:
    return not isinstance(entry, str) and isinstance(entry, Mapping) and set(entry) == {"regex"}


def _compiled(data: Mapping[str, object], where: str, report: Report) -> object:
    expression = data["regex"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python warns of, it reads in another way than it looks
            return re.compile(expression)  # type: ignore[call-overload]
    except (re.error, TypeError, OverflowError, RecursionError, FutureWarning) as error:
        report.add("regex-invalid", where, expression, None, f": {' '.join(str(error).split())}")
        return _REPORTED


def _dangers(entry: object, credentials: bool) -> Iterator[str]:
    if entry == NULL:
        yield "null-origin"
    elif credentials and _is_text_expression(entry):
        strangers = any(map(entry.fullmatch, _STRANGE_ORIGINS))
        yield "any-origin-with-credentials" if strangers else "regex-origin"
    elif credentials and isinstance(entry, str) and (ANY in entry or not entry.startswith("https:")):
        pattern = OriginPattern.parse(entry)
        if pattern is None or pattern.host == ANY:
            yield "any-origin-with-credentials"
            return
        base = pattern.host.removeprefix("*.")
        if pattern.scheme == "http" and not is_loopback(base):
            yield "insecure-origin-with-credentials"
        if base != pattern.host and (is_public_suffix(base) or has_public_suffix_below(base)):
            yield "public-suffix"


def _https_of(entry: object) -> str | None:
    https = "https" + str(entry).removeprefix("http")
    return https if is_declarable(https) else None


def read_check(value: object, report: Report) -> OriginCheck | None:
    """Return ``allow_origin_check``."""
    if value is None or callable(value):
        return value
    report.add("check-type", "allow_origin_check", value)
    return None


def read_flag(value: object, where: str, report: Report) -> bool:
    """Return a ``bool`` argument."""
    if isinstance(value, bool):
        return value
    meant = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    flag = meant.get(value.strip().lower()) if isinstance(value, str) else bool(value) if value in (0, 1) else None
    report.add("flag-type", where, value, flag)
    return bool(flag)


def read_private_network(value: object, report: Report) -> bool:
    """Return ``allow_private_network``."""
    allowed = read_flag(value, "allow_private_network", report)
    if allowed:
        report.add("private-network-abandoned", "allow_private_network", value)
    return allowed


def read_methods(value: object, report: Report) -> tuple[str, ...]:
    """Return the valid entries of ``allow_methods``."""
    methods: list[str] = []
    for where, method in _names(value, "allow_methods", "method", report):
        if fetch.is_forbidden_method(method):
            report.add("method-forbidden", where, method)
        elif method != fetch.normalize_method(method):
            report.add("method-case", where, method, fetch.normalize_method(method))
        else:
            if method in fetch.SAFELISTED_METHODS:
                report.add("method-always-passes", where, method)
            elif method != method.upper():
                report.add("method-lowercase", where, method, method.upper())
            methods.append(method)
    _report_redundant(methods, "allow_methods", "redundant-method", report)
    return tuple(methods)


def read_request_headers(value: object, report: Report) -> tuple[str, ...]:
    """Return the valid entries of ``allow_headers``."""
    names: list[str] = []
    for where, name in _names(value, "allow_headers", "header", report):
        if fetch.is_forbidden_request_header(name):
            report.add("header-forbidden", where, name)
        else:
            names.append(name)
    if ANY in names and not fetch.NON_WILDCARD_REQUEST_HEADERS & {name.lower() for name in names}:
        report.add("headers-without-authorization", "allow_headers", ANY)
    _report_redundant(names, "allow_headers", "redundant-header", report)
    return tuple(names)


def read_exposed_headers(value: object, report: Report) -> tuple[str, ...]:
    """Return the valid entries of ``expose_headers``."""
    names: list[str] = []
    for where, name in _names(value, "expose_headers", "header", report):
        if name.lower() in fetch.FORBIDDEN_RESPONSE_HEADERS:
            report.add("expose-forbidden", where, name)
        else:
            if name.lower() in fetch.SAFELISTED_RESPONSE_HEADERS:
                report.add("expose-always-visible", where, name)
            names.append(name)
    _report_redundant(names, "expose_headers", "redundant-header", report)
    return tuple(names)


def read_max_age(value: object, report: Report) -> int | None:
    """Return ``max_age`` in seconds."""
    if value is None:
        return None
    seconds = _whole_seconds(value)
    if seconds is None:
        text = str(value).strip()
        meant = min(int(text), MAX_AGE_LIMIT) if re.fullmatch("[0-9]{1,9}", text) else None
        report.add("max-age-type", "max_age", value, meant)
        return None
    if not 0 <= seconds <= MAX_AGE_LIMIT:
        report.add("max-age-range", "max_age", value, min(max(seconds, 0), MAX_AGE_LIMIT))
    elif seconds > CHROMIUM_MAX_AGE:
        report.add("max-age-capped", "max_age", value, CHROMIUM_MAX_AGE)
    return seconds


def _whole_seconds(value: object) -> int | None:
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    from datetime import timedelta  # noqa: PLC0415 - so late, since most policies have a number (P5)

    if isinstance(value, timedelta) and value % timedelta(seconds=1) == timedelta(0):
        return value // timedelta(seconds=1)
    return None


def read_dangers(value: object, report: Report) -> frozenset[str]:
    """Return the codes of ``dangerously_allow``."""
    codes: set[str] = set()
    for index, code in enumerate(_items(value, "dangerously_allow", report)):
        if isinstance(code, str) and code in DANGERS:
            codes.add(code)
        else:
            close = close_match(code, sorted(DANGERS)) if isinstance(code, str) else None
            detail = ", but a mistake, which cannot be accepted" if code in KINDS else ""
            report.add("danger-unknown", f"dangerously_allow[{index}]", code, close, detail)
    return frozenset(codes)


def report_oddities(
    origins: tuple[str | re.Pattern[str], ...],
    declared: OriginSet,
    check: OriginCheck | None,
    accepted: frozenset[str],
    report: Report,
) -> None:
    """Report what stops no policy, but cannot be what its author meant (F3)."""
    for code in sorted(accepted - {found.code for found in report.findings}):
        report.add("danger-unused", "dangerously_allow", code)
    if not origins and check is None:
        report.add("no-origins", "allow_origins", [])
    if ANY in origins and check is not None:
        report.add("redundant-check", "allow_origin_check", getattr(check, "__name__", check))
    seen: set[str] = set()
    for index, entry in enumerate(origins):
        if isinstance(entry, str):
            wider = entry if entry in seen else declared.covering(entry)
            if wider is not None:
                report.add("redundant-origin", f"allow_origins[{index}]", entry, None, f": {wider!r}")
            seen.add(entry)


def is_async(function: object) -> bool:
    """Return whether *function* is an ``async def``, or an object whose ``__call__`` is one."""
    import inspect  # noqa: PLC0415 - so late, since it takes a while to load, and few policies have a function (P5)

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


# One character of a name, and choices between such in a repetition; and wildcards in a row, in groups or not.
_CHARACTER = r"(?:\\[^\d]|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}|*+?^$])"
_CHOICES = re.compile(rf"\((?:\?:)?({_CHARACTER}(?:\|{_CHARACTER})+)\)[*+{{]", re.DOTALL)
_WILDCARDS = re.compile(r"(?:\(*(?:\?:)?\.[*+]\??\)*){3}")


def is_ambiguous(expression: str) -> bool:
    r"""Return whether *expression* plainly matches one text in a great many ways, as most regex attacks need.

    That is a repetition inside a repetition, a repeated choice whose branches can be the same character, or more than
    two wildcards in a row.

    >>> is_ambiguous("(a+)+"), is_ambiguous("(?:.|x)*"), is_ambiguous(".*.*.*"), is_ambiguous("(?:a|b)*")
    (True, True, True, False)
    """
    choices = (re.findall(_CHARACTER, group) for group in _CHOICES.findall(expression))
    return (
        has_nested_quantifier(expression)
        or _WILDCARDS.search(expression) is not None
        or any(_overlap(branches) for branches in choices)
    )


def _overlap(branches: list[str]) -> bool:
    return any(sum(bool(re.fullmatch(one, chr(code))) for one in branches) > 1 for code in range(33, 127))


def has_nested_quantifier(expression: str) -> bool:
    r"""Return whether *expression* repeats a group that itself repeats, as in ``(a+)+``.

    >>> has_nested_quantifier(r"https://([a-z]+-?)+\.example\.com"), has_nested_quantifier(r"https://(a|b)+\.c")
    (True, False)
    """
    plain = re.sub(
        r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", expression, flags=re.DOTALL
    )  # escapes and classes hold no quantifiers
    repeats = [False]
    for index, character in enumerate(plain):
        follows = plain[index + 1 : index + 2]
        if character == "(":
            repeats.append(False)
        elif character == ")" and len(repeats) > 1:
            inner = repeats.pop()
            if inner and follows in ("*", "+", "{"):
                return True
            repeats[-1] = repeats[-1] or inner
        elif character in "*+{":
            repeats[-1] = True
    return False


def _items(value: object, where: str, report: Report) -> Iterator[object]:
    """Yield the entries of a list argument. A lone entry counts as a list of one, and a set is put in order."""
    if isinstance(value, (str, bytes, bytearray)):
        yield value
    elif isinstance(value, (set, frozenset)):
        yield from sorted(value, key=str)  # so that headers read the same in every process
    elif isinstance(value, Iterable) and not isinstance(value, Mapping):
        yield from value
    else:
        report.add("list-type", where, value)


def close_match(word: str, words: Iterable[str]) -> str | None:
    """Return which of *words* a misspelled *word* was meant to be, if that is plain.

    >>> close_match("allow_orgins", ["allow_origins", "allow_methods"])
    'allow_origins'
    """
    import difflib  # noqa: PLC0415  # for mistakes alone: it takes a while to load (P5)

    return next(iter(difflib.get_close_matches(word, list(words), 1, cutoff=0.8)), None)


def _names(value: object, where: str, kind: str, report: Report) -> Iterator[tuple[str, str]]:
    """Yield where each entry of a list of tokens stands, and the entry; report those that are no tokens."""
    for index, name in enumerate(_items(value, where, report)):
        place = f"{where}[{index}]"
        if isinstance(name, str) and fetch.is_token(name):
            yield place, str.__str__(name)  # http.HTTPMethod is a str, and prints as something else
        elif isinstance(name, str):
            report.add(f"{kind}-token", place, name, _tokens_meant(name, kind))
        else:
            meant = _tokens_meant(name.decode("latin-1"), kind) if isinstance(name, (bytes, bytearray)) else None
            report.add(f"{kind}-type", place, name, meant, f", not {type(name).__name__}")


def _tokens_meant(text: str, kind: str) -> str | list[str] | None:
    if kind == "header" and ":" in text:
        text = text.partition(":")[0]  # a whole header line, or a name with its colon
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    if kind == "method":
        parts = [fetch.normalize_method(part) for part in parts]
    if not parts or not all(map(fetch.is_token, parts)):
        return None
    return parts if len(parts) > 1 else parts[0]


def _report_redundant(names: list[str], where: str, code: str, report: Report) -> None:
    # Positions are those of the valid entries, which are all entries of any policy that is built.
    seen: set[str] = set()
    fold = str if code == "redundant-method" else str.lower
    for index, name in enumerate(names):
        folded = fold(name)
        starred = ANY in names and name != ANY and not (where == "allow_headers" and _needs_naming(folded))
        if folded in seen or starred:
            report.add(code, f"{where}[{index}]", name)
        seen.add(folded)


def _needs_naming(name: str) -> bool:
    return name in fetch.NON_WILDCARD_REQUEST_HEADERS
