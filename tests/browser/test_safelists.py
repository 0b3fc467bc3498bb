"""The rules for safe header values, each against the standard's own text written out as plainly as can be.

The naive versions read one character after the other, as the algorithms of the standards do, and share nothing with
``crossorigin.fetch`` but their results.
"""

import string
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossorigin import fetch

BLANKS = " \t\r\n"
TOKEN = set("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters)
UNSAFE = set('"():<>?@[\\]{}\x7f')  # Fetch §2.2.2 CORS-unsafe request-header byte, with what is below 0x20 but a tab
LANGUAGE = set(string.digits + string.ascii_letters + " *,-.;=")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")


def lowered(text: str) -> str:
    return "".join(chr(ord(character) + 32) if "A" <= character <= "Z" else character for character in text)


def naive_media_type(value: str) -> str | None:
    """MIME Sniffing §4.4 parse a MIME type, as far as the essence."""
    value = value.strip(BLANKS)
    position = 0
    kind = ""
    while position < len(value) and value[position] != "/":
        kind += value[position]
        position += 1
    if not kind or not set(kind) <= TOKEN or position >= len(value):
        return None
    position += 1
    subtype = ""
    while position < len(value) and value[position] != ";":
        subtype += value[position]
        position += 1
    subtype = subtype.rstrip(BLANKS)
    if not subtype or not set(subtype) <= TOKEN:
        return None
    return lowered(f"{kind}/{subtype}")


def naive_range(value: str) -> bool:
    """Fetch §2.2.2 parse a single range header value, with whitespace not allowed; and it must have a start."""
    if not value.startswith("bytes"):
        return False
    rest = value[len("bytes") :]
    if not rest.startswith("="):
        return False
    rest = rest[1:]
    start = end = ""
    while rest and rest[0] in string.digits:
        start, rest = start + rest[0], rest[1:]
    if not rest.startswith("-"):
        return False
    rest = rest[1:]
    while rest and rest[0] in string.digits:
        end, rest = end + rest[0], rest[1:]
    if rest or not start:
        return False
    return not end or int(start) <= int(end)


def naive_is_safelisted(name: str, value: str) -> bool:
    """Fetch §2.2.2 CORS-safelisted request-header."""
    has_unsafe = any((character < " " and character != "\t") or character in UNSAFE for character in value)
    if len(value) > 128:
        return False
    name = lowered(name)
    if name == "accept":
        return not has_unsafe
    if name in ("accept-language", "content-language"):
        return set(value) <= LANGUAGE
    if name == "content-type":
        return not has_unsafe and naive_media_type(value) in FORM_TYPES
    if name == "range":
        return naive_range(value)
    return False


def naive_unsafe_names(headers: list[tuple[str, str]]) -> list[str]:
    """Fetch §2.2.2 CORS-unsafe request-header names."""
    unsafe: list[str] = []
    potentially: list[str] = []
    size = 0
    for name, value in headers:
        if not naive_is_safelisted(name, value):
            unsafe.append(name)
        else:
            potentially.append(name)
            size += len(value)
    if size > 1024:
        unsafe += potentially
    return sorted({lowered(name) for name in unsafe})


def naive_split(value: str) -> list[str]:
    """Fetch §2.2.2 get, decode, and split."""
    pieces: list[str] = []
    piece = ""
    position = 0
    while True:
        while position < len(value) and value[position] not in '",':
            piece += value[position]
            position += 1
        if position < len(value) and value[position] == '"':
            # Fetch §2.2 collect an HTTP quoted string, with its quotes and backslashes kept.
            piece += '"'
            position += 1
            while position < len(value):
                character = value[position]
                piece += character
                position += 1
                if character == '"':
                    break
                if character == "\\" and position < len(value):
                    piece += value[position]
                    position += 1
            if position < len(value):
                continue
        pieces.append(piece.strip("\t "))
        piece = ""
        if position >= len(value):
            return pieces
        position += 1  # the comma


# --- strategies: mostly what comes near the rules, and anything ------------------------------------------------------

latin_1 = st.text(st.characters(max_codepoint=255), max_size=20)
safe_names = st.sampled_from(["accept", "accept-language", "content-language", "content-type", "range"])
cases: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str.lower, str.upper, str.title])
header_names = st.builds(
    lambda case, name: case(name), cases, safe_names | st.sampled_from(["x-a", "authorization", "dpr", "accept-x"])
)
types = st.builds(
    lambda before, case, essence, after: before + case(essence) + after,
    st.sampled_from(["", " ", "\t", "\r\n", ","]) | latin_1,
    cases,
    st.sampled_from(
        [*FORM_TYPES, "application/json", "text", "text/", "/plain", "text/plain/x", "text /plain", "text/plainer"]
    ),
    st.sampled_from(["", ";", " ;", "; charset=utf-8", ";garbage", ",text/plain", " x", '; a="b"', "\n"]) | latin_1,
)
numbers = st.sampled_from(["", "0", "00", "9", "10", "99999999999999999999", "\u00b2", "+1"]) | st.integers(0).map(str)
ranges = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["bytes=", "bytes=", "bytes=", "Bytes=", "bytes", "bytes =", " bytes=", "items="]),
    numbers,
    st.sampled_from(["-", "-", "-", "", " - ", "--"]),
    numbers,
    st.sampled_from(["", "", "", " ", ",5-9", "\n"]),
)
languages = st.text("".join(LANGUAGE) + "_\t\xe9", max_size=12)
near_the_limit = st.integers(120, 136).map(lambda size: "a" * size)
values = st.one_of(latin_1, types, ranges, languages, near_the_limit)


