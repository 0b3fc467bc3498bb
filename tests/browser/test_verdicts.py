"""B1 and B2: a fetch is a generator, and every way in which it can end is a verdict."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossorigin.browser import (
    BLOCKS,
    ENGINES,
    Browser,
    Engine,
    Exchange,
    HTTPRequest,
    HTTPResponse,
    NoResponse,
    Request,
    Stage,
    Verdict,
    VisibleResponse,
    run,
    run_async,
)

from .playing import (
    ANY,
    API,
    CREDENTIALS,
    EXPOSE,
    GET,
    HEADERS,
    INCLUDE,
    MAX_AGE,
    METHODS,
    NULL,
    OTHER,
    OURS,
    PAGE,
    PUT,
    WITH_TOKEN,
    X_A,
    play,
    redirect,
    reply,
    requests,
    visible,
)


def test_b1_a_fetch_can_be_driven_by_hand() -> None:
    fetching = Browser().fetch(Request.of(API, method="PUT"), origin=PAGE)

    preflight = next(fetching)
    actual = fetching.send(reply(ANY, METHODS + "PUT", status=204))
    with pytest.raises(StopIteration) as end:
        fetching.send(reply(ANY))

    assert (preflight.method, preflight.is_preflight) == ("OPTIONS", True)
    assert (actual.method, actual.is_preflight) == ("PUT", False)
    assert end.value.value.allowed


def test_b1_nothing_is_asked_before_the_generator_is_started() -> None:
    browser = Browser()

    browser.fetch(Request.of(API, method="PUT"), origin=PAGE).close()

    assert play(reply(ANY, METHODS + "PUT"), reply(ANY), browser=browser, method="PUT").preflights


def test_b1_a_fetch_that_is_given_up_leaves_the_browser_usable() -> None:
    browser = Browser()
    fetching = browser.fetch(Request.of(API, method="PUT"), origin=PAGE)
    next(fetching)

    fetching.close()

    assert play(reply(ANY, METHODS + "PUT"), reply(ANY), browser=browser, method="PUT").allowed


@pytest.mark.parametrize(
    "answers",
    [
        [reply(ANY, METHODS + "PUT"), reply(ANY)],
        [reply(ANY), reply(ANY)],
        [reply(status=500)],
        [NoResponse("connection refused")],
        [reply(ANY, METHODS + "PUT"), redirect("/moved", ANY, status=307), reply(ANY, METHODS + "PUT"), reply(ANY)],
    ],
)
def test_b1_both_drivers_come_to_the_same_verdict(answers: list[HTTPResponse | NoResponse]) -> None:
    request = Request.of(API, method="PUT")
    left, left_async = list(answers), list(answers)

    async def send(_: HTTPRequest) -> HTTPResponse | NoResponse:
        await asyncio.sleep(0)
        return left_async.pop(0)

    verdict = run(Browser().fetch(request, origin=PAGE), lambda _: left.pop(0))
    verdict_async = asyncio.run(run_async(Browser().fetch(request, origin=PAGE), send))

    assert verdict == verdict_async
    assert left == left_async


def test_b1_what_the_network_raises_is_the_callers() -> None:
    def send(_: HTTPRequest) -> HTTPResponse:
        raise KeyError("a mistake in the transport")

    with pytest.raises(KeyError, match="a mistake in the transport"):
        run(Browser().fetch(Request.of(API), origin=PAGE), send)


class Story(NamedTuple):
    """A request and the server's answers, and how it ends."""

    code: str
    stage: Stage
    says: str
    request: dict[str, Any]
    answers: list[HTTPResponse | NoResponse]


