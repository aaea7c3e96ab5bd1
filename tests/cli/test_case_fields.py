"""How the fields of a case are read: times, numbers of seconds, texts and lists of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.declarations.tree import Table, read_documents
from rolecall.cli.sources import CaseDocument
from rolecall.cli.testing.case_file import read_cases
from rolecall.cli.testing.cases import Case
from rolecall.cli.testing.fields import Fields

DAY = 86_400_000_000


def table(text: str) -> Table:
    (document,) = read_documents(text, "a.yaml")
    assert isinstance(document, Table)
    return document


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-02T00:00:01Z", DAY + 1_000_000),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1969-12-31T23:59:59-00:00", -1_000_000),
        ("2026-06-01T12:34:56.789012Z", 1_780_317_296_789_012),
    ],
)
def test_a_time_is_read_to_the_microsecond(written: str, micros: int) -> None:
    fields = Fields()

    assert (fields.time_field(table(f'time: "{written}"'), "time"), fields.problems) == (micros, [])


@pytest.mark.parametrize(
    "written",
    [
        "1970-01-01", "1970-01-01T00:00Z", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00.1234567Z", "1970-01-01T00:00:00+08",
        "1970-1-01T00:00:00Z", "x1970-01-01T00:00:00Z", "1970-01-01T00:00:00Zx", "1970-13-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_time_of_another_form_is_refused(written: str) -> None:
    fields = Fields()

    assert fields.time_field(table(f'time: "{written}"'), "time") is None
    assert [problem.message for problem in fields.problems] == [f"`time` must be a time with its zone, not `{written}`"]


def test_a_time_that_is_not_given_is_none() -> None:
    fields = Fields()

    assert (fields.time_field(table("a: b"), "time"), fields.problems) == (None, [])


@pytest.mark.parametrize(("written", "seconds"), [("0", 0), ("900", 900), ("999999", 999_999)])
def test_a_number_of_seconds_has_up_to_six_digits(written: str, seconds: int) -> None:
    fields = Fields()

    assert (fields.seconds(table(f"d: {written}"), "d"), fields.problems) == (seconds, [])
    assert fields.seconds(table("a: b"), "d") == 0
    assert fields.seconds(table("d: 1000000"), "d") == 0
    assert len(fields.problems) == 1


@pytest.mark.parametrize("value", ["[1]", "{a: b}", "null", "~"])
def test_a_field_that_is_no_text_is_noted_once_and_read_as_empty(value: str) -> None:
    fields, given = Fields(), table(f"f: {value}")

    read = (
        fields.text(given, "f"),
        fields.text(given, "f", required=True),
        fields.choice(given, "f", ["A"]),
        fields.seconds(given, "f"),
        fields.time_field(given, "f"),
    )

    assert read == ("", "", "", 0, None)
    assert [(str(each.location), each.message, each.hint) for each in fields.problems] == [
        ("a.yaml:1:4", "`f` must be text", "write a text, or leave out the key")
    ] * len(read)


def test_a_field_that_is_not_given_is_empty_and_noted_only_if_it_is_required() -> None:
    fields, given = Fields(), table("a: b")

    assert (fields.text(given, "f"), fields.choice(given, "f", ["A"]), fields.problems) == ("", "", [])
    assert (fields.text(given, "f", required=True), fields.choice(given, "f", ["A"], required=True)) == ("", "")
    assert [(str(each.location), each.message) for each in fields.problems] == [("a.yaml:1:1", "`f` is missing")] * 2
    assert fields.text(table("f: ''"), "f", required=True) == ""
    assert fields.problems[2].message == "`f` must not be empty"


def test_values_are_lists_of_texts() -> None:
    fields = Fields()

    assert fields.values(table("c: {a: b, d: [e, '', 1]}"), "c") == {"a": ("b",), "d": ("e", "", "1")}
    assert (fields.values(table("a: b"), "c"), fields.problems) == ({}, [])


def test_a_choice_is_one_of_its_words() -> None:
    fields = Fields()

    assert [fields.choice(table(f"c: {word}"), "c", ["A", "B"]) for word in ("A", "B", "C", "''")] == ["A", "B", "", ""]
    assert [problem.message for problem in fields.problems] == ["`c` must be one of A, B, not `C`"]


def read(text: str, path: Path = Path("cases.yaml")) -> tuple[Case, ...]:
    text = f"apiVersion: rolecall/v1\n{text}"
    return read_cases(CaseDocument(path, text, table(text))).cases


def test_a_case_has_every_field_that_is_written() -> None:
    (case,) = read(
        "cases:\n- name: n\n  as: w\n  role: r\n  expect: {outcome: DENY, reason: EXPLICIT_DENY, statement: s}\n"
        "  claims: {oidc:sub: c}\n  context: {k: [v, w]}\n  external_id: e\n  session_name: se\n  source_identity: so\n"
        '  duration: 900\n  time: "1970-01-01T00:00:01Z"\n'
    )

    assert (case.name, case.who, case.role, case.duration, case.time) == ("n", "w", "r", 900, 1_000_000)
    assert (case.external_id, case.session_name, case.source_identity) == ("e", "se", "so")
    assert (case.claims, case.context) == ({"oidc:sub": ("c",)}, {"k": ("v", "w")})
    assert (case.expect.outcome, case.expect.reason, case.expect.statement) == ("DENY", "EXPLICIT_DENY", "s")
    assert str(case.location) == "a.yaml:3:3"
    assert {key: location.line for key, location in case.locations.items()} == {
        "name": 3, "as": 4, "role": 5, "expect": 6, "claims": 7, "context": 8, "external_id": 9, "session_name": 10,
        "source_identity": 11, "duration": 12, "time": 13, "context['k']": 8, "claims['oidc:sub']": 7,
    }  # fmt: skip


def test_each_principal_of_a_list_is_a_case_at_its_place() -> None:
    one, two = read("time: '1970-01-01T00:00:02Z'\ncases:\n- {name: n, role: r, expect: ALLOW, as: [a, b]}\n")

    assert [(case.name, case.who, case.time) for case in (one, two)] == [
        ("n (a)", "a", 2_000_000),
        ("n (b)", "b", 2_000_000),
    ]
    assert [str(case.locations["as"]) for case in (one, two)] == ["a.yaml:4:42", "a.yaml:4:45"]
    assert (one.expect.outcome, one.expect.reason, one.expect.statement) == ("ALLOW", "", "")


def test_paths_of_roles_are_shown_without_dots_unless_a_link_leads_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "far/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far/deep")
    for folder in (tmp_path, tmp_path / "far"):
        (folder / "roles.yaml").write_text(f"apiVersion: rolecall/v1\nname: {folder.name[:3]}\ntrust_policy: {{}}\n")
    text = "apiVersion: rolecall/v1\nroles: [../roles.yaml]\ncases:\n- {name: n, as: w, role: r, expect: ALLOW}\n"

    plain, linked = (
        read_cases(CaseDocument(tmp_path / folder / "cases.yaml", text, table(text))).found
        for folder in ("cases", "link")
    )

    assert plain is not None
    assert linked is not None
    assert [role.location.file for role in plain.roles] == [str(tmp_path / "roles.yaml")]
    assert [role.location.file for role in linked.roles] == [str(tmp_path / "link/../roles.yaml")]
    assert [role.name for role in linked.roles] == ["far"]
