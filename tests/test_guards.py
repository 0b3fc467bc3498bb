"""S17 and S18: the guards that CORS itself does not give, and what an observer is told of every decision."""

import asyncio
from typing import Any

import pytest

from conformance.messages import Request
from conformance.stacks import STACKS, Stack
from conformance.stacks.asgi import asgi_api
from crossorigin import Decision, Policy
from crossorigin.asgi import CORSMiddleware, Message, Receive, Scope, Send

APP = "https://app.example.com"
EVIL = "https://evil.example"
POLICY = Policy(APP, allow_methods=["PUT"])

parametrize_stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


@parametrize_stacks
@pytest.mark.parametrize("origin", [EVIL, "null", "https://app.example.com/", "http://[", "", "\x00"])
def test_s18_a_denied_request_never_reaches_the_application(stack: Stack, origin: str) -> None:
    response = stack.ask(stack.serve(POLICY, enforce=True), Request.actual(origin, "/fails", method="POST"))

    assert (response.status, response.cors, response.vary) == (403, {}, ["origin"])
    assert response.error is None
    assert b"CORS: the origin" in response.body


@parametrize_stacks
@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (APP, {}),
        (None, {}),
        ("http://api.example.com", {}),
        ("https://api.example.com", {}),
        ("https://behind-a-proxy.example", {"Sec_Fetch_Site": "same-origin"}),
        ("null", {"Sec_Fetch_Site": "same-origin"}),
        (EVIL, {"Sec_Fetch_Site": "none"}),
    ],
    ids=[
        "allowed",
        "no Origin",
        "own host",
        "own host behind a proxy",
        "same-origin",
        "same-origin, origin hidden",
        "typed by the user",
    ],
)
def test_s18_allowed_and_same_origin_requests_pass(stack: Stack, origin: str | None, headers: dict[str, str]) -> None:
    response = stack.ask(stack.serve(POLICY, enforce=True), Request.actual(origin, method="POST", **headers))

    assert response.body == b"items"


@parametrize_stacks
@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        ("http://api.example.com:8080", {}),
        ("https://api.example.com:8443", {}),
        ("http://api.example.com", {"Sec_Fetch_Site": "cross-site"}),
        ("http://api.example.com", {"Sec_Fetch_Site": "same-site"}),
    ],
)
def test_s18_another_scheme_or_port_is_not_the_same_origin(stack: Stack, origin: str, headers: dict[str, str]) -> None:
    response = stack.ask(stack.serve(POLICY, enforce=True), Request.actual(origin, method="POST", **headers))

    assert response.status == 403


@parametrize_stacks
def test_s18_without_enforcement_the_request_runs_and_the_answer_is_hidden(stack: Stack) -> None:
    response = stack.ask(stack.serve(POLICY), Request.actual(EVIL, method="POST"))

    assert (response.body, response.cors) == (b"items", {})


def handshake(
    app: Any, origin: str | None, *, path: str = "/ws", extensions: Any = None, **headers: str
) -> list[Message]:
    lines = [(b"host", b"api.example.com")]
    lines += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if origin is not None:
        lines.append((b"origin", origin.encode()))
    scope: Scope = {"type": "websocket", "path": "/ws", "scheme": "ws", "headers": lines}
    if extensions is not None:
        scope["extensions"] = extensions
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


async def accepting(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


ACCEPTED = [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (APP, {}),
        (None, {}),
        ("http://api.example.com", {}),
        ("https://api.example.com", {}),
        ("https://behind-a-proxy.example", {"sec_fetch_site": "same-origin"}),
    ],
)
def test_s17_allowed_and_same_origin_handshakes_and_clients_without_origin_pass(
    origin: str | None, headers: dict[str, str]
) -> None:
    assert handshake(CORSMiddleware(accepting, POLICY), origin, **headers) == ACCEPTED


@pytest.mark.parametrize("origin", [EVIL, "null", "https://api.example.com:8443", "http://["])
def test_s17_a_foreign_handshake_is_closed_before_it_is_accepted(origin: str) -> None:
    assert handshake(CORSMiddleware(accepting, POLICY), origin) == [
        {"type": "websocket.close", "code": 1008, "reason": ""}
    ]


def test_s17_where_the_server_can_say_it_the_refusal_is_a_403() -> None:
    start, body = handshake(CORSMiddleware(accepting, POLICY), EVIL, extensions={"websocket.http.response": {}})

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
    assert (body["type"], body["body"]) == ("websocket.http.response.body", b"CORS: the origin is not allowed.\n")


def test_s17_the_guard_can_be_turned_off() -> None:
    assert handshake(CORSMiddleware(accepting, POLICY, websockets=False), EVIL) == ACCEPTED


async def is_evil(origin: str) -> bool:
    await asyncio.sleep(0)
    return origin == EVIL


def test_s17_an_async_check_is_awaited() -> None:
    assert handshake(CORSMiddleware(accepting, Policy([], allow_origin_check=is_evil)), EVIL) == ACCEPTED


@parametrize_stacks
def test_an_observer_is_told_of_every_cors_request_and_no_other(stack: Stack) -> None:
    seen: list[Decision] = []
    app = stack.serve(POLICY, observe=seen.append)

    stack.ask(app, Request.actual(APP))
    stack.ask(app, Request.actual(None))
    stack.ask(app, Request.actual("http://api.example.com", method="POST"))
    stack.ask(app, Request.actual("https://app.example.co", method="POST"))
    stack.ask(app, Request.preflight(APP, "PUT"))
    stack.ask(app, Request.preflight(APP, "put", path="/counted"))
    stack.ask(app, Request.preflight(APP, None))

    assert seen == [
        Decision("actual", APP, "GET", "/items", True, "allowed"),
        Decision(
            "actual",
            "https://app.example.co",
            "POST",
            "/items",
            False,
            "origin-not-allowed",
            f"the policy allows '{APP}': one character differs",
        ),
        Decision("preflight", APP, "PUT", "/items", True, "allowed"),
        Decision(
            "preflight",
            APP,
            "put",
            "/counted",
            False,
            "method-not-allowed",
            "not 'put' but 'PUT' is allowed: methods are case-sensitive",
        ),
        Decision("actual", APP, "OPTIONS", "/items", True, "allowed"),
    ]


@parametrize_stacks
def test_an_observer_that_fails_is_logged_once_and_breaks_nothing(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    def observe(decision: Decision) -> None:
        raise LookupError(decision.origin)

    app = stack.serve(POLICY, observe=observe)
    responses = [stack.ask(app, Request.actual(APP)) for _ in range(3)]

    assert [response.body for response in responses] == [b"items"] * 3
    assert caplog.messages == ["observe failed; this is logged once"]
    assert "LookupError" in caplog.text


def test_an_observer_is_told_of_handshakes() -> None:
    seen: list[Decision] = []
    app = CORSMiddleware(accepting, POLICY, observe=seen.append)

    handshake(app, EVIL)
    handshake(app, APP)

    assert seen == [
        Decision("websocket", EVIL, "GET", "/ws", False, "origin-not-allowed"),
        Decision("websocket", APP, "GET", "/ws", True, "allowed"),
    ]


def test_an_observer_must_be_callable() -> None:
    with pytest.raises(TypeError, match=r"write a function of one crossorigin\.Decision"):
        CORSMiddleware(asgi_api, POLICY, observe="metrics")  # type: ignore[arg-type]
