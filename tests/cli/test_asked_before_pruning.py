"""An apply that would delete roles tries it first, and asks on a terminal; only then does it write."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rolecall_client.v1 import role_pb2 as r
from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine
from tests.cli.recording import Call, recording

GONE = r.ApplyRolesResponse(changes=[r.RoleChange(kind=r.CHANGE_KIND_DELETED, role_arn="acs:ram::42:role/gone")])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a file with a role, on a terminal."""
    monkeypatch.setattr("rolecall.cli.checks.prune_guard._is_terminal", lambda _: True)
    path = tmp_path / "r.yaml"
    path.write_text(
        f"apiVersion: rolecall/v1\nname: app\naccount_id: '42'\ntags: {{a: b}}\ntrust_policy_json: '{VALID}'\n"
    )
    return str(path)


def rehearsals(calls: list[Call]) -> list[bool]:
    """Return of each call whether it was to write nothing."""
    return [any("validate_only: true" in line for line in call.text.splitlines()) for call in calls]


@pytest.mark.parametrize(
    ("answer", "more", "asked", "sent"),
    [
        ("y\n", (), True, [True, False]),
        ("n\n", (), True, [True]),
        ("", (), True, [True]),
        ("", ("--yes",), False, [True, False]),
        ("", ("--yes", "--max-deletes=0"), False, [True]),
        ("", ("--dry-run",), False, [True]),
    ],
)
def test_nothing_is_written_before_the_answer(
    rolecall: CommandLine,
    file: str,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    more: tuple[str, ...],
    asked: bool,
    sent: list[bool],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with recording(ApplyRoles=GONE) as (address, calls):
        outcome = rolecall("apply", "-f", file, "--prune=a=b", "--address", address, *more)

    assert ("delete 1 role? [y/N]: " in outcome.err) is asked
    assert rehearsals(calls) == sent
    assert outcome.code == (0 if sent[-1:] == [False] or more == ("--dry-run",) else 2)


def test_without_pruning_it_is_written_at_once(rolecall: CommandLine, file: str) -> None:
    with recording() as (address, calls):
        outcome = rolecall("apply", "-f", file, "--address", address)

    assert (outcome.code, rehearsals(calls)) == (0, [False])