BLOCKED = [
    Story("origin-malformed", "request",
          "no page has the origin 'https://App.example.com/'; a browser there sends 'https://app.example.com'",
          {"origin": "https://App.example.com/"}, []),
    Story("origin-malformed", "request", "no page has the origin '*'", {"origin": "*"}, []),
    Story("mode-same-origin", "request", f"has mode 'same-origin', and {API} is of another origin",
          {"mode": "same-origin"}, []),
    Story("mode-no-cors-redirect", "request", "this one has redirect='manual'",
          {"mode": "no-cors", "redirect": "manual"}, []),
    Story("scheme-not-http", "request", "a page fetches from other origins over http and https only, not ftp",
          {"url": "ftp://files.example.com/"}, []),
    Story("no-response", "response", "no response came: connection refused",
          GET, [NoResponse("connection refused")]),
    Story("no-response", "preflight", "the preflight fails: no response came: timed out",
          PUT, [NoResponse("timed out")]),
    Story("allow-origin-missing", "response", "no Access-Control-Allow-Origin header is present",
          GET, [reply()]),
    Story("allow-origin-missing", "preflight", "the preflight fails: no Access-Control-Allow-Origin",
          PUT, [reply(METHODS + "PUT")]),
    Story("allow-origin-missing", "redirect", "the redirect fails: no Access-Control-Allow-Origin",
          GET, [redirect("/moved")]),
    Story("allow-origin-wildcard", "response", "'*', which never counts for a request whose credentials mode is",
          INCLUDE, [reply(ANY, CREDENTIALS)]),
    Story("allow-origin-several", "response", f"contains several values, '{PAGE}, {OTHER}', and only one is allowed",
          GET, [reply(f"{OURS}, {OTHER}")]),
    Story("allow-origin-several", "response", f"contains several values, '*, {PAGE}'",
          GET, [reply(ANY, OURS)]),
    Story("allow-origin-malformed", "response", f"is '{PAGE}/', which is not the origin of any page",
          GET, [reply(f"{OURS}/")]),
    Story("allow-origin-other", "response", f"is '{OTHER}', which is not the request's origin, '{PAGE}'",
          GET, [reply(f"Access-Control-Allow-Origin: {OTHER}")]),
    Story("allow-origin-other", "response", f"is 'null', which is not the request's origin, '{PAGE}'",
          GET, [reply(NULL)]),
    Story("allow-credentials-missing", "response", "no Access-Control-Allow-Credentials header is present",
          INCLUDE, [reply(OURS)]),
    Story("allow-credentials-not-true", "response", "Access-Control-Allow-Credentials is 'True', and must be 'true'",
          INCLUDE, [reply(OURS, "Access-Control-Allow-Credentials: True")]),
    Story("preflight-redirect", "preflight", "it is a redirect (307), and a preflight follows none",
          PUT, [redirect("/moved", ANY, METHODS + "PUT", status=307)]),
    Story("preflight-status", "preflight", "its status is 404, not an ok status (200 to 299)",
          PUT, [reply(ANY, METHODS + "PUT", status=404)]),
    Story("allow-methods-malformed", "preflight", "Access-Control-Allow-Methods is 'PUT GET', which is not a list",
          PUT, [reply(ANY, METHODS + "PUT GET")]),
    Story("allow-headers-malformed", "preflight", "Access-Control-Allow-Headers is 'x-a; x-b', which is not a list",
          X_A, [reply(ANY, HEADERS + "x-a; x-b")]),
    Story("method-not-allowed", "preflight", "the method PUT is not allowed by Access-Control-Allow-Methods (DELETE)",
          PUT, [reply(ANY, METHODS + "DELETE")]),
    Story("method-not-allowed", "preflight", "Access-Control-Allow-Methods (which lists nothing)",
          PUT, [reply(ANY)]),
    Story("method-case", "preflight", "browsers upper-case only DELETE, GET, HEAD, OPTIONS, POST and PUT",
          {"method": "patch"}, [reply(ANY, METHODS + "PATCH")]),
    Story("method-wildcard", "preflight", "the method PUT is not allowed by Access-Control-Allow-Methods (*): '*'",
          PUT | INCLUDE, [reply(OURS, CREDENTIALS, METHODS + "*")]),
    Story("authorization-wildcard", "preflight", "the header authorization is not allowed by Access-Control-Allow-He",
          WITH_TOKEN, [reply(ANY, HEADERS + "*")]),
    Story("header-not-allowed", "preflight", "the header x-a is not allowed by Access-Control-Allow-Headers (x-b)",
          X_A, [reply(ANY, HEADERS + "x-b")]),
    Story("header-wildcard", "preflight", "the header x-a is not allowed by Access-Control-Allow-Headers (*): '*'",
          X_A | INCLUDE, [reply(OURS, CREDENTIALS, HEADERS + "*")]),
    Story("redirect-error", "redirect", "the response is a redirect (302), and the request has redirect='error'",
          {"redirect": "error"}, [redirect("/moved", ANY)]),
    Story("redirect-location-malformed", "redirect", "the redirect's Location, 'https://:80', is not a URL",
          GET, [redirect("https://:80", ANY)]),
    Story("redirect-scheme", "redirect", "the redirect leads to 'data:,hello', which is neither http nor https",
          GET, [redirect("data:,hello", ANY)]),
    Story("redirect-count", "redirect", "there are more than 20 redirects",
          GET, [redirect("/moved", ANY)] * 21),
    Story("redirect-credentials", "redirect", "a URL with a user name in it, 'https://me@api.example.com/'",
          GET, [redirect("https://me@api.example.com/", ANY)]),
    Story("redirect-streaming", "redirect", "the redirect (307) asks for the body again, and a stream cannot be",
          {"method": "POST", "streaming": True}, [reply(ANY), redirect("/moved", ANY, status=307)]),
    Story("resource-policy", "response", "Cross-Origin-Resource-Policy is 'same-origin', and the page is of another o",
          {"mode": "no-cors"}, [reply("Cross-Origin-Resource-Policy: same-origin")]),
]  # fmt: skip


