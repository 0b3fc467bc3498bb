"""What a preflight is remembered for, and for how long."""

from typing import Any

import pytest

from crossorigin.browser import (
    ENGINES,
    Browser,
    Engine,
    NoResponse,
)

from .playing import (
    ANY,
    API,
    HEADERS,
    KEPT,
    LISTS,
    MAX_AGE,
    METHODS,
    OTHER,
    OURS,
    PAGE,
    Clock,
    asks,
    play,
    redirect,
    reply,
    requests,
)


def test_a_preflight_is_remembered(browser: Browser) -> None:
    assert asks(browser)
    assert not asks(browser)
    assert not asks(browser, method="DELETE", headers={"X-A": "1"})


def test_what_was_not_listed_is_asked_for_anew(browser: Browser) -> None:
    assert asks(browser)
    assert asks(browser, METHODS + "PATCH", method="PATCH")
    assert asks(browser, HEADERS + "x-c", method="GET", headers={"X-C": "1"})


@pytest.mark.parametrize("headers", [{}, {"X-A": "1"}, {"X-A": "1", "X-B": "1"}])
def test_methods_and_headers_are_remembered_apart(browser: Browser, headers: dict[str, str]) -> None:
    assert asks(browser, METHODS + "PUT", MAX_AGE + "600")

    assert asks(browser, headers=headers) == bool(headers)
    assert asks(browser, method="GET", headers={"X-A": "1"}) == (not headers)


def test_methods_are_remembered_with_case(browser: Browser) -> None:
    assert asks(browser, METHODS + "PATCH, patch", MAX_AGE + "600", method="PATCH")
    assert not asks(browser, method="patch")
    assert asks(browser, METHODS + "Patch", method="Patch")


def test_a_safelisted_method_with_a_safe_header_never_asks_the_cache(browser: Browser) -> None:
    assert asks(browser, HEADERS + "x-a", MAX_AGE + "600", method="POST", headers={"X-A": "1"})
    assert not asks(browser, method="GET", headers={"X-A": "1"})


@pytest.mark.parametrize(
    "url", [API + "?", API + "?page=2", API + "/", "https://api.example.com/", "https://api.example.com:8443/items"]
)
def test_the_whole_url_is_the_key(browser: Browser, url: str) -> None:
    assert asks(browser)
    assert asks(browser, url=url)


def test_a_fragment_is_not_part_of_the_key(browser: Browser) -> None:
    assert asks(browser)
    assert not asks(browser, url=API + "#top")


def test_each_origin_asks_for_itself(browser: Browser) -> None:
    assert asks(browser, partition=PAGE)
    assert asks(browser, origin=OTHER, partition=PAGE)
    assert asks(browser, origin="null", partition=PAGE)


def test_each_partition_asks_for_itself(browser: Browser) -> None:
    assert asks(browser)
    assert not asks(browser, partition=PAGE)
    assert asks(browser, partition=OTHER)


def test_what_was_learnt_with_credentials_serves_without_but_not_the_other_way(browser: Browser, clock: Clock) -> None:
    assert asks(browser, credentials="omit")
    assert asks(browser, credentials="include")
    assert not asks(browser, credentials="include")

    browser.preflights.clear()
    assert asks(browser, credentials="include")
    assert not asks(browser, credentials="omit")


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], 5),
        ([""], 5),
        (["600"], 600),
        (["\t600 "], 600),
        (["1"], 1),
        (["0"], 0),
        (["-1"], 0),
        (["-600"], 0),
        (["+600"], 5),
        (["600.5"], 5),
        (["600s"], 5),
        (["ten"], 5),
        (["\u00b2"], 5),  # a digit, though not one of ASCII's
        (["600, 600"], 5),
        (["600", "600"], 5),
        (["000600"], 600),
        (["0" * 40 + "600"], 600),
    ],
)
def test_how_long_a_preflight_is_remembered(browser: Browser, clock: Clock, lines: list[str], seconds: int) -> None:
    answer = (*LISTS, *(MAX_AGE + line for line in lines))
    assert asks(browser, *answer)
    if seconds:
        clock.now = seconds - 0.5
        assert not asks(browser)
    clock.now = seconds

    assert asks(browser)


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 10_000])
def test_more_digits_than_anybody_means_are_a_very_long_time(browser: Browser, clock: Clock, digits: str) -> None:
    assert asks(browser, *LISTS, MAX_AGE + digits)
    clock.now = 100 * 365 * 86400

    assert not asks(browser)


@pytest.mark.parametrize(("engine", "limit"), [("chromium", 7200), ("firefox", 86400), ("webkit", 600)])
def test_b3_engines_forget_after_a_time_of_their_own(clock: Clock, engine: str, limit: int) -> None:
    browser = Browser(ENGINES[engine], clock=clock)
    assert asks(browser, *LISTS, MAX_AGE + "1000000")
    clock.now = limit - 0.5
    assert not asks(browser)
    clock.now = limit

    assert asks(browser)


