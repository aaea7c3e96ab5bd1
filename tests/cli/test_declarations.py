from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolecall.cli.declarations import DeclaredRole, read_declarations
from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import MAX_DEPTH, read_documents
from rolecall.cli.problems.problem import Problem, ProblemsError

ROLE = """\
apiVersion: rolecall/v1
roles:
  - name: deploy
    trust_policy:
      Version: "1"
      Statement:
        - Effect: Allow
          Action: sts:AssumeRole
          Principal: {Service: [ecs.aliyuncs.com]}
"""


def declared(tmp_path: Path, text: str, name: str = "roles.yaml") -> list[DeclaredRole]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_declarations([path])


def problems(tmp_path: Path, text: str, name: str = "roles.yaml") -> tuple[Problem, ...]:
    with pytest.raises(ProblemsError) as caught:
        declared(tmp_path, text, name)
    return caught.value.problems


def as_json(text: str, name: str = "a.yaml") -> object:
    (document,) = read_documents(text, name)
    return json.loads(json_text(document))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        (".inf", ".inf"),
        ("'true'", "true"),
        ('"1"', "1"),
        ("true", True),
        ("42", 42),
        ("null", None),
        ("", None),
    ],
)
def test_scalars_stay_as_they_are_written(written: str, read: object) -> None:
    assert as_json(f"key: {written}\n") == {"key": read}


def test_a_number_keeps_its_digits() -> None:
    (document,) = read_documents("a: 1.10\n", "a.yaml")

    assert json_text(document) == '{"a": 1.10}'


def test_json_files_may_have_tabs_and_surrogate_pairs() -> None:
    text = '{"é😀":\t"\\ud83d\\ude00 \\\\ud83d",\n\t"b":\t[1, "\\/"]}'

    assert as_json(text, "a.json") == json.loads(text)


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)])
def test_deep_nesting_is_refused(name: str, text: str) -> None:
    with pytest.raises(ProblemsError, match=r"nested deeper|not JSON"):
        read_documents(text, name)


def test_aliases_cannot_make_a_small_file_large() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

    with pytest.raises(ProblemsError, match="more than 5,000,000 values, counting those of an alias at each use"):
        read_documents("\n".join(lines), "a.yaml")


def test_an_alias_is_the_value_of_its_anchor() -> None:
    assert as_json("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "location", "message"),
    [
        ("a: 1\nb: {c: 2, c: 3}\n", "a.yaml:2:11", "the key `c` is given twice; the first is on line 2"),
        ("a: *x\n", "a.yaml:1:4", "the anchor `&x` is not defined before this alias"),
        ("a: !!python/object:os.system x\n", "a.yaml:1:4", "is not supported"),
        ("? [1]\n: 2\n", "a.yaml:1:3", "a key must be text"),
        ("a: b\n\tc: d\n", "a.yaml:2:1", "not YAML"),
        ("a: \x01\n", "a.yaml", "control characters are not allowed"),
    ],
)
def test_faults_of_the_format_have_a_place(text: str, location: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read_documents(text, "a.yaml")

    (problem,) = caught.value.problems
    assert str(problem.location) == location
    assert message in problem.message


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1,}', '{"a": 1} x', "{'a': 1}"])
def test_json_files_are_strict_json(text: str) -> None:
    with pytest.raises(ProblemsError, match="not JSON"):
        read_documents(text, "a.json")


def test_a_role_is_read_with_its_policy_as_json(tmp_path: Path) -> None:
    (role,) = declared(tmp_path, ROLE)

    assert (role.message.role_name, role.message.max_session_duration_seconds) == ("deploy", 0)
    assert json.loads(role.message.assume_role_policy_document)["Statement"][0]["Principal"] == {
        "Service": ["ecs.aliyuncs.com"]
    }


def test_a_document_may_be_one_role(tmp_path: Path) -> None:
    text = "apiVersion: rolecall/v1\nname: one\naccount_id: 0123\ntags: {on: yes}\ntrust_policy_json: '{}'\n"

    (role,) = declared(tmp_path, text)

    assert (role.message.account_id, dict(role.message.tags)) == ("0123", {"on": "yes"})


def test_several_documents_of_a_file_are_read(tmp_path: Path) -> None:
    assert len(declared(tmp_path, ROLE + "---\n" + ROLE.replace("deploy", "other"))) == 2