@pytest.mark.parametrize("story", BLOCKED, ids=lambda story: f"{story.code}, {story.stage}")
def test_b2_a_blocked_fetch_says_which_rule_blocked_it(story: Story) -> None:
    verdict = play(*story.answers, **story.request)

    assert (verdict.allowed, verdict.code, verdict.stage) == (False, story.code, story.stage)
    assert story.says in verdict.message
    assert verdict.clause == BLOCKS[story.code].clause
    assert verdict.steps[-1].startswith("blocked: ")
    assert verdict.response is None


def test_b2_every_way_to_be_blocked_has_its_story() -> None:
    assert {story.code for story in BLOCKED} == set(BLOCKS)


def test_b2_a_message_opens_with_the_request_and_the_page() -> None:
    assert play(reply(), url=API + "?page=2#top", method="post").message == (
        f"POST {API}?page=2 from {PAGE} is blocked: no Access-Control-Allow-Origin header is present"
    )


def test_b2_details_hold_what_the_sentence_is_about() -> None:
    verdict = play(reply(ANY, METHODS + "PATCH, DELETE"), method="PUT")

    assert verdict.details == {"method": "PUT", "allowed": "PATCH, DELETE"}


def test_b2_an_allowed_fetch_is_a_verdict_too() -> None:
    verdict = play(reply(ANY))

    assert (verdict.allowed, verdict.code, verdict.stage) == (True, "allowed", "response")
    assert verdict.message == f"the page on {PAGE} gets the response of {API}"


def test_b2_exchanges_are_all_that_went_over_the_network_in_order() -> None:
    answers = [reply(ANY, METHODS + "PUT"), reply(ANY)]

    verdict = play(*answers, method="PUT")

    assert [(exchange.request.method, exchange.response) for exchange in verdict.exchanges] == [
        ("OPTIONS", answers[0]),
        ("PUT", answers[1]),
    ]
    assert verdict.preflights == verdict.exchanges[:1]


def test_b2_a_response_that_never_came_is_an_exchange() -> None:
    verdict = play(NoResponse("reset"))

    assert verdict.exchanges == (Exchange(requests(verdict)[0], NoResponse("reset")),)


def test_b2_steps_tell_what_happened() -> None:
    verdict = play(reply(ANY, METHODS + "PUT", HEADERS + "x-a", MAX_AGE + "60"), reply(ANY), method="PUT", **X_A)

    assert verdict.steps == (
        "a preflight is needed: PUT is none of GET, HEAD and POST, the header x-a is not safelisted",
        f"OPTIONS {API} asks for PUT with x-a",
        "the preflight passes, and is kept for 60 s",
        f"PUT {API}",
        "the CORS check passes: the page may read the response",
        "the page gets the response, of type 'cors'",
    )


