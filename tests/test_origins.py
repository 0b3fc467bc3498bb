"""Rules S3 to S6 and F4: which origins are well-formed, and which of them a set of declared ones allows."""

import ipaddress
import re
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossorigin.origins import (
    MAX_ORIGIN,
    Membership,
    Near,
    Origin,
    OriginPattern,
    OriginSet,
    compressed_ipv6,
    is_ipv4,
    is_loopback,
    is_public_suffix,
)

LABEL_63 = "a" * 63
HOST_253 = f"{LABEL_63}.{LABEL_63}.{LABEL_63}.{'b' * 61}"
SCHEME_64 = "a" + "+" * 63

# Few labels, so that hosts end in one another often: `barfoo` ends in `foo`, and `foo.com` is below `com`.
labels = st.sampled_from(["a", "b", "foo", "bar", "barfoo", "com", "example", "x-y", "x_y", "0"])
hosts = st.lists(labels, min_size=1, max_size=4).filter(lambda parts: parts[-1] != "0").map(".".join)
schemes = st.sampled_from(["http", "https"])
ports = st.sampled_from(["", ":3000", ":8080"])
origins = st.builds("{}://{}{}".format, schemes, hosts, ports)
patterns = st.builds(
    "{}://{}{}".format,
    schemes,
    st.builds("{}{}".format, st.sampled_from(["", "*."]), hosts) | st.just("*"),
    ports | st.just(":*"),
)
# Text that looks like an origin often enough to be one sometimes.
pieces = ["https", "http", "://", ":", "/", "a", "A", "example", ".", "com", "*", "1", "0", "127.0.0.1", "[::1]", "::",
          ":443", ":8080", ":*", "null", "-", "_", "é", "\n", "#", "@", "x-y"]  # fmt: skip
almost_origins = st.lists(st.sampled_from(pieces), max_size=9).map("".join)


# --- Origin -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("https://example.com", "https", "example.com", None),
        ("http://example.com:443", "http", "example.com", 443),
        ("https://example.com:80", "https", "example.com", 80),
        ("http://localhost", "http", "localhost", None),
        ("http://localhost:8080", "http", "localhost", 8080),
        ("https://a.b.c.d.e.example.co.uk", "https", "a.b.c.d.e.example.co.uk", None),
        ("https://example.com.", "https", "example.com.", None),
        ("https://my_app.example.com", "https", "my_app.example.com", None),
        ("https://-a-.example.com", "https", "-a-.example.com", None),
        ("https://xn--bcher-kva.example", "https", "xn--bcher-kva.example", None),
        ("https://1.example", "https", "1.example", None),
        ("https://0x7f.example", "https", "0x7f.example", None),
        ("https://127.0.0.1.example", "https", "127.0.0.1.example", None),
        ("http://127.0.0.1", "http", "127.0.0.1", None),
        ("http://255.255.255.255:1", "http", "255.255.255.255", 1),
        ("http://0.0.0.0:8000", "http", "0.0.0.0", 8000),
        ("http://[::1]", "http", "[::1]", None),
        ("http://[::]", "http", "[::]", None),
        ("http://[2001:db8::1]:3000", "http", "[2001:db8::1]", 3000),
        ("http://[1:2:3:4:5:6:7:8]", "http", "[1:2:3:4:5:6:7:8]", None),
        ("http://[1:0:0:2::3]", "http", "[1:0:0:2::3]", None),
        ("http://[::ffff:7f00:1]", "http", "[::ffff:7f00:1]", None),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension", "abcdefghijklmnop", None),
        ("moz-extension://0d2f-77aa", "moz-extension", "0d2f-77aa", None),
        ("capacitor://localhost", "capacitor", "localhost", None),
        ("app+v1.0://localhost:1", "app+v1.0", "localhost", 1),
    ],
)
def test_s3_what_browsers_send_is_an_origin(text: str, scheme: str, host: str, port: int | None) -> None:
    assert Origin.parse(text) == Origin(scheme, host, port)


