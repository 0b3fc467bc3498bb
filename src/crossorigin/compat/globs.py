"""Globs over origins, as two of the originals take them, made into patterns that cannot leave the host.

Both match a whole ``Origin`` header with `fnmatch`, so that a star reaches over dots, ports and slashes, and
``https://*.example.com`` lets ``https://evil.com/.example.com`` in. Here a glob becomes what its author meant by it,
for well-formed origins only (S3, S4). Knows nothing of policies.
"""

import fnmatch
import re

from ..origins import ANY, OriginPattern, has_public_suffix_below, is_loopback, is_public_suffix

# `fnmatch` closes a class at the first "]" that is not its first member, and a "[" that is never closed is text.
_CLASS = re.compile(r"\[!?+\]?+[^\]]*\]")
# A glob in its parts, each class written as "?". A host has no empty label, and no final dot.
_PARTS = re.compile(r"(?!.*(?://|\.)(?:\.|:|\Z))([a-z0-9+.*?-]+)://([a-z0-9_.*?-]+)(?::([0-9*?]+))?")
_ADDRESS = re.compile(r"[0-9][0-9.?*]*\*")  # the beginning of an IPv4 address
_ANY_HOST = r"(?:[a-z0-9_.-]+|\[[0-9a-f:]+\])"


def origins_of(glob: str) -> str | re.Pattern[str]:
    r"""Return what a policy may declare for *glob*, which never allows what `fnmatch` would not.

    That is a pattern, or an expression over well-formed origins. A star that ends the host stands for the rest of an
    IPv4 address and a port, and one that would reach names that anybody can register, for labels in front of a name.
    What matches no browser's origin, or nothing within these bounds, comes back as it is, for the policy to report.

    >>> origins_of("http://localhost*"), origins_of("https://*example.com").pattern
    ('http://localhost:*', 'https://(?:[a-z0-9_.-]+\\.)?example\\.com')
    """
    plain = re.sub(r"\*+", ANY, _CLASS.sub("?", glob))
    if plain == ANY or not re.search("[*?]", plain):
        return plain
    # Without "://", it is the first star that reaches over it.
    parts = _PARTS.fullmatch(plain if "://" in plain else plain.replace(ANY, "*://*", 1))
    if parts is None or not _is_possible(parts[1], parts[3] or ANY):
        return glob
    scheme, host, port = parts[1], parts[2], parts[3] or ""
    any_port = not port and host.endswith(ANY)
    is_address = _ADDRESS.fullmatch(host) is not None
    if len(host) > 1 and not is_address:
        host = host.removesuffix(ANY)
    before, star, after = ("", "", "") if is_address or host == ANY else host.rpartition(ANY)
    label, _, parent = after.partition(".")
    is_open = bool(star) and _is_open(parent)
    is_partial = any_port and host != ANY and not is_address and "." not in host and not is_loopback(host.lstrip(ANY))
    if host[-1] in ".-" or is_partial or (is_open and (before or label.startswith("-"))):
        return glob
    spelled = f"{scheme}://{host}{':*' if any_port else port and f':{port}'}"
    if "[" not in glob and ANY not in port and OriginPattern.parse(spelled):
        return spelled
    labels = "[0-9.]" if is_address else "[a-z0-9_.-]"
    front = rf"(?:{labels}+\.)?" if is_open and label else ""
    names = _ANY_HOST if host == ANY else front + _expression(after if front else host, labels)
    ports = "(?::[0-9]+)?" if any_port else port and f":{_expression(port, '[0-9]')}"
    classes = f"(?={fnmatch.translate(glob)})" if "[" in glob else ""
    return re.compile(f"{classes}{_expression(scheme, '[a-z0-9+.-]')}://{names}{ports}")


def _is_possible(scheme: str, port: str) -> bool:
    # Whether browsers send origins with these, as far as they hold no wildcards.
    scheme, port = (ANY if re.search("[*?]", part) else part for part in (scheme, port))
    return OriginPattern.parse(f"{scheme.replace(ANY, 'x')}://x:{port}") is not None


def _is_open(parent: str) -> bool:
    # Whether anybody can register names below it, or below something that it stands for.
    return not parent or "?" in parent or is_public_suffix(parent) or has_public_suffix_below(parent)


def _expression(glob: str, among: str) -> str:
    # As in `fnmatch`, a star gives nothing back: no origin takes long to match.
    one = among.replace(".", "")  # "?" is a character of one label
    first, *rest = (re.escape(piece).replace(r"\?", one) for piece in glob.split(ANY))
    return first + "".join(f"(?>{among}*?{piece})" for piece in rest[:-1]) + (f"{among}*{rest[-1]}" if rest else "")
