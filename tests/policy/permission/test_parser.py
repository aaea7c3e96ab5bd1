"""The parser of permission policies: what it accepts, and that it reports all violations with their places."""

from __future__ import annotations

import json

import pytest

from rolecall.policy.document import Effect
from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.limits import Limits
from rolecall.policy.permission.limits import PERMISSION_LIMITS, SESSION_POLICY_LIMITS
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.profile import Profile
from tests.policy.permission.examples import JsonValue, document, policy, statement


def violations(text: str, limits: Limits = PERMISSION_LIMITS) -> tuple[Violation, ...]:
    with pytest.raises(InvalidPolicyError) as refused:
        parse_permission_policy(text, limits=limits)
    return refused.value.violations


def only(text: str, limits: Limits = PERMISSION_LIMITS) -> Violation:
    found = violations(text, limits)
    assert len(found) == 1, found
    return found[0]


def test_a_whole_policy_is_read() -> None:
    text = document(
        statement(Sid="reads", Action=["ram:Get*", "RAM:ListRoles"], Resource="acs:ram:*:1:role/shop-*", Condition={}),
        statement(
            Effect="Deny",
            Action=...,
            NotAction="ram:*",
            Resource=["*", "acs:ram::*"],
            Condition={"Bool": {"acs:MFAPresent": "false"}},
        ),
    )

    read = parse_permission_policy(text)

    first, second = read.statements
    assert read.text == text
    assert (first.index, first.effect, first.sid, first.pointer) == (0, Effect.ALLOW, "reads", "/Statement/0")
    assert (first.actions, first.excludes_actions) == (("ram:Get*", "RAM:ListRoles"), False)
    assert (first.resources, first.conditions, first.has_condition) == (("acs:ram:*:1:role/shop-*",), (), True)
    assert (second.actions, second.excludes_actions, second.actions_name) == (("ram:*",), True, "NotAction")
    assert second.resources == ("*", "acs:ram::*")
    assert [c.key for c in second.conditions] == ["acs:MFAPresent"]


def test_policies_compare_by_their_text() -> None:
    assert policy(statement()) == policy(statement())
    assert policy(statement()) != policy(statement(Sid="x"))


@pytest.mark.parametrize(
    "action", ["*", "ram:*", "*:*", "ram:Get*", "yundun-ddoscoo:*", "ram:*ResourceGroup*", "r?m:GetRole", "a:b.c_d-e"]
)
def test_an_action_is_accepted(action: str) -> None:
    assert policy(statement(Action=action)).statements[0].actions == (action,)


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "acs:*",
        "acs:ram:*",
        "acs:ram::*",
        "acs:ram:*:1:role/x",
        "acs:oss:*:*:bucket/a b:c",
        "acs:ram::$account:role/${name}",
        "acs:log:*:*:project/Project\u540d\u79f0",
        "acs:ram:::",
    ],
)
def test_a_resource_is_accepted(resource: str) -> None:
    assert policy(statement(Resource=resource)).statements[0].resources == (resource,)


