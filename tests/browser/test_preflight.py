"""Which requests need a preflight, what it asks for, and what lets it pass."""

from typing import Any

import pytest

from crossorigin.browser import (
    Browser,
)

from .playing import (
    ANY,
    CREDENTIALS,
    HEADERS,
    INCLUDE,
    METHODS,
    OURS,
    PAGE,
    WITH_TOKEN,
    X_A,
    last_sent,
    play,
    reply,
    requests,
    visible,
)


@pytest.mark.parametrize("method", ["GET", "get", "HEAD", "POST", "post"])
def test_safelisted_methods_need_no_preflight(method: str) -> None:
    assert play(reply(ANY), method=method).preflights == ()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "patch", "*", "getx"])
def test_other_methods_need_one_and_are_asked_for_as_they_are_sent(method: str) -> None:
    verdict = play(reply(ANY, METHODS + method), reply(ANY), method=method)

    assert [request.method for request in requests(verdict)] == ["OPTIONS", method]
    assert requests(verdict)[0].get("Access-Control-Request-Method") == method


def test_a_preflight_asks_for_headers_in_lower_case_sorted_once_with_commas_alone() -> None:
    headers = [("X-Beta", "1"), ("Authorization", "t"), ("x-alpha", "2"), ("X-BETA", "3"), ("Accept", "text/html")]

    verdict = play(reply(ANY, HEADERS + "x-beta,x-alpha,authorization"), reply(ANY), headers=headers)

    assert requests(verdict)[0].get("Access-Control-Request-Headers") == "authorization,x-alpha,x-beta"


def test_a_preflight_without_unsafe_headers_asks_for_none() -> None:
    verdict = play(reply(ANY, METHODS + "PUT"), reply(ANY), method="PUT", headers={"Accept": "text/html"})

    assert requests(verdict)[0].get("Access-Control-Request-Headers") is None


