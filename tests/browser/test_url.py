"""URLs as a browser reads them: case by case by the URL Standard, and beside ada, the parser of Node."""

import re

import ada_url
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from crossorigin.browser.host import parse_host
from crossorigin.browser.url import URL, URLError


def host_of(text: str) -> str | None:
    """Return the host of an http URL with *text* for a host, or None if there is no such URL."""
    try:
        return URL.parse(f"http://{text}/").host
    except URLError:
        return None


def href(text: str, base: str | None = None) -> str | None:
    try:
        return str(URL.parse(text, URL.parse(base) if base else None))
    except URLError:
        return None


# --- the parts and the origin -----------------------------------------------------------------------------------------


def test_a_url_has_its_parts_in_serialised_form() -> None:
    url = URL.parse("HTTPS://us er:p@ss:@EXAMPLE.com:0444/a b/../ü?'#`")

    assert url == URL("https", "us%20er", "p%40ss%3A", "example.com", 444, "/%C3%BC", "%27", "%60")
    assert str(url) == "https://us%20er:p%40ss%3A@example.com:444/%C3%BC?%27#%60"
    assert url.without_fragment() == "https://us%20er:p%40ss%3A@example.com:444/%C3%BC?%27"
    assert url.target == "/%C3%BC?%27"
    assert url.origin == "https://example.com:444"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://example.com:80/a?b#c", "http://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:80", "https://example.com:80"),
        ("ws://example.com:80", "ws://example.com"),
        ("wss://example.com:443", "wss://example.com"),
        ("ftp://example.com:21", "ftp://example.com"),
        ("http://example.com:0", "http://example.com:0"),
        ("http://me:secret@[0:0::1]:8080", "http://[::1]:8080"),
        ("file:///etc/hosts", "null"),
        ("file://server/share", "null"),
        ("data:text/plain,a", "null"),
        ("about:blank", "null"),
        ("custom://example.com", "null"),
        ("blob:https://example.com:443/1-2-3", "https://example.com"),
        ("blob:http://me@example.com:8080/", "http://example.com:8080"),
        ("blob:blob:https://example.com/", "null"),
        ("blob:ftp://example.com/", "null"),
        ("blob:wss://example.com/", "null"),
        ("blob:file:///a", "null"),
        ("blob:d3958f5c-0777-0845-9dcf-2cb28783acaf", "null"),
        ("blob:", "null"),
    ],
)
def test_the_origin_of_a_url(text: str, origin: str) -> None:
    assert URL.parse(text).origin == origin


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("https://a@b", True),
        ("https://:a@b", True),
        ("https://@b", False),
        ("https://:@b", False),
        ("https://b", False),
    ],
)
def test_empty_credentials_are_none(text: str, credentials: bool) -> None:
    assert URL.parse(text).has_credentials is credentials


def test_http_and_https_alone_are_http() -> None:
    assert [URL.parse(f"{scheme}://a").is_http for scheme in ("http", "HTTPS", "ws", "ftp", "web")] == [
        True, True, False, False, False,
    ]  # fmt: skip


