"""Characters that a terminal obeys are escaped in what programs read, and the value is the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from rolecall.cli.declarations import read_declarations
from rolecall.cli.declarations.writing import json_parts, yaml_parts
from rolecall.cli.text.escaping import json_escaped, yaml_escaped
from rolecall_client.v1.role_pb2 import RoleDeclaration
from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT

REVERSED = "\u202eevil\u202c"
HOSTILE = ["\x7f", "\x9b2J", "\u200b", REVERSED, "\u2066a\u2069", "\u2028", "\ufeff", "\U000e0041", "\U000f0000"]
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("".join(HOSTILE))))


def shows(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@given(TEXTS)
def test_json_has_the_same_value_and_prints(text: str) -> None:
    written = json_escaped(json.dumps({text: [text]}, indent=2, ensure_ascii=False))

    assert json.loads(written) == {text: [text]}
    assert shows(written)


@given(TEXTS.filter(lambda text: "\ufffe" not in text and "\uffff" not in text))
def test_a_string_of_yaml_has_the_same_value_and_prints(text: str) -> None:
    written = yaml_escaped(json.dumps(text, ensure_ascii=False))

    assert yaml.safe_load(written) == text
    assert shows(written)


def test_a_lone_surrogate_of_json_is_escaped() -> None:
    assert json_escaped('"\ud800"') == r'"\ud800"'


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
@pytest.mark.parametrize("ending", ["", "\n", " "])
def test_an_export_prints_and_is_read_back_byte_for_byte(tmp_path: Path, hostile: str, ending: str) -> None:
    document = json.dumps({"Version": "1", "Statement": [{"Sid": f"a{hostile}"}]}, ensure_ascii=False) + ending
    role = RoleDeclaration(
        role_name="a", account_id="1", description=hostile, tags={"k": hostile}, assume_role_policy_document=document
    )

    for name, parts in (("a.yaml", yaml_parts), ("a.json", json_parts)):
        text = "".join(parts([role]))
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert shows(text)
        assert [declared.message for declared in read_declarations([tmp_path / name])] == [role]


@pytest.mark.parametrize(
    "command",
    [["role", "get", "hostile", "-o", "json"], ["role", "list", "-o", "json"], ["export"], ["export", "-o", "json"]],
)
def test_what_a_server_stores_is_escaped_in_every_output(
    online: CommandLine, policy_file: Path, command: list[str]
) -> None:
    online("role", "delete", "hostile")
    online("role", "create", "hostile", "--policy", str(policy_file), "--description", f"a{REVERSED}\x9b\U000e0041")

    outcome = online(*command)

    assert outcome.code == 0
    assert "\\u202eevil\\u202c\\u009b" in outcome.out
    assert shows(outcome.out)


def test_a_line_of_the_decision_log_is_escaped(rolecall: CommandLine, tmp_path: Path) -> None:
    who = f"acs:ram::{ACCOUNT}:user/{REVERSED}"
    record = {
        "decision_id": "d",
        "timestamp": "2026-01-31T08:00:00.000000Z",
        "method": "CheckAssumeRole",
        "input": {"who": who, "role": f"acs:ram::{ACCOUNT}:role/a", "context": {}},
        "result": {"allowed": True, "reason": "ALLOW"},
        "matched_statements": [],
    }
    (tmp_path / "log").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")

    outcome = rolecall("decisions", str(tmp_path / "log"), "-o", "json")

    assert shows(outcome.out)
    assert json.loads(outcome.out)["input"]["who"] == who
