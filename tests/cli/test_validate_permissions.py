"""`validate` knows a permission policy by its content, or by `--kind`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

READS = '{"Effect": "Allow", "Action": "ram:GetRole", "Resource": "acs:ram:*:123456789012:role/shop-*"}'

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "p.json") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def document(*statements: str) -> str:
    return '{"Version": "1", "Statement": [\n' + ",\n".join(statements) + "\n]}"


def test_a_good_permission_policy_has_nothing_to_report(rolecall: CommandLine, write: Write) -> None:
    outcome = rolecall("validate", write(document(READS)))

    assert (outcome.code, outcome.out) == (0, "✓ 1 permission policy: no problems\n")


def test_violations_of_a_permission_policy_have_their_places(rolecall: CommandLine, write: Write) -> None:
    path = write(document(READS, READS.replace("ram:GetRole", "GetRole")))

    outcome = rolecall("validate", path)

    assert outcome.code == 2
    assert f"{path}:3:31: error: the action `GetRole` names no product" in outcome.out
    assert "[INVALID_ACTION]" in outcome.out


def test_findings_of_a_permission_policy_are_reported_with_their_severity(rolecall: CommandLine, write: Write) -> None:
    regional = write(document(READS.replace("acs:ram:*", "acs:ram:cn-hangzhou")))
    wide = write(
        document(READS.replace("ram:GetRole", "sts:AssumeRole").replace("shop-*", "*").replace("123456789012", "*")),
        "w.json",
    )

    error, warning = rolecall("validate", regional), rolecall("validate", wide)

    assert (error.code, "[region-in-ram-pattern]" in error.out) == (2, True)
    assert (warning.code, "[assume-every-role]" in warning.out) == (0, True)
    assert rolecall("validate", "--fail-on=warning", wide).code == 2


def test_policies_of_both_kinds_are_counted_apart(rolecall: CommandLine, write: Write, policy_file: Path) -> None:
    first, second = write(document(READS)), write(document(READS), "q.json")

    outcome = rolecall("validate", first, second, str(policy_file))

    assert outcome.out == "✓ 1 trust policy and 2 permission policies: no problems\n"


def test_a_policy_that_may_be_of_both_kinds_needs_a_choice(rolecall: CommandLine, write: Write) -> None:
    path = write(document('{"Effect": "Allow", "Action": "sts:AssumeRole"}'))

    outcome = rolecall("validate", path)
    as_trust = rolecall("validate", "--kind=trust-policy", path)
    as_permission = rolecall("validate", "--kind=permission-policy", path)

    assert (outcome.code, "[AMBIGUOUS_KIND]" in outcome.out) == (2, True)
    assert "a trust policy, which lacks `Principal`, or a permission policy, which lacks `Resource`" in outcome.out
    assert "`--kind trust-policy` or `--kind permission-policy`" in outcome.out
    assert "`Principal` is missing" in as_trust.out
    assert "`Resource` is missing" in as_permission.out


def test_the_kind_of_a_file_can_be_given(rolecall: CommandLine, write: Write, policy_file: Path) -> None:
    permission = rolecall("validate", "--kind=permission-policy", str(policy_file))
    trust = rolecall("validate", "--kind=trust-policy", write(document(READS)))

    assert "`Principal` is not an element of a permission policy" in permission.out
    assert "`Resource` is not an element of a trust policy" in trust.out


def test_a_session_policy_has_a_smaller_limit(rolecall: CommandLine, write: Write) -> None:
    path = write(document(READS) + " " * 2_000)

    assert rolecall("validate", path).code == 0
    assert "2048 are allowed" in rolecall("validate", "--kind=session-policy", path).out


def test_a_permission_policy_is_read_from_standard_input(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(document(READS).replace("Allow", "allow").encode())))

    outcome = rolecall("validate", "-o", "json", "-")

    (problem,) = json.loads(outcome.out)["problems"]
    assert (outcome.code, problem["file"], problem["reason"]) == (2, "-", "INVALID_EFFECT")


def test_a_kind_does_not_change_the_roles_of_a_role_file(rolecall: CommandLine, write: Write) -> None:
    roles = (
        "apiVersion: rolecall/v1\nname: App\ntrust_policy:\n  Version: '1'\n  Statement:\n"
        "  - {Effect: Allow, Action: 'sts:AssumeRole', Principal: {RAM: 'acs:ram::123456789012:user/alice'}}\n"
    )

    outcome = rolecall("validate", "--kind=permission-policy", write(roles, "roles.yaml"))

    assert outcome.out == "✓ 1 trust policy: no problems\n"
