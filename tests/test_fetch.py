"""The words of the Fetch standard: tokens, methods, forbidden headers and lists spread over header lines."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossorigin import fetch

# RFC 9110 §5.6.2, written out: every character that a token may hold.
TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters

tokens = st.text(TOKEN_CHARACTERS, min_size=1, max_size=12)


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["GET", "X-Total-Count", "x", "*", "0", "!#$%&'*+-.^_`|~", "X_Under_Score", "a" * 9000]
)
def test_a_token(text: str) -> None:
    assert fetch.is_token(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "GET ", " GET", "GET, DELETE", "X A", "X-A:", "X-A: 1", '"GET"', "(GET)", "a/b", "a@b", "[a]", "{a}",
     "<a>", "a;b", "a=b", "a?b", "a\\b", "GET\n", "GET\r\n", "\tGET", "GET\x00", "GET\x7f", "GÉT", "x-\u212a",
     "\uff21", "\ud800"],
)  # fmt: skip
def test_not_a_token(text: str) -> None:
    assert not fetch.is_token(text)


@given(st.text() | st.text(TOKEN_CHARACTERS + " ,\n"))
def test_a_token_is_one_or_more_token_characters_and_nothing_else(text: str) -> None:
    assert fetch.is_token(text) == (text != "" and all(character in TOKEN_CHARACTERS for character in text))


# --- methods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "connect", "Trace", "tRaCk"])
def test_fetch_throws_on_a_forbidden_method_in_any_case(method: str) -> None:
    assert fetch.is_forbidden_method(method)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PATCH", "*", "", "TRACES", "TRACE ", "UNTRACK"])
def test_fetch_sends_other_methods(method: str) -> None:
    assert not fetch.is_forbidden_method(method)


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"])
def test_six_methods_are_sent_in_upper_case(method: str) -> None:
    assert [fetch.normalize_method(text) for text in (method, method.lower(), method.title())] == [method] * 3


@pytest.mark.parametrize("method", ["patch", "Patch", "PATCH", "query", "purge", "*", "", "gett", "put "])
def test_every_other_method_is_sent_as_it_is_written(method: str) -> None:
    assert fetch.normalize_method(method) == method


@pytest.mark.parametrize("method", ["option\u017f", "po\u017ft"])  # the long s, whose upper case is S
def test_normalizing_folds_ascii_letters_alone(method: str) -> None:
    assert fetch.normalize_method(method) == method


@given(st.text())
def test_normalizing_twice_changes_nothing_more(method: str) -> None:
    once = fetch.normalize_method(method)

    assert fetch.normalize_method(once) == once


def test_the_safelisted_methods_are_the_three_that_need_no_permission() -> None:
    assert sorted(fetch.SAFELISTED_METHODS) == ["GET", "HEAD", "POST"]


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Accept-Charset", "Accept-Encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method",
     "Connection", "Content-Length", "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin",
     "Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
     "Proxy-Authorization", "Proxy-", "Sec-Fetch-Site", "Sec-WebSocket-Protocol", "sec-", "PROXY-X"],
)  # fmt: skip
def test_a_page_cannot_set_a_forbidden_header_in_any_case(name: str) -> None:
    assert all(fetch.is_forbidden_request_header(text) for text in (name, name.lower(), name.upper()))


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Content-Type", "Range", "User-Agent", "X-Requested-With", "X-HTTP-Method-Override", "Cookies",
     "X-Sec-Token", "Security", "Proxy", "Sec", "Origin-Agent", "Dated", "*", ""],
)  # fmt: skip
def test_a_page_can_set_any_other_header(name: str) -> None:
    assert not fetch.is_forbidden_request_header(name)


def test_header_names_fold_ascii_letters_alone() -> None:
    assert not fetch.is_forbidden_request_header("Coo\u212aie")  # the Kelvin sign, whose lower case is k


def test_tables_of_header_names_are_in_lower_case_as_they_are_compared() -> None:
    names = [
        *fetch.SAFELISTED_REQUEST_HEADERS,
        *fetch.NON_WILDCARD_REQUEST_HEADERS,
        *fetch.FORBIDDEN_REQUEST_HEADERS,
        *fetch.FORBIDDEN_REQUEST_HEADER_PREFIXES,
        *fetch.SAFELISTED_RESPONSE_HEADERS,
        *fetch.FORBIDDEN_RESPONSE_HEADERS,
    ]

    assert [name for name in names if name != name.lower()] == []


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([""], []),
        (["x-a"], ["x-a"]),
        (["x-a,x-b"], ["x-a", "x-b"]),
        (["x-a, x-b", "x-c"], ["x-a", "x-b", "x-c"]),
        (["x-b", "x-a"], ["x-b", "x-a"]),
        (["X-A"], ["X-A"]),
        (["x-a, x-a"], ["x-a", "x-a"]),
        (["*"], ["*"]),
        (["", "x-a", ""], ["x-a"]),
        ([" x-a\t,\t x-b "], ["x-a", "x-b"]),
        ([",", ",,x-a,,", " , \t,"], ["x-a"]),
    ],
)
def test_a_list_may_be_spread_over_lines_with_blanks_and_empty_elements(lines: list[str], expected: list[str]) -> None:
    assert fetch.parse_list(lines) == expected


@pytest.mark.parametrize(
    "spoiled",
    [
        "x b",
        "x-b:",
        "<x>",
        '"x-b"',
        "x\x00",
        "x\x0b",
        "\x0c",
        "\n",
        "x-b\r\n",
        "\xa0",
        "x\x85",
        "\u2003",
        "é",
        "a=1",
        "a;b",
    ],
)
@pytest.mark.parametrize(
    "lines",
    [["{}"], ["x-a, {}"], ["{}, x-a"], ["x-a", "{}"], ["{}", "x-a"], ["x-a,, {} ,x-c", "x-d"]],
)
def test_one_element_that_is_no_token_spoils_the_whole_list(lines: list[str], spoiled: str) -> None:
    assert fetch.parse_list(line.format(spoiled) for line in lines) is None


def test_any_iterable_of_lines_is_read() -> None:
    assert fetch.parse_list(iter(("x-a", "x-b"))) == ["x-a", "x-b"]


@given(st.lists(st.lists(tokens | st.just(""), max_size=6), max_size=4), st.sampled_from(["", " ", "\t", " \t "]))
def test_tokens_come_back_as_they_were_joined(lines: list[list[str]], blank: str) -> None:
    written = [f"{blank},{blank}".join(line) for line in lines]

    assert fetch.parse_list(written) == [token for line in lines for token in line if token]


@given(st.lists(st.text()))
def test_a_list_holds_tokens_or_is_refused_whatever_is_sent(lines: list[str]) -> None:
    parsed = fetch.parse_list(lines)

    assert parsed is None or all(fetch.is_token(token) for token in parsed)