def test_the_standard_sets_no_limit_and_engines_only_shorten(clock: Clock) -> None:
    assert Engine.STANDARD.max_age_limit is None
    browser = Browser(Engine.CHROMIUM, clock=clock)
    assert asks(browser, *LISTS, MAX_AGE + "60")
    clock.now = 60

    assert asks(browser)


def test_a_new_max_age_counts_from_when_the_entry_was_first_stored(browser: Browser, clock: Clock) -> None:
    assert asks(browser, METHODS + "PUT", MAX_AGE + "10")
    clock.now = 8
    # PATCH is new and asks again; the answer lists PUT, too, which is known.
    assert asks(browser, METHODS + "PUT, PATCH", MAX_AGE + "20", method="PATCH")
    clock.now = 19
    assert not asks(browser)
    clock.now = 21

    assert asks(browser)
    assert not asks(browser, method="PATCH")


def test_a_known_header_gets_the_new_max_age_too(browser: Browser, clock: Clock) -> None:
    x_a, both = {"X-A": "1"}, {"X-A": "1", "X-C": "1"}
    assert asks(browser, HEADERS + "X-A", MAX_AGE + "10", method="GET", headers=x_a)
    clock.now = 8
    assert asks(browser, HEADERS + "x-a, x-c", MAX_AGE + "20", method="GET", headers=both)
    clock.now = 19
    assert not asks(browser, method="GET", headers=both)
    clock.now = 21

    assert asks(browser, HEADERS + "x-a", method="GET", headers=x_a)


def test_a_wildcard_is_remembered_as_one(browser: Browser) -> None:
    # Learnt without credentials: with them a star is a name, and asking must not be left out.
    assert asks(browser, METHODS + "*", HEADERS + "*", MAX_AGE + "600", credentials="omit")
    assert not asks(browser, credentials="omit", method="PATCH", headers={"X-Z": "1"})
    assert asks(browser, HEADERS + "*, authorization", credentials="omit", method="GET", headers={"Authorization": "t"})
    assert asks(browser, credentials="include")


def test_a_failing_preflight_clears_what_was_known(browser: Browser) -> None:
    assert asks(browser)

    blocked = play(reply(OURS, METHODS + "PUT"), browser=browser, method="PATCH")

    assert blocked.code == "method-not-allowed"
    assert asks(browser)


def test_a_failing_actual_response_clears_what_was_known(browser: Browser) -> None:
    assert asks(browser)

    assert play(reply(), browser=browser, method="PUT").code == "allow-origin-missing"
    assert asks(browser)


def test_a_lost_connection_clears_what_was_known(browser: Browser) -> None:
    assert asks(browser)

    assert play(NoResponse("reset"), browser=browser, method="PUT").code == "no-response"
    assert asks(browser)


def test_a_failure_after_a_redirect_clears_what_was_known_of_where_it_led(browser: Browser) -> None:
    moved = "https://api.example.com/moved"
    assert asks(browser)
    assert asks(browser, url=moved)

    assert play(redirect("/moved", OURS, status=307), reply(), browser=browser, method="PUT").code == (
        "allow-origin-missing"
    )
    assert asks(browser, url=moved)
    assert not asks(browser)


def test_a_failure_without_a_preflight_clears_nothing(browser: Browser) -> None:
    assert asks(browser)

    assert play(reply(), browser=browser).code == "allow-origin-missing"
    assert not asks(browser)


def test_a_failure_clears_nothing_of_other_urls_and_origins(browser: Browser) -> None:
    assert asks(browser, url=API + "?other")
    assert asks(browser, origin=OTHER, partition=PAGE)

    assert play(reply(), browser=browser, method="PUT").code == "allow-origin-missing"
    assert not asks(browser, url=API + "?other")
    assert not asks(browser, origin=OTHER, partition=PAGE)


def test_a_cached_preflight_does_not_make_the_response_readable(browser: Browser) -> None:
    assert asks(browser)

    assert play(reply(f"Access-Control-Allow-Origin: {OTHER}"), browser=browser, method="PUT").code == (
        "allow-origin-other"
    )


def test_a_forced_preflight_is_remembered_by_its_method(browser: Browser) -> None:
    upload: dict[str, Any] = {"method": "POST", "upload_listener": True}

    assert asks(browser, MAX_AGE + "600", **upload)
    assert not asks(browser, **upload)
    assert asks(browser, url=API + "?other", **upload)


def test_a_tainted_request_does_not_use_what_an_untainted_one_learnt(browser: Browser) -> None:
    target = f"{OTHER}/"
    assert asks(browser, url=target)
    preflight = reply(ANY, *KEPT)

    verdict = play(preflight, redirect(target, ANY, status=307), preflight, reply(ANY), browser=browser, method="PUT")

    assert [request.get("Origin") for request in requests(verdict)] == [PAGE, PAGE, "null", "null"]
