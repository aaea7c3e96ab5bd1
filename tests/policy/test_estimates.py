"""The figures of the estimated work: a change of them changes which questions are refused, and which wait."""

from __future__ import annotations

import re
from pathlib import Path

from rolecall.policy.work import EXPLANATION_BUDGET, LONG_WORK, WORK_BUDGET
from tests.policy.estimates import PAGE, written_estimates

DOCS = Path(__file__).parents[2] / "docs"
UNITS_OF_A_MILLISECOND = 1_000_000


def test_every_estimate_is_the_one_of_the_page() -> None:
    assert written_estimates() == PAGE.read_text(), "read the difference, then run `python -m tests.policy.estimates`"


def test_the_budgets_are_those_of_the_documentation() -> None:
    found = {
        page: re.findall(r"([\d,]{10,}) units", (DOCS / page).read_text())
        for page in ("policy-language.md", "permission-policies.md", "adr/0015-work-is-estimated.md")
    }

    both = [f"{WORK_BUDGET:,}", f"{EXPLANATION_BUDGET:,}"]
    assert found == {
        "policy-language.md": both,
        "permission-policies.md": both[:1],
        "adr/0015-work-is-estimated.md": both,
    }


def test_what_takes_longer_than_two_milliseconds_waits_as_documented() -> None:
    assert "takes longer than two milliseconds waits for a turn" in (DOCS / "architecture.md").read_text()
    assert LONG_WORK == 2 * UNITS_OF_A_MILLISECOND
