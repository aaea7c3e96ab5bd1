from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

IN_HOUSE = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "1@orders.internal"}}]}'


Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "p.json") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_every_violation_has_file_line_and_column(rolecall: CommandLine, write: Write) -> None:
    path = write('{\n  "Version": 1,\n  "Statement": [{"Effect": "allow", "Effect": "Allow", "Principal": {}}]\n}')

    outcome = rolecall("validate", path)

    lines = outcome.out.splitlines()
    assert outcome.code == 2
    assert any(line.startswith(f"{path}:2:14: error: ") and line.endswith("[UNSUPPORTED_VERSION]") for line in lines)
    assert any(line.startswith(f"{path}:3:") and line.endswith("[DUPLICATE_KEY]") for line in lines)
    assert any(line.startswith("  help: ") for line in lines)


def test_a_good_document_has_nothing_to_report(rolecall: CommandLine, policy_file: Path) -> None:
    outcome = rolecall("validate", str(policy_file))

    assert (outcome.code, outcome.out) == (0, "✓ 1 trust policy: no problems\n")


def test_a_remark_on_a_valid_document_fails_only_if_it_is_an_error(rolecall: CommandLine, write: Write) -> None:
    federated = IN_HOUSE.replace('{"Service": "1@orders.internal"}', '{"Federated": "acs:ram::1:oidc-provider/x"}')
    whole_account = IN_HOUSE.replace('{"Service": "1@orders.internal"}', '{"RAM": "acs:ram::1:root"}')

    error, warning = rolecall("validate", write(federated)), rolecall("validate", write(whole_account))

    assert (error.code, "`oidc:sub`" in error.out) == (2, True)
    assert (warning.code, ": warning: " in warning.out) == (0, True)
    assert json.loads(rolecall("validate", "-o", "json", write(federated)).out)["valid"] is True


def test_the_profile_of_ram_refuses_what_only_rolecall_knows(rolecall: CommandLine, write: Write) -> None:
    path = write(IN_HOUSE)

    assert rolecall("validate", path).code == 0
    assert "[NOT_IN_RAM]" in rolecall("validate", "--profile", "ram", path).out


def test_standard_input_is_read(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{")))

    outcome = rolecall("validate", "-")

    assert outcome.code == 2
    assert outcome.out.startswith("-:1:")


def test_policies_in_declarations_are_reported_at_their_own_lines(rolecall: CommandLine, write: Write) -> None:
    path = write(
        'apiVersion: rolecall/v1\nname: a\ntrust_policy:\n  Version: "1"\n  Statement:\n    - Effect: allow\n'
        "      Action: sts:AssumeRole\n      Principal: {Service: ecs.aliyuncs.com}\n",
        "role.yaml",
    )

    outcome = rolecall("validate", path)

    assert outcome.code == 2
    assert f"{path}:6:7: error: " in outcome.out


def test_problems_of_several_files_are_reported(rolecall: CommandLine, write: Write, policy_file: Path) -> None:
    outcome = rolecall("validate", str(policy_file), "missing.json", write("[]"))

    assert outcome.code == 2
    assert "missing.json: error: cannot read `missing.json`" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("✗ 1 trust policy, 2 files not checked: ")


def test_json_lists_the_problems(rolecall: CommandLine, write: Write) -> None:
    outcome = rolecall("validate", "-o", "json", write("[]"))

    answer = json.loads(outcome.out)
    assert answer["valid"] is False
    assert {"file", "line", "column", "severity", "reason", "message", "pointer", "hint"} <= answer["problems"][
        0
    ].keys()


def test_every_example_is_valid(rolecall: CommandLine) -> None:
    policies = sorted(str(path) for path in (REPOSITORY / "examples/policies").glob("*.json"))

    outcome = rolecall("validate", str(REPOSITORY / "examples/roles"), *policies, "--account-id", "123456789012")

    assert (outcome.code, "error" in outcome.out.splitlines()[-1]) == (0, False)