def test_b2_the_page_sees_the_response() -> None:
    response = visible(play(reply(ANY, "Content-Type: text/plain", "X-Secret: 1", status=404, body=b"not here")))

    assert response == VisibleResponse("cors", API, 404, (("Content-Type", "text/plain"),), b"not here")


def test_b2_verdicts_are_values() -> None:
    assert play(reply(ANY)) == play(reply(ANY)) != play(reply(OURS))


latin_1 = st.text(st.characters(max_codepoint=255), max_size=30)
origins = st.sampled_from([PAGE, "null", "http://localhost:3000", "https://app.example.com."])
lists = st.lists(
    st.sampled_from(["*", "PUT", "put", "x-a", "X-A", "authorization", "", '"x"', "x y"]) | latin_1, max_size=4
).map(", ".join)
locations = st.one_of(
    latin_1,
    st.sampled_from(["/", "/moved", f"{PAGE}/", f"{OTHER}/", "https://me@api.example.com/", "data:,", "//", "?a#b"]),
    st.builds("{}://{}{}".format, st.sampled_from(["https", "HTTP", "ws", "blob:https"]), latin_1, latin_1),
    st.text("./:@?#[]%a0\\", max_size=20).map("https://".__add__),
    st.integers(0, 100_000).map(lambda length: "/" + "a" * length),
)
cookies = st.builds(
    "{}={}; {}={}".format,
    latin_1,
    latin_1,
    st.sampled_from(["Max-Age", "Expires", "Domain", "Path", "SameSite", "Secure", "Version", "Port", ""]),
    latin_1 | st.sampled_from(["9" * 5000, "None", "example.com", "Fri, 31 Dec 9999999 23:59:59 GMT"]),
)
odd_case: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str.title, str.upper, str.lower])


def header(name: str, *values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(odd_case.map(lambda case: case(name)), st.one_of(*values, latin_1))


allow_origin = header("Access-Control-Allow-Origin", origins, st.just("*"), st.just(OTHER))
header_lines = st.one_of(
    header("Access-Control-Allow-Credentials", st.sampled_from(["true", "True", "true,true"])),
    header("Access-Control-Allow-Methods", lists),
    header("Access-Control-Allow-Headers", lists),
    header("Access-Control-Expose-Headers", lists),
    header("Access-Control-Max-Age", st.integers().map(str), st.just("9" * 10_000)),
    header("Location", locations),
    header("Set-Cookie", cookies),
    header("Timing-Allow-Origin", lists),
    header("Cross-Origin-Resource-Policy", st.sampled_from(["same-origin", "same-site", "cross-origin"])),
    st.tuples(latin_1, latin_1),
)
GOOD = ("Access-Control-Allow-Methods", "*, PUT, patch"), ("Access-Control-Allow-Headers", "*, x-a, authorization")


@st.composite
def responses(draw: st.DrawFn) -> HTTPResponse | NoResponse:
    """Anything that a server can send, and often enough something that lets the fetch go on."""
    if draw(st.integers(0, 19)) == 0:
        return NoResponse(draw(st.text(max_size=300)))
    lines = draw(st.lists(allow_origin, max_size=2) | st.just([("Access-Control-Allow-Origin", "$ORIGIN")]))
    if draw(st.booleans()):
        lines += [*GOOD, ("Access-Control-Allow-Credentials", "true")]
    lines += draw(st.lists(header_lines, max_size=5))
    status = draw(st.sampled_from([200, 204, 301, 302, 303, 307, 308, 304, 404, 0, 1000]) | st.integers())
    return HTTPResponse(status, tuple(lines), draw(st.binary(max_size=8)))


asked = st.builds(
    Request.of,
    st.sampled_from([API, f"{PAGE}/", "http://localhost:8000/", f"{OTHER}/a?b"]),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "patch", "OPTIONS"]),
    headers=st.sampled_from([(), (("X-A", "1"),), (("Authorization", "t"), ("Range", "bytes=0-1"))]),
    credentials=st.sampled_from(["omit", "same-origin", "include"]),
    redirect=st.sampled_from(["follow", "follow", "error", "manual"]),
    streaming=st.booleans(),
) | st.builds(Request.of, st.just(API), mode=st.sampled_from(["no-cors", "same-origin"]), method=st.just("POST"))


