"""The limits of a transaction on PostgreSQL are those of the documentation."""

from __future__ import annotations

import re

from rolecall.storage.postgres.driver import TIMEOUTS
from tests.repository.tree import DOCS


def test_the_limits_of_a_transaction_are_announced_in_seconds() -> None:
    (sentences,) = re.findall(r"^A transaction waits at most .*$", (DOCS / "operations.md").read_text(), re.MULTILINE)

    lock, statement, idle, response = (1_000 * int(number) for number in re.findall(r"\b\d+\b", sentences))

    assert (TIMEOUTS.lock, TIMEOUTS.statement, TIMEOUTS.idle, TIMEOUTS.response) == (lock, statement, idle, response)
