"""The closed loop: random policies, random pages, every adapter in between, and the model browser as the judge.

What must come out is what the policy's arguments declare, read here as a person would read them: `Declared` asks
neither the policy nor the model. So a mistake in the policy, in an adapter or in the model breaks the loop.
"""

import logging
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.messages import Request as Sent
from conformance.stacks import STACKS, Stack
from crossorigin import Policy
from crossorigin.browser import URL, Browser, HTTPRequest, HTTPResponse, Request, Verdict, run
from crossorigin.findings import DANGERS

API = "api.example.com"  # where every stack believes to be
SAFE_METHODS = ("GET", "HEAD", "POST")
SAFE_HEADERS = ("accept", "accept-language")
# Of what the API sets, what tells apart all ways in which a page may see a header.
TELLING = {"content-type", "etag", "x-total-count", "set-cookie"}


class Page(NamedTuple):
    """A page, and what its script fetches."""

    origin: str
    scheme: str
    path: str
    method: str
    headers: dict[str, str]
    credentials: Literal["omit", "same-origin", "include"]

    @property
    def request(self) -> Request:
        return Request.of(
            f"{self.scheme}://{API}{self.path}",
            method=self.method,
            headers=self.headers,
            credentials=self.credentials,
        )


class Declared:
    """What the arguments of a policy say about a page's fetch, in the words of the documentation."""

    def __init__(self, arguments: dict[str, Any], page: Page) -> None:
        self.arguments = arguments
        self.page = page
        upper = page.method.upper()
        self.method = upper if upper in ("DELETE", "OPTIONS", "PUT", *SAFE_METHODS) else page.method
        self.unsafe = [name.lower() for name in page.headers if name.lower() not in SAFE_HEADERS]

    @property
    def same_origin(self) -> bool:
        return self.page.origin == f"{self.page.scheme}://{API}"

    @property
    def origin_allowed(self) -> bool:
        return any(map(self._names_the_origin, self.arguments["allow_origins"]))

    @property
    def credentials_allowed(self) -> bool:
        # An opaque origin never gets credentials.
        return self.page.credentials != "include" or (
            self.arguments["allow_credentials"] and self.page.origin != "null"
        )

    @property
    def preflighted(self) -> bool:
        return not self.same_origin and (self.method not in SAFE_METHODS or self.unsafe != [])

    @property
    def question_allowed(self) -> bool:
        methods = self.arguments["allow_methods"]
        return (self.method in (*SAFE_METHODS, *methods) or "*" in methods) and all(map(self._lists, self.unsafe))

    @property
    def allowed(self) -> bool:
        return self.same_origin or (
            self.origin_allowed and self.credentials_allowed and (self.question_allowed or not self.preflighted)
        )

    @property
    def kept_out(self) -> bool:
        """Whether ``enforce`` answers 403 to the actual request."""
        # Without Sec-Fetch-Site, which plain http does not get, a page is known by its host: an https one is trusted.
        trusted = self.same_origin or self.page.origin == f"https://{API}" != f"{self.page.scheme}://{API}"
        return not (self.origin_allowed or trusted)

    def shows(self, name: str) -> bool:
        if name == "set-cookie":
            return False
        exposed = [one.lower() for one in self.arguments["expose_headers"]]
        return self.same_origin or name == "content-type" or name in exposed or "*" in exposed

    def _lists(self, name: str) -> bool:
        listed = [one.lower() for one in self.arguments["allow_headers"]]
        return name in listed or ("*" in listed and name != "authorization")

    def _names_the_origin(self, declared: str) -> bool:
        origin = self.page.origin
        if declared == "*":
            return origin != "null" or not self.arguments["allow_credentials"]
        if declared == origin:
            return True
        scheme, _, rest = declared.partition("://")
        host, _, port = rest.partition(":")
        its_scheme, _, its_rest = origin.partition("://")
        its_host, _, its_port = its_rest.partition(":")
        same_host = host == its_host or (host.startswith("*.") and its_host.endswith(host[1:]))
        return its_scheme == scheme and same_host and port in (its_port, "*")


