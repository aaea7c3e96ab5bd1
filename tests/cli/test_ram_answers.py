"""Answers of RAM: of one role, of a list of roles, several in one file, and errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.sources import Found, search
from rolecall.cli.sources.ram_answers import is_answer
from tests.cli.terraform_plans import policy


def role(name: str, **more: object) -> dict[str, Any]:
    return {"RoleName": name, "RoleId": "3", "Arn": f"acs:ram::42:role/{name}", "MaxSessionDuration": 7200, **more}


def whole(name: str) -> dict[str, Any]:
    return role(name, AssumeRolePolicyDocument=policy())


def answer(name: str) -> dict[str, Any]:
    return {"RequestId": "1", "Role": whole(name)}


def found_in(tmp_path: Path, *values: object, indent: int | None = None) -> Found:
    path = tmp_path / "answers.json"
    path.write_text("\n".join(json.dumps(value, indent=indent) for value in values), encoding="utf-8")
    return search([path])


def listed(*roles: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"IsTruncated": False, "RequestId": "1", "Roles": {"Role": list(roles)}, **more}


@pytest.mark.parametrize("indent", [None, 2])
def test_the_role_of_an_answer_is_read(tmp_path: Path, indent: int | None) -> None:
    tags = {"Tag": [{"TagKey": "team", "TagValue": "shop"}]}
    value = {"RequestId": "1", "Role": role("deploy", AssumeRolePolicyDocument=policy(), Tags=tags)}

    found = found_in(tmp_path, value, indent=indent)

    assert (found.problems, found.remarks) == ([], [])
    assert [
        (each.name, each.account_id, each.document, each.max_session_duration_seconds, each.tags)
        for each in found.roles
    ] == [("deploy", "42", policy(), 7200, {"team": "shop"})]


@pytest.mark.parametrize(
    "values",
    [
        [answer("a"), answer("b")],
        [[answer("a"), answer("b")]],
        [whole("a"), whole("b")],
        [listed(whole("a"), whole("b"))],
        [[answer("a")], answer("b")],
    ],
)
def test_several_answers_are_read(tmp_path: Path, values: list[Any]) -> None:
    assert [each.name for each in found_in(tmp_path, *values).roles] == ["a", "b"]


def test_a_position_in_the_policy_is_that_in_the_file(tmp_path: Path) -> None:
    text = json.dumps(answer("a"))

    (found,) = found_in(tmp_path, answer("a")).roles

    assert found.location_of("/Statement/0/Effect").column == text.index('\\"Allow') + 1


def test_a_policy_that_a_filter_has_parsed_is_read_as_it_is_written(tmp_path: Path) -> None:
    value = {"RequestId": "1", "Role": role("a", AssumeRolePolicyDocument=json.loads(policy()))}

    (found,) = found_in(tmp_path, value).roles

    assert found.document == policy()
    assert found.location_of("/Statement/0/Effect").column == json.dumps(value).index('"Allow') + 1


def test_a_list_has_no_policies_and_says_how_to_get_them(tmp_path: Path) -> None:
    found = found_in(tmp_path, listed(role("a"), role("b"), IsTruncated=True, Marker="x"))

    assert (found.roles, [each.name for each in found.unknown_roles]) == ([], ["a", "b"])
    assert [(remark.reason, remark.severity) for remark in found.remarks] == [
        ("NO_TRUST_POLICY", "warning"),
        ("TRUNCATED_LIST", "warning"),
    ]
    assert found.remarks[0].message == "this list has 2 roles without trust policies"
    assert "aliyun ram GetRole --RoleName" in found.remarks[0].hint


def test_one_answer_that_is_wrong_does_not_stop_the_others(tmp_path: Path) -> None:
    error = {"RequestId": "1", "HostId": "ram.aliyuncs.com", "Code": "EntityNotExist.Role", "Message": "no such role"}
    nameless = {"RequestId": "1", "Role": {"AssumeRolePolicyDocument": policy()}}

    found = found_in(tmp_path, answer("a"), error, nameless, {"x": 1}, answer("b"))

    assert [each.name for each in found.roles] == ["a", "b"]
    assert [(problem.location.line, problem.message) for problem in found.problems] == [
        (2, "this is an error of Alibaba Cloud, `EntityNotExist.Role`: no such role"),
        (3, "the role of this answer has no `RoleName`"),
        (4, "this is not an answer about a role, as those before it in the file are"),
    ]


def test_an_answer_without_a_policy_is_a_role_that_is_not_known(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"RequestId": "1", "Role": role("a")})

    assert [each.message for each in found.unknown_roles] == ["role `a`: this answer does not have its trust policy"]
    assert [remark.reason for remark in found.remarks] == ["NO_TRUST_POLICY"]


def test_an_error_alone_is_named(tmp_path: Path) -> None:
    error = {"RequestId": "1", "HostId": "ram.aliyuncs.com", "Code": "NoPermission", "Message": "no"}

    assert [each.message for each in found_in(tmp_path, error).problems] == [
        "this is an error of Alibaba Cloud, `NoPermission`: no"
    ]


@pytest.mark.parametrize("roles", [{"Role": []}, {"Rele": [role("a")]}, {}, []])
def test_an_answer_without_roles_is_not_passed_over_in_silence(tmp_path: Path, roles: object) -> None:
    found = found_in(tmp_path, {"RequestId": "1", "IsTruncated": False, "Roles": roles, "x": role("a")})

    assert (found.roles, found.unknown_roles) == ([], [])
    assert [remark.message for remark in found.remarks] == ["skipped: it has no role"]


def test_a_text_that_is_not_json_is_an_error_beside_the_answers_before_it(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(f'{json.dumps(answer("a"))}\n{{"RequestId": "2", "Role": ', encoding="utf-8")

    found = search([path])

    assert [each.name for each in found.roles] == ["a"]
    assert [(each.location.line, each.message) for each in found.problems] == [
        (2, "not JSON: expecting a value (the text ends here)")
    ]


def test_an_answer_with_a_name_twice_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    twice = json.dumps(answer("b")).replace('"RoleId"', '"RoleName": "c", "RoleId"')
    path.write_text("\n".join([json.dumps(answer("a")), twice, json.dumps(answer("d"))]), encoding="utf-8")

    found = search([path])

    assert [each.name for each in found.roles] == ["a", "d"]
    assert [(each.location.line, each.message) for each in found.problems] == [(2, "the key `RoleName` is given twice")]


@pytest.mark.parametrize(
    ("names", "known"),
    [
        ("RoleName AssumeRolePolicyDocument", True),
        ("RoleName RoleId", True),
        ("RequestId HostId Code", True),
        ("Role RequestId", True),
        ("Roles RequestId", True),
        ("AssumeRolePolicyDocument RequestId", False),
        ("RoleId RequestId", False),
        ("RoleName", False),
        ("RoleName Role", False),
        ("RoleName Roles", False),
        ("RequestId HostId", False),
        ("RequestId Code", False),
        ("RoleName HostId Code", False),
        ("RequestId", False),
        ("Role", False),
    ],
)
def test_an_answer_is_known_by_names_that_stand_together(names: str, known: bool) -> None:
    text = json.dumps({name: {} for name in names.split()})

    assert [is_answer(each) for each in (text, f"[{text}, 1]", f"{text} {text}")] == [known] * 3
