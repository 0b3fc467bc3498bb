"""F1: every way in which people misspell an origin is named, and corrected where it is clear what was meant."""

import re
import warnings

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crossorigin import Policy, PolicyError
from crossorigin.findings import KINDS
from crossorigin.misspellings import diagnose
from crossorigin.origins import OriginPattern, is_declarable

SITE = "https://example.com"


def said_of(value: object) -> tuple[str, object]:
    """Return the codes that are reported for *value*, without their common prefix, and their common fix."""
    found = diagnose(value, "allow_origins[0]")
    fixes = [finding.fix for finding in found]
    assert fixes == [fixes[0]] * len(found)
    return " ".join(finding.code.removeprefix("origin-") for finding in found), fixes[0]


# What is too much, or spelled otherwise than a browser sends it.
REPAIRED = [
    # a path, a query, a fragment
    ("https://example.com/", "path", SITE),
    ("https://example.com/a/b.html", "path", SITE),
    ("https://example.com//", "path", SITE),
    ("https://example.com\\", "path", SITE),
    ("https://example.com?x=1", "query", SITE),
    ("https://example.com#top", "query", SITE),
    ("https://example.com/a?x#y", "path query", SITE),
    ("https://example.com/*", "path", SITE),
    ("https://*.example.com/*", "path", "https://*.example.com"),
    ("http://localhost:*/", "path", "http://localhost:*"),
    ("chrome-extension://abcdef/", "path", "chrome-extension://abcdef"),
    # no scheme
    ("example.com", "scheme-missing", SITE),
    ("example.com:8443", "scheme-missing", "https://example.com:8443"),
    ("www.example.com/", "scheme-missing path", "https://www.example.com"),
    ("//example.com", "scheme-missing", SITE),
    ("://example.com", "scheme-missing", SITE),
    ("*.example.com", "scheme-missing", "https://*.example.com"),
    ("*.Example.com", "scheme-missing uppercase", "https://*.example.com"),
    ("*:*", "scheme-missing", "https://*:*"),
    ("localhost", "scheme-missing", "http://localhost"),
    ("localhost:3000", "scheme-missing", "http://localhost:3000"),
    ("localhost:*", "scheme-missing", "http://localhost:*"),
    ("127.0.0.1:8080", "scheme-missing", "http://127.0.0.1:8080"),
    ("[::1]:3000", "scheme-missing", "http://[::1]:3000"),
    ("192.168.1.10:8080", "scheme-missing", "https://192.168.1.10:8080"),
    # slashes
    ("https:/example.com", "slashes", SITE),
    ("https:example.com", "slashes", SITE),
    ("https:///example.com", "slashes", SITE),
    ("https:\\\\example.com", "slashes", SITE),
    ("http:/localhost:3000", "slashes", "http://localhost:3000"),
    # upper case
    ("https://Example.COM", "uppercase", SITE),
    ("HTTPS://example.com", "uppercase", SITE),
    ("https://*.Example.com:*", "uppercase", "https://*.example.com:*"),
    ("NULL", "uppercase", "null"),
    # ports
    ("https://example.com:443", "default-port", SITE),
    ("http://example.com:80", "default-port", "http://example.com"),
    ("https://*.example.com:443", "default-port", "https://*.example.com"),
    ("https://*:443", "default-port", "https://*"),
    ("https://[::1]:443", "default-port", "https://[::1]"),
    ("https://example.com:0443", "default-port", SITE),
    ("https://example.com:08443", "port", "https://example.com:8443"),
    ("https://example.com:", "port", SITE),
    # a user name and a password
    ("https://user@example.com", "userinfo", SITE),
    ("https://user:secret@example.com", "userinfo", SITE),
    ("https://@example.com", "userinfo", SITE),
    ("https://a@b@example.com", "userinfo", SITE),
    # Unicode
    ("https://bücher.example", "unicode", "https://xn--bcher-kva.example"),
    ("https://BÜCHER.example", "unicode", "https://xn--bcher-kva.example"),
    ("https://bu\u0308cher.example", "unicode", "https://xn--bcher-kva.example"),
    ("https://straße.example", "unicode", "https://xn--strae-oqa.example"),
    ("https://faß.de", "unicode", "https://xn--fa-hia.de"),
    ("https://FAẞ.de", "unicode", "https://xn--fa-hia.de"),
    ("https://例え.テスト", "unicode", "https://xn--r8jz45g.xn--zckzah"),
    ("https://例え。テスト", "unicode", "https://xn--r8jz45g.xn--zckzah"),
    ("https://*.bücher.example", "unicode", "https://*.xn--bcher-kva.example"),
    ("https://\uff45xample.com", "unicode", SITE),
    ("bücher.example", "scheme-missing unicode", "https://xn--bcher-kva.example"),
    # addresses
    ("http://[0:0:0:0:0:0:0:1]", "ipv6", "http://[::1]"),
    ("http://[2001:DB8::0:1]:8080", "ipv6", "http://[2001:db8::1]:8080"),
    ("http://[::ffff:127.0.0.1]", "ipv6", "http://[::ffff:7f00:1]"),
    ("http://::1", "ipv6", "http://[::1]"),
    ("http://2001:db8::1:3000", "ipv6", "http://[2001:db8::1]:3000"),
    ("::1", "scheme-missing ipv6", "http://[::1]"),
    ("::1:3000", "scheme-missing ipv6", "http://[::1]:3000"),
    ("http://127.1", "ipv4", "http://127.0.0.1"),
    ("http://0x7f.1", "ipv4", "http://127.0.0.1"),
    ("http://0x7f000001", "ipv4", "http://127.0.0.1"),
    ("http://2130706433", "ipv4", "http://127.0.0.1"),
    ("http://0177.0.0.1", "ipv4", "http://127.0.0.1"),
    ("http://127.0.0.01", "ipv4", "http://127.0.0.1"),
    ("http://127.0.0.1.", "ipv4", "http://127.0.0.1"),
    ("http://10.1.2:8080", "ipv4", "http://10.1.0.2:8080"),
    # WebSockets
    ("wss://example.com", "websocket-scheme", SITE),
    ("ws://localhost:3000", "websocket-scheme", "http://localhost:3000"),
    ("wss://example.com:443/socket", "websocket-scheme path default-port", SITE),
    # dots
    ("https://.example.com", "host", SITE),
    ("https://example..com", "host", SITE),
    ("https://example.com..", "host", SITE),
    # quotes and white space
    (" https://example.com", "whitespace", SITE),
    ("https://example.com\n", "whitespace", SITE),
    ("\u00a0https://example.com\t", "whitespace", SITE),
    ("'https://example.com'", "whitespace", SITE),
    ('"https://example.com"', "whitespace", SITE),
    (" 'https://example.com/' ", "whitespace path", SITE),
    # a wildcard in the wrong place
    ("https://*example.com", "wildcard", "https://*.example.com"),
    ("https://**.example.com", "wildcard", "https://*.example.com"),
    ("https://*.*.example.com", "wildcard", "https://*.example.com"),
    ("https://a.*.example.com", "wildcard", "https://*.example.com"),
    ("https://app-*.example.com", "wildcard", "https://*.example.com"),
    ("https://*..example.com", "wildcard", "https://*.example.com"),
    ("https://*.example.com.", "wildcard", "https://*.example.com"),
    ("*://example.com", "wildcard", SITE),
    ("*://*.example.com", "wildcard", "https://*.example.com"),
    ("https://example.com:80*", "wildcard", "https://example.com:*"),
    ("https://example.com:**", "wildcard", "https://example.com:*"),
    # a regular expression that a pattern can say
    ("^https://example.com$", "regex-text", SITE),
    (r"https://example\.com", "regex-text", SITE),
    (r"^https:\/\/example\.com$", "regex-text", SITE),
    (r"^https://.*\.example\.com$", "regex-text", "https://*.example.com"),
    (r"https://.*.example.com", "regex-text", "https://*.example.com"),
    (r"https://.+\.example\.com", "regex-text", "https://*.example.com"),
    (r"https://[a-z0-9-]+\.example\.com", "regex-text", "https://*.example.com"),
    (r"https://\w+\.example\.com", "regex-text", "https://*.example.com"),
    (r"http://localhost:\d+", "regex-text", "http://localhost:*"),
    (r"http://localhost(:[0-9]+)?", "regex-text", "http://localhost:*"),
    (r"https?://localhost:\d{4}", "regex-text", "https://localhost:*"),
    # all at once
    ("https://Example.com:443/", "path uppercase default-port", SITE),
    (" HTTPS://user@BÜCHER.example:443/?q ", "whitespace uppercase path query userinfo unicode default-port",
     "https://xn--bcher-kva.example"),
]  # fmt: skip