names = st.sampled_from(["X-A", "x-b", "Authorization", "authorization", "Content-Type", "*"])
policies = st.fixed_dictionaries(
    {
        "allow_origins": st.lists(
            st.sampled_from(
                [
                    *["https://app.example.com"] * 4,
                    "https://app.example.com:8443",
                    "https://*.example.com",
                    "http://*.example.com:*",
                    "http://localhost:*",
                    "http://localhost:3000",
                    "https://evil.example",
                    "null",
                    "*",
                ]
            ),
            max_size=3,
        ),
        "allow_credentials": st.booleans(),
        "allow_methods": st.lists(st.sampled_from(["PUT", "DELETE", "PATCH", "patch", "GET", "*"]), max_size=3),
        "allow_headers": st.lists(names, max_size=3),
        "expose_headers": st.lists(st.sampled_from(["ETag", "x-total-count", "Content-Type", "*"]), max_size=2),
        "max_age": st.sampled_from([None, 0, 1, 600, 86400]),
    }
)
pages = st.builds(
    Page,
    st.sampled_from(
        [
            *["https://app.example.com"] * 6,  # often one that is likely to be allowed
            "https://app.example.com:8443",
            "https://a.b.example.com",
            "https://example.com",
            "http://app.example.com",
            "http://app.example.com:8080",
            "http://localhost",
            "http://localhost:3000",
            "https://evil.example",
            "null",
            f"https://{API}",
            f"http://{API}",
        ]
    ),
    st.sampled_from(["https", "http"]),
    st.sampled_from(["/items", "/counted", "/own-cors", "/forbidden", "/stream", "/moved"]),
    st.sampled_from(["GET", "get", "HEAD", "POST", "pOsT", "PUT", "put", "Delete", "PATCH", "patch", "OPTIONS"]),
    st.dictionaries(
        st.sampled_from(["X-A", "X-B", "Authorization", "Accept", "accept-language"]),
        st.just("1"),
        max_size=3,
    ),
    st.sampled_from(["omit", "same-origin", "include"]),
)


class Loop:
    """A page's browser and, behind a policy on one stack, the API that the page calls."""

    def __init__(self, stack: Stack, arguments: dict[str, Any], enforce: bool) -> None:
        self.stack = stack
        self.app = stack.serve(Policy(**arguments, dangerously_allow=sorted(DANGERS)), enforce=enforce)
        self.browser = Browser(clock=lambda: 0)

    def fetch(self, page: Page) -> Verdict:
        return run(self.browser.fetch(page.request, origin=page.origin), self._carry)

    def _carry(self, request: HTTPRequest) -> HTTPResponse:
        sent = Sent(request.method, URL.parse(request.url).target, request.headers, request.body or b"")
        response = self.stack.ask(self.app, sent)
        assert response.error is None
        return HTTPResponse(response.status, response.headers, response.body)


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Any:
    """Keep the thousands of refusals out of the log: they are not what is tested here, and they take time."""
    logger = logging.getLogger("crossorigin")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
@given(arguments=policies, page=pages, enforce=st.booleans())
@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_verdict_is_what_the_policy_declares(
    stack: Stack, arguments: dict[str, Any], page: Page, enforce: bool
) -> None:
    declared = Declared(arguments, page)
    loop = Loop(stack, arguments, enforce)

    verdict = loop.fetch(page)

    assert verdict.allowed == declared.allowed, verdict.message
    assert bool(verdict.preflights) == declared.preflighted
    last = verdict.exchanges[-1].response
    assert isinstance(last, HTTPResponse)
    if verdict.response is not None:
        carried = {name.lower() for name, _ in last.headers} & TELLING
        seen = {name.lower() for name, _ in verdict.response.headers} & TELLING
        assert seen == {name for name in carried if declared.shows(name)}
        assert verdict.response.body == last.body
        # The same fetch again: its preflights are remembered, unless the policy asks for none to be.
        assert bool(loop.fetch(page).preflights) == (declared.preflighted and arguments["max_age"] == 0)
    elif declared.preflighted:
        assert verdict.stage == "preflight"
        assert (last.status == 403) == (not declared.origin_allowed)
    else:
        kept_out = enforce and declared.kept_out
        assert verdict.stage == ("redirect" if page.path == "/moved" and not kept_out else "response")
        assert (last.status == 403) == (kept_out or page.path == "/forbidden")
