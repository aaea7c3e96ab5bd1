"""The command line finds in the roles of a file what a server finds in the same roles, whatever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.cli.checks.role_check import RoleCheck, duplicate_problems
from rolecall.cli.declarations.role import RoleReader
from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.sources.found import found_role
from rolecall.policy.limits import Limits
from rolecall.roles.accounts import Accounts
from rolecall.roles.commands import ApplyRoles, RoleDeclaration
from rolecall.roles.declarations import DeclarationRules
from rolecall.roles.documents import DocumentRules
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import Micros

pytestmark = pytest.mark.long

ACCOUNTS = Accounts("123456789012", {"prod": "42"})
NOW = 1_700_000_000_000_000

STATEMENT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/a"}}
TEXTS = st.sampled_from(["a", "A", "b", "a_b", "x" * 64, "x" * 65, "é", "a b", "\0", "acs:x", "aliyun"])
POLICIES = st.sampled_from(
    [
        {"Version": "1", "Statement": [STATEMENT]},
        {"Version": "1", "Statement": []},
        {"Version": "2", "Statement": [{**STATEMENT, "Effect": "allow"}]},
        {"Version": "1", "Statement": [STATEMENT] * 101},
        {},
    ]
)
ROLES = st.fixed_dictionaries(
    {"name": TEXTS, "trust_policy": POLICIES},
    optional={
        "account_id": st.sampled_from(["prod", "42", "123456789012", "4*", "nobody", "1" * 21]),
        "description": st.sampled_from(["", "text", "x" * 1_025, "\0"]),
        "max_session_duration_seconds": st.sampled_from([0, 1, 3_599, 3_600, 43_200, 43_201, 999_999]),
        "tags": st.dictionaries(TEXTS, st.sampled_from(["", "v", "v" * 257]), max_size=22),
    },
)


@settings(max_examples=150, deadline=None)
@given(roles=st.lists(ROLES, min_size=1, max_size=4))
def test_a_server_and_the_command_line_find_the_same(roles: list[dict[str, Any]]) -> None:
    sent = [
        RoleDeclaration(
            role_name=role["name"],
            document=json.dumps(role["trust_policy"]),
            **{name: value for name, value in role.items() if name not in {"name", "trust_policy"}},
        )
        for role in roles
    ]

    assert found_in_files(roles) == refused_by_a_server(sent)


def refused_by_a_server(sent: list[RoleDeclaration]) -> list[str]:
    rules = DeclarationRules(ACCOUNTS, DocumentRules(Limits()))
    try:
        rules.all_declared(ApplyRoles(declarations=tuple(sent)), (), Micros(NOW))
    except InvalidFieldsError as error:
        return sorted(violation.reason for violation in error.violations)
    return []


def found_in_files(roles: list[dict[str, Any]]) -> list[str]:
    text = json.dumps({"apiVersion": "rolecall/v1", "roles": roles})
    reader = RoleReader(Path("roles.json"), text)
    declared = [role for document in read_documents(text, "roles.json") for role in reader.roles(document)]
    assert not reader.problems
    check = RoleCheck(ACCOUNTS, now=NOW)
    checked = [check.role(found_role(role)) for role in declared]
    problems = [problem for each in checked for problem in each.problems]
    problems += duplicate_problems(each.named for each in checked)
    return sorted(problem.reason for problem in problems)