@pytest.mark.parametrize(("given_text", "codes", "fix"), REPAIRED)
def test_a_misspelled_origin_is_named_and_corrected(given_text: str, codes: str, fix: str) -> None:
    assert sorted(said_of(given_text)[0].split()) == sorted(codes.split())
    assert said_of(given_text)[1] == fix


@pytest.mark.parametrize("fix", sorted({fix for _, _, fix in REPAIRED}))
def test_a_correction_may_be_declared(fix: str) -> None:
    dangers = ["null-origin"] if fix == "null" else []

    assert Policy(fix, dangerously_allow=dangers).allow_origins == (fix,)


@pytest.mark.parametrize(
    ("given_text", "codes"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("''", "empty"),
        ("https://", "host"),
        ("https://:443", "host"),
        ("https:///", "slashes host"),
        ("https://example.com:0", "port"),
        ("https://example.com:65536", "port"),
        ("https://example.com:123456", "port"),
        ("https://example.com:http", "port"),
        ("https://example.com:-1", "port"),
        ("https://example.com:+1", "port"),
        ("https://example.com: 8080", "port"),
        ("https://example.com:\u0668\u0660", "port"),
        ("https://exa mple.com", "host"),
        ("https://exa+mple.com", "host"),
        ("https://ex%61mple.com", "host"),
        ("https://example.com\x00", "host"),
        ("https://" + "a" * 64 + ".example", "host"),
        ("https://" + "a." * 150 + "example", "host"),
        ("http://1.2.3.4.5", "ipv4"),
        ("http://256.0.0.1", "ipv4"),
        ("http://08.0.0.1", "ipv4"),
        ("http://example.0x", "host"),
        ("http://[::1", "ipv6"),
        ("http://::1]", "ipv6"),
        ("http://[::1]x", "ipv6"),
        ("http://fe80::1::2", "ipv6"),
        ("1http://example.com", "scheme"),
        ("ht_tp://example.com", "scheme"),
        ("http*://example.com", "scheme"),
        ("a" * 65 + "://example.com", "scheme"),
        ("file:///home/me/index.html", "opaque"),
        ("file://", "opaque"),
        ("FILE:///index.html", "opaque"),
        ("data:text/html,hello", "opaque"),
        ("blob:https://example.com/0d2f", "opaque"),
        ("about:blank", "opaque"),
        ("javascript:void(0)", "opaque"),
        ("https://ex*.com", "wildcard"),
        ("https://example.*", "wildcard"),
        ("https://*.example.*", "wildcard"),
        ("https://example.com*", "wildcard"),
        ("https://*.*.com", "wildcard"),
        ("https://*.", "wildcard"),
        ("https://*.127.0.0.1", "wildcard"),
        ("*.*", "scheme-missing wildcard"),
        ("**", "scheme-missing wildcard"),
    ],
)
def test_where_nobody_can_tell_what_was_meant_there_is_no_fix(given_text: str, codes: str) -> None:
    assert said_of(given_text) == (codes, None)


