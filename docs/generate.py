"""Writes the pages of the documentation that are made from the code: ``python docs/generate.py``."""

from pathlib import Path

from crossorigin.findings import CATALOGUE

FINDINGS = Path(__file__).with_name("findings.md")

INTRODUCTION = """\
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


def findings_page() -> str:
    """Return the page of findings as Markdown."""
    parts = [INTRODUCTION]
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


def _cell(sentence: str) -> str:
    return (sentence[0].upper() + sentence[1:].rstrip(".") + ".").replace("|", r"\|")


if __name__ == "__main__":
    FINDINGS.write_text(findings_page(), encoding="utf-8")
