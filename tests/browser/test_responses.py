"""The CORS check, and what of a response the page sees."""

from typing import Any

import pytest

from crossorigin.browser import VisibleResponse

from .playing import (
    ANY,
    CREDENTIALS,
    EXPOSE,
    INCLUDE,
    NULL,
    OTHER,
    OURS,
    PAGE,
    X_A,
    last_sent,
    names,
    play,
    redirect,
    reply,
    visible,
)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("*", "allowed"),
        (" *\t", "allowed"),
        (PAGE, "allowed"),
        (f"  {PAGE}\t ", "allowed"),
        ("", "allow-origin-malformed"),
        ("**", "allow-origin-malformed"),
        ("*\x0b", "allow-origin-malformed"),
        ("'*'", "allow-origin-malformed"),
        ('"*"', "allow-origin-malformed"),
        (f'"{PAGE}"', "allow-origin-malformed"),
        (PAGE.upper(), "allow-origin-malformed"),
        ("app.example.com", "allow-origin-malformed"),
        (f"{PAGE}:443", "allow-origin-malformed"),
        (f"{PAGE}:8443", "allow-origin-other"),
        ("http://app.example.com", "allow-origin-other"),
        ("https://example.com", "allow-origin-other"),
        ("https://*.example.com", "allow-origin-other"),
        ("NULL", "allow-origin-malformed"),
        (f"{PAGE},", "allow-origin-several"),
        (f"{PAGE} {PAGE}", "allow-origin-several"),
    ],
)
def test_allow_origin_is_the_very_origin_or_the_wildcard(value: str, code: str) -> None:
    assert play(reply(f"Access-Control-Allow-Origin: {value}")).code == code


@pytest.mark.parametrize("lines", [[OURS, OURS], [ANY, ANY], [OURS, "Access-Control-Allow-Origin:"], [ANY, OURS]])
def test_two_allow_origin_lines_are_never_one_origin(lines: list[str]) -> None:
    assert play(reply(*lines)).code == "allow-origin-several"


@pytest.mark.parametrize("value", ["True", "TRUE", "1", '"true"', "'true'", "true,", "true, true", "false", "true\x0b"])
def test_allow_credentials_is_true_or_nothing(value: str) -> None:
    verdict = play(reply(OURS, f"Access-Control-Allow-Credentials: {value}"), **INCLUDE)

    assert verdict.code == "allow-credentials-not-true"


def test_allow_credentials_may_be_padded_but_not_doubled() -> None:
    assert play(reply(OURS, "Access-Control-Allow-Credentials: \ttrue "), **INCLUDE).allowed
    assert play(reply(OURS, CREDENTIALS, CREDENTIALS), **INCLUDE).code == "allow-credentials-not-true"


@pytest.mark.parametrize("credentials", ["omit", "same-origin"])
@pytest.mark.parametrize("line", [CREDENTIALS, "Access-Control-Allow-Credentials: nonsense"])
def test_allow_credentials_is_not_read_without_credentials(credentials: str, line: str) -> None:
    assert play(reply(ANY, line), credentials=credentials).allowed


def test_header_names_of_a_response_are_in_any_case() -> None:
    assert play(reply(f"ACCESS-control-ALLOW-origin: {PAGE}", CREDENTIALS.lower()), **INCLUDE).allowed


def test_a_page_without_an_origin_is_covered_by_null_and_by_the_wildcard() -> None:
    assert play(reply(NULL, CREDENTIALS), origin="null", **INCLUDE).allowed
    assert play(reply(ANY), origin="null").allowed
    verdict = play(reply(OURS), origin="null")
    assert (verdict.code, last_sent(verdict, "Origin")) == ("allow-origin-other", "null")


def test_an_opaque_origin_is_foreign_everywhere_even_to_another() -> None:
    assert visible(play(reply(ANY), origin="null")).type == "cors"
    assert play(url="file:///items", origin="null").code == "scheme-not-http"


