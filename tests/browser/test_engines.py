"""B3: what the engines of the table have in common, and what the standard is. `tests/engines` shows each row."""

import pytest

from crossorigin.browser import (
    ENGINES,
    Browser,
    Difference,
    Engine,
)

from .playing import (
    ANY,
    CREDENTIALS,
    HEADERS,
    INCLUDE,
    LISTS,
    MAX_AGE,
    OURS,
    WITH_TOKEN,
    asks,
    fake,
    play,
    reply,
)


def test_b3_what_covers_authorization_in_an_answer_covers_it_in_the_cache() -> None:
    browser = Browser(Engine("One", frozenset({Difference.WILDCARD_COVERS_AUTHORIZATION})))
    play(reply(ANY, HEADERS + "*", MAX_AGE + "600"), reply(ANY), browser=browser, **WITH_TOKEN)

    assert play(reply(ANY), browser=browser, **WITH_TOKEN).preflights == ()


@pytest.mark.parametrize("engine", ENGINES.values(), ids=repr)
def test_b3_with_credentials_a_wildcard_covers_nothing_in_any_engine(engine: Engine) -> None:
    verdict = play(reply(OURS, CREDENTIALS, HEADERS + "*"), browser=Browser(engine), **WITH_TOKEN, **INCLUDE)

    assert verdict.code == "header-wildcard"


@pytest.mark.parametrize("engine", ENGINES.values(), ids=repr)
@pytest.mark.parametrize("lines", [[], [MAX_AGE]])
def test_b3_every_engine_keeps_a_preflight_that_does_not_say_how_long(engine: Engine, lines: list[str]) -> None:
    browser = fake(engine)

    assert asks(browser, *LISTS, *lines)
    assert not asks(browser)


def test_b3_the_standard_is_the_default_and_differs_in_nothing() -> None:
    assert Browser().engine is Engine.STANDARD
    assert (Engine.STANDARD.differences, Engine.STANDARD.max_age_limit) == (frozenset(), None)


def test_b3_the_engines_by_name() -> None:
    assert {name: repr(engine) for name, engine in ENGINES.items()} == {
        "chromium": "Engine.CHROMIUM",
        "firefox": "Engine.FIREFOX",
        "webkit": "Engine.WEBKIT",
    }