@pytest.mark.parametrize(
    ("given_text", "fix"),
    [
        ("https://a.example, https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example,https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example\nhttps://b.example\n", ["https://a.example", "https://b.example"]),
        ("https://a.example; https://b.example", ["https://a.example", "https://b.example"]),
        ("a.example, B.example/", ["https://a.example", "https://b.example"]),
        ("*, https://a.example", ["*", "https://a.example"]),
        ("https://a.example, https://ex*.com", None),
    ],
)
def test_several_origins_in_one_string_are_taken_apart(given_text: str, fix: list[str] | None) -> None:
    codes, proposed = said_of(given_text)

    assert "list" in codes.split()
    assert proposed == fix


@pytest.mark.parametrize(
    "expression",
    [
        r"https://(.*\.)?example\.com",
        r"http://localhost:[0-9]{4}|x",
        r"https://(a|b)\.example\.com",
        r"^https://app-[0-9]+\.example\.com$",
        "^.*$",
        ".+",
        "https://.*",
        r"\d",
    ],
)
def test_a_regular_expression_that_no_pattern_can_say_has_no_fix(expression: str) -> None:
    assert said_of(expression) == ("regex-text", None)


def test_what_is_not_even_a_regular_expression_has_no_fix() -> None:
    assert said_of("https://(a|b.example.com") == ("regex-text", None)


