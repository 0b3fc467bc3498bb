"""docs/policy-files.md: every block does what the page says."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from conformance.messages import Request
from conformance.servers import ask_server, uvicorn_server
from crossorigin import ByPath, Policy
from crossorigin.files import PolicyFileError, load

PAGE = (Path(__file__).parent.parent / "docs" / "policy-files.md").read_text(encoding="utf-8")
APP = "https://app.example.com"


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


ONE, SEVERAL, USE, PYPROJECT, WRONG = blocks("toml")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rules_of(block: str, name: str = "crossorigin.toml") -> Any:
    Path(name).write_text(block, encoding="utf-8")
    return load(name)


def test_the_application_that_loads_a_file() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    Path("crossorigin.toml").write_text(ONE, encoding="utf-8")
    (block,) = blocks("python")
    program: dict[str, Any] = {"app": app}
    exec(block, program)

    with uvicorn_server(program["app"], lifespan="off") as address:
        response = ask_server(address, Request.actual("http://localhost:5173"))

    assert response.cors["allow-origin"] == "http://localhost:5173"


def test_one_policy() -> None:
    assert rules_of(ONE) == Policy(
        [APP, "https://*.example.com", "http://localhost:*"],
        allow_credentials=True,
        allow_methods=["PUT", "DELETE"],
        allow_headers=["Authorization"],
        expose_headers=["X-Total-Count"],
    )


def test_several_policies() -> None:
    rules = rules_of(SEVERAL)

    assert isinstance(rules, ByPath)
    assert rules.actual("https://stranger.example", "/feed/x").allowed  # type: ignore[union-attr]
    assert rules.actual("https://partner.example", "/x").allowed  # type: ignore[union-attr]
    assert rules.actual(APP, "/legacy/x") is None
    assert not rules.actual(APP, "/internal/x").allowed  # type: ignore[union-attr]


def test_one_of_several() -> None:
    assert rules_of(USE) == Policy(APP)


def test_pyproject() -> None:
    assert rules_of(PYPROJECT, "pyproject.toml") == Policy(APP)


def test_json() -> None:
    rules = rules_of(blocks("json")[0], "crossorigin.json")

    assert rules.rules == {"/feed/": Policy("*"), "/": Policy(APP, max_age=None)}


def test_the_message_is_the_real_one() -> None:
    with pytest.raises(PolicyFileError) as caught:
        rules_of(WRONG)

    assert blocks("") == [f"{caught.value}\n"]


def test_the_variables() -> None:
    variables = dict(word.split("=", 1) for word in shlex.split(blocks("sh")[0]))

    policy = Policy.from_env(environ=variables)

    assert policy == Policy([APP, "https://admin.example.com"], allow_credentials=True, allow_methods=["PUT", "DELETE"])