@pytest.mark.parametrize(
    "text",
    [
        # nothing, or not only an origin
        "", " ", "null", "*", "https", "https:", "https://", "://example.com", "//example.com", "example.com",
        "https:example.com", "https:/example.com", "https:///example.com", "https://example.com/", "https://example.com/a",
        "https://example.com?", "https://example.com#", "https://user@example.com", "https://:@example.com",
        "https://example.com https://example.com", "https://example.com,https://example.com", "<https://example.com>",
        # white space and control characters
        " https://example.com", "https://example.com ", "https://example.com\n", "https://example.com\r", "\thttps://a.b",
        "https://exam\nple.com", "https://example.com\x00", "https://example\x1f.com", "https://example.com\x7f",
        # another spelling of the same
        "HTTPS://example.com", "https://Example.com", "https://example.com:443", "http://example.com:80",
        "https://b\xfccher.example", "https://\u0430pple.com", "https://\uff41.com", "https://example\u3002com",
        "https://ex%61mple.com", "https://example.com\u2028",
        # schemes
        "1http://example.com", "-a://example.com", "ht_tp://example.com", "ht tp://example.com", "h\xe9://example.com",
        # labels
        "https://.example.com", "https://example..com", "https://example.com..", "https://.", "https://*.example.com",
        "https://exa+mple.com", "https://exa{mple.com", "https://exa!mple.com", "https://exa$mple.com", "https://a'b.com",
        "https://a,b.com", "https://a;b.com", "https://a=b.com", "https://a&b.com", "https://a~b.com", "https://a|b.com",
        "https://a`b.com", "https://a\"b.com", "https://a\\b.com", "https://a^b.com", "https://(a).com",
        # addresses
        "http://127.1", "http://1", "http://0", "http://2130706433", "http://0x7f000001", "http://0x", "http://0x7f.1",
        "http://127.0.0.1.", "http://127.0.0.01", "http://0177.0.0.1", "http://256.0.0.1", "http://1.2.3.4.5",
        "http://999.999.999.999", "http://example.1", "http://example.0x1", "http://1.2.3.", "http://127.0.0.1:",
        "http://::1", "http://[::1", "http://::1]", "http://[]", "http://[:]", "http://[::1]a", "http://[::1]]",
        "http://[0:0:0:0:0:0:0:1]", "http://[::01]", "http://[::A]", "http://[1::2::3]", "http://[1:2:3:4:5:6:7:8:9]",
        "http://[1:2:3:4:5:6:7]", "http://[1::3:4:5:6:7:8]", "http://[::0:1]", "http://[1:0:0:2:0:0:0:3]",
        "http://[::ffff:127.0.0.1]", "http://[fe80::1%25eth0]", "http://[fe80::1%eth0]", "http://[v1.a]",
        # ports
        "https://example.com:", "https://example.com:0", "https://example.com:00", "https://example.com:08080",
        "https://example.com:65536", "https://example.com:99999", "https://example.com:100000", "https://example.com:-1",
        "https://example.com:+1", "https://example.com: 1", "https://example.com:1 ", "https://example.com:1:1",
        "https://example.com:a", "https://example.com:*", "https://example.com:0x50", "https://example.com:8_0",
        "https://example.com:\u0661", "http://[::1]:80", "ftp://example.com:21", "ws://example.com:80",
        "wss://example.com:443",
    ],
)  # fmt: skip
def test_s3_everything_else_is_none(text: str) -> None:
    assert Origin.parse(text) is None


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [
        (f"{SCHEME_64}://a.example", f"{SCHEME_64}+://a.example"),
        (f"https://{LABEL_63}.example", f"https://{LABEL_63}a.example"),
        (f"https://{HOST_253}", f"https://{HOST_253}b"),
        (f"https://{HOST_253}:65535", f"https://{HOST_253}.:65535"),
        ("https://a.example:65535", "https://a.example:65536"),
        (f"{SCHEME_64}://{HOST_253}:65535", f"{SCHEME_64}://{HOST_253}:655350"),
        (f"https://{'a.' * 126}b", f"https://{'a.' * 127}b"),
    ],
)
def test_f4_an_origin_is_bounded(longest: str, too_long: str) -> None:
    assert [Origin.parse(longest) is None, Origin.parse(too_long) is None] == [False, True]


