"""`Policy`: what a server allows to pages of other origins, checked and compiled when it is built.

A policy answers two questions, in plain strings: *this actual request?* and *this preflight?* (`Answer`). It performs
no I/O and knows no framework: adapters carry a few request headers in and write the answer out. CORS is treated as a
compilation target: whatever of an answer does not depend on the request is built once, in the constructor. Half of this
file is documentation: what each argument and each question means is said here, and nowhere else.

Restates the server's side of Fetch §3.3 (the CORS protocol). The rules that the comments cite (S5, S14, F1, ...) are
listed in ``docs/rules.md``.
"""

import os
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Never, Self, cast

from . import fetch
from .answer import DENIED, Answer, Reason
from .arguments import at_variables, read_environment, read_mapping
from .compiled import Compiled
from .findings import Finding, PolicyError
from .notation import as_code, as_data
from .origins import ANY, NULL, OriginSet
from .validation import (
    DEFAULTS,
    OriginCheck,
    Report,
    is_async,
    read_check,
    read_dangers,
    read_exposed_headers,
    read_flag,
    read_max_age,
    read_methods,
    read_origins,
    read_private_network,
    read_request_headers,
    report_oddities,
)

if TYPE_CHECKING:
    from datetime import timedelta

# F4. What a preflight asks for beyond this, no page sends; it is not granted, and not looked at.
MAX_REQUESTED_BYTES = 8192
MAX_REQUESTED_NAMES = 128
MAX_METHOD = 64


