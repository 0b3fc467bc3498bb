"""P1: what is remembered of a question, and sent again, is what would be worked out anew, telling of it included."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.routing import Mount, Route, Router

import crossorigin.aiohttp
import crossorigin.starlette
from conformance.messages import Request, Response
from conformance.situations import APP, EVIL, SITUATIONS, Situation
from conformance.stacks import STACKS, Stack
from conformance.stacks.aiohttp import ask_aiohttp
from conformance.stacks.asgi import asgi_api, ask_asgi
from conformance.stacks.kui import serve_kui_asgi_route, serve_kui_wsgi_route
from conformance.stacks.wsgi import ask_wsgi, wsgi_api
from crossorigin import LEAVE, AnyOf, ByPath, Decision, Policy, asgi, memory, wsgi
from crossorigin.answer import Answer, Rules
from crossorigin.asgi import Message, Receive, Scope, Send
from crossorigin.compose import Relay
from crossorigin.memory import MAX_OUTCOMES, is_pure

ALLOWED = Policy(APP, allow_credentials=True, allow_methods=["PUT"], allow_headers=["X-A"], expose_headers=["X-B"])
STARRED = Policy(APP, allow_credentials=True, allow_methods="*", allow_headers="*")  # repeats what it is asked for
POLICIES: tuple[Rules, ...] = (
    ALLOWED,
    Policy("https://*.example.com", max_age=None),
    Policy("*", allow_methods="*", allow_headers="*"),
    Policy("*", allow_credentials=True, expose_headers="*", dangerously_allow=["any-origin-with-credentials"]),
    Policy(["null", APP], allow_private_network=True, dangerously_allow=["null-origin"]),
    AnyOf(ALLOWED, Policy("*")),
    Policy(APP, allow_origin_check=lambda origin: origin == EVIL),
    STARRED,
)
KUI_ROUTES = (
    Stack("kui-asgi-route", serve_kui_asgi_route, ask_asgi),
    Stack("kui-wsgi-route", serve_kui_wsgi_route, ask_wsgi),
)
GENERIC = tuple(one for one in STACKS if one.name in ("asgi", "wsgi"))
parametrize_stacks = pytest.mark.parametrize("stack", GENERIC, ids=lambda stack: stack.name)
parametrize_all_stacks = pytest.mark.parametrize("stack", [*STACKS, *KUI_ROUTES], ids=lambda stack: stack.name)


def app_of(stack: Stack, rules: Rules, inner: Rules | None = None, **options: Any) -> Any:
    """Return an application behind *rules*, on a generic stack perhaps with others further in that nobody can see."""
    if stack not in GENERIC:
        return stack.serve(rules, **options)
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
    remembering = app_of(stack, rules, inner, **options)
    anew = app_of(stack, forgetful(rules), None if inner is None else forgetful(inner), **options)

    assert_equal({"remembering": remembering, "anew": anew}, asked, stack)


@pytest.mark.parametrize(
    "stack", [*(one for one in STACKS if one not in GENERIC), *KUI_ROUTES], ids=lambda stack: stack.name
)
@given(
    rules=policies,
    options=st.fixed_dictionaries({}, optional={"enforce": st.booleans(), "preflight_status": st.just(200)}),
    asked=st.lists(requests, min_size=1, max_size=3),
)
def test_p1_what_any_other_stack_remembers_is_what_would_be_worked_out_anew(
    stack: Stack, rules: Rules, options: dict[str, Any], asked: list[Request]
) -> None:
    apps = {"remembering": stack.serve(rules, **options), "anew": stack.serve(forgetful(rules), **options)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossorigin.aiohttp._marks", 0)  # no handler in this process has a policy of its own
        assert_equal(apps, asked, stack)


def assert_equal(apps: dict[str, Any], asked: list[Request], stack: Stack) -> None:
    """Assert that the two of *apps* answer all that is *asked* alike, again and again, and log the same."""
    told: dict[str, list[Any]] = {"remembering": [], "anew": []}
    for request in [*asked, *asked, *asked]:
        answers = {name: told_of(told[name], stack.ask, app, request) for name, app in apps.items()}

        assert answers["remembering"] == answers["anew"]
    assert told["remembering"] == told["anew"]


def told_of(told: list[Any], ask: Callable[[Any, Request], Response], app: Any, request: Request) -> Response | str:
    """Return what *app* answers to *request*, or what it raises, and add to *told* what is logged meanwhile."""

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler, logger = Keeping(), logging.getLogger("crossorigin")
    logger.addHandler(handler)
    try:
        response = ask(app, request)
        # aiohttp adds the time, which may be another second's.
        return replace(response, headers=tuple(line for line in response.headers if line[0] != "Date"))
    except Exception as error:  # a policy on a route does not reach it
        return repr(error)
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


@pytest.mark.parametrize("stack", [*GENERIC, *KUI_ROUTES], ids=lambda stack: stack.name)
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


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_p1_what_differs_in_one_word_is_another_question(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossorigin.aiohttp._marks", 0)  # nothing in this process has a policy of its own
    policies = STARRED.replace(allow_origins=[APP, "https://b.example"], allow_private_network=True)
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
    if stack.ask is ask_asgi:  # WSGI servers join the lines of a header
        two = (("Origin", EVIL), ("Origin", APP))
        questions += [Request("GET", "/items", two), Request("OPTIONS", "/items", (*two, method, names))]
        questions += [Request("GET", "/items", (*two, method, names))]
    app = stack.serve(policies)
    anew = [stack.ask(stack.serve(policies), question) for question in questions]

    for _ in range(2):
        assert [told(stack.ask(app, question)) for question in questions] == list(map(told, anew))
    assert [told(stack.ask(app, question)) for question in reversed(questions)] == list(map(told, anew[::-1]))


def told(response: Response) -> object:
    return response.status, response.body, response.cors, sorted(response.vary)


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


@parametrize_all_stacks
def test_s18_a_guard_is_asked_each_time_since_it_looks_at_more(stack: Stack) -> None:
    app = app_of(stack, ALLOWED, enforce=True)
    ours = {"Sec-Fetch-Site": "same-origin"}
    foreign = Request.actual(EVIL, method="POST", **{"Sec-Fetch-Site": "cross-site"})
    own = Request.actual(EVIL, method="POST", **ours)

    assert [stack.ask(app, one).status for one in (foreign, own, foreign, own, foreign)] == [403, 200, 403, 200, 403]


@parametrize_all_stacks
def test_s20_an_observer_is_told_of_each_request(stack: Stack) -> None:
    told: list[Decision] = []
    app = app_of(stack, ALLOWED, observe=told.append)

    for _ in range(3):
        for request in (Request.actual(APP), Request.actual(EVIL), Request.preflight(APP), Request.actual(None)):
            stack.ask(app, request)

    assert [one.kind for one in told] == ["actual", "actual", "preflight"] * 3


@parametrize_all_stacks
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


@parametrize_all_stacks
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


@parametrize_all_stacks
def test_what_may_change_its_mind_is_never_remembered(stack: Stack) -> None:
    allowed = {EVIL}
    checked = Policy((), allow_origin_check=lambda origin: origin in allowed)

    class Moody(Policy):
        def actual(self, origin: str | None, path: str = "/") -> Answer:
            return super().actual(origin if allowed else None, path)

    class Wayward(AnyOf):
        def actual(self, origin: str | None, path: str = "/") -> Answer | None:
            return super().actual(origin if allowed else None, path)

    for rules in (
        checked,
        AnyOf(Policy(APP), checked),
        ByPath({"/": checked}),
        Moody(EVIL),
        Wayward(Policy(EVIL)),
        AnyOf(Moody(EVIL)),
    ):
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


@parametrize_stacks
def test_s11_what_is_remembered_further_in_is_not_what_is_remembered_alone(stack: Stack) -> None:
    # The outer rules leave some paths to the inner policy, and cover others with one of their own.
    module: Any = asgi if stack.name == "asgi" else wsgi
    inner = module.CORSMiddleware(asgi_api if stack.name == "asgi" else wsgi_api, ALLOWED)
    rules = ByPath({"/items": LEAVE, "/": Policy("https://other.example")})
    outer = module.CORSMiddleware(inner.__call__, rules)
    asked = [
        Request.actual(origin, path) for origin in (APP, None, EVIL) for path in ("/items", "/missing", "/items//x")
    ]
    anew = [stack.ask(app_of(stack, rules, ALLOWED), request) for request in asked]

    for _ in range(3):
        assert [stack.ask(outer, request) for request in asked] == anew


@parametrize_stacks
def test_s11_an_inner_policy_that_gives_nothing_is_obeyed_each_time(stack: Stack) -> None:
    app = app_of(stack, ALLOWED, ByPath({"/nowhere": ALLOWED}))

    for _ in range(3):
        assert stack.ask(app, Request.actual(APP)).cors == {}


@parametrize_stacks
@pytest.mark.parametrize("name", ["policy", "preflight_status", "enforce", "observe"])
def test_the_options_of_an_adapter_are_fixed(stack: Stack, name: str) -> None:
    app = app_of(stack, ALLOWED)

    with pytest.raises(AttributeError, match=f"{name} is fixed when a CORSMiddleware is built; build another one"):
        setattr(app, name, getattr(app, name))


@parametrize_stacks
def test_a_class_with_another_reply_is_asked_each_time(stack: Stack) -> None:
    module: Any = asgi if stack.name == "asgi" else wsgi
    told: list[Answer] = []

    class Telling(module.CORSMiddleware):  # type: ignore[misc]
        def reply(self, rules: Rules, asked: Any, answer: Answer) -> Any:
            told.append(answer)
            return super().reply(rules, asked, answer)

    app = Telling(asgi_api if stack.name == "asgi" else wsgi_api, ALLOWED)
    for _ in range(3):
        stack.ask(app, Request.actual(EVIL))

    assert len(told) == 3


@parametrize_stacks
def test_s20_a_log_that_is_switched_on_says_within_a_second_what_is_refused(
    stack: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    rules = Counting(ALLOWED)
    app = app_of(stack, rules)
    with caplog.at_level(logging.ERROR, logger="crossorigin"):
        for _ in range(5):
            stack.ask(app, Request.actual(EVIL))
    assert rules.asked == 1  # a log that nobody keeps makes no refusal dearer

    now += 1
    stack.ask(app, Request.actual(EVIL))
    assert len(caplog.messages) == 1


@parametrize_stacks
def test_p4_what_is_not_logged_in_a_flood_is_remembered(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossorigin.decisions.MAX_REMEMBERED", 3)
    rules = Counting(ALLOWED)
    app = app_of(stack, rules)
    for number in range(5):
        stack.ask(app, Request.actual(f"https://evil{number}.example"))
    asked = rules.asked

    for _ in range(5):
        stack.ask(app, Request.actual(EVIL))

    assert rules.asked == asked + 1


@parametrize_all_stacks
def test_s3_two_origin_lines_are_not_what_was_asked_by_one(stack: Stack) -> None:
    app = app_of(stack, ALLOWED)
    twice = Request("GET", "/items", (("Origin", APP), ("Origin", APP)))

    for _ in range(2):
        assert stack.ask(app, Request.actual(APP)).cors["allow-origin"] == APP
        assert stack.ask(app, twice).cors == {}


def test_a_wsgi_response_keeps_headers_that_are_there_for_one_reading() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", (line for line in [("X-A", "1"), ("Set-Cookie", "a=b")]))
        return [b"items"]

    covered = wsgi.CORSMiddleware(app, ALLOWED)
    for origin in (APP, EVIL, APP):
        assert ask_wsgi(covered, Request.actual(origin)).get("Set-Cookie") == "a=b"


def test_a_memory_is_never_that_of_rules_which_are_gone() -> None:
    memories: memory.Memories[int, Any] = memory.Memories()
    first = Policy(APP)
    kept, again = memories.of(first), memories.of(first)
    assert kept is again
    before = id(first)
    del first
    for _ in range(100):  # Python gives a new object the place of one that is gone
        another = Policy(EVIL)
        assert id(another) != before
        assert memories.of(another) is not kept


def test_p4_many_rules_fill_no_memory() -> None:
    memories: memory.Memories[int, Any] = memory.Memories()
    for _ in range(MAX_OUTCOMES + 10):
        memories.of(AnyOf(ALLOWED))

    assert len(memories._memories) < 100


def test_what_is_due_already_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    kept: memory.Memory[int, Any] = memory.Memory()
    for until in (None, 0.0, 999.0, 1000.0, 1001.0):
        kept.keep(until, memory.Outcome(None, until=until))

    assert set(kept) == {None, 1001.0}


@pytest.mark.parametrize("name", ["read", "rules_for", "reply", "quiet_until"])
@parametrize_stacks
def test_an_adapter_that_is_another_in_anything_remembers_nothing(stack: Stack, name: str) -> None:
    module: Any = asgi if stack.name == "asgi" else wsgi
    changed = type("Changed", (module.CORSMiddleware,), {name: lambda self, *given: None})

    assert changed(asgi_api if stack.name == "asgi" else wsgi_api, ALLOWED)._memory is None


def test_the_lines_of_a_preflight_are_a_list_of_its_own_each_time() -> None:
    app = app_of(STACKS[0], ALLOWED)
    for _ in range(3):
        asked = [(b"origin", APP.encode()), (b"access-control-request-method", b"PUT")]
        start = played(app, method="OPTIONS", headers=asked)[0]
        assert type(start["headers"]) is list
        start["headers"].clear()  # whoever is outside may do as it likes


@parametrize_stacks
def test_a_request_looks_the_same_from_outside_each_time(stack: Stack) -> None:
    seen: list[dict[str, Any]] = []
    app = app_of(stack, ALLOWED)

    async def outside_asgi(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        seen.append(scope)

    def outside_wsgi(environ: Any, start_response: Any) -> Any:
        body = app(environ, start_response)
        seen.append({name: value for name, value in environ.items() if name != "wsgi.input"})
        return body

    for _ in range(3):
        stack.ask(outside_asgi if stack.name == "asgi" else outside_wsgi, Request.actual(APP))

    assert [set(one) for one in seen] == [set(seen[0])] * 3
    assert "crossorigin.written" not in seen[0]


def played(app: Any, **scope: Any) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    asyncio.run(app({"type": "http", "method": "GET", "path": "/items", **scope}, receive, send))
    return sent


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"headers": None},
        {"headers": ((b"origin", APP.encode()),)},
        {"headers": [[b"origin", APP.encode()]]},
        {"headers": [(b"origin", bytearray(APP.encode()))]},
    ],
    ids=["missing", "None", "a tuple", "lists", "a bytearray"],
)
def test_headers_of_other_kinds_get_the_same_answer_each_time(headers: dict[str, Any]) -> None:
    app = app_of(STACKS[0], ALLOWED)
    first = played(app, **headers)

    assert (b"vary", b"Origin") in first[0]["headers"]
    assert [played(app, **headers) for _ in range(2)] == [first, first]
    assert played(app, headers=[(b"origin", APP.encode())]) == played(
        app_of(STACKS[0], ALLOWED), headers=[(b"origin", APP.encode())]
    )


def test_headers_that_are_there_for_one_reading_are_not_remembered() -> None:
    app = app_of(STACKS[0], ALLOWED)
    wanted = played(app_of(STACKS[0], ALLOWED), headers=[(b"origin", APP.encode())])

    for _ in range(2):
        played(app, headers=iter([(b"origin", APP.encode())]))
        assert played(app, headers=[(b"origin", APP.encode())]) == wanted


def test_a_response_keeps_headers_that_are_there_for_one_reading() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": iter([(b"x-a", b"1"), (b"", b"2")])})
        await send({"type": "http.response.body", "body": b""})

    covered = asgi.CORSMiddleware(app, ALLOWED)
    first = played(covered, headers=[(b"origin", APP.encode())])

    assert first[0]["headers"][:2] == [(b"x-a", b"1"), (b"", b"2")]
    assert [played(covered, headers=[(b"origin", APP.encode())]) for _ in range(2)] == [first, first]


# All but the WSGI side of Kui, which looks for the policy of the route each time.
@pytest.mark.parametrize("stack", [one for one in STACKS if one.name != "kui-wsgi"], ids=lambda stack: stack.name)
def test_p1_every_stack_remembers(stack: Stack) -> None:
    rules = Counting(ALLOWED)
    app = stack.serve(rules)

    answers = [stack.ask(app, Request.actual(APP)) for _ in range(5)]

    assert rules.asked == 1
    assert [one.cors for one in answers] == [answers[0].cors] * 5


def aiohttp_app() -> web.Application:
    async def saying(request: web.Request) -> web.Response:
        return web.Response(text=request.method)

    app = web.Application()
    app.router.add_get("/items", saying)
    crossorigin.aiohttp.setup(app, ALLOWED)
    return app


async def nothing(request: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize("ask_outside_first", [True, False])
def test_s11_what_is_remembered_outside_is_nothing_to_an_application_inside(
    ask_outside_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossorigin.aiohttp._marks", 0)  # no handler in this process has a policy of its own
    app, inner = web.Application(), web.Application()
    for one, origin in ((app, APP), (inner, EVIL)):
        crossorigin.aiohttp.setup(one, Policy(origin, allow_methods=["PUT"]))
        one.router.add_get("/items", nothing)
    app.add_subapp("/sub", inner)

    for path in ["/items", "/sub/items", "/items", "/sub/items"][not ask_outside_first :]:
        allowed, other = (EVIL, APP) if path.startswith("/sub") else (APP, EVIL)
        assert ask_aiohttp(app, Request.actual(allowed, path)).cors == {"allow-origin": allowed}
        assert ask_aiohttp(app, Request.actual(other, path)).cors == {}
        assert ask_aiohttp(app, Request.preflight(allowed, path=path)).status == 204
        assert ask_aiohttp(app, Request.preflight(other, path=path)).status == 403


def test_p1_a_mark_elsewhere_makes_no_preflight_dearer() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response()

    rules = Counting(ALLOWED)
    app = web.Application()
    app.router.add_get("/items", nothing)
    crossorigin.aiohttp.setup(app, rules)
    crossorigin.aiohttp.cors(Policy(EVIL))(elsewhere)
    for _ in range(5):
        assert ask_aiohttp(app, Request.preflight(APP)).status == 204
        assert ask_aiohttp(app, Request.preflight(APP, path="/missing")).status == 204
    assert rules.asked == 1

    next(iter(app.router.resources())).add_route("PUT", elsewhere)  # type: ignore[attr-defined]
    for _ in range(2):
        assert ask_aiohttp(app, Request.preflight(APP)).status == 403
        assert ask_aiohttp(app, Request.preflight(APP, "DELETE")).status == 204


def test_s11_a_handler_that_is_marked_late_gets_its_own_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossorigin.aiohttp._marks", 0)
    app = web.Application()
    crossorigin.aiohttp.setup(app, ALLOWED)

    async def items(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/items", items)
    assert [ask_aiohttp(app, Request.actual(APP, "/items")).cors["allow-origin"] for _ in range(3)] == [APP] * 3

    crossorigin.aiohttp.cors(Policy(EVIL))(items)

    assert ask_aiohttp(app, Request.actual(APP, "/items")).cors == {}
    assert ask_aiohttp(app, Request.actual(EVIL, "/items")).cors == {"allow-origin": EVIL}


def test_s11_a_route_that_is_added_late_to_a_resource_keeps_its_own_policy() -> None:
    async def marked(request: web.Request) -> web.Response:
        return web.Response(text="marked")

    other = Policy("https://b.example", allow_methods=["PUT"])
    crossorigin.aiohttp.cors(other)(marked)
    app = aiohttp_app()
    preflight = Request.preflight("https://b.example", "PUT")

    assert [ask_aiohttp(app, one).cors for one in (preflight, Request.actual("https://b.example"))] == [{}, {}]
    next(iter(app.router.resources())).add_route("PUT", marked)  # type: ignore[attr-defined]
    asked = preflight, Request.actual("https://b.example", method="PUT"), Request.actual(APP, method="PUT")

    assert [ask_aiohttp(app, one).cors.get("allow-origin") for one in asked] == [
        "https://b.example",
        "https://b.example",
        None,
    ]


def test_s17_a_handshake_is_no_actual_request_that_was_asked_before() -> None:
    app = aiohttp_app()
    handshake = Request.actual(EVIL, Upgrade="websocket", Connection="Upgrade")

    assert [ask_aiohttp(app, Request.actual(EVIL)).status for _ in range(2)] == [200, 200]
    assert [ask_aiohttp(app, handshake).status for _ in range(2)] == [403, 403]


def test_s11_a_starlette_application_inside_that_is_set_up_late_is_its_own_writer() -> None:
    async def items(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse("items")

    inner = Starlette(routes=[Route("/items", items)])
    outer = Starlette(routes=[Route("/items", items), Mount("/inner", inner)])
    crossorigin.starlette.setup(outer, ALLOWED)
    assert ask_asgi(outer, Request.actual(APP)).cors["allow-origin"] == APP
    crossorigin.starlette.setup(inner, Policy("https://b.example"))

    for _ in range(2):
        assert ask_asgi(outer, Request.actual(APP)).cors["allow-origin"] == APP
        assert ask_asgi(outer, Request.preflight("https://b.example", "GET", path="/inner/items")).status == 204
        assert ask_asgi(outer, Request.actual(APP, "/inner/items")).cors == {}


def test_s11_a_middleware_that_is_added_late_to_a_mounted_application_is_its_own_writer() -> None:
    async def items(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse("items")

    inner = Starlette(routes=[Route("/items", items, methods=["GET", "PUT"])])
    app = Starlette(routes=[Route("/items", items), Mount("/inner", app=inner)])
    crossorigin.starlette.setup(app, ALLOWED)
    assert ask_asgi(app, Request.actual(APP)).cors["allow-origin"] == APP
    inner.add_middleware(
        crossorigin.starlette.CORSMiddleware, policy=Policy("https://b.example", allow_methods=["PUT"])
    )

    for _ in range(2):
        assert ask_asgi(app, Request.preflight("https://b.example", "PUT", path="/inner/items")).status == 204
        assert ask_asgi(app, Request.actual(APP, "/inner/items")).cors == {}


def test_s11_a_route_that_is_added_late_to_a_mounted_router_keeps_its_own_policy() -> None:
    @crossorigin.starlette.cors(Policy("https://b.example"))
    async def marked(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse("marked")

    async def items(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse("items")

    router = Router([Route("/items", items)])
    app = Starlette(routes=[Mount("/inner", app=router)])
    crossorigin.starlette.setup(app, ALLOWED)
    assert ask_asgi(app, Request.actual(APP, "/inner/items")).cors["allow-origin"] == APP
    router.routes.append(Route("/marked", marked))

    assert ask_asgi(app, Request.actual("https://b.example", "/inner/marked")).cors == {
        "allow-origin": "https://b.example"
    }
    assert ask_asgi(app, Request.actual(APP, "/inner/marked")).cors == {}


def test_s12_the_page_for_an_exception_leaves_with_the_headers_each_time() -> None:
    async def fails(request: StarletteRequest) -> StarletteResponse:
        raise LookupError("on purpose")

    async def page(request: StarletteRequest, error: Exception) -> StarletteResponse:
        return StarletteResponse("the page", 500)

    app = Starlette(routes=[Route("/items", fails)], exception_handlers={Exception: page})
    app.add_middleware(crossorigin.starlette.CORSMiddleware, policy=ALLOWED)

    for _ in range(3):
        response = ask_asgi(app, Request.actual(APP))
        assert (response.status, response.body, response.cors["allow-origin"]) == (500, b"the page", APP)


def test_s12_a_body_that_fails_before_its_first_data_is_a_500_each_time() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("vary", "Accept"), ("access-control-max-age", "5")])
        yield from ()
        raise LookupError("on purpose")

    covered = wsgi.CORSMiddleware(app, ALLOWED)
    for _ in range(3):
        response = ask_wsgi(covered, Request.actual(APP))
        assert (response.status, response.cors["allow-origin"]) == (500, APP)


def test_s11_names_in_lower_case_are_replaced_and_merged_each_time() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("vary", "Accept"), ("access-control-max-age", "5")])
        return [b"items"]

    covered = wsgi.CORSMiddleware(app, ALLOWED)
    for _ in range(3):
        response = ask_wsgi(covered, Request.actual(APP))
        assert (response.vary, "max-age" in response.cors) == (["accept", "origin"], False)