def test_f4_the_longest_origin_has_the_greatest_length() -> None:
    assert len(f"{SCHEME_64}://{HOST_253}:65535") == MAX_ORIGIN


@given(st.text() | almost_origins | origins)
def test_s3_any_text_is_read_without_an_exception_and_said_back_as_it_was(text: str) -> None:
    origin = Origin.parse(text)

    assert origin is None or (str(origin) == text and Origin.parse(str(origin)) == origin)


@given(hosts, st.integers(1, 65535).filter(lambda number: number not in (80, 443)))
def test_s3_every_origin_in_the_browsers_spelling_is_read(host: str, port: int) -> None:
    assert Origin.parse(f"https://{host}:{port}") == Origin("https", host, port)


# --- OriginPattern ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("https://example.com", "https", "example.com", None),
        ("http://localhost:3000", "http", "localhost", 3000),
        ("http://localhost:*", "http", "localhost", "*"),
        ("http://127.0.0.1:*", "http", "127.0.0.1", "*"),
        ("http://[::1]:*", "http", "[::1]", "*"),
        ("https://*.example.com", "https", "*.example.com", None),
        ("https://*.example.com:8443", "https", "*.example.com", 8443),
        ("https://*.example.com:*", "https", "*.example.com", "*"),
        ("https://*.localhost", "https", "*.localhost", None),
        ("https://*", "https", "*", None),
        ("https://*:8443", "https", "*", 8443),
        ("https://*:*", "https", "*", "*"),
        ("chrome-extension://*", "chrome-extension", "*", None),
    ],
)
def test_what_a_policy_may_declare(text: str, scheme: str, host: str, port: int | str | None) -> None:
    assert OriginPattern.parse(text) == OriginPattern(scheme, host, port)


@pytest.mark.parametrize(
    "text",
    ["", "*", "null", "*.example.com", "*://example.com", "http*://example.com", "https://ex*.com", "https://*example.com",
     "https://example.*", "https://a.*.com", "https://*.*.com", "https://**.com", "https://*.", "https://*..com",
     "https://*.example.com.", "https://*.127.0.0.1", "https://*.[::1]", "https://*.1", "https://*:0", "https://*:443",
     "https://*:*:*", "https://*.example.com:443", "https://example.com:8*", "https://example.com:**", "https://:*",
     "https://*/", "https://*.example.com/", "https://any-host\n", "https://*\n",
     "file://*", "data://a", "blob://a.example", "about://blank", "javascript://a", "ws://a.example", "wss://*"],
)  # fmt: skip
def test_what_a_policy_may_not_declare(text: str) -> None:
    assert OriginPattern.parse(text) is None


@pytest.mark.parametrize("text", ["https://example.com:8443:*", "https://*.example.com:8443:*", "http://[::1]:1:*"])
def test_a_pattern_has_one_port(text: str) -> None:
    assert OriginPattern.parse(text) is None


@given(st.text() | almost_origins | patterns)
def test_a_pattern_is_read_without_an_exception_and_said_back_as_it_was(text: str) -> None:
    pattern = OriginPattern.parse(text)

    assert pattern is None or str(pattern) == text


@given(origins)
def test_every_web_origin_may_be_declared_as_the_browser_sends_it(text: str) -> None:
    origin, pattern = Origin.parse(text), OriginPattern.parse(text)

    assert origin is not None
    assert pattern is not None
    assert tuple(pattern) == tuple(origin)


# --- OriginSet against a naive matcher --------------------------------------------------------------------------------


def naively_split(text: str) -> tuple[str, str, str]:
    """Return the scheme, the host and the port of an origin or a pattern without an IPv6 address."""
    scheme, rest = text.split("://")
    host, _, port = rest.partition(":")
    return scheme, host, port


