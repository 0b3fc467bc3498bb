"""What a browser adds to a request by itself: cookies, Sec-Fetch-Site, Referer."""

import pytest

from crossorigin.browser import URL, Browser

from .playing import (
    ANY,
    API,
    CREDENTIALS,
    INCLUDE,
    METHODS,
    OTHER,
    OURS,
    PAGE,
    last_sent,
    play,
    redirect,
    reply,
    requests,
)


def cookie(browser: Browser, origin: str = PAGE, url: str = API, credentials: str = "include") -> str | None:
    """Return what the browser sends as a cookie."""
    shared = reply(f"Access-Control-Allow-Origin: {origin}", CREDENTIALS)
    return last_sent(play(shared, browser=browser, origin=origin, url=url, credentials=credentials), "Cookie")


def set_cookie(browser: Browser, value: str, origin: str = PAGE, url: str = API, credentials: str = "include") -> None:
    shared = (f"Access-Control-Allow-Origin: {origin}", CREDENTIALS)
    play(reply(*shared, f"Set-Cookie: {value}"), browser=browser, origin=origin, url=url, credentials=credentials)


@pytest.mark.parametrize(("credentials", "goes"), [("omit", False), ("same-origin", False), ("include", True)])
def test_cookies_cross_origins_with_include_alone(browser: Browser, credentials: str, goes: bool) -> None:
    set_cookie(browser, "a=1")

    assert (cookie(browser, credentials=credentials) == "a=1") == goes


@pytest.mark.parametrize(("credentials", "goes"), [("omit", False), ("same-origin", True), ("include", True)])
def test_within_the_pages_origin_only_omit_holds_them_back(browser: Browser, credentials: str, goes: bool) -> None:
    set_cookie(browser, "a=1", url=PAGE)

    assert (cookie(browser, url=PAGE, credentials=credentials) == "a=1") == goes


@pytest.mark.parametrize("credentials", ["omit", "same-origin"])
def test_cookies_are_not_kept_where_none_would_be_sent(browser: Browser, credentials: str) -> None:
    set_cookie(browser, "a=1", credentials=credentials)

    assert cookie(browser) is None


def test_cookies_are_kept_though_the_page_may_not_read_the_response(browser: Browser) -> None:
    assert play(reply("Set-Cookie: a=1"), browser=browser, **INCLUDE).code == "allow-origin-missing"

    assert cookie(browser) == "a=1"


def test_a_preflights_cookies_are_neither_sent_nor_kept(browser: Browser) -> None:
    preflight = reply(OURS, CREDENTIALS, METHODS + "PUT", "Set-Cookie: a=1")

    verdict = play(preflight, reply(OURS, CREDENTIALS), browser=browser, method="PUT", **INCLUDE)

    assert last_sent(verdict, "Cookie") is None
    assert cookie(browser) is None


@pytest.mark.parametrize(
    ("value", "same_site", "other_site"),
    [
        ("a=1", True, False),
        ("a=1; SameSite=Strict", True, False),
        ("a=1; samesite=lax", True, False),
        ("a=1; SameSite=None; Secure", True, True),
        ("a=1; Secure;SAMESITE = none", True, True),
        ("a=1; SameSite=None", False, False),
    ],
)
def test_same_site_cookies(browser: Browser, value: str, same_site: bool, other_site: bool) -> None:
    set_cookie(browser, value)

    assert [cookie(browser), cookie(browser, OTHER)] == ["a=1" if goes else None for goes in (same_site, other_site)]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("__Host-a=1", False),
        ("__Host-a=1; Secure", False),  # the default path is the request's
        ("__Host-a=1; Secure; Path=/", True),
        ("__Host-a=1; Secure; Path=/; Domain=example.com", False),
        ("__Secure-a=1", False),
        ("__Secure-a=1; Secure", True),
        ("a=1; Path=other", True),
        ("a=1; Domain=example.com", True),
        ("a=1; Domain=com", False),
    ],
)
def test_names_and_domains_of_cookies_are_held_to_what_they_promise(line: str, kept: bool) -> None:
    url = "https://api.example.com/v1/items"
    browser = Browser()
    play(reply(OURS, CREDENTIALS, f"Set-Cookie: {line}"), browser=browser, url=url, **INCLUDE)

    assert (browser.cookies.header(PAGE, URL.parse(url)) is not None) == kept


def test_a_cookie_for_all_of_a_public_suffix_is_refused() -> None:
    browser = Browser()
    url = "https://mine.github.io/"
    play(reply("Set-Cookie: a=1; Domain=github.io"), browser=browser, url=url, origin="https://mine.github.io")

    assert browser.cookies.header("https://mine.github.io", URL.parse(url)) is None


def test_another_sites_page_sets_no_cookies_without_same_site_none(browser: Browser) -> None:
    set_cookie(browser, "a=1", origin=OTHER)
    set_cookie(browser, "b=1; SameSite=None; Secure", origin=OTHER)

    assert cookie(browser) == "b=1"


