"""The estimated work, part by part of its page: an answer that has changed is found in milliseconds, and its part is named."""

from __future__ import annotations

import pytest

from tests.policy.pages.estimates import PARTS
from tests.policy.pages.table import path_of


@pytest.mark.parametrize("part", ["operators", "patterns", "questions", "explanations", "accesses"])
def test_the_estimates_of_a_part_are_those_of_the_page(part: str) -> None:
    page = path_of("estimates").read_text("utf-8").splitlines()

    found = list(PARTS[part]())

    start = page.index(found[0])
    assert page[start : start + len(found)] == found