def naively_matches(pattern: str, origin: str) -> bool:
    """Return what S4 says, in its own words, of the well-formed *origin*."""
    wanted_scheme, wanted_host, wanted_port = naively_split(pattern)
    scheme, host, port = naively_split(origin)
    if scheme != wanted_scheme or wanted_port not in (port, "*"):
        return False
    if wanted_host == "*":
        return True
    if wanted_host.startswith("*."):
        name = wanted_host.removeprefix("*.").split(".")
        return host.split(".")[-len(name) :] == name and len(host.split(".")) > len(name)
    return host == wanted_host


@given(st.lists(patterns, max_size=4), st.lists(origins, min_size=1, max_size=8))
def test_s4_a_set_holds_what_one_of_its_patterns_matches_in_whatever_order_they_are_declared(
    declared: list[str], asked: list[str]
) -> None:
    expected = [any(naively_matches(pattern, origin) for pattern in declared) for origin in asked]

    for order in permutations(declared):
        origin_set = OriginSet(order)
        assert [origin in origin_set for origin in asked] == expected


@given(st.lists(patterns, min_size=1, max_size=4), st.data())
def test_s4_a_name_below_a_declared_one_is_held(declared: list[str], data: st.DataObject) -> None:
    # Independent origins seldom match: make one that must.
    pattern = data.draw(st.sampled_from(declared))
    host = data.draw(hosts)
    origin = pattern.replace("*.", f"{host}.").replace("://*", f"://{host}").replace(":*", ":4000")

    assert origin in OriginSet(declared)


@pytest.mark.parametrize(
    "order", [*permutations(["https://foo.com", "https://bar.com", "https://*.foo.com", "https://*.bar.com"])]
)
def test_s4_two_names_never_make_a_third(order: tuple[str, ...]) -> None:
    strangers = ["https://barfoo.com", "https://foobar.com", "https://xfoo.com", "https://foo.com.bar", "https://com",
                 "https://foo.co", "https://a.barfoo.com", "https://foo.bar.co", "https://oo.com"]  # fmt: skip

    assert [origin for origin in strangers if origin in OriginSet(order)] == []


@pytest.mark.parametrize(
    ("declared", "allowed", "refused"),
    [
        ("https://*.example.com", ["https://a.example.com", "https://a.b.example.com", "https://x_y.example.com"],
         ["https://example.com", "http://a.example.com", "https://a.example.com:8443", "https://aexample.com",
          "https://a.example.com.", "https://a.example.com.evil.com", "https://.example.com"]),
        ("http://localhost:*", ["http://localhost", "http://localhost:1", "http://localhost:65535"],
         ["https://localhost", "http://a.localhost", "http://localhost.", "http://localhost:0", "http://localhost:80"]),
        ("https://*.example.com:*", ["https://a.example.com", "https://a.example.com:8443"],
         ["https://example.com:8443", "https://a.example.org:8443"]),
        ("https://*:8443", ["https://a.example:8443", "https://127.0.0.1:8443", "https://[::1]:8443", "https://a.:8443"],
         ["https://a.example", "http://a.example:8443"]),
        ("http://[::1]:*", ["http://[::1]", "http://[::1]:5000"], ["http://[::2]", "http://[0:0:0:0:0:0:0:1]"]),
        ("http://127.0.0.1:*", ["http://127.0.0.1", "http://127.0.0.1:5000"], ["http://127.0.0.2", "http://127.1"]),
        ("https://*.0.0.example", ["https://127.0.0.example"], ["https://127.0.0.1", "https://0.0.example"]),
    ],
)  # fmt: skip
def test_s4_patterns_match_the_parsed_origin(declared: str, allowed: list[str], refused: list[str]) -> None:
    origin_set = OriginSet([declared])

    assert [origin for origin in [*allowed, *refused] if origin in origin_set] == allowed


