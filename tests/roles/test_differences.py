"""How the changes of a role read."""

from __future__ import annotations

from dataclasses import replace
from difflib import unified_diff

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.roles.differences import Differences, role_diff
from rolecall.roles.role import Role
from tests.roles.diffs import ROLE, changed_lines


def test_a_diff_of_nothing_is_empty() -> None:
    assert (role_diff(None, None), Differences().diff(None, None)) == ("", "")


def test_a_new_role_is_all_plus() -> None:
    diff = role_diff(None, ROLE)

    assert diff.splitlines()[:4] == ["--- /dev/null", "+++ acs:ram::2:role/App", "@@ -0,0 +1,12 @@", "+role_name: App"]
    assert len(changed_lines(diff)) == 12
    assert '+    "one",' in diff


def test_a_deleted_role_is_all_minus() -> None:
    diff = role_diff(ROLE, None)

    assert diff.splitlines()[:4] == ["--- acs:ram::2:role/App", "+++ /dev/null", "@@ -1,12 +0,0 @@", "-role_name: App"]
    assert len(changed_lines(diff)) == 12
    assert all(line.startswith("-") for line in changed_lines(diff))


def test_a_document_is_compared_line_by_line() -> None:
    after = replace(ROLE, document=ROLE.document.replace("two", "three"))

    assert changed_lines(role_diff(ROLE, after)) == ['-    "two"', '+    "three"']


def test_a_document_of_one_line_is_compared_element_by_element() -> None:
    before = replace(ROLE, document='{"Version":"1","Statement":["one","two"]}')
    after = replace(ROLE, document='{"Version":"1","Statement":["one","three"]}')

    assert changed_lines(role_diff(before, after)) == ['-      "two"', '+      "three"']


@pytest.mark.parametrize("document", ['{"a":1}', '{"a": 1}', '{\n"a": 1}'])
def test_white_space_alone_shows_as_a_difference(document: str) -> None:
    before = replace(ROLE, document='{ "a": 1}')

    assert role_diff(before, replace(before, document=document)).count("\n") >= 3


def test_other_line_ends_show_as_a_difference() -> None:
    diff = role_diff(ROLE, replace(ROLE, document=ROLE.document.replace("\n", "\r\n")))

    assert diff.splitlines() == [f"--- {ROLE.arn}", f"+++ {ROLE.arn}", "# the document differs in white space only"]


def test_every_field_shows() -> None:
    after = replace(ROLE, description="new", max_session_duration_seconds=7_200, tags={"team": "b", "env": "x"})

    assert set(changed_lines(role_diff(ROLE, after))) == {
        '-description: ""',
        '+description: "new"',
        "-max_session_duration_seconds: 3600",
        "+max_session_duration_seconds: 7200",
        '+  "env": "x"',
        '-  "team": "a"',
        '+  "team": "b"',
    }


def test_a_diff_has_no_control_characters() -> None:
    hostile = "\x1b[2J\x9b\u202e\r\n+forged"
    after = replace(ROLE, description=hostile, tags={hostile: hostile}, document=f'{{"a":\n"{hostile}"}}')

    diff = role_diff(ROLE, after)

    assert all(line.isprintable() for line in diff.split("\n"))
    assert "+forged" not in diff.splitlines()


@pytest.mark.parametrize(
    "after",
    [
        ROLE.document.replace("two", "three"),
        ROLE.document + "\nmore",
        "first\n" + ROLE.document,
        "a\nb",
        "\n".join(f"{n}" for n in range(40)),
        "\n".join(ROLE.document.splitlines()[1:4]),
        # What is behind the longest run is not compared with what is in front of it.
        "\n".join([*ROLE.document.splitlines()[2:], *ROLE.document.splitlines()[:2]]),
        "\n".join([ROLE.document.splitlines()[-1], *ROLE.document.splitlines()[:-1]]),
    ],
)
def test_a_diff_is_that_of_difflib(after: str) -> None:
    require_diff_of_difflib(ROLE, replace(ROLE, document=after))


