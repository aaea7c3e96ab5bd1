from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mutants.campaign import Campaign
from tests.mutants.changes import Change, all_changes, matching
from tests.mutants.line_map import CACHE, LineMap, load_or_measure, update
from tests.mutants.processes import BrokenTestsError, Process
from tests.mutants.pytest_plugin import PLAN, WRONG_CODE
from tests.mutants.selection import Selection, Selector
from tests.mutants.small_tree import SIGN, make_small_tree
from tests.mutants.tree import digests, environment
from tests.mutants.trial import Outcome, Trial

pytestmark = pytest.mark.long

TESTS = "tests/policy/test_sign.py"


@pytest.fixture(scope="module")
def small_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small")
    make_small_tree(root)
    return root


@pytest.fixture(scope="module")
def line_map(small_tree: Path) -> LineMap:
    return load_or_measure(small_tree, refresh=False, stale=False, jobs=1)


def change_of(root: Path, what: str, place: str = SIGN) -> Change:
    return next(change for change in matching(all_changes(root), only=[place]) if change.edit.what == what)


def tried(root: Path, lines: LineMap, *changes: Change, seconds: float = 300.0) -> list[Trial]:
    campaign = Campaign(root, Selector(root, lines, seconds=seconds), jobs=1, seconds=seconds)
    campaign.run(changes, lambda trial: None)
    return campaign.trials


