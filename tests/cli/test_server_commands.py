from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY, served

ROLES = str(REPOSITORY / "examples/roles")
ALICE = "--as=acs:ram::123456789012:user/alice"

CI = """\
apiVersion: rolecall/v1
roles:
  - name: applied-{name}
    tags: {{set: {set}}}
    trust_policy:
      Version: "1"
      Statement:
        - Effect: {effect}
          Action: sts:AssumeRole
          Principal: {{Service: {service}}}
"""


def declare(path: Path, *names: str, effect: str = "Allow", service: str = "ecs.aliyuncs.com", set_: str = "a") -> str:
    path.write_text("---\n".join(CI.format(name=name, effect=effect, service=service, set=set_) for name in names))
    return str(path)


def test_a_role_lives_and_dies(online: CommandLine, policy_file: Path) -> None:
    created = online("role", "create", "life", "--policy", str(policy_file), "--tag", "a=b", "--reason", "first")
    changed = online("role", "update", "life", "--description", "changed", "--reason", "second")
    shown = online("role", "get", "life")
    history = online("role", "history", "life")
    deleted = online("role", "delete", "life")
    gone = online("role", "get", "life")

    assert created.out.startswith("created acs:ram::123456789012:role/life (revision ")
    assert changed.out.startswith("updated acs:ram::123456789012:role/life")
    assert "description changed" in shown.out
    assert policy_file.read_text() in shown.out
    assert [line.split()[-1] for line in history.out.splitlines()[2:4]] == ["second", "first"]
    assert (deleted.code, deleted.out) == (0, "deleted life\n")
    assert (gone.code, gone.out) == (2, "")
    assert gone.err == "error: there is no role `acs:ram::123456789012:role/life` [ROLE_NOT_FOUND]\n"


def test_a_deleted_role_is_restored_and_its_changes_say_why(online: CommandLine, policy_file: Path) -> None:
    created = json.loads(online("role", "create", "undone", "--policy", str(policy_file), "-o", "json").out)["role"]
    online("role", "delete", "undone", "--reason", "mistake")

    history = online("role", "history", "undone")
    rehearsed = online("role", "undelete", "undone", "--dry-run")
    restored = online("role", "undelete", "undone", "--role-id", created["role_id"], "--reason", "needed")
    again = online("role", "undelete", "undone")
    changes = online("changes", "--role", "undone")
    listed = json.loads(online("changes", "--role", "undone", "--kind", "deleted", "-o", "json").out)["changes"]

    assert [line.split()[3] for line in history.out.splitlines()[2:]] == ["DELETED", "CREATED"]
    assert rehearsed.out == f"would restore {created['arn']} (not written)\n"
    assert restored.out.startswith(f"restored {created['arn']} (revision ")
    assert (again.code, again.err) == (2, f"error: role `{created['arn']}` already exists [ROLE_EXISTS]\n")
    lines = [line.split() for line in changes.out.splitlines()[2:]]
    assert [(line[3], line[-1]) for line in lines[1:]] == [("DELETED", "mistake"), ("UNDELETED", "needed")]
    assert [(each["reason"], each["role"]["role_id"]) for each in listed] == [("mistake", created["role_id"])]


def test_a_role_is_rolled_back(online: CommandLine, policy_file: Path) -> None:
    created = json.loads(online("role", "create", "back", "--policy", str(policy_file), "-o", "json").out)
    online("role", "update", "back", "--description", "x", "--tag", "k=v")

    restored = online("role", "rollback", "back", "--revision", created["role"]["revision"])

    role = json.loads(online("role", "get", "back", "-o", "json").out)["role"]
    assert restored.out.startswith("restored ")
    assert (role["description"], role["tags"]) == ("", {})


def test_tags_are_removed_only_with_the_option(online: CommandLine, policy_file: Path) -> None:
    online("role", "create", "tagged", "--policy", str(policy_file), "--tag", "a=b")

    online("role", "update", "tagged", "--description", "x")
    kept = json.loads(online("role", "get", "tagged", "-o", "json").out)
    online("role", "update", "tagged", "--no-tags")
    removed = json.loads(online("role", "get", "tagged", "-o", "json").out)

    assert (kept["role"]["tags"], removed["role"]["tags"]) == ({"a": "b"}, {})


def test_roles_are_listed(online: CommandLine, policy_file: Path) -> None:
    for name in ("list-b", "list-a"):
        online("role", "create", name, "--policy", str(policy_file), "--tag", "listed=yes")

    table = online("role", "list", "--tag", "listed=yes", "--prefix", "LIST-")
    listed = json.loads(online("role", "list", "--tag", "listed=yes", "--full", "-o", "json").out)["roles"]
    none = online("role", "list", "--prefix", "nothing")

    assert [line.split()[0] for line in table.out.splitlines()[2:]] == ["list-a", "list-b"]
    assert [role["assume_role_policy_document"] for role in listed] == [policy_file.read_text()] * 2
    assert (none.code, none.out, none.err) == (0, "", "no roles\n")


