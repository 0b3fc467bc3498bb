"""The documentation says what the code does."""

import re
import runpy
from pathlib import Path

import pytest

from crossorigin.findings import KINDS

ROOT = Path(__file__).parent.parent
MARKDOWN = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def test_the_page_of_findings_is_made_from_the_catalogue() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["findings_page"]()

    assert (ROOT / "docs" / "findings.md").read_text(encoding="utf-8") == page, "run `make docs`"


def test_the_page_on_the_browser_is_made_from_the_model() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["browser_page"]()

    assert (ROOT / "docs" / "browser.md").read_text(encoding="utf-8") == page, "run `make docs`"


def test_every_finding_is_in_the_page() -> None:
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == set(KINDS)


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_rule_that_the_code_cites_is_written_down() -> None:
    pages = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("rules.md", "browser.md")]
    written = {rule for page in pages for rule in re.findall(r"^- \*\*([SBFP]\d+)\*\*", page, re.MULTILINE)}
    sources = (*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("conformance/**/*.py"))
    cited = {
        rule
        for path in sources
        for rule in re.findall(r"(?<![\w/%])[SBFP][1-9]\d?(?!\w)", path.read_text(encoding="utf-8"))
    }

    assert sorted(cited - written) == []
