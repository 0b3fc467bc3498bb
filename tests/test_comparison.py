"""The README's comparison: every cell is shown here, so that none can go stale."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wsgicors
from asgi_cors import asgi_cors
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware as StarletteMiddleware

from conformance.messages import Request, Response
from conformance.stacks.asgi import asgi_api, ask_asgi
from conformance.stacks.wsgi import ask_wsgi, wsgi_api
from crossorigin import Policy, asgi, wsgi

APP = "https://app.example.com"
EVIL = "https://evil.example"

Ask = Callable[[Request], Response | None]


def asking(ask: Callable[[Any, Request], Response], app: Any) -> Ask:
    def answer(request: Request) -> Response | None:
        try:
            return ask(app, request)
        except AssertionError:  # the application raised without a response: a server sends a bare 500
            return None

    return answer


def starlette(**options: Any) -> Ask:
    app = Starlette()
    app.add_middleware(StarletteMiddleware, **options)
    app.mount("/", asgi_api)
    return asking(ask_asgi, app)


# Each library, configured for the same policy: this one origin, with credentials where it can, and PUT.
EXACT: dict[str, Callable[[], Ask]] = {
    "crossorigin": lambda: asking(
        ask_asgi, asgi.CORSMiddleware(asgi_api, Policy(APP, allow_credentials=True, allow_methods=["PUT"]))
    ),
    "Starlette's `CORSMiddleware`": lambda: starlette(
        allow_origins=[APP], allow_credentials=True, allow_methods=["PUT"]
    ),
    "asgi-cors": lambda: asking(ask_asgi, asgi_cors(asgi_api, hosts=[APP], methods=["PUT"])),
    "wsgicors": lambda: asking(ask_wsgi, wsgicors.CORS(wsgi_api, origin=APP, credentials="true", methods="PUT")),
}
# The same with every subdomain, written as the library's documentation writes it.
PATTERN: dict[str, Callable[[], Ask]] = {
    "crossorigin": lambda: asking(ask_asgi, asgi.CORSMiddleware(asgi_api, Policy("https://*.example.com"))),
    "Starlette's `CORSMiddleware`": lambda: starlette(allow_origin_regex=r"https://.*\.example\.com"),
    "asgi-cors": lambda: asking(ask_asgi, asgi_cors(asgi_api, host_wildcards=["https://*.example.com"])),
    "wsgicors": lambda: asking(ask_wsgi, wsgicors.CORS(wsgi_api, origin="https://*.example.com")),
}
MISTAKES: dict[str, Callable[[str], object]] = {
    "crossorigin": Policy,
    "Starlette's `CORSMiddleware`": lambda origin: StarletteMiddleware(asgi_api, allow_origins=[origin]),
    "asgi-cors": lambda origin: asgi_cors(asgi_api, hosts=[origin]),
    "wsgicors": lambda origin: wsgicors.CORS(wsgi_api, origin=origin),
}


def answers_preflights(library: str) -> bool:
    response = EXACT[library]()(Request.preflight(APP, "PUT"))
    return response is not None and response.body != b"the application's own"


def reports_mistakes(library: str) -> bool:
    for origin in ("example.com", "https://example.com:443", "https://Example.com"):
        try:
            MISTAKES[library](origin)
        except (ValueError, AssertionError):
            continue
        return False
    return True


def patterns_stay_on_the_host(library: str) -> bool:
    ask = PATTERN[library]()
    inside = ask(Request.actual("https://a.example.com"))
    assert inside is not None
    assert inside.cors["allow-origin"] == "https://a.example.com"
    outside = [ask(Request.actual(f"https://evil.com{between}.example.com")) for between in ("#", "/", "?", "@")]
    return not any(response and response.cors.get("allow-origin") for response in outside)


def marks_a_500(library: str) -> bool:
    response = EXACT[library]()(Request.actual(APP, "/fails"))
    return response is not None and response.status == 500 and response.cors.get("allow-origin") == APP


def varies(library: str) -> bool:
    ask = EXACT[library]()
    responses = [ask(Request.actual(origin)) for origin in (APP, EVIL, None)]
    return all(response is not None and "origin" in response.vary for response in responses)


def tells_denied_origins_nothing(library: str) -> bool:
    ask = EXACT[library]()
    responses = [ask(Request.actual(EVIL)), ask(Request.preflight(EVIL, "PUT"))]
    return all(response is not None and response.cors == {} for response in responses)


PROBES = {
    "Answers preflights": answers_preflights,
    "A mistake in the policy is reported when it is built": reports_mistakes,
    "Patterns that cannot match another host": patterns_stay_on_the_host,
    "CORS headers on an unhandled exception's 500": marks_a_500,
    "`Vary: Origin` on every response that needs it": varies,
    "Nothing about the policy told to denied origins": tells_denied_origins_nothing,
}


def cells() -> list[tuple[str, str, str]]:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Compared with")[2].partition("\n## ")[0]
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.MULTILINE)
    ]
    return [(row[0], library, cell) for row in rows for library, cell in zip(head[1:], row[1:], strict=True)]


@pytest.mark.parametrize(("row", "library", "cell"), [one for one in cells() if one[0] != "Stacks"])
def test_the_cell_is_true(row: str, library: str, cell: str) -> None:
    assert PROBES[row](library) == cell.startswith("yes")


def test_crossorigin_does_the_same_on_wsgi() -> None:
    policy = Policy(APP, allow_credentials=True, allow_methods=["PUT"])
    app = wsgi.CORSMiddleware(wsgi_api, policy)

    assert ask_wsgi(app, Request.actual(APP, "/fails")).cors["allow-origin"] == APP
    assert ask_wsgi(app, Request.preflight(EVIL, "PUT")).cors == {}
