"""Where the elements of a trust policy stand, however its file contains it: as YAML, in a block, in quotes, or alone."""

from __future__ import annotations

import json

import pytest

from rolecall.cli.declarations.document import EmbeddedSource, TextSource, TreeSource, block_source, offset_of
from rolecall.cli.declarations.text_in_file import FileText
from rolecall.cli.declarations.tree import Scalar, Table, read_documents
from rolecall.cli.problems.problem import Location, ProblemsError
from rolecall.cli.sources.policies import policy_role

HEAD = "apiVersion: rolecall/v1\nname: a\n"


def source_of(text: str) -> TextSource | EmbeddedSource:
    """Return the source of the policy of a file of one role, which begins with the two lines above."""
    (document,) = read_documents(HEAD + text, "a.yaml")
    assert isinstance(document, Table)
    node = document.members["trust_policy_json"]
    assert isinstance(node, Scalar)
    return block_source(node, (HEAD + text).splitlines())


def places(source: TextSource | EmbeddedSource, *positions: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the line and the column in the file of positions in the policy."""
    found = [source.locate("", line, column) for line, column in positions]
    assert {each.file for each in found} == {"a.yaml"}
    return [(each.line, each.column) for each in found]


def test_the_lines_of_a_literal_block_are_those_of_the_file_without_their_indent() -> None:
    source = source_of('trust_policy_json: |\n    {"a":\n      1}\n')

    assert source == TextSource('{"a":\n  1}\n', Location("a.yaml", 4, 1), indent=4)
    assert places(source, (1, 1), (1, 2), (2, 3), (0, 0)) == [(4, 5), (4, 6), (5, 7), (4, 1)]


@pytest.mark.parametrize("policy", ["\u00a0{}\n", "~{}\n", "-{}\n"])
def test_only_spaces_are_the_indent_of_a_block(policy: str) -> None:
    source = source_of(f"trust_policy_json: |\n  {policy}")

    assert source.text == policy
    assert places(source, (1, 2)) == [(4, 4)]


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("trust_policy_json: >\n  {\n  }\n", "{ }\n"),
        ("trust_policy_json: '{}'\n", "{}"),
        ('trust_policy_json: "{\n  }"\n', "{ }"),
        ('trust_policy_json: "\\x7b}"\n', "{}"),
        ('trust_policy_json: "\\/\\e"\n', "/\x1b"),
    ],
)
def test_a_policy_whose_lines_are_not_those_of_the_file_has_one_place(text: str, policy: str) -> None:
    source = source_of(text)

    assert source == TextSource(policy, Location("a.yaml", 3, 20), exact=False)
    assert places(source, (1, 1), (2, 1), (0, 0)) == [(3, 20)] * 3


def test_a_string_as_json_writes_it_has_a_place_for_each_character() -> None:
    policy = '{"é":\n "\\u0041"}'
    source = source_of(f"trust_policy_json: {json.dumps(policy)}\n")

    # `{`, then two characters for each quote, six for `é`, two for the line break.
    assert isinstance(source, EmbeddedSource)
    assert source.text == policy
    assert places(source, (0, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 2), (2, 3)) == [
        (3, 21), (3, 21), (3, 22), (3, 24), (3, 30), (3, 32), (3, 36), (3, 38),
    ]  # fmt: skip


def test_a_quoted_policy_may_stand_in_the_first_and_in_the_last_line() -> None:
    lines = ['"{}"']

    source = block_source(Scalar(Location("a.yaml", 1, 1), "{}", '"'), lines)

    assert isinstance(source, EmbeddedSource)
    assert places(source, (1, 1), (1, 2)) == [(1, 2), (1, 3)]


@pytest.mark.parametrize("style", ["|", '"'])
def test_a_value_behind_the_last_line_has_its_own_place(style: str) -> None:
    # YAML ends a line at characters at which `splitlines` does not.
    node = Scalar(Location("a.yaml", 2, 3), "{}", style)

    assert block_source(node, ["x"]) == TextSource("{}", node.location, exact=False)
    assert block_source(Scalar(Location("a.yaml", 1, 3), "{}", style), ["x"]).locate("", 1, 1).column == 3


def test_the_elements_of_a_policy_in_yaml_have_the_places_of_their_keys_and_items() -> None:
    (document,) = read_documents('{"a": [{"b": 1}, 2], "a/b": {"~c": 3}}', "a.json")
    source = TreeSource(document)

    found = {
        pointer: source.locate(pointer, 7, 7).column
        for pointer in ("", "/a", "/a/0", "/a/0/b", "/a/1", "/a~1b", "/a~1b/~0c", "/x/a", "/a/2/b", "/a/-1", "/a/x/0")
    }

    assert found == {
        "": 1, "/a": 2, "/a/0": 8, "/a/0/b": 9, "/a/1": 18, "/a~1b": 22, "/a~1b/~0c": 30,
        "/x/a": 1, "/a/2/b": 2, "/a/-1": 2, "/a/x/0": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "column", "offset"), [(1, 1, 0), (1, 3, 2), (2, 1, 3), (2, 2, 4), (3, 1, 5), (4, 1, 6)]
)
def test_an_offset_counts_from_zero_and_a_line_and_a_column_from_one(line: int, column: int, offset: int) -> None:
    assert offset_of("ab\nc\n\nd", line, column) == offset


def test_a_policy_inside_another_text_has_the_places_of_that_text() -> None:
    source = EmbeddedSource(FileText("a.yaml", "{\n  1}"))

    assert places(source, (1, 1), (2, 3), (0, 9)) == [(1, 1), (2, 3), (1, 1)]


def test_letters_of_every_language_are_written_as_they_are() -> None:
    (document,) = read_documents('{"é": "ü"}', "a.json")

    assert TreeSource(document).text == '{"é": "ü"}'


def test_an_empty_list_is_never_broken_however_deep_it_is() -> None:
    for inner in ("[]", "{}"):
        (document,) = read_documents('{"a": ' * 60 + inner + "}" * 60, "a.json")

        assert f'"a": {inner}' in [line.strip() for line in TreeSource(document).text.splitlines()]


def test_a_policy_in_a_file_of_its_own_begins_at_the_first_character() -> None:
    role = policy_role("folder/app.json", "{}")

    assert (role.name, role.label, role.declared) == ("app", "role `app`", False)
    assert (role.location, role.source.locate("/x", 0, 0)) == (
        Location("folder/app.json"),
        Location("folder/app.json", 1, 1),
    )
    assert role.source.locate("/x", 3, 4) == Location("folder/app.json", 3, 4)


@pytest.mark.parametrize("character", ["x", "é", "角"])
def test_a_policy_in_a_file_of_its_own_has_at_most_a_mebibyte(character: str) -> None:
    size = len(character.encode())
    longest = character * (1_048_576 // size) + "x" * (1_048_576 % size)

    assert policy_role("a.json", longest).document == longest
    with pytest.raises(ProblemsError) as caught:
        policy_role("a.json", longest + "x")

    assert str(caught.value) == "a.json: `a.json` is longer than 1,048,576 bytes"
