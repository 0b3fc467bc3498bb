"""The host of a URL: domains, IPv4 and IPv6 addresses, in the one spelling that an origin has.

Owns the host parser and serialiser of the URL Standard (§3, https://url.spec.whatwg.org) with the part of UTS #46 that
it calls for, and knows nothing of the rest of a URL. The mapping of UTS #46 is not a table here: it is derived from
Python's ``unicodedata`` as UTS #46 §6 derives it. What this cannot know:

- A character that is newer than Python's Unicode is refused.
- Whether two letters join around a zero width non-joiner is known of the Arabic letters with presentation forms. Beside
  those of Syriac, N'Ko, Mongolian and other joining scripts, a zero width non-joiner is refused.

An ASCII domain with an invalid ``xn--`` label fails, as everywhere until the URL Standard of June 2026 began to let it
through (whatwg/url#914).
"""

import ipaddress
import re
import unicodedata

# URL §3.2: forbidden host code points, and what is forbidden in a domain on top of them.
_FORBIDDEN_HOST = re.compile(r"[\x00\t\n\r #/:<>?@\[\\\]^|]")
_FORBIDDEN_DOMAIN = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_PERCENT_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_BEYOND_ASCII = re.compile(r"[\x00-\x1f\x7f-\U0010ffff]")  # URL §1.3 C0 control percent-encode set
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DIGITS = {8: re.compile("[0-7]*"), 10: re.compile("[0-9]*"), 16: re.compile("[0-9a-f]*")}

# UTS #46 §6. Deviations stay as they are (non-transitional processing); three other dots separate labels.
_DEVIATIONS = "\N{LATIN SMALL LETTER SHARP S}\N{GREEK SMALL LETTER FINAL SIGMA}\u200c\u200d"
_EXCEPTIONS = dict.fromkeys(_DEVIATIONS) | dict.fromkeys("\u3002\uff0e\uff61", ".") | {"\u1e9e": "\u00df"}
# Default_Ignorable_Code_Point, of which the mapping removes all but the bidi controls and the tags.
_IGNORED = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2064\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0100-\U000e01ef]"
)
# Beside these: ideographic description characters, and the two characters that stand in for others.
_DISALLOWED = re.compile("[\u2ff0-\u2fff\u31ef\ufffc\ufffd]")
_DISALLOWED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})

# RFC 5893 §2: the bidi classes that a label may hold, and may end in, if it reads from right to left or the other way.
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_IN_RIGHT_TO_LEFT = frozenset("R AL AN EN ES CS ET ON BN NSM".split())
_IN_LEFT_TO_RIGHT = frozenset("L EN ES CS ET ON BN NSM".split())

_VIRAMA = 9  # a canonical combining class

# The standard sets no bound, and DNS one of 63. Python's Punycode takes time in the square of a label's length.
LONGEST_LABEL = 1000


def _letters_with_form(*forms: str) -> frozenset[str]:
    """Return the Arabic letters that have a presentation form: an ``<initial>`` one joins the letter that follows."""
    decompositions = (unicodedata.decomposition(chr(point)).split() for point in range(0xFB50, 0xFEFD))
    return frozenset(chr(int(parts[1], 16)) for parts in decompositions if len(parts) == 2 and parts[0] in forms)


_JOINS_NEXT = _letters_with_form("<initial>", "<medial>")
_JOINS_PREVIOUS = _letters_with_form("<final>", "<medial>")


