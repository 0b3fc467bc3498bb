"""A policy in words: who may send what, with cookies or without, what they may read, and for how long.

Reads what a policy declares and decides nothing. One sentence for each policy; of policies put together, one for each
place that they are for.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..answer import Rules
from ..compose import LEAVE, NO_CORS, AnyOf, ByPath
from ..notation import as_code
from ..origins import ANY, NULL, OriginPattern
from ..policy import Policy

ALWAYS = "GET, HEAD and POST always pass: the standard says so."
_MOST = 12  # names in a sentence
_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))
_NOBODY = "no page of another origin may use this"


class Meaning(NamedTuple):
    """What one policy means, and where.

    Attributes:
        where: The place, in words; empty for everywhere.
        text: A sentence, without a full stop.
    """

    where: str
    text: str


def meanings(rules: Rules, where: str = "") -> list[Meaning]:
    """Return what *rules* mean, in the order in which they are asked.

    >>> policy = Policy(["https://app.example.com", "https://*.example.com"], allow_methods=["PUT"], max_age=60)
    >>> meanings(ByPath({"/feed": Policy("*"), "/": policy}))[1].text
    'pages on https://app.example.com and every subdomain of example.com over https may send PUT, without cookies; \
browsers remember this for 1 minute'
    """
    return [Meaning(place, text) for place, text in _meanings(rules, where)]


def _meanings(rules: object, where: str) -> Iterator[tuple[str, str]]:
    match rules:
        case Policy():
            yield where, sentence(rules)
        case AnyOf():
            for index, policy in enumerate(rules.policies):
                asked = "asked first" if index == 0 else f"if {_refused(index)} the origin"
                yield from _meanings(policy, _joined(where, asked))
        case ByPath():
            for path, inner in rules.rules.items():
                yield from _meanings(NO_CORS if inner is None else inner, _joined(where, _below(path)))
            if "/" not in rules.rules:
                yield from _meanings(rules.default, _joined(where, "every other path"))
        case _ if rules is LEAVE:
            yield where, "left to whatever is inside, preflights included"
        case _ if rules is NO_CORS:
            yield where, _NOBODY
        case _:
            yield from _others(rules, where)


def _others(rules: object, where: str) -> Iterator[tuple[str, str]]:
    """Yield what rules mean that are neither policies nor put together here: those by method, and drop-ins'."""
    inner = getattr(rules, "rules", None)
    if isinstance(inner, dict):
        for method, policy in inner.items():
            yield from _meanings(policy, _joined(where, method))
        yield from _meanings(getattr(rules, "default", NO_CORS), _joined(where, "every other method"))
    elif isinstance(inner, Rules):
        yield from _meanings(inner, where)
    else:
        yield where, f"rules of their own: {rules!r}"


def _joined(*places: str) -> str:
    return ", ".join(filter(None, places))


def _refused(count: int) -> str:
    return "the first does not allow" if count == 1 else f"none of the first {count} allows"


def _below(path: str) -> str:
    return "every path" if path == "/" else f"{path.removesuffix('/')} and below"


def sentence(policy: Policy) -> str:
    """Return what one *policy* means.

    >>> sentence(Policy("*", allow_headers="*", max_age=None))
    'pages on any website may send GET, HEAD and POST with any header but Authorization, without cookies; browsers \
remember this for 5 seconds at most'
    """
    if not policy.allow_origins and policy.allow_origin_check is None:
        return _NOBODY
    # A pattern takes "and" for granted, so that the words for the origins stand by themselves.
    parts = [f"{_pages(policy)} may send {_methods(policy)}{_headers(policy)}, {_cookies(policy)}"]
    if policy.expose_headers:
        parts.append(f"they may read {_names(policy.expose_headers, 'every response header')}")
    if policy.allow_private_network:
        parts.append("preflights for private networks are answered")
    parts.append(_memory(policy.max_age))
    return "; ".join(parts)


def _pages(policy: Policy) -> str:
    if ANY in policy.allow_origins:
        return "pages on any website"
    origins = [_origin(entry) for entry in policy.allow_origins]
    if policy.allow_origin_check is not None:
        origins.append(f"whatever origin {as_code(policy.allow_origin_check)} accepts")
    return f"pages on {_listed(origins)}"


def _origin(entry: str | re.Pattern[str]) -> str:
    if isinstance(entry, re.Pattern):
        return f"origins that match {as_code(entry)} as a whole"
    if entry == NULL:
        return "no origin at all (null: sandboxed frames, files, data: pages)"
    pattern = OriginPattern.parse(entry)
    if pattern is None or ANY not in entry:
        return entry
    port = "" if pattern.port is None else " on any port" if pattern.port == ANY else f" on port {pattern.port}"
    if pattern.host == ANY:
        return f"every website over {pattern.scheme}{port}"
    if pattern.host.startswith("*."):
        return f"every subdomain of {pattern.host[2:]} over {pattern.scheme}{port}"
    return f"{pattern.scheme}://{pattern.host}{port}"


def _methods(policy: Policy) -> str:
    return _names(policy.allow_methods, "any method") or "GET, HEAD and POST"


def _headers(policy: Policy) -> str:
    names = policy.allow_headers
    if not names:
        return ""
    if ANY in names:
        named = any(name.lower() == "authorization" for name in names)
        return " with any header" if named else " with any header but Authorization"
    return f" with the header{'s' * (len(names) > 1)} {_listed(names)}"


def _cookies(policy: Policy) -> str:
    return "with cookies" if policy.allow_credentials else "without cookies"


def _names(names: Sequence[str], anything: str) -> str:
    return anything if ANY in names else _listed(names)


def _memory(seconds: int | None) -> str:
    if seconds is None:
        return "browsers remember this for 5 seconds at most"
    return f"browsers remember this for {duration(seconds)}" if seconds else "browsers ask again for every request"


def duration(seconds: int) -> str:
    """Return *seconds* in the largest unit that leaves nothing over.

    >>> [duration(seconds) for seconds in (1, 90, 600, 7200, 86400)]
    ['1 second', '90 seconds', '10 minutes', '2 hours', '24 hours']
    """
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'s' * (count != 1)}"


def _listed(names: Iterable[str]) -> str:
    """Return *names* with commas and an "and"; of very many, the first."""
    shown = list(names)
    if len(shown) > _MOST:
        shown = [*shown[:_MOST], f"{len(shown) - _MOST} more"]
    *most, last = shown or [""]
    return f"{', '.join(most)} and {last}" if most else last
