"""`explain`: one request through a policy and the model of the browser, and what to change."""

import asyncio
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossorigin import LEAVE, AnyOf, ByPath, Policy, explain
from crossorigin.answer import Rules
from crossorigin.browser import Engine, RequestError

APP = "https://app.example.com"
POLICY = Policy(APP, allow_methods=["PATCH"], allow_headers=["X-A"])
ADMIN = ByPath({"/admin/": LEAVE, "/api/": POLICY})


def _raises(origin: str) -> bool:
    raise LookupError("the database is down")


async def _later(origin: str) -> bool:
    return origin == "https://later.example"


ADVICE: dict[str, tuple[Rules, dict[str, Any], str, str]] = {
    "another scheme": (
        POLICY, {"origin": "http://app.example.com"}, "allow-origin-missing",
        "serve the page over https: the policy allows 'https://app.example.com'",
    ),
    "another port": (
        Policy("http://localhost:8080"), {"origin": "http://localhost:3000"}, "allow-origin-missing",
        "add 'http://localhost:3000' to allow_origins, if that page is yours "
        "(the policy allows 'http://localhost:8080': another port)",
    ),
    "nothing near": (
        POLICY, {"origin": "https://evil.example"}, "allow-origin-missing",
        "add 'https://evil.example' to allow_origins, if that page is yours",
    ),
    "plain http and credentials": (
        Policy(APP, allow_credentials=True), {"origin": "http://other.example", "credentials": True},
        "allow-origin-missing",
        "add 'http://other.example' to allow_origins (a danger, to be accepted with "
        "dangerously_allow=['insecure-origin-with-credentials']), if that page is yours",
    ),
    "a slash at the end": (
        POLICY, {"origin": f"{APP}/"}, "origin-malformed",
        "write the origin as a browser sends it, 'https://app.example.com'",
    ),
    "a host in upper case": (
        POLICY, {"origin": "https://App.example.com"}, "origin-malformed",
        "write the origin as a browser sends it, 'https://app.example.com'",
    ),
    "no scheme": (
        Policy("*"), {"origin": "localhost:3000"}, "origin-malformed",
        "write the origin as a browser sends it, 'http://localhost:3000'",
    ),
    "null": (
        POLICY, {"origin": "null"}, "allow-origin-missing",
        "give the page an origin (sandboxed frames, file: and data: pages, and redirects across origins have the "
        "origin 'null')",
    ),
    "a method in lower case": (
        POLICY, {"origin": APP, "method": "patch"}, "method-case",
        "write the method in upper case in the page, method: 'PATCH': browsers send 'patch' as it is",
    ),
    "a method in lower case that is not listed either": (
        Policy(APP), {"origin": APP, "method": "patch"}, "method-not-allowed",
        "add 'PATCH' to allow_methods; and write the method in upper case in the page, method: 'PATCH': browsers send "
        "'patch' as it is",
    ),
    "a method not listed": (
        POLICY, {"origin": APP, "method": "put"}, "method-not-allowed", "add 'PUT' to allow_methods",
    ),
    "headers not listed": (
        POLICY, {"origin": APP, "headers": ["X-C", "X-A", "X-B"]}, "header-not-allowed",
        "add 'x-b' and 'x-c' to allow_headers",
    ),
    "one header by itself": (
        POLICY, {"origin": APP, "headers": "X-B"}, "header-not-allowed", "add 'x-b' to allow_headers",
    ),
    "more headers than are granted": (
        Policy(APP, allow_headers="*", allow_credentials=True),
        {"origin": APP, "headers": [f"x-{number}" for number in range(129)], "credentials": True},
        "header-not-allowed", "set fewer headers: lists of more than 128 names, or of more than 8 KiB, are not granted",
    ),
    "Authorization under a star": (
        Policy(APP, allow_headers="*"), {"origin": APP, "headers": [("Authorization", "Bearer t"), ("X-A", "1")]},
        "authorization-wildcard", "add 'Authorization' to allow_headers beside '*', which does not cover it",
    ),
    "credentials missing": (
        POLICY, {"origin": APP, "credentials": True}, "allow-credentials-missing",
        "set allow_credentials=True; or fetch without 'include'",
    ),
    "credentials of a page without an origin": (
        Policy("null", allow_credentials=True, dangerously_allow=["null-origin"]),
        {"origin": "null", "credentials": "include"}, "allow-credentials-missing",
        "fetch without 'include': a page whose origin is null never gets credentials",
    ),
    "credentials of a page without an origin under a star": (
        Policy("*"), {"origin": "null", "credentials": "include"}, "allow-origin-wildcard",
        "fetch without 'include': a page whose origin is null never gets credentials",
    ),
    "a star with credentials": (
        Policy("*"), {"origin": APP, "credentials": True}, "allow-origin-wildcard",
        "name 'https://app.example.com' instead of '*' and set allow_credentials=True; or fetch without 'include'",
    ),
    "a check that says no": (
        Policy(APP, allow_origin_check=lambda origin: False), {"origin": "https://other.example"},
        "allow-origin-missing",
        "let allow_origin_check return True for 'https://other.example', "
        "or add 'https://other.example' to allow_origins",
    ),
    "a check that fails": (
        Policy(APP, allow_origin_check=_raises), {"origin": "https://other.example"}, "allow-origin-missing",
        "mend allow_origin_check, which raised LookupError('the database is down'), or add 'https://other.example' to "
        "allow_origins",
    ),
    "a path without a policy": (
        ADMIN, {"origin": APP, "url": "/other"}, "allow-origin-missing", "give ByPath a rule for /other, or a default",
    ),
    "a path left to the application": (
        ADMIN, {"origin": APP, "url": "https://api.example.com/admin/x", "method": "PUT"}, "allow-origin-missing",
        "ask the application: the policy leaves the path /admin/x to it",
    ),
    "an ambiguous path": (
        ADMIN, {"origin": APP, "url": "https://api.example.com/api//x"}, "allow-origin-missing",
        "ask for a path that reads in one way only: '/api//x' can be taken for another",
    ),
    "a rule that allows nobody": (
        ByPath({"/b": None}, default=POLICY), {"origin": APP, "url": "/b/x"}, "allow-origin-missing",
        "put a policy into the rule of ByPath for '/b', which allows no origin",
    ),
    "a method in lower case in the policy": (
        Policy(APP, allow_methods=["patch"]), {"origin": APP, "method": "PATCH"}, "method-case",
        "add 'PATCH' to allow_methods (methods are compared with case)",
    ),
    "the nearest of several policies": (
        AnyOf(Policy(APP), Policy("http://localhost:3")), {"origin": "http://localhost:4"}, "allow-origin-missing",
        "add 'http://localhost:4' to allow_origins in policy 2 of AnyOf, if that page is yours "
        "(the policy allows 'http://localhost:3': another port)",
    ),
    "a method too long": (
        POLICY, {"origin": APP, "method": "M" * 65}, "allow-origin-missing", "use a method of at most 64 bytes",
    ),
    "a rule of several": (
        ADMIN, {"origin": APP, "url": "/api/x", "method": "PUT"}, "method-not-allowed",
        "add 'PUT' to allow_methods in the rule for '/api'",
    ),
    "the first policy that allows the origin decides": (
        AnyOf(Policy("https://x.example"), Policy(APP), Policy(APP, allow_methods=["PUT"])),
        {"origin": APP, "method": "PUT"}, "method-not-allowed",
        "add 'PUT' to allow_methods in policy 2 of AnyOf",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "request_", "code", "advice"), ADVICE.values(), ids=ADVICE)
