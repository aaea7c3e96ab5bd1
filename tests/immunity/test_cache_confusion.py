"""What went wrong in the caches of others, and does not here. The register is `docs/immunity.md`."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.engine.cache import DecisionKey
from rolecall.engine.decision import DecidedRole, ServedFrom
from rolecall.engine.errors import InvalidRequestError, UnreadablePolicyError
from rolecall.policy.principal import Principal, PrincipalKind
from tests.engine.world import ACCOUNT, ALICE, NOON, OTHER, allow, ask, document, point, question, role

HOSTILE = [
    "",
    "a",
    "b",
    "a,b",
    'a","b',
    "a\0b",
    "a/b",
    "a|b",
    "a#b",
    "a@b",
    "a:b",
    "1",
    "1.0",
    "true",
    "True",
    "None",
    "()",
]

values = st.one_of(st.none(), st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3).map(tuple))
keyed = st.tuples(
    st.sampled_from(list(PrincipalKind)),
    st.sampled_from(["", "1", "11", "111"]),
    st.sampled_from(["", "1", "11", "app", "App"]),
    st.lists(values, max_size=3).map(tuple),
)


@given(keyed, keyed)
@settings(max_examples=500, deadline=None)
def test_cve_2026_33729_keys_are_equal_only_when_everything_is(one: Any, other: Any) -> None:
    version = DecidedRole.of(role(document(allow())))

    keys = [DecisionKey(version, Principal(kind, owner, name), read) for kind, owner, name, read in (one, other)]

    assert (keys[0] == keys[1]) == (one == other)


def test_cve_2025_11621_principals_of_two_accounts_never_share_an_answer() -> None:
    decider = point(role(document(allow("acs:ram::1:role/app"))))

    answers = [ask(decider, f"acs:ram::{account}:role/app").decision.allowed for account in ("1", "2", "1", "2")]

    assert answers == [True, False, True, False]


def test_principals_that_differ_in_kind_alone_never_share_an_answer() -> None:
    decider = point(role(document(allow(f"acs:ram::{ACCOUNT}:user/app"))))

    assert ask(decider, f"acs:ram::{ACCOUNT}:user/app").decision.allowed
    assert not ask(decider, f"acs:ram::{ACCOUNT}:role/app").decision.allowed


def test_roles_of_one_name_in_two_accounts_never_share_an_answer() -> None:
    ours, theirs = role(document(allow())), role(document(allow(f"acs:ram::{OTHER}:root")), account=OTHER, revision=2)
    decider = point(ours, theirs)

    assert ask(decider).decision.allowed
    assert not ask(decider, account=OTHER).decision.allowed


SHAPES = [["a,b"], ["a", "b"], ["b", "a"], ["a", "b", ""], ["a"], ["ab"], ["", "ab"], ["a", "", "b"]]


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(SHAPES)), 2)))
def test_cve_2026_46668_lists_of_other_shapes_are_other_questions(order: tuple[int, int]) -> None:
    condition: dict[str, Any] = {"ForAllValues:StringEquals": {"k": ["a", "b", ""]}}
    decider = point(role(document(allow() | {"Condition": condition})))
    expected = [set(SHAPES[n]) <= {"a", "b", ""} for n in order]

    assert [ask(decider, context={"k": SHAPES[n]}).decision.allowed for n in order] == expected


def test_cve_2026_48096_a_delimiter_in_a_value_does_not_move_it_to_another_key() -> None:
    decider = point(role(document(allow(StringEquals={"a": "1", "b": "2"}))))

    assert ask(decider, context={"a": ["1"], "b": ["2"]}).decision.allowed
    assert not ask(decider, context={"a": ["1,b=2"]}).decision.allowed
    assert not ask(decider, context={"a": ["1", "2"]}).decision.allowed


def test_cve_2024_56323_the_context_takes_part_in_the_question() -> None:
    decider = point(role(document(allow(StringEquals={"k": "yes"}))))

    answers = [ask(decider, context={"k": [value]}).decision.allowed for value in ("yes", "no", "yes")]

    assert answers == [True, False, True]


def test_cve_2025_46331_nothing_is_remembered_of_a_question_that_failed() -> None:
    decider = point(role(document(allow())), role("{}", name="broken", revision=2))

    with pytest.raises(UnreadablePolicyError):
        ask(decider, name="broken")
    with pytest.raises(InvalidRequestError):
        ask(decider, duration=1)

    assert len(decider.cache) == 0


def test_cve_2026_33729_values_behind_the_first_take_part_in_the_key() -> None:
    decider = point(role(document(allow() | {"Condition": {"ForAllValues:StringEquals": {"k": ["a", "b"]}}})))

    answers = [ask(decider, context={"k": ["a", last]}).decision.allowed for last in ("b", "c", "b", "c")]

    assert answers == [True, False, True, False]
    assert len(decider.cache) == 2


def test_an_absent_value_and_an_empty_one_never_share_an_answer() -> None:
    decider = point(role(document(allow(StringEquals={"k": ""}))))
    contexts: list[dict[str, list[str]]] = [{"k": [""]}, {}, {"k": [""]}, {}]

    assert [ask(decider, context=context).decision.allowed for context in contexts] == [True, False, True, False]


def test_user_names_that_differ_in_case_never_share_an_answer() -> None:
    decider = point(role(document(allow(f"acs:ram::{ACCOUNT}:user/alice"))))

    answers = [ask(decider, f"acs:ram::{ACCOUNT}:user/{name}").decision.allowed for name in ("alice", "Alice") * 2]

    assert answers == [True, False, True, False]
    assert len(decider.cache) == 2


def test_values_that_are_exchanged_between_two_keys_are_another_question() -> None:
    decider = point(role(document(allow(StringEquals={"a": "1", "b": "2"}))))
    straight, crossed = {"a": ["1"], "b": ["2"]}, {"a": ["2"], "b": ["1"]}

    answers = [ask(decider, context=context).decision.allowed for context in (straight, crossed, straight, crossed)]

    assert answers == [True, False, True, False]
    assert len(decider.cache) == 2


def test_a_value_that_moves_to_another_key_is_another_question() -> None:
    decider = point(role(document(allow(StringEquals={"a": "1"}, StringNotEquals={"b": "1"}))))
    moved: list[dict[str, list[str]]] = [{"a": ["1"], "b": ["2"]}, {"b": ["1"]}, {"a": ["1"]}]

    answers = [ask(decider, context=context).decision.allowed for context in moved * 2]
    fresh = [
        ask(
            point(role(document(allow(StringEquals={"a": "1"}, StringNotEquals={"b": "1"})))), context=context
        ).decision.allowed
        for context in moved
    ]

    assert answers == fresh * 2
    assert len(decider.cache) == 3


def test_values_that_other_languages_take_for_equal_stay_apart() -> None:
    decider = point(role(document(allow(StringEquals={"k": "1"}))))

    answers = {
        text: ask(decider, context={"k": [text]}).decision.allowed for text in ("1", "1.0", "true", "True", "01")
    }

    assert answers == {"1": True, "1.0": False, "true": False, "True": False, "01": False}


def test_a_question_that_remembers_its_answer_forgets_it_with_the_version_of_the_role() -> None:
    asked = question()
    allowing, denying = point(role(document(allow()))), point(role(document(allow(f"acs:ram::{OTHER}:root"))))

    first, again = allowing.check(asked, NOON), allowing.check(asked, NOON)
    elsewhere = denying.check(asked, NOON)

    assert (first.served_from, again.served_from) == (ServedFrom.EVALUATED, ServedFrom.CACHED)
    assert (elsewhere.decision.allowed, elsewhere.served_from) == (False, ServedFrom.EVALUATED)


def test_cve_2026_55866_one_question_asked_many_ways_at_once_has_one_answer() -> None:
    decider = point(role(document(allow(StringEquals={"k": "v"}))), cache_entries=2)
    asked = [question(ALICE, context={"k": [text]}) for text in ("v", "w", "x")]

    seen = {(n % 3, decider.check(asked[n % 3], NOON).decision.allowed) for n in range(192)}

    assert seen == {(0, True), (1, False), (2, False)}
