"""How much is shown, searched and read of what is long: exactly as much as the limit, and not one more."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.tree import read_documents
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.problems.reports import report_problems
from rolecall.cli.problems.sarif_regions import Regions
from rolecall.cli.render import access, explanation
from rolecall.cli.sources.kinds import kind_of_text
from rolecall.cli.sources.terraform_output import has_plan
from rolecall.cli.testing.options import _NAMESPACE
from rolecall.cli.text.encodings import decoded
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

PLAN = '{"format_version": "1.2", "planned_values": {"root_module": {}}}'


@pytest.mark.parametrize("opening", ["[", "{"])
def test_a_value_is_written_on_one_line_of_up_to_a_hundred_characters(opening: str) -> None:
    def written(length: int) -> list[str]:
        text = f'["{"x" * (length - 4)}"]' if opening == "[" else f'{{"a": "{"x" * (length - 9)}"}}'
        assert len(text) == length
        (document,) = read_documents(text, "a.json")
        return json_text(document).splitlines()

    assert len(written(100)) == 1
    assert [line[:3] for line in written(101)] == [opening, '  "', "]" if opening == "[" else "}"]


def test_the_indent_counts_as_a_part_of_the_line() -> None:
    (document,) = read_documents(json.dumps([["x" * 94], ["x" * 95]]), "a.json")

    assert json_text(document).splitlines() == [
        "[", f'  ["{"x" * 94}"],', "  [", f'    "{"x" * 95}"', "  ]", "]",
    ]  # fmt: skip


def test_a_text_is_never_broken_and_an_empty_list_neither() -> None:
    (document,) = read_documents(json.dumps({"k" * 120: [], "l": "x" * 120, "m": {}}), "a.json")

    assert json_text(document).splitlines() == [
        "{", f'  "{"k" * 120}": [],', f'  "l": "{"x" * 120}",', '  "m": {}', "}",
    ]  # fmt: skip


def test_a_file_has_at_most_ten_thousand_documents() -> None:
    assert len(read_documents("--- 1\n" * 10_000, "a.yaml")) == 10_000
    with pytest.raises(ProblemsError, match="10001:1: the file has more than 10,000 documents; split it"):
        read_documents("--- 1\n" * 10_001, "a.yaml")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"a" * 255 + b"\0", "binary data"),
        (b"a" * 256 + b"\0", ""),
        (b"a\0", "binary data"),
        (b"a\0b\0", "UTF-16 text"),
        (b"\0a\0b", "UTF-16 text"),
        (b"a\0b\0c", "UTF-16 text"),
        (b"a\0b\0\0", "binary data"),
        (b"\0\0\0\0", "binary data"),
        (b"a\0" * 9 + b"bb", "UTF-16 text"),
        (b"a\0" * 8 + b"bbbb", "binary data"),
        (b"a\0" * 7 + b"\0\0" * 3, "UTF-16 text"),
        (b"a\0" * 5 + b"\0\0" * 5, "binary data"),
        (codecs.BOM_UTF16_LE + "角色".encode("utf-16-le"), "UTF-16 text"),
        (codecs.BOM_UTF16_BE + "角色".encode("utf-16-be"), "UTF-16 text"),
        (codecs.BOM_UTF32_LE + "角色".encode("utf-32-le"), "UTF-32 text"),
        (codecs.BOM_UTF32_BE + "角色".encode("utf-32-be"), "UTF-32 text"),
        (b"PK\x03\x04" + b"x" * 246 + b"tfplan", "a binary terraform plan"),
        (b"PK\x03\x04" + b"x" * 247 + b"tfplan", "a zip archive"),
        (b"x" * 257 + b"ustar", "a tar archive"),
        (b"x" * 258 + b"ustar", ""),
        (b"x" * 256 + b"ustar", ""),
    ],
)
def test_the_first_bytes_show_what_is_no_utf8_text(data: bytes, what: str) -> None:
    if not what:
        assert decoded(data, "f") == data.decode()
        return
    with pytest.raises(ProblemsError) as caught:
        decoded(data, "f")

    (problem,) = caught.value.problems
    assert (problem.message, problem.reason, bool(problem.hint)) == (f"`f` is {what}", "WRONG_KIND", True)


@pytest.mark.parametrize(("levels", "found"), [(0, True), (1, True), (4, True), (5, False)])
def test_a_plan_is_searched_four_levels_deep(levels: int, found: bool) -> None:
    assert has_plan('{"a": ' * levels + PLAN + "}" * levels) is found
    assert has_plan("[" * levels + PLAN + "]" * levels) is found


@pytest.mark.parametrize(("failures", "found"), [(0, True), (19, True), (20, False)])
def test_a_plan_is_searched_after_less_than_twenty_lines_that_are_no_json(failures: int, found: bool) -> None:
    assert has_plan('{"a" b\n' * failures + PLAN + "\n") is found


@pytest.mark.parametrize(("blanks", "found"), [(0, True), (65_534, True), (65_535, False)])
def test_the_kind_of_a_text_is_seen_in_its_first_65_536_characters(blanks: int, found: bool) -> None:
    kind = kind_of_text("\n" * blanks + "{{ a }}")

    assert (kind is not None and kind.name.startswith("the template of a chart")) is found


@pytest.mark.parametrize(("size", "ends"), [(16 * 2**20, True), (16 * 2**20 + 1, False)])
def test_a_region_has_an_end_in_files_of_up_to_16_mib(tmp_path: Path, size: int, ends: bool) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"text " + b" " * (size - 5))

    region = Regions().region(Location(str(path), 1, 1))

    assert region == {"startLine": 1, "startColumn": 1, **({"endLine": 1, "endColumn": 5} if ends else {})}


def test_ten_places_of_a_problem_are_shown_beside_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem(location=Location("f", line, 1), message="m") for line in range(1, 13)]
    places = ", ".join(f"{line}:1" for line in range(2, 12))

    report_problems(problems[:11])
    report_problems(problems)

    assert capsys.readouterr().err.splitlines() == [
        "f:1:1: error: m", f"  also at: {places}", "f:1:1: error: m", f"  also at: {places} and 1 more",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "…"),
        ("", '""'),
        (" x", '" x"'),
        ("x ", '"x "'),
        ("\x1b", "\\x1b"),
        (" " + "x" * 197, '" ' + "x" * 197 + '"'),
        (" " + "x" * 198, '" ' + "x" * 198 + "…"),
    ],
)
def test_of_a_value_two_hundred_characters_are_shown(value: str, shown: str) -> None:
    assert access._short(value) == shown
    if value == value.strip() and value:
        assert explanation._short(value) == shown


@pytest.mark.parametrize(
    ("name", "valid"),
    [("a", True), ("0", True), ("a-b", True), ("x" * 63, True), ("x" * 64, False), ("-a", False), ("a-", False), ("A", False), ("", False)],
)  # fmt: skip
def test_a_namespace_is_named_as_kubernetes_allows(name: str, valid: bool) -> None:
    assert (_NAMESPACE.fullmatch(name) is not None) is valid


def test_the_nearest_role_is_searched_in_one_page_of_the_account(rolecall: CommandLine) -> None:
    missing = d.CheckAssumeRoleResponse(decision=d.Decision(reason=d.DECISION_REASON_ROLE_NOT_FOUND))
    roles = r.ListRolesResponse(roles=[r.Role(role_name=name) for name in ("abcdefgxyz", "abcdefghxy", "zzz")])
    with recording(CheckAssumeRole=missing, ListRoles=roles) as (address, calls):
        near = rolecall("check", "--as=acs:ram::1:user/a", "--role=42/ABCDEFGHIJ", "--address", address)
        far = rolecall("check", "--as=acs:ram::1:user/a", "--role=42/abcdeQQQQQ", "--address", address)

    assert (near.code, near.err) == (3, "  help: did you mean `abcdefghxy`?\n")
    assert far.err == ""
    asked = [call.text for call in calls if call.method == "ListRoles"]
    assert asked[0].partition("\n")[2].split(" name_prefix")[0] == 'account_id: "42" page_size: 1000'
