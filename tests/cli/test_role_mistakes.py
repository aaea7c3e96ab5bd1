"""Every mistake in a file of roles has its place, what to do about it, and a field that is not judged by other rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.declarations.role import RoleReader
from rolecall.cli.declarations.tree import read_all

HEAD = "apiVersion: rolecall/v1\n"
OF_A_ROLE = (
    "`name`, `account_id`, `description`, `max_session_duration_seconds`, `tags`, `trust_policy`, `trust_policy_json`, "
    "`trust_policy_file`"
)
LEAVE_OUT = "write a text, or leave out the key"
ADD_A_POLICY = "add `trust_policy`, `trust_policy_json` or `trust_policy_file`"


@pytest.mark.parametrize(
    ("text", "unread", "problems"),
    [
        ("- x\n", [], [
            "1:1: must be a mapping with `apiVersion` and `roles`",
        ]),
        ("name: a\n", [{"assume_role_policy_document"}], [
            "1:1: `apiVersion` is missing; begin the file with `apiVersion: rolecall/v1`",
            f"1:1: the trust policy is missing; {ADD_A_POLICY}",
        ]),
        ("apiVersion: v2\nname: a\ntrust_policy: {}\n", [set()], [
            "1:13: `apiVersion` must be `rolecall/v1`",
        ]),
        ("apiVersion: [x]\nroles: []\n", [], [
            "1:13: `apiVersion` must be `rolecall/v1`",
        ]),
        (HEAD + "", [], [
            "1:1: `roles` is missing",
        ]),
        (HEAD + "roles: x\n", [], [
            "2:8: `roles` must be a list of roles",
        ]),
        (HEAD + "roles: []\nname: a\n", [], [
            "3:1: unknown key `name` [UNKNOWN_FIELD]; known keys are `apiVersion`, `roles`",
        ]),
        (HEAD + "rolls: []\n", [], [
            "2:1: unknown key `rolls` [UNKNOWN_FIELD]; did you mean `roles`?",
            "1:1: `roles` is missing",
        ]),
        (HEAD + "roles:\n- x\n- {}\n", [{"assume_role_policy_document", "role_name"}], [
            "3:3: a role must be a mapping with `name` and a trust policy",
            "4:3: `name` is missing",
            f"4:3: the trust policy is missing; {ADD_A_POLICY}",
        ]),
        (HEAD + "name: a\ntrust_policy: {}\nzzz: 1\ndescripton: x\n", [set()], [
            f"4:1: unknown key `zzz` [UNKNOWN_FIELD]; known keys are {OF_A_ROLE}, `apiVersion`",
            "5:1: unknown key `descripton` [UNKNOWN_FIELD]; did you mean `description`?",
        ]),
        (HEAD + "roles: [{name: a, trust_policy: {}, zzz: 1, apiVersion: x}]\n", [set()], [
            f"2:37: unknown key `zzz` [UNKNOWN_FIELD]; known keys are {OF_A_ROLE}",
            f"2:45: unknown key `apiVersion` [UNKNOWN_FIELD]; known keys are {OF_A_ROLE}",
        ]),
        (HEAD + "name: [x]\naccount_id: null\ndescription: {}\ntags: x\nmax_session_duration_seconds: 1h\ntrust_policy: x\n", [{"account_id", "assume_role_policy_document", "description", "max_session_duration_seconds", "role_name", "tags"}], [
            f"2:7: `name` must be text; {LEAVE_OUT}",
            f"3:13: `account_id` must be text; {LEAVE_OUT}",
            f"4:14: `description` must be text; {LEAVE_OUT}",
            "6:31: `max_session_duration_seconds` must be a whole number of seconds, not `1h`",
            "5:7: `tags` must be a mapping of text to text",
            "7:15: `trust_policy` must be a mapping; put JSON text under `trust_policy_json`",
        ]),
        (HEAD + "name: a\ntags: {a: null, b: [x]}\nmax_session_duration_seconds: [1]\ntrust_policy_json: ''\n", [{"assume_role_policy_document", "max_session_duration_seconds", "tags"}], [
            f"4:31: `max_session_duration_seconds` must be text; {LEAVE_OUT}",
            f"3:11: `a` must be text; {LEAVE_OUT}",
            f"3:20: `b` must be text; {LEAVE_OUT}",
            "5:20: `trust_policy_json` must not be empty",
        ]),
        (HEAD + "name: a\ntrust_policy: {}\ntrust_policy_json: x\n", [{"assume_role_policy_document"}], [
            "4:1: only one of `trust_policy`, `trust_policy_json` may be given",
        ]),
        (HEAD + "name: a\ntrust_policy: {}\ntrust_policy_json: x\ntrust_policy_file: y\n", [{"assume_role_policy_document"}], [
            "4:1: only one of `trust_policy`, `trust_policy_json`, `trust_policy_file` may be given",
        ]),
        (HEAD + "name: a\ntrust_policy_json: [x]\n", [{"assume_role_policy_document"}], [
            f"3:20: `trust_policy_json` must be text; {LEAVE_OUT}",
        ]),
        (HEAD + "name: a\ntrust_policy_json: null\n", [{"assume_role_policy_document"}], [
            f"3:20: `trust_policy_json` must be text; {LEAVE_OUT}",
        ]),
        (HEAD + "name: a\ntrust_policy_json:\n", [{"assume_role_policy_document"}], [
            f"3:19: `trust_policy_json` must be text; {LEAVE_OUT}",
        ]),
        (HEAD + "name: a\ntrust_policy_file: ''\n", [{"assume_role_policy_document"}], [
            "3:20: `trust_policy_file` must not be empty",
        ]),
        (HEAD + "name: a\ntrust_policy_file: none.json\n", [{"assume_role_policy_document"}], [
            "3:20: cannot read `none.json`: no such file or directory",
        ]),
        (HEAD + "name: a\ntrust_policy: null\n", [{"assume_role_policy_document"}], [
            "3:15: `trust_policy` must be a mapping; put JSON text under `trust_policy_json`",
        ]),
        (r'{"apiVersion": "rolecall/v1", "name": "a\ud800", "description": "\udfff", "tags": {"\ud800": "x", "y": "\ud800"}, "trust_policy": {"a": "\ud800"}}', [{"assume_role_policy_document", "description", "role_name", "tags"}], [
            "1:39: `name` must not have a lone surrogate [INVALID_UNICODE]",
            "1:65: `description` must not have a lone surrogate [INVALID_UNICODE]",
            "1:84: a key of `tags` must not have a lone surrogate [INVALID_UNICODE]",
            "1:104: `y` must not have a lone surrogate [INVALID_UNICODE]",
            "1:131: `trust_policy` must not have a lone surrogate [INVALID_UNICODE]",
        ]),
        (r'{"apiVersion": "rolecall/v1", "name": "a", "trust_policy_json": "\ud800"}', [{"assume_role_policy_document"}], [
            "1:65: `trust_policy_json` must not have a lone surrogate [INVALID_UNICODE]",
        ]),
        (HEAD + "name: a\ndescription: !x y\ntrust_policy: {}\n", [{"description"}], [
            "3:14: the tag `!x` is not supported [UNSUPPORTED_TAG]; write the value without a tag",
            f"3:14: `description` must be text; {LEAVE_OUT}",
        ]),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_and_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, unread: list[set[str]], problems: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    reader = RoleReader(Path("a.yaml"), text)

    documents = read_all(text, "a.yaml", is_json=text.startswith("{")).documents
    roles = [role for document in documents for role in reader.roles(document)]

    assert [role.unread for role in roles] == unread
    assert [
        f"{each.location.line}:{each.location.column}: {each.message}"
        + (f" [{each.reason}]" if each.reason else "")
        + (f"; {each.hint}" if each.hint else "")
        for each in reader.problems
    ] == problems
