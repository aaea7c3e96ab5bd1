"""What the commands without a server print: versions, schemas and tokens; and what is said beside an answer."""

from __future__ import annotations

import io
import json
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from rolecall.server import main as server_main
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording
from tests.cli.serving import REPOSITORY

NUMBERS = {"rolecall": "1.2.3", "grpcio": "4.5", "protobuf": "6.7"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the packages that are installed, with their versions, which a test may change."""
    packages = dict(NUMBERS)

    def version(name: str) -> str:
        if name not in packages:
            raise metadata.PackageNotFoundError(name)
        return packages[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(platform, "python_version", lambda: "3.99")
    return packages


def test_the_versions_of_the_program_and_of_what_it_runs_on_are_one_line(
    rolecall: CommandLine, installed: dict[str, str]
) -> None:
    every = rolecall("version")
    record = json.loads(rolecall("version", "-o", "json").out)
    del installed["grpcio"], installed["rolecall"]

    assert every == (0, "rolecall 1.2.3 (python 3.99, grpcio 4.5, protobuf 6.7)\n", "")
    assert record == {"rolecall": "1.2.3", "python": "3.99", "grpcio": "4.5", "protobuf": "6.7"}
    assert rolecall("version").out == "rolecall not installed (python 3.99, grpcio not installed, protobuf 6.7)\n"


@pytest.mark.parametrize("name", ["roles", "cases", "callers", "contexts", "lint"])
def test_a_schema_is_printed_as_its_file(rolecall: CommandLine, name: str) -> None:
    text = (REPOSITORY / f"service/rolecall/cli/schema/{name}.schema.json").read_text(encoding="utf-8")

    assert rolecall("schema", name) == (0, text, "")
    assert (rolecall("schema").out == text) is (name == "roles")


def test_a_token_stands_alone_on_standard_output_and_its_entry_on_standard_error(rolecall: CommandLine) -> None:
    outcome = rolecall("token", "new")

    (hash_,) = re.findall(r'"([0-9a-f]{64})"', outcome.err)
    assert re.fullmatch(r"rct_[\w-]{43}\n", outcome.out)
    assert outcome.err == (
        f'# for `callers` in the callers file\n- name: NAME\n  match: {{token_sha256: "{hash_}"}}\n'
        "  policies: [RolecallDecider]\n"
    )
    assert "- name: ci\n" in rolecall("token", "new", "--name=ci").err


@pytest.mark.parametrize(
    ("store", "warned"),
    [("postgresql://u:secret@h/x", True), ("postgresql://u@h/x", False), ("memory://", False)],
)
def test_a_password_on_the_command_line_is_warned_about_and_not_shown(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch, store: str, warned: bool
) -> None:
    monkeypatch.setattr(server_main, "run", lambda _config, **_: 0)

    outcome = rolecall("serve", f"--store={store}", "--log-format=json")

    lines = [json.loads(line) for line in outcome.err.splitlines()]
    advice = "every user of this machine can see it: give --store-file, or the variable ROLECALL_STORE"
    assert [(line["event"], line["level"], line["advice"]) for line in lines] == [
        ("password_on_command_line", "warning", advice)
    ] * warned
    assert "secret" not in outcome.err
    assert rolecall("serve", f"--store={store}", "--log-format=json", "--log-level=error").err == ""


def test_an_export_is_utf8_with_line_feeds_whatever_the_terminal_has(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    role = r.Role(role_name="a", account_id="1", description="é", assume_role_policy_document="{}")

    with recording(ListRoles=r.ListRolesResponse(roles=[role])) as (address, _):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1", newline="\r\n"))
        code = rolecall("export", "--address", address).code
        sys.stdout.flush()

    assert code == 0
    assert written.getvalue().decode() == (
        '---\napiVersion: rolecall/v1\nroles:\n  - name: a\n    account_id: "1"\n    description: "é"\n    trust_policy: {}\n'
    )


@pytest.mark.parametrize(
    ("principal", "account"), [("acs:ram::7:root", "7"), ("acs:ram::7:user/root", ""), ("acs:ram::7:role/root", "")]
)
def test_only_of_an_account_root_it_is_said_that_it_assumes_no_role(
    rolecall: CommandLine, principal: str, account: str
) -> None:
    with recording(ListAssumableRoles=d.ListAssumableRolesResponse()) as (address, _):
        people, programs = (
            rolecall("what-can", f"--as={principal}", "--address", address, "-o", form) for form in ("table", "json")
        )

    hint = (
        f"  help: an account root assumes no role; ask as a user of the account: `--as acs:ram::{account}:user/NAME` "
        "(with a name that no policy names: what every user of the account can assume)\n"
    )
    assert (people.err.removeprefix("no roles\n"), programs.err) == ((hint, hint) if account else ("", ""))
    assert json.loads(programs.out) == {"roles": []}


def noted(rolecall: CommandLine, folder: Path, *fields: str) -> Any:
    """Create a role by the policy of a declared one; return what is said about its other fields, and the request."""
    listed = "".join(f"{field}\n" for field in fields)
    (folder / "a.yaml").write_text(f"apiVersion: rolecall/v1\nname: other\n{listed}trust_policy: {{Version: '1'}}\n")
    with recording() as (address, calls):
        outcome = rolecall("role", "create", "made", f"--policy={folder / 'a.yaml'}", "--address", address)
    (request,) = calls[-1].messages
    assert (outcome.code, request.role_name, request.assume_role_policy_document) == (0, "made", '{"Version": "1"}')
    return outcome.err


def test_what_else_a_file_says_of_a_role_is_not_used_and_that_is_noted(rolecall: CommandLine, tmp_path: Path) -> None:
    note = (
        f"{tmp_path}/a.yaml:2:1: note: only the trust policy of role `other` is used, not its tags and its session duration\n"
        "  help: `rolecall apply -f FILE` writes whole roles\n"
    )

    assert noted(rolecall, tmp_path, "tags: {a: b}") == note
    assert noted(rolecall, tmp_path, "max_session_duration_seconds: 3600") == note
    assert noted(rolecall, tmp_path) == ""


def test_an_action_without_a_resource_is_asked_about_alone(rolecall: CommandLine) -> None:
    with recording() as (address, calls):
        outcome = rolecall("can", "ram:ListRoles", "--address", address)

    assert (outcome.code, [call.text for call in calls]) == (1, ['CanI\naction: "ram:ListRoles"'])
