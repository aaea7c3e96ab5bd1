from __future__ import annotations

from typing import Any

import pytest

from rolecall.engine.decision import Reason
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.explanation import Explanation, explain_decision
from rolecall.policy.evaluator import evaluate
from tests.engine.world import ACCOUNT, ALICE, NOON, OTHER, allow, deny, document, point, question, role

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/ci"


def explained(text: str, who: str = ALICE, *, options: dict[str, Any] | None = None, **asked: Any) -> Explanation:
    return explain_decision(point(role(text), **(options or {})), question(who, **asked), NOON)


def suggestion(text: str, who: str = ALICE, **asked: Any) -> str:
    (miss,) = explained(text, who, **asked).near_misses
    return miss.suggestion


def test_an_allow_shows_its_statements_and_no_near_miss() -> None:
    explanation = explained(document(allow(), deny(f"acs:ram::{ACCOUNT}:user/bob")))

    assert [t.applies for t in explanation.statements] == [True, False]
    assert explanation.statements[0].matched_principal == ALICE
    assert explanation.near_misses == ()


def test_an_explanation_compares_the_conditions_of_each_statement_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = list[object]()

    def recorded(*args: Any, **named: Any) -> Any:
        known.append(named["known"])
        return evaluate(*args, **named)

    monkeypatch.setattr("rolecall.engine.decision_point.evaluate", recorded)
    explanation = explained(
        document(allow(StringEquals={"k": "w"}), allow(StringEquals={"k": "v"}), deny()), context={"k": ["v"]}
    )

    assert known == [{1, 2}]
    assert explanation.decision.reason is Reason.EXPLICIT_DENY


def test_an_unknown_role_has_nothing_to_show() -> None:
    explanation = explained(document(allow()), name="other")

    assert explanation.decision.reason is Reason.ROLE_NOT_FOUND
    assert explanation.statements == ()


def test_a_root_is_refused_with_nothing_to_show() -> None:
    assert explained(document(allow()), f"acs:ram::{ACCOUNT}:root").decision.reason is Reason.ROOT_NOT_ALLOWED


def test_a_session_that_is_too_long_is_an_error_here_too() -> None:
    with pytest.raises(InvalidRequestError):
        explained(document(allow()), duration=99_999)


def test_a_condition_shows_what_was_expected_and_what_came() -> None:
    text = document(allow(IpAddress={"acs:SourceIp": "10.0.0.0/8"}, Bool={"acs:MFAPresent": "true"}))

    (trace,) = explained(text, context={"acs:SourceIp": ["8.8.8.8"]}).statements

    by_key = {t.condition.key: t for t in trace.conditions}
    assert (by_key["acs:SourceIp"].actual, by_key["acs:SourceIp"].holds) == (("8.8.8.8",), False)
    assert (by_key["acs:MFAPresent"].present, by_key["acs:MFAPresent"].holds) == (False, False)


def test_the_arn_of_a_role_is_shown_as_it_was_asked_and_holds_in_any_case() -> None:
    text = document(
        allow(f"acs:ram::{ACCOUNT}:root", StringEquals={"acs:PrincipalARN": f"acs:ram::{ACCOUNT}:role/Deploy"})
    )

    (trace,) = explained(text, f"acs:ram::{ACCOUNT}:role/DEPLOY/s1").statements

    (condition,) = trace.conditions
    assert condition.actual == (f"acs:ram::{ACCOUNT}:role/DEPLOY",)
    assert condition.holds


def test_the_time_is_shown_as_it_is_compared() -> None:
    text = document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T12:00:00Z"}))

    (trace,) = explained(text).statements

    assert (trace.conditions[0].actual, trace.conditions[0].holds) == (("2026-01-01T12:00:00Z",), False)


def test_an_unreadable_value_is_called_so() -> None:
    text = document(allow(NumericEquals={"k": "1"}))

    (trace,) = explained(text, context={"k": ["1", "one"]}).statements

    assert (trace.conditions[0].unreadable, trace.conditions[0].holds) == (True, False)
    assert "cannot be read" in suggestion(text, context={"k": ["1", "one"]})