def test_a_refusal_says_what_to_change(policy: Rules, request_: dict[str, Any], code: str, advice: str) -> None:
    explained = explain(policy, **request_)

    assert (explained.allowed, explained.verdict.code, explained.advice) == (False, code, (advice,))
    assert str(explained).endswith(f"\n\nTo allow it: {advice}")


def test_several_mistakes_are_all_named() -> None:
    explained = explain(
        Policy("https://other.example"), origin=APP, method="put", headers=["X-A", "X-B"], credentials="include"
    )

    assert str(explained).endswith("""

To allow it:
  - add 'https://app.example.com' to allow_origins, if that page is yours
  - set allow_credentials=True; or fetch without 'include'
  - add 'PUT' to allow_methods
  - add 'x-a' and 'x-b' to allow_headers""")


@pytest.mark.parametrize("origin", ["*", "https://*.example.com", "not one", "", "https://x.example\r\nX-Injected: 1"])
def test_an_origin_that_no_page_has_is_never_allowed(origin: str) -> None:
    explained = explain(Policy("*"), origin=origin)

    assert (explained.allowed, explained.verdict.code, explained.verdict.exchanges) == (False, "origin-malformed", ())
    assert "\r" not in str(explained)


def test_a_page_on_plain_http_is_sent_to_https_and_told_the_rest() -> None:
    explained = explain(
        Policy(APP, allow_origin_check=lambda origin: False), origin="http://app.example.com", method="PUT"
    )

    assert explained.advice == (
        "serve the page over https: the policy allows 'https://app.example.com'",
        "add 'PUT' to allow_methods",
    )


