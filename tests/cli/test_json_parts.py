"""Parts of a JSON text are read as JSON reads them, and each fault has its place and its words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from rolecall.cli.declarations.text_in_file import FileText
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.json_parts import JsonParts

ENDS = " (the text ends here)"


def parts(text: str) -> JsonParts:
    return JsonParts(FileText("f", text))


def walked(text: str) -> object:
    """Return a value that is read member by member and element by element, and require the offset after it."""
    json_parts = parts(text)
    at = json_parts.start()

    def walk(at: int) -> object:
        if json_parts.opens(at, "{"):
            return {each.name: walk(each.value) for each in json_parts.members(at)}
        if json_parts.opens(at, "["):
            return [walk(each) for each in json_parts.items(at)]
        return json_parts.value(at)

    value = walk(at)
    assert json_parts.end(at) == len(text.rstrip())
    assert json_parts.read_until == len(text.rstrip())
    return value


@pytest.mark.parametrize(
    "text",
    [
        "{}", "[]", " { } ", "\t[\r\n]\n", '{"a": 1}', '{ "a" : 1 , "b":[ ] }', "[1, [2], {}, null, true, -1.5e3]", '["\\u00e9\\n", ""]',
        '{"a": {"b": {"c": [1, {"d": 2}]}}, "e": "f"}', "[[[]]]", '{"": 0}', '"x"', "12",
    ],
)  # fmt: skip
def test_a_value_is_read_part_by_part_as_it_is_read_whole(text: str) -> None:
    assert walked(text) == json.loads(text)


def test_a_member_has_the_places_of_its_name_and_of_its_value() -> None:
    text = ' {"a" : 1,\n  "b": [2, 3]}'
    read = parts(text)

    members = [*read.members(1)]

    assert [(each.name, text[each.at : each.at + 3], text[each.value]) for each in members] == [
        ("a", '"a"', "1"),
        ("b", '"b"', "["),
    ]
    assert [text[at] for at in read.items(members[1].value)] == ["2", "3"]
    assert [*read.items(1)] == []
    assert [*read.members(members[1].value)] == []


def test_what_was_read_farthest_counts_also_after_a_part_before_its_end_is_read_again() -> None:
    read = parts(" [[1], [2], 3] ")
    assert read.read_until == 0

    ends = []
    for at in (2, 7, 1, 2, 12, 7):
        read.value(at)
        ends.append(read.read_until)

    assert ends == [5, 10, 14, 14, 14, 14]


def test_a_member_is_found_by_the_names_that_lead_to_it() -> None:
    read = parts('{"a": {"b": {"c": 7}, "d": 8}, "c": 9}')

    found = {names: read.find(0, names.split()) for names in ("a b c", "a d", "c", "a c", "b", "c d")}

    assert {names: member and read.value(member.value) for names, member in found.items()} == {
        "a b c": 7, "a d": 8, "c": 9, "a c": None, "b": None, "c d": None,
    }  # fmt: skip
    assert read.find(0, []) is None


def test_the_text_of_a_string_has_its_places_and_any_other_value_none() -> None:
    read = parts('["a\\n\\"b", 1, null]')
    string, *others = (read.string(at) for at in read.items(0))

    assert string is not None
    assert string.text == 'a\n"b'
    assert [string.location(at).column for at in range(4)] == [3, 4, 6, 8]
    assert others == [None, None]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f"1:1: not JSON: expecting a value{ENDS}"),
        ("{", f"1:2: not JSON: expecting a name in double quotes{ENDS}"),
        ("{a: 1}", "1:2: not JSON: expecting a name in double quotes"),
        ('{"a" 1}', "1:6: not JSON: expecting `:`"),
        ('{"a":', f"1:6: not JSON: expecting a value{ENDS}"),
        ('{"a": 1', f"1:8: not JSON: expecting `,` or `}}`{ENDS}"),
        ('{"a": 1 "b": 2}', "1:9: not JSON: expecting `,` or `}`"),
        ('{"a": 1,}', "1:9: not JSON: expecting a name in double quotes"),
        ("[1", f"1:3: not JSON: expecting `,` or `]`{ENDS}"),
        ("[1 2]", "1:4: not JSON: expecting `,` or `]`"),
        ("[1,]", "1:4: not JSON: expecting a value"),
        ('["a\nb"]', "1:4: not JSON: a string has a line break or another control character, or is cut here"),
        ('\n ["ab]', "2:3: not JSON: the string that begins here has no end"),
        ('{"a": [{"b": x}]}', "1:14: not JSON: expecting a value"),
        ('{"a": 1, "a": 2}', "1:10: the key `a` is given twice"),
        ("[" * 100_000, "1:2: is nested deeper than 64 levels"),
    ],
)
def test_a_fault_has_its_place_and_says_whether_the_text_ends_there(text: str, fault: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        parts(text).value(0) if not text else walk_over(text)

    assert reported(caught.value) == [fault]


def walk_over(text: str) -> None:
    """Read every part once, as the readers of plans do."""
    read = parts(text)
    at = read.start()
    for member in read.members(at):
        read.value(member.value)
    for item in read.items(at):
        if read.opens(item, "["):
            read.end(item)
        read.value(item)


def reported(error: ProblemsError) -> list[str]:
    return [f"{each.location.line}:{each.location.column}: {each.message}" for each in error.problems]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{"a": {"b": 1, "b": 2}}', ["1:16: the key `b` is given twice"]),
        ('[{"b": 1, "b": 2, "c": {"d": 1, "d": 1}}]', ["1:11: the key `b` is given twice", "1:33: the key `d` is given twice"]),
        ('{"a": NaN}', ["1:1: not JSON: `NaN` is not a number of JSON"]),
        ('{"a": -Infinity}', ["1:1: not JSON: `-Infinity` is not a number of JSON"]),
    ],
)  # fmt: skip
def test_a_whole_part_has_no_name_twice_and_no_constant_of_another_language(text: str, faults: list[str]) -> None:
    with pytest.raises(ProblemsError) as caught:
        parts(text).value(0)

    assert reported(caught.value) == faults
    if "twice" in faults[0]:
        assert {(each.reason, each.hint) for each in caught.value.problems} == {
            ("DUPLICATE_KEY", "keep one of the two")
        }


@pytest.mark.parametrize("read", [lambda json_parts: json_parts.pass_over(0), lambda json_parts: json_parts.end(0)])
def test_what_is_passed_over_is_read_to_its_end(read: Callable[[JsonParts], object]) -> None:
    with pytest.raises(ProblemsError):
        read(parts('{"a": [1, 2'))


def test_passing_over_remembers_how_far_it_was_read() -> None:
    json_parts = parts('{"a": [1, 2]} x')

    json_parts.pass_over(0)

    assert (json_parts.read_until, json_parts.end(0)) == (13, 13)
    assert parts("x").read_until == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, ]", "f:1:5: not JSON: expecting a value"),
        ("[1 2]", "f:1:4: not JSON: expecting `,`"),
        ('{"a" 1}', "f:1:6: not JSON: expecting `:`"),
        ("{a: 1}", "f:1:2: not JSON: expecting a name in double quotes"),
        ('["a\nb"]', "f:1:4: not JSON: a string has a line break or another control character, or is cut here"),
        ('["ab', "f:1:2: not JSON: the string that begins here has no end"),
        ('["\\x"]', "f:1:3: not JSON: invalid \\escape"),
        ("[NaN]", "f:1:1: not JSON: `NaN` is not a number of JSON"),
        ("[" * 100_000, "f:1:1: is nested deeper than 64 levels"),
        ('{"a": [', "f:1:8: not JSON: expecting a value (the text ends here)"),
    ],
)
def test_each_fault_of_json_has_a_word_and_a_place(text: str, problem: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        JsonParts(FileText("f", text)).value(0)

    assert str(caught.value).startswith(problem)
