"""Test your CORS in three lines: applications with the mistakes that people make, and what the client says of them."""

import asyncio
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, Response, jsonify, redirect, request
from flask_cors import CORS
from starlette.middleware.cors import CORSMiddleware

from conformance.servers import uvicorn_server
from crossorigin.testing import AsyncBrowserClient, BrowserClient, CORSError

GUIDE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def fastapi_app(**options: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, **options)

    @app.get("/items")
    @app.put("/items")
    def items() -> list[int]:
        return [1, 2]

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("boom")

    return app


# --- a mistake in each ------------------------------------------------------------------------------------------------


def test_fastapi_with_an_origin_without_its_scheme() -> None:
    app = fastapi_app(allow_origins=["app.example.com"])

    with pytest.raises(CORSError, match=r"does not allow the origin https://app\.example\.com,.*with their scheme"):
        BrowserClient(app, origin="https://app.example.com").fetch("/items")


def test_fastapi_with_a_method_left_out() -> None:
    app = fastapi_app(allow_origins=["https://app.example.com"])

    with pytest.raises(CORSError, match=r"(?s)its status is 400, not an ok status.*'Disallowed CORS method'"):
        BrowserClient(app, origin="https://app.example.com").fetch("/items", method="PUT")


def test_fastapi_with_an_exception_whose_500_no_page_can_read() -> None:
    app = fastapi_app(allow_origins=["https://app.example.com"])

    with pytest.raises(CORSError, match=r"the application raised RuntimeError\('boom'\)") as caught:
        BrowserClient(app, origin="https://app.example.com").fetch("/boom")

    assert caught.value.verdict.code == "allow-origin-missing"


def flask_app() -> Flask:
    app = Flask(__name__)

    @app.after_request
    def allow_everyone(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = "*"
        return response

    @app.route("/items", methods=["GET", "PUT", "POST"])
    def items() -> Response:
        response = jsonify(request.cookies)
        response.headers["X-Total-Count"] = "2"
        return response

    @app.get("/moved")
    def moved() -> Any:
        return redirect("https://login.example.com/")

    @app.get("/slash/")
    def slash() -> str:
        return "slash"

    return app


def test_flask_with_a_wildcard_and_credentials() -> None:
    client = BrowserClient(flask_app(), origin="https://app.example.com")

    with pytest.raises(CORSError, match=r"Access-Control-Allow-Origin is '\*', which never counts .* 'include'"):
        client.fetch("/items", credentials="include")

    assert client.fetch("/items").json() == {}


def test_flask_with_a_wildcard_and_a_token() -> None:
    client = BrowserClient(flask_app(), origin="https://app.example.com")

    with pytest.raises(CORSError, match=r"header authorization is not allowed .* '\*' does not cover it"):
        client.fetch("/items", headers={"Authorization": "Bearer t"})


def test_flask_with_a_method_left_out() -> None:
    client = BrowserClient(flask_app(), origin="https://app.example.com")

    assert client.verdict("/items", method="PUT").code == "method-not-allowed"


def test_flask_with_a_header_that_the_page_cannot_see() -> None:
    headers = BrowserClient(flask_app(), origin="https://app.example.com").fetch("/items").headers

    assert headers.get("X-Total-Count") is None
    assert "hidden from the page: x-total-count" in repr(headers)


def test_flask_that_sends_the_page_to_a_login_elsewhere() -> None:
    client = BrowserClient(flask_app(), origin="https://app.example.com")

    with pytest.raises(CORSError, match=r"< Location:.*https://login\.example\.com/"):
        client.fetch("/moved")
    assert client.fetch("/slash").redirected


def test_flask_with_an_exception_that_it_answers_by_itself() -> None:
    app = Flask(__name__)

    @app.get("/boom")
    def boom() -> str:
        raise RuntimeError("boom")

    with pytest.raises(CORSError, match=r"the application failed \(500\), and its log says why") as caught:
        BrowserClient(app, origin="https://app.example.com").fetch("/boom")

    assert caught.value.verdict.code == "allow-origin-missing"
    assert "does not allow the origin" not in str(caught.value)


# --- what is right ----------------------------------------------------------------------------------------------------


def test_preflights_are_counted() -> None:
    client = BrowserClient(fastapi_app(allow_origins=["https://app.example.com"], allow_methods=["PUT", "GET"]))

    verdicts = [client.verdict("/items", method="PUT", json=[]) for _ in range(2)]

    assert [verdict.code for verdict in verdicts] == ["allowed", "allowed"]
    assert [len(verdict.preflights) for verdict in verdicts] == [1, 0]


def test_cookies_travel_with_credentials_alone() -> None:
    app = Flask(__name__)
    CORS(app, origins=["https://app.example.com"], supports_credentials=True)

    @app.post("/login")
    def login() -> Response:
        response = jsonify("welcome")
        response.set_cookie("session", "1", secure=True, httponly=True)
        return response

    @app.get("/me")
    def me() -> Response:
        return jsonify(request.cookies)

    client = BrowserClient(app, origin="https://app.example.com")
    client.fetch("/login", method="POST", credentials="include")

    assert client.fetch("/me", credentials="include").json() == {"session": "1"}
    assert client.fetch("/me").json() == {}


def test_a_served_application_is_told_as_one_in_process() -> None:
    app = fastapi_app(allow_origins=["https://app.example.com"], allow_methods=["GET"])

    with uvicorn_server(app) as address:
        served, inside = BrowserClient(address), BrowserClient(app)
        for options in ({}, {"method": "PUT"}, {"credentials": "include"}):
            assert served.verdict("/items", **options).code == inside.verdict("/items", **options).code  # type: ignore[arg-type]


# --- the guide --------------------------------------------------------------------------------------------------------


def run(block: str) -> dict[str, Any]:
    module = ModuleType("guide")
    vars(module).update(app=fastapi_app(allow_origins=["https://app.example.com"], allow_methods=["PUT"]))
    exec(compile(block, "docs/testing.md", "exec"), vars(module))
    return vars(module)


@pytest.mark.parametrize("number", range(sum(language == "python" for language, _ in BLOCKS)))
def test_a_block_of_the_guide(number: int) -> None:
    block = [text for language, text in BLOCKS if language == "python"][number]
    members = run(block)
    for name, member in members.items():
        if name.startswith("test_"):
            fixtures = {"browser_client": BrowserClient}
            result = member(**{name: fixtures[name] for name in inspect.signature(member).parameters})
            if inspect.iscoroutine(result):
                asyncio.run(result)


def test_the_error_in_the_guide_is_the_real_one() -> None:
    block = next(text for language, text in BLOCKS if language == "python" and "flask" in text)
    printed = next(text for language, text in BLOCKS if language == "" and "CORSError" in text)

    with pytest.raises(CORSError) as caught:
        run(block)["client"].fetch("/items", credentials="include")

    name = f"{type(caught.value).__module__}.{type(caught.value).__qualname__}"
    assert printed == f"{name}: {caught.value}\n"


def test_the_guide_shows_both_clients() -> None:
    text = "".join(text for language, text in BLOCKS if language == "python")

    assert {BrowserClient.__name__, AsyncBrowserClient.__name__} <= set(re.findall(r"\w+", text))