@pytest.mark.parametrize(
    ("declared", "origin", "expected"),
    [
        (["https://a.example"], "https://a.example", "allowed"),
        (["https://a.example"], "https://b.example", "origin-not-allowed"),
        (["https://a.example"], "https://a.example/", "origin-malformed"),
        (["https://a.example"], "null", "origin-null"),
        ([], "https://a.example", "origin-not-allowed"),
        ([], "null", "origin-null"),
        ([], "", "origin-malformed"),
        (["null"], "null", "allowed"),
        (["null"], "NULL", "origin-malformed"),
        (["*"], "https://a.example", "allowed"),
        (["*"], "null", "origin-null"),
        (["*"], "*", "origin-malformed"),
        (["*", "null"], "null", "allowed"),
        (["https://*"], "null", "origin-null"),
        (["https://*"], "https://*", "origin-malformed"),
        ([re.compile(r"https://[a-z]+\.example")], "https://a.example", "allowed"),
        ([re.compile(r"https://[a-z]+\.example")], "https://a.example:8443", "origin-not-allowed"),
        ([re.compile(r"https://[a-z]+\.example")], "https://a.example.evil", "origin-not-allowed"),
        ([re.compile("a|https://a")], "https://a", "allowed"),
        ([re.compile("https://a|https://a.example")], "https://a.example", "allowed"),
        ([re.compile(".*", re.DOTALL)], "null", "origin-null"),
        ([re.compile(".*", re.DOTALL)], "https://a.example\n", "origin-malformed"),
        ([re.compile(".*", re.DOTALL)], "anything at all", "origin-malformed"),
        ([re.compile("nothing"), "https://a.example"], "https://a.example", "allowed"),
    ],
)
def test_s5_a_set_says_why(declared: list[str | re.Pattern[str]], origin: str, expected: Membership) -> None:
    assert OriginSet(declared).judge(origin) == expected


@given(st.lists(patterns | st.sampled_from(["*", "null"]), max_size=3), st.text() | almost_origins)
def test_s3_no_text_is_in_a_set_unless_it_is_an_origin_or_declared_null(declared: list[str], text: str) -> None:
    if text in OriginSet(declared):
        assert Origin.parse(text) is not None or (text == "null" and "null" in declared)


def test_a_set_may_be_declared_by_a_generator() -> None:
    origin_set = OriginSet(text for text in ("https://a.example", "https://*.b.example"))

    assert "https://a.example" in origin_set
    assert "https://a.b.example" in origin_set


# --- covering ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        (["https://*.example.com", "https://a.example.com"], "https://a.example.com", "https://*.example.com"),
        (["https://*.example.com", "https://*.a.example.com"], "https://*.a.example.com", "https://*.example.com"),
        (["https://*.example.com:*", "https://*.example.com"], "https://*.example.com", "https://*.example.com:*"),
        (["http://localhost:*", "http://localhost"], "http://localhost", "http://localhost:*"),
        (["http://localhost:*", "http://localhost:3000"], "http://localhost:3000", "http://localhost:*"),
        (["https://*", "https://a.example"], "https://a.example", "https://*"),
        (["https://*", "https://*.example.com"], "https://*.example.com", "https://*"),
        (["https://*:*", "https://*:8443"], "https://*:8443", "https://*:*"),
        (["*", "https://a.example"], "https://a.example", "*"),
        (["*", "https://*"], "https://*", "*"),
        (["*", "null"], "null", None),
        (["*", "https://a.example"], "*", None),
        (["https://*.example.com", "https://example.com"], "https://example.com", None),
        (["https://*.example.com", "http://a.example.com"], "http://a.example.com", None),
        (["https://*.example.com", "https://a.example.com:8443"], "https://a.example.com:8443", None),
        (["https://*.example.com", "https://*.example.com:*"], "https://*.example.com:*", None),
        (["https://*.a.example.com", "https://*.example.com"], "https://*.example.com", None),
        (["https://a.example", "https://b.example"], "https://a.example", None),
        (["https://*.example.com"], "https://*.example.com", None),
    ],
)
def test_f3_a_redundant_entry_is_covered_by_another(declared: list[str], text: str, expected: str | None) -> None:
    assert OriginSet(declared).covering(text) == expected


@given(st.lists(patterns, min_size=1, max_size=4, unique=True), origins, st.data())
def test_f3_what_is_covered_may_be_left_out(declared: list[str], origin: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(declared))
    wider = OriginSet(declared).covering(text)

    if wider is None:
        assert not any(naively_covers(other, text) for other in declared if other != text)
    else:
        assert wider in declared
        assert wider != text
        assert naively_matches(wider, origin) or not naively_matches(text, origin)


