"""What must hold of an answer, by its meaning: functions that return what does not hold, in words.

A refusal may have any status and any text, as long as no page can read it; a grant may be written in any way that a
browser takes. Knows no library.
"""

from collections.abc import Iterable

from conformance.messages import Response

from .situation import Holds, Seen, settled


def readable(seen: Seen) -> list[str]:
    """The page must get the response."""
    assert seen.verdict is not None
    return (
        [] if seen.verdict.allowed else [f"the page gets nothing: {seen.verdict.message.partition(' is blocked: ')[2]}"]
    )


def blocked(seen: Seen) -> list[str]:
    """The page must not get the response."""
    assert seen.verdict is not None
    return ["the page reads the response"] if seen.verdict.allowed else []


def sees(name: str) -> Holds:
    """The page must see the response header *name*."""

    def holds(seen: Seen) -> list[str]:
        found = readable(seen)
        response = seen.verdict and seen.verdict.response
        return found or ([] if response and response.get(name) is not None else [f"the page does not see {name}"])

    return holds


def same_as_bare(seen: Seen) -> list[str]:
    """The application's own answer must come, as it is without the library."""
    return [
        f"{_told(exchange.answer)}, where the application itself answers {_told(bare)}"
        for exchange, bare in zip(seen.exchanges, seen.bare, strict=True)
        if _told(exchange.answer) != _told(bare)
    ]


def all_of(*conditions: Holds) -> Holds:
    """All of *conditions* must hold."""
    return lambda seen: [problem for condition in conditions for problem in condition(seen)]


def passes(seen: Seen) -> list[str]:
    """A browser must let the preflight pass, as far as status and origin say."""
    found = []
    for exchange in seen.exchanges:
        asked, given = _origin(exchange.request.headers), exchange.answer
        if not given.status:
            found.append(f"no response: {exchange.response}")
        elif not 200 <= given.status < 300:
            found.append(f"the preflight fails: its status is {given.status}")
        elif given.get("Access-Control-Allow-Origin") not in (asked, "*"):
            found.append("the preflight fails: the origin is not allowed")
    return found


def grants(header: str, *names: str) -> Holds:
    """The preflight must pass, and *header* must list all of *names*, or say ``*``."""

    def holds(seen: Seen) -> list[str]:
        found = passes(seen)
        for exchange in seen.exchanges:
            listed = _list(exchange.answer, header)
            missing = [name for name in names if name.lower() not in listed and "*" not in listed]
            found += [f"{header} lacks {', '.join(missing)}"] if missing and not found else []
        return found

    return holds


def answers(status: int) -> Holds:
    """Every response must have *status*."""
    return lambda seen: [
        f"status {exchange.answer.status}, not {status}"
        for exchange in seen.exchanges
        if exchange.answer.status != status
    ]


def survives(seen: Seen) -> list[str]:
    """Every request must get a response, and none that says that the server failed."""
    return [
        f"status {exchange.answer.status}" if exchange.answer.status else f"no response: {exchange.response}"
        for exchange in seen.exchanges
        if not 0 < exchange.answer.status < 500
    ]


def raised_as_bare(seen: Seen) -> list[str]:
    """An exception that leaves the application must leave the library, too, whatever response it gave."""
    return [
        "the exception goes no further"
        for exchange, bare in zip(seen.exchanges, seen.bare, strict=True)
        if (bare.error or not bare.status) and not isinstance(exchange.response, str) and not exchange.response.error
    ]


def empty(seen: Seen) -> list[str]:
    """No response may have a body."""
    return [f"a body of {len(each.answer.body)} bytes" for each in seen.exchanges if each.answer.body]


def origin_not_granted(seen: Seen) -> list[str]:
    """No response may allow the origin that was sent."""
    return [
        f"Access-Control-Allow-Origin: {origin[:60]}"
        for exchange in seen.exchanges
        if (origin := exchange.answer.get("Access-Control-Allow-Origin"))
        and origin in ("*", _origin(exchange.request.headers))
    ]


def not_sent_back(seen: Seen) -> list[str]:
    """No response may repeat the origin that was sent."""
    return [
        f"Access-Control-Allow-Origin: {origin[:60]}"
        for exchange in seen.exchanges
        if (origin := exchange.answer.get("Access-Control-Allow-Origin"))
        and origin == _origin(exchange.request.headers)
    ]


def not_in(header: str, text: str) -> Holds:
    """The response header must not be, or contain, *text*."""
    return lambda seen: [
        f"{header}: {settled(header, value)}"
        for exchange in seen.exchanges
        if text in (value := exchange.answer.get(header) or "")
    ]


def has(header: str, value: str) -> Holds:
    """The response header must have *value*."""
    return lambda seen: [
        f"{header} is {found!r}, not {value!r}" if found is not None else f"no {header}"
        for exchange in seen.exchanges
        if (found := exchange.answer.get(header)) != value
    ]


def lacks(*headers: str) -> Holds:
    """None of the *headers*, by their names without ``Access-Control-``, may be there; by default none at all."""

    def holds(seen: Seen) -> list[str]:
        cors = [(name, value) for exchange in seen.exchanges for name, value in exchange.answer.cors.items()]
        lines = [(f"Access-Control-{name.title()}", value) for name, value in cors if not headers or name in headers]
        return [f"{name}: {settled(name, value)}" for name, value in lines]

    return holds