# --- one value --------------------------------------------------------------------------------------------------------


@given(header_names, values)
@settings(max_examples=1000)
def test_a_safelisted_header_is_what_the_standard_says(name: str, value: str) -> None:
    assert fetch.is_safelisted_request_header(name, value) == naive_is_safelisted(name, value)


@given(st.sampled_from(["accept", "accept-language", "content-language"]))
def test_every_byte_is_judged_as_the_standard_says(name: str) -> None:
    judged = [fetch.is_safelisted_request_header(name, f"a{chr(byte)}b") for byte in range(256)]

    assert judged == [naive_is_safelisted(name, f"a{chr(byte)}b") for byte in range(256)]


@given(types | latin_1)
@settings(max_examples=500)
def test_a_media_type_is_what_the_standard_says(value: str) -> None:
    assert fetch.media_type(value) == naive_media_type(value)


@given(types)
@settings(max_examples=500)
def test_a_safe_content_type_is_what_the_standard_says(value: str) -> None:
    assert fetch.is_safelisted_request_header("Content-Type", value) == naive_is_safelisted("content-type", value)


@pytest.mark.parametrize("value", ["text/plainer", "text/plain-x", 'text/plain; a="b"', "text/plain,text/plain", ""])
def test_a_safe_content_type_is_one_of_three_to_the_letter(value: str) -> None:
    assert not fetch.is_safelisted_request_header("Content-Type", value)


@given(ranges)
@settings(max_examples=500)
def test_a_range_is_what_the_standard_says(value: str) -> None:
    assert fetch.is_safelisted_request_header("Range", value) == (len(value) <= 128 and naive_range(value))


@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "Content-Language"])
def test_a_value_may_be_128_bytes_long_and_not_one_more(name: str) -> None:
    assert fetch.is_safelisted_request_header(name, "a" * 128)
    assert not fetch.is_safelisted_request_header(name, "a" * 129)


@pytest.mark.parametrize(
    ("value", "is_safe"),
    [
        ("bytes=0-", True),
        ("bytes=0-0", True),
        ("bytes=9-8", False),
        ("bytes=10-9", False),
        ("bytes=9-10", True),
        ("bytes=-9", False),
        ("bytes=-", False),
        ("bytes=0-1,3-4", False),
        ("bytes=99999999999999999998-99999999999999999999", True),
        ("bytes=\u0663-", False),  # a digit, though not one of ASCII's
        ("bytes=0-\n", False),
    ],
)
def test_a_safe_range_has_a_start_that_is_not_behind_its_end(value: str, is_safe: bool) -> None:
    assert fetch.is_safelisted_request_header("Range", value) == is_safe