def naively_covers(wider: str, narrower: str) -> bool:
    """Return whether *wider* matches some origins that stand for all of *narrower*."""
    starless = narrower.replace("*.", "any.").replace("://*", "://any.any")
    by_port = [starless.replace(":*", ""), starless.replace(":*", ":4711")]
    return all(naively_matches(wider, origin) for origin in by_port)


# --- nearest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "origin", "difference"),
    [
        ("http://localhost:8080", "http://localhost:3000", "another port"),
        ("http://localhost:8080", "http://localhost", "another port"),
        ("https://*.example.com", "https://a.example.com:8443", "another port"),
        ("https://app.example.com", "http://app.example.com", "another scheme"),
        ("https://*.example.com", "http://a.example.com", "another scheme"),
        ("http://localhost:*", "https://localhost:3000", "another scheme"),
        ("https://app.example.com", "http://app.example.com:8080", "another scheme and port"),
        ("https://*.example.com", "https://example.com", "'*.' stands for one or more labels, not for none"),
        ("https://example.com", "https://example.com.", "a final dot more"),
        ("https://example.com.", "https://example.com", "one character differs"),
        ("https://example.com", "https://www.example.com", "the host alone, not what is below it"),
        ("https://example.com", "https://a.b.example.com", "the host alone, not what is below it"),
        ("https://example.com", "https://exmple.com", "one character differs"),
        ("https://example.com", "https://exaample.com", "one character differs"),
        ("https://example.com", "https://example.con", "one character differs"),
        ("https://app.example.com", "https://admin.example.com", "another name before '.example.com'"),
    ],
)
def test_s20_the_nearest_declared_origin_is_named_with_what_differs(
    declared: str, origin: str, difference: str
) -> None:
    assert OriginSet([declared]).nearest(origin) == Near(declared, difference)


@pytest.mark.parametrize(
    ("declared", "origin"),
    [
        (["https://app.example.com"], "https://unrelated.example"),
        (["https://a.com"], "https://unrelated.com"),
        (["https://example.com"], "http://exmple.com"),
        (["*"], "https://a.example"),
        (["null"], "https://a.example"),
        ([re.compile("https://a.example")], "https://a.example:1"),
        (["https://a.example"], "null"),
        (["https://a.example"], "https://a.example/"),
        ([], "https://a.example"),
    ],
)
def test_s20_nothing_is_named_where_nothing_is_near(declared: list[str | re.Pattern[str]], origin: str) -> None:
    assert OriginSet(declared).nearest(origin) is None


def test_s20_the_least_difference_wins_wherever_it_is_declared() -> None:
    declared = ["https://b.example.com", "https://example.com", "http://a.example.com", "https://a.example.com:8443"]

    for order in permutations(declared):
        assert OriginSet(order).nearest("https://a.example.com") == Near("https://a.example.com:8443", "another port")


@pytest.mark.parametrize(("position", "seen"), [(99, True), (100, False)])
def test_s20_a_hundred_entries_are_looked_at_and_no_more(position: int, seen: bool) -> None:
    declared = [f"https://unrelated-{number}.test" for number in range(2000)]
    declared[position] = "http://localhost:8080"

    assert (OriginSet(declared).nearest("http://localhost:3000") is not None) == seen


