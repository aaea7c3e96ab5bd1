from __future__ import annotations

from tests.mutants.changes import Change
from tests.mutants.report import figures, scores, survivor_text, survivors_text
from tests.mutants.source import Edit, Source
from tests.mutants.trial import Outcome, Trial


def trial(package: str, outcome: Outcome, line: int = 1) -> Trial:
    source = Source(f"service/rolecall/{package}/module.py", b"\n" * (line - 1) + b"x = 7\n")
    edit = Edit(line + 3, line + 4, "8", "`7` -> `8`")
    change = Change(source=source, edit=edit, lines=range(line, line + 1), at_import=True)
    return Trial(change=change, outcome=outcome, tests=3, seconds=0.5)


def test_a_package_is_scored_by_what_was_noticed_and_a_run_without_end_counts() -> None:
    trials = [trial("policy", Outcome.NOTICED), trial("policy", Outcome.TIMED_OUT), trial("roles", Outcome.SURVIVED)]

    found = scores(trials)

    assert [(score.package, score.tried, score.noticed, score.is_enough) for score in found] == [
        ("policy", 2, 2, True),
        ("roles", 1, 0, False),
    ]


def test_the_aim_is_met_at_exactly_95_percent() -> None:
    noticed = [trial("policy", Outcome.NOTICED)] * 19

    (met,) = scores([*noticed, trial("policy", Outcome.SURVIVED)])
    (missed,) = scores([*noticed[1:], trial("policy", Outcome.NOT_TESTED)])

    assert met.is_enough
    assert not missed.is_enough


def test_a_survivor_says_where_and_what() -> None:
    text = survivor_text(trial("policy", Outcome.SURVIVED, line=4))

    assert text.splitlines() == [
        "service/rolecall/policy/module.py:4: `7` -> `8` (3 tests passed)",
        "    -x = 7",
        "    +x = 8",
    ]


def test_the_file_of_survivors_has_the_scores_and_leaves_the_noticed_out() -> None:
    text = survivors_text([trial("policy", Outcome.SURVIVED, line=2), trial("policy", Outcome.NOTICED)])

    assert text.startswith("policy: 1 of 2 noticed, 50 %\n\nservice/rolecall/policy/module.py:2:")
    assert "module.py:1:" not in text


def test_json_has_every_trial() -> None:
    found = figures([trial("policy", Outcome.SURVIVED), trial("roles", Outcome.NOTICED)], seed=7)

    assert (found["seed"], [package["percent"] for package in found["packages"]]) == (7, [0.0, 100.0])
    assert [(t["place"], t["outcome"]) for t in found["trials"]] == [
        ("service/rolecall/policy/module.py:1", "survived"),
        ("service/rolecall/roles/module.py:1", "noticed"),
    ]
