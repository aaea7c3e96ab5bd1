"""Violations that a server finds in declarations, at the lines of the files that declare them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rolecall.cli.commands.apply import errors_in_files
from rolecall.cli.declarations import DeclaredRole, read_declarations
from rolecall.cli.problems.problem import Problem, ProblemsError
from rolecall_client.errors import RolecallError, Violation
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

BROKEN = '{"Version": "1",\n "Statement": [{"Effect": "allow"}]}'

KINDS = f"""\
apiVersion: rolecall/v1
roles:
  - name: tree
    trust_policy: {{Version: "1", Statement: [{{Effect: allow}}]}}
  - name: block
    trust_policy_json: |
      {{"Version": "1",
       "Statement": [{{"Effect": "allow"}}]}}
  - name: flow
    trust_policy_json: '{BROKEN.splitlines()[0]} {BROKEN.splitlines()[1]}'
  - name: file
    trust_policy_file: policy.json
"""


def declare(directory: Path, text: str = KINDS) -> Path:
    (directory / "policy.json").write_text(BROKEN)
    path = directory / "roles.yaml"
    path.write_text(text)
    return path


def declared(directory: Path) -> list[DeclaredRole]:
    return read_declarations([declare(directory)])


def problems_of(*violations: Violation, roles: list[DeclaredRole], **metadata: str) -> tuple[Problem, ...]:
    error = RolecallError("INVALID_ARGUMENT", "m", violations=violations, metadata=metadata)
    with pytest.raises(ProblemsError) as caught, errors_in_files(roles):
        raise error
    return caught.value.problems


@pytest.mark.parametrize(
    ("role", "file", "location"),
    [
        ("tree", "roles.yaml", "4:47"),
        ("block", "roles.yaml", "8:33"),
        ("flow", "roles.yaml", "10:24"),
        ("file", "policy.json", "2:27"),
    ],
)
def test_an_element_is_found_in_each_kind_of_policy(
    online: CommandLine, tmp_path: Path, role: str, file: str, location: str
) -> None:
    outcome = online("apply", "-f", str(declare(tmp_path)))

    at = f"{tmp_path / file}:{location}: error: role `{role}`: "
    lines = [line for line in outcome.err.splitlines() if line.startswith(at) and line.endswith(" [INVALID_EFFECT]")]
    assert (outcome.code, outcome.out) == (2, "")
    assert len(lines) == 1
    assert "the effect `allow` is neither `Allow` nor `Deny`" in lines[0]


def test_violations_that_did_not_fit_are_counted(online: CommandLine, tmp_path: Path) -> None:
    # Whether an alias is known, only the server can say.
    policy = (REPOSITORY / "examples/policies/mfa-only.json").as_posix()
    names = "".join(f"  - {{name: wrong{n}, account_id: nowhere, trust_policy_file: {policy}}}\n" for n in range(120))

    outcome = online("apply", "-f", str(declare(tmp_path, f"apiVersion: rolecall/v1\nroles:\n{names}")))

    problem, also, note = outcome.err.splitlines()
    more = re.fullmatch(r"rolecall: note: the server found (\d+) more; correct these and apply again", note)
    assert more
    assert problem.endswith(
        "roles.yaml:3:20: error: account_id `nowhere` is not an account id (1 to 20 digits) [INVALID_ACCOUNT_ID]"
    )
    assert also.startswith("  also at: 4:20, 5:20, ")
    assert len(also.split(", ")) + int(also.split(" and ")[1].removesuffix(" more")) + 1 + int(more[1]) == 120


def test_positions_come_from_the_facts_of_a_violation_and_not_from_its_text(tmp_path: Path) -> None:
    field = "roles[1].assume_role_policy_document/Statement"
    violation = Violation(field, "R", "wrong at 1:1 (line 1, column 1)", pointer="/Statement", line=2, column=3)

    (problem,) = problems_of(violation, roles=declared(tmp_path))

    assert problem == Problem(
        location=problem.location,
        message="role `block`: /Statement: wrong at 1:1 (line 1, column 1)",
        reason="R",
        pointer="/Statement",
    )
    assert str(problem.location) == f"{tmp_path / 'roles.yaml'}:8:9"


def test_a_server_without_positions_still_names_the_role_and_its_policy(tmp_path: Path) -> None:
    old = Violation("roles[3].assume_role_policy_document", "R", "role `file`: /Version: wrong (line 1, column 2)")

    located = [problems_of(old, Violation("roles[0].tags", "R", "m"), roles=declared(tmp_path))[0]]

    assert [(str(p.location), p.message) for p in located] == [
        (str(tmp_path / "policy.json") + ":1:1", "role `file`: /: /Version: wrong (line 1, column 2)")
    ]


def test_a_field_that_is_not_written_is_located_at_the_role(tmp_path: Path) -> None:
    (problem,) = problems_of(Violation("roles[1].tags", "R", "role `block`: m"), roles=declared(tmp_path))

    assert (str(problem.location), problem.message) == (f"{tmp_path / 'roles.yaml'}:5:5", "role `block`: tags: m")


def test_a_violation_of_no_declared_role_keeps_its_field(tmp_path: Path) -> None:
    roles = declared(tmp_path)
    known = Violation("roles[3].description", "R", "m")

    first, second, _ = problems_of(
        Violation("prune_selector.tags", "A", "m"), Violation("roles[4].tags", "B", "n"), known, roles=roles
    )

    assert (str(first.location), first.message, first.reason) == ("prune_selector.tags", "m", "A")
    assert (str(second.location), second.message, second.reason) == ("roles[4].tags", "n", "B")


@pytest.mark.parametrize(("total", "notes"), [("1", 0), ("3", 1), ("", 0), ("x", 0)])
def test_a_note_says_how_many_violations_are_not_shown(tmp_path: Path, total: str, notes: int) -> None:
    problems = problems_of(Violation("roles[0].tags", "R", "m"), roles=declared(tmp_path), total_violations=total)

    assert [(p.severity, p.message) for p in problems[1:]] == [
        ("note", "the server found 2 more; correct these and apply again")
    ] * notes


def test_an_error_about_no_declared_role_stays_what_it_is(tmp_path: Path) -> None:
    error = RolecallError("INVALID_ARGUMENT", "m", violations=[Violation("request_id", "R", "m")])

    with pytest.raises(RolecallError) as caught, errors_in_files(declared(tmp_path)):
        raise error

    assert caught.value is error
