"""The policies of README, docs and examples have the findings that are expected, and no others."""

from __future__ import annotations

from tests.cli.linted import LINTED, linted


def test_the_findings_of_readme_docs_and_examples_are_those_that_are_expected() -> None:
    assert linted() == LINTED.read_text(), "run `python -m tests.cli.linted` if the difference is right"


def test_only_what_is_shown_as_wrong_has_a_warning() -> None:
    lines = LINTED.read_text().splitlines()

    warned = {line.partition(":")[0] for line in lines if ": warning " in line or ": error " in line}

    assert len(lines) > 15
    assert warned == {"README.md-1.json", "examples/policies/github-oidc-broken.json"}