def test_a_preflight_carries_nothing_of_the_page_but_the_questions() -> None:
    browser = Browser()
    play(reply(OURS, CREDENTIALS, "Set-Cookie: session=1"), browser=browser, **INCLUDE)

    verdict = play(
        reply(OURS, CREDENTIALS, METHODS + "PUT", HEADERS + "authorization,x-a"),
        reply(OURS, CREDENTIALS),
        browser=browser,
        method="PUT",
        body=b"data",
        headers={"Authorization": "t", "X-A": "1", "Accept": "text/html"},
        **INCLUDE,
    )
    preflight, actual = requests(verdict)

    assert preflight.headers == (
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,x-a"),
        ("Referer", f"{PAGE}/"),
        ("Origin", PAGE),
        ("Sec-Fetch-Dest", "empty"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Site", "same-site"),
    )
    assert (preflight.body, preflight.credentials) == (None, False)
    assert (actual.body, actual.credentials, actual.get("Cookie")) == (b"data", True, "session=1")
    assert (actual.get("Authorization"), actual.get("X-A"), actual.get("Accept")) == ("t", "1", "text/html")


@pytest.mark.parametrize("forced", [{"upload_listener": True}, {"streaming": True}])
def test_a_watched_upload_and_a_stream_are_preflighted_whatever_they_are(forced: dict[str, Any]) -> None:
    verdict = play(reply(ANY), reply(ANY), method="POST", **forced)

    assert [request.method for request in requests(verdict)] == ["OPTIONS", "POST"]


def test_a_json_body_without_a_content_type_needs_no_preflight() -> None:
    verdict = play(reply(ANY), method="POST", body='{"a": 1}')

    assert last_sent(verdict, "Content-Type") == "text/plain;charset=UTF-8"


def test_a_json_content_type_needs_one() -> None:
    verdict = play(
        reply(ANY, HEADERS + "content-type"), reply(ANY), method="POST", headers={"Content-Type": "application/json"}
    )

    assert requests(verdict)[0].get("Access-Control-Request-Headers") == "content-type"


@pytest.mark.parametrize("status", [200, 201, 204, 206, 299])
def test_every_ok_status_lets_a_preflight_pass(status: int) -> None:
    assert play(reply(ANY, METHODS + "PUT", status=status), reply(ANY), method="PUT").allowed


@pytest.mark.parametrize("status", [0, 100, 199, 300, 304, 400, 401, 403, 405, 500, 503, 999, 1000, -204])
def test_no_other_status_does(status: int) -> None:
    assert play(reply(ANY, METHODS + "PUT", status=status), method="PUT").code == "preflight-status"


@pytest.mark.parametrize("status", [0, 199, 204, 300, 304, 401, 404, 500, 999])
def test_an_actual_response_may_have_any_status(status: int) -> None:
    assert visible(play(reply(ANY, status=status))).status == status


def test_the_cors_check_of_a_preflight_comes_before_its_status() -> None:
    assert play(reply(METHODS + "PUT", status=404), method="PUT").code == "allow-origin-missing"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_safelisted_methods_need_not_be_listed(method: str) -> None:
    assert play(reply(ANY, METHODS + "PUT", HEADERS + "x-a"), reply(ANY), method=method, **X_A).allowed


@pytest.mark.parametrize(("listed", "method"), [("put", "PUT"), ("PATCH", "patch"), ("Patch", "PATCH"), ("%", "*")])
def test_methods_are_compared_with_case(listed: str, method: str) -> None:
    assert play(reply(ANY, METHODS + listed), method=method).code in ("method-case", "method-not-allowed")


def test_header_names_are_compared_without_case() -> None:
    assert play(reply(ANY, HEADERS + "x-A"), reply(ANY), headers={"X-a": "1"}).allowed


def test_every_asked_for_header_must_be_listed() -> None:
    verdict = play(reply(ANY, HEADERS + "x-a, x-c"), headers={"X-A": "1", "X-B": "1", "X-C": "1"})

    assert (verdict.code, verdict.details["header"]) == ("header-not-allowed", "x-b")


@pytest.mark.parametrize("listed", ["*", "PATCH, *", "*,*"])
def test_a_wildcard_covers_every_method_without_credentials(listed: str) -> None:
    assert play(reply(ANY, METHODS + listed), reply(ANY), method="PUT").allowed


@pytest.mark.parametrize("credentials", ["omit", "same-origin"])
def test_a_wildcard_covers_every_header_but_authorization_without_credentials(credentials: str) -> None:
    listed = reply(ANY, HEADERS + "*")

    assert play(listed, reply(ANY), credentials=credentials, **X_A).allowed
    assert play(listed, credentials=credentials, **WITH_TOKEN).code == "authorization-wildcard"


def test_authorization_passes_where_it_is_named_beside_the_wildcard() -> None:
    headers = {"X-A": "1", "Authorization": "t"}

    assert play(reply(ANY, HEADERS + "*, Authorization"), reply(ANY), headers=headers).allowed


def test_with_credentials_a_wildcard_is_a_name_like_any_other() -> None:
    listed = reply(OURS, CREDENTIALS, METHODS + "*", HEADERS + "*")

    assert play(listed, reply(OURS, CREDENTIALS), method="*", headers={"*": "1"}, **INCLUDE).allowed
    assert play(listed, method="PUT", **INCLUDE).code == "method-wildcard"
    assert play(listed, **X_A, **INCLUDE).code == "header-wildcard"
    assert play(listed, **WITH_TOKEN, **INCLUDE).code == "header-wildcard"


@pytest.mark.parametrize("lines", [["PUT, DELETE"], ["PUT", "DELETE"], ["", "PUT"], [",, PUT ,"], ["\tPUT\t,\tX "]])
def test_a_list_may_be_split_over_lines_and_padded(lines: list[str]) -> None:
    assert play(reply(ANY, *(METHODS + line for line in lines)), reply(ANY), method="PUT").allowed


@pytest.mark.parametrize("name", [METHODS, HEADERS])
@pytest.mark.parametrize("spoiled", ['"x"', "x y", "(x)", "x\x0b", "\xe9", "x;q=1", "x\x00"])
def test_one_bad_element_in_either_list_blocks_though_it_is_not_needed(name: str, spoiled: str) -> None:
    lines = [METHODS + "PUT", HEADERS + "x-a", name + spoiled]

    assert play(reply(ANY, *lines), method="PUT", **X_A).code in ("allow-methods-malformed", "allow-headers-malformed")
