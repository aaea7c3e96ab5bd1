"""What is not known of the roles in answers of RAM and in templates of ROS: each remark with its place and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.problems.problem import Location
from rolecall.cli.sources.ram_answers import is_answer
from tests.cli.problem_lines import lines_of, searched
from tests.cli.terraform_plans import policy

GET_ROLE = "give the answer for each role, which has it: `aliyun ram GetRole --RoleName NAME`"
NEXT_PAGES = "give the next pages too: `aliyun ram ListRoles --Marker MARKER`, with the `Marker` of this list"
CONSTANT = "write the value as a constant, or give the answer of `aliyun ram GetRole` for the role that was made"
DOCUMENT = "AssumeRolePolicyDocument"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def answer(*roles: dict[str, Any], **more: object) -> str:
    return json.dumps({"RequestId": "1", "Roles": {"Role": list(roles)}, **more})


def test_every_fact_of_a_role_in_an_answer_is_read() -> None:
    tags = [{"TagKey": "team", "TagValue": "shop"}, {"TagKey": "n", "TagValue": 1}, "x"]
    role = {
        "RoleName": "a", "Arn": "acs:ram::42:role/a", "Description": "the first", DOCUMENT: policy(),
        "MaxSessionDuration": "7200", "Tags": {"Tag": tags},
    }  # fmt: skip
    text = f"\n {json.dumps({'RequestId': '1', 'Role': role})}"

    found = searched(text)

    assert lines_of(found) == []
    (read,) = found.roles
    assert (read.name, read.account_id, read.description, read.max_session_duration_seconds) == (
        "a", "42", "the first", 7_200,
    )  # fmt: skip
    assert dict(read.tags) == {"team": "shop", "n": "", "": ""}
    assert (read.label, read.document, read.declared) == ("role `a`", policy(), True)
    assert read.location == Location("a.yaml", 2, text.index('{"RoleName"'))


def test_the_roles_of_a_list_are_known_as_far_as_they_have_trust_policies() -> None:
    with_policy = {"RoleName": "b", DOCUMENT: policy()}
    text = answer({"RoleName": "a"}, with_policy, {"RoleName": "c", DOCUMENT: None})

    found = searched(text)

    assert [role.name for role in found.roles] == ["b"]
    assert [(role.name, role.label, role.message, role.location.column, role.policy) for role in found.unknown_roles] == [
        (name, f"role `{name}`", f"role `{name}`: this answer does not have its trust policy", text.index(f'{{"RoleName": "{name}"') + 1, None)
        for name in "ac"
    ]  # fmt: skip
    assert lines_of(found) == [
        f"1:1: warning (finding): this list has 2 roles without trust policies [NO_TRUST_POLICY]; {GET_ROLE}"
    ]


def test_one_role_without_a_trust_policy_is_one() -> None:
    assert lines_of(searched(answer({"RoleName": "a"}))) == [
        f"1:1: warning (finding): this list has 1 role without trust policies [NO_TRUST_POLICY]; {GET_ROLE}"
    ]
    found = searched('{"RequestId": "1", "Role": {"RoleName": "a"}}')
    assert lines_of(found) == [
        f"1:28: warning (finding): role `a`: this answer does not have its trust policy [NO_TRUST_POLICY]; {GET_ROLE}"
    ]
    assert [(role.name, role.location.column) for role in found.unknown_roles] == [("a", 28)]


@pytest.mark.parametrize("truncated", [True, False, "true", 1, None])
def test_a_list_that_ends_where_a_page_ends_is_reported(truncated: object) -> None:
    text = answer({"RoleName": "b", DOCUMENT: policy()}, IsTruncated=truncated)
    remark = f"1:1: warning (finding): this list is not complete: it ends where RAM ended a page [TRUNCATED_LIST]; {NEXT_PAGES}"

    assert lines_of(searched(text)) == ([remark] if truncated is True else [])


def test_an_array_of_roles_is_a_list_too() -> None:
    text = json.dumps({"RequestId": "1", "Roles": [{"RoleName": "b", DOCUMENT: policy()}]})

    assert [role.name for role in searched(text).roles] == ["b"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"Code": "NoPermission", "Message": "no", "HostId": "x"}, "this is an error of Alibaba Cloud, `NoPermission`: no"),
        ({"Code": 7, "Message": "no", "HostId": "x"}, "this is not an answer about a role, as those before it in the file are"),
        ({"Code": "E", "HostId": "x"}, "this is an error of Alibaba Cloud, `E`: "),
        ({"Role": {"RoleName": 7, DOCUMENT: policy()}}, "the role of this answer has no `RoleName`"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_role_is_an_error(answer: dict[str, Any], problem: str) -> None:
    (line,) = lines_of(searched(json.dumps({"RequestId": "1", **answer})))

    assert line.partition(": error: ")[2] == f"{problem} []; "


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ('{"RequestId": "1", "Role": 1}', True),
        ('{"RequestId": "1", "Roles": 1}', True),
        ('{"Role": 1, "x": "RequestId"}', False),
        ('{"RoleName": "a", "RoleId": "b"}', True),
        ('{"RoleName": "a", "AssumeRolePolicyDocument": "b"}', True),
        ('{"RoleName": "a", "x": 1}', False),
        ('{"RequestId": 1, "HostId": 1, "Code": 1}', True),
        ('{"RequestId": 1, "HostId": 1}', False),
        ('{"RequestId": 1, "Code": 1}', False),
        ('[{"RoleName": "a", "RoleId": "b"}, 1]', True),
        ('[[{"RoleName": "a", "RoleId": "b"}]]', False),
        ('[1, {"RoleName": "a", "RoleId": "b"}]', False),
        ('["RoleName"]', False),
        ('{"RoleName": "a", "RoleId"', False),
        ('x "RoleName"', False),
        ("", False),
    ],
)
def test_an_answer_is_known_by_its_names(text: str, yes: bool) -> None:
    assert is_answer(text) is yes


TEMPLATE = f"""\
ROSTemplateFormatVersion: '2015-09-01'
Resources:
  Deploy:
    Type: ALIYUN::RAM::Role
    Properties:
      RoleName: deploy
      Description: the first
      MaxSessionDuration: '7200'
      AssumeRolePolicyDocument: {policy()}
