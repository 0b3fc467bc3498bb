"""The migration guides say what the tests show, and their code runs as it stands."""

import importlib
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from conformance.messages import Request
from conformance.servers import ask_server, script_server
from crossorigin.compat import CORSWarning

from .examples import EXAMPLES, script

ROOT = Path(__file__).parent.parent.parent
GUIDES = {path.stem: path for path in (ROOT / "docs" / "migrating").glob("*.md") if path.stem != "README"}
LIBRARIES = ["aiohttp-cors", "asgi-cors", "kui", "starlette", "wsgicors"]


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_there_is_a_guide_for_each_library() -> None:
    assert sorted(GUIDES) == LIBRARIES
    index = (ROOT / "docs" / "migrating" / "README.md").read_text(encoding="utf-8")
    assert [name for name in LIBRARIES if f"({name}.md)" not in index] == []


@pytest.mark.parametrize("name", LIBRARIES)
def test_each_difference_has_its_line_and_its_test(name: str) -> None:
    module = importlib.import_module(f"tests.compat.test_{name.replace('-', '_')}")
    lines = re.findall(r"^\| `([a-z0-9-]+)` \|(.*)\|$", GUIDES[name].read_text(encoding="utf-8"), re.MULTILINE)

    rows = [row.name for row in module.ROWS]
    assert len(set(rows)) == len(rows)
    assert sorted(row for row, _ in lines) == sorted(rows)
    for row, cells in lines:
        test = f"test_row_{row.replace('-', '_')}"
        assert callable(getattr(module, test)), test
        assert len(cells.split(" | ")) == 4, f"{row}: the original, ours, why, and the test"
        assert f"`{test}`" in cells, row


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name in LIBRARIES if name in GUIDES for number in range(len(blocks(GUIDES[name])))],
)
def test_the_guides_code_runs(name: str, number: int) -> None:
    module = ModuleType("guide")  # a real one: some frameworks look a function's module up
    sys.modules["guide"] = module

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CORSWarning)  # what the guide shows, it also warns of
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(compile(blocks(GUIDES[name])[number], f"{name}.md", "exec"), vars(module))


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_can_be_run(name: str) -> None:
    with script_server(script(name)) as address:
        response = ask_server(address, Request.actual("https://www.example.com", EXAMPLES[name].path))

    assert response.status == 200


def test_the_drop_ins_are_small() -> None:
    sources = (ROOT / "src" / "crossorigin" / "compat").glob("**/*.py")

    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources) < 900
