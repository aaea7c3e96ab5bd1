"""The place of each field of a declared role, and that each field is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.checks.role_check import AnyAccounts, RoleCheck
from rolecall.cli.commands.apply import errors_in_files
from rolecall.cli.declarations import DeclaredRole, read_declarations
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.found import found_role
from rolecall.policy.profile import Profile
from rolecall_client.errors import RolecallError, Violation

DOCUMENT = "assume_role_policy_document"
FIELDS = ("role_name", "account_id", "description", "max_session_duration_seconds", "tags", DOCUMENT)
POLICIES = ("trust_policy: {Version: '1', Statement: []}", "trust_policy_json: '{}'", "trust_policy_file: p.json")
IN_HOUSE = "trust_policy: {Version: '1', Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: 1@orders.internal}}]}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.json").write_text("{}")


def declared(*lines: str) -> DeclaredRole:
    Path("a.yaml").write_text("apiVersion: rolecall/v1\n" + "".join(f"{line}\n" for line in lines))
    (role,) = read_declarations([Path("a.yaml")])
    return role


@pytest.mark.parametrize("policy", POLICIES)
def test_a_field_stands_at_its_key_and_one_that_is_not_written_at_the_name(policy: str) -> None:
    every = declared(
        "tags: {a: b}", "account_id: '7'", "name: a", "description: x", policy, "max_session_duration_seconds: 1"
    )
    few = declared(policy, "name: a")

    lines = {field: every.location_of(field).line for field in FIELDS}
    assert lines == {
        "tags": 2, "account_id": 3, "role_name": 4, "description": 5, DOCUMENT: 6, "max_session_duration_seconds": 7,
    }  # fmt: skip
    assert {field: few.location_of(field).line for field in FIELDS} == {**dict.fromkeys(FIELDS, 3), DOCUMENT: 2}
    assert every.location.line == 4


def test_what_a_server_finds_in_a_field_is_reported_at_its_key() -> None:
    role = declared(
        "tags: {a: b}", "account_id: '7'", "name: a", "description: x", POLICIES[0], "max_session_duration_seconds: 1"
    )
    violations = [Violation(f"roles[0].{field}", "R", f"role `a`: {field} is wrong") for field in FIELDS[:5]]

    with pytest.raises(ProblemsError) as caught, errors_in_files([role]):
        raise RolecallError("INVALID_ARGUMENT", "m", violations=violations)

    assert [(problem.location.line, problem.message) for problem in caught.value.problems] == [
        (4, "role `a`: role_name: role_name is wrong"),
        (3, "account_id account_id is wrong"),
        (5, "role `a`: description: description is wrong"),
        (7, "role `a`: max_session_duration_seconds: max_session_duration_seconds is wrong"),
        (2, "role `a`: tags: tags is wrong"),
    ]


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("role_name", "name: a b"),
        ("account_id", "account_id: no alias"),
        ("description", f"description: {'x' * 1_025}"),
        ("max_session_duration_seconds", "max_session_duration_seconds: 5"),
        ("tags", "tags: {'acs:a': b}"),
        ("", "description: x"),
    ],
)
def test_each_field_is_judged(field: str, line: str) -> None:
    name = [] if field == "role_name" else ["name: a"]
    role = declared(*name, line, IN_HOUSE)

    problems = RoleCheck(AnyAccounts(), now=0).role(found_role(role)).problems

    assert [problem.location.line for problem in problems] == [2 + len(name)] * bool(field)
    assert all(field in problem.message for problem in problems)


def test_the_profile_of_ram_refuses_what_only_this_program_knows() -> None:
    found = found_role(declared("name: a", IN_HOUSE))

    reasons = [
        [problem.reason for problem in RoleCheck(AnyAccounts(), now=0, profile=profile).role(found).problems]
        for profile in (Profile.ROLECALL, Profile.RAM)
    ]

    assert reasons == [[], ["NOT_IN_RAM"]]


def test_a_policy_in_a_file_of_its_own_begins_at_its_first_character() -> None:
    source = declared("name: a", POLICIES[2]).source

    assert [source.locate("", *at) for at in ((0, 0), (1, 1), (2, 3))] == [
        ("p.json", 1, 1), ("p.json", 1, 1), ("p.json", 2, 3),
    ]  # fmt: skip
