"""Reads the arguments of a policy: returns them in one canonical form, and reports everything that is wrong with them.

Owns how each finding of the catalogue is recognised (F1 to F3); what a misspelled origin was meant to be is told by
``misspellings``. Every function takes what a user wrote, of whatever type, and a `Report` to write findings to; none of
them raises. Runs when a policy is built.
"""

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import timedelta

from . import fetch
from .findings import DANGERS, Finding, PolicyError, finding
from .misspellings import diagnose, is_declarable
from .origins import ANY, NULL, OriginPattern, OriginSet, is_loopback, is_public_suffix

OriginCheck = Callable[[str], bool | Awaitable[bool]]

MAX_AGE_LIMIT = 86400  # what Firefox keeps at most, and more than a wrong policy should live
CHROMIUM_MAX_AGE = 7200

# Origins that have nothing in common: an expression that matches them all matches any site.
_STRANGERS = ("https://a.example", "https://any-site-7f3a.test", "https://stranger.invalid")


class Report:
    """Collects findings while the arguments of a policy are read."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: str, where: str, value: object, fix: object = None, detail: str = "") -> None:
        """Note that *value* at *where* is wrong, by the row *code* of the catalogue."""
        self.findings.append(finding(code, where, value, fix, detail))

    def stop(self, accepted: frozenset[str]) -> None:
        """Raise `PolicyError` if there are errors, or dangers whose codes are not *accepted*."""
        stopping = [
            found
            for found in self.findings
            if found.severity == "error" or (found.severity == "danger" and found.code not in accepted)
        ]
        if stopping:
            raise PolicyError(stopping)


def read_origins(value: object, credentials: bool, report: Report) -> tuple[str | re.Pattern[str], ...]:
    """Return the valid entries of ``allow_origins``, and report the dangers (F2) that they are with *credentials*."""
    entries: list[str | re.Pattern[str]] = []
    for index, entry in enumerate(_items(value, re.Pattern, "allow_origins", report)):
        where = f"allow_origins[{index}]"
        meant = entry
        if isinstance(entry, str) and is_declarable(entry):
            entries.append(entry)
        elif isinstance(entry, re.Pattern) and isinstance(entry.pattern, str):
            entries.append(entry)
            if has_nested_quantifier(entry.pattern):
                report.add("regex-nested-quantifier", where, entry.pattern)
        elif isinstance(entry, re.Pattern):
            report.add("origin-type", where, entry.pattern, None, ", not an expression over bytes")
        else:
            found = diagnose(entry, where)
            report.findings += found
            meant = found[0].fix  # which may be a danger in its turn: say both at once (F1)
        danger = _danger(meant, credentials)
        if danger:
            shown = entry.pattern if isinstance(entry, re.Pattern) else entry
            report.add(danger, where, shown, _https_of(meant) if danger == "insecure-origin-with-credentials" else None)
    return tuple(entries)


def _danger(entry: object, credentials: bool) -> str | None:
    if entry == NULL:
        return "null-origin"
    if not credentials:
        return None
    if isinstance(entry, re.Pattern) and isinstance(entry.pattern, str):
        any_site = all(entry.fullmatch(stranger) for stranger in _STRANGERS)
        return "any-origin-with-credentials" if any_site else "regex-origin"
    if not isinstance(entry, str) or (ANY not in entry and entry.startswith("https:")):
        return None
    pattern = OriginPattern.parse(entry)
    if pattern is None or pattern.host == ANY:
        return "any-origin-with-credentials"
    base = pattern.host.removeprefix("*.")
    if pattern.scheme == "http" and not is_loopback(base):
        return "insecure-origin-with-credentials"
    if base != pattern.host and is_public_suffix(base):
        return "public-suffix"
    return None


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
    report.add("flag-type", where, value, meant.get(str(value).strip().lower()))
    return False


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


def read_request_headers(value: object, credentials: bool, report: Report) -> tuple[str, ...]:
    """Return the valid entries of ``allow_headers``."""
    names: list[str] = []
    for where, name in _names(value, "allow_headers", "header", report):
        if fetch.is_forbidden_request_header(name):
            report.add("header-forbidden", where, name)
        else:
            names.append(name)
    if ANY in names and not credentials and not fetch.NON_WILDCARD_REQUEST_HEADERS & {name.lower() for name in names}:
        report.add("headers-without-authorization", "allow_headers", ANY, [ANY, "Authorization"])
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
    if isinstance(value, timedelta) and value % timedelta(seconds=1) == timedelta(0):
        seconds = value // timedelta(seconds=1)
    elif isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    else:
        if value is not None:
            text = str(value).strip()
            report.add("max-age-type", "max_age", value, int(text) if re.fullmatch("[0-9]{1,5}", text) else None)
        return None
    if not 0 <= seconds <= MAX_AGE_LIMIT:
        report.add("max-age-range", "max_age", value, min(max(seconds, 0), MAX_AGE_LIMIT))
    elif seconds > CHROMIUM_MAX_AGE:
        report.add("max-age-capped", "max_age", value, CHROMIUM_MAX_AGE)
    return seconds


def read_dangers(value: object, report: Report) -> frozenset[str]:
    """Return the codes of ``dangerously_allow``."""
    codes: set[str] = set()
    for index, code in enumerate(_items(value, str, "dangerously_allow", report)):
        if isinstance(code, str) and code in DANGERS:
            codes.add(code)
        else:
            close = difflib.get_close_matches(str(code), sorted(DANGERS), 1)
            report.add("danger-unknown", f"dangerously_allow[{index}]", code, close[0] if close else None)
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


def is_async_check(check: OriginCheck | None) -> bool:
    """Return whether *check* is an ``async def``, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(getattr(check, "__call__", None))  # noqa: B004


