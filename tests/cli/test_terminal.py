"""Output for people and for programs, whatever the encoding of the stream is."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Callable
from typing import Any, TextIO, cast

import pytest

from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.problems.sarif import SCHEMA, SarifResult, problem_result, sarif_log
from rolecall.cli.text import terminal

Encoded = Callable[[str], io.BytesIO]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Encoded:
    """Give a way to replace standard output by a stream with another encoding, whose bytes are returned."""

    def replace(encoding: str) -> io.BytesIO:
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, write_through=True))
        return written

    return replace


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", '"é"'), ("UTF8", '"é"'), ("ascii", r'"\u00e9"'), ("latin-1", r'"\u00e9"')]
)
def test_json_has_escapes_where_the_stream_is_not_utf8(encoded: Encoded, encoding: str, text: str) -> None:
    written = encoded(encoding)

    terminal.print_json({"a": "é"})

    assert written.getvalue().decode() == f'{{\n  "a": {text}\n}}\n'


@pytest.mark.parametrize(("encoding", "yes", "no"), [("utf-8", "✓", "✗"), ("ascii", "+", "x")])
def test_the_marks_are_those_that_the_stream_can_show(encoded: Encoded, encoding: str, yes: str, no: str) -> None:
    encoded(encoding)

    assert terminal.marks(terminal.console(sys.stdout)) == terminal.Marks(yes, no)


def test_characters_that_a_stream_lacks_are_escaped(encoded: Encoded, monkeypatch: pytest.MonkeyPatch) -> None:
    written = encoded("ascii")
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # cannot be reconfigured

    terminal.prepare_streams()
    sys.stdout.write("é\u2028")

    assert written.getvalue() == rb"\xe9\u2028"


@pytest.mark.parametrize(("last", "lines"), [("words", 1), ("wordss", 2)])
def test_a_record_in_a_pipe_is_one_line_of_up_to_a_hundred_thousand_characters(last: str, lines: int) -> None:
    stream = io.StringIO()

    terminal.console(stream).print("word " * 19_999 + last)

    assert stream.getvalue().count("\n") == lines


@pytest.mark.parametrize(
    ("encoding", "marks"), [("utf-8", "✓✗"), ("UTF-16", "✓✗"), (None, "✓✗"), ("ascii", "+x"), ("latin-1", "+x")]
)
def test_a_stream_whose_encoding_is_not_known_is_taken_for_utf8(encoding: str | None, marks: str) -> None:
    stream = io.StringIO()
    if encoding:
        stream = cast(Any, io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    assert "".join(terminal.stream_marks(stream)) == marks
    assert "".join(terminal.stream_marks(cast(TextIO, object()))) == "✓✗"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"TTY_COMPATIBLE": "1"}, True), ({"FORCE_COLOR": ""}, False)],
)
def test_pieces_have_colours_on_a_terminal_and_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool
) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**variables, "TERM": "xterm-256color", "COLUMNS": "10"}.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()

    terminal.print_pieces(stream, ("a longer text ", "red"), ("[b] 1", ""))

    assert stream.getvalue() == ("\x1b[31ma longer text \x1b[0m[b] 1\n" if coloured else "a longer text [b] 1\n")


def test_text_that_is_stored_has_no_colours_also_where_they_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    stream, plain = io.StringIO(), io.StringIO()

    terminal.console(stream).print("a [b]c[/b] :smile: 1", style="red")
    terminal.plain_console(plain).print("a [b]c[/b] :smile: 1", style="red")

    assert stream.getvalue() == "\x1b[31ma [b]c[/b] :smile: 1\x1b[0m\n"
    assert plain.getvalue() == "a [b]c[/b] :smile: 1\n"


def test_a_finding_becomes_a_result_of_sarif_with_its_hint() -> None:
    problem = Problem(location=Location("/a b.yaml", 2, 0), message="m", severity="note", hint="h", reason="SOME_RULE")

    result = problem_result(problem)

    more = dataclasses.replace(problem, pointer="/Statement/0", role="r", changes_meaning=True)
    assert problem_result(more) == SarifResult(
        rule="SOME_RULE", level="note", message="m; h", location=problem.location, pointer="/Statement/0", role="r",
        changes_meaning=True,
    )  # fmt: skip
    assert result == SarifResult(rule="SOME_RULE", level="note", message="m; h", location=problem.location)
    log: Any = sarif_log([result, result, problem_result(Problem(location=Location("/c"), message="n"))])
    (run,) = log["runs"]
    assert [rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]] == [
        "some rule",
        "A remark about a file",
    ]
    assert [(each["ruleId"], each["ruleIndex"], each["level"]) for each in run["results"]] == [
        ("SOME_RULE", 0, "note"),
        ("SOME_RULE", 0, "note"),
        ("remark", 1, "error"),
    ]
    assert [each["locations"][0]["physicalLocation"] for each in run["results"][1:]] == [
        {"artifactLocation": {"uri": "file:///a%20b.yaml"}, "region": {"startLine": 2, "startColumn": 1}},
        {"artifactLocation": {"uri": "file:///c"}},
    ]
    assert "relatedLocations" not in run["results"][0]


def test_related_locations_are_counted_from_one() -> None:
    related = (("a", Location("/x", 1, 2)), ("b", Location("/y", 3, 4)))
    log = sarif_log([SarifResult(rule="r", level="error", message="m", location=Location("/x"), related=related)])

    text = json.loads(json.dumps(log))
    assert (text["$schema"], text["version"]) == (SCHEMA, "2.1.0")
    assert text["runs"][0]["results"][0]["relatedLocations"] == [
        {
            "id": number,
            "message": {"text": message},
            "physicalLocation": {
                "artifactLocation": {"uri": f"file://{location.file}"},
                "region": {"startLine": location.line, "startColumn": location.column},
            },
        }
        for number, (message, location) in enumerate(related, start=1)
    ]