def digest(root: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.py")}


def test_a_line_knows_its_tests(line_map: LineMap) -> None:
    lines = line_map.lines_of(SIGN)

    assert lines[6] == {f"{TESTS}::test_a_negative_number_has_its_sign", f"{TESTS}::test_a_large_number_is_cut"}
    assert lines[7] == {f"{TESTS}::test_a_negative_number_has_its_sign"}
    assert not lines[2]


def test_a_change_is_noticed_by_the_test_of_its_line_or_survives(small_tree: Path, line_map: LineMap) -> None:
    noticed = change_of(small_tree, "`return min(number, LIMIT)` -> `return None`")
    survivor = change_of(small_tree, "`<` -> `<=`")
    at_import = change_of(small_tree, "`3` -> `4`")
    before = digest(small_tree)

    trials = tried(small_tree, line_map, noticed, survivor, at_import)

    assert [(trial.change.edit.what, trial.outcome) for trial in trials] == [
        (noticed.edit.what, Outcome.NOTICED),
        (survivor.edit.what, Outcome.SURVIVED),
        (at_import.edit.what, Outcome.NOTICED),
    ]
    assert trials[0].noticed_by == f"{TESTS}::test_a_large_number_is_cut"
    assert digest(small_tree) == before


def test_a_change_that_never_ends_is_noticed(small_tree: Path, line_map: LineMap) -> None:
    endless = change_of(small_tree, "drop `number -= 1`")

    trials = tried(small_tree, line_map, endless, seconds=4.0)

    assert [trial.outcome for trial in trials] == [Outcome.TIMED_OUT]


def test_a_line_that_no_test_runs_is_tried_against_the_tests_of_its_module(small_tree: Path, line_map: LineMap) -> None:
    unused = change_of(small_tree, '`"never"` -> `"never~"`')

    selection = Selector(small_tree, line_map, seconds=30.0).tests_for(unused)

    assert {name for names in selection.tests.values() for name in names} == set(line_map.seconds)


def test_the_quickest_tests_are_chosen_within_the_time(small_tree: Path, line_map: LineMap) -> None:
    change = change_of(small_tree, "`<` -> `<=`")
    slow, quick = f"{TESTS}::test_a_large_number_is_cut", f"{TESTS}::test_a_negative_number_has_its_sign"
    measured = LineMap.load(small_tree / CACHE)
    assert measured is not None
    measured.seconds.update({slow: 5.0, quick: 1.0})

    in_order = Selector(small_tree, measured, seconds=30.0).tests_for(change).tests
    within = Selector(small_tree, measured, seconds=3.0).tests_for(change).tests

    assert in_order == {TESTS: [quick, slow]}
    assert within == {TESTS: [quick]}


@pytest.mark.parametrize(("server", "selected"), [("", True), ("server = 'postgres_server'\n", False)])
def test_a_test_costs_the_start_of_postgresql_only_if_its_file_refers_to_a_server(
    tmp_path: Path, server: str, selected: bool
) -> None:
    make_small_tree(tmp_path)
    (tmp_path / TESTS).unlink()
    (tmp_path / "tests/policy/test_postgres_sign.py").write_text(
        f"from rolecall.policy.sign import sign\n{server}\ndef test_zero_has_no_sign():\n    assert sign(0) == 0\n"
        "\ndef test_one_has_no_sign():\n    assert sign(1) == 1\n"
    )
    lines = load_or_measure(tmp_path, refresh=False, stale=False, jobs=1)

    selection = Selector(tmp_path, lines, seconds=3.0).tests_for(change_of(tmp_path, "`<` -> `<=`"))

    # The first test is always selected.
    assert (sum(map(len, selection.tests.values())) == 2) is selected


def test_a_few_tests_run_first_and_the_rest_only_if_those_pass() -> None:
    names = [f"tests/a.py::test_{number}" for number in range(30)]

    stages = Selection({"tests/a.py": names, "tests/b.py": ["tests/b.py::test"], "tests/new.py": []}, 1.0).stages

    assert [sum(map(len, tests.values())) for tests in stages] == [21, 10]
    assert list(stages[1]) == ["tests/a.py", "tests/new.py"]


def test_tests_that_start_processes_run_where_no_line_leads_to_them(tmp_path: Path) -> None:
    make_small_tree(tmp_path)
    (tmp_path / "tests/policy/test_process.py").write_text(
        "import subprocess, sys\n\ndef test_unused_is_never():\n"
        "    code = 'from rolecall.policy.sign import unused; print(unused())'\n"
        "    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
        "    assert done.stdout == 'never\\n'\n"
    )
    lines = load_or_measure(tmp_path, refresh=False, stale=False, jobs=1)

    trials = tried(tmp_path, lines, change_of(tmp_path, '`"never"` -> `"never~"`'))

    assert [trial.noticed_by for trial in trials] == ["tests/policy/test_process.py::test_unused_is_never"]


def test_a_test_file_that_the_map_does_not_know_is_run_too(small_tree: Path, line_map: LineMap, tmp_path: Path) -> None:
    make_small_tree(tmp_path)
    (tmp_path / "tests/policy/test_zero.py").write_text(
        "from rolecall.policy.sign import sign\n\ndef test_zero_has_no_sign():\n    assert sign(0) == 0\n"
    )
    change = change_of(tmp_path, "`<` -> `<=`")

    trials = tried(tmp_path, line_map, change)

    assert [trial.noticed_by for trial in trials] == ["tests/policy/test_zero.py::test_zero_has_no_sign"]


def test_only_the_test_files_that_have_changed_are_recorded_again(tmp_path: Path) -> None:
    make_small_tree(tmp_path)
    load_or_measure(tmp_path, refresh=False, stale=False, jobs=1)
    (tmp_path / "tests/policy/test_zero.py").write_text(
        "from rolecall.policy.sign import sign\n\ndef test_zero_has_no_sign():\n    assert sign(0) == 0\n"
    )

    lines = update(tmp_path, jobs=1)

    zero = "tests/policy/test_zero.py::test_zero_has_no_sign"
    assert lines.lines_of(SIGN)[8] == {f"{TESTS}::test_a_large_number_is_cut", zero}
    assert lines.seconds.keys() > {zero, f"{TESTS}::test_counting_ends"}
    assert lines.digests == digests(tmp_path)


def test_tests_that_fail_without_a_change_judge_nothing(line_map: LineMap, tmp_path: Path) -> None:
    make_small_tree(tmp_path)
    (tmp_path / TESTS).write_text("def test_it():\n    assert False\n")
    change = change_of(tmp_path, "`<` -> `<=`")

    with pytest.raises(BrokenTestsError, match="fail without any change"):
        tried(tmp_path, line_map, change)


def test_a_copy_whose_code_is_not_imported_is_refused(small_tree: Path, line_map: LineMap, tmp_path: Path) -> None:
    make_small_tree(tmp_path)
    (tmp_path / "service/rolecall/__init__.py").unlink()  # then the installed package goes before
    change = change_of(tmp_path, "`<` -> `<=`")

    with pytest.raises(BrokenTestsError, match="the tests would import"):
        tried(tmp_path, line_map, change)


def test_pytest_refuses_code_from_elsewhere(small_tree: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"root": str(tmp_path), "record": str(tmp_path / "record.json")}))
    command = [sys.executable, "-m", "pytest", "-p", "tests.mutants.pytest_plugin", "--collect-only"]
    env = environment(small_tree, tmp_path, **{PLAN: str(plan)})

    done = subprocess.run(command, cwd=small_tree, env=env, check=False, capture_output=True)

    assert done.returncode == WRONG_CODE


def test_a_process_that_is_killed_takes_its_descendants_with_it(tmp_path: Path) -> None:
    child = "import subprocess, sys; p = subprocess.Popen(['sleep', '600'], start_new_session=True); print(p.pid)"

    ended = Process().run(
        [sys.executable, "-c", child], cwd=tmp_path, env=os.environ, seconds=30.0, log=tmp_path / "log"
    )

    assert ended.returncode == 0
    assert _ends(int(ended.output))


def _ends(pid: int) -> bool:
    """Return whether a process ends: a child of nobody may be a zombie for a moment."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
    return False
