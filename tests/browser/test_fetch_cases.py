"""The model against the Fetch standard's cases: Web Platform Tests restated as data, and edges derived by hand.

One test for each case. `test_every_case_is_played` holds the short list of facts that are about something the model
does not play, so that no case is left out in silence.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossorigin import fetch
from crossorigin.browser import URL, Browser, HTTPRequest, HTTPResponse, NoResponse, Request, URLError, Verdict, run
from crossorigin.browser.attached import origin_header, referrer
from crossorigin.browser.checks import check_resource_policy
from crossorigin.browser.filtered import timing_allowed
from crossorigin.browser.request import Credentials
from crossorigin.browser.verdicts import Blocked

Case = dict[str, Any]
CASES: list[Case] = json.loads((Path(__file__).parent.parent / "data" / "fetch-cases.json").read_text())["cases"]

PAGE = "http://web-platform.test:8000"
REMOTE = "http://www1.web-platform.test:8000"

# Facts of which the model has no part, and why.
NOT_PLAYED = {
    "fact-001": "User-Agent, which the network adds: tests/testing plays it",
    "http-cache-003": "the HTTP cache",
    "http-cache-005": "the HTTP cache",
    "lna-003": "Private Network Access, withdrawn",
    "lna-004": "Private Network Access, withdrawn",
    "lna-006": "Private Network Access, withdrawn",
}


def of_type(*types: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in CASES if case["type"] in types]


class Server:
    """The servers of a case: an answer for the preflight and one for the actual request, by URL."""

    def __init__(self, servers: dict[str, Any]) -> None:
        self.answers = {str(URL.parse(url)): answers for url, answers in servers.items()}
        self.asked: list[HTTPRequest] = []

    def __call__(self, request: HTTPRequest) -> HTTPResponse | NoResponse:
        self.asked.append(request)
        answers = next(
            answers for url, answers in self.answers.items() if _without_user(url) == _without_user(request.url)
        )
        answer = answers["preflight" if request.is_preflight else "response"]
        headers = [(name, self.filled(value, request)) for name, value in answer["headers"]]
        return HTTPResponse(answer["status"], tuple((name, value) for name, value in headers if value is not None))

    @staticmethod
    def filled(value: str, request: HTTPRequest) -> str | None:
        names = {"$ORIGIN": fetch.ORIGIN, "$ACRM": fetch.REQUEST_METHOD, "$ACRH": fetch.REQUEST_HEADERS}
        return request.get(names[value]) if value in names else value

    @property
    def actual(self) -> list[HTTPRequest]:
        return [request for request in self.asked if not request.is_preflight]

    @property
    def preflights(self) -> list[HTTPRequest]:
        return [request for request in self.asked if request.is_preflight]


def _without_user(url: str) -> str:
    parsed = URL.parse(url)
    return f"{parsed.origin}{parsed.target}"


def requested(words: dict[str, Any]) -> Request:
    method = words.get("method", "GET")
    # XMLHttpRequest drops the body of such a request where fetch() throws (XHR §3.5.6, send).
    is_bodiless = words.get("api") == "xhr" and method.upper() in ("GET", "HEAD")
    return Request.of(
        words["url"],
        method=method,
        headers=[(name, value) for name, value in words.get("headers", [])],
        body=None if is_bodiless or words.get("body") is None else words["body"].encode(),
        mode=words.get("mode", "cors"),
        credentials=words.get("credentials", "same-origin"),
        redirect=words.get("redirect", "follow"),
        referrer_policy=words.get("referrer_policy") or "strict-origin-when-cross-origin",
        streaming=words.get("stream_body", False),
        upload_listener=words.get("upload_listener", False),
    )


def check(case: Case, server: Server, verdict: Verdict) -> None:
    """Check *verdict* against everything that *case* expects."""
    expected = dict(case["expect"])
    assert verdict.allowed == (expected.pop("outcome") == "success"), verdict.message
    seen: dict[str, Callable[[Any], object]] = {
        "type": lambda _: verdict.response and verdict.response.type,
        "status": lambda _: verdict.response and verdict.response.status,
        "preflights": lambda _: preflights_by_hop(server),
        "acrh": lambda _: [request.get(fetch.REQUEST_HEADERS) for request in server.preflights],
        "origins": lambda _: [request.get(fetch.ORIGIN) for request in server.actual],
        "last_origin": lambda _: server.actual[-1].get(fetch.ORIGIN),
        "last_method": lambda _: server.actual[-1].method,
        "last_auth": lambda _: server.actual[-1].get("Authorization"),
        "visible": lambda want: {name: verdict.response and verdict.response.get(name) for name in want},
        "hidden": lambda want: [name for name in want if verdict.response and verdict.response.get(name) is None],
    }
    for name, want in expected.items():
        assert seen[name](want) == want, name


def preflights_by_hop(server: Server) -> list[bool]:
    """Return for each URL that was asked, one after the other, whether a preflight came first."""
    hops: list[bool] = []
    waiting = False
    for request in server.asked:
        if request.is_preflight:
            hops.append(True)
            waiting = True
        else:
            if not waiting:
                hops.append(False)
            waiting = False
    return hops


@pytest.mark.parametrize("case", of_type("fetch"))
def test_fetch(case: Case) -> None:
    server = Server(case["servers"])

    verdict = run(Browser().fetch(requested(case["request"]), origin=case["page_origin"] or "null"), server)

    check(case, server, verdict)


@pytest.mark.parametrize("case", of_type("sequence"))
def test_sequence(case: Case) -> None:
    now = 0.0
    browser = Browser(clock=lambda: now)
    for step in case["steps"]:
        now = step["at"]
        server = Server(step["servers"])
        origin = step.get("page_origin", case.get("page_origin", PAGE)) or "null"

        verdict = run(
            browser.fetch(requested(step["request"]), origin=origin, partition=step["request"].get("partition")), server
        )

        check(step, server, verdict)


@pytest.mark.parametrize("case", of_type("header-safelist"))
def test_safelisted_header(case: Case) -> None:
    assert fetch.is_safelisted_request_header(case["name"], case["value"]) == case["safelisted"]


@pytest.mark.parametrize("case", of_type("forbidden-request-header"))
def test_forbidden_header(case: Case) -> None:
    # The one tentative case is not in the standard, and Chromium, Firefox and WebKit all send that header.
    expected = case["forbidden"] and not case.get("tentative", False)

    assert fetch.is_forbidden_request_header(case["name"], case["value"]) == expected


@pytest.mark.parametrize("case", of_type("forbidden-method"))
def test_forbidden_method(case: Case) -> None:
    assert fetch.is_forbidden_method(case["method"]) == case["forbidden"]


@pytest.mark.parametrize("case", of_type("no-cors-headers"))
def test_no_cors_headers(case: Case) -> None:
    request = Request.of(PAGE, mode="no-cors", headers=[(case["name"], value) for value in case["append"]])

    sent = [value for _, value in request.headers]

    assert (", ".join(sent) if sent else None) == case["expect"]


@pytest.mark.parametrize("case", of_type("get-decode-split"))
def test_split_value(case: Case) -> None:
    assert fetch.split_value(case["value"]) == case["result"]


@pytest.mark.parametrize("case", of_type("url-origin"))
def test_url_origin(case: Case) -> None:
    if case["origin"] is None:
        with pytest.raises(URLError):
            URL.parse(case["url"])
    else:
        assert URL.parse(case["url"]).origin == case["origin"]


@pytest.mark.parametrize("case", of_type("tao"))
def test_timing_allow_origin(case: Case) -> None:
    values = case["values"] or []
    response = HTTPResponse(200, tuple(("Timing-Allow-Origin", value) for value in values))

    assert timing_allowed(case["page_origin"] or "null", response, basic=False) == case["passes"]


# A page and where the response comes from at last, for each situation in words.
RESOURCE_POLICY_SITUATIONS = {
    "same-origin no-cors": (PAGE, PAGE),
    "cross-origin no-cors": (PAGE, "http://web-platform.test:8001"),
    "same-site other port no-cors": (PAGE, "http://web-platform.test:8001"),
    "same-site subdomain no-cors": (PAGE, REMOTE),
    "cross-site no-cors": (PAGE, "http://not-web-platform.test:8000"),
    "http page, https target same host, no-cors": (PAGE, "https://web-platform.test:8443"),
    "https page, http target same host, no-cors": ("https://web-platform.test:8443", PAGE),
    "no-cors, same-origin redirected to cross-site": (PAGE, "http://not-web-platform.test:8000"),
    "no-cors, cross-site redirected back to same-origin": (PAGE, PAGE),
}


@pytest.mark.parametrize("case", of_type("corp"))
def test_cross_origin_resource_policy(case: Case) -> None:
    response = HTTPResponse(200, (("Cross-Origin-Resource-Policy", case["value"]), (fetch.ALLOW_ORIGIN, "*")))
    if case["situation"] == "cross-site cors fetch (ACAO present)":
        verdict = run(
            Browser().fetch(Request.of("http://not-web-platform.test:8000"), origin=PAGE), lambda request: response
        )
        assert verdict.allowed != case["blocked"]
        return
    origin, target = RESOURCE_POLICY_SITUATIONS[case["situation"]]

    try:
        check_resource_policy(origin, URL.parse(target), response)
        blocked = False
    except Blocked:
        blocked = True

    assert blocked == case["blocked"]


@pytest.mark.parametrize("case", of_type("cookie"))
def test_cookie(case: Case) -> None:
    """A cookie goes with a request whose credentials mode says so, to the host that set it."""
    hosts = {"local": PAGE, "remote": REMOTE, "other remote": "http://www2.web-platform.test:8000"}
    by_title: dict[str, tuple[str, str, Credentials]] = {
        "no cookie by default (withCredentials false)": ("remote", "remote", "same-origin"),
        "cookie stored by a withCredentials request is withheld from a request without it": (
            "remote",
            "remote",
            "same-origin",
        ),
        "cookie is sent with withCredentials true": ("remote", "remote", "include"),
    }
    said = by_title[case["title"]] if "set_by" not in case else (case["set_by"], case["sent_to"], case["credentials"])
    set_by, sent_to, credentials = said
    headers = ((fetch.ALLOW_ORIGIN, PAGE), (fetch.ALLOW_CREDENTIALS, "true"), ("Set-Cookie", "a=1"))
    browser = Browser()
    run(
        browser.fetch(Request.of(hosts[set_by], credentials="include"), origin=PAGE),
        lambda _: HTTPResponse(200, headers),
    )

    verdict = run(
        browser.fetch(Request.of(hosts[sent_to], credentials=credentials), origin=PAGE),
        lambda _: HTTPResponse(200, headers[:2]),
    )

    assert (verdict.exchanges[-1].request.get("Cookie") == "a=1") == case["cookie_sent"]


def fact(name: str) -> Case:
    return next(case for case in CASES if case["id"] == name)


FACTS = [case for case in CASES if case["type"] == "fact" and case["id"] not in NOT_PLAYED]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in FACTS])
def test_fact(case: Case) -> None:
    """What the cases say in words, each kind of sentence by a check of its own."""
    title, said = case["title"], case["fact"]
    if title.startswith("referrerPolicy"):
        policy = title.split("'")[1]
        said = said.removeprefix("Referer of the preflight and of the actual request are both: ")
        shown = {"absent": None, "origin only": f"{PAGE}/", "full URL": f"{PAGE}/"}[said]
        request = Request.of(REMOTE, method="PUT", referrer_policy=policy)
        verdict = run(Browser().fetch(request, origin=PAGE), _everything)
        assert [exchange.request.get("Referer") for exchange in verdict.exchanges] == [shown, shown]
        assert referrer(PAGE, REMOTE, policy) == shown
    elif title.startswith("form POST navigation"):
        _, policy, target = title.split(", ")
        url = PAGE if target == "same-origin" else REMOTE
        shown = origin_header(PAGE, [url], "POST", "navigate", "basic", policy)
        assert f"Origin: {shown}" == said
    else:
        SINGLE_FACTS[case["id"]]()


def _everything(request: HTTPRequest) -> HTTPResponse:
    return HTTPResponse(200, ((fetch.ALLOW_ORIGIN, PAGE), (fetch.ALLOW_METHODS, "*, PUT"), (fetch.ALLOW_HEADERS, "*")))


def _preflight_and_actual(request: Request) -> list[HTTPRequest]:
    return [exchange.request for exchange in run(Browser().fetch(request, origin=PAGE), _everything).exchanges]


def _accepts_anything() -> None:
    preflight, _ = _preflight_and_actual(Request.of(REMOTE, method="PUT", headers={"Accept": "text/html"}))
    assert preflight.get("Accept") == "*/*"


def _reads_304() -> None:
    request = Request.of(REMOTE, headers={"If-None-Match": '"1"'})
    verdict = run(
        Browser().fetch(request, origin=PAGE),
        lambda sent: HTTPResponse(
            204 if sent.is_preflight else 304, ((fetch.ALLOW_ORIGIN, "*"), (fetch.ALLOW_HEADERS, "*")), b"none"
        ),
    )
    assert verdict.response is not None
    assert (verdict.response.status, verdict.response.body) == (304, b"")


def _trailing_dot_is_another_site() -> None:
    (sent,) = [
        exchange.request
        for exchange in run(
            Browser().fetch(Request.of("https://page.test./"), origin="https://page.test"), _everything
        ).exchanges
    ]
    assert (sent.get("Sec-Fetch-Site"), sent.get("Sec-Fetch-Mode")) == ("cross-site", "cors")


def _private_network_needs_nothing() -> None:
    (sent,) = [
        exchange.request
        for exchange in run(
            Browser().fetch(Request.of("https://192.168.0.1/"), origin="https://page.test"), _everything
        ).exchanges
    ]
    assert sent.get(fetch.REQUEST_PRIVATE_NETWORK) is None


SINGLE_FACTS = {
    "fact-002": _accepts_anything,
    "fact-018": _trailing_dot_is_another_site,
    "http-cache-007": _reads_304,
    "lna-001": _private_network_needs_nothing,
}


def test_every_case_is_played() -> None:
    """Each case has a type that a test above takes, and only facts about what the model leaves out are left out."""
    played = {
        "fetch", "sequence", "header-safelist", "forbidden-request-header", "forbidden-method", "no-cors-headers",
        "get-decode-split", "url-origin", "tao", "corp", "cookie", "fact",
    }  # fmt: skip

    assert {case["type"] for case in CASES} == played
    assert {case["id"] for case in CASES if case["type"] == "fact"} - {case["id"] for case in FACTS} == set(NOT_PLAYED)
    assert {fact(name)["type"] for name in NOT_PLAYED} == {"fact"}
