"""P1: what is remembered of a question, and sent again, is what would be worked out anew, telling of it included."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.messages import Request, Response
from conformance.situations import APP, EVIL, SITUATIONS, Situation
from conformance.stacks import STACKS, Stack
from conformance.stacks.asgi import asgi_api
from conformance.stacks.wsgi import wsgi_api
from crossorigin import AnyOf, ByPath, Decision, Policy, asgi, memory, wsgi
from crossorigin.answer import Answer, Rules
from crossorigin.asgi import Message, Receive, Scope, Send
from crossorigin.compose import Relay
from crossorigin.memory import MAX_OUTCOMES, is_pure

ALLOWED = Policy(APP, allow_credentials=True, allow_methods=["PUT"], allow_headers=["X-A"], expose_headers=["X-B"])
POLICIES: tuple[Rules, ...] = (
    ALLOWED,
    Policy("https://*.example.com", max_age=None),
    Policy("*", allow_methods="*", allow_headers="*"),
    Policy("*", allow_credentials=True, expose_headers="*", dangerously_allow=["any-origin-with-credentials"]),
    Policy(["null", APP], allow_private_network=True, dangerously_allow=["null-origin"]),
    AnyOf(ALLOWED, Policy("*")),
    Policy(APP, allow_origin_check=lambda origin: origin == EVIL),
)
parametrize_stacks = pytest.mark.parametrize("stack", [one for one in STACKS if one.name in ("asgi", "wsgi")])


def app_of(stack: Stack, rules: Rules, inner: Rules | None = None, **options: Any) -> Any:
    """Return an application behind *rules*, perhaps with others further in, where nobody can see them."""
    module: Any = asgi if stack.name == "asgi" else wsgi
    app: Any = asgi_api if stack.name == "asgi" else wsgi_api
    if inner is not None:
        covered = module.CORSMiddleware(app, inner, **options)
        app = covered.__call__  # which no adapter takes for one of its kind
    return module.CORSMiddleware(app, rules, **options)


def forgetful(rules: Rules) -> Rules:
    """Return rules that say the same, and that no adapter remembers."""
    relay = Relay(rules)
    assert not is_pure(relay)
    return relay


origins = st.sampled_from([None, APP, EVIL, "null", "https://a.example.com", "", "https://app.example.com/", "\xe9"])
lines = st.tuples(
    st.sampled_from(
        ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers", "Vary", "Sec-Fetch-Site"]
    ),
    st.sampled_from([APP, EVIL, "PUT", "GET", "x-a", "x-z", "same-origin", "true"]),
)
paths = st.sampled_from(
    ["/items", "/own-cors", "/varies", "/varies-on-all", "/fails", "/missing", "/counted", "/stream"]
)
requests = st.one_of(
    st.builds(Request.actual, origins, paths, st.sampled_from(["GET", "POST", "HEAD", "OPTIONS"])),
    st.builds(
        lambda origin, method, *names, path: Request.preflight(origin, method, *names, path=path),
        origins,
        st.sampled_from(["PUT", "GET", "patch", "GET, PUT", "TRACE"]),
        st.sampled_from(["x-a", "x-z", "x-a,,x-b", "<x>"]),
        path=paths,
    ),
    st.builds(lambda origin: Request.preflight(origin, Access_Control_Request_Private_Network="true"), origins),
    st.builds(
        lambda method, path, lines: Request(method, path, tuple(lines)),
        st.sampled_from(["GET", "OPTIONS"]),
        paths,
        st.lists(lines, max_size=4),
    ),
)
policies = st.sampled_from(POLICIES)


@parametrize_stacks
@given(
    rules=policies,
    inner=st.none() | policies | st.just(ByPath({"/nowhere": ALLOWED})),
    options=st.fixed_dictionaries({}, optional={"enforce": st.booleans(), "preflight_status": st.just(200)}),
    asked=st.lists(requests, min_size=1, max_size=3),
)
def test_p1_what_is_remembered_is_what_would_be_worked_out_anew(
    stack: Stack, rules: Rules, inner: Rules | None, options: dict[str, Any], asked: list[Request]
) -> None:
    told: dict[str, list[Any]] = {"remembering": [], "anew": []}
    apps = {
        "remembering": app_of(stack, rules, inner, **options),
        "anew": app_of(stack, forgetful(rules), None if inner is None else forgetful(inner), **options),
    }
    for request in [*asked, *asked, *asked]:
        answers = {name: told_of(told[name], stack.ask, app, request) for name, app in apps.items()}

        assert answers["remembering"] == answers["anew"]
    assert told["remembering"] == told["anew"]


def told_of(told: list[Any], ask: Callable[[Any, Request], Response], app: Any, request: Request) -> Response:
    """Return what *app* answers to *request*, and add to *told* what is logged meanwhile."""

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler, logger = Keeping(), logging.getLogger("crossorigin")
    logger.addHandler(handler)
    try:
        return ask(app, request)
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: f"{situation.rule}: {situation.name}")
def test_p1_a_situation_is_the_same_the_second_time(stack: Stack, situation: Situation) -> None:
    app = stack.serve(situation.policy)

    for _ in range(3):
        assert situation.problems(stack.ask(app, situation.request)) == []


class Counting(Relay):
    """Rules that count how often they are asked, and say that they may be remembered."""

    is_pure = True
    asked = 0

    def actual_reply(self, answer: Answer) -> Answer:
        self.asked += 1
        return answer

    def preflight_reply(self, answer: Answer, *question: Any) -> Answer:
        self.asked += 1
        return answer


@parametrize_stacks
@pytest.mark.parametrize(
    "request_",
    [
        Request.actual(None),
        Request.actual(APP),
        Request.actual(EVIL),
        Request.preflight(APP, "PUT", "x-a"),
        Request.preflight(APP, "PATCH"),
        Request.preflight(EVIL, "PUT"),
    ],
    ids=["no origin", "allowed", "denied", "preflight allowed", "preflight not granted", "preflight denied"],
)
def test_p1_the_same_question_is_asked_once(stack: Stack, request_: Request) -> None:
    rules = Counting(ALLOWED)
    app = app_of(stack, rules)

    answers = [stack.ask(app, request_) for _ in range(5)]

    assert rules.asked == 1
    assert answers == [answers[0]] * 5


@parametrize_stacks
def test_p1_what_differs_in_one_word_is_another_question(stack: Stack) -> None:
    policies = Policy([APP, "https://b.example"], allow_private_network=True, allow_methods=["PUT"])
    asked = Request.preflight(APP, "PUT", "x-a")
    method, names = asked.headers[1:]
    questions = [
        asked,
        Request("GET", "/items", asked.headers),
        Request("OPTIONS", "/items", asked.headers[:1]),
        Request("OPTIONS", "/items", (method, names)),
        Request("OPTIONS", "/items", (*asked.headers, ("Access-Control-Request-Private-Network", "true"))),
        Request("OPTIONS", "/items", (*asked.headers, ("Access-Control-Request-Headers", "x-b"))),
        Request.preflight(APP, "DELETE", "x-a"),
        Request.preflight("https://b.example", "PUT", "x-a"),
        Request.actual(APP),
        Request.actual("https://b.example"),
    ]
    if stack.name == "asgi":  # WSGI servers join the lines of a header
        two = (("Origin", EVIL), ("Origin", APP))
        questions += [Request("GET", "/items", two), Request("OPTIONS", "/items", (*two, method, names))]
        questions += [Request("GET", "/items", (*two, method, names))]
    app = app_of(stack, policies)
    anew = [stack.ask(app_of(stack, policies), question) for question in questions]

    for _ in range(2):
        assert [stack.ask(app, question) for question in questions] == anew
    assert [stack.ask(app, question) for question in reversed(questions)] == anew[::-1]


def test_s12_an_exception_behind_the_start_of_a_response_is_nothing_but_raised() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("too late")

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    covered = asgi.CORSMiddleware(app, ALLOWED)
    for _ in range(3):
        sent.clear()
        with pytest.raises(LookupError, match="too late"):
            asyncio.run(covered({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send))
        assert sent == [{"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Origin")]}]


@parametrize_stacks
def test_s18_a_guard_is_asked_each_time_since_it_looks_at_more(stack: Stack) -> None:
    app = app_of(stack, ALLOWED, enforce=True)
    ours = {"Sec-Fetch-Site": "same-origin"}
    foreign = Request.actual(EVIL, method="POST", **{"Sec-Fetch-Site": "cross-site"})
    own = Request.actual(EVIL, method="POST", **ours)

    assert [stack.ask(app, one).status for one in (foreign, own, foreign, own, foreign)] == [403, 200, 403, 200, 403]


@parametrize_stacks
def test_s20_an_observer_is_told_of_each_request(stack: Stack) -> None:
    told: list[Decision] = []
    app = app_of(stack, ALLOWED, observe=told.append)

    for _ in range(3):
        for request in (Request.actual(APP), Request.actual(EVIL), Request.preflight(APP), Request.actual(None)):
            stack.ask(app, request)

    assert [one.kind for one in told] == ["actual", "actual", "preflight"] * 3


@parametrize_stacks
def test_s20_a_refusal_is_logged_again_after_a_minute(
    stack: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(stack, ALLOWED)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def ask_twice() -> int:
        for _ in range(2):
            stack.ask(app, Request.actual(EVIL))
            stack.ask(app, Request.preflight(APP, "PATCH"))
        return len(caplog.messages)

    assert ask_twice() == 2
    now += 59
    assert ask_twice() == 2
    now += 2
    assert ask_twice() == 4


@parametrize_stacks
def test_s20_a_page_of_the_same_origin_does_not_silence_a_foreign_one(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(stack, ALLOWED)

    for _ in range(2):
        stack.ask(app, Request.actual(EVIL, method="POST", Sec_Fetch_Site="same-origin"))
    assert caplog.messages == []
    stack.ask(app, Request.actual(EVIL, method="POST", Sec_Fetch_Site="cross-site"))

    assert len(caplog.messages) == 1


@parametrize_stacks
def test_p4_a_flood_of_questions_fills_no_memory(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(stack, Policy("https://*.example.com"))
    kept: Any = app._memory

    for number in range(MAX_OUTCOMES + 10):
        stack.ask(app, Request.actual(f"https://a{number}.example.com"))
    assert len(kept) < 100

    names = ",".join(f"x-{number}" for number in range(1000))
    stack.ask(app, Request.preflight("https://a.example.com", "PUT", names))
    stack.ask(app, Request.preflight("https://a.example.com", "PUT", Access_Control_Request_Private_Network=names))
    assert sum(memory._length(question) for question in kept) < 100 * 100


@parametrize_stacks
def test_what_may_change_its_mind_is_never_remembered(stack: Stack) -> None:
    allowed = {EVIL}
    checked = Policy((), allow_origin_check=lambda origin: origin in allowed)

    class Moody(Policy):
        def actual(self, origin: str | None, path: str = "/") -> Answer:
            return super().actual(origin if allowed else None, path)

    for rules in (checked, AnyOf(Policy(APP), checked), ByPath({"/": checked}), Moody(EVIL)):
        app = app_of(stack, rules)
        allowed.add(EVIL)
        assert stack.ask(app, Request.actual(EVIL)).cors
        allowed.clear()
        assert not stack.ask(app, Request.actual(EVIL)).cors


@parametrize_stacks
def test_whoever_tries_again_with_the_same_request_starts_anew(stack: Stack) -> None:
    # A cascade: where the first application has nothing, the second gets the very same scope or environment.
    first, second = app_of(stack, ALLOWED, Policy(EVIL)), app_of(stack, Policy(APP))
    request = Request.actual(APP, "/missing")

    def cascade_wsgi(environ: Any, start_response: Any) -> Any:
        first(environ, lambda *_: lambda data: None)
        return second(environ, start_response)

    async def cascade_asgi(scope: Any, receive: Any, send: Any) -> None:
        async def nowhere(message: Any) -> None: ...

        await first(scope, receive, nowhere)
        await second(scope, receive, send)

    for _ in range(3):
        response = stack.ask(cascade_asgi if stack.name == "asgi" else cascade_wsgi, request)
        assert response.cors == {"allow-origin": APP}