def test_text_and_files_of_policies_are_read_exactly(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{\t"Version":\n"1"}')
    text = "apiVersion: rolecall/v1\nroles:\n  - {name: a, trust_policy_file: policy.json}\n"
    text += "  - name: b\n    trust_policy_json: |-\n      {\n        }\n"

    first, second = declared(tmp_path, text)

    assert first.message.assume_role_policy_document == '{\t"Version":\n"1"}'
    assert second.message.assume_role_policy_document == "{\n  }"


def test_a_line_of_a_literal_block_is_a_line_of_the_file(tmp_path: Path) -> None:
    text = "apiVersion: rolecall/v1\nname: b\ntrust_policy_json: |-\n    {\n      1}\n"

    (role,) = declared(tmp_path, text)

    assert str(role.source.locate("", 2, 3)) == f"{tmp_path / 'roles.yaml'}:5:7"


def test_an_element_of_a_policy_has_its_place(tmp_path: Path) -> None:
    (role,) = declared(tmp_path, ROLE)

    assert str(role.source.locate("/Statement/0/Principal/Service/0", 1, 1)) == f"{tmp_path / 'roles.yaml'}:9:33"
    assert str(role.source.locate("/Statement/0/Missing", 1, 1)) == f"{tmp_path / 'roles.yaml'}:7:11"


@pytest.mark.parametrize(
    ("change", "location", "message", "hint"),
    [
        (("name: deploy", "nmae: deploy"), "3:5", "unknown key `nmae`", "did you mean `name`?"),
        (("name: deploy", "description: x"), "3:5", "`name` is missing", ""),
        (("rolecall/v1", "v2"), "1:13", "`apiVersion` must be `rolecall/v1`", ""),
        (("name: deploy", "name: deploy\n    tags: [a]"), "4:11", "`tags` must be a mapping", ""),
        (("name: deploy", "name: deploy\n    description:"), "4:17", "`description` must be text", "leave out the key"),
        (("name: deploy", "name: deploy\n    max_session_duration_seconds: 1h"), "4:35", "whole number of seconds", ""),
        (("name: deploy", "name: deploy\n    trust_policy_json: x"), "4:5", "only one of", ""),
        (("apiVersion: rolecall/v1\n", ""), "1:1", "`apiVersion` is missing", "apiVersion: rolecall/v1"),
    ],
)
def test_faults_of_a_role_have_a_place_and_a_hint(
    tmp_path: Path, change: tuple[str, str], location: str, message: str, hint: str
) -> None:
    found = problems(tmp_path, ROLE.replace(*change))

    assert (str(found[0].location), hint in found[0].hint) == (f"{tmp_path / 'roles.yaml'}:{location}", True)
    assert message in found[0].message


def test_all_problems_of_all_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ROLE.replace("name:", "nam:"))
    (tmp_path / "b.yaml").write_text("{")

    with pytest.raises(ProblemsError) as caught:
        read_declarations([tmp_path])

    assert {Path(problem.location.file).name for problem in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_a_directory_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("sub/c.yaml", "b.yml", "a.json", ".hidden.yaml", ".git/x.yaml", "readme.md"):
        text = (
            json.dumps(as_json(ROLE.replace("deploy", Path(name).stem)))
            if name.endswith("json")
            else ROLE.replace("deploy", Path(name).stem)
        )
        (tmp_path / name).write_text(text)

    assert [role.message.role_name for role in read_declarations([tmp_path])] == ["a", "b", "c"]


def test_a_policy_file_may_lie_among_the_declarations(tmp_path: Path) -> None:
    (tmp_path / "a-policy.json").write_text('{"Version": "1"}')
    (tmp_path / "role.yaml").write_text("apiVersion: rolecall/v1\nname: a\ntrust_policy_file: a-policy.json\n")

    assert [role.message.role_name for role in read_declarations([tmp_path])] == ["a"]


def test_a_role_declared_twice_is_refused_naming_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ROLE)
    (tmp_path / "b.yaml").write_text(ROLE.replace("deploy", "DEPLOY"))

    with pytest.raises(ProblemsError) as caught:
        read_declarations([tmp_path])

    (problem,) = caught.value.problems
    assert str(problem.location) == f"{tmp_path / 'b.yaml'}:3:5"
    assert f"{tmp_path / 'a.yaml'}:3:5" in problem.message


@pytest.mark.parametrize("content", [b"\xff\xfe", b""])
def test_a_file_without_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(content)

    with pytest.raises(ProblemsError):
        read_declarations([tmp_path / "a.yaml"])


@pytest.mark.parametrize("name", ["missing.yaml", ""])
def test_a_missing_file_or_an_empty_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProblemsError, match=r"no such file|has no"):
        read_declarations([tmp_path / name])


@pytest.mark.parametrize("key", ["trust_policy_json", "trust_policy_file"])
def test_a_role_whose_policy_is_an_empty_text_is_refused_and_not_left_out(tmp_path: Path, key: str) -> None:
    (problem,) = problems(tmp_path, f'apiVersion: rolecall/v1\nroles:\n  - {{name: a, {key}: ""}}\n')

    assert (str(problem.location), problem.message) == (
        f"{tmp_path / 'roles.yaml'}:3:{17 + len(key)}",
        f"`{key}` must not be empty",
    )


def test_an_unknown_key_of_a_listed_role_is_refused_also_if_it_repeats_the_version(tmp_path: Path) -> None:
    text = "apiVersion: rolecall/v1\nroles:\n  - {name: a, apiVersion: rolecall/v1, tgas: {}, trust_policy: {}}\n"

    assert [problem.message for problem in problems(tmp_path, text)] == [
        "unknown key `apiVersion`",
        "unknown key `tgas`",
    ]


def test_an_unknown_key_of_a_single_role_without_a_version_is_reported_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "name: a\ntgas: {}\ntrust_policy: {}\n")

    assert [problem.message for problem in found] == ["`apiVersion` is missing", "unknown key `tgas`"]


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("/Statement/0", 7, 11),
        ("/Statement/1", 6, 7),
        ("/Statement/x", 6, 7),
        ("/Statement/²", 6, 7),
        ("/Statement/0/Effect/0", 7, 11),
        ("", 5, 7),
        ("/Missing/0", 5, 7),
    ],
)
def test_an_element_that_is_not_there_has_the_place_of_what_is_around_it(
    tmp_path: Path, pointer: str, line: int, column: int
) -> None:
    (role,) = declared(tmp_path, ROLE)

    assert role.source.locate(pointer, 0, 0)[1:] == (line, column)


def test_a_file_that_is_not_utf8_has_the_line_of_the_first_wrong_byte(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: 2\nc: \xff\nd: \xfe\n")

    with pytest.raises(ProblemsError) as caught:
        read_declarations([tmp_path / "a.yaml"])

    assert str(caught.value.problems[0].location) == f"{tmp_path / 'a.yaml'}:3:1"