@pytest.mark.parametrize(
    ("value", "name", "fix"),
    [
        (None, "NoneType", None),
        (8080, "int", None),
        (True, "bool", None),
        (["https://example.com"], "list", None),
        ({"regex": "x"}, "dict", None),
        (b"https://example.com", "bytes", SITE),
        (bytearray(b"https://example.com"), "bytearray", SITE),
        (b"\xff", "bytes", None),
    ],
)
def test_what_is_no_text_is_named_by_its_type(value: object, name: str, fix: str | None) -> None:
    (finding,) = diagnose(value, "allow_origins[0]")

    assert (finding.code, finding.fix, finding.value) == ("origin-type", fix, value)
    assert finding.message.endswith(f", not {name}")


def test_f1_a_policy_reports_each_misspelled_entry_where_it_stands() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(["https://fine.example", "https://Example.com:443/", "example.org"])

    assert [(finding.where, finding.code, finding.fix) for finding in caught.value.findings] == [
        ("allow_origins[1]", "origin-path", "https://example.com"),
        ("allow_origins[1]", "origin-uppercase", "https://example.com"),
        ("allow_origins[1]", "origin-default-port", "https://example.com"),
        ("allow_origins[2]", "origin-scheme-missing", "https://example.org"),
    ]


@pytest.mark.parametrize(("text", "expected"), [("*", True), ("null", True), (SITE, True), ("https://*", True),
                                                ("", False), ("example.com", False), ("NULL", False)])  # fmt: skip
def test_what_may_be_declared_as_it_stands(text: str, expected: bool) -> None:
    assert is_declarable(text) == expected


# --- what is not right yet --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["https://example.com/?to=https://example.org", "https://a.examplehttps://b.example", "http://https://a.example"],
)
def test_two_schemes_in_one_word_are_no_endless_story(text: str) -> None:
    assert diagnose(text, "allow_origins[0]") != []


def test_a_port_of_thousands_of_digits_is_reported() -> None:
    assert said_of("https://example.com:000000001" + "9" * 5000) == ("port", None)


def test_an_expression_that_cannot_be_compiled_is_reported() -> None:
    assert said_of("^a{99999999999999999999}") == ("regex-text", None)


def test_a_diagnosis_warns_of_nothing_else() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        diagnose("^https://[[a]", "allow_origins[0]")

    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize(
    ("given_text", "codes", "fix"),
    [
        ("http://1_0/", "path", "http://1_0"),
        ("http://-1/", "path", "http://-1"),
        ("http://0x1_1/", "path", "http://0x1_1"),
        ("http://1_0.0.0.1", "host", None),
        ("http://-1.0.0.1", "host", None),
        ("http://+1", "host", None),
    ],
)
def test_what_only_python_takes_for_a_number_is_no_address(given_text: str, codes: str, fix: str | None) -> None:
    assert said_of(given_text) == (codes, fix)


