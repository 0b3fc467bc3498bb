"""The README's own lines, run as a newcomer pastes them."""

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.messages import Request
from conformance.servers import ask_server, uvicorn_server, waitress_server
from crossorigin import Policy, PolicyError

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PYTHON = [block for language, block in BLOCKS if language == "python"]
PRINTED = [block for language, block in BLOCKS if language == ""]


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "readme", "Policy": Policy}
    exec(compile(block, "README.md", "exec"), names)
    return names


@pytest.mark.parametrize(("block", "serve"), [(0, uvicorn_server), (1, waitress_server)], ids=["ASGI", "WSGI"])
def test_the_quickstart(block: int, serve: Any) -> None:
    app = run(PYTHON[block])["app"]

    with serve(app) as address:
        response = ask_server(address, Request.actual("http://localhost:5173", "/items"))
        preflight = ask_server(address, Request.preflight("https://app.example.com", "PUT"))
        evil = ask_server(address, Request.actual("https://evil.example", "/items"))

    assert (response.status, response.cors["allow-origin"]) == (200, "http://localhost:5173")
    assert (preflight.status, preflight.cors["allow-methods"]) == (204, "PUT")
    assert evil.cors == {}


def test_the_error_message_is_the_real_one() -> None:
    with pytest.raises(PolicyError) as caught:
        run(PYTHON[2])

    printed = next(block for block in PRINTED if "PolicyError" in block)
    assert printed == f"crossorigin.findings.PolicyError: {caught.value}\n"


def test_the_log_line_is_the_real_one() -> None:
    near = Policy("http://localhost:8080").near_miss("origin-not-allowed", "http://localhost:3000")

    assert f"origin 'http://localhost:3000' is not allowed ({near})\n" in PRINTED
