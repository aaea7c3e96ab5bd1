"""How many findings there are of each rule, and where they stand in the document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolecall.policy.errors import Violation
from rolecall.policy.linting.findings import Edit, Finding, LintContext, Remark, Rule, Severity, findings_in

CONTEXT = LintContext(0, "")
TEXT = '{"Statement": [\n{"a": 1},\n{"b": [2, 3]}]}'
NO_MORE = "; further findings of this kind are not listed"


def rule(name: str, *counts: int) -> Rule[int]:
    """Return a rule that finds so many things in each statement."""

    def find(statement: int, _: LintContext) -> Iterator[Remark]:
        yield from (
            Remark(f"/Statement/{statement}", f"{statement}.{number}", "fix") for number in range(counts[statement])
        )

    return Rule(name, "warning", find)


@pytest.mark.parametrize(
    ("counts", "listed"),
    [
        ((249, 0), 249),
        ((250, 0), 250),
        ((251, 0), 250),
        ((249, 1), 250),
        ((249, 9), 250),
        ((300, 300), 250),
        ((100, 200), 250),
    ],
)
def test_250_findings_of_a_rule_are_listed_and_the_last_says_that_there_may_be_more(
    counts: tuple[int, int], listed: int
) -> None:
    found = findings_in(TEXT, [0, 1], [rule("one", *counts), rule("other", 1, 1)], CONTEXT)
    ours, others = ([finding for finding in found if finding.id == name] for name in ("one", "other"))

    assert len(ours) == listed
    assert [finding.message.endswith(NO_MORE) for finding in ours] == [*[False] * 249, True][:listed]
    assert [finding.message for finding in others] == ["0.0", "1.0"]


def test_findings_are_in_the_order_of_the_document_whatever_rule_they_are_of() -> None:
    def find(pointer: str) -> Rule[int]:
        return Rule(pointer, "error", lambda _statement, _context: iter([Remark(pointer, "m", "f")]))

    found = findings_in(
        TEXT, [0], [find(at) for at in ("/Statement/1/b/1", "/Statement/1/b", "/Statement/0/a")], CONTEXT
    )

    assert [(finding.id, finding.pointer, finding.line, finding.column) for finding in found] == [
        ("/Statement/0/a", "/Statement/0/a", 2, 7),
        ("/Statement/1/b", "/Statement/1/b", 3, 7),
        ("/Statement/1/b/1", "/Statement/1/b/1", 3, 11),
    ]
    assert str(found[0]) == "/Statement/0/a: error: m (/Statement/0/a)"


@pytest.mark.parametrize(
    ("text", "pointer", "place"),
    [
        (TEXT, "/Statement/0/a/0", ("/Statement/0/a", 2, 7)),
        (TEXT, "/Statement/7/x", ("/Statement/7/x", 0, 0)),
        ("not JSON", "/Statement/0", ("/Statement/0", 0, 0)),
        (TEXT, "", ("", 1, 1)),
    ],
)
def test_a_lone_value_stands_for_an_array_of_one_and_what_is_not_there_has_no_place(
    text: str, pointer: str, place: tuple[str, int, int]
) -> None:
    lone: Rule[int] = Rule("id", "note", lambda _statement, _context: iter([Remark(pointer, "m", "f")]))

    (found,) = findings_in(text, [0], [lone], CONTEXT)

    assert (found.pointer, found.line, found.column) == place
    assert (found.severity.value, found.fix, found.edit, found.changes_meaning) == ("note", "f", None, False)
    assert isinstance(found, Finding)


def test_what_is_found_in_no_text_has_no_line_and_no_column() -> None:
    finding = Finding(id="placeholder", severity=Severity.NOTE, pointer="", message="m", fix="f")
    violation = Violation(pointer="", reason="WRONG_TYPE", message="m")

    assert str(finding) == "/: note: m (placeholder)"
    assert (finding.line, finding.column, finding.edit, finding.changes_meaning) == (0, 0, None, False)
    assert str(violation) == "/: m"
    assert (violation.line, violation.column, violation.suggestion) == (0, 0, "")


def test_a_remark_and_an_edit_change_nothing_that_they_do_not_name() -> None:
    assert Remark("/a", "m", "f")[3:] == (None, False)
    assert Edit("/a", key="k") == ("/a", "", "k")
    assert Edit("/a", operator="Bool") == ("/a", "Bool", "")
    assert Severity.ERROR.rank < Severity.WARNING.rank < Severity.NOTE.rank
    assert Severity.ERROR.rank == 0