def parse_host(text: str, *, opaque: bool = False) -> str:
    """Return the serialised host that *text* spells (URL §3.5 host parser, §3.6 host serializer).

    Args:
        text: What stands between the userinfo and the port.
        opaque: Whether the URL's scheme is not special, so that its host is no domain but any text.

    Raises:
        ValueError: A browser refuses the URL; the message is the reason.

    Example:
        >>> [parse_host(text) for text in ("EXAMPLE.com", "127.1", "[::0:1]", "bücher.example")]
        ['example.com', '127.0.0.1', '[::1]', 'xn--bcher-kva.example']
        >>> parse_host("a b", opaque=True)
        Traceback (most recent call last):
        ...
        ValueError: a host cannot contain ' '
    """
    if text.startswith("["):
        if not text.endswith("]"):
            raise ValueError("the IPv6 address lacks its closing bracket")
        return f"[{_serialize_ipv6(_parse_ipv6(text[1:-1]))}]"
    if opaque:
        _refuse(_FORBIDDEN_HOST, text)
        return _BEYOND_ASCII.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)
    decoded = _PERCENT_ENCODED.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())
    domain = _domain_to_ascii(decoded.decode(errors="replace"))
    return str(_parse_ipv4(domain)) if _ends_in_a_number(domain) else domain


def _refuse(forbidden: re.Pattern[str], text: str) -> None:
    if found := forbidden.search(text):
        raise ValueError(f"a host cannot contain {found[0]!r}")


def _domain_to_ascii(domain: str) -> str:
    """URL §3.3, with UTS #46 §4.2 ToASCII: non-transitional, CheckBidi and CheckJoiners alone."""
    if domain.isascii() and "xn--" not in domain.lower():
        result = domain.lower()
    else:
        mapped = unicodedata.normalize("NFC", _map(domain)).split(".")
        if max(map(len, mapped)) > LONGEST_LABEL:
            raise ValueError(f"a label of the host is longer than {LONGEST_LABEL} characters")
        labels = [_to_unicode(label) for label in mapped]
        if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for label in labels for char in label):
            for label in labels:
                _check_bidi(label)
        result = ".".join(_to_ascii(label) for label in labels)
    if not result:
        raise ValueError("the host is empty")
    _refuse(_FORBIDDEN_DOMAIN, result)
    return result


def _map(text: str) -> str:
    """UTS #46 §4 step 1: fold the case of *text*, and what else is spelled in several ways; refuse what no name has."""
    return text.lower() if text.isascii() else "".join(map(_mapped, text))


def _mapped(char: str) -> str:
    if char.isascii():
        return char.lower()
    if char in _EXCEPTIONS:
        return _EXCEPTIONS[char] or char
    mapped = _nfkc_casefold(char)
    disallowed = mapped == char and unicodedata.category(char) in _DISALLOWED_CATEGORIES
    # A dot that is none of the three, such as that of U+2488 (DIGIT ONE FULL STOP), would split a label unseen.
    if disallowed or _DISALLOWED.match(char) or "." in mapped or "\u3002" in mapped:
        raise ValueError(f"a host cannot contain {char!a}")
    return mapped


def _nfkc_casefold(char: str) -> str:
    """Unicode §3.13, toNFKC_Casefold, less its steps that change no single character."""
    folded = unicodedata.normalize("NFKC", char).casefold()
    return _IGNORED.sub("", unicodedata.normalize("NFKC", folded))


def _to_unicode(label: str) -> str:
    """Return the mapped *label* with its Punycode decoded, if it holds to the validity criteria (UTS #46 §4 step 4)."""
    if not label.startswith("xn--"):
        return _checked(label, label)
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        valid = not decoded.isascii() and decoded.encode("punycode") == label[4:].encode()
    except UnicodeError:
        valid, decoded = False, ""
    if not valid or decoded.startswith("xn--"):
        raise ValueError(f"the label {label!a} is not valid Punycode")
    return _checked(decoded, label)


def _checked(label: str, shown: str) -> str:
    """UTS #46 §4.1, validity criteria, but for the bidi rule, which regards the whole domain."""
    if label.isascii():
        return label
    if unicodedata.normalize("NFC", label) != label or _map(label) != label:
        raise ValueError(f"the label {shown!a} holds characters that are written otherwise in a host")
    if unicodedata.category(label[0]).startswith("M"):
        raise ValueError(f"the label {shown!a} begins with a combining mark")
    if not all(_is_joiner_allowed(label, index) for index, char in enumerate(label) if char in "\u200c\u200d"):
        raise ValueError(f"the label {shown!a} holds a zero width joiner where it joins nothing")
    return label


