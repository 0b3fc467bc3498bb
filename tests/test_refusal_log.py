"""S20: each refusal is logged once a minute per origin and reason, escaped, shortened, with the nearest miss."""

import logging

import pytest

from conformance.messages import Request
from conformance.stacks import STACKS, Stack
from crossorigin import Policy, decisions

APP = "https://app.example.com"

pytestmark = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="crossorigin")
    return caplog


def test_s20_the_record_names_the_reason_and_the_nearest_miss(stack: Stack, log: pytest.LogCaptureFixture) -> None:
    app = stack.serve(Policy("http://localhost:8080", allow_methods=["PATCH"], allow_headers=["X-A"]))

    stack.ask(app, Request.actual("http://localhost:3000"))
    stack.ask(app, Request.preflight("http://localhost:8080", "patch"))
    stack.ask(app, Request.preflight("http://localhost:8080", "PATCH", "x-a,x-b,x-c"))
    stack.ask(app, Request.preflight("http://localhost:8080", "GET, PUT"))

    assert log.messages == [
        "origin 'http://localhost:3000' is not allowed (the policy allows 'http://localhost:8080': another port)",
        "origin 'http://localhost:8080' asked for a method that is not allowed "
        "(not 'patch' but 'PATCH' is allowed: methods are case-sensitive)",
        "origin 'http://localhost:8080' asked for a header that is not allowed (not in allow_headers: 'x-b', 'x-c')",
        "origin 'http://localhost:8080' asked for something that is not one method",
    ]
    assert {record.levelname for record in log.records} == {"WARNING"}


def test_s20_once_a_minute_per_origin_and_reason(
    stack: Stack, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stack.serve(Policy(APP))
    now = 1000.0
    monkeypatch.setattr("crossorigin.decisions.time.monotonic", lambda: now)

    for _ in range(3):
        stack.ask(app, Request.actual("https://a.example"))
        stack.ask(app, Request.preflight("https://a.example"))
        stack.ask(app, Request.actual("https://b.example"))
    assert len(log.messages) == 2

    now += 61
    stack.ask(app, Request.actual("https://a.example"))
    assert len(log.messages) == 3


def test_s20_a_flood_of_origins_fills_neither_memory_nor_log(stack: Stack, log: pytest.LogCaptureFixture) -> None:
    app = stack.serve(Policy(APP))

    for number in range(decisions.MAX_REMEMBERED + 500):
        stack.ask(app, Request.actual(f"https://evil{number}.example"))

    assert len(log.messages) == decisions.MAX_REMEMBERED + 1
    assert log.messages[-1] == "1000 refusals in a minute: further ones are not logged for a minute"


def test_s20_after_a_flood_the_log_goes_on(
    stack: Stack, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = stack.serve(Policy(APP))
    now = 1000.0
    monkeypatch.setattr("crossorigin.decisions.time.monotonic", lambda: now)
    for number in range(decisions.MAX_REMEMBERED + 1):
        stack.ask(app, Request.actual(f"https://evil{number}.example"))

    now += 61
    log.clear()
    stack.ask(app, Request.actual("https://a.example"))

    assert log.messages == ["origin 'https://a.example' is not allowed"]


@pytest.mark.parametrize(
    "origin",
    ["https://a\r\nINFO forged", "https://\x1b[31mred.example", "https://\u00e9.example", "\x00", "a" * 100_000],
    ids=["line end", "escape", "not ASCII", "NUL", "100 kB"],
)
def test_s20_a_hostile_origin_makes_one_harmless_record(
    stack: Stack, log: pytest.LogCaptureFixture, origin: str
) -> None:
    app = stack.serve(Policy(APP))

    stack.ask(app, Request.actual(origin))
    stack.ask(app, Request.preflight(origin))

    (message,) = log.messages
    assert message.isprintable()
    assert message.isascii()
    assert len(message) < 250


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, "https://behind-a-proxy.example"),
        ({"Sec_Fetch_Site": "none"}, "https://behind-a-proxy.example"),
        ({}, "http://api.example.com"),
    ],
    ids=["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "the request's own host"],
)
def test_s20_a_same_origin_request_is_no_refusal(
    stack: Stack, log: pytest.LogCaptureFixture, headers: dict[str, str], origin: str
) -> None:
    response = stack.ask(stack.serve(Policy(APP)), Request.actual(origin, method="POST", **headers))

    assert response.status == 200
    assert log.messages == []


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}])
def test_s20_sec_fetch_site_decides_where_it_is_sent(
    stack: Stack, log: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    stack.ask(stack.serve(Policy(APP)), Request.actual("http://api.example.com", **headers))

    assert len(log.messages) == 1


def test_a_check_that_fails_denies_and_is_logged_with_its_traceback(
    stack: Stack, log: pytest.LogCaptureFixture
) -> None:
    def check(origin: str) -> bool:
        raise LookupError("the database is gone")

    stack.ask(stack.serve(Policy(APP, allow_origin_check=check)), Request.actual("https://a.example"))

    (record,) = log.records
    assert record.getMessage() == "origin 'https://a.example' could not be checked"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


def test_what_is_allowed_is_not_logged(stack: Stack, log: pytest.LogCaptureFixture) -> None:
    app = stack.serve(Policy(APP, allow_methods=["PUT"]))

    stack.ask(app, Request.actual(APP))
    stack.ask(app, Request.actual(None))
    stack.ask(app, Request.preflight(APP, "PUT"))

    assert log.messages == []
