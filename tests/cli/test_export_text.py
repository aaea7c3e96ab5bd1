"""How roles are written as declarations: which texts need quotes, and which trust policies are written as YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.declarations import read_declarations
from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.declarations.writing import json_parts, yaml_parts
from rolecall_client.v1.role_pb2 import RoleDeclaration

TREE = '{"Version": "1", "Statement": [{"Effect": "Allow", "On": []}, {}, [1, 2.50, true, null, ""]]}'


def as_yaml(**fields: object) -> list[str]:
    """Return the lines of one role after those that every role has."""
    role = RoleDeclaration(**{"role_name": "a", "account_id": "1", "assume_role_policy_document": "", **fields})  # type: ignore[arg-type]
    text = "".join(yaml_parts([role]))
    assert text.startswith('apiVersion: rolecall/v1\nroles:\n  - name: a\n    account_id: "1"\n')
    assert text.endswith("\n")
    return text.splitlines()[4:]


def test_a_role_is_written_field_by_field_and_default_values_are_left_out() -> None:
    role = RoleDeclaration(
        role_name="a", account_id="1", description="what", max_session_duration_seconds=7_200, tags={"b": "2", "a": "on"},
        assume_role_policy_document="{}",
    )  # fmt: skip
    bare = RoleDeclaration(role_name="b", account_id="2", assume_role_policy_document="{}")

    assert "".join(yaml_parts([role, bare])) == (
        'apiVersion: rolecall/v1\nroles:\n  - name: a\n    account_id: "1"\n    description: what\n'
        '    max_session_duration_seconds: 7200\n    tags:\n      a: "on"\n      b: "2"\n    trust_policy: {}\n'
        '  - name: b\n    account_id: "2"\n    trust_policy: {}\n'
    )
    assert "".join(json_parts([role, bare])) == (
        '{"apiVersion": "rolecall/v1", "roles": [\n'
        '{"name": "a", "account_id": "1", "description": "what", "max_session_duration_seconds": 7200, '
        '"tags": {"a": "on", "b": "2"}, "trust_policy": {}},\n'
        '{"name": "b", "account_id": "2", "trust_policy": {}}\n]}\n'
    )


def test_no_role_is_an_empty_list() -> None:
    assert "".join(yaml_parts([])) == "apiVersion: rolecall/v1\nroles: []\n"
    assert "".join(json_parts([])) == '{"apiVersion": "rolecall/v1", "roles": [\n]}\n'


def test_a_policy_that_is_read_back_the_same_is_written_as_yaml() -> None:
    assert as_yaml(assume_role_policy_document=TREE) == [
        "    trust_policy:",
        '      Version: "1"',
        "      Statement:",
        "        - Effect: Allow",
        '          "On": []',
        "        - {}",
        "        - - 1",
        "          - 2.50",
        "          - true",
        "          - null",
        '          - ""',
    ]


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ('{"a":1}', ["    trust_policy_json: |-", '      {"a":1}']),
        ('{"a":1}\n', ["    trust_policy_json: |", '      {"a":1}']),
        ('{"a":\n\n1}', ["    trust_policy_json: |-", '      {"a":', "", "      1}"]),
        ('{"a":1}\n\n', [r'    trust_policy_json: "{\"a\":1}\n\n"']),
        (' {"a":1}', [r'    trust_policy_json: " {\"a\":1}"']),
        ("[]", ["    trust_policy_json: |-", "      []"]),
        ("not JSON", ["    trust_policy_json: |-", "      not JSON"]),
        ("", ['    trust_policy_json: ""']),
        ("a\x7fb", [r'    trust_policy_json: "a\u007fb"']),
        ("a\x9fb\u2028c\ufeffd", [r'    trust_policy_json: "a\u009fb\u2028c\ufeffd"']),
        ("aéb\tc😀", ["    trust_policy_json: |-", "      aéb\tc😀"]),
    ],
)  # fmt: skip
def test_any_other_policy_is_written_as_text(document: str, lines: list[str]) -> None:
    assert as_yaml(assume_role_policy_document=document) == lines


@pytest.mark.parametrize(("levels", "key"), [(61, "trust_policy"), (62, "trust_policy_json")])
def test_a_policy_is_written_as_yaml_only_if_it_can_be_nested_in_a_role(tmp_path: Path, levels: int, key: str) -> None:
    # The file, `roles`, the role and the key are above it, and the limit is 64 levels.
    (tree,) = read_documents('{"a": ' * (levels - 1) + "{}" + "}" * (levels - 1), "a.json")
    role = RoleDeclaration(role_name="a", account_id="1", assume_role_policy_document=json_text(tree))

    for name, parts in (("a.yaml", yaml_parts), ("a.json", json_parts)):
        (tmp_path / name).write_text("".join(parts([role])))
        assert f"{key}:" in (tmp_path / name).read_text().replace('"', "")
        assert [declared.message for declared in read_declarations([tmp_path / name])] == [role]


@pytest.mark.parametrize(
    "text", ["a", "A1", "a.b/c@d-e", "acs:ram::1:role/a", "oidc:sub", "nope", "yesterday", "only", "a_b", "x" * 200]
)
def test_a_text_that_no_yaml_reads_as_anything_else_has_no_quotes(text: str) -> None:
    assert as_yaml(description=text)[0] == f"    description: {text}"


@pytest.mark.parametrize(
    "text",
    [
        "null", "True", "FALSE", "yes", "No", "on", "OFF", "y", "N", "1", "1a", "-a", ".a", "~", "a b", "a: b", "a:", "a#b", "a,b",
        "[a", "é", "é1", "aé", "x" * 201,
    ],
)  # fmt: skip
def test_any_other_text_has_quotes(text: str) -> None:
    assert as_yaml(description=text)[0] == f'    description: "{text}"'


@pytest.mark.parametrize(("text", "written"), [("a\nb", r'"a\nb"'), ('a"b', r'"a\"b"'), ("\x85", r'"\u0085"')])
def test_what_cannot_stand_between_quotes_is_escaped(text: str, written: str) -> None:
    assert as_yaml(description=text)[0] == f"    description: {written}"


@pytest.mark.parametrize(
    ("document", "member"),
    [
        (TREE, f'"trust_policy": {TREE}'),
        ('{"a":1}', r'"trust_policy_json": "{\"a\":1}"'),
        ('{"a": "\x7f"}', r'"trust_policy_json": "{\"a\": \"\u007f\"}"'),
        ("", '"trust_policy_json": ""'),
    ],
)  # fmt: skip
def test_in_json_a_policy_is_an_object_if_it_is_read_back_the_same(document: str, member: str) -> None:
    role = RoleDeclaration(role_name="a", account_id="1", assume_role_policy_document=document)

    assert "".join(json_parts([role])).splitlines()[1] == f'{{"name": "a", "account_id": "1", {member}}}'


def test_json_is_written_in_utf8_and_not_in_escapes() -> None:
    role = RoleDeclaration(role_name="a", account_id="1", description="é", assume_role_policy_document="ü")

    assert '"description": "é"' in "".join(json_parts([role]))
    assert '"trust_policy_json": "ü"' in "".join(json_parts([role]))


@pytest.mark.parametrize("number", ["-0", "1.10", "1e5", "1" * 60])
def test_a_number_keeps_its_digits(number: str) -> None:
    assert as_yaml(assume_role_policy_document=f'{{"a": {number}}}') == ["    trust_policy:", f"      a: {number}"]


@pytest.mark.parametrize("document", ["[" * 100_000, '{"a": NaN}', '{"a": ' + "1" * 5_000 + "}"])
def test_a_policy_that_is_not_json_or_too_deep_to_read_is_text(document: str) -> None:
    assert as_yaml(assume_role_policy_document=document)[0].startswith("    trust_policy")