def test_a_cookie_is_its_hosts_unless_it_names_a_domain(browser: Browser) -> None:
    set_cookie(browser, "host=1")
    set_cookie(browser, "domain=1; Domain=example.com")
    set_cookie(browser, "foreign=1; Domain=other.example")
    set_cookie(browser, "suffix=1; Domain=com")

    assert sorted((cookie(browser) or "").split("; ")) == ["domain=1", "host=1"]
    assert cookie(browser, url="https://more.example.com/") == "domain=1"
    assert cookie(browser, url="https://sub.api.example.com/") == "domain=1"


def test_secure_cookies_are_for_https_and_for_this_machine(browser: Browser) -> None:
    page, api = "http://app.example.com", "http://api.example.com/"
    set_cookie(browser, "a=1; Secure; SameSite=None")
    assert cookie(browser, page, api) is None

    page, api = "http://localhost:3000", "http://localhost:8000/"
    set_cookie(browser, "b=1; Secure", page, api)
    assert cookie(browser, page, api) == "b=1"


def test_a_redirect_away_takes_no_cookies_by_default(browser: Browser) -> None:
    set_cookie(browser, "page=1", url=PAGE)
    set_cookie(browser, "api=1")

    verdict = play(redirect(API), reply(ANY), browser=browser, url=PAGE)

    assert [request.get("Cookie") for request in requests(verdict)] == ["page=1", None]


@pytest.mark.parametrize(
    ("origin", "path", "site"),
    [
        (PAGE, [f"{PAGE}/"], "same-origin"),
        (PAGE, [API], "same-site"),
        (PAGE, ["https://app.example.com:8443/"], "same-site"),
        (PAGE, [f"{OTHER}/"], "cross-site"),
        (PAGE, ["https://example.com./"], "cross-site"),
        ("http://app.example.com", [API], "cross-site"),
        ("https://a.github.io", ["https://b.github.io/"], "cross-site"),
        ("null", [API], "cross-site"),
        (PAGE, [f"{PAGE}/", API], "same-site"),
        (PAGE, [f"{OTHER}/", f"{PAGE}/"], "cross-site"),
        (PAGE, [API, f"{PAGE}/"], "same-site"),
        ("http://localhost:3000", ["http://localhost:8000/"], "same-site"),
        ("http://localhost:3000", ["http://127.0.0.1:8000/"], "cross-site"),
        ("http://app.example.com", ["http://api.example.com/"], None),
    ],
)
def test_sec_fetch_site_is_the_farthest_of_the_way(origin: str, path: list[str], site: str | None) -> None:
    start, *targets = path

    verdict = play(*(redirect(target, ANY) for target in targets), reply(ANY), origin=origin, url=start)

    assert last_sent(verdict, "Sec-Fetch-Site") == site
    assert last_sent(verdict, "Sec-Fetch-Mode") == (site and "cors")


@pytest.mark.parametrize(
    ("policy", "own", "foreign", "downgrade"),
    [
        ("no-referrer", False, False, False),
        ("no-referrer-when-downgrade", True, True, False),
        ("same-origin", True, False, False),
        ("origin", True, True, True),
        ("strict-origin", True, True, False),
        ("origin-when-cross-origin", True, True, True),
        ("strict-origin-when-cross-origin", True, True, False),
        ("unsafe-url", True, True, True),
    ],
)
def test_the_referrer_policy_decides_about_referer(policy: str, own: bool, foreign: bool, downgrade: bool) -> None:
    urls = [f"{PAGE}/items", API, "http://api.example.com/"]

    shown = [last_sent(play(reply(ANY), url=url, referrer_policy=policy), "Referer") for url in urls]

    assert shown == [f"{PAGE}/" if goes else None for goes in (own, foreign, downgrade)]


def test_a_redirect_may_change_the_referrer_policy() -> None:
    left = f"{PAGE}/left"
    verdict = play(
        redirect(left, "Referrer-Policy: unknown, no-referrer", status=307), reply(), url=PAGE, method="POST",
        mode="same-origin",
    )  # fmt: skip

    assert [(sent.get("Origin"), sent.get("Referer")) for sent in requests(verdict)] == [
        (PAGE, f"{PAGE}/"),
        ("null", None),
    ]


def test_a_page_without_an_origin_has_no_referer() -> None:
    assert last_sent(play(reply(ANY), origin="null", referrer_policy="unsafe-url"), "Referer") is None


@pytest.mark.parametrize("policy", ["no-referrer", "same-origin"])
def test_the_referrer_policy_hides_the_origin_outside_of_cors_alone(policy: str) -> None:
    assert last_sent(play(reply(ANY), method="POST", referrer_policy=policy), "Origin") == PAGE
    assert last_sent(play(reply(), method="POST", referrer_policy=policy, mode="no-cors"), "Origin") == "null"
