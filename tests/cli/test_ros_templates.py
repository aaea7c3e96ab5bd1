"""Templates of ROS: their roles, and the values that are known only when a stack is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.sources import Found, search
from tests.cli.terraform_plans import policy

DOCUMENT = json.loads(policy())


def found_in(tmp_path: Path, text: str, name: str = "template.yaml") -> Found:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return search([path])


def template(**properties: object) -> dict[str, Any]:
    bucket = {"Type": "ALIYUN::OSS::Bucket", "Properties": {"BucketName": "b"}}
    ours = {"Type": "ALIYUN::RAM::Role", "Properties": properties}
    return {"ROSTemplateFormatVersion": "2015-09-01", "Resources": {"Bucket": bucket, "Deploy": ours}}


def test_the_roles_of_a_template_in_json_are_read(tmp_path: Path) -> None:
    text = json.dumps(template(RoleName="deploy", AssumeRolePolicyDocument=DOCUMENT, MaxSessionDuration=7200), indent=2)

    found = found_in(tmp_path, text, "template.json")

    assert (found.problems, found.remarks) == ([], [])
    (role,) = found.roles
    assert (role.name, role.label, role.max_session_duration_seconds) == ("deploy", "`Deploy`", 7200)
    assert json.loads(role.document) == DOCUMENT
    line = role.location_of("/Statement/0/Effect").line
    assert '"Effect"' in text.splitlines()[line - 1]


YAML = """\
ROSTemplateFormatVersion: '2015-09-01'
Parameters:
  Name: {Type: String, Default: deploy}
Resources:
  Deploy:
    Type: ALIYUN::RAM::Role
    Properties:
      RoleName: deploy
      AssumeRolePolicyDocument:
        Version: '1'
        Statement:
        - Effect: Allow
          Action: sts:AssumeRole
          Principal:
            Service: [ecs.aliyuncs.com]
"""


def test_the_roles_of_a_template_in_yaml_are_read(tmp_path: Path) -> None:
    (role,) = found_in(tmp_path, YAML).roles

    assert role.name == "deploy"
    assert role.location_of("/Statement/0/Principal/Service/0")[1:] == (15, 23)


@pytest.mark.parametrize(("name", "suffix"), [("template.json", ""), ("template.yaml", "\n")])
def test_a_policy_may_be_text(tmp_path: Path, name: str, suffix: str) -> None:
    text = json.dumps(template(RoleName="deploy", AssumeRolePolicyDocument=policy())) + suffix

    (role,) = found_in(tmp_path, text, name).roles

    assert role.document == policy()
    assert role.location_of("/Statement/0/Effect")[1:] == (1, text.index('\\"Allow') + 1)


class TestFunctions:
    def test_a_name_that_is_a_function_is_not_guessed_and_the_policy_is_checked(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, YAML.replace("RoleName: deploy", "RoleName: {Ref: Name}"))

        assert found.roles == []
        assert [(each.name, each.policy is not None) for each in found.unknown_roles] == [("", True)]
        assert [(each.location.line, each.message, each.reason) for each in found.remarks] == [
            (8, "`Deploy`: `RoleName` is `Ref`, which is known when the stack is made", "UNKNOWN_UNTIL_APPLY")
        ]

    def test_each_function_in_a_policy_is_named_with_its_place(self, tmp_path: Path) -> None:
        service = "Service: [ecs.aliyuncs.com]"
        functions = "{RAM: [{'Fn::Sub': 'acs:ram::${ALIYUN::TenantId}:root'}], Service: {Ref: Name}}"

        found = found_in(tmp_path, YAML.replace(f"Principal:\n            {service}", f"Principal: {functions}"))

        pointer = "AssumeRolePolicyDocument/Statement/0/Principal"
        assert [each.message for each in found.remarks] == [
            f"`Deploy`: `{pointer}/RAM/0` is `Fn::Sub`, which is known when the stack is made",
            f"`Deploy`: `{pointer}/Service` is `Ref`, which is known when the stack is made",
        ]
        assert [(each.name, each.policy) for each in found.unknown_roles] == [("deploy", None)]

    @pytest.mark.parametrize(
        "function", ["!Ref Name", "!Sub 'app-${Name}'", "!GetAtt [Other, RoleName]", "!Join ['', [a, b]]"]
    )
    def test_a_function_may_be_written_as_a_tag(self, tmp_path: Path, function: str) -> None:
        found = found_in(tmp_path, YAML.replace("RoleName: deploy", f"RoleName: {function}"))

        assert (found.problems, found.roles) == ([], [])
        assert [each.message for each in found.remarks] == [
            f"`Deploy`: `RoleName` is `{function.split(maxsplit=1)[0]}`, which is known when the stack is made"
        ]

    def test_a_tag_elsewhere_in_the_template_does_no_harm(self, tmp_path: Path) -> None:
        other = "  Other:\n    Type: ALIYUN::OSS::Bucket\n    Properties: {BucketName: !Ref Name}\n"

        found = found_in(tmp_path, YAML + other)

        assert (found.problems, found.remarks, [each.name for each in found.roles]) == ([], [], ["deploy"])

    @pytest.mark.parametrize("value", ["[deploy]", "{a: deploy}"])
    def test_a_name_that_is_no_text_is_an_error(self, tmp_path: Path, value: str) -> None:
        found = found_in(tmp_path, YAML.replace("RoleName: deploy", f"RoleName: {value}"))

        assert [(each.location.line, each.message) for each in found.problems] == [
            (8, "`Deploy`: `RoleName` must be text")
        ]

    def test_a_property_that_is_missing_is_reported(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, json.dumps(template(AssumeRolePolicyDocument=DOCUMENT)), "template.json")

        assert [each.message for each in found.remarks] == ["`Deploy`: `RoleName` is not given"]
        assert len(found.unknown_roles) == 1


@pytest.mark.parametrize("resources", [{}, [], {"Bucket": {"Type": "ALIYUN::OSS::Bucket"}}, {"x": 1}])
def test_a_template_without_roles_is_noted(tmp_path: Path, resources: object) -> None:
    text = json.dumps({"ROSTemplateFormatVersion": "2015-09-01", "Resources": resources})

    assert [each.message for each in found_in(tmp_path, text).remarks] == ["the template has no `ALIYUN::RAM::Role`"]


@pytest.mark.parametrize("more", [{}, {"RoleName": None, "Description": None, "MaxSessionDuration": None}])
def test_what_a_template_does_not_give_is_empty(tmp_path: Path, more: dict[str, object]) -> None:
    text = json.dumps(template(AssumeRolePolicyDocument=DOCUMENT, **more))

    (unknown,) = found_in(tmp_path, text, "template.json").unknown_roles

    assert unknown.policy is not None
    assert (unknown.name, unknown.policy.name, unknown.policy.description) == ("", "", "")
    assert unknown.policy.max_session_duration_seconds == 0