# --- how a text is cut ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What people type.
        (" \x00https://a.b/c\n ", "https://a.b/c"),
        ("ht\ntps://a\t.b/\r", "https://a.b/"),
        ("https:a.b", "https://a.b/"),
        ("https:/a.b", "https://a.b/"),
        ("https:////a.b", "https://a.b/"),
        ("https:\\\\a.b\\c?\\#\\", "https://a.b/c?\\#\\"),
        ("https://a\\@b", "https://a/@b"),
        ("http://a:b@c:d@e", "http://a:b%40c%3Ad@e/"),
        ("http://a?@b", "http://a/?@b"),
        # What stays as it is, and what does not.
        ("http://a/%2e/b/.%2E/%2f", "http://a/%2f"),
        ("http://a/b/..", "http://a/"),
        ("http://a/b/.", "http://a/b/"),
        ("http://a//../..", "http://a/"),
        ("http://a/ \"#<>?'`{}^|", "http://a/%20%22#%3C%3E?'%60{}^|"),
        ("http://a/?\"'<>`{}^|\\", "http://a/?%22%27%3C%3E`{}^|\\"),
        ("http://a/%zz%", "http://a/%zz%"),
        ("http://a/\ud800", "http://a/%EF%BF%BD"),
        # Schemes without rules of their own.
        ("a:b\\c ?d'", "a:b\\c%20?d'"),
        ("a: b  #c", "a: b %20#c"),
        ("a:/..//b", "a:/.//b"),
        ("a://B%41/..", "a://B%41/"),
        ("a://b", "a://b"),
        ("a:///b", "a:///b"),
        ("mailto:me@a", "mailto:me@a"),
        # file: and its drives.
        ("file:a", "file:///a"),
        ("file://localhost/a", "file:///a"),
        ("file://server\\a", "file://server/a"),
        ("file://C|/a", "file:///C:/a"),
        ("file:///C|/..", "file:///C:/"),
    ],
)
def test_a_text_is_read_as_the_url_that_it_means(text: str, expected: str) -> None:
    assert href(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a", "//a", "1:a", ":a", "http:", "http://", "https:?a", "http://@/", "http://a@", "http://a@:80",
    "http://:80",
     "http://a:b", "http://a:65536", "http://a:-1", "http://a:" + "9" * 5000, "http://a:8\uff10", "a://:80", "a://b@/",
     "a://b c", "file://a:80", "file://a b"],
)  # fmt: skip
def test_a_text_that_is_no_url(text: str) -> None:
    with pytest.raises(URLError, match="is not a URL: "):
        URL.parse(text)


def test_a_refusal_says_what_was_given_and_why() -> None:
    with pytest.raises(URLError, match=re.escape(r"'http://a\x07b/' is not a URL: a host cannot contain '\x07'")):
        URL.parse("http://a\x07b/")


@pytest.mark.parametrize(
    ("reference", "base", "expected"),
    [
        ("", "http://u@a/b/c?d#e", "http://u@a/b/c?d"),
        ("#f", "http://a/b?d", "http://a/b?d#f"),
        ("?f", "http://a/b/c?d", "http://a/b/c?f"),
        ("f", "http://u:p@a:81/b/c?d", "http://u:p@a:81/b/f"),
        ("..\\f", "http://a/b/c/d", "http://a/b/f"),
        ("/f", "http://u@a/b/c?d", "http://u@a/f"),
        ("//f", "http://u@a:81/b", "http://f/"),
        ("/\\f", "https://a/b", "https://f/"),
        ("///f", "https://a/b", "https://f/"),
        ("https:f", "https://a/b/c", "https://a/b/f"),
        ("https:/f", "https://a/b/c", "https://a/f"),
        ("https:f", "http://a/b/c", "https://f/"),
        ("HTTPS://f", "http://a/b/c", "https://f/"),
        ("f", "a://b", "a://b/f"),
        ("\\f", "a://b/c/d", "a://b/c/\\f"),
        ("//f\\g", "a://b/c", None),
        ("/f", "a:/b", "a:/f"),
        ("a:f", "a://b/c", "a:f"),
        ("#f", "mailto:me", "mailto:me#f"),
        ("", "mailto:me", None),
        ("f", "mailto:me", None),
        ("?f#g", "data:,a", None),
        ("f", "file:///C:/a", "file:///C:/f"),
        ("/f", "file:///C:/a", "file:///C:/f"),
        ("/f", "file://server/a", "file://server/f"),
        ("../..", "file:///C:/a/b/c", "file:///C:/"),
        ("/D|/f", "file:///C:/a", "file:///D:/f"),
        ("D|", "file:///C:/a/b", "file:///D:"),
        ("?f", "file:///a?b", "file:///a?f"),
        ("#f", "file:///a?b", "file:///a?b#f"),
        ("file:f", "file://server/a/b", "file://server/a/f"),
        ("file:f", "http://a/b", "file:///f"),
    ],
)
def test_a_reference_is_relative_to_its_base(reference: str, base: str, expected: str | None) -> None:
    assert href(reference, base) == expected