TEXTS = st.lists(st.sampled_from("abcd"), min_size=2, max_size=30).map("\n".join)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
def test_every_diff_of_some_lines_is_that_of_difflib(before: str, after: str) -> None:
    if before != after:
        require_diff_of_difflib(replace(ROLE, document=before), replace(ROLE, document=after))


def require_diff_of_difflib(before: Role, changed: Role) -> None:
    diff = role_diff(before, changed)
    old, new = ([line[1:] for line in role_diff(None, role).splitlines()[3:]] for role in (before, changed))

    expected = unified_diff(old, new, ROLE.arn, ROLE.arn, lineterm="")

    assert diff.splitlines() == list(expected)


def test_what_does_not_print_differs_from_its_escape() -> None:
    before, after = (replace(ROLE, document=f'{{"a":\n"{text}"}}') for text in ("\u202e", "\\u202e"))

    assert len(changed_lines(role_diff(before, after))) == 2


def test_a_document_on_a_single_line_is_compared_by_its_elements_and_else_by_its_text() -> None:
    one = replace(ROLE, document='{"a": 1, "b": 2}')

    other_value = role_diff(one, replace(ROLE, document='{"a":1,"b":3}'))
    other_blanks = role_diff(one, replace(ROLE, document='{"a":1,"b":2}'))

    assert changed_lines(other_value) == ['-    "b": 2', '+    "b": 3']
    assert changed_lines(other_blanks) == ['-  {"a": 1, "b": 2}', '+  {"a":1,"b":2}']


@pytest.mark.parametrize("text", ["\u00fcber", "\u4f60\u597d", "\U0001f600"])
def test_letters_of_every_language_are_shown_as_they_are(text: str) -> None:
    before = replace(ROLE, document='{"a":1}', tags={})

    diff = role_diff(before, replace(before, description=text, tags={text: text}, document=f'{{"{text}":1}}'))

    assert [line for line in changed_lines(diff) if text in line] == [
        f'+description: "{text}"',
        f'+  "{text}": "{text}"',
        f'+    "{text}": 1',
    ]


def test_a_document_on_a_single_line_and_one_on_several_are_compared_by_their_elements() -> None:
    several = replace(ROLE, document='{"a": 1,\n "b": 2\n}')

    assert changed_lines(role_diff(replace(ROLE, document='{"a":1,"b":3}'), several)) == ['-    "b": 3', '+    "b": 2']
    assert changed_lines(role_diff(several, replace(ROLE, document='{"a":1,"b":3}'))) == ['-    "b": 2', '+    "b": 3']


def test_a_document_of_two_lines_is_compared_as_it_is() -> None:
    two, three = (replace(ROLE, document=text) for text in ('{"a": 1,\n"b": 2}', '{"a": 1,\n"b": 3\n}'))

    assert changed_lines(role_diff(two, three)) == ['-  "b": 2}', '+  "b": 3', "+  }"]
    assert changed_lines(role_diff(three, two)) == ['-  "b": 3', "-  }", '+  "b": 2}']


def test_a_document_on_a_single_line_that_is_not_changed_is_shown_by_its_elements() -> None:
    before = replace(ROLE, document='{"a":[1]}')

    assert role_diff(before, replace(before, tags={})).splitlines()[2:] == [
        "@@ -1,8 +1,7 @@",
        " role_name: App",
        ' description: ""',
        " max_session_duration_seconds: 3600",
        "-tags:",
        '-  "team": "a"',
        "+tags: {}",
        " assume_role_policy_document:",
        "   {",
        '     "a": [',
    ]


@pytest.mark.parametrize("text", ["no document", '{"a": ', "[" * 100_000])
def test_a_single_line_that_is_no_json_is_compared_as_it_is(text: str) -> None:
    before = replace(ROLE, document='{"a": 1}')

    assert changed_lines(role_diff(before, replace(before, document=text))) == [
        "-  {",
        '-    "a": 1',
        "-  }",
        f"+  {text}",
    ]