def one_value(seen: Seen) -> list[str]:
    """There must be an answer, with at most one line and one value of ``Access-Control-Allow-Origin``."""
    found = []
    for exchange in seen.exchanges:
        lines = exchange.answer.values("Access-Control-Allow-Origin")
        if not exchange.answer.status:
            found.append(f"no response: {exchange.response}")
        elif exchange.answer.status >= 500:
            found.append(f"status {exchange.answer.status}")
        elif len(lines) > 1 or any("," in line or " " in line for line in lines):
            found.append(f"Access-Control-Allow-Origin is there {len(lines)} times: {' and '.join(lines)}")
    return found


def no_star_with_credentials(seen: Seen) -> list[str]:
    """``*`` and credentials must not stand side by side: no browser takes that for anything."""
    return [
        f"* beside credentials, for {exchange.request.method}"
        for exchange in seen.exchanges
        if exchange.answer.get("Access-Control-Allow-Origin") == "*"
        and exchange.answer.get("Access-Control-Allow-Credentials") == "true"
    ]


def true_or_absent(seen: Seen) -> list[str]:
    """``Access-Control-Allow-Credentials`` must be ``true`` or absent."""
    values = [exchange.answer.get("Access-Control-Allow-Credentials") for exchange in seen.exchanges]
    return [f"Access-Control-Allow-Credentials: {value}" for value in values if value not in (None, "true")]


def varies(seen: Seen) -> list[str]:
    """``Vary`` must name ``Origin``."""
    return ["no Vary: Origin" for exchange in seen.exchanges if not _varies(exchange.answer)]


def cacheable(seen: Seen) -> list[str]:
    """A cache may hand a response without ``Vary: Origin`` to any page: it must be good for all that are allowed."""
    granted = {
        origin
        for exchange in seen.exchanges
        if (origin := _origin(exchange.request.headers))
        and exchange.answer.get("Access-Control-Allow-Origin") in (origin, "*")
    }
    found = []
    for exchange in sorted(seen.exchanges, key=lambda each: len(each.answer.cors)):  # what grants least does most harm
        kept = exchange.answer.get("Access-Control-Allow-Origin")
        lost = sorted(granted - {kept}) if kept != "*" else []
        if lost and not _varies(exchange.answer):
            found.append(f"{_whose(exchange.request.headers)} has no Vary: Origin, and a cache hands it to {lost[0]}")
    return found


def vary_keeps(*names: str) -> Holds:
    """``Vary`` must still have *names*, which the application set."""

    def holds(seen: Seen) -> list[str]:
        return [
            f"Vary is {exchange.answer.get('Vary')!r}: {', '.join(missing)} is lost"
            for exchange in seen.exchanges
            if (missing := [name for name in names if name not in exchange.answer.vary])
        ]

    return holds


def vary_names_origin(times: int) -> Holds:
    """``Vary`` must name ``Origin`` so many *times*."""
    return lambda seen: [
        f"Vary: {exchange.answer.get('Vary')}"
        for exchange in seen.exchanges
        if exchange.answer.vary.count("origin") != times
    ]


def refused(seen: Seen) -> list[str]:
    """The preflight must be refused, in whatever way."""
    return [] if passes(seen) else ["the preflight passes"]


def not_own_answer(seen: Seen) -> list[str]:
    """It must not be the application that answered."""
    reached = any(b"the application's own" in exchange.answer.body for exchange in seen.exchanges)
    return ["the application was called"] if reached else []


def about_the_same(seen: Seen) -> list[str]:
    """More origins must not cost more."""
    assert seen.cost is not None
    return answers(200)(seen) + (["the time grows with the number of origins"] if seen.cost.grows else [])


def logged(*words: str) -> Holds:
    """A record must hold all of *words*."""
    return lambda seen: [] if _records(seen, words) else ["no record names the refused origin"]


def logged_times(times: int, *words: str) -> Holds:
    """So many records must hold all of *words*."""
    return lambda seen: (
        [] if len(_records(seen, words)) == times else [f"{len(_records(seen, words))} records, not {times}"]
    )


def log_harmless(seen: Seen) -> list[str]:
    """No record may hold a control character."""
    return [f"a record holds a control character: {record!r}" for record in seen.log if not record.isprintable()][:1]


def not_logged(seen: Seen) -> list[str]:
    """No record may call the request refused."""
    told = [record for record in seen.log if "not allowed" in record or "not match" in record]
    return [f"logged as refused: {record}" for record in told[:1]]


def _records(seen: Seen, words: Iterable[str]) -> list[str]:
    return [record for record in seen.log if all(word in record for word in words)]


def _told(response: Response) -> str:
    allow = sorted(name.strip() for name in (response.get("Allow") or "").split(",") if name)
    body = f"{response.body[:60].decode('latin-1')!r}" if response.body else "no body"
    return f"{response.status} with {body} and {'Allow: ' + ', '.join(allow) if allow else 'no Allow'}"


def _varies(response: Response) -> bool:
    return "origin" in response.vary or "*" in response.vary


def _list(response: Response, header: str) -> list[str]:
    return [name.strip().lower() for name in (response.get(header) or "").split(",")]


def _origin(headers: Iterable[tuple[str, str]]) -> str | None:
    return next((value for name, value in headers if name == "Origin"), None)


def _whose(headers: Iterable[tuple[str, str]]) -> str:
    origin = _origin(headers)
    return "the answer without Origin" if origin is None else f"the answer to {origin}"