def has_nested_quantifier(expression: str) -> bool:
    r"""Return whether *expression* repeats a group that itself repeats, as in ``(a+)+``: what most regex attacks need.

    >>> has_nested_quantifier(r"https://([a-z]+-?)+\.example\.com"), has_nested_quantifier(r"https://(a|b)+\.c")
    (True, False)
    """
    plain = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]", "x", expression)  # escapes and classes hold no quantifiers
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


def _items(value: object, single: type, where: str, report: Report) -> Iterator[object]:
    """Yield the entries of a list argument. A lone entry counts as a list of one, and a set is put in order."""
    if isinstance(value, (str, bytes, bytearray, single)):
        yield value
    elif isinstance(value, (set, frozenset)):
        yield from sorted(value, key=str)  # so that headers read the same in every process
    elif isinstance(value, Iterable) and not isinstance(value, Mapping):
        yield from value
    else:
        report.add("list-type", where, value)


def _names(value: object, where: str, kind: str, report: Report) -> Iterator[tuple[str, str]]:
    """Yield where each entry of a list of tokens stands, and the entry; report those that are no tokens."""
    for index, name in enumerate(_items(value, str, where, report)):
        place = f"{where}[{index}]"
        if isinstance(name, (bytes, bytearray)):
            report.add(f"{kind}-type", place, name, name.decode("latin-1"), f", not {type(name).__name__}")
        elif not isinstance(name, str):
            report.add(f"{kind}-type", place, name, None, f", not {type(name).__name__}")
        elif not fetch.is_token(name):
            parts = [part for part in re.split(r"[\s,:;]+", name) if part]
            usable = bool(parts) and all(map(fetch.is_token, parts))
            report.add(f"{kind}-token", place, name, None if not usable else parts if len(parts) > 1 else parts[0])
        else:
            yield place, name


def _report_redundant(names: list[str], where: str, code: str, report: Report) -> None:
    # Positions are those of the valid entries, which are all entries of any policy that is built.
    seen: set[str] = set()
    fold = str if code == "redundant-method" else str.lower
    for index, name in enumerate(names):
        folded = fold(name)
        starred = ANY in names and name != ANY and folded not in fetch.NON_WILDCARD_REQUEST_HEADERS
        if folded in seen or starred:
            report.add(code, f"{where}[{index}]", name)
        seen.add(folded)
