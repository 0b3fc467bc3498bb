"""The harness itself: what a suite in this folder may rely on."""

from typing import Any

import pytest

from conformance.engines import Engine, ScriptError
from conformance.engines.network import PAGE, Network, Request, response

FETCH = "const got = await fetch(arguments[0], arguments[1]); return [got.status, await got.text()];"


def test_a_page_is_of_the_origin_that_was_visited(engine: Engine, network: Network) -> None:
    for scheme in ("http", "https"):
        for host in ("app.example.com", "xn--bcher-kva.example", "127.0.0.1"):
            for other_port in (False, True):
                engine.visit(network.origin(scheme, host, other_port=other_port) + PAGE)


def test_a_page_that_does_not_load_is_an_error(engine: Engine) -> None:
    with pytest.raises(RuntimeError):
        engine.visit("http://127.0.0.1:1/page")


def test_a_script_gets_arguments_and_returns_a_value(engine: Engine, network: Network) -> None:
    engine.visit(network.origin("https", "app.example.com") + PAGE)

    for run in (engine.run, engine.run_sandboxed):
        assert run("return [...arguments].reverse();", 1, {"a": [None, "ü"]}) == [{"a": [None, "ü"]}, 1]
        assert run("await null;") is None
        with pytest.raises(ScriptError, match="TypeError: on purpose"):
            run("throw new TypeError('on purpose');")


def test_the_handler_sees_the_request_and_its_bytes_are_the_response(engine: Engine, network: Network) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> bytes:
        seen.append(request)
        return response(299, [("Access-Control-Allow-Origin", "*")], b"from " + request.body)

    page, api = network.origin("https", "app.example.com"), network.origin("https", "api.example.com")
    engine.visit(page + PAGE)
    init = {"method": "POST", "body": "a page"}
    with network.serving(handler):
        answers = [run(FETCH, f"{api}/path?query", init) for run in (engine.run, engine.run_sandboxed)]

    assert answers == [[299, "from a page"]] * 2
    assert [request.get("origin") for request in seen] == [page, "null"]
    assert [(one.scheme, one.method, one.target) for one in seen] == [("https", "POST", "/path?query")] * 2
    assert {f"https://{one.host}" for one in seen} == {api}


def test_a_malformed_response_is_sent_as_it_is(engine: Engine, network: Network) -> None:
    page, api = network.origin("http", "app.example.com"), network.origin("http", "api.example.com")
    engine.visit(page + PAGE)

    with network.serving(lambda request: b"HTTP/1.1 banana\r\n\r\n"), pytest.raises(ScriptError):
        engine.run(FETCH, f"{api}/malformed", {})


def test_what_a_handler_raises_is_raised_in_the_test(engine: Engine, network: Network) -> None:
    def handler(request: Request) -> bytes:
        raise LookupError(request.target)

    def ask() -> Any:
        with network.serving(handler), pytest.raises(ScriptError):
            engine.run(FETCH, "/raises", {})

    engine.visit(network.origin("https", "app.example.com") + PAGE)
    with pytest.raises(LookupError, match="/raises"):
        ask()


def test_cookies_are_cleared(engine: Engine, network: Network) -> None:
    seen: list[str | None] = []

    def handler(request: Request) -> bytes:
        seen.append(request.get("cookie"))
        return response(200, [("Set-Cookie", "a=1; SameSite=None; Secure")])

    origin = network.origin("https", "other.test")
    with network.serving(handler):
        for clear in (False, False, True):
            if clear:
                engine.clear_cookies()
            engine.visit(origin + PAGE)
            engine.run(FETCH, f"{origin}/cookies", {})

    assert seen == [None, "a=1", None]
