from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.cli.declarations import read_declarations
from rolecall.cli.declarations.writing import json_parts, yaml_parts
from rolecall_client.v1.role_pb2 import RoleDeclaration
from tests.cli.conftest import CommandLine

ALLOW = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.aliyuncs.com"}}]}'
DOCUMENTS = [
    ALLOW,
    ALLOW.replace(", ", ","),
    ALLOW + "\n",
    ALLOW + "\n\n",
    " " + ALLOW,
    ALLOW.replace(", ", ",\r\n\t"),
    ALLOW.replace("Allow", "\\u0041llow"),
    ALLOW.replace('"Statement"', '\n\n   \n"Statement"'),
]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_was_exported_is_applied_without_a_change(online: CommandLine, tmp_path: Path, form: str) -> None:
    tag = f"export={form}"
    for number, document in enumerate(DOCUMENTS):
        policy = tmp_path / "policy.json"
        policy.write_bytes(document.encode())
        more = (
            ("--description", "a: “b”\n#", "--tag", "yes=no: 1", "--max-session-duration", "7200") if number % 2 else ()
        )
        created = online("role", "create", f"{form}-{number}", "--policy", str(policy), "--tag", tag, *more)
        assert created.code == 0, created.err

    exported = online("export", "-o", form, "--tag", tag)
    path = tmp_path / f"roles.{form}"
    path.write_bytes(exported.out.encode())
    applied = online("apply", "-f", str(path), "--prune", tag)

    assert (exported.code, exported.err) == (0, "")
    assert applied.out == f"{len(DOCUMENTS)} unchanged\n"
    assert [role.message.assume_role_policy_document for role in read_declarations([path])] == DOCUMENTS


def test_an_account_without_roles_is_a_file_without_roles(online: CommandLine, tmp_path: Path) -> None:
    for form in ("yaml", "json"):
        path = tmp_path / f"none.{form}"
        path.write_text(online("export", "-o", form, "--account-id", "1").out)
        assert read_declarations([path]) == []


def test_a_policy_that_was_a_tree_is_one_again(online: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "tree.yaml"
    path.write_text(
        "apiVersion: rolecall/v1\nname: tree\ntags: {export: tree}\ntrust_policy:\n  Version: '1'\n  Statement:\n"
        "    - {Effect: Allow, Action: sts:AssumeRole, Principal: {RAM: ['acs:ram::123456789012:user/alice']}}\n"
    )
    online("apply", "-f", str(path))

    exported = online("export", "--tag", "export=tree").out

    assert exported == (
        '---\napiVersion: rolecall/v1\nroles:\n  - name: tree\n    account_id: "123456789012"\n    max_session_duration_seconds: 3600\n'
        '    tags:\n      export: tree\n    trust_policy:\n      Version: "1"\n      Statement:\n        - Effect: Allow\n'
        "          Action: sts:AssumeRole\n          Principal:\n            RAM:\n              - acs:ram::123456789012:user/alice\n"
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=8,
)
TREES = st.dictionaries(TEXTS, VALUES, max_size=3)
WAYS: list[dict[str, Any]] = [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}]
POLICIES = st.builds(lambda tree, way: json.dumps(tree, **way), TREES, st.sampled_from(WAYS)) | TEXTS.filter(bool)
ROLES = st.builds(
    RoleDeclaration,
    role_name=st.from_regex(r"[A-Za-z0-9.-]{1,8}", fullmatch=True),
    account_id=st.from_regex(r"[0-9]{1,4}", fullmatch=True),
    assume_role_policy_document=POLICIES,
    description=TEXTS,
    max_session_duration_seconds=st.integers(0, 43_200),
    tags=st.dictionaries(TEXTS, TEXTS, max_size=2),
)


@given(st.lists(ROLES, max_size=3, unique_by=lambda role: (role.account_id, role.role_name.lower())))
@settings(max_examples=150, deadline=None)
def test_whatever_roles_are_they_are_read_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, roles: list[RoleDeclaration]
) -> None:
    directory = tmp_path_factory.getbasetemp()

    for name, parts in (("round.yaml", yaml_parts), ("round.json", json_parts)):
        path = directory / name
        path.write_bytes("".join(parts(roles)).encode())
        assert [role.message for role in read_declarations([path])] == roles
