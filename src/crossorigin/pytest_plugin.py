"""The pytest plugin: `BrowserClient` as a fixture.

pytest finds it by its entry point in whatever environment crossorigin is installed, whether it is used or not. So it
imports nothing before a test asks for the fixture.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import BrowserClient


@pytest.fixture
def browser_client() -> "Iterator[Callable[..., BrowserClient]]":
    """A factory of `crossorigin.testing.BrowserClient`, with the same arguments.

    Each client is entered, so that an ASGI application's startup runs, and closed when the test ends::

        def test_items_are_for_our_page(browser_client):
            client = browser_client(app, origin="https://app.example.com")
            assert client.fetch("/items").status == 200
    """
    from .testing import BrowserClient  # noqa: PLC0415 - a run that does not use the fixture does not need httpx

    with ExitStack() as clients:

        def factory(*args: Any, **options: Any) -> BrowserClient:
            return clients.enter_context(BrowserClient(*args, **options))

        yield factory
