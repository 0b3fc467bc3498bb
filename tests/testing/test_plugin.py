"""The pytest plugin, as a user's test has it."""

from collections.abc import Callable
from typing import Any

import pytest

from crossorigin.pytest_plugin import browser_client  # the fixture: in this run, the entry point is turned off
from crossorigin.testing import BrowserClient

__all__ = ["browser_client"]

pytest_plugins = ["pytester"]

STARTED: list[str] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            STARTED.append(event)
            await send({"type": f"lifespan.{event}.complete"})
        return
    lines = [(b"access-control-allow-origin", b"http://localhost:5173")]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def after_the_clients() -> Any:
    yield
    assert STARTED == ["startup", "startup", "shutdown", "shutdown"]


@pytest.mark.usefixtures("after_the_clients")
def test_the_fixture_makes_clients_and_closes_them(
    browser_client: Callable[..., BrowserClient],
) -> None:
    ours = browser_client(app, origin="http://localhost:5173")
    other = browser_client(app)

    assert ours.fetch("/").text == "hello"
    assert other.verdict("/").code == "allow-origin-other"
    assert STARTED == ["startup", "startup"]


def test_a_client_of_the_fixture_may_be_closed_before(browser_client: Callable[..., BrowserClient]) -> None:
    browser_client(app).close()

    with browser_client(app, origin="http://localhost:5173") as client:
        assert client.fetch("/").text == "hello"


USERS_TEST = """
import sys


def app(environ, start_response):
    start_response("200 OK", [("Access-Control-Allow-Origin", "https://app.example.com")])
    return [b"hello"]


def test_nothing_is_imported_before_it_is_used():
    assert "httpx" not in sys.modules
    assert "crossorigin.testing" not in sys.modules


def test_our_page_can_read(browser_client):
    assert browser_client(app).fetch("/").text == "hello"


def test_our_page_can_send_cookies(browser_client):
    browser_client(app).fetch("/", credentials="include")
"""


def test_a_user_gets_the_fixture_by_installing_crossorigin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USERS_TEST)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*fetch(*, credentials=*include*",
            "E*CORSError: GET https://api.example.com/ from https://app.example.com is blocked: "
            "no Access-Control-Allow-Credentials header is present*",
            "E*> GET https://api.example.com/",
            "E*> Origin: *https://app.example.com",
            "E*< 200",
            "E*< Access-Control-Allow-Origin: *https://app.example.com",
        ]
    )
    # The client's own frames are none of the user's business.
    assert "outcome(" not in result.stdout.str()
