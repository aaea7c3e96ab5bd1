"""Identities with a token: their decisions end with it, and nobody else's do."""

from __future__ import annotations

import pytest

from rolecall.engine.cache import RequestCache
from rolecall.engine.decision import ServedFrom
from rolecall.engine.explanation import explain_decision
from rolecall.engine.request import AssumeRoleRequest
from rolecall.policy.wording import rfc3339
from tests.engine.world import HOUR, NOON, allow, document, point, question, role

ALWAYS = document(allow())
UNTIL_ONE = document(allow(DateLessThan={"acs:CurrentTime": rfc3339(NOON + HOUR)}))


def expiring(at: int, name: str = "app") -> AssumeRoleRequest:
    request = question(name=name)
    request.expires_at = at
    return request


@pytest.mark.parametrize(
    ("text", "expiry", "until"),
    [
        (ALWAYS, NOON + 2 * HOUR, NOON + 2 * HOUR),
        (UNTIL_ONE, NOON + 2 * HOUR, NOON + HOUR),
        (UNTIL_ONE, NOON + HOUR, NOON + HOUR),
        (UNTIL_ONE, NOON + HOUR - 1, NOON + HOUR - 1),
    ],
)
def test_a_decision_ends_with_its_policy_or_its_token_whichever_is_first(text: str, expiry: int, until: int) -> None:
    decider = point(role(text))

    answers = [decider.check(expiring(expiry), NOON).decision for _ in range(2)]
    explained = explain_decision(decider, expiring(expiry), NOON).decision

    assert [decision.valid_until for decision in (*answers, explained)] == [until] * 3


def test_a_role_that_does_not_exist_is_not_found_until_the_token_expires() -> None:
    decider = point()

    assert decider.check(expiring(NOON + 7), NOON).decision.valid_until == NOON + 7
    assert explain_decision(decider, expiring(NOON + 7), NOON).decision.valid_until == NOON + 7
    assert decider.check(question(), NOON).decision.valid_until is None


def test_the_decision_of_others_does_not_end_with_the_token() -> None:
    decider = point(role(ALWAYS))

    first = decider.check(expiring(NOON + 7), NOON)
    second = decider.check(question(), NOON)

    assert (first.decision.valid_until, second.decision.valid_until) == (NOON + 7, None)
    assert second.served_from is ServedFrom.CACHED


def test_one_request_that_is_asked_twice_is_limited_twice() -> None:
    decider, request = point(role(ALWAYS)), expiring(NOON + 7)

    assert [decider.check(request, NOON).decision.valid_until for _ in range(3)] == [NOON + 7] * 3


def test_what_a_query_with_a_token_means_is_not_cached() -> None:
    cache = RequestCache(lambda _: expiring(NOON))

    first, second = cache.get(b"query"), cache.get(b"query")

    assert first is not second
    assert (len(cache), cache.bytes) == (0, 0)


@pytest.mark.parametrize(("later", "same"), [(-1, False), (0, True), (1, True)])
def test_an_answer_that_ends_no_later_than_the_token_is_given_as_it_is(later: int, same: bool) -> None:
    decider = point(role(UNTIL_ONE), encode=lambda _: b"encoded")

    answer = decider.check(expiring(NOON + HOUR + later), NOON)

    assert answer.encoded == (b"encoded" if same else b"")
