"""How `check` and `explain` end by the answer of a server, what they ask it, and which options belong to a server alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.options.request import RequestOptions
from rolecall.cli.render.explanation import show_explanation
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

ALICE = "--as=acs:ram::1:user/alice"
ALLOWED = d.Decision(allowed=True, reason=d.DECISION_REASON_ALLOW)
DENIED = d.Decision(reason=d.DECISION_REASON_IMPLICIT_DENY, missing_keys=["acs:SourceIp"])
GONE = d.Decision(reason=d.DECISION_REASON_ROLE_NOT_FOUND)


def asked(rolecall: CommandLine, command: str, decision: d.Decision, *arguments: str) -> tuple[Any, list[Any]]:
    """Run a command on a server that decides so; return its outcome and the calls."""
    answers: dict[str, Any] = {
        "CheckAssumeRole": d.CheckAssumeRoleResponse(decision=decision),
        "ExplainAssumeRole": d.ExplainAssumeRoleResponse(decision=decision),
        "ListRoles": r.ListRolesResponse(roles=[r.Role(role_name="deploy")]),
    }
    with recording(**answers) as (address, calls):
        return rolecall(command, ALICE, "--role=12/deply", "--address", address, *arguments), calls


@pytest.mark.parametrize("command", ["check", "explain"])
@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.parametrize(
    ("decision", "code", "hint"),
    [
        (ALLOWED, 0, ""),
        (DENIED, 1, "  help: `acs:SourceIpp` was sent, and `acs:SourceIp` is compared; did you mean that?\n"),
        (GONE, 3, "  help: did you mean `deploy`?\n"),
    ],
)
def test_a_command_ends_by_the_decision_and_says_what_was_probably_meant(
    rolecall: CommandLine, command: str, form: str, decision: d.Decision, code: int, hint: str
) -> None:
    outcome, calls = asked(rolecall, command, decision, "--context=acs:SourceIpp=10.0.0.1", "-o", form)

    method = f"{command.capitalize()}AssumeRole"
    assert (outcome.code, outcome.err) == (code, hint)
    assert [call.method for call in calls] == [method, *["ListRoles"] * (code == 3)]
    if form == "json":
        assert json.loads(outcome.out)["decision"]["allowed"] is (code == 0)
    else:
        assert outcome.out.startswith("✓ ALLOWED" if code == 0 else "✗ DENIED")


@pytest.mark.parametrize("command", ["check", "explain"])
@pytest.mark.parametrize(
    ("options", "consistency"),
    [
        ([], None),
        (["--fully-consistent"], d.Consistency(fully_consistent=True)),
        (["--at-least-as-fresh=t"], d.Consistency(at_least_as_fresh="t")),
    ],
)
def test_a_decision_is_as_fresh_as_it_is_asked_for(
    rolecall: CommandLine, command: str, options: list[str], consistency: d.Consistency | None
) -> None:
    _, (call, *_) = asked(rolecall, command, ALLOWED, *options)

    (request,) = call.messages
    assert request.HasField("consistency") is (consistency is not None)
    assert request.consistency == (consistency or d.Consistency())


@pytest.mark.parametrize("command", ["check", "explain"])
def test_one_kind_of_freshness_is_asked_for(rolecall: CommandLine, command: str) -> None:
    outcome, calls = asked(rolecall, command, ALLOWED, "--fully-consistent", "--at-least-as-fresh=t")

    assert outcome == (2, "", "error: only one of --fully-consistent and --at-least-as-fresh may be given\n")
    assert calls == []


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("check", "--fully-consistent"),
        ("check", "--at-least-as-fresh=t"),
        ("explain", "--fully-consistent"),
        ("explain", "--at-least-as-fresh=t"),
        ("explain", "--at-revision=3"),
        ("explain", "--at-revision=0"),
    ],
)
def test_an_option_of_a_server_is_refused_without_one(
    rolecall: CommandLine, policy_file: Path, command: str, option: str
) -> None:
    assert rolecall(command, ALICE, f"--policy={policy_file}", option) == (
        2,
        "",
        "error: --at-revision, --fully-consistent and --at-least-as-fresh need a server; leave out --policy\n",
    )


@pytest.mark.parametrize("options", [["--action=ram:GetRole"], ["--resource=acs:ram::1:role/a"]])
def test_an_access_is_explained_by_a_file_alone(rolecall: CommandLine, options: list[str]) -> None:
    outcome, calls = asked(rolecall, "explain", ALLOWED, *options)

    assert outcome == (2, "", "error: --action and --resource need --policy with a permission policy\n")
    assert calls == []


def test_an_explanation_needs_a_principal(rolecall: CommandLine) -> None:
    assert rolecall("explain", "--role=a", "--address=127.0.0.1:1") == (
        2, "", "error: --as is missing\n  help: name the principal, such as `--as acs:ram::ID:user/NAME`\n",
    )  # fmt: skip


def test_the_time_of_an_explanation_counts_to_the_microsecond(rolecall: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/alice"},'
        ' "Condition": {"DateLessThan": {"acs:CurrentTime": "2026-01-01T00:00:00Z"}}}]}'
    )

    def code(time: str) -> int:
        return rolecall("explain", ALICE, f"--policy={tmp_path / 'p.json'}", f"--time={time}").code

    assert [code("2025-12-31T23:59:59.999999Z"), code("2026-01-01T08:00:00+08:00")] == [0, 1]
    assert code("2026-01-01T07:59:59.999999+08:00") == 0


def explained(capsys: pytest.CaptureFixture[str], role_revision: int, **more: bool) -> list[str]:
    decision = d.Decision(reason=d.DECISION_REASON_IMPLICIT_DENY, revision=7)
    response = d.ExplainAssumeRoleResponse(decision=decision, role_revision=role_revision)
    show_explanation(response, RequestOptions(as_="acs:ram::42:user/ann", role="app"), **more)
    return capsys.readouterr().out.splitlines()


def test_an_explanation_of_the_past_names_the_revision_and_the_version_of_the_role(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = ["✗ DENIED  IMPLICIT_DENY: no Allow statement applies", "  who   acs:ram::42:user/ann", "  role  app"]

    assert explained(capsys, 5, past=True) == [*first, "  at    revision 7, by the version of revision 5"]
    assert explained(capsys, 0, past=True) == [*first, "  at    revision 7"]
    assert explained(capsys, 5) == first