class Policy:
    """Which pages may use an API, how, and whether with the visitor's credentials.

    Immutable, and hashable where its parts are. Every list may be given as any iterable; a lone ``str`` is a list of
    one. There is no default for the origins: they must be stated.

    Args:
        allow_origins: Who may. Permitted: exact origins as the browser sends them (``"https://app.example.com"``,
            ``"http://localhost:3000"``); one or more labels (``"https://*.example.com"``); any port or none
            (``"http://localhost:*"``); both together; ``"*"``, any origin; a compiled `re.Pattern`, which must match
            the whole of a well-formed origin. Refused, with the right spelling: ``"example.com"``,
            ``"https://example.com/"``, ``"https://example.com:443"``, ``"https://Example.com"``, ``"https://ex*.com"``.
        allow_origin_check: A function of the origin that returns ``True`` or ``False``, plain or ``async``. It is asked
            last, and only about a well-formed origin that nothing else allows. Anything but ``True`` denies; so does an
            exception, which is logged.
        allow_credentials: Whether pages may send and get cookies, HTTP authentication and client certificates.
        allow_methods: Methods, or ``"*"``. ``GET``, ``HEAD`` and ``POST`` always pass: the standard says so.
        allow_headers: Request headers, or ``"*"``. The standard's ``"*"`` does not cover ``Authorization``.
        expose_headers: Response headers that pages may read, or ``"*"``.
        max_age: How long browsers may remember a preflight: seconds or a `timedelta`, 0 to 86400. ``0`` asks for no
            caching; ``None`` sends nothing, which browsers take for 5 seconds at most.
        allow_private_network: Whether to answer the private-network preflight, which browsers have given up.
        dangerously_allow: Codes of the dangers that this policy accepts on purpose, such as ``"null-origin"``.

    Raises:
        PolicyError: With every problem at once (F1), each with its fix where there is one.

    Example:
        >>> policy = Policy(
        ...     ["https://app.example.com", "https://*.example.com"],
        ...     allow_credentials=True,
        ...     allow_methods=["PUT", "DELETE"],
        ... )
        >>> policy.actual("https://evil.example").reason
        'origin-not-allowed'
        >>> for name, value in policy.preflight("https://app.example.com", "/", "PUT").headers:
        ...     print(f"{name}: {value}")
        Access-Control-Allow-Origin: https://app.example.com
        Access-Control-Allow-Credentials: true
        Access-Control-Allow-Methods: PUT, DELETE
        Access-Control-Max-Age: 600
    """

    allow_origins: tuple[str | re.Pattern[str], ...]
    allow_origin_check: OriginCheck | None
    allow_credentials: bool
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    max_age: int | None
    allow_private_network: bool
    dangerously_allow: frozenset[str]

    findings: tuple[Finding, ...]
    """The dangers that were accepted, and the warnings (F3)."""
    is_async: bool
    """Whether ``allow_origin_check`` is ``async``, so that only the awaitable questions may be asked."""

    _origins: OriginSet
    _methods: frozenset[str]
    _headers: frozenset[str]
    _compiled: Compiled
    _without_origin: Answer

    def __init__(
        self,
        allow_origins: str | re.Pattern[str] | Iterable[str | re.Pattern[str]],
        *,
        allow_origin_check: OriginCheck | None = None,
        allow_credentials: bool = False,
        allow_methods: str | Iterable[str] = (),
        allow_headers: str | Iterable[str] = (),
        expose_headers: str | Iterable[str] = (),
        max_age: "int | timedelta | None" = 600,
        allow_private_network: bool = False,
        dangerously_allow: str | Iterable[str] = (),
    ) -> None:
        report = Report()
        credentials = read_flag(allow_credentials, "allow_credentials", report)
        accepted = read_dangers(dangerously_allow, report)
        # Here alone attributes are set: a policy is immutable.
        vars(self).update(
            allow_origins=read_origins(allow_origins, credentials, report),
            allow_origin_check=read_check(allow_origin_check, report),
            allow_credentials=credentials,
            allow_methods=read_methods(allow_methods, report),
            allow_headers=read_request_headers(allow_headers, report),
            expose_headers=read_exposed_headers(expose_headers, report),
            max_age=read_max_age(max_age, report),
            allow_private_network=read_private_network(allow_private_network, report),
            dangerously_allow=accepted,
        )
        report.stop(accepted)
        compiled = Compiled(
            any_origin=ANY in self.allow_origins,
            credentials=credentials,
            methods=self.allow_methods,
            headers=self.allow_headers,
            exposed=self.expose_headers,
            max_age=self.max_age,
            private_network=self.allow_private_network,
        )
        origins = OriginSet(self.allow_origins)
        report_oddities(self.allow_origins, origins, self.allow_origin_check, accepted, report)
        vars(self).update(
            findings=tuple(report.findings),
            is_async=self.allow_origin_check is not None and is_async(self.allow_origin_check),
            _origins=origins,
            _methods=frozenset(self.allow_methods),
            _headers=frozenset(name.lower() for name in self.allow_headers),
            _compiled=compiled,
            _without_origin=Answer(
                True, "no-origin", compiled.actual(null=False) if compiled.constant else compiled.withheld
            ),
        )

    @property
    def is_pure(self) -> bool:
        """Whether the same question always gets the same answer, so that adapters may remember it.

        A check may change its mind. So may a class that inherits from this one, whose property says what holds there.
        """
        return self.allow_origin_check is None and type(self) is Policy

    def actual(self, origin: str | None, path: str = "/") -> Answer:
        """Answer *this actual request?*: may a page of *origin* read the response, and what does the response carry?

        Args:
            origin: The ``Origin`` header as it came, however malformed; ``None`` where there is none.
            path: Unused: one policy is the same at every path.

        Raises:
            TypeError: If ``allow_origin_check`` is ``async``; then await `actual_async`.

        Example:
            >>> Policy("*").actual(None).headers
            (('Access-Control-Allow-Origin', '*'),)
        """
        if origin is None:
            return self._without_origin
        return self._actual_answer(origin, *self._judge(origin))

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer:
        """Answer *this preflight?*: will the browser go on, and what is it told?

        Args:
            origin: The ``Origin`` header as it came, however malformed.
            path: Unused: one policy is the same at every path.
            method: ``Access-Control-Request-Method`` as it came.
            headers: The lines of ``Access-Control-Request-Headers`` as they came; a list may be split over several.
            private_network: Whether ``Access-Control-Request-Private-Network: true`` was there.

        Raises:
            TypeError: If ``allow_origin_check`` is ``async``; then await `preflight_async`.

        Example:
            >>> policy = Policy("https://app.example.com", allow_headers=["X-Id"])
            >>> policy.preflight("https://app.example.com", "/", "GET", ["x-id,x-tag"]).reason
            'headers-not-allowed'
        """
        return self._preflight_answer(origin, *self._judge(origin), method, headers, private_network)

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer:
        """Answer as `actual` does, awaiting ``allow_origin_check`` where that is ``async``."""
        if origin is None:
            return self._without_origin
        return self._actual_answer(origin, *await self._judge_async(origin))

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer:
        """Answer as `preflight` does, awaiting ``allow_origin_check`` where that is ``async``."""
        return self._preflight_answer(origin, *await self._judge_async(origin), method, headers, private_network)

    def _judge(self, origin: str) -> tuple[Reason, Exception | None]:
        if self.is_async:
            raise TypeError("allow_origin_check is async: await actual_async(...) or preflight_async(...) instead")
        reason = self._judge_declared(origin)
        if reason != "origin-not-allowed" or self.allow_origin_check is None:
            return reason, None
        try:
            return _verdict(self.allow_origin_check(origin))
        except Exception as error:
            return "check-failed", error

    async def _judge_async(self, origin: str) -> tuple[Reason, Exception | None]:
        if not self.is_async:
            return self._judge(origin)
        reason = self._judge_declared(origin)
        if reason != "origin-not-allowed" or self.allow_origin_check is None:
            return reason, None
        try:
            return _verdict(await cast(Awaitable[object], self.allow_origin_check(origin)))
        except Exception as error:
            return "check-failed", error

    def _judge_declared(self, origin: str) -> Reason:
        # A constant `*` never looks at the origin, `null` and malformed ones included: nothing of it is sent back, and
        # an answer that depended on it would need `Vary` (S5, S10).
        return "allowed" if self._compiled.constant else self._origins.judge(origin)

    def _actual_answer(self, origin: str, reason: Reason, error: Exception | None) -> Answer:
        if reason != "allowed":
            return Answer(False, reason, self._compiled.withheld, error=error)
        block = self._compiled.actual(null=origin == NULL)
        return Answer(True, "allowed", block, None if self._compiled.constant else origin)

    def _preflight_answer(
        self,
        origin: str,
        reason: Reason,
        error: Exception | None,
        method: str,
        headers: Sequence[str],
        private_network: bool,
    ) -> Answer:
        if reason == "allowed" and not (len(method) <= MAX_METHOD and fetch.is_token(method)):
            reason = "method-malformed"  # S16: no browser asks so
        if reason != "allowed":
            return Answer(False, reason, self._compiled.withheld, status=DENIED, error=error)
        names = requested_names(headers)
        refusal = self._refusal(method, names)
        granted = None if refusal == "method-not-allowed" else method
        named = [name for name in names or () if self._allows_header(name)]
        block = self._compiled.preflight(origin == NULL, private_network, granted, named)
        return Answer(refusal is None, refusal or "allowed", block, None if self._compiled.constant else origin)

    def _refusal(self, method: str, names: list[str] | None) -> Reason | None:
        """Return why the browser will not go on, although the origin is allowed."""
        any_method = ANY in self._methods and not fetch.is_forbidden_method(method)
        if not (any_method or method in self._methods or method in fetch.SAFELISTED_METHODS):
            return "method-not-allowed"
        if names is None:
            return "headers-malformed"
        return None if all(map(self._allows_header, names)) else "headers-not-allowed"

    def _allows_header(self, name: str) -> bool:
        lower = name.lower()
        if lower in self._headers:
            return True
        return ANY in self._headers and lower not in fetch.NON_WILDCARD_REQUEST_HEADERS  # S14

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Return what would have been allowed instead of what was refused for *reason*, in words, or ``None`` (S20).

        >>> policy = Policy("http://localhost:8080", allow_methods=["PATCH"])
        >>> policy.near_miss("origin-not-allowed", "http://localhost:3000")
        "the policy allows 'http://localhost:8080': another port"
        >>> policy.near_miss("method-not-allowed", "http://localhost:8080", method="patch")
        "not 'patch' but 'PATCH' is allowed: methods are case-sensitive"
        """
        if reason == "origin-not-allowed":
            near = self._origins.nearest(origin)
            return near and f"the policy allows {near.declared!r}: {near.difference}"
        if reason == "origin-null":
            return "sandboxed frames, file: and data: pages, and redirects across origins have the origin 'null'"
        if reason == "method-not-allowed":
            if method != method.upper() in self._methods:
                return f"not {method!r} but {method.upper()!r} is allowed: methods are case-sensitive"
            return f"{method!r} is not in allow_methods"
        if reason == "headers-not-allowed":
            missing = [
                repr(name[:MAX_METHOD]) for name in requested_names(headers) or () if not self._allows_header(name)
            ]
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            return f"not in allow_headers: {', '.join(missing[:5])}{more}" if missing else None
        return None

    def replace(self, **changes: Any) -> Self:
        """Return a policy with some arguments changed, checked anew.

        >>> Policy("https://app.example.com").replace(max_age=None)
        Policy(['https://app.example.com'], max_age=None)
        """
        return type(self)(**{**self._arguments(), **changes})

    __replace__ = replace  # what copy.replace() of Python 3.13 calls

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Return the policy that plain data describes: the arguments by name, as TOML or JSON hold them.

        A regular expression is written as ``{"regex": "..."}``.

        Raises:
            PolicyError: With every problem at once, unknown arguments included.

        >>> Policy.from_mapping({"allow_origins": ["https://app.example.com"], "allow_credentials": True})
        Policy(['https://app.example.com'], allow_credentials=True)
        """
        if not isinstance(mapping, Mapping):
            raise TypeError(f"a policy as data is a mapping of its arguments, not {type(mapping).__name__}")
        report = Report()
        return cls._checked(read_mapping(mapping, report), report)

    @classmethod
    def from_env(cls, prefix: str = "CORS_", environ: Mapping[str, str] | None = None) -> Self:
        """Return the policy that environment variables describe: *prefix*, then the argument's name in upper case.

        The entries of a list stand between commas; flags are ``true`` or ``false``; ``max_age`` is a number of seconds
        or ``none``. An empty variable counts as not set, and ``CORS_ALLOW_ORIGINS`` must be set. Regular expressions
        and ``allow_origin_check`` are code, which no variable can hold.

        Args:
            prefix: What the names of all variables begin with. No other variable may begin so.
            environ: The variables, in place of `os.environ`.

        Raises:
            PolicyError: With every problem at once, unknown variables included; ``where`` is the variable.

        >>> Policy.from_env(environ={"CORS_ALLOW_ORIGINS": "https://app.example.com", "CORS_MAX_AGE": "60"})
        Policy(['https://app.example.com'], max_age=60)
        """
        if not prefix:
            raise ValueError("prefix is empty: every variable of the environment would count as one of the policy's")
        report = Report()
        arguments = read_environment(os.environ if environ is None else environ, prefix, report)
        return cls._checked(arguments, report, prefix)

    @classmethod
    def _checked(cls, arguments: Mapping[str, Any], report: Report, prefix: str | None = None) -> Self:
        """Return the policy of *arguments* that were read with *report*; *prefix* is that of their variables."""
        try:
            policy = cls(**arguments)
        except PolicyError as error:
            others = error.findings if prefix is None else at_variables(error.findings, prefix)
            raise PolicyError([*report.findings, *others]) from None
        report.stop()
        return policy

    def to_mapping(self) -> dict[str, Any]:
        """Return the policy as plain data that `from_mapping` reads: what differs from the defaults.

        Raises:
            TypeError: If the policy has an ``allow_origin_check``, which is code and cannot be written as data.

        >>> Policy("https://app.example.com", max_age=60).to_mapping()
        {'allow_origins': ['https://app.example.com'], 'max_age': 60}
        """
        if self.allow_origin_check is not None:
            raise TypeError("a policy with an allow_origin_check is code: it cannot be written as a mapping")
        return {name: as_data(value) for name, value in self._arguments().items()}

    def _arguments(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, and ``allow_origins``."""
        arguments = {name: getattr(self, name) for name in DEFAULTS}
        return {name: value for name, value in arguments.items() if name == "allow_origins" or value != DEFAULTS[name]}

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"a Policy is immutable; write policy.replace({name}=...), which returns another one")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError("a Policy is immutable")

    def __eq__(self, other: object) -> bool:
        return self._declared == other._declared if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._declared)

    @property
    def _declared(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in DEFAULTS)

    def __repr__(self) -> str:
        origins, *others = self._arguments().items()
        arguments = [as_code(origins[1]), *(f"{name}={as_code(value)}" for name, value in others)]
        return f"{type(self).__name__}({', '.join(arguments)})"


def requested_names(lines: Sequence[str]) -> list[str] | None:
    """Return the header names that a preflight asks for, or ``None`` if they are malformed or beyond the bounds (F4).

    >>> requested_names(["x-a, x-b", "x-c,"])
    ['x-a', 'x-b', 'x-c']
    """
    if sum(map(len, lines)) > MAX_REQUESTED_BYTES:
        return None
    names = fetch.parse_list(lines)
    return None if names is None or len(names) > MAX_REQUESTED_NAMES else names


def _verdict(result: object) -> tuple[Reason, Exception | None]:
    # Not any true value: a check that forgets to await returns a coroutine, which is true for every origin.
    if isinstance(result, bool):
        return ("allowed" if result else "check-refused"), None
    if isinstance(result, CoroutineType):
        result.close()
    kind = type(result).__name__
    return "check-failed", TypeError(f"allow_origin_check returned a value of type {kind}, not True or False")
