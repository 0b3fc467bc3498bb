"""An outcome in words: what was sent, what came, and what did not hold. Short for the page, in full for the terminal.

Knows neither Markdown nor colours.
"""

from collections.abc import Iterator

from conformance.messages import Request, Response

from .holds import same_as_bare
from .playing import Outcome
from .situation import Asks, Compares, Exchange, Seen, settled

RELEVANT = ("vary", "location", "allow")
LONGEST = 100
MICRO = 1_000_000


def told(exchange: Exchange) -> tuple[str, str]:
    """Return what was sent and what came, each on one line: of the response, what CORS is about."""
    return sent(exchange.request), came(exchange.response)


def sent(request: Request) -> str:
    """Return *request* on one line."""
    lines = [f"{name}: {_short(value)}" for name, value in request.headers if name != "Accept"]
    return "; ".join([f"{request.method} {request.path}", *lines])


def came(response: Response | str) -> str:
    """Return on one line what CORS is about in *response*."""
    if isinstance(response, str):
        return f"no response: {_short(response)}"
    lines = [
        f"{name}: {_short(settled(name, value))}"
        for name, value in response.headers
        if name.lower().startswith("access-control-") or name.lower() in RELEVANT
    ]
    return "; ".join([str(response.status), *lines])


def says_nothing(response: Response | str) -> bool:
    """Return whether *response* has neither a CORS header nor ``Vary``."""
    return isinstance(response, Response) and not response.cors and not response.values("vary")


def culprit(outcome: Outcome) -> Exchange:
    """Return the exchange that shows it best: the first one that breaks the rule by itself, or the last one."""
    seen, play = outcome.seen, outcome.situation.play
    if isinstance(play, Asks):
        for index, exchange in enumerate(seen.exchanges):
            if outcome.situation.holds(Seen((exchange,), seen.bare[index : index + 1], log=seen.log)):
                return exchange
        return _without_vary(seen)
    return seen.exchanges[-1]


def in_full(outcome: Outcome) -> Iterator[str]:
    """Return everything that is known of *outcome*, line by line."""
    situation, seen = outcome.situation, outcome.seen
    yield f"Policy: {situation.policy.says}."
    yield f"Must hold: {situation.must}"
    if situation.taste:
        yield f"A matter of taste: {situation.taste}"
    for index, exchange in enumerate(seen.exchanges):
        yield ""
        yield f"> {exchange.request.method} {exchange.request.path}"
        yield from (f"> {name}: {_counted(value)}" for name, value in exchange.request.headers)
        yield from _answer("<", exchange.response)
        if outcome.problems and situation.holds is same_as_bare:
            yield from _answer("without the library <", seen.bare[index])
    yield ""
    yield from (f"In the log: {_short(record)!r}" for record in seen.log)
    if seen.cost is not None and isinstance(situation.play, Compares):
        yield f"A request, where {situation.policy.says}: {seen.cost.fewer * MICRO:,.0f} microseconds"
        yield f"A request, where {situation.play.more.says}: {seen.cost.more * MICRO:,.0f} microseconds"
        yield f"To compare, `in` on a list of the origins that are more: {seen.cost.scan * MICRO:,.0f} microseconds"
    if seen.verdict is not None:
        yield f"The page: {seen.verdict.message}"
    if outcome.lacks:
        yield f"Not offered: {outcome.lacks}"
    else:
        yield from (f"Does not hold: {problem}" for problem in outcome.problems)
        yield from () if outcome.problems else ("Holds.",)


def _answer(mark: str, response: Response | str) -> Iterator[str]:
    if isinstance(response, str):
        yield f"{mark} no response: {response}"
        return
    yield f"{mark} {response.status}"
    yield from (f"{mark} {name}: {value}" for name, value in response.headers)
    if response.body:
        yield f"{mark} {_counted(response.body.decode('latin-1'))}"


def _counted(value: str) -> str:
    return _short(value) + (f" ({len(value):,} characters)" if len(value) > LONGEST else "")


def _without_vary(seen: Seen) -> Exchange:
    """Return the exchange that a cache must not keep: without ``Vary``, and best without a grant."""
    kept = [each for each in seen.exchanges if "origin" not in each.answer.vary]
    return min(kept or seen.exchanges[-1:], key=lambda each: len(each.answer.cors))


def _short(value: str) -> str:
    printable = value if value.isprintable() else ascii(value)[1:-1]
    return printable if len(printable) <= LONGEST else f"{printable[:LONGEST]}..."
