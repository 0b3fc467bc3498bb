"""The profile of one request: the parts of what the generic adapters do when an outcome is remembered, each alone.

Each part is the same statements as in `crossorigin.asgi` and `crossorigin.wsgi`, over the objects of one allowed
request, and what the limit does besides. What is left over in a whole request are attributes, tests and calls between.
"""

import timeit
from typing import Any, NamedTuple

from .carrying import environ_of, scope_of
from .kinds import ALLOWED
from .libraries import LIMIT
from .reporting import Table, Target, nanoseconds

TITLE = "the parts of a request"
OF_LIMIT = "the limit: "  # how the parts begin that it consists of
NUMBER = 2000  # of runs between two looks at the clock
ROUNDS, QUICK_ROUNDS = 60, 10


class Part(NamedTuple):
    """Some statements, and what they are for."""

    what: str
    statements: str


PARTS = {
    "ASGI": (
        Part(
            "look for Origin among the lines of the request",
            "for name, value in scope['headers']:\n    if name == b'origin':\n        question = value",
        ),
        Part("recall what became of it", "outcome = outcomes.get(b'https://app.example.com')"),
        Part(
            "mark the request, so that a policy further in is not overwritten (S11)",
            "inside = dict(scope)\ninside['crossorigin.written'] = written = []",
        ),
        Part(
            "look through the response for CORS headers and Vary (S10, S11)",
            "for name, _ in headers:\n    if not name or name[0] in ours:\n        break",
        ),
        Part(
            "copy the message with four more lines",
            "changed = dict(message)\nchanged['headers'] = [*headers, *lines]",
        ),
        Part("be called for both messages, with what is known of the request", "handing(send, None, lines, [], False)"),
        Part("the limit: copy it with one more", "{**message, 'headers': [*headers, lines[0]]}"),
        Part("the limit: be called for both messages", "handing_on(send)"),
    ),
    "WSGI": (
        Part(
            "look for Origin in the environment, and recall what became of it",
            "question = environ.get('HTTP_ORIGIN')\nenviron['REQUEST_METHOD'] == 'OPTIONS'\noutcomes.get(question)",
        ),
        Part(
            "mark the request, so that a policy further in is not overwritten (S11)",
            "environ['crossorigin.written'] = written = []\nenviron.pop('crossorigin.written', None)",
        ),
        Part(
            "look through the response for CORS headers and Vary (S10, S11)",
            "for name, _ in text_headers:\n    if not name or name[0] in text_ours:\n        break",
        ),
        Part("copy the list of lines with four more", "[*text_headers, *text_lines]"),
        Part("be called for the response, with what is known of the request", "starting(send, None, lines, [], False)"),
        Part("the limit: append one line", "text_headers.append(text_lines[0])\ntext_headers.pop()"),
        Part("the limit: be called for the response", "starting_on(send)"),
    ),
}

Data = dict[str, dict[str, float]]


def measure(quick: bool = False) -> Data:
    """Return how many nanoseconds each part takes, by stack."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    return {stack: {part.what: _timed(part.statements, rounds) for part in parts} for stack, parts in PARTS.items()}


def _timed(statements: str, rounds: int) -> float:
    names = _names()
    timed, empty = (
        min(timeit.repeat(code, number=NUMBER, repeat=rounds, globals=names)) for code in (statements, "pass")
    )
    return (timed - empty) / NUMBER * 1e9


def _handing(send: Any, answer: Any, lines: Any, written: Any, is_inner: Any) -> None:
    started = False

    def send_answered(message: Any) -> Any:
        nonlocal started
        if not started and message["type"] == "http.response.start":
            started = True
            if lines is None or written or is_inner or answer is not None:
                return None
        return send(message)

    send_answered(_START)
    send_answered(_BODY)


def _handing_on(send: Any) -> None:
    def send_with_line(message: Any) -> Any:
        if message["type"] == "http.response.start":
            pass
        return send(message)

    send_with_line(_START)
    send_with_line(_BODY)


def _starting(send: Any, answer: Any, lines: Any, written: Any, is_inner: Any) -> None:
    def start(status: Any, headers: Any, exc_info: Any = None, /) -> Any:
        if lines is None or written or is_inner or answer is not None:
            return None
        return send(status) if exc_info is None else None

    start("200 OK", [])


def _starting_on(send: Any) -> None:
    def start(status: Any, headers: Any, exc_info: Any = None, /) -> Any:
        return send(status) if exc_info is None else None

    start("200 OK", [])


_START, _BODY = {"type": "http.response.start"}, {"type": "http.response.body"}


def _names() -> dict[str, Any]:
    """Return what the statements name: the objects of one request, and of one response with two lines."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"13")]
    lines = tuple((f"access-control-{number}".encode(), b"value") for number in range(4))
    return {
        "handing": _handing,
        "handing_on": _handing_on,
        "starting": _starting,
        "starting_on": _starting_on,
        "send": lambda message: None,
        "scope": scope_of(ALLOWED.request),
        "environ": environ_of(ALLOWED.request),
        "outcomes": {b"https://app.example.com": None, None: None},
        "headers": headers,
        "lines": lines,
        "message": {"type": "http.response.start", "status": 200, "headers": headers},
        "ours": frozenset(b"aAvV"),
        "text_headers": [(name.decode(), value.decode()) for name, value in headers],
        "text_lines": tuple((name.decode(), value.decode()) for name, value in lines),
        "text_ours": frozenset("aAvV"),
    }


def tables(data: Data) -> list[Table]:
    """Return a table for each stack."""
    return [
        Table(
            f"{stack}, an allowed request",
            ("part", "alone"),
            [[what, nanoseconds(each)] for what, each in rows.items()],
        )
        for stack, rows in data.items()
    ]


def shares(data: Data, requests: dict[str, Any]) -> str:
    """Return what the parts come to of what *requests*, the section of that name, measured in all."""
    said = []
    for stack, parts in data.items():
        ours = sum(each for what, each in parts.items() if not what.startswith(OF_LIMIT))
        limit = sum(each for what, each in parts.items() if what.startswith(OF_LIMIT))
        added = {row["name"]: row["kinds"][ALLOWED.name]["added"] for row in requests[stack]["libraries"]}
        whole = added[f"crossorigin.{stack.lower()}"]
        said.append(
            f"on {stack} {nanoseconds(ours)} of {nanoseconds(whole)}, and {nanoseconds(limit)} of the limit's "
            f"{nanoseconds(added[LIMIT])}"
        )
    return "; ".join(said)


def targets(data: Data) -> list[Target]:
    """Return nothing: the parts have no targets of their own."""
    return []