def test_a_refusal_of_a_long_text_is_short() -> None:
    with pytest.raises(URLError) as refusal:
        URL.parse("http://a:" + "b" * 60_000)

    assert len(str(refusal.value)) < 500


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1.", "127.0.0.1"),
        ("0x7f.01", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0x", "0.0.0.0"),
        ("0xffffffff", "255.255.255.255"),
        ("192.0x00A80001", "192.168.0.1"),
        ("%31.2.3.4", "1.2.3.4"),
        ("\uff11.2\u30023.4", "1.2.3.4"),
        ("1e2303.50.47.5.x", "1e2303.50.47.5.x"),
        ("1.2.3.4x", "1.2.3.4x"),
        ("1.2.3.4..", "1.2.3.4.."),
        *((host, None) for host in (
            "4294967296", "0x100000000", "1.2.3.256", "256.1", "1.16777216", "192.168.0.257", "1.2.3.4.0", "1.256.1",
            "1.2.3.4.5", "1.2.3.09", "foo.09", "foo.0x4.", "foo.0XFfFfFfFfFfFfFfFfFfAcE123", "1e2303.50.47.5",
            "1..2", "0..0x300", "9" * 5000,
            "0999999999999999999", "\U0001f4a9.123",
        )),
    ],
)  # fmt: skip
def test_a_host_that_ends_in_a_number_is_an_ipv4_address_or_nothing(host: str, expected: str | None) -> None:
    assert host_of(host) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("::", "::"),
        ("1:2::3", "1:2::3"),
        ("0001:0:0:2:0:0:0:ABCD", "1:0:0:2::abcd"),
        ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::127.0.0.1", "::7f00:1"),
        ("::ffff:1.2.3.4", "::ffff:102:304"),
        *((address, None) for address in (
            "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::", "0:0:", ":1", "12345::", "::g",
            "::1%eth0", "::1%25eth0", "::%31", "::1.2.3", "::1.2.3.4.", "::1.2.3.256", "::01.2.3.4", "0:1.00.0.0.0",
            "::\uff11", " ::1",
        )),
    ],
)  # fmt: skip
def test_a_host_in_brackets_is_an_ipv6_address_or_nothing(address: str, expected: str | None) -> None:
    assert host_of(f"[{address}]") == (expected if expected is None else f"[{expected}]")


@pytest.mark.parametrize("host", ["[::1", "[::1]a", "a[::1]", "::1", "]", "[[::1]]"])
def test_brackets_stand_around_the_whole_host(host: str) -> None:
    assert host_of(host) is None


# --- domains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("EXAMPLE.com.", "example.com."),
        (".", "."),
        ("a..b", "a..b"),
        ("!\"$&'()*+,-.;=_`{}~", "!\"$&'()*+,-.;=_`{}~"),
        ("%65xample%2Ecom", "example.com"),
        ("a%C2%ADb\u200b\u2060", "ab"),
        ("fa\u00df.ExAmPlE", "xn--fa-hia.example"),  # non-transitional: four characters that stay
        ("\u1e9e", "xn--zca"),
        ("\u03c2", "xn--3xa"),
        ("\uff27\uff4f\uff0e\uff43om", "go.com"),
        ("\u65e5\u672c\u8a9e\u3002\uff2a\uff30", "xn--wgv71a119e.jp"),
        ("\U0001f4a9.la", "xn--ls8h.la"),
        ("\u2615.example", "xn--53h.example"),
        ("E\u0301", "xn--9ca"),
        ("\u212a", "k"),
        ("XN--FA-hia.b", "xn--fa-hia.b"),
        ("\uff58n--zca", "xn--zca"),
        ("a\u2260b", "xn--ab-miv"),
        *((host, None) for host in (
            "", "\u00ad", "%C2%AD", "a b", "a\u3000b", "a\x00", "hello%00", "a%7f", "%25", "%", "%zz%66%a.com", "a%23b",
            "a^b", "a|b", "a<b", "\uff05\uff14\uff11", "\u2100", "%A0", "\ufffd", "\uffff", "\ue000", "\u2024",
            "\u2488", "\u202e", "\u200e", "\u2ff0", "\u0301a", "a.\u0301", "xn--", "xn--a", "xn--a-", "xn--zca-",
            "a%A0", "xn---zca", "xn--pokxncvks", "xn--ls8h=", "xn--\u00fc", "xn--8i7caa", "xn--xn--zca-hia",
            "xn--e-xbb", "xn--lrb",
        )),
    ],
)  # fmt: skip
def test_a_domain_is_mapped_to_ascii_or_refused(host: str, expected: str | None) -> None:
    assert host_of(host) == expected


