"""Writes what is made from the code, pages and the schema of policy files: ``python docs/generate.py``."""

import json
from pathlib import Path

from crossorigin import schema
from crossorigin.browser import BLOCKS, ENGINES, Difference
from crossorigin.findings import CATALOGUE

FINDINGS = Path(__file__).with_name("findings.md")
BROWSER = Path(__file__).with_name("browser.md")
SCHEMA = Path(schema.__file__).with_suffix(".json")

FINDINGS_INTRODUCTION = """\
# Findings

Everything that can be wrong with a policy. This page is made from the code by `make docs`.

A `Policy` is checked when it is built, and reports everything at once: `PolicyError.findings` holds each finding with
its code, where it is, the value that was given, a sentence and, where there is one, the corrected value. Codes are
stable.
"""

SECTIONS = {
    "error": ("Errors", "An error stops the policy."),
    "danger": (
        "Dangers",
        "A danger stops the policy until its code is in `dangerously_allow`. `Policy.findings` then still shows it.",
    ),
    "warning": ("Warnings", "A warning never stops a policy. `Policy.findings` shows it."),
}

BROWSER_INTRODUCTION = """\
# The model of the browser

`crossorigin.browser` plays the client's side of [the Fetch standard](https://fetch.spec.whatwg.org): is a preflight
needed, what does it contain, does it pass, may the page read the response, which of its headers does it see, what is
cached, what does a redirect do to the origin. It knows nothing of policies, and shares with them only the words of the
standard (`crossorigin.fetch`), so that a mistake in one cannot hide behind the same mistake in the other.
[The test client](testing.md) and `crossorigin.explain` are built on it. This page is made from the code by `make docs`.

## Rules

- **B1** It does no I/O. The algorithm is a generator that yields the requests which the network must carry, and is sent
  the responses; `run` and `run_async` play it over anything that can carry a request.
- **B2** The result is a `Verdict`: allowed or blocked, by which rule (a stable code, the step of the standard, and a
  sentence such as a browser's console has), the exchanges that took place, and the response as the page sees it.
  Whatever a server answers ends in a verdict.
- **B3** It follows the standard, and knows by name where engines differ from it: the table below.
- **B4** It agrees with the three real engines on every situation that the test suite puts to all of them, about what
  the page gets and about what reaches the servers.

Left out, since it is not CORS: service workers, the HTTP cache, mixed content, blocked ports, the blocking of
third-party cookies, and local network access. A negative `Access-Control-Max-Age` means no caching, as the Web Platform
Tests and all engines have it, though by the letter it would be malformed and mean 5 seconds.
"""


def findings_page() -> str:
    """Return the page of findings as Markdown."""
    parts = [FINDINGS_INTRODUCTION]
    for severity, (title, meaning) in SECTIONS.items():
        rows = [
            f"| `{kind.code}` | {_cell(kind.sentence)} | {_cell(kind.remedy)} |"
            for kind in CATALOGUE
            if kind.severity == severity
        ]
        parts.append(
            "\n".join([f"## {title}\n\n{meaning}\n", "| code | what is wrong | what to do |", "|---|---|---|", *rows])
        )
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def browser_page() -> str:
    """Return the page on the model of the browser as Markdown."""
    blocks = [
        "## Ways to be blocked",
        "",
        "| code | what is wrong | in the Fetch standard |",
        "|---|---|---|",
        *(f"| `{code}` | {_cell(block.sentence)} | {block.clause} |" for code, block in BLOCKS.items()),
    ]
    engines = ENGINES.values()
    differences = [
        "## Where engines differ from the standard",
        "",
        "Each row was seen in the engine itself, by a test that runs it (`tests/engines/test_differences.py`). The",
        "limits are those that the engines' own documentation and sources give. Every engine keeps a preflight without",
        "Access-Control-Max-Age for 5 seconds.",
        "",
        f"| what | {' | '.join(engine.name for engine in engines)} |",
        f"|---|{'---|' * len(engines)}",
        *(
            f"| {_cell(difference.value)} | "
            + " | ".join("yes" if difference in engine.differences else "" for engine in engines)
            + " |"
            for difference in Difference
        ),
        f"| The longest time for which a preflight is kept | {' | '.join(f'{e.max_age_limit} s' for e in engines)} |",
    ]
    return "\n".join([BROWSER_INTRODUCTION, *blocks, "", *differences, ""])


def schema_file() -> str:
    """Return the schema of policy files as JSON."""
    return json.dumps(schema.build(), indent=2) + "\n"


def _cell(sentence: str) -> str:
    return (sentence[0].upper() + sentence[1:].rstrip(".") + ".").replace("|", r"\|")


if __name__ == "__main__":
    FINDINGS.write_text(findings_page(), encoding="utf-8")
    BROWSER.write_text(browser_page(), encoding="utf-8")
    SCHEMA.write_text(schema_file(), encoding="utf-8")