def is_sound(verdict: Verdict) -> bool:
    return (
        verdict.code in (["allowed"] if verdict.allowed else BLOCKS)
        and verdict.stage in get_args(Stage)
        and (verdict.response is not None) == verdict.allowed
        and verdict.message.isprintable()
        and len(verdict.message) < 2000
        and verdict.steps != ()
    )


@given(
    request=asked,
    origin=origins,
    answers=st.lists(responses(), min_size=1, max_size=5),
    engine=st.sampled_from(["standard", *ENGINES]),
)
@example(
    request=Request.of(API, method="PUT"),
    origin=PAGE,
    answers=[reply(ANY, METHODS + "PUT"), redirect("/" + "a" * 5000, ANY)],
    engine="standard",
)
@example(request=Request.of(API), origin=PAGE, answers=[redirect("/" + "a" * 5000, ANY), reply(ANY)], engine="standard")
@settings(max_examples=500, deadline=None)
def test_whatever_a_server_answers_is_a_verdict(
    request: Request, origin: str, answers: list[HTTPResponse | NoResponse], engine: str
) -> None:
    browser = Browser(ENGINES.get(engine, Engine.STANDARD))
    for _ in range(2):  # the second time with the cookies and the preflights of the first
        count = 0

        def send(sent: HTTPRequest) -> HTTPResponse | NoResponse:
            nonlocal count
            count += 1
            answer = answers[(count - 1) % len(answers)]
            if isinstance(answer, NoResponse):
                return answer
            shown = sent.get("Origin") or "*"
            lines = ((name, shown if value == "$ORIGIN" else value) for name, value in answer.headers)
            return HTTPResponse(answer.status, tuple(lines), answer.body)

        verdict = run(browser.fetch(request, origin=origin), send)

        assert is_sound(verdict), verdict
        assert len(verdict.exchanges) == count <= 42


def numbered(size: int) -> str:
    return ",".join(f"x{number}" for number in range(size // 8))


HUGE: dict[str, Callable[[int], HTTPResponse]] = {
    "commas for methods": lambda size: reply(ANY, METHODS + "," * size),
    "methods": lambda size: reply(ANY, METHODS + numbered(size), METHODS + "PUT"),
    "headers": lambda size: reply(ANY, METHODS + "PUT", HEADERS + numbered(size)),
    "lines": lambda size: reply(ANY, METHODS + "PUT", *["X-A: 1"] * (size // 8)),
    "blanks": lambda size: reply(ANY, METHODS + "PUT" + " \t" * (size // 2) + "x"),
    "origins": lambda size: reply("Access-Control-Allow-Origin: " + f"{PAGE}, " * (size // 25)),
    "an origin": lambda size: reply("Access-Control-Allow-Origin: https://" + "a." * (size // 2)),
    "digits": lambda size: reply(ANY, METHODS + "PUT", MAX_AGE + "9" * size),
    "exposed": lambda size: reply(ANY, METHODS + "PUT", EXPOSE + "x-a," * (size // 4)),
    "quotes for timing": lambda size: reply(ANY, METHODS + "PUT", "Timing-Allow-Origin: " + '"\\' * (size // 2)),
    "a location": lambda size: redirect("/" + "../a" * (size // 4), ANY, METHODS + "PUT"),
    "a cookie": lambda size: reply(OURS, CREDENTIALS, METHODS + "PUT", "Set-Cookie: a=1" + "; \t" * (size // 3)),
}


@pytest.mark.parametrize("huge", HUGE)
@pytest.mark.parametrize("words", [PUT, GET, INCLUDE], ids=["preflight", "response", "credentials"])
def test_the_time_that_a_huge_answer_takes_is_in_proportion_to_its_size(huge: str, words: dict[str, Any]) -> None:
    def seconds(size: int) -> float:
        answer = HUGE[huge](size)
        start = time.thread_time()
        verdict = run(Browser().fetch(Request.of(API, **words), origin=PAGE), lambda _: answer)
        assert is_sound(verdict)
        return time.thread_time() - start

    # Quadratic would be 64 times; a fixed cost and a busy machine make up for what lies between.
    few = min(seconds(10_000) for _ in range(3))
    many = min(seconds(80_000) for _ in range(3))

    assert many < 30 * few + 0.02
