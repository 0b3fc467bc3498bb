"""The main job, on real servers: one policy in front of five stacks, and what pages get from them.

Starts a plain ASGI application, FastAPI and Kui on uvicorn, a WSGI application on waitress and an aiohttp application
on its own server, all on loopback; sends what a browser sends for pages of several origins; and prints a table: what
each stack answered, what a browser does with the answer, and why. Run it with ``make demo``; it ends by itself, with
status 1 if an answer is not what the policy says.
"""

import logging
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from conformance.messages import Request, Response
from conformance.servers import aiohttp_server, ask_server, uvicorn_server, waitress_server
from conformance.stacks.aiohttp import serve_aiohttp
from conformance.stacks.asgi import serve_asgi
from conformance.stacks.kui import serve_kui_asgi
from conformance.stacks.starlette import serve_fastapi
from conformance.stacks.wsgi import serve_wsgi
from crossorigin import Policy, fetch
from crossorigin.browser import Engine, HTTPResponse
from crossorigin.browser.checks import check_cors, check_headers, check_method, read_preflight
from crossorigin.browser.verdicts import Blocked

STACKS = {
    "ASGI": (uvicorn_server, serve_asgi),
    "FastAPI": (uvicorn_server, serve_fastapi),
    "WSGI": (waitress_server, serve_wsgi),
    "aiohttp": (aiohttp_server, serve_aiohttp),
    "Kui": (uvicorn_server, serve_kui_asgi),
}

POLICY = Policy(
    ["https://app.example.com", "https://*.example.com", "http://localhost:*"],
    allow_credentials=True,
    allow_methods=["PUT", "DELETE"],
    allow_headers=["Authorization"],
    expose_headers=["X-Total-Count"],
)

APP = "https://app.example.com"
EVIL = "https://evil.example"


@dataclass(frozen=True)
class Situation:
    """What a page does, and whether the policy lets it."""

    name: str
    request: Request
    allowed: bool
    status: int = 200


SITUATIONS = (
    Situation("allowed page", Request.actual(APP), True),
    Situation("page of a subdomain", Request.actual("https://shop.eu.example.com"), True),
    Situation("page on localhost:5173", Request.actual("http://localhost:5173"), True),
    Situation("evil page", Request.actual(EVIL), False),
    Situation("look-alike: as a prefix", Request.actual("https://app.example.com.evil.example"), False),
    Situation("look-alike: name glued on", Request.actual("https://evilexample.com"), False),
    Situation("look-alike: plain http", Request.actual("http://app.example.com"), False),
    Situation("look-alike: fragment", Request.actual("https://evil.example#.example.com"), False),
    Situation("sandboxed frame: null", Request.actual("null"), False),
    Situation("preflight, PUT", Request.preflight(APP, "PUT"), True, 204),
    Situation("preflight, Authorization", Request.preflight(APP, "GET", "authorization"), True, 204),
    Situation("preflight, PATCH", Request.preflight(APP, "PATCH"), False, 204),
    Situation("preflight, X-Debug", Request.preflight(APP, "GET", "x-debug"), False, 204),
    Situation("preflight, evil page", Request.preflight(EVIL, "PUT"), False, 403),
    Situation("handler that raises", Request.actual(APP, "/fails"), True, 500),
    Situation("path that does not exist", Request.actual(APP, "/missing"), True, 404),
    Situation("redirect", Request.actual(APP, "/moved"), True, 307),
    Situation("stream", Request.actual(APP, "/stream"), True),
    Situation("OPTIONS, no preflight", Request.preflight(APP, None), True),
)


def browser_verdict(request: Request, response: Response) -> tuple[bool, str]:
    """Return whether a browser lets the page go on, and why, for a page that includes credentials."""
    sent = dict(request.headers)
    answer = HTTPResponse(response.status, response.headers)
    method = sent.get(fetch.REQUEST_METHOD)
    try:
        check_cors(sent["Origin"], True, answer)
        if method is None:
            return True, "reads it"
        allowed = read_preflight(answer, Engine.STANDARD, None)
        check_method(method, allowed, True)
        check_headers(fetch.parse_list([sent.get(fetch.REQUEST_HEADERS, "")]) or [], allowed, True, Engine.STANDARD)
    except Blocked as blocked:
        return False, blocked.code
    return True, "goes on"


def main() -> int:
    """Play all situations on all stacks, print the table, and return the exit status."""
    # The servers log the traceback of the handler that raises, and the library each refusal: on purpose, not here.
    logging.disable(logging.CRITICAL)
    table = Table("situation", *STACKS, "the browser", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    wrong = 0
    with ExitStack() as running:
        addresses = [running.enter_context(start(serve(POLICY))) for start, serve in STACKS.values()]
        for situation in SITUATIONS:
            responses = [ask_server(address, situation.request) for address in addresses]
            verdicts = [browser_verdict(situation.request, response) for response in responses]
            allowed, why = verdicts[0]
            right = set(verdicts) == {(situation.allowed, why)} and {response.status for response in responses} == {
                situation.status
            }
            wrong += not right
            cells = [str(response.status) for response in responses]
            shown = f"[green]{why}[/]" if allowed else f"[yellow]{why}[/]"
            table.add_row(situation.name, *cells, shown if right else f"[red]WRONG: {why}[/]")
    console = Console(highlight=False)
    console.print("One policy on five stacks, and what a browser makes of their answers:\n")
    console.print(f"{POLICY}\n", style="dim", markup=False)
    console.print(table)
    right_ones = f"{len(SITUATIONS) - wrong} of {len(SITUATIONS)}"
    console.print(f"\n{right_ones} situations are as the policy says, on all {len(STACKS)} stacks.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
