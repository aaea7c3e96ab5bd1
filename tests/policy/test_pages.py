"""The answers of the policy language to many texts: messages, hints, suggestions and places, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rolecall.policy.work import EXPLANATION_BUDGET, LONG_WORK, WORK_BUDGET
from tests.policy.pages.table import PAGES, path_of

DOCS = Path(__file__).parents[2] / "docs"
UNITS_OF_A_MILLISECOND = 1_000_000


@pytest.mark.parametrize("name", list(PAGES))
def test_every_answer_is_the_one_of_its_page(name: str) -> None:
    assert PAGES[name]() == path_of(name).read_text("utf-8"), (
        "read the difference, then run `python -m tests.policy.pages`"
    )


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
