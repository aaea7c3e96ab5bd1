"""The bounds of the diffs of a write: their length, and the work that they take."""

from __future__ import annotations

import json
from dataclasses import replace
from difflib import Match

import pytest

from rolecall.roles import differences as module
from rolecall.roles.differences import LEFT_OUT, MAX_DIFF_CHARACTERS, MAX_TOTAL_STEPS, Differences, role_diff
from rolecall.roles.role import Role
from tests.roles.diffs import ROLE, changed_lines


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
    # Three lines, each of which is compared with one that is equal.
    matcher = module._BoundedMatcher(["x", "a", "c"], ["a", "c", "x"])
    matcher.steps = comparisons - 6

    try:
        match = matcher.find_longest_match()
    except module._TooManyStepsError:
        match = None

    assert match == (Match(1, 0, 2) if found else None)
    assert matcher.steps == comparisons


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


@pytest.mark.long
@pytest.mark.parametrize(("before", "after"), HARD.values(), ids=HARD)
def test_an_apply_of_great_documents_compares_a_bounded_number(before: str, after: str) -> None:
    differences, old, new = Differences(), replace(ROLE, document=before), replace(ROLE, document=after)

    compared = sum(differences.diff(old, new) != LEFT_OUT for _ in range(600))

    assert 10 < compared < 600


@pytest.mark.long
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


def test_documents_that_are_hard_to_compare_take_no_time_that_grows() -> None:
    before = replace(ROLE, document="\n".join("ab"[n % 2] for n in range(16_000)))
    after = replace(ROLE, document="\n".join("ba"[n % 2] for n in range(16_000)))

    assert role_diff(before, after).count("\n") > 32_000


def test_a_diff_of_the_greatest_length_is_whole() -> None:
    whole = role_diff(None, replace(ROLE, description="x" * 10_000))
    longest = replace(ROLE, description="x" * (10_000 + MAX_DIFF_CHARACTERS - len(whole)))

    assert Differences().diff(None, longest) == role_diff(None, longest)
    assert len(role_diff(None, longest)) == MAX_DIFF_CHARACTERS == 16_384
    assert Differences().diff(None, replace(longest, description=longest.description + "x")) != role_diff(None, longest)


LONG = replace(ROLE, document="{\n" + '"' + "a" * 4_000 + '"}', description="b" * 1_000)
ONE_LINE = replace(ROLE, document='{"a": 1, "b": [2]}')


@pytest.mark.parametrize(
    ("before", "after", "lines", "reformatted", "compared"),
    [
        (None, LONG, 8, 0, 0),
        (LONG, None, 8, 0, 0),
        # Eight lines and the seven that equal them, then the two of which one is equal, and then that which is not.
        (LONG, replace(LONG, description=""), 16, 0, 15 + 3 + 1),
        (ONE_LINE, replace(ONE_LINE, document='{"a": 1}'), 21, 9, 20 + 6 + 4),
        (ONE_LINE, replace(ONE_LINE, document='{"a":1,"b":[2]}'), 14, 12, 13 + 1),
        (None, None, 0, 0, 0),
    ],
)
def test_the_work_of_a_diff_is_counted(
    before: Role | None, after: Role | None, lines: int, reformatted: int, compared: int
) -> None:
    documents, shown = sum(len(role.document) for role in (before, after) if role), len(role_diff(before, after))

    steps = module._diff(before, after).steps

    # Sixteen characters of a document take as long as a comparison of two lines, and so do two that are shown.
    assert steps == 4 * lines + 8 * reformatted + compared + documents // 16 + shown // 2


def test_a_diff_of_nothing_takes_nothing_of_what_is_left() -> None:
    differences = Differences(steps=1)

    assert [differences.diff(None, None), differences.diff(None, ROLE), differences.diff(None, ROLE)] == [
        "",
        role_diff(None, ROLE),
        LEFT_OUT,
    ]
