"""The ASGI adapter: what frameworks and servers do beyond the shared situations."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.messages import Request
from conformance.stacks.asgi import asgi_api, ask_asgi, ask_asgi_async
from crossorigin import Policy
from crossorigin.asgi import CORSMiddleware, Message, Receive, Scope, Send

APP = "https://app.example.com"
POLICY = Policy([APP, "https://*.example.org"])


def replying(*messages: Message) -> CORSMiddleware:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return CORSMiddleware(app, POLICY)


def run(app: CORSMiddleware, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def http_scope(**headers: str) -> Scope:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": "/", "headers": lines}


@pytest.mark.parametrize(
    "headers",
    [
        [(b"ACCESS-CONTROL-Allow-Origin", b"*"), (b"VARY", b"Accept")],
        [[b"Access-Control-Allow-Origin", b"*"], [b"Vary", b"Accept"]],
        ((b"access-control-allow-origin", b"*"), (b"vary", b"Accept")),
    ],
    ids=["upper case", "lists", "tuples"],
)
def test_headers_in_any_case_as_lists_or_tuples(headers: Any) -> None:
    app = replying(
        {"type": "http.response.start", "status": 200, "headers": headers}, {"type": "http.response.body", "body": b""}
    )

    response = ask_asgi(app, Request.actual(APP))

    assert response.cors == {"allow-origin": APP}
    assert response.vary == ["accept", "origin"]


def test_headers_from_a_generator_and_no_headers_at_all() -> None:
    def lines() -> Iterator[tuple[bytes, bytes]]:
        yield b"x-a", b"1"

    for start in ({"headers": lines()}, {}):
        app = replying({"type": "http.response.start", "status": 200, **start}, {"type": "http.response.body"})

        assert ask_asgi(app, Request.actual(APP)).cors == {"allow-origin": APP}


def test_everything_else_in_the_events_is_handed_on() -> None:
    messages: list[Message] = [
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.start", "status": 200, "headers": [], "trailers": True, "made_up": 1},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b"},
        {"type": "http.response.trailers", "headers": [(b"x-checksum", b"1")], "more_trailers": False},
    ]

    sent = run(replying(*messages), http_scope(origin=APP))

    assert sent[0] == messages[0]
    assert sent[2:] == messages[2:]
    assert {key: sent[1][key] for key in ("trailers", "made_up", "status")} == {
        "trailers": True,
        "made_up": 1,
        "status": 200,
    }


def test_the_start_event_of_the_application_is_not_changed() -> None:
    start: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]}

    run(replying(start, {"type": "http.response.body"}), http_scope(origin=APP))

    assert start["headers"] == [(b"x-a", b"1")]


@pytest.mark.parametrize("kind", ["lifespan", "made-up"])
def test_other_scopes_are_left_alone(kind: str) -> None:
    seen: list[tuple[Any, ...]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None: ...

    scope = {"type": kind}
    asyncio.run(CORSMiddleware(app, POLICY)(scope, receive, send))

    assert seen == [(scope, receive, send)]


def test_the_server_scope_is_not_changed() -> None:
    scope = http_scope(origin=APP)
    before = dict(scope)

    run(CORSMiddleware(asgi_api, POLICY), scope)

    assert scope == before


def test_s12_an_exception_before_the_response_becomes_a_500_and_is_raised_on() -> None:
    response = ask_asgi(CORSMiddleware(asgi_api, POLICY), Request.actual(APP, "/fails"))

    assert (response.status, response.body, response.cors) == (500, b"Internal Server Error", {"allow-origin": APP})
    assert isinstance(response.error, RuntimeError)


def test_s12_an_exception_behind_the_start_is_only_raised_on() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half"})
        raise LookupError

    response = ask_asgi(CORSMiddleware(app, POLICY), Request.actual(APP))

    assert (response.status, response.body) == (200, b"half")
    assert isinstance(response.error, LookupError)


def test_s12_cancellation_sends_no_500() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    sent: list[Message] = []

    async def main() -> None:
        async def receive() -> Message:
            return {}

        async def send(message: Message) -> None:
            sent.append(message)

        with pytest.raises(asyncio.CancelledError):
            await CORSMiddleware(app, POLICY)(http_scope(origin=APP), receive, send)

    asyncio.run(main())

    assert sent == []


async def allow_slowly(origin: str) -> bool:
    await asyncio.sleep(0)
    return origin == "https://tenant.example.net"


async def fail_slowly(origin: str) -> bool:
    await asyncio.sleep(0)
    raise LookupError(origin)


def test_an_async_check_is_awaited() -> None:
    app = CORSMiddleware(asgi_api, Policy(APP, allow_origin_check=allow_slowly, max_age=None))
    tenant, stranger = "https://tenant.example.net", "https://evil.example"

    assert ask_asgi(app, Request.actual(tenant)).cors == {"allow-origin": tenant}
    assert ask_asgi(app, Request.preflight(tenant, "GET")).cors == {"allow-origin": tenant}
    assert ask_asgi(app, Request.actual(stranger)).cors == {}
    assert ask_asgi(app, Request.preflight(stranger)).status == 403
    assert ask_asgi(app, Request.actual(APP)).cors == {"allow-origin": APP}
    assert ask_asgi(app, Request.actual(None)).cors == {}


def test_an_async_check_that_fails_denies() -> None:
    app = CORSMiddleware(asgi_api, Policy(APP, allow_origin_check=fail_slowly))

    assert ask_asgi(app, Request.actual("https://tenant.example.net")).cors == {}
    assert ask_asgi(app, Request.preflight("https://tenant.example.net")).status == 403


def test_concurrent_requests_never_mix() -> None:
    origins = [f"https://site{number}.example.org" for number in range(200)]

    async def main() -> list[dict[str, str]]:
        app = CORSMiddleware(interleaving, POLICY)
        responses = await asyncio.gather(*(ask_asgi_async(app, Request.actual(origin)) for origin in origins))
        return [response.cors for response in responses]

    async def interleaving(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(hash(scope["headers"][1][1]) % 7):
            await asyncio.sleep(0)
        await asgi_api(scope, receive, send)

    assert asyncio.run(main()) == [{"allow-origin": origin} for origin in origins]


def test_s11_of_two_policies_the_inner_one_decides() -> None:
    inner = Policy("https://inner.example", allow_methods=["PUT"], max_age=None)
    outer = Policy(["https://outer.example", "https://inner.example"], allow_credentials=True)
    app = CORSMiddleware(CORSMiddleware(asgi_api, inner), outer)

    assert ask_asgi(app, Request.actual("https://inner.example")).cors == {"allow-origin": "https://inner.example"}
    assert ask_asgi(app, Request.actual("https://outer.example")).cors == {}
    assert ask_asgi(app, Request.preflight("https://outer.example")).status == 403
    assert ask_asgi(app, Request.preflight("https://inner.example")).cors == {
        "allow-origin": "https://inner.example",
        "allow-methods": "PUT",
    }


def test_s11_an_inner_policy_below_a_path_writes_the_responses_there() -> None:
    inner = CORSMiddleware(asgi_api, Policy("*"))

    async def router(scope: Scope, receive: Receive, send: Send) -> None:
        await (inner if scope["path"] == "/counted" else asgi_api)(scope, receive, send)

    app = CORSMiddleware(router, Policy(APP, allow_credentials=True))

    assert ask_asgi(app, Request.actual("https://evil.example", "/counted")).cors == {"allow-origin": "*"}
    assert ask_asgi(app, Request.actual("https://evil.example", "/items")).cors == {}
    assert ask_asgi(app, Request.actual(APP, "/items")).cors == {"allow-origin": APP, "allow-credentials": "true"}
    assert ask_asgi(app, Request.actual(APP, "/counted")).cors == {"allow-origin": "*"}


@pytest.mark.parametrize("status", [200, 204, 299])
def test_preflight_status_is_the_users_choice(status: int) -> None:
    response = ask_asgi(CORSMiddleware(asgi_api, POLICY, preflight_status=status), Request.preflight(APP, "GET"))

    assert response.status == status
    assert response.body == b""
    assert response.get("content-length") == (None if status == 204 else "0")


@pytest.mark.parametrize("status", [199, 300, 403, "204", None])
def test_a_preflight_status_that_no_browser_accepts_is_refused(status: Any) -> None:
    with pytest.raises(ValueError, match=r"200 to 299 only, write 204"):
        CORSMiddleware(asgi_api, POLICY, preflight_status=status)


def test_what_is_no_policy_is_refused_when_it_is_built() -> None:
    with pytest.raises(TypeError, match=r"policy is \['https://a.example'\], of type list; write policy=Policy"):
        CORSMiddleware(asgi_api, ["https://a.example"])  # type: ignore[arg-type]
