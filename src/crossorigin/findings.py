"""Everything that can be wrong with a policy: the catalogue, one finding of it, and the error that carries them all.

Owns the codes, severities and sentences (rules F1 to F3), so that the error message, the command line and
``docs/findings.md`` say the same. Knows nothing of how a mistake is recognised: that is ``origins`` and ``policy``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Severity = Literal["error", "danger", "warning"]


class Kind(NamedTuple):
    """One row of the catalogue: a stable word, how grave it is, what is wrong, and what to do about it."""

    code: str
    severity: Severity
    sentence: str
    remedy: str


# An error stops the policy. A danger stops it too, until its code is in `dangerously_allow` (F2). A warning never does
# (F3). Codes are part of the public interface: tests, dashboards and `dangerously_allow` name them.
CATALOGUE: tuple[Kind, ...] = (
    # --- how an origin is written (§3.2 of Fetch: a serialised origin is scheme "://" host, and a port if it is not
    #     the scheme's default; the browser sends exactly that and the comparison is exact)
    Kind("origin-type", "error", "an origin is text or a compiled regular expression", "Write it as a str."),
    Kind("origin-empty", "error", "an origin cannot be empty", "Leave the entry out."),
    Kind("origin-whitespace", "error", "white space or quotes surround the origin", "Remove them."),
    Kind("origin-list", "error", "several origins stand in one string", "Give each its own entry in the list."),
    Kind("origin-regex-text", "error", "text is never read as a regular expression",
         "Write a pattern such as https://*.example.com, or pass re.compile(...)."),
    Kind("origin-opaque", "error", "pages of this scheme have no origin of their own: browsers send 'null' for them",
         "Serve the page over https or http; or declare 'null' and accept null-origin."),
    Kind("origin-scheme-missing", "error", "the scheme is missing", "Begin with https:// (or http://)."),
    Kind("origin-scheme", "error", "the scheme is not one that an origin can have",
         "A scheme is a lower-case letter, then letters, digits, '+', '-' or '.', 64 at most."),
    Kind("origin-websocket-scheme", "error", "a page's origin is never ws: or wss:, not even for a WebSocket",
         "Write the origin of the page that opens the WebSocket: https or http."),
    Kind("origin-slashes", "error", "exactly '//' stands between the scheme and the host", "Write https://."),
    Kind("origin-path", "error", "an origin has no path, not even a final slash", "End it after the host and port."),
    Kind("origin-query", "error", "an origin has no query and no fragment", "End it after the host and port."),
    Kind("origin-userinfo", "error", "an origin has no user name and no password", "Remove everything up to the '@'."),
    Kind("origin-uppercase", "error", "browsers send an origin in lower case", "Write it in lower case."),
    Kind("origin-unicode", "error", "browsers send a host in its ASCII form", "Write the Punycode form."),
    Kind("origin-host", "error", "the host is not one that a browser can send",
         "Labels of letters, digits, '-' and '_', 63 bytes each at most, joined by single dots, 253 bytes in all."),
    Kind("origin-ipv4", "error", "browsers send an IPv4 address as four decimal numbers",
         "Write it as four decimal numbers without leading zeros."),
    Kind("origin-ipv6", "error", "browsers send an IPv6 address compressed, in lower case and in brackets",
         "Write it compressed, in lower case and in brackets."),
    Kind("origin-port", "error", "the port is not a number from 1 to 65535 without leading zeros",
         "Write the port as the browser shows it, '*' for any port, or leave it out."),
    Kind("origin-default-port", "error", "browsers leave the scheme's default port out", "Leave the port out."),
    Kind("origin-wildcard", "error", "a '*' may stand only for whole labels at the start of the host, or for the port",
         "Write https://*.example.com, http://localhost:*, or both together."),
    # --- what a policy says about origins
    Kind("any-origin-with-credentials", "danger", "any website could act and read as the logged-in user",
         "Name the origins; or turn allow_credentials off."),
    Kind("insecure-origin-with-credentials", "danger",
         "whoever controls the network can put a script into a plain http page and use the visitor's credentials",
         "Write https."),
    Kind("public-suffix", "danger", "anybody can register a name under this suffix, and would be trusted with it",
         "Name your own domain in front of the suffix."),
    Kind("null-origin", "danger", "every sandboxed frame and data: page, on any website, has the origin 'null'",
         "Leave 'null' out; serve the page from a real origin."),
    Kind("regex-origin", "danger", "a regular expression that lets one name too many in hands out the credentials",
         "Write a pattern such as https://*.example.com."),
    Kind("no-origins", "warning", "no origin is allowed: only same-origin pages can use this application",
         "Name the origins, if other pages are meant to use it."),
    Kind("redundant-origin", "warning", "another entry covers this one already", "Leave it out."),
    Kind("redundant-check", "warning", "allow_origin_check is never asked, since '*' allows every origin",
         "Leave '*' or the check out."),
    Kind("regex-nested-quantifier", "warning",
         "a repetition of what can match one text in several ways can take exponential time on a hostile origin",
         "Write the expression without nesting and overlaps, or write a pattern such as https://*.example.com."),
    Kind("regex-invalid", "error", "this is not a regular expression", "Write one that re.compile accepts."),
    Kind("check-type", "error", "allow_origin_check is a function of one origin", "Pass a callable, or leave it out."),
    # --- methods
    Kind("method-type", "error", "a method is text", "Write it as a str."),
    Kind("method-token", "error", "a method is one token, without spaces or commas", "Write each method by itself."),
    Kind("method-forbidden", "error", "browsers never send this method", "Leave it out."),
    Kind("method-case", "error", "methods are case-sensitive, and browsers send this one in upper case",
         "Write it in upper case."),
    Kind("method-lowercase", "warning", "browsers send this method as the script wrote it, and most scripts write it "
         "in upper case", "Write it in upper case, unless the scripts do not."),
    Kind("method-always-passes", "warning", "the standard lets this method pass without being listed", "Leave it out."),
    Kind("redundant-method", "warning", "another entry covers this one already", "Leave it out."),
    # --- headers
    Kind("header-type", "error", "a header name is text", "Write it as a str."),
    Kind("header-token", "error", "a header name is one token, without spaces, commas or colons",
         "Write each name by itself."),
    Kind("header-forbidden", "error", "a page can never set this header, so no preflight asks for it", "Leave it out."),
    Kind("headers-without-authorization", "warning",
         "by the standard '*' does not cover Authorization, though browsers still let it today",
         "Name Authorization beside '*', if pages send it."),
    Kind("redundant-header", "warning", "another entry covers this one already", "Leave it out."),
    Kind("expose-forbidden", "error", "browsers never show this response header to a page", "Leave it out."),
    Kind("expose-always-visible", "warning", "every page sees this response header anyway", "Leave it out."),
    # --- policies put together
    Kind("rule-type", "error", "this is not a policy", "Write a Policy, AnyOf, ByPath or LEAVE."),
    Kind("rule-path", "error", "a path rule begins with '/', and holds no '*', no query, no '//', '/./' or '/../'",
         "Write the path that the framework routes on."),
    Kind("no-policies", "error", "AnyOf needs at least one policy", "Name the policies."),
    Kind("unreachable-rule", "warning", "an earlier rule covers this path already", "Put the longer path first."),
    Kind("unreachable-policy", "warning", "an earlier policy allows every origin, so this one is never asked",
         "Put the policy that allows any origin last."),
    Kind("unused-policy", "warning", "nothing in this file leads to it: no path, no group in use, and no 'use'",
         "Name it where it is meant to count, or leave it out."),
    # --- the rest
    Kind("list-type", "error", "this is one name or a list of names", "Write a list of str."),
    Kind("flag-type", "error", "this is True or False, nothing else", "Write True or False."),
    Kind("max-age-type", "error", "max_age is a whole number of seconds, a timedelta of whole seconds, or None",
         "Write the number of seconds."),
    Kind("max-age-range", "error", "max_age lies between 0 (ask browsers not to cache) and 86400 (a day)",
         "Write a number of seconds from 0 to 86400."),
    Kind("max-age-capped", "warning", "Chromium keeps a preflight for 7200 seconds at most, Safari for 600",
         "Write 7200 or less."),
    Kind("private-network-abandoned", "warning",
         "browsers gave this preflight up for a permission prompt (Local Network Access), which needs no header",
         "Leave allow_private_network out."),
    Kind("danger-unknown", "error", "dangerously_allow holds the codes of dangers, and this is none of them",
         "Write the code that the error message gives."),
    Kind("danger-unused", "warning", "this policy does not have the danger that it accepts", "Leave the code out."),
    Kind("argument-unknown", "error", "Policy has no argument of this name", "Write one of its arguments."),
    Kind("argument-regex", "error", "a regular expression stands among the origins, and has no argument of its own",
         "Put re.compile(...) into allow_origins."),
    Kind("argument-missing", "error", "the policy must say which origins it allows", "Add allow_origins."),
)  # fmt: skip

KINDS = {kind.code: kind for kind in CATALOGUE}
DANGERS = frozenset(kind.code for kind in CATALOGUE if kind.severity == "danger")


class Spelling:
    """How a policy is written where it is declared, as far as advice differs by that: in Python, if nothing is said.

    Attributes:
        setting: How an argument gets its value, which stand for ``{name}`` and ``{value}``.
        sentences: For some codes other words than the catalogue's: what is wrong, and what to do. Of the two, one that
            is empty leaves the catalogue's.

    >>> Spelling().set("allow_credentials", True)
    'allow_credentials=True'
    """

    def __init__(self, setting: str = "{name}={value}", sentences: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.setting = setting
        self.sentences = sentences or {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.setting)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.setting!r})"

    def set(self, name: str, value: object) -> str:
        """Return how *name* gets *value*."""
        return self.setting.format(name=name, value=self.value(value))

    def value(self, value: object) -> str:
        """Return how *value* is written."""
        return repr(value)


PYTHON = Spelling()


class Finding(NamedTuple):
    """One thing that is wrong with a policy.

    Attributes:
        code: Which row of the catalogue it is, such as ``"origin-path"``.
        where: The argument, with the position in it: ``"allow_origins[2]"``.
        value: What was given there.
        message: A sentence that says what is wrong.
        fix: The corrected value, or ``None`` where only a person can tell what was meant.
        severity: ``"error"``, ``"danger"`` or ``"warning"``.
        spelling: How the policy is written.
    """

    code: str
    where: str
    value: object
    message: str
    fix: object
    severity: Severity
    spelling: Spelling = PYTHON

    def __str__(self) -> str:
        return f"{self.where}: {self.given}: {self.advice}"

    @property
    def given(self) -> str:
        """What was given, as it is written, and not much of it."""
        return self._written(self.value, 48)

    @property
    def advice(self) -> str:
        """The message and what to do, as one sentence for the person who can fix it."""
        if self.fix is not None:
            advice = f"{self.message}; write {self._written(self.fix, 120)}"
        else:
            remedy = self.spelling.sentences.get(self.code, ("", ""))[1] or KINDS[self.code].remedy
            advice = f"{self.message}; {remedy[0].lower()}{remedy[1:].rstrip('.')}"
        if self.severity == "danger":
            advice += f"; or accept it with {self.spelling.set('dangerously_allow', [self.code])}"
        return f"{advice} [{self.code}]"

    def spelled(self, spelling: Spelling) -> "Finding":
        """Return this finding in the words for a policy that is written in another way."""
        kind = KINDS[self.code]
        sentence = spelling.sentences.get(self.code, ("", ""))[0] or kind.sentence
        return self._replace(message=self.message.replace(kind.sentence, sentence, 1), spelling=spelling)

    def _written(self, value: object, limit: int) -> str:
        try:
            text = self.spelling.value(value)
        except Exception:  # an int of more digits than Python likes to print, a deep nest, whatever is no text
            text = f"<{type(value).__name__}>"
        return text if len(text) <= limit else text[: limit - 1] + "…"


def finding(code: str, where: str, value: object, fix: object = None, detail: str = "") -> Finding:
    """Return the finding of the catalogue's row *code* at *where*; *detail* makes its sentence particular.

    >>> finding("origin-path", "allow_origins[0]", "https://a.example/", fix="https://a.example").message
    'an origin has no path, not even a final slash'
    """
    kind = KINDS[code]
    return Finding(code, where, value, kind.sentence + detail, fix, kind.severity)


class PolicyError(ValueError):
    """A policy that was not built, with every reason why (F1).

    Attributes:
        findings: All errors and all dangers that were not accepted, in the order of the arguments.

    Example:
        >>> from crossorigin import Policy, PolicyError
        >>> try:
        ...     Policy("https://app.example.com/", allow_methods=["TRACE"])
        ... except PolicyError as error:
        ...     [found.code for found in error.findings]
        ['origin-path', 'method-forbidden']
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__(self.findings)

    def __str__(self) -> str:
        count = len(self.findings)
        return f"the policy has {count} problem{'s' * (count != 1)}:\n{table(self.findings)}"


def table(findings: Sequence[Finding]) -> str:
    """Return *findings* as aligned lines, one each: where, what was given, and what to do."""
    values = [found.given for found in findings]
    where_width = max((len(found.where) for found in findings), default=0)
    value_width = max((len(value) for value in values), default=0)
    return "\n".join(
        f"  {found.where:<{where_width}}  {value:<{value_width}}  {found.advice}"
        for found, value in zip(findings, values, strict=True)
    )