def test_the_closest_allow_is_the_one_with_the_fewest_failures() -> None:
    far = allow(f"acs:ram::{OTHER}:root", StringEquals={"a": "1", "b": "2"})
    near = allow(StringEquals={"a": "1", "b": "2"})

    (miss,) = explained(document(far, near), context={"a": ["1"]}).near_misses

    assert miss.trace.statement.index == 1
    assert miss.elements == ("/Statement/1/Condition/StringEquals/b",)


def test_a_pattern_under_string_equals_is_recognised() -> None:
    text = document(allow(StringEquals={"acs:SourceVpc": "vpc-*"}))

    assert "use StringLike instead of StringEquals" in suggestion(text, context={"acs:SourceVpc": ["vpc-1"]})


def test_a_difference_in_case_is_recognised() -> None:
    text = document(allow(StringEquals={"acs:SourceVpc": "VPC-1"}))

    assert "differ only in case" in suggestion(text, context={"acs:SourceVpc": ["vpc-1"]})


def test_an_absent_key_names_the_field_that_sends_it() -> None:
    text = document(allow(StringEquals={"sts:ExternalId": "x1"}))

    assert "`external_id`" in suggestion(text)


def test_a_wrong_value_is_reported_with_what_is_expected() -> None:
    text = document(allow(StringEquals={"k": [f"v{n}" for n in range(7)]}))

    advice = suggestion(text, context={"k": ["x"]})

    assert "and 2 more" in advice
    assert "(it is `x`)" in advice


@pytest.mark.parametrize(
    ("named", "asking", "hint"),
    [
        (f"acs:ram::{OTHER}:user/alice", ALICE, "differ in the account"),
        (f"acs:ram::{ACCOUNT}:user/Alice", ALICE, "differ in the case of the name"),
        (f"acs:ram::{OTHER}:root", ALICE, "is another account"),
        ("ecs.aliyuncs.com", ALICE, f"name `{ALICE}` in /Statement/0/Principal"),
    ],
)
def test_a_principal_that_is_almost_named_is_recognised(named: str, asking: str, hint: str) -> None:
    assert hint in suggestion(document(allow(named)), asking)


def test_a_deny_that_applies_is_reported_with_the_way_out_of_it() -> None:
    text = document(allow(), deny(NotIpAddress={"acs:SourceIp": "10.0.0.0/8"}))

    (absent,) = explained(text).near_misses
    (outside,) = explained(text, context={"acs:SourceIp": ["8.8.8.8"]}).near_misses
    (unreadable,) = explained(text, context={"acs:SourceIp": ["10.0.0.0/8"]}).near_misses

    assert "send `acs:SourceIp`" in absent.suggestion
    assert "does not hold" in outside.suggestion
    assert "an unreadable value meets a Deny" in unreadable.suggestion
    assert absent.elements == ("/Statement/1/Condition/NotIpAddress/acs:SourceIp",)


def test_an_unconditional_deny_says_so() -> None:
    (miss,) = explained(document(allow(), deny())).near_misses

    assert "without conditions" in miss.suggestion


def test_a_deny_and_the_closest_allow_are_both_reported() -> None:
    text = document(deny(), allow(StringEquals={"k": "v"}))

    assert [m.trace.statement.effect.value for m in explained(text).near_misses] == ["Deny", "Allow"]


def test_a_policy_of_denies_alone_has_no_allow_to_come_close_to() -> None:
    assert explained(document(deny(f"acs:ram::{ACCOUNT}:user/bob"))).near_misses == ()


def test_a_missing_allow_for_the_source_identity_is_reported() -> None:
    explanation = explained(document(allow()), options={"source_identity_needs_allow": True}, source_identity="alice")

    assert explanation.decision.reason is Reason.IMPLICIT_DENY
    assert "sts:SetSourceIdentity" in explanation.near_misses[0].suggestion