@pytest.mark.parametrize(
    ("host", "valid"),
    [
        ("\u05d0.a", True),
        ("\u05d01", True),
        ("\u05d0\u0661", True),
        ("\u05d0\u05b0", True),
        ("a1.\u05d0", True),
        ("\u05d0..", True),
        ("a\u05d0", False),
        ("\u05d0a", False),
        ("\u05d0a\u05d0", False),
        ("a\u0661a", False),
        ("-\u05d0", False),
        ("\u05d0-", False),
        ("\u05d01\u0661", False),
        ("1a.\u05d0", False),
        ("a_.xn--4db", False),
        ("\u0661", False),
        ("\u2135b", False),  # alef symbol, mapped to the letter
    ],
)
def test_labels_of_a_bidi_domain_read_in_one_direction(host: str, valid: bool) -> None:
    assert (host_of(host) is not None) is valid


@pytest.mark.parametrize(
    ("label", "valid"),
    [
        ("\u0915\u094d\u200d", True),  # after a virama
        ("\u0915\u094d\u200c", True),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", True),  # Persian: between letters that would join
        ("\u0644\u064e\u200c\u064e\u0627", True),  # with vowel marks between them
        ("\u0627\u200c\u0644", False),  # alef does not join what follows
        ("\u0644\u200c\u0621", False),  # and hamza does not join what is before it
        ("\u0644\u200c", False),
        ("\u200c\u0644", False),
        ("\u200c\u0915\u094d", False),
        ("\u0644\u200d\u0644", False),
        ("a\u200cb", False),
        ("a\u200db", False),
        ("\u200d", False),
    ],
)
def test_a_zero_width_joiner_stands_only_where_it_makes_a_difference(label: str, valid: bool) -> None:
    assert (host_of(label) is not None) is valid


@pytest.mark.parametrize(
    ("host", "expected"), [("A%41", "A%41"), ("\u00fc\x7f", "%C3%BC%7F"), ("[::0]", "[::]"), ("09", "09")]
)
def test_a_host_of_another_scheme_is_kept_but_for_addresses_in_brackets(host: str, expected: str) -> None:
    assert parse_host(host, opaque=True) == expected


# --- beside ada -------------------------------------------------------------------------------------------------------

# Where ada 3.4 and the standard part, the standard is tested above, and these strategies stay away: domains with
# letters that are written from right to left, references beside an opaque path, and file: URLs whose first folder only
# begins as a drive does. In ada 4 an ASCII domain with a label that is not Punycode is valid (see the module `host`).

LETTERS = (
    "aBz019-_.x\u00e9\u00df\u1e9e\u03c2\u0301\u00ad\u200b\u200d"
    "\u3002\uff0e\uff21\uff11\u65e5\u2122\u2488\U0001f4a9%/:[]@ "
)
HOSTS = [
    "a", "EXAMPLE.com", "a.", ".", "1", "0x7f.1", "256", "4294967296", "1.2.3.4.5", "09", "a.0x", "1..2", "[::1]",
    "[1::2:0:0:3]", "[::1.2.3.4]", "[::1", "[]", "a b", "%41", "%C3%BC", "%zz", "%00", "xn--", "xn--zca", "xn--a",
    "XN--n3h.\u00fc", "xn--a-ecp", "b\u00fccher", "\uff21\u3002b", "\u00ad", "\U0001f4a9.1", "\u0915\u094d\u200d",
    "a^b", "*",
    "{}~", "localhost", "\u212b", "",
]  # fmt: skip
SEGMENTS = [
    "a", "", ".", "..", "%2e", ".%2E", "\u00e9", " ", "\"'<>`{}^|", "%",
    "C:", "C|", ";=:@", "\\", "\x7f\ufffe", "...",
]  # fmt: skip
BASES = [
    "http://u:p@h.com:81/a/b?q#f", "https://x/", "ws://w/..", "file:///C:/a/b?q", "file://srv/a/b", "file:///",
    "a://h/p/q?z", "a:/p/q", "a://h", "a:/.//x/y",
]  # fmt: skip
ADA_SEES_A_DRIVE = re.compile(r"[a-z][:|][^/\\?#]", re.IGNORECASE)