@pytest.mark.parametrize(
    ("changes", "reason", "pointer", "words"),
    [
        ({"Action": ...}, "MISSING_FIELD", "", "`NotAction`"),
        ({"Resource": ...}, "MISSING_FIELD", "", "`Resource`"),
        ({"Effect": ...}, "MISSING_FIELD", "", "`Effect`"),
        ({"NotAction": "ram:*"}, "ACTION_AND_NOT_ACTION", "/NotAction", "not both"),
        ({"Action": []}, "EMPTY_ACTIONS", "/Action", "at least one"),
        ({"Action": ..., "NotAction": []}, "EMPTY_ACTIONS", "/NotAction", "at least one"),
        ({"Resource": []}, "EMPTY_RESOURCES", "/Resource", "at least one"),
        ({"Principal": {"RAM": "acs:ram::1:root"}}, "UNKNOWN_FIELD", "/Principal", "belongs in a trust policy"),
        ({"NotPrincipal": "*"}, "UNKNOWN_FIELD", "/NotPrincipal", "belongs in a trust policy"),
        ({"NotResource": "*"}, "UNKNOWN_FIELD", "/NotResource", "gone from RAM's grammar; list the resources"),
        ({"Resources": "*"}, "UNKNOWN_FIELD", "/Resources", "did you mean `Resource`"),
        ({"Action": "GetRole"}, "INVALID_ACTION", "/Action", "names no product"),
        ({"Action": "ram:Get Role"}, "INVALID_ACTION", "/Action", "`PRODUCT:Name`"),
        ({"Action": ":GetRole"}, "INVALID_ACTION", "/Action", "`PRODUCT:Name`"),
        ({"Action": "ram:"}, "INVALID_ACTION", "/Action", "`PRODUCT:Name`"),
        ({"Action": "ram:a:b"}, "INVALID_ACTION", "/Action", "`PRODUCT:Name`"),
        ({"Action": "${product}:Get"}, "INVALID_ACTION", "/Action", "placeholder"),
        ({"Action": ["ram:GetRole", 1]}, "WRONG_TYPE", "/Action/1", "the number `1`"),
        ({"Action": "ram:" + "x" * 509}, "PATTERN_TOO_LONG", "/Action", "513 characters; 512"),
        ({"Action": "ram:" + "*" * 17}, "TOO_MANY_STARS", "/Action", "17 stars; 16"),
        ({"Resource": "arn:aws:iam::1:role/x"}, "INVALID_RESOURCE", "/Resource", "an AWS name"),
        ({"Resource": "role/x"}, "INVALID_RESOURCE", "/Resource", "start with `acs:`"),
        ({"Resource": "acs"}, "INVALID_RESOURCE", "/Resource", "start with `acs:`"),
        ({"Resource": "ACS:ram:*:1:role/x"}, "INVALID_RESOURCE", "/Resource", "start with `acs:`"),
        ({"Resource": "**"}, "INVALID_RESOURCE", "/Resource", "start with `acs:`"),
        ({"Resource": "acs::ram::*"}, "INVALID_RESOURCE", "/Resource", "no product"),
        ({"Resource": "acs:ram:*:role/x"}, "INVALID_RESOURCE", "/Resource", "4 of five parts"),
        ({"Resource": "acs:ram:*:1:role/\x01"}, "INVALID_RESOURCE", "/Resource", "control character"),
        ({"Resource": None}, "WRONG_TYPE", "/Resource", "null"),
        ({"Resource": "acs:ram:*:1:role/" + "x" * 500}, "PATTERN_TOO_LONG", "/Resource", "517 characters; 512"),
        (
            {"Condition": {"Null": {"acs:MFAPresent": "true"}}},
            "UNSUPPORTED_OPERATOR",
            "/Condition/Null",
            "not supported",
        ),
        ({"Condition": {"Bool": {}}}, "EMPTY_CONDITION", "/Condition/Bool", "compares nothing"),
        ({"Sid": "s" * 129}, "INVALID_SID", "/Sid", "129 characters"),
    ],
)
def test_a_statement_is_refused(changes: dict[str, JsonValue], reason: str, pointer: str, words: str) -> None:
    violation = only(document(statement(**changes)))

    assert (violation.reason, violation.pointer) == (reason, f"/Statement/0{pointer}")
    assert words in violation.message


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        (document(Version="2012-10-17"), "UNSUPPORTED_VERSION", "AWS"),
        (document(Version=...), "MISSING_FIELD", "`Version`"),
        (document(Statement=...), "MISSING_FIELD", "`Statement`"),
        (document(Statement=[]), "EMPTY_STATEMENTS", "at least one"),
        (document(Statement=statement()), "WRONG_TYPE", "an array of statements"),
        (document(Principal="*"), "UNKNOWN_FIELD", "is not an element of a permission policy"),
        (document(*[statement(Action="*")] * 101), "TOO_MANY_STATEMENTS", "101 statements; 100"),
        ("[]", "WRONG_TYPE", "an object"),
        ("{", "INVALID_JSON", "missing"),
        (
            '{"Version": "1", "Version": "1", "Statement": [' + json.dumps(statement()) + "]}",
            "DUPLICATE_KEY",
            "repeated",
        ),
    ],
)
def test_a_document_is_refused(text: str, reason: str, words: str) -> None:
    violation = only(text)

    assert violation.reason == reason
    assert words in violation.message


def test_all_violations_are_reported_in_the_order_of_the_document() -> None:
    text = document(statement(Effect="allow", Action="x"), statement(Action=..., Resource="y"), Version=1)

    found = violations(text)

    assert [(v.reason, v.pointer) for v in found] == [
        ("UNSUPPORTED_VERSION", "/Version"),
        ("INVALID_EFFECT", "/Statement/0/Effect"),
        ("INVALID_ACTION", "/Statement/0/Action"),
        ("MISSING_FIELD", "/Statement/1"),
        ("INVALID_RESOURCE", "/Statement/1/Resource"),
    ]


def test_a_document_of_another_type_does_not_lack_an_action_too() -> None:
    assert only(document("x")).reason == "WRONG_TYPE"


def test_a_document_has_at_most_6144_characters() -> None:
    padding = 6_144 - len(document(statement(Sid="")))
    longest = document(statement(Sid="")) + " " * padding

    violation = only(longest + " ")

    assert parse_permission_policy(longest).text == longest
    assert (violation.reason, violation.message) == (
        "DOCUMENT_TOO_LARGE",
        "the document has 6145 characters; 6144 are allowed",
    )


def test_a_character_of_several_bytes_counts_once() -> None:
    text = document(statement(Resource=["acs:oss:*:*:" + "\u540d" * 500] * 2)).replace("\\u540d", "\u540d")

    assert parse_permission_policy(text, limits=SESSION_POLICY_LIMITS).text == text


def test_a_session_policy_has_at_most_2048_characters() -> None:
    text = document() + " " * 2_000

    violation = only(text, SESSION_POLICY_LIMITS)

    assert violation.message == f"the document has {len(text)} characters; 2048 are allowed"


def test_the_ram_profile_refuses_a_label() -> None:
    with pytest.raises(InvalidPolicyError) as refused:
        parse_permission_policy(document(statement(Sid="x")), profile=Profile.RAM)

    assert [v.reason for v in refused.value.violations] == ["NOT_IN_RAM"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Action": "a" * 513}, "PATTERN_TOO_LONG"),
        ({"Action": "*" * 17}, "TOO_MANY_STARS"),
        ({"Resource": "a" * 513}, "PATTERN_TOO_LONG"),
        ({"Resource": "*" * 17}, "TOO_MANY_STARS"),
    ],
)
def test_a_pattern_over_a_limit_is_not_examined_further(changes: dict[str, JsonValue], reason: str) -> None:
    violation = only(document(statement(**changes)))

    assert violation.reason == reason