def test_cors_has_no_say_within_the_pages_own_origin() -> None:
    verdict = play(reply("X-A: 1", "Set-Cookie: a=1"), url=f"{PAGE}/items", method="PUT", **X_A)

    assert (verdict.preflights, visible(verdict).type) == ((), "basic")
    assert names(verdict) == ["X-A"]


@pytest.mark.parametrize(
    "url",
    ["http://app.example.com/", "https://app.example.com:8443/", "https://example.com/", "https://app.example.com./"],
)
def test_another_scheme_port_or_host_is_another_origin(url: str) -> None:
    assert play(reply(), url=url).code == "allow-origin-missing"


@pytest.mark.parametrize(("method", "shown"), [("GET", None), ("HEAD", None), ("POST", PAGE), ("PUT", PAGE)])
def test_a_same_origin_request_carries_an_origin_unless_it_only_reads(method: str, shown: str | None) -> None:
    assert last_sent(play(reply(), url=PAGE, method=method), "Origin") == shown


def test_an_opaque_response_shows_nothing_at_all() -> None:
    response = visible(play(reply(ANY, EXPOSE + "*", "X-A: 1", status=404), mode="no-cors"))

    assert response == VisibleResponse("opaque", "", 0)


def test_no_cors_sends_only_what_a_form_could() -> None:
    headers = [("Accept", "a/b"), ("Range", "bytes=0-9"), ("X-A", "1"), ("Content-Type", "application/json")]

    verdict = play(reply(), mode="no-cors", headers=headers, method="POST")

    assert verdict.preflights == ()
    assert [last_sent(verdict, name) for name, _ in headers] == ["a/b", None, None, None]
    assert last_sent(verdict, "Sec-Fetch-Mode") == "no-cors"


@pytest.mark.parametrize("url", ["mailto:someone@example.com", "file:///etc/passwd", "about:blank", "ftp://h.example/"])
def test_no_cors_reaches_the_network_by_http_alone(url: str) -> None:
    assert not play(mode="no-cors", url=url).allowed


@pytest.mark.parametrize(
    ("policy", "origin", "allowed"),
    [
        ("same-origin", PAGE, False),
        ("same-origin", "https://api.example.com", True),
        ("same-site", PAGE, True),
        ("same-site", OTHER, False),
        ("same-site", "http://app.example.com", False),
        ("cross-origin", OTHER, True),
        ("Same-Origin", OTHER, True),
        ("same-origin, same-site", OTHER, True),
        ("", OTHER, True),
    ],
)
def test_a_resource_policy_guards_opaque_responses(policy: str, origin: str, allowed: bool) -> None:
    answer = reply(f"Cross-Origin-Resource-Policy: {policy}")

    assert play(answer, mode="no-cors", origin=origin).allowed == allowed


@pytest.mark.parametrize("hops", [[PAGE, OTHER], [OTHER, PAGE], [OTHER, OTHER]])
def test_a_resource_policy_counts_on_every_hop(hops: list[str]) -> None:
    policy = "Cross-Origin-Resource-Policy: same-origin"

    def play_hops(*lines: list[str]) -> bool:
        first, last = lines
        answers = [redirect(f"{hops[1]}/last", *first), reply(*last)]
        blocked_at = next((index for index, hop in enumerate(hops) if hop != PAGE and lines[index]), None)
        return play(*answers[: 2 if blocked_at is None else blocked_at + 1], url=hops[0], mode="no-cors").allowed

    assert play_hops([], [])
    assert play_hops([policy], []) == (hops[0] == PAGE)
    assert play_hops([], [policy]) == (hops[1] == PAGE)


def test_a_resource_policy_has_no_say_where_cors_has_one() -> None:
    assert play(reply(ANY, "Cross-Origin-Resource-Policy: same-origin")).allowed


