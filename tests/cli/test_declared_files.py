"""The roles of files as `apply` reads and checks them: in which order, by which limits, and with every problem of all of them."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rolecall.cli.checks.role_check import AnyAccounts
from rolecall.cli.declarations import check_declarations, read_declarations
from rolecall.cli.linting.judging import Linting
from rolecall.cli.problems.problem import ProblemsError

STATEMENT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/a"}}
ROOT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::22:root"}}
HEAD = "apiVersion: rolecall/v1\n"

Read = Callable[[], object]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, *roles: str, statements: int = 1, statement: object = STATEMENT) -> Path:
    policy = json.dumps({"Version": "1", "Statement": [statement] * statements})
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(f"{HEAD}roles:\n" + "".join(f"  - {{{role}, trust_policy: {policy}}}\n" for role in roles))
    return Path(name)


def linting() -> Linting:
    return Linting([Path()], dt.date(2026, 1, 1))


def refused(read: Read) -> list[str]:
    """Return the problems that reading ends with, each with its place and its reason."""
    with pytest.raises(ProblemsError) as caught:
        read()
    return [f"{p.location}: {p.message} [{p.reason}]" for p in caught.value.problems]


def test_roles_have_the_order_of_the_command_line_and_of_their_files() -> None:
    paths = [write("b.yaml", "name: b1", "name: b2"), write("a.yaml", "name: a"), write("d/c.yml", "name: c").parent]

    for roles in (read_declarations(paths), check_declarations(paths, AnyAccounts(), None).roles):
        assert [role.message.role_name for role in roles] == ["b1", "b2", "a", "c"]


def test_a_policy_may_be_as_large_as_any_server_allows() -> None:
    path = write("a.yaml", "name: a", statements=150)

    assert len(check_declarations([path], AnyAccounts(), None).roles) == 1


def test_all_problems_of_reading_and_of_rules_are_reported_in_the_order_of_the_files() -> None:
    write("b.yaml", "name: a", "name: 'no name'", "name: a")
    write("a.yaml", "name: a", "name: c, zzz: 1")
    Path("c.yaml").write_text(f"{HEAD}name: e\ntrust_policy: {{Version: '1', Statement: []}}\n")
    paths = [Path("b.yaml"), Path("a.yaml"), Path("c.yaml"), Path("none.yaml")]

    checked = refused(lambda: check_declarations(paths, AnyAccounts(), linting()))
    read = refused(lambda: read_declarations(paths))

    twice = "the role `a` is declared twice; the first is at b.yaml:3:6 [DUPLICATE_ROLE]"
    # The files come in the order in which they have a problem: those of reading are found first.
    places = [place(line) for line in checked]
    assert list(dict.fromkeys(file for file, _ in places)) == ["a.yaml", "none.yaml", "b.yaml", "c.yaml"]
    for name in ("a.yaml", "b.yaml"):
        lines = [line for file, line in places if file == name]
        assert lines == sorted(lines)
    assert {line for line in checked if "twice" in line} == {f"b.yaml:5:6: {twice}", f"a.yaml:3:6: {twice}"}
    assert sum("role_name `no name` may have letters" in line for line in checked) == 1
    assert read == [line for line in checked if any(word in line for word in ("twice", "UNKNOWN_FIELD", "cannot read"))]


def place(line: str) -> tuple[str, int]:
    file, _, rest = line.partition(":")
    number = rest.partition(":")[0]
    return file, int(number) if number.isdigit() else 0


def test_an_account_and_its_alias_are_one() -> None:
    path = write(
        "a.yaml", "name: a", "name: a, account_id: '7'", "name: a, account_id: shop", "name: a, account_id: other"
    )

    found = refused(lambda: check_declarations([path], AnyAccounts("shop", {"shop": "7"}), None))

    first = "the role `acs:ram::7:role/a` is declared twice; the first is at a.yaml:3:6 [DUPLICATE_ROLE]"
    assert found == [f"a.yaml:{line}:6: {first}" for line in (4, 5)]
    assert len(read_declarations([path])) == 4


def test_the_linter_is_asked_only_by_a_dry_run() -> None:
    path = write("a.yaml", "name: a, account_id: '1'", statement=ROOT)

    without, asked = (check_declarations([path], AnyAccounts(), lint) for lint in (None, linting()))

    assert (without.findings, without.suppressed) == ([], [])
    assert [(finding.reason, finding.location.line) for finding in asked.findings] == [("root-without-external-id", 3)]
    assert asked.suppressed == []


def test_the_configuration_of_the_linter_trusts_accounts_and_accepts_findings() -> None:
    path = write("a.yaml", "name: a, account_id: '1'", statement=ROOT)
    configuration = Path(".rolecall-lint.yaml")

    configuration.write_text("trusted_accounts: ['22']\n")
    trusted = check_declarations([path], AnyAccounts(), linting())
    configuration.write_text("suppressions:\n  - {finding: root-without-external-id, path: a.yaml, reason: agreed}\n")
    accepted = check_declarations([path], AnyAccounts(), linting())

    assert [finding.reason for finding in trusted.findings] != ["root-without-external-id"]
    assert accepted.findings == []
    assert [one.problem.reason for one in accepted.suppressed] == ["root-without-external-id"]


def test_a_configuration_of_the_linter_that_cannot_be_read_stops_a_dry_run() -> None:
    path = write("a.yaml", "name: a")
    Path(".rolecall-lint.yaml").write_text("x: 1\n")

    found = refused(lambda: check_declarations([path], AnyAccounts(), linting()))

    assert found
    assert all(line.startswith(".rolecall-lint.yaml:") for line in found)
    assert len(check_declarations([path], AnyAccounts(), None).roles) == 1


def test_a_policy_that_a_role_names_as_its_file_is_no_file_of_roles_unless_it_is_one() -> None:
    Path("d").mkdir()
    Path("d/policy.json").write_text("{}")
    Path("d/a.yaml").write_text(f"{HEAD}name: a\ntrust_policy_file: policy.json\n")
    Path("d/b.yaml").write_text(f"{HEAD}name: b\ntrust_policy_file: c.yaml\n")
    Path("d/c.yaml").write_text(f"{HEAD}name: c\nzzz: 1\ntrust_policy: {{}}\n")

    assert refused(lambda: read_declarations([Path("d")])) == ["d/c.yaml:3:1: unknown key `zzz` [UNKNOWN_FIELD]"]


@pytest.mark.parametrize(
    ("name", "is_json"),
    [("a.yaml", False), ("a.yml", False), ("a.json", True), ("a.txt", True), ("a", True), ("-", True)],
)
def test_a_text_is_json_by_the_name_of_its_file_or_else_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch, name: str, is_json: bool
) -> None:
    # Only YAML has comments, and keys without quotes.
    text = ' \n{"apiVersion": "rolecall/v1", # a comment\n name: a, trust_policy: {}}\n'
    Path(name).write_text(text)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    if is_json:
        assert refused(lambda: read_declarations([Path(name)]))[0].startswith(f"{name}:2:31: not JSON: ")
    else:
        assert [role.message.role_name for role in read_declarations([Path(name)])] == ["a"]


@pytest.mark.parametrize("name", ["a.txt", "-"])
def test_any_other_text_is_yaml(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text = f"{HEAD}name: a\ntrust_policy: {{}}\n"
    Path(name).write_text(text)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    assert [role.message.role_name for role in read_declarations([Path(name)])] == ["a"]


def test_a_file_without_a_document_and_a_directory_without_a_file_declare_nothing() -> None:
    Path("a.yaml").write_text("# nothing\n")
    Path("d").mkdir()

    assert refused(lambda: read_declarations([Path("a.yaml"), Path("d")])) == [
        "a.yaml: declares nothing []",
        "d: no such file: the directory `d` has no *.yaml, *.yml or *.json file []",
    ]


def test_of_a_file_of_another_kind_only_its_kind_is_reported() -> None:
    Path("a.json").write_text('{"Version": "1", "Statement": []}')

    (problem,) = refused(lambda: read_declarations([Path("a.json")]))

    assert problem.startswith("a.json: this is a policy")


def test_a_key_that_is_given_twice_is_an_error_beside_the_others() -> None:
    Path("a.yaml").write_text(f"{HEAD}name: a\nname: b\nzzz: 1\ntrust_policy: {{}}\n")

    assert refused(lambda: read_declarations([Path("a.yaml")])) == [
        "a.yaml:3:1: the key `name` is given twice; the first is on line 2 [DUPLICATE_KEY]",
        "a.yaml:4:1: unknown key `zzz` [UNKNOWN_FIELD]",
    ]