def test_a_stale_etag_and_an_existing_name_are_refused(online: CommandLine, policy_file: Path) -> None:
    online("role", "create", "stale", "--policy", str(policy_file))

    again = online("role", "create", "STALE", "--policy", str(policy_file))
    stale = online("role", "delete", "stale", "--etag", '"1-0"')

    assert (again.code, "[ROLE_EXISTS]" in again.err) == (2, True)
    assert (stale.code, "`rolecall role get`" in stale.err) == (2, True)


def test_a_dry_run_writes_nothing(online: CommandLine, policy_file: Path) -> None:
    dry = online("role", "create", "dry", "--policy", str(policy_file), "--dry-run")

    assert (dry.code, dry.out.startswith("would create acs:ram::123456789012:role/dry")) == (0, True)
    assert online("role", "get", "dry").code == 2


def test_a_refused_policy_is_reported_with_its_lines(online: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"Version": "1",\n "Statement": [{"Effect": "allow"}]}')

    outcome = online("role", "create", "bad", "--policy", str(path))

    assert (outcome.code, outcome.out) == (2, "")
    assert f"{path}:2:27: error: " in outcome.err


def test_a_request_id_makes_a_repeat_harmless(online: CommandLine, policy_file: Path) -> None:
    command = [
        "role",
        "create",
        "once",
        "--policy",
        str(policy_file),
        "--request-id",
        "0b9d34a2-6d3e-4a5e-9a43-5a3c1d3c9f00",
    ]

    first, second = online(*command), online(*command)
    other = online(*command, "--description", "other")

    assert (second.code, second.out) == (0, first.out)
    assert (other.code, "[IDEMPOTENCY_MISMATCH]" in other.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--role=oidc-sign-on", ALICE], 1),
        (["--role=ecs-instances", "--as=ecs.aliyuncs.com"], 0),
        (["--role=acs:ram::123456789012:role/ECS-instances", "--as=123456789012@ecs.aliyuncs.com"], 0),
        (["--role=payments-api", "--as=k8s:ack-rrsa-c8f2a1/payments/api", "--claim=oidc:aud=sts.aliyuncs.com"], 0),
        (["--role=123456789012/nobody", ALICE], 3),
        (["--role=partner-export", "--as=acs:ram::210987654321:user/x", "--external-id=acme-7f3c9a"], 0),
        (["--role=partner-export", "--as=acs:ram::210987654321:user/x"], 1),
        (["--role=break-glass", ALICE, "--duration=43200"], 2),
        (["--role=break-glass", ALICE, "--fully-consistent"], 1),
        (["--role=break-glass", ALICE, "--at-least-as-fresh=x"], 2),
    ],
)
def test_check_and_explain_exit_alike(online: CommandLine, options: list[str], code: int) -> None:
    assert online("apply", "-f", ROLES).code == 0

    assert online("check", *options).code == code
    assert online("explain", *options).code == code


def test_an_explanation_of_the_past_names_the_revision_that_decided(online: CommandLine, policy_file: Path) -> None:
    created = json.loads(online("role", "create", "past", "--policy", str(policy_file), "-o", "json").out)["role"]
    online("role", "create", "after-past", "--policy", str(policy_file))
    question = ["explain", ALICE, "--role", "past"]
    revision = int(created["revision"])

    later = online(*question, "--at-revision", str(revision + 1))
    before = online(*question, "--at-revision", "0")
    present = online(*question)

    assert f"  at    revision {revision + 1}, by the version of revision {revision}\n" in later.out
    assert "  at    revision 0\n" in before.out
    assert "revision" not in present.out


def test_a_server_explains_as_the_engine_does_without_one(online: CommandLine) -> None:
    policy = REPOSITORY / "examples/policies/mfa-only.json"
    online("role", "create", "same", "--policy", str(policy))
    facts = [ALICE, "--role=same", "--context=acs:SourceIp=8.8.8.8", "--context=acs:MFAPresent=maybe"]

    remote, offline = online("explain", *facts), online("explain", *facts, "--policy", str(policy))

    assert (remote.code, remote.out) == (offline.code, offline.out)


def test_applying_twice_changes_nothing(online: CommandLine, tmp_path: Path) -> None:
    path = declare(tmp_path / "r.yaml", "one", "two", set_="twice")

    dry = online("apply", "-f", path, "--dry-run")
    first, second = online("apply", "-f", path), online("apply", "-f", path)

    assert dry.out.splitlines()[-1] == "would create 2; 0 unchanged"
    assert first.out.splitlines() == [
        "+ acs:ram::123456789012:role/applied-one",
        "+ acs:ram::123456789012:role/applied-two",
        "created 2; 0 unchanged",
    ]
    assert second.out == "2 unchanged\n"


