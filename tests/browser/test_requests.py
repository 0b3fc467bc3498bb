"""What a page can ask for, and what a browser makes of it before anything is sent."""

from typing import Any

import pytest

from crossorigin.browser import (
    Request,
    RequestError,
)

from .playing import ANY, API, OTHER, last_sent, play, reply


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"mode": "navigate"}, "mode is one of 'cors', 'no-cors', 'same-origin', not 'navigate'"),
        ({"credentials": True}, "credentials is one of 'omit', 'same-origin', 'include', not True"),
        ({"redirect": "none"}, "redirect is one of 'follow', 'error', 'manual', not 'none'"),
        ({"referrer_policy": "never"}, "referrer_policy is one of 'no-referrer', "),
        ({"method": "GET, PUT"}, "a method is one word such as GET or PUT, not 'GET, PUT'"),
        ({"method": ""}, "a method is one word"),
        ({"method": "Trace"}, "no page can use the method 'Trace': browsers forbid it"),
        ({"method": "PUT", "mode": "no-cors"}, "only GET, HEAD and POST, not 'PUT': use mode='cors'"),
        ({"body": "a=1"}, "a GET request has no body: use POST, or put the data into the URL"),
        ({"method": "head", "body": b""}, "a HEAD request has no body"),
        ({"method": "POST", "mode": "no-cors", "streaming": True}, "use mode='cors'"),
        ({"headers": {"X A": "1"}}, "a header's name is one word such as X-Request-Id, not 'X A'"),
        ({"headers": {"X-A:": "1"}}, "a header's name is one word"),
        ({"headers": {"X-A": "caf\u00e9 \u2713"}}, "a character that no header can carry"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "a line end or a NUL in it: '1\\r\\nX-B: 2'; send one line"),
        ({"headers": {"X-A": "1\x002"}}, "a line end or a NUL"),
        ({"url": "items"}, "no browser can fetch 'items'"),
        ({"url": "https://example.com:http/"}, "'http' is not a port"),
        ({"url": "https://me:secret@api.example.com/"}, "send an Authorization header instead"),
        ({"url": "data:,hello"}, "a page reads data: URLs without the network"),
        ({"url": "blob:https://app.example.com/1"}, "a page reads blob: URLs without the network"),
    ],
)
def test_a_request_that_no_page_can_make_says_what_to_write_instead(words: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError) as caught:
        Request.of(**{"url": API, **words})

    assert says in str(caught.value)


def test_forbidden_headers_are_dropped_in_silence_but_not_forgotten() -> None:
    headers = [
        ("Cookie", "a=1"),
        ("X-A", "1"),
        ("Origin", OTHER),
        ("Sec-Fetch-Site", "none"),
        ("X-HTTP-Method", "TRACE"),
    ]

    request = Request.of(API, headers=headers)

    assert request.headers == (("X-A", "1"),)
    assert request.dropped == tuple(header for header in headers if header[0] != "X-A")


def test_a_dropped_header_is_neither_sent_nor_asked_for() -> None:
    verdict = play(reply(ANY), headers={"Host": "evil.example", "Access-Control-Request-Method": "PUT"})

    assert (verdict.preflights, last_sent(verdict, "Host")) == ((), None)


def test_header_values_lose_the_white_space_around_them() -> None:
    assert Request.of(API, headers={"X-A": "\t 1 \r\n"}).headers == (("X-A", "1"),)


def test_pairs_keep_equal_headers_apart() -> None:
    pairs = [("X-A", "1"), ("x-a", "2")]

    assert Request.of(API, headers=pairs).headers == tuple(pairs)


def test_a_relative_url_is_relative_to_the_page() -> None:
    assert str(Request.of("../items?a", base="https://app.example.com/b/c").url) == "https://app.example.com/items?a"


def test_bytes_have_no_content_type_of_their_own() -> None:
    assert Request.of(API, method="POST", body=b"{}").headers == ()
    assert Request.of(API, method="POST", body="\u00e9").body == b"\xc3\xa9"
    given_one = Request.of(API, method="POST", body="{}", headers={"content-type": "application/json"})
    assert given_one.headers == (("content-type", "application/json"),)
