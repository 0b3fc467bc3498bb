"""The README's own lines, run as a newcomer pastes them."""

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conformance.messages import Request
from conformance.servers import aiohttp_server, ask_server, uvicorn_server, waitress_server
from crossorigin import Policy, PolicyError
from crossorigin.testing import CORSError

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PYTHON = [block for language, block in BLOCKS if language == "python"]
PRINTED = [block for language, block in BLOCKS if language == ""]


def run(block: str) -> dict[str, Any]:
    module = ModuleType("readme")  # a real one: some frameworks look a function's module up
    sys.modules["readme"] = module
    vars(module)["Policy"] = Policy
    exec(compile(block, "README.md", "exec"), vars(module))
    return vars(module)


QUICKSTARTS: dict[str, tuple[str, Callable[[Any], AbstractContextManager[str]]]] = {
    "FastAPI": ("crossorigin.starlette.setup", uvicorn_server),
    "ASGI": ("litestar import", uvicorn_server),
    "WSGI": ("crossorigin.wsgi import", waitress_server),
    "aiohttp": ("aiohttp import web", aiohttp_server),
    "Kui": ("kui.asgi import", uvicorn_server),
}


@pytest.mark.parametrize(("sign", "serve"), QUICKSTARTS.values(), ids=QUICKSTARTS)
def test_the_quickstart(sign: str, serve: Callable[[Any], AbstractContextManager[str]]) -> None:
    (block,) = (block for block in PYTHON if sign in block)
    app = run(block)["app"]

    with serve(app) as address:
        response = ask_server(address, Request.actual("http://localhost:5173", "/items"))
        preflight = ask_server(address, Request.preflight("https://app.example.com", "PUT"))
        evil = ask_server(address, Request.actual("https://evil.example", "/items"))
        feed = ask_server(address, Request.actual("https://evil.example", "/feed"))

    assert (response.status, response.cors["allow-origin"]) == (200, "http://localhost:5173")
    assert (preflight.status, preflight.cors["allow-methods"]) == (204, "PUT")
    assert evil.cors == {}
    assert feed.cors == ({"allow-origin": "*"} if "feed" in block else {})


def test_the_several_policies() -> None:
    (block,) = (block for block in PYTHON if "ByPath(" in block)
    rules = run(block)["rules"]

    assert rules.actual("https://evil.example", "/public/x").allowed
    assert rules.actual("https://partner.example", "/x").allowed
    assert rules.actual("https://evil.example", "/legacy/x") is None
    assert not rules.actual("https://evil.example", "//public/x").allowed


def test_the_error_message_is_the_real_one() -> None:
    with pytest.raises(PolicyError) as caught:
        run(next(block for block in PYTHON if "TRACE" in block))

    printed = next(block for block in PRINTED if "PolicyError" in block)
    assert printed == f"crossorigin.findings.PolicyError: {caught.value}\n"


def test_the_log_line_is_the_real_one() -> None:
    near = Policy("http://localhost:8080").near_miss("origin-not-allowed", "http://localhost:3000")

    assert f"origin 'http://localhost:3000' is not allowed ({near})\n" in PRINTED


def test_the_explanation_is_printed_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    run(next(block for block in PYTHON if "explain(" in block))

    assert capsys.readouterr().out in PRINTED


@pytest.mark.parametrize("framework", ["FastAPI()", "Flask(__name__)"])
def test_the_test_client_names_the_mistake(framework: str) -> None:
    block = next(block for block in PYTHON if "BrowserClient" in block and framework in block)

    with pytest.raises(CORSError) as caught:
        run(block)

    assert f"crossorigin.testing.CORSError: {caught.value}\n" in PRINTED
