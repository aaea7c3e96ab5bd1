"""The location in a file of each character of a text, also of one inside a string inside a string."""

from __future__ import annotations

import json
import random

import pytest

from rolecall.cli.declarations import text_in_file
from rolecall.cli.declarations.text_in_file import FileText, PartText, StringText

PIECES = ["a", "\n", '"', "\\", "/", "\t", "é", "\u2028", "😀", "<", "\x01", "{", "\ud800x"]


def location_by_counting(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")


@pytest.mark.parametrize("seed", range(20))
def test_the_location_in_a_file_is_found_in_any_block(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_in_file, "_BLOCK", 7)
    chance = random.Random(seed)
    text = "".join(chance.choice("ab\n") for _ in range(chance.randrange(60)))

    file = FileText("f", text)

    assert [file.location(at)[1:] for at in range(len(text) + 1)] == [
        location_by_counting(text, at) for at in range(len(text) + 1)
    ]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_each_character_of_a_string_has_the_location_of_its_writing(seed: int, ascii_only: bool) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 12)))
    written = "[1, " + json.dumps(text, ensure_ascii=ascii_only) + "]"
    # The characters of the text, each with where the writing of those before it ends.
    ends = [4 + len(json.dumps(text[:at], ensure_ascii=ascii_only)) for at in range(len(text))]

    string = StringText(FileText("f", written), 4, text)

    assert [string.location(at)[2] for at in range(len(text))] == ends


def test_a_string_inside_a_string_has_locations_in_the_file() -> None:
    inner = json.dumps({"deep": 'z"y'})
    outer = json.dumps({"text": inner})
    start = outer.index('"{')

    text = StringText(FileText("f", outer), start, inner)
    deep = StringText(text, inner.index('"z'), 'z"y')

    assert [deep.location(at)[2] - 1 for at in range(3)] == [outer.index(written) for written in ("z", r"\\\"", "y")]


def test_a_part_has_locations_after_its_start() -> None:
    assert PartText(FileText("f", "a\nbc"), 2, "bc").location(1) == ("f", 2, 2)


def test_a_backslash_before_a_string_is_no_part_of_it() -> None:
    text = '\\u0041 "x\\ty"'
    at = text.index('"')

    string = StringText(FileText("f", text), at, "x\ty")

    assert [string.location(offset)[2] - 1 - at for offset in range(3)] == [1, 2, 4]