LINES = ["Content-Type: text/plain", "X-A: 1", "X-B: 2", "Authorization: t", "Set-Cookie: a=1", "Set-Cookie2: b=1"]
SAFE = ["Content-Type"]
ALL = ["Content-Type", "X-A", "X-B", "Authorization", "Access-Control-Allow-Origin"]


@pytest.mark.parametrize(
    ("exposed", "seen"),
    [
        ([], SAFE),
        ([""], SAFE),
        (["X-A"], ["Content-Type", "X-A"]),
        (["x-a,X-B"], ["Content-Type", "X-A", "X-B"]),
        (["x-a", " \tx-b "], ["Content-Type", "X-A", "X-B"]),
        ([",,x-b,"], ["Content-Type", "X-B"]),
        (["x-a, x b"], SAFE),
        (["x-a", '"x-b"'], SAFE),
        (["*, x b"], SAFE),
        (["Set-Cookie, Set-Cookie2"], SAFE),
        (["Authorization"], ["Content-Type", "Authorization"]),
        (["x-missing"], SAFE),
    ],
)
@pytest.mark.parametrize("credentials", ["omit", "include"])
def test_exposed_headers(exposed: list[str], seen: list[str], credentials: str) -> None:
    verdict = play(reply(OURS, CREDENTIALS, *LINES, *(EXPOSE + line for line in exposed)), credentials=credentials)

    assert names(verdict) == seen


@pytest.mark.parametrize("exposed", ["*", "x-a, *", "*,*"])
def test_a_wildcard_exposes_everything_but_cookies_without_credentials(exposed: str) -> None:
    verdict = play(reply(*LINES, ANY, EXPOSE + exposed))

    assert names(verdict) == [*ALL, "Access-Control-Expose-Headers"]


def test_a_wildcard_exposes_the_header_of_that_name_with_credentials() -> None:
    verdict = play(reply(OURS, CREDENTIALS, *LINES, "*: star", EXPOSE + "*"), **INCLUDE)

    assert names(verdict) == ["Content-Type", "*"]


def test_safelisted_response_headers_are_always_seen() -> None:
    safe = ["Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified", "Pragma"]
    unsafe = ["Date", "Server", "Age", "ETag", "Vary", "Content-Encoding"]

    assert names(play(reply(ANY, *(f"{name}: 1" for name in safe + unsafe)))) == safe


def test_equal_headers_are_joined_as_the_page_reads_them() -> None:
    response = visible(play(reply(ANY, "X-A:  1", "x-a: 2\t", EXPOSE + "x-A")))

    assert (response.get("X-a"), response.values("X-A"), response.get("x-b")) == ("1, 2", ["1", "2"], None)


@pytest.mark.parametrize(("words", "status"), [({"method": "HEAD"}, 200), ({}, 204), ({}, 205), ({}, 304), ({}, 101)])
def test_some_responses_have_no_body(words: dict[str, Any], status: int) -> None:
    assert visible(play(reply(ANY, status=status, body=b"none"), **words)).body == b""


@pytest.mark.parametrize(
    ("line", "allowed"), [("*", True), (f"{OTHER}, {PAGE}", True), (PAGE.upper(), False), (OTHER, False)]
)
def test_timing_is_seen_where_the_server_allows_it(line: str, allowed: bool) -> None:
    assert visible(play(reply(ANY, f"Timing-Allow-Origin: {line}"))).timing_allowed == allowed
    assert not visible(play(reply(ANY))).timing_allowed


def test_timing_of_an_opaque_response_is_seen_where_the_server_allows_it() -> None:
    assert visible(play(reply("Timing-Allow-Origin: *"), mode="no-cors")).timing_allowed
    assert not visible(play(reply(), mode="no-cors")).timing_allowed


def test_one_redirect_that_does_not_allow_timing_hides_it() -> None:
    timing = "Timing-Allow-Origin: *"

    assert visible(play(redirect("/", ANY, timing), reply(ANY, timing))).timing_allowed
    assert not visible(play(redirect("/", ANY), reply(ANY, timing))).timing_allowed
