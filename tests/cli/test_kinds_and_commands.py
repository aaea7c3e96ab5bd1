"""Every kind of file with every command that takes files, by name and on standard input: no cell is untested."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from rolecall.cli.sources.kinds import KINDS
from tests.cli.conftest import CommandLine, Outcome
from tests.cli.file_kinds import ANN, SAMPLES, Has, Sample

CASES = """\
apiVersion: rolecall/v1
cases:
  - {name: ann may, as: "acs:ram::123456789012:user/ann", role: ROLE, expect: ALLOW}
"""
COMMANDS: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "FILE"),
    "test": ("test", "FILE", "cases.yaml", "roles.yaml"),
    "check": ("check", "--as", ANN, "--policy", "FILE"),
    "explain": ("explain", "--as", ANN, "--policy", "FILE"),
    "who-can": ("who-can", "--policy", "FILE"),
    "role create": ("role", "create", "made", "--dry-run", "--policy", "FILE"),
    "apply": ("apply", "--dry-run", "-f", "FILE"),
    "callers check": ("callers", "check", "FILE"),
}
Cell = tuple[int, str]
NAMED: Cell = (2, "{what}")
NO_ROLES: Cell = (2, "{what}, and a file of roles is needed")
NO_CALLERS: Cell = (2, "{what}, and a callers file is needed")
ALLOWED: tuple[Cell, ...] = ((0, "ALLOW"), (0, "ALLOW"), (0, ANN), (0, "would create"))


def row(
    validate: Cell, test: Cell, policy: tuple[Cell, ...], apply: Cell = NO_ROLES, callers: Cell = NO_CALLERS
) -> dict[str, Cell]:
    """Return the cells of a kind: the exit code of each command, and what it says; `policy` is for those with `--policy`."""
    return dict(zip(COMMANDS, [validate, test, *policy, apply, callers], strict=True))


EXPECTED = {
    Has.ROLES: row((0, "1 trust policy"), (0, "1 case passed"), ALLOWED),
    Has.DECLARATIONS: row((0, "1 trust policy"), (0, "1 case passed"), ALLOWED, apply=(0, "would create")),
    Has.POLICY: row((0, "1 trust policy"), (0, "1 case passed"), ALLOWED),
    Has.PERMISSION: row(
        (0, "1 permission policy"),
        (1, "there is no role `a`"),
        ((2, "Resource"), (2, "is a permission policy"), (2, "Resource"), (2, "Resource")),
    ),
    Has.UNKNOWN_ROLES: row(
        (0, "without trust policies"), (1, "there is no role `a`"), ((2, "there is no trust policy in"),) * 4
    ),
    Has.CASES: row(
        (2, "a case file has no trust policy"),
        (1, "1 of 2 cases failed"),
        ((2, "test cases have no trust policy"),) * 4,
    ),
    Has.SERVICE_ACCOUNTS: row(
        (0, "there is no policy to check"),
        (2, "needs the OIDC provider of its cluster"),
        ((2, "service accounts have no trust policy"),) * 4,
    ),
    Has.CALLERS: row(NAMED, NAMED, (NAMED,) * 4, callers=(0, "entries: 0")),
    Has.OTHER: row(NAMED, NAMED, (NAMED,) * 4),
    Has.NOTHING: row(NAMED, NAMED, (NAMED,) * 4, apply=NAMED, callers=NAMED),
}
Run = Callable[[str, Sample], Outcome]


@pytest.fixture(params=["by name", "on standard input"])
def run(request: pytest.FixtureRequest, online: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs a command with a file."""
    monkeypatch.chdir(tmp_path)

    def run(command: str, sample: Sample) -> Outcome:
        name = "-" if request.param == "on standard input" else "a"
        Path("a").write_bytes(sample.data)
        # A policy alone is that of a role which is named after the file.
        Path("cases.yaml").write_text(CASES.replace("ROLE", name if sample.has is Has.POLICY else "a"))
        Path("roles.yaml").write_text("apiVersion: rolecall/v1\nroles: []\n")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sample.data)))
        return online(*(name if part == "FILE" else part for part in COMMANDS[command]))

    return run


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind or sample.what} {sample.has.name}")
def test_every_command_handles_every_kind(run: Run, command: str, sample: Sample) -> None:
    code, says = EXPECTED[sample.has][command]

    outcome = run(command, sample)

    assert (outcome.code, outcome.out + outcome.err) == (code, outcome.out + outcome.err)
    assert says.format(what=sample.named) in outcome.out + outcome.err
    assert "unexpected error" not in outcome.err


def test_there_is_a_file_of_every_kind() -> None:
    assert {kind.name for kind in KINDS} == {sample.kind for sample in SAMPLES if sample.kind}
