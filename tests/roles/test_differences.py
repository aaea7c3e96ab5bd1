from __future__ import annotations

from dataclasses import replace

import pytest

from rolecall.roles.differences import MAX_DIFF_CHARACTERS, Differences, role_diff
from rolecall.roles.role import Micros, Revision, Role

ROLE = Role(
    role_id="1",
    account_id="2",
    role_name="App",
    document='{"Version": "1",\n "Statement": [\n  "one",\n  "two"\n ]\n}',
    create_time=Micros(1),
    update_time=Micros(1),
    revision=Revision(1),
    tags={"team": "a"},
)


def changed_lines(diff: str) -> list[str]:
    return [line for line in diff.splitlines()[2:] if line.startswith(("+", "-"))]


def test_a_new_role_is_all_plus() -> None:
    diff = role_diff(None, ROLE)

    assert diff.splitlines()[:4] == ["--- /dev/null", "+++ acs:ram::2:role/App", "@@ -0,0 +1,12 @@", "+role_name: App"]
    assert len(changed_lines(diff)) == 12
    assert '+    "one",' in diff


def test_a_deleted_role_is_all_minus() -> None:
    diff = role_diff(ROLE, None)

    assert "+++ /dev/null" in diff
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

    assert "white space only" in diff


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


def test_nothing_in_a_diff_moves_a_terminal() -> None:
    hostile = "\x1b[2J\x9b\u202e\r\n+forged"
    after = replace(ROLE, description=hostile, tags={hostile: hostile}, document=f'{{"a":\n"{hostile}"}}')

    diff = role_diff(ROLE, after)

    assert all(line.isprintable() for line in diff.split("\n"))
    assert "+forged" not in diff.splitlines()


def test_a_long_diff_is_cut_and_says_so() -> None:
    after = replace(ROLE, document="\n".join(f'"line {n}"' for n in range(5_000)))

    diff = Differences().diff(ROLE, after)

    assert len(diff) < MAX_DIFF_CHARACTERS + 100
    assert diff.splitlines()[-1].endswith("more characters are left out")


def test_many_diffs_are_bounded_together_and_the_last_says_so() -> None:
    differences = Differences(total=300)

    diffs = [differences.diff(None, ROLE) for _ in range(3)]

    assert diffs[0] == role_diff(None, ROLE)
    assert diffs[-1].startswith("… the diff is left out")


def test_documents_that_are_hard_to_compare_take_no_time_that_grows() -> None:
    before = replace(ROLE, document="\n".join("ab"[n % 2] for n in range(16_000)))
    after = replace(ROLE, document="\n".join("ba"[n % 2] for n in range(16_000)))

    assert role_diff(before, after).count("\n") > 32_000
