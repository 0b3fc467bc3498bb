"""B3: each difference between an engine and the standard, shown by the engine that has it.

A row of the table is proved by one situation: the engine does what its model says, and its model without that row would
say something else. The limits on how long a preflight is kept are as the engines' own
documentation has them: waiting for 600 s and more proves nothing else.
"""

from dataclasses import replace
from typing import Any

import pytest

from conformance.engines import Engine as RealEngine
from conformance.engines.network import Network
from crossorigin.browser import ENGINES, Difference, Engine

from .generated import API, APP, GOOD_PREFLIGHT, GOOD_RESPONSE_HEADERS, OTHER, Answer, Hop, Place, Situation, Step
from .test_model import Played, model

GOOD = Answer(200, GOOD_RESPONSE_HEADERS)
BARE_PREFLIGHT = (("Access-Control-Allow-Origin", "{page}"), ("Access-Control-Allow-Methods", "PUT"))
X_A, X_B = ("X-A", "1"), ("X-B", "1")
TWICE = ("X-Twice", "1")  # not compared itself: engines send its lines as one
NUMBERS = ("Device-Memory", "Downlink", "DPR")
WHOLE_NUMBERS = ("RTT", "Viewport-Width", "Width")
WELL_FORMED_HINTS = [("ECT", "slow-2g"), ("Save-Data", "ON"), *((name, "1.5") for name in NUMBERS)]
WELL_FORMED_HINTS += [(name, "007") for name in WHOLE_NUMBERS]
MALFORMED_HINTS = [("ECT", "4G"), ("Save-Data", "off"), ("DPR", "1."), ("Downlink", ".5"), ("DPR", "1" * 129)]
MALFORMED_HINTS += [(name, "1.5") for name in WHOLE_NUMBERS]
ANY_PAGE = Answer(200, (("Access-Control-Allow-Origin", "*"),))


def call(method: str = "GET", credentials: str = "same-origin", *headers: tuple[str, str], **init: Any) -> Step:
    return Step(tuple({"method": method, "credentials": credentials, "headers": list(headers), **init}.items()))


def upload() -> Step:
    return Step((*call("POST").init, ("body", "text")), upload_listener=True)


def hop(place: Place = API, preflight: Answer = GOOD_PREFLIGHT, response: Answer = GOOD, user: str = "") -> Hop:
    return Hop(place, preflight, response, user)


def redirect(status: int, place: Place = API) -> Hop:
    return hop(place, response=Answer(status, GOOD_RESPONSE_HEADERS))


def wild(methods: str, headers: str) -> Answer:
    """A preflight's answer for credentials too, with stars in its lists."""
    lists = (("Access-Control-Allow-Methods", methods), ("Access-Control-Allow-Headers", headers))
    return Answer(204, (*GOOD_RESPONSE_HEADERS, *lists, ("Access-Control-Max-Age", "600")))


class Anywhere:
    """A network that nobody goes to."""

    def origin(self, scheme: str, host: str, *, other_port: bool = False) -> str:
        return f"{scheme}://{host}" + (":8080" if other_port else "")


def situation(*steps: Step, hops: tuple[Hop, ...] = (hop(),), sandboxed: bool = False) -> Situation:
    return Situation(APP, sandboxed, steps, hops)