schemes = st.sampled_from(["http:", "HTTPS:", "ws:", "wss:", "ftp:", "file:", "a:", "blob:", "blob:http:", "data:", ""])
slashes = st.sampled_from(["//", "//", "//", "/", "", "///", "\\\\", "/\\", "\\"])
userinfos = st.sampled_from(["", "", "", "@", "a@", ":@", "a:b@", ":b@", "a@b:c:d@", "\u00e9;=|^{}'@", "[]@", "/@"])
hosts = st.sampled_from(HOSTS) | st.text(LETTERS, max_size=6)
ports = st.sampled_from(["", "", "", ":", ":80", ":443", ":0", ":00021", ":65536", ":8a", ":-1", "::", ":\uff11"])
paths = st.lists(st.sampled_from(SEGMENTS), max_size=5).map(lambda segments: "".join(f"/{each}" for each in segments))
queries = st.sampled_from(["", "", "?", "?a=b", "?'\"<> `{}|^\\", "?\u00e9?"])
fragments = st.sampled_from(["", "", "#", "#a", "# \"'<>`{}^#", "#\u00e9\x00a"])


def join(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


urls = join(schemes, slashes, userinfos, hosts, ports, paths, queries, fragments)
references = join(slashes | st.just(""), paths.map(lambda path: path[1:]), queries, fragments)
soup = st.lists(
    st.sampled_from("http file a : / \\ // . .. %2e @ [ ] ? # | 1 0x % xn-- localhost ws: blob: https://x".split())
    | st.sampled_from([" ", "\t", "\n", "\u00e9", "\u00df", "\x00", "\x1f", "\u3002"]),
    max_size=9,
).map("".join)


def assert_ada_reads_the_same(text: str, base: str | None = None) -> None:
    try:
        theirs = ada_url.URL(text, base=base)
    except ValueError:
        assert href(text, base) is None
        return
    assume(not (theirs.protocol == "file:" and ADA_SEES_A_DRIVE.search(text)))
    ours = URL.parse(text, URL.parse(base) if base else None)
    assert (str(ours), ours.origin) == (theirs.href, theirs.origin)
    assert (ours.username, ours.password, ours.host or "") == (theirs.username, theirs.password, theirs.hostname)
    assert ("" if ours.port is None else str(ours.port), ours.path) == (theirs.port, theirs.pathname)


@settings(deadline=None, max_examples=600)
@given(urls | soup)
def test_ada_reads_the_same_url(text: str) -> None:
    assert_ada_reads_the_same(text)


@settings(deadline=None, max_examples=400)
@given(urls | references | soup, st.sampled_from(BASES))
def test_ada_reads_the_same_relative_reference(text: str, base: str) -> None:
    assert_ada_reads_the_same(text, base)


@settings(deadline=None, max_examples=400)
@given(st.text(LETTERS, max_size=8))
def test_ada_reads_the_same_host(host: str) -> None:
    assert_ada_reads_the_same(f"http://{host}")
    assert_ada_reads_the_same(f"a://{host}")


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(["0", "1", "abcd", "0012", ":", ":", "::", ".", "1.2.3.4", "255", "g"]), max_size=17))
@example(["1", ":", "0", ":", "0", ":", "1", ":", "0", ":", "0", ":", "1", ":", "1"])
def test_ada_reads_the_same_ipv6_address(parts: list[str]) -> None:
    assert_ada_reads_the_same(f"http://[{''.join(parts)}]/")


@settings(deadline=None)
@given(st.text(max_size=30) | st.text(max_size=12).map("http://{}".format), st.none() | st.sampled_from(BASES))
def test_any_text_is_a_url_in_its_final_form_or_a_url_error(text: str, base: str | None) -> None:
    serialised = href(text, base)

    assert serialised is None or (serialised.isascii() and href(serialised) == serialised)
