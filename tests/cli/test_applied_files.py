"""What `apply` sends, and what it shows: with a server that records the calls, so that each of them is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall_client.v1 import role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

POLICY = '{Version: "1", Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {RAM: "acs:ram::1:user/a"}}]}'
ROOT = POLICY.replace("user/a", "root")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    declare("roles.yaml", "a")
    return tmp_path


def declare(name: str, *roles: str, policy: str = POLICY, account: str = "7") -> None:
    listed = "".join(f"  - {{name: {role}, account_id: '{account}', trust_policy: {policy}}}\n" for role in roles)
    Path(name).write_text(f"apiVersion: rolecall/v1\nroles:{chr(10) + listed if listed else ' []'}\n")


def change(kind: str, name: str) -> r.RoleChange:
    number: Any = r.ChangeKind.Value(f"CHANGE_KIND_{kind}")
    return r.RoleChange(kind=number, role_arn=f"acs:ram::7:role/{name}")


def applied(rolecall: CommandLine, *arguments: str, changes: tuple[r.RoleChange, ...] = ()) -> tuple[Any, list[Any]]:
    """Run an apply; return its outcome, and whether each call of it is a trial."""
    with recording(ApplyRoles=r.ApplyRolesResponse(changes=changes)) as (address, calls):
        outcome = rolecall("apply", "-f", "roles.yaml", *arguments, "--address", address)
    return outcome, [call.messages[0].options.validate_only for call in calls]


@pytest.mark.parametrize(
    ("arguments", "trials"),
    [
        ([], [False]),
        (["--dry-run"], [True]),
        (["--prune=a=b"], [True, False]),
        (["--prune=a=b", "--dry-run"], [True]),
        (["--prune=a=b", "--yes"], [True, False]),
    ],
)
def test_only_an_apply_that_may_delete_is_tried_before(
    rolecall: CommandLine, arguments: list[str], trials: list[bool]
) -> None:
    outcome, calls = applied(rolecall, *arguments, changes=(change("UNCHANGED", "a"),))

    assert (outcome.code, outcome.err, calls) == (0, "", trials)


@pytest.mark.parametrize(("options", "limit"), [(["--max-deletes=1"], 1), ([], 10)])
def test_more_deletions_than_allowed_end_an_apply_and_a_dry_run(
    rolecall: CommandLine, options: list[str], limit: int
) -> None:
    many = tuple(change("DELETED", f"d{number}") for number in range(limit + 1))
    count = f"{limit + 1} roles" if limit else "1 role"
    error = f"error: {count} would be deleted; the limit is {limit}, and nothing was written\n"

    real, real_calls = applied(rolecall, "--prune=a=b", *options, changes=many)
    tried, tried_calls = applied(rolecall, "--prune=a=b", "--dry-run", "--exit-code", *options, changes=many)

    assert (real.code, real.out, real.err.startswith(error), real_calls) == (2, "", True, [True])
    assert (tried.code, tried.err.startswith(error), tried_calls) == (2, True, [True])
    assert "d0" in tried.out


@pytest.mark.parametrize(
    ("kinds", "code"),
    [((), 0), (("UNCHANGED",), 0), (("UNCHANGED", "UPDATED"), 4), (("CREATED",), 4), (("DELETED", "UNCHANGED"), 4)],
)
def test_a_dry_run_ends_with_four_only_if_asked_and_if_something_would_change(
    rolecall: CommandLine, kinds: tuple[str, ...], code: int
) -> None:
    changes = tuple(change(kind, kind.lower()) for kind in kinds)

    asked, _ = applied(rolecall, "--dry-run", "--exit-code", changes=changes)
    plain, _ = applied(rolecall, "--dry-run", changes=changes)
    real, _ = applied(rolecall, changes=changes)

    assert (asked.code, plain.code, real.code) == (code, 0, 0)


def test_findings_are_shown_by_a_dry_run_alone_and_suppressed_ones_when_asked_for(rolecall: CommandLine) -> None:
    declare("roles.yaml", "a", policy=ROOT)
    accepting = ["--dry-run", "--suppress=root-without-external-id=agreed"]

    real, _ = applied(rolecall)
    tried, _ = applied(rolecall, "--dry-run")
    accepted, _ = applied(rolecall, *accepting)
    listed, _ = applied(rolecall, *accepting, "--verbose")

    assert real.err == ""
    assert tried.err.startswith("roles.yaml:3:")
    assert "warning: role `a`: every user and role of account `1`" in tried.err
    assert accepted.err == "1 suppressed\n"
    assert listed.err.endswith("1 suppressed\n")
    assert "suppressed warning: role `a`: every user" in listed.err


def test_programs_read_the_changes_and_of_a_dry_run_the_findings(rolecall: CommandLine) -> None:
    declare("roles.yaml", "a", policy=ROOT)
    created = (change("CREATED", "a"),)

    def read(*arguments: str) -> Any:
        outcome, _ = applied(rolecall, "-o", "json", *arguments, changes=created)
        assert outcome.err == ""
        return json.loads(outcome.out)

    real, tried = read(), read("--dry-run")
    accepted = read("--dry-run", "--suppress=root-without-external-id=agreed")

    assert sorted(real) == ["changes", "consistency_token"]
    assert [(one["role_arn"], one["kind"]) for one in real["changes"]] == [("acs:ram::7:role/a", "CREATED")]
    assert sorted(tried) == ["changes", "consistency_token", "findings", "suppressed"]
    assert [finding["reason"] for finding in tried["findings"]] == ["root-without-external-id"]
    assert tried["suppressed"] == accepted["findings"] == []
    assert [(one["reason"], one["suppression"]["reason"]) for one in accepted["suppressed"]] == [
        ("root-without-external-id", "agreed")
    ]


def test_the_names_of_accounts_are_those_of_the_context(
    rolecall: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare("roles.yaml", "a", account="prod", policy=ROOT)
    declare("more.yaml", "b", account="", policy=ROOT)
    declare("twice.yaml", "a", account="1")
    config = folder / "config.yaml"
    monkeypatch.setenv("ROLECALL_CONFIG", str(config))
    role = r.GetRoleResponse(role=r.Role(account_id="1"))

    with recording(ApplyRoles=r.ApplyRolesResponse(), GetRole=role) as (address, calls):
        config.write_text(
            f"current: a\ncontexts: {{a: {{address: '{address}', accounts: {{prod: '1'}}, default_account: prod}}}}\n"
        )
        config.chmod(0o600)
        own = rolecall("apply", "-f", "roles.yaml", "-f", "more.yaml", "--dry-run")
        asked = [call.messages[0].role for call in calls if call.method == "GetRole"]
        twice = rolecall("apply", "-f", "roles.yaml", "-f", "twice.yaml", "--dry-run")

    # The whole account of the role itself is no finding.
    assert (own.code, own.err) == (0, "")
    assert sorted(asked) == ["prod/rolecall-context", "rolecall-context"]
    assert (twice.code, "the role `acs:ram::1:role/a` is declared twice" in twice.err) == (2, True)


def test_accounts_to_prune_are_compared_with_the_context_too(
    rolecall: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = folder / "config.yaml"
    monkeypatch.setenv("ROLECALL_CONFIG", str(config))

    with recording(GetRole=r.GetRoleResponse(role=r.Role(account_id="2"))) as (address, calls):
        config.write_text(f"current: a\ncontexts: {{a: {{address: '{address}', accounts: {{prod: '1'}}}}}}\n")
        config.chmod(0o600)
        outcome = rolecall("apply", "-f", "roles.yaml", "--prune=a=b", "--prune-account=prod")

    assert outcome.code == 2
    assert "differ about the alias `prod`: 1 in the context, account 2 on the server" in outcome.err
    assert [call.method for call in calls] == ["GetRole"]


def test_without_a_role_an_account_to_prune_must_be_named(rolecall: CommandLine) -> None:
    declare("roles.yaml")

    refused, no_calls = applied(rolecall, "--prune=a=b")
    named, calls = applied(rolecall, "--prune=a=b", "--prune-account=7")

    assert (refused.code, refused.out, no_calls) == (2, "", [])
    assert "the files declare no role, and so no account to prune" in refused.err
    assert (named.code, calls) == (0, [True, False])


@pytest.mark.parametrize("option", ["--exit-code", "--verbose", "--suppress=open-network=x", "--lint-config=x"])
def test_what_is_for_a_dry_run_needs_one(rolecall: CommandLine, option: str) -> None:
    what = "--exit-code is" if option == "--exit-code" else "--lint-config, --suppress and --verbose are"

    assert applied(rolecall, option) == ((2, "", f"error: {what} for a dry run\n  help: add --dry-run\n"), [])