def test_what_an_apply_changes_is_shown_as_a_diff(online: CommandLine, tmp_path: Path) -> None:
    path = declare(tmp_path / "r.yaml", "diff")
    online("apply", "-f", path)
    declare(tmp_path / "r.yaml", "diff", service="log.aliyuncs.com")

    outcome = online("apply", "-f", path, "--reason", "moved", "--source", "git:abc")

    lines = [line.strip() for line in outcome.out.splitlines()]
    assert "~ acs:ram::123456789012:role/applied-diff" in lines
    assert any(line.startswith("-") and "ecs.aliyuncs.com" in line for line in lines)
    assert any(line.startswith("+") and "log.aliyuncs.com" in line for line in lines)
    assert lines[-1] == "updated 1; 0 unchanged"
    assert "moved" in online("role", "history", "applied-diff").out


def test_only_what_is_selected_is_pruned(online: CommandLine, tmp_path: Path) -> None:
    online(
        "apply",
        "-f",
        declare(tmp_path / "a.yaml", "keep", set_="pruned"),
        "-f",
        declare(tmp_path / "b.yaml", "drop", set_="pruned"),
    )
    online("apply", "-f", declare(tmp_path / "c.yaml", "apart", set_="other"))

    outcome = online("apply", "-f", str(tmp_path / "a.yaml"), "--prune", "set=pruned", "-o", "json")

    changes = {change["role_arn"].rpartition("/")[2]: change["kind"] for change in json.loads(outcome.out)["changes"]}
    assert changes == {"applied-keep": "UNCHANGED", "applied-drop": "DELETED"}
    assert online("role", "get", "applied-apart").code == 0


@pytest.mark.parametrize("selector", ["", "set", "=x", "a=1,a=2"])
def test_a_selector_that_is_none_deletes_nothing(online: CommandLine, tmp_path: Path, selector: str) -> None:
    outcome = online("apply", "-f", declare(tmp_path / "a.yaml", "sel"), "--prune", selector)

    assert (outcome.code, outcome.out) == (2, "")


def test_violations_are_reported_at_the_lines_of_their_files(online: CommandLine, tmp_path: Path) -> None:
    declare(tmp_path / "a.yaml", "fine")
    declare(tmp_path / "b.yaml", "wrong_name", effect="allow")
    declare(tmp_path / "c.yaml", "typo", service="ecs_aliyuncs")

    outcome = online("apply", "-f", str(tmp_path))

    assert (outcome.code, outcome.out) == (2, "")
    assert f"{tmp_path / 'b.yaml'}:3:5: error: role `applied-wrong_name`: role_name " in outcome.err
    assert f"{tmp_path / 'b.yaml'}:8:11: error: role `applied-wrong_name`: the effect " in outcome.err
    assert f"{tmp_path / 'c.yaml'}:10:" in outcome.err
    assert "a.yaml" not in outcome.err
    assert online("role", "get", "applied-fine").code == 2


def test_many_roles_are_applied_in_one_write(online: CommandLine, tmp_path: Path) -> None:
    names = [f"many-{number}" for number in range(1_200)]

    outcome = online("apply", "-f", declare(tmp_path / "many.yaml", *names, set_="many"), "-o", "json")

    assert len(json.loads(outcome.out)["changes"]) == len(names)
    revisions = {
        role["revision"] for role in json.loads(online("role", "list", "--tag", "set=many", "-o", "json").out)["roles"]
    }
    assert len(revisions) == 1


def test_a_role_with_a_bad_document_is_refused_at_the_lines_of_its_file(online: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"Version": "1",\n "Statement": [{"Effect": "allow", "Action": "sts:AssumeRole"}]}')

    outcome = online("role", "create", "x y", "--policy", str(path), "--tag", "acs:x=1")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "NAME: error: `x y` may have letters, digits, `.` and `-` only [ROLE_NAME_CHARACTERS]",
        "--tag: error: key `acs:x` begins with `acs:` or `aliyun`, which are reserved [TAG_KEY_RESERVED]",
        f"{path}:2:16: error: `Principal` is missing; add it [MISSING_FIELD]",
        "  help: write `Principal`",
        f"{path}:2:27: error: the effect `allow` is neither `Allow` nor `Deny` [INVALID_EFFECT]",
        "  help: write `Allow`",
    ]


def test_what_only_the_server_refuses_of_a_document_is_at_the_lines_of_its_file_too(
    rolecall: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "two.json"
    statement = '{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/a"}}'
    path.write_text(f'{{"Version": "1",\n "Statement": [{statement}, {statement}]}}')

    with served("--max-statements=1", directory=tmp_path) as address:
        outcome = rolecall("role", "create", "two", "--policy", str(path), "--address", address)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"{path}:2:15: error: /Statement: ")
    assert "[TOO_MANY_STATEMENTS]" in outcome.err