def test_a_greek_host_is_folded_letter_by_letter() -> None:
    assert said_of("https://ΟΔΟΣ.gr") == ("unicode", "https://xn--pxavbq.gr")


@pytest.mark.parametrize(
    ("text", "sensible"),
    [
        ("https//example.com", [SITE, None]),  # now https://https
        ("https;//example.com", [SITE, None]),  # now ['https://https', 'https://example.com']
        ("https://*-preview.example.com", ["https://*.example.com", None]),  # now https://*.-preview.example.com
        ("http://[nope]", [None]),  # now a regular expression with a class of four letters
        ("http://[fe80::1%eth0]", [None]),  # likewise
        ("https://a\u00adb.example", ["https://ab.example", None]),  # UTS #46 ignores a soft hyphen
        ("https://\ud800.example", [None]),  # half a character
    ],
)
def test_a_correction_is_what_was_meant_or_none(text: str, sensible: list[str | None]) -> None:
    assert said_of(text)[1] in sensible


# --- whatever is written ----------------------------------------------------------------------------------------------

labels = st.sampled_from(["a", "app", "example", "com", "co", "xn--bcher-kva", "localhost", "x_y"])
patterns = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http", "chrome-extension"]),
    st.sampled_from(["", "*."]),
    st.lists(labels, min_size=1, max_size=4).map(".".join),
    st.sampled_from(["", ":*", ":8080", ":3000"]),
) | st.sampled_from(["http://127.0.0.1:8080", "http://[::1]:*", "http://[2001:db8::1]", "https://*", "http://*:8080"])
slips = st.sampled_from([*"/\\?#@:*.-_[]()|^$+ ,;'\"0189xX%éßÜ\t\n\0", "//", ":443", ":0", "..", "*.", "www.", "\\."])


@st.composite
def misspelled(draw: st.DrawFn) -> str:
    """Return a valid pattern in which one to three places were changed."""
    text = draw(patterns)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 2, len(text))))
        text = text[:start] + draw(slips | st.just("") | st.just(text[start:end].upper())) + text[end:]
    return text


@given(patterns)
def test_the_patterns_below_are_valid_before_they_are_changed(pattern: str) -> None:
    assert OriginPattern.parse(pattern) is not None


@given(st.text() | misspelled())
@example("https://a.examplehttps://b.example")
def test_f1_whatever_is_written_is_diagnosed_and_every_fix_may_be_declared(text: str) -> None:
    assume(not is_declarable(text))

    found = diagnose(text, "allow_origins[3]")

    assert found
    assert {finding.code for finding in found} <= KINDS.keys()
    assert len({finding.code for finding in found}) == len(found)
    for finding in found:
        assert (finding.where, finding.value, finding.severity) == ("allow_origins[3]", text, "error")
        proposed = finding.fix if isinstance(finding.fix, list) else [finding.fix]
        for fix in proposed:
            assert fix is None or isinstance(fix, re.Pattern) or (isinstance(fix, str) and is_declarable(fix))


@given(patterns, st.sampled_from(["{}/", "{}/path?query#fragment", " {} ", "'{}'", '"{}"\n', "\t{}/"]))
def test_f1_what_stands_around_a_pattern_is_taken_off(pattern: str, around: str) -> None:
    assert said_of(around.format(pattern))[1] == pattern


@given(patterns.filter(lambda pattern: any(map(str.isalpha, pattern))))
def test_f1_a_pattern_in_upper_case_is_written_in_lower_case(pattern: str) -> None:
    codes, fix = said_of(pattern.upper())

    assert "uppercase" in codes.split()
    assert fix == pattern


@given(st.lists(patterns, min_size=2, max_size=4), st.sampled_from([",", ", ", ";", " ", "\n", " , "]))
def test_f1_patterns_joined_into_one_string_come_back_as_a_list(declared: list[str], separator: str) -> None:
    assert said_of(separator.join(declared)) == ("list", declared)
