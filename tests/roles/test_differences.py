from __future__ import annotations

import json
from dataclasses import replace
from difflib import unified_diff

import pytest

from rolecall.roles import differences as module
from rolecall.roles.differences import LEFT_OUT, MAX_DIFF_CHARACTERS, MAX_TOTAL_STEPS, Differences, role_diff
from rolecall.roles.role import Micros, Revision, Role

pytestmark = pytest.mark.long

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


@pytest.mark.parametrize(("last", "shown"), [(16_383, True), (16_384, False)])
def test_the_diffs_of_one_write_have_two_mebibytes(last: int, shown: bool) -> None:
    def role_of(characters: int) -> Role:
        return replace(ROLE, description="x" * (characters - len(role_diff(None, ROLE))))

    differences, longest = Differences(), role_of(MAX_DIFF_CHARACTERS)
    for role in (*[longest] * 127, role_of(last)):
        assert differences.diff(None, role) != LEFT_OUT

    assert (differences.diff(None, ROLE) != LEFT_OUT) is shown


@pytest.mark.parametrize(("steps", "shown"), [(3_999_999, True), (4_000_000, False)])
def test_the_diffs_of_one_write_take_four_million_steps(
    monkeypatch: pytest.MonkeyPatch, steps: int, shown: bool
) -> None:
    differences = Differences()
    with monkeypatch.context() as patched:
        patched.setattr(module, "_diff", lambda *_: module._Diff("a diff\n", steps))
        differences.diff(None, ROLE)

    assert (differences.diff(None, ROLE) == role_diff(None, ROLE)) is shown


@pytest.mark.parametrize(("comparisons", "found"), [(200_000, True), (200_001, False)])
def test_the_lines_of_two_roles_are_compared_in_at_most_200000_steps(comparisons: int, found: bool) -> None:
    matcher = module._BoundedMatcher(["a"], ["a"])
    matcher.steps = comparisons - 2

    try:
        match = matcher.find_longest_match()
    except module._TooManyStepsError:
        match = None

    assert (match is not None) is found
    assert matcher.steps == comparisons


def test_a_diff_of_nothing_is_empty() -> None:
    assert (role_diff(None, None), Differences().diff(None, None)) == ("", "")


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


def test_a_diff_has_no_control_characters() -> None:
    hostile = "\x1b[2J\x9b\u202e\r\n+forged"
    after = replace(ROLE, description=hostile, tags={hostile: hostile}, document=f'{{"a":\n"{hostile}"}}')

    diff = role_diff(ROLE, after)

    assert all(line.isprintable() for line in diff.split("\n"))
    assert "+forged" not in diff.splitlines()


def test_a_long_diff_is_cut_and_says_so() -> None:
    after = replace(ROLE, document="\n".join(f'"line {n}"' for n in range(5_000)))

    diff = Differences().diff(ROLE, after)

    whole, (kept, _, note) = role_diff(ROLE, after), diff.rstrip("\n").rpartition("\n")
    # It ends with the last line that fits.
    assert whole.startswith(f"{kept}\n")
    assert len(kept) <= MAX_DIFF_CHARACTERS < len(kept) + 1 + whole[len(kept) + 1 :].index("\n")
    assert note == f"… {len(whole) - len(kept)} more characters are left out"
    assert diff.endswith("left out\n")


def test_many_diffs_are_bounded_together_and_the_last_says_so() -> None:
    differences = Differences(total=300)

    diffs = [differences.diff(None, ROLE) for _ in range(3)]

    assert diffs[0] == role_diff(None, ROLE)
    assert diffs[-1].startswith("… the diff is left out")


def test_many_comparisons_are_bounded_together_whatever_is_shown_of_them() -> None:
    after = replace(ROLE, document=ROLE.document.replace("two", "three"))
    differences = Differences(steps=250)

    diffs = [differences.diff(ROLE, after) for _ in range(4)]

    assert diffs == [role_diff(ROLE, after)] * 2 + [LEFT_OUT] * 2


def policy(statements: int, version: int, *, indent: int | None = 1) -> str:
    """Return a policy with as many statements, of which the first and the last are of a version."""
    names = [f"app-{number}" for number in range(statements)]
    names[0], names[-1] = f"first-{version}", f"last-{version}"
    roles = [f"acs:ram::123456789012:role/{name}" for name in names]
    allowed = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [role]}} for role in roles]
    return json.dumps({"Version": "1", "Statement": allowed}, indent=indent)


def crossing(lines: int, mark: str, repeated: int) -> str:
    """Return lines of which every other one matches many of another text, and no two in a row match."""
    return "\n".join(f"x{n * repeated // lines}" if n % 2 else f"{mark}{n:x}" for n in range(lines))


