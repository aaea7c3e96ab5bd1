"""Which answers are found again: those of the decisions that were used last, and the last one of each request object."""

from __future__ import annotations

import pytest

from rolecall.engine.cache import MAX_DECISION_BYTES
from rolecall.engine.decision import ServedFrom
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.role import Revision
from tests.engine.world import ACCOUNT, HOUR, NOON, allow, ask, deny, document, point, question, role


def test_the_decision_that_was_not_used_for_the_longest_time_is_dropped_first() -> None:
    decider = point(role(document(allow())), cache_entries=2)
    names = [f"acs:ram::{ACCOUNT}:user/{name}" for name in "abacabc"]

    served = [ask(decider, name).served_from.value[0] for name in names]

    # The second question about `a` makes `b` the one that `c` displaces, and `b` then displaces `c`.
    assert "".join(served) == "EECECEE"
    assert decider.cache.evictions == 3


def test_a_request_object_has_its_answer_also_when_the_cache_has_dropped_it() -> None:
    decider = point(role(document(allow())), cache_entries=1)
    asked = question()
    first = decider.check(asked, NOON)
    ask(decider, f"acs:ram::{ACCOUNT}:user/other")

    again = decider.check(asked, NOON)

    assert (again.decision, again.served_from) == (first.decision, ServedFrom.CACHED)
    assert (decider.cache.hits, decider.cache.misses, decider.cache.evictions) == (1, 2, 1)


@pytest.mark.parametrize(
    ("asked_of", "at", "found"), [("same", 0, True), ("same", HOUR, False), ("equal", 0, False), ("none", 0, False)]
)
def test_the_last_answer_of_a_request_is_that_of_one_version_while_it_holds(
    asked_of: str, at: int, found: bool
) -> None:
    text = document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"}))
    decider, asked = point(role(text)), question()
    given = decider.check(asked, NOON).decision
    versions = {"same": decider.snapshot.version(asked.role_key), "equal": RoleVersion(role(text)), "none": None}

    answer = decider.cache.last_answer(asked, versions[asked_of], NOON + at)

    assert (answer and answer.decision) == (given if found else None)
    assert decider.cache.hits == int(found)


def test_a_request_whose_new_answer_is_too_large_to_be_cached_keeps_none_of_an_earlier_version() -> None:
    decider = point(
        role(document(allow())), encode=lambda decision: b"" if decision.allowed else b"e" * MAX_DECISION_BYTES
    )
    asked = question()
    decider.check(asked, NOON)
    before = asked.last_answer

    denying = role(document(deny()), revision=2)
    decider.snapshot.advance({denying.key: denying}, Revision(2))
    answer = decider.check(asked, NOON)

    assert before is not None
    assert (answer.decision.allowed, asked.last_answer) == (False, None)