@pytest.mark.parametrize("name", ["X-A", "Authorization", "DPR", "Save-Data", "Last-Event-ID", "Accept-Encodings", ""])
@pytest.mark.parametrize("value", ["", "1"])
def test_no_other_header_is_safe_whatever_its_value(name: str, value: str) -> None:
    assert not fetch.is_safelisted_request_header(name, value)


@given(header_names, values)
def test_without_cors_all_safelisted_headers_but_range_pass(name: str, value: str) -> None:
    expected = naive_is_safelisted(name, value) and lowered(name) != "range"

    assert fetch.is_safelisted_without_cors(name, value) == expected


# --- all headers of a request -----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(header_names, values), max_size=6))
def test_the_names_to_ask_for_are_what_the_standard_says(headers: list[tuple[str, str]]) -> None:
    assert fetch.unsafe_request_header_names(headers) == naive_unsafe_names(headers)


@given(st.lists(st.tuples(st.just("Accept"), st.integers(100, 130).map("a".__mul__)), min_size=7, max_size=12))
def test_the_names_to_ask_for_near_the_limit_of_all_values(headers: list[tuple[str, str]]) -> None:
    assert fetch.unsafe_request_header_names(headers) == naive_unsafe_names(headers)


def test_safelisted_values_may_be_1024_bytes_together_and_not_one_more() -> None:
    full = [("Accept", "a" * 128)] * 7 + [("Accept-Language", "a" * 128)]

    assert fetch.unsafe_request_header_names(full) == []
    assert fetch.unsafe_request_header_names([*full, ("Content-Language", "a")]) == [
        "accept",
        "accept-language",
        "content-language",
    ]


def test_only_safelisted_values_count_together() -> None:
    headers = [("Accept", "a" * 128), ("X-A", "a" * 5000)]

    assert fetch.unsafe_request_header_names(headers) == ["x-a"]


@given(st.permutations([("X-B", "1"), ("x-a", "2"), ("X-A", "3"), ("Authorization", "t"), ("Accept", "*/*")]))
def test_the_order_of_headers_does_not_matter(headers: list[tuple[str, str]]) -> None:
    assert fetch.unsafe_request_header_names(headers) == ["authorization", "x-a", "x-b"]


# --- splitting --------------------------------------------------------------------------------------------------------


@given(st.text(' ,"\\\ta\n', max_size=16) | latin_1)
@settings(max_examples=1000)
def test_splitting_is_what_the_standard_says(value: str) -> None:
    assert fetch.split_value(value) == naive_split(value)


@given(st.text(' ,"\\\ta\n', max_size=16), st.sampled_from(["x-http-method", "X-HTTP-Method-Override"]))
def test_a_method_override_is_forbidden_for_any_of_its_pieces(value: str, name: str) -> None:
    assert fetch.is_forbidden_request_header(name, f"{value},track ") == ("track" in naive_split(f"{value},track "))


# --- hostile values ---------------------------------------------------------------------------------------------------

HOSTILE = ["a", ",", '"', '\\"', '"\\', " ", "\t ", "a/", ";", "/;", "0", "bytes=", "a ", "\xff", '",', "\r\n"]
READERS: dict[str, Callable[[str], object]] = {
    "split": fetch.split_value,
    "media type": lambda value: fetch.media_type("text/plain" + value + "\x00"),
    "essence": fetch.media_type,
    "list": lambda value: fetch.parse_list([value]),
    "token": fetch.is_token,
    "override": lambda value: fetch.is_forbidden_request_header("X-HTTP-Method", value),
    "safelist": lambda value: [
        fetch.is_safelisted_request_header(name, value)
        for name in ("Accept", "Accept-Language", "Content-Type", "Range")
    ],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_for_a_hostile_value_is_in_proportion_to_its_length(reader: str, piece: str) -> None:
    def seconds(size: int) -> float:
        value = piece * (size // len(piece))
        start = time.thread_time()
        READERS[reader](value)
        return time.thread_time() - start

    # Quadratic would be 64 times; a fixed cost and a busy machine make up for what lies between.
    few = min(seconds(2_000) for _ in range(3))
    many = min(seconds(16_000) for _ in range(3))

    assert many < 30 * few + 0.005
