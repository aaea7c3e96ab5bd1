"""Terraform plans, answers of RAM and templates of ROS, alone and inside other text; and the locations of their policies."""

from __future__ import annotations

import json
from pathlib import Path

from rolecall.cli.sources import Found, FoundRole
from rolecall.cli.sources.ram_answers import is_answer, read_answers
from rolecall.cli.sources.recognise import read_content
from rolecall.cli.sources.terraform_output import has_plan, read_plans
from tests.fuzz.target import Target


def check_plans(data: bytes) -> None:
    """Whatever a text is, its reader returns; and each character of a policy in it has the location of its writing."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    lines = text.split("\n")
    for name in ("a.json", "a.yaml"):
        found = Found()
        read_content(Path(name), text, found, named=True)
        assert all(problem.location.line <= len(text) + 1 for problem in found.problems)
    found = Found()
    if has_plan(text):
        read_plans(Path("a"), text, found)
    if is_answer(text):
        read_answers(Path("a"), text, found)
    for role in found.roles:
        _check_locations(role, lines)


def _check_locations(role: FoundRole, lines: list[str]) -> None:
    document = role.document
    for offset in {0, len(document) // 2, len(document) - 1} - {-1}:
        line = document.count("\n", 0, offset) + 1
        column = offset - document.rfind("\n", 0, offset)
        location = role.location_of("", line, column)
        written = lines[location.line - 1][location.column - 1 :]
        assert written.startswith((document[offset], "\\")), (location, document[offset])


_ROLE = {
    "address": "alicloud_ram_role.a",
    "type": "alicloud_ram_role",
    "values": {"role_name": "a", "assume_role_policy_document": '{"Version": "1", "é": "\\u003c\\ud83d\\ude00"}'},
}
_PLAN = json.dumps(
    {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [_ROLE], "child_modules": [{"resources": [_ROLE]}]}},
        "resource_changes": [
            {**_ROLE, "change": {"actions": ["update"], "before": {}, "after": {}, "after_unknown": {}}}
        ],
        "configuration": {"provider_config": {"a": {}}, "root_module": {"resources": [], "module_calls": {"m": {}}}},
    }
)
_ANSWER = json.dumps(
    {
        "RequestId": "1",
        "Role": {"RoleName": "a", "Arn": "acs:ram::1:role/a", "AssumeRolePolicyDocument": '{"a": "\\\\"}'},
    }
)
_TEMPLATE = """ROSTemplateFormatVersion: '2015-09-01'
Resources:
  A: {Type: ALIYUN::RAM::Role, Properties: {RoleName: !Ref B, AssumeRolePolicyDocument: {Statement: [{Ref: B}]}}}
"""
_WORDS = (
    '"format_version":', '"planned_values":', '"resource_changes":', '"root_module":', '"resources":', '"child_modules":', '"values":',
    '"address":', '"type":', '"change":', '"after_unknown":', '"deposed":', '"prior_state":', '"configuration":', "null", "true", "NaN",
    "\\u00e9", "\\ud800", "\\\\", '\\"', "{", "}", "[", "]", ",", '""', "\n{", '"RequestId":', '"Role":', '"Roles":', "Fn::Sub", "!Sub",
)  # fmt: skip

TARGETS = (
    Target(
        name="plans", check=check_plans, words=_WORDS,
        seeds=(
            _PLAN.encode(), json.dumps({"stdout": _PLAN}).encode(), b"log\n" + _PLAN.encode(), _ANSWER.encode(), f"[{_ANSWER}]{_ANSWER}".encode(),
            _TEMPLATE.encode(),
        ),
    ),
)  # fmt: skip