# The time of one step differs between kinds of texts, so each kind is tested. When you change what is counted, measure these.
HARD = {
    "many lines match many": (crossing(190, "u", 1), crossing(190, "v", 1)),
    "many lines match some": (crossing(1_600, "u", 40), crossing(1_600, "v", 40)),
    "nothing matches": ("\n".join(f"a{n}" for n in range(2_500)), "\n".join(f"b{n}" for n in range(2_500))),
    "lines of nothing": ("\n" * 16_000, "\n" * 16_000 + "x"),
    "one line": (json.dumps({"V": "a" * 16_000}), json.dumps({"V": "a" * 16_000, "W": 1})),
    "one line of many": ('{"V":[' + "{}," * 5_000 + "1]}", '{"V":[' + "{}," * 5_000 + "2]}"),
    "nothing that prints": ('{\n"' + "\x7f" * 16_000 + '"}', '{\n"' + "\x7f" * 16_000 + 'a"}'),
    "two lines of many": (policy(90, 1), policy(90, 2)),
}


@pytest.mark.parametrize(("before", "after"), HARD.values(), ids=HARD)
def test_an_apply_of_great_documents_compares_a_bounded_number(before: str, after: str) -> None:
    differences, old, new = Differences(), replace(ROLE, document=before), replace(ROLE, document=after)

    compared = sum(differences.diff(old, new) != LEFT_OUT for _ in range(600))

    assert 10 < compared < 600


def test_a_common_apply_of_many_roles_shows_every_diff() -> None:
    old, new = replace(ROLE, document=policy(2, 1)), replace(ROLE, document=policy(2, 2))
    differences = Differences()

    diffs = {differences.diff(old, new) for _ in range(2_000)}

    assert diffs == {role_diff(old, new)}


def test_a_great_policy_is_compared_line_by_line() -> None:
    old, new = replace(ROLE, document=policy(90, 1)), replace(ROLE, document=policy(90, 2))

    assert [line.strip('+- "') for line in changed_lines(Differences().diff(old, new))] == [
        f"acs:ram::123456789012:role/{name}" for name in ("first-1", "first-2", "last-1", "last-2")
    ]


def test_documents_that_match_in_too_many_ways_are_shown_as_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    before = replace(ROLE, document=crossing(190, "u", 1))
    after = replace(ROLE, document=crossing(190, "v", 1))
    diff = role_diff(before, after)
    monkeypatch.setattr(module, "MAX_MATCHING_STEPS", MAX_TOTAL_STEPS)
    best = role_diff(before, after)

    assert [line for line in diff.splitlines() if line.startswith("@@")] == ["@@ -1,196 +1,196 @@"]
    assert len(changed_lines(diff)) == 2 * 196
    assert len(changed_lines(best)) == 2 * 95


@pytest.mark.parametrize(
    "after",
    [
        ROLE.document.replace("two", "three"),
        ROLE.document + "\nmore",
        "first\n" + ROLE.document,
        "a\nb",
        "\n".join(f"{n}" for n in range(40)),
        "\n".join(ROLE.document.splitlines()[1:4]),
    ],
)
def test_a_diff_is_that_of_difflib(after: str) -> None:
    before, changed = ROLE, replace(ROLE, document=after)
    diff = role_diff(before, changed)
    old, new = ([line[1:] for line in role_diff(None, role).splitlines()[3:]] for role in (before, changed))

    expected = unified_diff(old, new, ROLE.arn, ROLE.arn, lineterm="")

    assert diff.splitlines() == list(expected)


def test_what_does_not_print_differs_from_its_escape() -> None:
    before, after = (replace(ROLE, document=f'{{"a":\n"{text}"}}') for text in ("\u202e", "\\u202e"))

    assert len(changed_lines(role_diff(before, after))) == 2


def test_documents_that_are_hard_to_compare_take_no_time_that_grows() -> None:
    before = replace(ROLE, document="\n".join("ab"[n % 2] for n in range(16_000)))
    after = replace(ROLE, document="\n".join("ba"[n % 2] for n in range(16_000)))

    assert role_diff(before, after).count("\n") > 32_000


def test_a_document_on_a_single_line_is_compared_by_its_elements_and_else_by_its_text() -> None:
    one = replace(ROLE, document='{"a": 1, "b": 2}')

    other_value = role_diff(one, replace(ROLE, document='{"a":1,"b":3}'))
    other_blanks = role_diff(one, replace(ROLE, document='{"a":1,"b":2}'))

    assert changed_lines(other_value) == ['-    "b": 2', '+    "b": 3']
    assert changed_lines(other_blanks) == ['-  {"a": 1, "b": 2}', '+  {"a":1,"b":2}']


def test_a_diff_of_the_greatest_length_is_whole() -> None:
    whole = role_diff(None, replace(ROLE, description="x" * 10_000))
    longest = replace(ROLE, description="x" * (10_000 + MAX_DIFF_CHARACTERS - len(whole)))

    assert Differences().diff(None, longest) == role_diff(None, longest)
    assert len(role_diff(None, longest)) == MAX_DIFF_CHARACTERS == 16_384
    assert Differences().diff(None, replace(longest, description=longest.description + "x")) != role_diff(None, longest)


def test_reformatting_a_document_counts_as_work() -> None:
    steps = module._diff(None, replace(ROLE, document=ROLE.document)).steps
    printed = module._diff(replace(ROLE, document='{"a": 1}'), replace(ROLE, document='{"a":2,"b":[1]}')).steps

    assert (steps, printed) == (175, 264)


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