def _is_joiner_allowed(label: str, index: int) -> bool:
    """RFC 5892 appendices A.1 and A.2: after a virama, or, for the non-joiner, between letters that would join."""
    if index and unicodedata.combining(label[index - 1]) == _VIRAMA:
        return True
    before = next((char for char in reversed(label[:index]) if not _is_transparent(char)), "")
    after = next((char for char in label[index + 1 :] if not _is_transparent(char)), "")
    return label[index] == "\u200c" and before in _JOINS_NEXT and after in _JOINS_PREVIOUS


def _is_transparent(char: str) -> bool:
    return char not in "\u200c\u200d" and unicodedata.category(char) in {"Mn", "Me", "Cf"}


def _check_bidi(label: str) -> None:
    """RFC 5893 §2, the bidi rule. The empty label of the root has no direction."""
    classes = [unicodedata.bidirectional(char) for char in label]
    ends = [each for each in classes if each != "NSM"][-1:]
    if not classes:
        return
    if classes[0] in {"R", "AL"}:
        valid = _IN_RIGHT_TO_LEFT.issuperset(classes) and ends[0] in {"R", "AL", "EN", "AN"}
        valid = valid and not {"EN", "AN"} <= set(classes)
    else:
        valid = classes[0] == "L" and _IN_LEFT_TO_RIGHT.issuperset(classes) and ends[0] in {"L", "EN"}
    if not valid:
        raise ValueError(f"the label {label!a} mixes directions of writing")


def _to_ascii(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _ends_in_a_number(domain: str) -> bool:
    return _NUMBER.fullmatch(domain.removesuffix(".").rpartition(".")[2]) is not None


def _parse_ipv4(domain: str) -> ipaddress.IPv4Address:
    """URL §3.5 IPv4 parser: up to four numbers, the last of which fills the bytes that are left."""
    *firsts, last = numbers = [_parse_ipv4_number(part) for part in domain.removesuffix(".").split(".")]
    if len(numbers) > 4 or any(number > 255 for number in firsts) or last >= 256 ** (5 - len(numbers)):
        raise ValueError(f"the host {domain!r} ends in a number, and is not an IPv4 address")
    return ipaddress.IPv4Address(last + sum(number << (24 - 8 * place) for place, number in enumerate(firsts)))


def _parse_ipv4_number(text: str) -> int:
    radix = 16 if text.startswith("0x") else 8 if text.startswith("0") else 10
    digits = text.removeprefix("0x").lstrip("0")
    if not text or not _DIGITS[radix].fullmatch(digits):
        raise ValueError(f"{text!r} is not a number, as every part of an IPv4 address is")
    # Python refuses to read thousands of digits, and 11 octal ones are more than an address has.
    return int("0" + digits[:12], radix)


def _parse_ipv6(text: str) -> int:
    """URL §3.5 IPv6 parser: the grammar of ``ipaddress``, but for the zone, which a URL cannot have."""
    if "%" in text:
        raise ValueError("an IPv6 address cannot have a zone in a URL")
    try:
        return int(ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv6 address") from None


def _serialize_ipv6(address: int) -> str:
    """URL §3.6. Not ``str(IPv6Address)``, which writes mapped IPv4 addresses with dots from Python 3.13 on."""
    pieces = ":".join(f"{address >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
    zeros = max(re.finditer(r"\b0(?::0)+\b", pieces), key=lambda run: len(run[0]), default=None)
    if zeros is None:
        return pieces
    return f"{pieces[: zeros.start()].removesuffix(':')}::{pieces[zeros.end() :].removeprefix(':')}"
