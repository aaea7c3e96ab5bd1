"""The limits of files, and the places of what exceeds them."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from rolecall.cli.declarations import tree
from rolecall.cli.declarations.files import read_declarations
from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.text.files import read_policy, read_text


def first_problem(error: ProblemsError) -> str:
    problem = error.problems[0]
    return f"{problem.location}: {problem.message}"


def test_a_policy_may_be_as_long_as_the_limit_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longest, longer = tmp_path / "longest", tmp_path / "longer"
    longest.write_bytes(b"x" * 1_048_576)
    longer.write_bytes(b"x" * 1_048_577)

    assert len(read_policy(str(longest))) == 1_048_576
    with pytest.raises(ProblemsError) as of_file:
        read_policy(str(longer))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(longer.read_bytes())))
    with pytest.raises(ProblemsError) as of_stdin:
        read_policy("-")

    assert first_problem(of_file.value) == f"{longer}: `{longer}` is longer than 1,048,576 bytes"
    assert first_problem(of_stdin.value) == "-: `-` is longer than 1,048,576 bytes"


def test_a_file_of_roles_has_at_most_64_mib(tmp_path: Path) -> None:
    path = tmp_path / "roles.yaml"
    with path.open("wb") as file:
        file.write(b"#" * 1024)
        file.truncate(67_108_865)  # takes no room on the disk

    with pytest.raises(ProblemsError) as caught:
        read_declarations([path])

    assert first_problem(caught.value) == f"{path}: `{path}` is longer than 67,108,864 bytes"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError) as caught:
        read_text(tmp_path, 10)

    assert first_problem(caught.value) == f"{tmp_path}: cannot read `{tmp_path}`: it is a directory, not a regular file"


def test_roles_are_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"apiVersion: rolecall/v1\nroles:\n  - {name: app, trust_policy: {Version: '1', Statement: []}}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

    (role,) = read_declarations([Path("-")])

    assert role.message.role_name == "app"


def test_a_policy_is_not_read_from_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ProblemsError) as caught:
        read_policy(str(tmp_path / "pipe"))

    assert first_problem(caught.value).endswith("it is a named pipe, not a regular file")
    assert caught.value.problems[0].hint == "give `-`, and pipe into standard input"


@pytest.mark.parametrize(("data", "line"), [(b"\xff", 1), (b"a\nb\n\xff\n\xff", 3), (b"a\r\nb \xe9\n", 2)])
def test_a_file_that_is_not_utf8_has_the_line_of_its_first_wrong_byte(tmp_path: Path, data: bytes, line: int) -> None:
    (tmp_path / "a").write_bytes(data)

    with pytest.raises(ProblemsError) as caught:
        read_text(tmp_path / "a", 100)

    assert first_problem(caught.value) == f"{tmp_path / 'a'}:{line}:1: `{tmp_path / 'a'}` is not UTF-8 text"


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_64_levels_are_read_and_one_more_is_not(name: str) -> None:
    assert len(read_documents(nested(64), name)) == 1
    with pytest.raises(ProblemsError) as caught:
        read_documents(nested(65), name)

    assert first_problem(caught.value) == f"{name}:1:65: is nested deeper than 64 levels"


def test_a_mapping_counts_as_a_level() -> None:
    assert len(read_documents("{a: " * 63 + "x" + "}" * 63, "a.yaml")) == 1
    with pytest.raises(ProblemsError, match="deeper than 64 levels"):
        read_documents("{a: " * 64 + "x" + "}" * 64, "a.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2, 3, 4]",
        "{a: 1, b: 2}",
        "a: &x [1]\nb: 2",
        "- &x [1]\n- *x",
        "[[], [], {}, '']",
        "- &x a\n- *x\n- *x\n- b",
    ],
)
def test_every_value_counts_also_each_time_an_alias_repeats_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    size = 6 if text.startswith("a:") else 5

    monkeypatch.setattr(tree, "MAX_NODES", size)
    assert len(read_documents(text, "a.yaml")) == 1
    monkeypatch.setattr(tree, "MAX_NODES", size - 1)
    with pytest.raises(ProblemsError, match="the file has more than"):
        read_documents(text, "a.yaml")


def test_the_values_of_all_documents_of_a_file_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_NODES", 3)

    assert len(read_documents("a\n---\nb\n---\nc\n", "a.yaml")) == 3
    with pytest.raises(ProblemsError, match="the file has more than 3 values"):
        read_documents("a\n---\nb\n---\nc\n---\nd\n", "a.yaml")


def test_an_anchor_is_known_only_in_its_document() -> None:
    with pytest.raises(ProblemsError) as caught:
        read_documents("a: &x 1\n---\nb: *x\n", "a.yaml")

    assert first_problem(caught.value) == "a.yaml:3:4: the anchor `&x` is not defined before this alias"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": NaN}', "a.json: not JSON: `NaN` is not a number of JSON"),
        ('{"a": -Infinity}', "a.json: not JSON: `-Infinity` is not a number of JSON"),
        ('{\n "a": 1,}', "a.json:2:9: not JSON: "),
        ('{"a": 1, "a": 2}', "a.json:1:10: the key `a` is given twice; the first is on line 1"),
        ("[" * 100_000, "a.json: is nested deeper than 64 levels"),
    ],
)
def test_a_fault_of_json_has_a_place(text: str, problem: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read_documents(text, "a.json")

    assert first_problem(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("a: b\nc: @d\n", "indent with spaces"), ("a: [b\n", "")],
)
def test_a_fault_of_yaml_has_a_hint_if_a_character_cannot_stand_there(text: str, hint: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read_documents(text, "a.yaml")

    assert (caught.value.problems[0].message.startswith("not YAML: "), caught.value.problems[0].hint) == (True, hint)


@pytest.mark.parametrize(
    ("escape", "read"),
    [(r"\ud83d\ude00", "😀"), (r"\uDBFF\uDFFF", "\U0010ffff"), (r"\u00e9\t", "é\t"), (r"\ud800", "\ud800")],
)
def test_escapes_of_json_are_read_as_json_reads_them(escape: str, read: str) -> None:
    (document,) = read_documents(f'["{escape}"]', "a.json")

    assert document.items[0].text == read  # type: ignore[union-attr]