"""


def test_every_fact_of_a_role_in_a_template_is_read() -> None:
    found = searched(TEMPLATE)

    assert lines_of(found) == []
    (role,) = found.roles
    assert (role.name, role.label, role.description, role.max_session_duration_seconds) == (
        "deploy", "`Deploy`", "the first", 7_200,
    )  # fmt: skip
    assert (role.location, role.account_id, json.loads(role.document)) == (
        Location("a.yaml", 6, 7), "", json.loads(policy()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "name"),
    [
        ("RoleName: deploy", "RoleName: !Ref N", "6:17", "`RoleName` is `!Ref`, which is known when the stack is made", ""),
        ("RoleName: deploy", "RoleName: {Ref: N}", "6:17", "`RoleName` is `Ref`, which is known when the stack is made", ""),
        ("RoleName: deploy", "RoleName: {'Fn::Sub': N}", "6:17", "`RoleName` is `Fn::Sub`, which is known when the stack is made", ""),
        ("RoleName: deploy", "RoleName: null", "6:7", "`RoleName` is not given", ""),
        ("      RoleName: deploy\n", "", "6:7", "`RoleName` is not given", ""),
        (policy(), "null", "9:7", "`AssumeRolePolicyDocument` is not given", "deploy"),
        ('"sts:AssumeRole"', "{'Fn::If': [a]}", "9:94", "`AssumeRolePolicyDocument/Statement/0/Action` is `Fn::If`, which is known when the stack is made", "deploy"),
    ],
)  # fmt: skip
def test_a_value_that_is_known_later_is_a_warning_at_its_place(
    old: str, new: str, line: str, what: str, name: str
) -> None:
    found = searched(TEMPLATE.replace(old, new))

    assert lines_of(found) == [f"{line}: warning (finding): `Deploy`: {what} [UNKNOWN_UNTIL_APPLY]; {CONSTANT}"]
    (unknown,) = found.unknown_roles
    part = "trust policy" if name else "role"
    assert unknown.message == f"`Deploy`: the {part} is not known before the stack is made"
    assert (unknown.name, unknown.label, unknown.location.line) == (name, "`Deploy`", 4)
    assert (unknown.policy is None) is bool(name)


@pytest.mark.parametrize("members", ["{Ref: a, b: c}", "{Fn: a}", "{ref: a}"])
def test_a_table_that_only_resembles_a_function_is_a_value(members: str) -> None:
    found = searched(TEMPLATE.replace('"sts:AssumeRole"', members))

    assert (lines_of(found), len(found.roles)) == ([], 1)


def test_a_name_of_another_form_is_an_error() -> None:
    found = searched(TEMPLATE.replace("RoleName: deploy", "RoleName: [deploy]"))

    assert lines_of(found) == ["6:7: error: `Deploy`: `RoleName` must be text []; "]


def test_properties_of_another_form_are_missing() -> None:
    text = "ROSTemplateFormatVersion: '1'\nResources:\n  Deploy:\n    Type: ALIYUN::RAM::Role\n    Properties: x\n"

    found = searched(text)

    assert lines_of(found) == [
        f"4:5: warning (finding): `Deploy`: `{name}` is not given [UNKNOWN_UNTIL_APPLY]; {CONSTANT}"
        for name in ("RoleName", DOCUMENT)
    ]
    assert [role.message for role in found.unknown_roles] == [
        "`Deploy`: the role is not known before the stack is made"
    ]


def test_a_template_without_a_role_has_a_remark_of_its_own() -> None:
    assert lines_of(searched("a: 1\n---\nROSTemplateFormatVersion: '1'\nResources: {}\n"))[1:] == [
        "3:1: note (finding): the template has no `ALIYUN::RAM::Role` []; "
    ]