@given(st.lists(patterns, max_size=4), st.text() | almost_origins | origins)
def test_s20_whatever_is_named_was_declared(declared: list[str], text: str) -> None:
    near = OriginSet(declared).nearest(text)

    assert near is None or near.declared in declared


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost", "app.localhost", "a.b.localhost", "127.0.0.1", "127.0.0.0", "127.255.255.255", "[::1]"],
)
def test_f2_plain_http_to_the_same_machine_crosses_no_network(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["example.com", "localhost.example.com", "mylocalhost", "127.0.0.1.example.com", "127.example", "128.0.0.1",
     "0.0.0.0", "10.0.0.1", "[::]", "[::2]", "[::ffff:7f00:1]", "::1", "local", ""],
)  # fmt: skip
def test_f2_plain_http_to_another_machine_does(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "suffix",
    ["com", "org", "uk", "co.uk", "de", "xn--p1ai", "github.io", "vercel.app", "pages.dev", "herokuapp.com", "ck",
     "anything.ck", "compute.amazonaws.com"],
)  # fmt: skip
def test_f2_anybody_can_register_below_a_public_suffix(suffix: str) -> None:
    assert is_public_suffix(suffix)


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "example.co.uk",
        "someone.github.io",
        "www.ck",
        "localhost",
        "internal",
        "test",
        "corp.internal",
        "",
    ],
)
def test_f2_a_name_of_ones_own_is_no_public_suffix(host: str) -> None:
    assert not is_public_suffix(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("0.0.0.0", True), ("255.255.255.255", True), ("256.0.0.1", False), ("1.2.3", False), ("1.2.3.4.", False),
     ("01.2.3.4", False), ("a.b.c.d", False), ("1.2.3.4.5", False), ("[::1]", False), ("", False)],
)  # fmt: skip
def test_an_ipv4_address_is_four_decimal_numbers(host: str, expected: bool) -> None:
    assert is_ipv4(host) == expected


def naively_compressed(groups: list[int]) -> str:
    """Return the address as URL §3.5 writes it: `::` for the first of the longest runs of two or more zeros."""
    best_start, best_length = 0, 1
    for start in range(8):
        length = 0
        while start + length < 8 and groups[start + length] == 0:
            length += 1
        if length > best_length:
            best_start, best_length = start, length
    if best_length == 1:
        return "[" + ":".join(f"{group:x}" for group in groups) + "]"
    before = ":".join(f"{group:x}" for group in groups[:best_start])
    after = ":".join(f"{group:x}" for group in groups[best_start + best_length :])
    return f"[{before}::{after}]"


groups_of_addresses = st.lists(
    st.sampled_from([0, 0, 0, 1, 0x10, 0x100, 0xFFFF]) | st.integers(0, 0xFFFF), min_size=8, max_size=8
)


@given(groups_of_addresses)
@example([0x10, 0, 1, 0, 0, 1, 1, 1])
def test_an_ipv6_address_is_compressed_as_browsers_do(groups: list[int]) -> None:
    written_out = "[" + ":".join(f"{group:04X}" for group in groups) + "]"

    compressed = compressed_ipv6(written_out)

    assert compressed == naively_compressed(groups)
    assert ipaddress.IPv6Address(compressed[1:-1]) == ipaddress.IPv6Address(written_out[1:-1])


@given(groups_of_addresses)
@example([0x10, 0, 1, 0, 0, 1, 1, 1])
def test_s3_an_origin_on_any_ipv6_address_is_read(groups: list[int]) -> None:
    assert Origin.parse(f"http://{naively_compressed(groups)}:8080") is not None


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("[::]", "[::]"),
        ("[0:0:0:0:0:0:0:0]", "[::]"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("[1:0:0:0:0:0:0:0]", "[1::]"),
        ("[2001:DB8:0:0:1:0:0:1]", "[2001:db8::1:0:0:1]"),
        ("[2001:db8:0:1:1:1:1:1]", "[2001:db8:0:1:1:1:1:1]"),
        ("[1:0:2:0:0:0:3:4]", "[1:0:2::3:4]"),
        ("[::1.2.3.4]", "[::102:304]"),
        ("[64:ff9b::192.0.2.33]", "[64:ff9b::c000:221]"),
    ],
)
def test_an_ipv6_address_in_another_spelling_is_rewritten(given_text: str, expected: str) -> None:
    assert compressed_ipv6(given_text) == expected


@pytest.mark.parametrize(
    "text",
    ["[]", "[:]", "[:::]", "[1]", "[1::2::3]", "[1:2:3:4:5:6:7:8:9]", "[12345::]", "[g::]", "[::1%eth0]", "[::1%]",
     "[ ::1]", "[::1/64]", "[::256.0.0.1]", "[127.0.0.1]", "", "["],
)  # fmt: skip
def test_what_is_no_ipv6_address_is_none(text: str) -> None:
    assert compressed_ipv6(text) is None
