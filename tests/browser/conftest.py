"""A browser whose clock a test winds by hand."""

import pytest

from crossorigin.browser import (
    Browser,
)

from .playing import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def browser(clock: Clock) -> Browser:
    return Browser(clock=clock)