def test_headers_are_all_named_in_the_advice_and_some_in_the_step() -> None:
    names = [f"x-{number:03}" for number in range(100)]
    explained = explain(Policy(APP), origin=APP, headers=names)

    assert all(repr(name) in explained.advice[0] for name in names)
    assert "x-007 and 92 more are not safelisted" in str(explained)


def followed(policy: Policy, request: dict[str, Any], advice: tuple[str, ...]) -> tuple[Policy, dict[str, Any]]:
    """Do what *advice* says, as somebody would who reads it."""
    for change in advice:
        for names, argument in re.findall(r"add ('.*?') to (allow_\w+)", change):
            added = re.findall(r"'([^']+)'", names)
            policy = policy_with(policy, change, **{argument: [*getattr(policy, argument), *added]})
        if "set allow_credentials=True" in change:
            named = re.match(r"name '([^']+)' instead of '\*'", change)
            origins = {"allow_origins": [named[1]]} if named else {}
            policy = policy_with(policy, change, allow_credentials=True, **origins)
        served = re.match(r"serve the page over https: the policy allows '(.*)'", change)
        if served:
            request = request | {"origin": served[1]}
        if "in upper case in the page" in change:
            request = request | {"method": request["method"].upper()}
    return policy, request


def policy_with(policy: Policy, change: str, **changes: Any) -> Policy:
    accepted = re.search(r"dangerously_allow=\[(.*)\]", change)
    if accepted:
        changes["dangerously_allow"] = re.findall(r"'([^']+)'", accepted[1])
    return policy.replace(**changes)


@given(
    policy=st.builds(
        Policy,
        st.sampled_from([[APP], ["https://other.example"], ["*"], ["https://*.example.com"], ["http://localhost:*"]]),
        allow_methods=st.sampled_from([[], ["PUT"], ["PATCH"], ["*"], ["patch"], ["Purge"]]),
        allow_headers=st.sampled_from([[], ["X-A"], ["*"], ["Authorization"]]),
    ),
    origin=st.sampled_from([APP, "https://a.example.com:8443", "http://localhost:3000", "http://b.example"]),
    method=st.sampled_from(["GET", "put", "patch", "PATCH", "delete", "purge"]),
    headers=st.lists(st.sampled_from(["X-A", "X-B", "Authorization", "Content-Type"]), unique=True),
    credentials=st.booleans(),
)
def test_who_follows_the_advice_is_allowed(policy: Policy, **request: Any) -> None:
    explained = explain(policy, **request)

    policy, request = followed(policy, request, explained.advice)

    assert bool(explained.advice) != explained.allowed
    assert len(set(explained.advice)) == len(explained.advice)
    assert explain(policy, **request).allowed