SHOWN = {
    Difference.WILDCARD_COVERS_AUTHORIZATION: situation(
        call("GET", "omit", ("Authorization", "Bearer t")),
        hops=(
            hop(
                preflight=Answer(
                    204, (("Access-Control-Allow-Origin", "{page}"), ("Access-Control-Allow-Headers", "*"))
                )
            ),
        ),
    ),
    Difference.UNCACHED_WITH_MALFORMED_MAX_AGE: situation(
        call("PUT"),
        call("PUT"),
        hops=(hop(preflight=Answer(204, (*BARE_PREFLIGHT, ("Access-Control-Max-Age", "60s")))),),
    ),
    Difference.UNCACHED_FOR_OPAQUE_ORIGINS: situation(call("PUT"), call("PUT"), sandboxed=True),
    Difference.UNCACHED_FOR_TAINTED_ORIGINS: situation(call("PUT"), call("PUT"), hops=(redirect(307), hop(OTHER))),
    Difference.WILDCARD_UNCACHED: situation(
        call("PUT", "omit"), call("PUT", "omit"), hops=(hop(preflight=wild("*", "*")),)
    ),
    Difference.WILDCARD_CACHED_LITERALLY: situation(
        call("PUT", "include", X_A), call("PUT", "omit", X_B), hops=(hop(preflight=wild("PUT", "X-A, *")),)
    ),
    Difference.WILDCARD_MATCHED_LITERALLY: situation(
        call("PUT", "include"), call("DELETE", "include"), hops=(hop(preflight=wild("PUT, *", "")),)
    ),
    Difference.CACHED_WILDCARD_SPARES_AUTHORIZATION: situation(
        call("PUT", "omit", X_A), call("PUT", "omit", ("Authorization", "t")), hops=(hop(preflight=wild("PUT", "*")),)
    ),
    Difference.CACHED_BY_CREDENTIALS: situation(call("PUT", "include"), call("PUT")),
    Difference.CACHED_AS_A_WHOLE: situation(upload(), upload()),
    Difference.CACHED_ONE_AT_A_TIME: situation(
        call("PUT"), call("PUT", "include"), call("PUT"), hops=(hop(preflight=Answer(204, BARE_PREFLIGHT)),)
    ),
    Difference.CACHED_THOUGH_REFUSED: situation(call("pAtCh"), call("PUT")),
    Difference.ANY_FAILURE_CLEARS: situation(
        call("PUT"), call("POST", "include"), call("PUT"), hops=(hop(response=ANY_PAGE),)
    ),
    Difference.CACHED_AFTER_REDIRECT_ERROR: situation(
        call("PUT", redirect="error"), call("PUT", redirect="error"), hops=(redirect(302), hop())
    ),
    Difference.CACHED_AFTER_FAILURE: situation(call("PUT"), call("PUT"), hops=(hop(response=Answer(200)),)),
    Difference.EMPTY_LINES_HIDDEN: situation(
        call(), hops=(hop(APP, response=Answer(200, (("X-Seen", "1"), ("X-Seen", "")))),)
    ),
    Difference.UNTAINTED_PREFLIGHT: situation(call("PUT"), hops=(redirect(307), hop(OTHER))),
    Difference.ORIGIN_DESPITE_REFERRER_POLICY: situation(call("POST", mode="no-cors", referrerPolicy="no-referrer")),
    Difference.HEAD_CACHED_WHERE_LISTED: situation(call("HEAD", "omit", X_A), call("HEAD", "omit", X_A)),
    Difference.NO_CORS_REDIRECT_HIDES_ORIGIN: situation(
        call("POST", mode="no-cors"), hops=(redirect(307, APP), hop(API))
    ),
    Difference.GET_AFTER_REDIRECT_SHOWS_ORIGIN: situation(call("POST"), hops=(redirect(303, APP), hop(APP))),
    Difference.DELETE_REDIRECTED_AS_GET: situation(call("DELETE"), hops=(redirect(307, APP), hop(API))),
    Difference.PREFLIGHTED_AFTER_REDIRECTS: situation(
        call("DELETE"), hops=(redirect(303), hop(API, response=ANY_PAGE))
    ),
    Difference.DROPPED_HEADERS_ASKED_FOR: situation(
        call("POST", "same-origin", ("Content-Type", "application/json"), body="{}"),
        hops=(redirect(303), hop(API, response=ANY_PAGE)),
    ),
    Difference.HEADERS_JUDGED_JOINED: situation(call("GET", "omit", ("Accept", "a" * 100), ("Accept", "a" * 100))),
    Difference.HEADERS_JUDGED_ONE_BY_ONE: situation(
        call("GET", "omit", *[("Accept", "a" * 127)] * 9), call("GET", "omit", TWICE, TWICE)
    ),
    Difference.CLIENT_HINTS_SAFELISTED: situation(
        *(call("GET", "omit", (name, value)) for name, value in [*WELL_FORMED_HINTS, *MALFORMED_HINTS])
    ),
    Difference.USER_AGENT_DROPPED: situation(call("GET", "omit", ("User-Agent", "me"))),
    Difference.NO_USER_IN_REDIRECTS: situation(call(), hops=(redirect(302, APP), hop(APP, user="user:secret@"))),
}

ROWS = [
    pytest.param(name, difference, id=f"{name}-{difference.name.lower()}")
    for difference in Difference
    for name, engine in ENGINES.items()
    if difference in engine.differences
]


@pytest.mark.parametrize(("engine", "difference"), ROWS, indirect=["engine"])
def test_b3_the_engine_differs_from_the_standard_as_the_table_says(
    engine: RealEngine, difference: Difference, network: Network
) -> None:
    played = Played(network)
    shown = SHOWN[difference]
    table = ENGINES[engine.name]
    by_the_table = model(shown, network, "model", table)
    without_the_row = model(shown, network, "model", replace(table, differences=table.differences - {difference}))

    with network.serving(played.handler):
        in_the_engine = played.play(engine, shown)

    assert in_the_engine == by_the_table
    assert by_the_table != without_the_row


@pytest.mark.parametrize("difference", Difference, ids=lambda difference: difference.name.lower())
def test_b3_a_row_says_something_without_a_browser_too(difference: Difference) -> None:
    """With a row and without, the model of an engine that has it says different things."""
    engine = next(engine for engine in ENGINES.values() if difference in engine.differences)
    without_the_row = replace(engine, differences=engine.differences - {difference})
    shown = SHOWN[difference]

    assert model(shown, Anywhere(), "model", engine) != model(shown, Anywhere(), "model", without_the_row)


def test_b3_every_row_is_shown() -> None:
    assert set(SHOWN) == set(Difference)
    assert {difference for engine in ENGINES.values() for difference in engine.differences} == set(Difference)
    assert Engine.STANDARD.differences == frozenset()
