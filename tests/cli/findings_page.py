"""The page of the findings and violations, generated from their explanations; run this module to update the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rolecall.cli.linting.explained import FindingExplanation, explanations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings.md"

_INTRODUCTION = """# Findings and violations

What the linter finds, and for which reasons policies, roles, requests and files are refused, as `rolecall lint --explain ID` prints it. `make docs` writes this page.

A *finding* is something valid that is probably a mistake. It has a severity, which a team can change, and can be suppressed with a
reason ([configuration of the linter](lint-configuration.md)). A *violation* breaks a rule, so the document or the request is refused.
An example is a statement, a whole document, or a role file. [The trust-policy language](policy-language.md) and
[permission policies](permission-policies.md) say what is valid.
"""


def written_page() -> str:
    """Return the page as it should be."""
    return "\n".join([_INTRODUCTION, *_section("Findings", findings=True), *_section("Violations", findings=False)])


def _section(title: str, *, findings: bool) -> Iterator[str]:
    yield f"## {title}\n"
    for each in explanations().values():
        if each.is_finding == findings:
            yield _entry(each)


def _entry(each: FindingExplanation) -> str:
    severity = f" ({each.severity})" if each.is_finding else ""
    parts = [f"### {each.id}\n", f"{each.what[:1].upper()}{each.what[1:]}{severity}. {each.why}\n"]
    parts += [_example("Wrong", each.wrong), _example("Right", each.right), f"Fix: {each.fix}\n"]
    return "\n".join(parts)


def _example(title: str, text: str) -> str:
    if text.startswith("{") or "\n" in text:
        return f"{title}:\n\n```text\n{text}\n```\n"
    return f"{title}: {text}.\n"


if __name__ == "__main__":
    PAGE.write_text(written_page())