def test_what_is_allowed_needs_no_advice() -> None:
    explained = explain(POLICY, origin=APP, method="PATCH", headers={"X-A": "1", "Cookie": "a=b"})

    assert (explained.allowed, explained.advice, explained.reason) == (True, (), "allowed")
    assert (
        str(explained)
        == """\
PATCH https://api.example.com/ from https://app.example.com, credentials: same-origin
  the browser drops Cookie in silence: no page can set it
  a preflight is needed: PATCH is none of GET, HEAD and POST, the header x-a is not safelisted
  OPTIONS https://api.example.com/ asks for PATCH with x-a
      > Access-Control-Request-Method:   PATCH
      > Access-Control-Request-Headers:  x-a
      > Origin:                          https://app.example.com
      < 204
      < Access-Control-Allow-Origin:     https://app.example.com
      < Access-Control-Allow-Methods:    PATCH
      < Access-Control-Allow-Headers:    X-A
      < Access-Control-Max-Age:          600
  the preflight passes, and is kept for 600 s
  PATCH https://api.example.com/
      > Origin:                       https://app.example.com
      < 200
      < Access-Control-Allow-Origin:  https://app.example.com
  the CORS check passes: the page may read the response
  the page gets the response, of type 'cors'"""
    )


def test_an_engine_may_be_more_lenient_than_the_standard() -> None:
    request: dict[str, Any] = {"origin": APP, "headers": ["Authorization"]}

    assert not explain(Policy("*", allow_headers="*"), **request).allowed
    assert explain(Policy("*", allow_headers="*"), engine=Engine.FIREFOX, **request).allowed


@pytest.mark.parametrize("origin", ["https://later.example", "https://never.example"])
def test_a_check_that_takes_its_time(origin: str) -> None:
    policy = AnyOf(POLICY, Policy("https://x.example", allow_origin_check=_later, allow_methods=["PUT"]))

    async def within_a_loop() -> bool:
        return explain(policy, origin=origin, method="PUT").allowed

    assert explain(policy, origin=origin, method="PUT").allowed == (origin == "https://later.example")
    assert asyncio.run(within_a_loop()) == (origin == "https://later.example")


def test_the_page_of_the_api_itself_needs_no_policy() -> None:
    explained = explain(POLICY, origin="https://api.example.com", method="DELETE")

    assert explained.allowed
    assert "https://api.example.com is the page's own origin: CORS has no say" in str(explained)


def test_a_request_that_no_page_can_make_is_an_error() -> None:
    with pytest.raises(RequestError, match="no page can use the method 'TRACE': browsers forbid it"):
        explain(POLICY, origin=APP, method="TRACE")
    with pytest.raises(TypeError, match="explain takes a Policy, AnyOf or ByPath, not None"):
        explain(None, origin=APP)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an origin is text such as"):
        explain(POLICY, origin=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"an engine is Engine\.CHROMIUM or another"):
        explain(POLICY, origin=APP, engine="chromium")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="credentials is one of 'omit', 'same-origin', 'include', not 'yes'"):
        explain(POLICY, origin=APP, credentials="yes")  # type: ignore[arg-type]


def test_a_star_import_has_it_and_enforcing_a_policy_does_not_load_it() -> None:
    command = (
        "import crossorigin.asgi, sys; from crossorigin import Policy; print('crossorigin.browser' in sys.modules); "
    )
    command += (
        "from crossorigin import *; print(explain(Policy('https://a.example'), origin='https://a.example').allowed)"
    )

    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]


def test_what_does_not_exist_is_an_attribute_error() -> None:
    import crossorigin

    with pytest.raises(AttributeError, match="module 'crossorigin' has no attribute 'explian'"):
        _ = crossorigin.explian
