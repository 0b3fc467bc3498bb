"""What a redirect does to a request, to its origin and to its preflights."""

from typing import Any

import pytest

from .playing import (
    ANY,
    API,
    CREDENTIALS,
    HEADERS,
    INCLUDE,
    METHODS,
    NULL,
    OTHER,
    OURS,
    PAGE,
    last_sent,
    play,
    redirect,
    reply,
    requests,
    visible,
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int) -> None:
    verdict = play(redirect("/moved?a=1#b", ANY, status=status), reply(ANY))

    assert [request.url for request in requests(verdict)] == [API, "https://api.example.com/moved?a=1"]
    assert (visible(verdict).redirected, visible(verdict).url) == (True, "https://api.example.com/moved?a=1")
    assert verdict.steps[3] == f"the redirect ({status}) leads to https://api.example.com/moved?a=1"


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_no_other_status_is_a_redirect(status: int) -> None:
    assert visible(play(redirect("/moved", ANY, status=status))).status == status


def test_a_redirect_to_nowhere_is_a_response() -> None:
    response = visible(play(reply(ANY, status=302)))

    assert (response.status, response.redirected) == (302, False)


def test_two_locations_are_no_url() -> None:
    assert play(redirect("/a", "Location: /a", ANY)).code == "redirect-location-malformed"


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"), (308, "POST", "POST"),
        (301, "PUT", "PUT"), (302, "DELETE", "DELETE"), (303, "PUT", "GET"), (307, "PUT", "PUT"), (303, "HEAD", "HEAD"),
        (302, "HEAD", "HEAD"), (303, "GET", "GET"),
    ],
)  # fmt: skip
def test_some_redirects_turn_a_request_into_a_get(status: int, method: str, then: str) -> None:
    origin = "https://api.example.com"  # no CORS, and so no preflights
    words: dict[str, Any] = {} if method in ("GET", "HEAD") else {"body": "text"}

    verdict = play(redirect("/moved", status=status), reply(), origin=origin, method=method, **words)
    again = requests(verdict)[1]

    assert again.method == then
    kept = (b"text", "text/plain;charset=UTF-8") if words and then == method else (None, None)
    assert (again.body, again.get("Content-Type")) == kept


def test_each_hop_is_preflighted_for_itself() -> None:
    verdict = play(
        reply(ANY, METHODS + "PUT"),
        redirect("/moved", ANY, status=307),
        reply(ANY, METHODS + "PUT"),
        reply(ANY),
        method="PUT",
    )

    assert [request.method for request in requests(verdict)] == ["OPTIONS", "PUT", "OPTIONS", "PUT"]


def test_a_redirect_that_makes_it_a_get_needs_no_second_preflight() -> None:
    verdict = play(reply(ANY, METHODS + "PUT"), redirect("/moved", ANY, status=303), reply(ANY), method="PUT")

    assert [request.method for request in requests(verdict)] == ["OPTIONS", "PUT", "GET"]


def test_the_cors_check_comes_before_a_redirect_is_looked_at() -> None:
    assert play(redirect("data:,", status=302)).code == "allow-origin-missing"
    assert play(redirect("/moved"), redirect="manual").code == "allow-origin-missing"


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ([API, "https://api.example.com/moved"], PAGE),
        ([API, f"{OTHER}/"], "null"),
        ([API, f"{PAGE}/"], "null"),
        ([f"{PAGE}/", API], PAGE),
        ([f"{PAGE}/", API, f"{OTHER}/"], "null"),
        ([f"{PAGE}/", API, "https://api.example.com/moved"], PAGE),
        ([API, f"{OTHER}/", API], "null"),
    ],
)
def test_a_redirect_from_a_foreign_origin_to_another_taints_the_origin(path: list[str], last: str) -> None:
    start, *targets = path

    verdict = play(*(redirect(target, ANY) for target in targets), reply(ANY), url=start)

    assert last_sent(verdict, "Origin") == last


def test_a_tainted_request_is_judged_as_null() -> None:
    away = redirect(f"{OTHER}/", OURS, CREDENTIALS)

    assert play(away, reply(NULL, CREDENTIALS), **INCLUDE).allowed
    assert play(away, reply(OURS, CREDENTIALS), **INCLUDE).code == "allow-origin-other"


def test_there_is_no_way_back_from_cors_to_the_pages_own_origin() -> None:
    assert play(redirect(f"{PAGE}/", ANY), reply()).code == "allow-origin-missing"


@pytest.mark.parametrize("target", ["/moved", f"{OTHER}/", "http://api.example.com/", "https://api.example.com:8443/"])
def test_authorization_stays_within_an_origin(target: str) -> None:
    preflight = reply(ANY, HEADERS + "authorization, x-a")
    headers = {"Authorization": "t", "X-A": "1"}

    verdict = play(preflight, redirect(target, ANY), preflight, reply(ANY), headers=headers)
    _, _, asked, actual = requests(verdict)

    stays = target == "/moved"
    assert asked.get("Access-Control-Request-Headers") == ("authorization,x-a" if stays else "x-a")
    assert (actual.get("Authorization"), actual.get("X-A")) == ("t" if stays else None, "1")


@pytest.mark.parametrize("userinfo", ["me@", "me:secret@", ":secret@"])
def test_a_user_name_in_a_redirect_is_for_the_pages_own_origin_alone(userinfo: str) -> None:
    own, foreign = f"https://{userinfo}app.example.com/", f"https://{userinfo}api.example.com/"

    assert play(redirect(own), reply(), url=PAGE).allowed
    assert play(redirect(foreign), url=PAGE).code == "redirect-credentials"
    assert play(redirect(own, ANY)).code == "redirect-credentials"
    assert play(redirect("https://@api.example.com/", ANY), reply(ANY)).allowed


def test_twenty_redirects_are_followed_and_no_more() -> None:
    assert play(*[redirect("/moved", ANY)] * 20, reply(ANY)).allowed


def test_a_manual_redirect_is_seen_but_not_followed() -> None:
    response = visible(play(redirect(f"{OTHER}/", ANY), redirect="manual"))

    assert (response.type, response.status, response.headers, response.body) == ("opaqueredirect", 0, (), b"")


def test_redirect_error_lets_other_responses_pass() -> None:
    assert play(reply(ANY), redirect="error").allowed


def test_a_same_origin_request_may_not_be_redirected_away() -> None:
    assert play(redirect(API), url=PAGE, mode="same-origin").code == "mode-same-origin"


def test_a_stream_survives_the_one_redirect_that_drops_it() -> None:
    answers = (reply(ANY), redirect("/moved", ANY, status=303), reply(ANY), reply(ANY))

    assert play(*answers, method="POST", streaming=True).allowed
