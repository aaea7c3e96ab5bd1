from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.commands.decisions import _parse_since
from rolecall.cli.decision_log import files
from rolecall.cli.decision_log.files import log_lines
from rolecall.cli.failure import CommandError
from tests.cli.conftest import CommandLine
from tests.cli.serving import ACCOUNT, environment, served

ALICE, BOB = f"acs:ram::{ACCOUNT}:user/alice", f"acs:ram::{ACCOUNT}:user/bob"


def line(number: int, *, who: str = ALICE, role: str = "App", reason: str = "ALLOW", **more: Any) -> str:
    members = {
        "decision_id": f"d-{number}",
        "timestamp": f"2026-01-31T08:00:{number:02}.000000Z",
        "method": "CheckAssumeRole",
        "input": {"who": who, "role": f"acs:ram::{ACCOUNT}:role/{role}", "context": {}},
        "result": {"allowed": reason == "ALLOW", "reason": reason},
        "matched_statements": [{"pointer": "/Statement/0", "sid": ""}],
    }
    return json.dumps({**members, **more}) + "\n"


LINES = [
    line(1),
    line(2, who=BOB, reason="IMPLICIT_DENY"),
    line(3, role="Break-Glass", reason="EXPLICIT_DENY"),
    line(4, who=BOB, role="gone", reason="ROLE_NOT_FOUND"),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "decisions.log"
    path.write_text("".join(LINES))
    return path


def ids(out: str) -> list[str]:
    return [json.loads(text)["decision_id"] for text in out.splitlines()]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ([], [1, 2, 3, 4]), (["--denied"], [2, 3, 4]), (["--reason", "implicit_deny"], [2]), (["--reason", "EXPLICIT-DENY"], [3]),
        (["--role", "app"], [1, 2]), (["--role", f"{ACCOUNT}/APP"], [1, 2]), (["--role", f"acs:ram::{ACCOUNT}:role/break-glass"], [3]),
        (["--role", "acs:ram::1:role/App"], []), (["--role", "pp"], []), (["--as", BOB], [2, 4]), (["--as", "nobody"], []),
        (["--since", "2026-01-31T08:00:03Z"], [3, 4]), (["--since", "2026-01-31T10:00:03.5+02:00"], [4]), (["--since", "1s"], []),
        (["--since", "999999999d"], [1, 2, 3, 4]), (["--limit", "2"], [3, 4]), (["--limit", "0"], [1, 2, 3, 4]),
        (["--denied", "--as", BOB, "--role", "app"], [2]),
    ],
)  # fmt: skip
def test_decisions_are_filtered(rolecall: CommandLine, log: Path, flags: Sequence[str], wanted: Sequence[int]) -> None:
    outcome = rolecall("decisions", str(log), "-o", "json", *flags)

    assert ids(outcome.out) == [f"d-{number}" for number in wanted]
    assert outcome.code == 0


def test_a_session_is_found_by_its_role(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1, who=f"acs:ram::{ACCOUNT}:role/ci"))

    outcome = rolecall("decisions", str(log), "-o", "json", "--as", f"acs:ram::{ACCOUNT}:role/ci/build-7")

    assert ids(outcome.out) == ["d-1"]


def test_a_decision_whose_principal_was_erased_has_none(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1, input={"role": f"acs:ram::{ACCOUNT}:role/app", "context": {}}))

    outcome = rolecall("decisions", str(log))

    assert (
        outcome.out
        == f"2026-01-31T08:00:01.000000Z  ✓ ALLOW             - -> acs:ram::{ACCOUNT}:role/app  /Statement/0\n"
    )


def test_people_see_a_line_for_each_decision(rolecall: CommandLine, log: Path) -> None:
    outcome = rolecall("decisions", str(log), "--limit", "2")

    assert outcome.out.splitlines() == [
        f"2026-01-31T08:00:03.000000Z  ✗ EXPLICIT_DENY     {ALICE} -> acs:ram::{ACCOUNT}:role/Break-Glass  /Statement/0",
        f"2026-01-31T08:00:04.000000Z  ✗ ROLE_NOT_FOUND    {BOB} -> acs:ram::{ACCOUNT}:role/gone  /Statement/0",
    ]
    assert outcome.err == "these are the last 2 of 4 decisions; --limit 0 shows all\n"


def test_json_is_the_line_of_the_log(rolecall: CommandLine, log: Path) -> None:
    assert rolecall("decisions", str(log), "-o", "json").out == "".join(LINES)


def test_control_characters_of_a_log_are_escaped(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1, who="\x1b[2Jx", role="\u202ey"))

    out = rolecall("decisions", str(log)).out

    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2Jx" in out


def test_rotated_files_are_read_first(rolecall: CommandLine, log: Path) -> None:
    for number, suffix in enumerate(("10", "9", "1"), start=5):
        log.with_name(f"{log.name}.{suffix}").write_text(line(number))
    log.with_name(f"{log.name}.bak").write_text("not of the log")
    log.with_name("other.log.2").write_text("not of the log")

    outcome = rolecall("decisions", str(log), "-o", "json")

    assert ids(outcome.out) == ["d-5", "d-6", "d-7", "d-1", "d-2", "d-3", "d-4"]
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"{\n", "the line is not JSON"), (b"\n", "the line is not JSON"), (b"[" * 100_000 + b"\n", "the line is not JSON"),
        (b"1" * 10_000 + b"\n", "the line is not JSON"), (b"\xff\n", "the line is not UTF-8 text"), (b"[]\n", "no `input`"),
        (b'{"input": {}}\n', "no `result`"), (line(9, timestamp="now").encode(), "`timestamp`"),
        (line(9, timestamp=7).encode(), "`timestamp`"), (line(9, result={"allowed": "yes"}).encode(), "no `allowed`"),
        (line(9, input={"role": 3}).encode(), "no `role`"), (line(9, input={"role": "", "who": 3}).encode(), "no `who`"),
        (line(9, matched_statements=[1]).encode(), "no `pointer`"), (b"x" * 3_000_000 + b"\n", "longer than 2,097,152 bytes"),
    ],
)  # fmt: skip
def test_a_bad_line_is_reported_with_its_number_and_skipped(
    rolecall: CommandLine, log: Path, bad: bytes, message: str
) -> None:
    log.write_bytes(LINES[0].encode() + bad + LINES[1].encode())

    outcome = rolecall("decisions", str(log), "-o", "json")

    assert ids(outcome.out) == ["d-1", "d-2"]
    assert f"{log}:2:1: warning: " in outcome.err
    assert message in outcome.err
    assert outcome.err.endswith("skipped: 1 line is not a decision\n")
    assert outcome.code == 0


def test_a_file_without_any_decision_is_an_error(rolecall: CommandLine, log: Path) -> None:
    log.write_text("hello\n" * 1_000)

    outcome = rolecall("decisions", str(log))

    assert outcome.code == 2
    assert outcome.err.count("warning") == 10
    assert outcome.err.endswith("skipped: 1,000 lines are not decisions\n")


def test_an_empty_log_is_none(rolecall: CommandLine, log: Path) -> None:
    log.write_text("")

    assert rolecall("decisions", str(log)) == (0, "", "")


def test_an_incomplete_last_line_is_reported(rolecall: CommandLine, log: Path) -> None:
    log.write_text("".join(LINES) + LINES[0][:30])

    outcome = rolecall("decisions", str(log), "-o", "json")

    assert len(ids(outcome.out)) == 4
    assert f"{log}:5:1" in outcome.err


def test_a_line_that_was_cut_is_a_decision(rolecall: CommandLine, log: Path) -> None:
    members = json.loads(LINES[0]) | {"cut": ["/matched_statements"]}
    del members["matched_statements"]
    log.write_text(json.dumps(members) + "\n")

    assert rolecall("decisions", str(log)).code == 0


def test_the_statements_of_a_line_that_was_cut_elsewhere_are_shown(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1, cut=["/input/context"]))

    assert rolecall("decisions", str(log)).out.split()[-1] == "/Statement/0"


def test_standard_input_is_read(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(LINES).encode())))

    assert ids(rolecall("decisions", "-", "-o", "json", "--denied").out) == ["d-2", "d-3", "d-4"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--reason", "NO"], "--reason `NO` is not a reason"), (["--since", "yesterday"], "--since `yesterday` is not a time"),
        (["--since", "5"], "--since `5` is not a time"), (["--limit", "-1"], "--limit"),
    ],
)  # fmt: skip
def test_an_invalid_filter_is_reported(rolecall: CommandLine, log: Path, flags: list[str], message: str) -> None:
    outcome = rolecall("decisions", str(log), *flags)

    assert outcome.code == 2
    assert message in outcome.err


def test_a_missing_file_is_reported(rolecall: CommandLine, tmp_path: Path) -> None:
    outcome = rolecall("decisions", str(tmp_path / "none"))

    assert outcome.code == 2
    assert "no such file or directory" in outcome.err


def test_a_log_is_followed_across_rotations(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "POLL_SECONDS", 0)
    lines = log_lines(str(log), follow=True)

    def until_nothing_more() -> list[str]:
        found = []
        while (one := next(lines)) is not None:
            found.append(json.loads(one.data)["decision_id"])
        return found

    def put_aside() -> None:
        for number in (2, 1):
            if (older := log.with_name(f"{log.name}.{number}")).exists():
                older.rename(log.with_name(f"{log.name}.{number + 1}"))
        log.rename(log.with_name(f"{log.name}.1"))

    assert until_nothing_more() == ["d-1", "d-2", "d-3", "d-4"]
    with log.open("a") as file:
        file.write(line(5)[:20])
        file.flush()
        assert until_nothing_more() == []
        file.write(line(5)[20:] + line(6))
    put_aside()
    log.write_text(line(7))
    put_aside()
    log.write_text(line(8))

    assert until_nothing_more() == ["d-5", "d-6", "d-7", "d-8"]
    log.write_text("")
    assert until_nothing_more() == []
    with log.open("a") as file:
        file.write(line(9))
    assert until_nothing_more() == ["d-9"]


def test_a_running_server_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "decisions.log"
    with served("--decision-log", str(log), directory=tmp_path) as address:
        command = [sys.executable, "-m", "rolecall"]
        following = subprocess.Popen(
            [*command, "decisions", str(log), "--follow", "-o", "json"],
            env=environment(), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        asked = [*command, "check", "--role", "app", "--as", BOB]
        subprocess.run(asked, env=environment(ROLECALL_ADDRESS=address), capture_output=True, check=False)
        assert following.stdout is not None
        reported = json.loads(following.stdout.readline())
        following.terminate()
        following.communicate()

    assert reported["input"]["who"] == BOB
    assert reported["result"]["reason"] == "ROLE_NOT_FOUND"


def test_a_line_may_be_as_long_as_the_limit_and_no_longer(rolecall: CommandLine, log: Path) -> None:
    def padded(length: int) -> str:
        return line(1, padding="x" * (length - len(line(1, padding=""))))

    log.write_text(padded(2 * 1024 * 1024))
    longest = rolecall("decisions", str(log), "-o", "json")
    log.write_text(padded(2 * 1024 * 1024 + 1) + line(2))
    longer = rolecall("decisions", str(log), "-o", "json")

    assert (ids(longest.out), longest.err) == (["d-1"], "")
    assert ids(longer.out) == ["d-2"]
    assert f"{log}:1:1: warning: the line is longer than 2,097,152 bytes\n" in longer.err


@pytest.mark.parametrize(
    ("age", "seconds"), [("0s", 0), ("1s", 1), ("90s", 90), ("2m", 120), ("1h", 3_600), ("2d", 172_800)]
)
def test_an_age_is_counted_back_from_now(age: str, seconds: int) -> None:
    now = 1_700_000_000_000_000

    assert _parse_since(age, now) == now - seconds * 1_000_000


def test_an_age_does_not_reach_beyond_the_first_time() -> None:
    assert _parse_since("999999999d", 5_000_000) == 0
    assert _parse_since("5s", 5_000_001) == 1


@pytest.mark.parametrize("text", ["1234567890s", "1w", "-1s", "1.5h", "s", " 1s"])
def test_an_age_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="is not a time"):
        _parse_since(text, 0)


def test_the_default_is_the_last_hundred_decisions(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1) + line(2) * 100)
    more = rolecall("decisions", str(log), "-o", "json")
    log.write_text(line(2) * 100)
    exact = rolecall("decisions", str(log), "-o", "json")

    assert ids(more.out) == ids(exact.out) == ["d-2"] * 100
    assert more.err == "these are the last 100 of 101 decisions; --limit 0 shows all\n"
    assert exact.err == ""


def test_numbers_in_messages_have_separators(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1) * 2_001)

    err = rolecall("decisions", str(log), "--limit", "2000").err

    assert err == "these are the last 2,000 of 2,001 decisions; --limit 0 shows all\n"


def test_a_log_that_is_followed_is_read_five_times_a_second(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("rolecall.cli.decision_log.files.time.sleep", pauses.append)
    lines = log_lines(str(log), follow=True)

    while len(pauses) < 2:
        next(lines)

    assert pauses == [0.2, 0.2]


def test_the_lines_of_each_file_are_counted_from_one(log: Path) -> None:
    log.with_name(f"{log.name}.1").write_text("a\nb\n")
    log.write_text("c\nd")

    found = [(Path(one.file).name, one.number, one.data) for one in log_lines(str(log), follow=False) if one]

    assert found == [
        ("decisions.log.1", 1, b"a\n"),
        ("decisions.log.1", 2, b"b\n"),
        ("decisions.log", 1, b"c\n"),
        ("decisions.log", 2, b"d"),
    ]


def test_rotated_files_have_a_number_of_up_to_six_digits(log: Path) -> None:
    for suffix in ("999999", "1000000", "1x", "", "01"):
        log.with_name(f"{log.name}.{suffix}").write_text("x\n")
    log.with_name(f"x{log.name}.1").write_text("x\n")

    found = {Path(one.file).name for one in log_lines(str(log), follow=False) if one}

    assert found == {"decisions.log", "decisions.log.999999", "decisions.log.01"}


def test_a_log_of_which_only_rotated_files_are_left_is_read(log: Path) -> None:
    log.rename(log.with_name(f"{log.name}.1"))

    assert len(list(log_lines(str(log), follow=False))) == len(LINES)


def test_a_log_that_was_truncated_is_read_again_from_its_start(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "POLL_SECONDS", 0)
    lines = log_lines(str(log), follow=True)
    while next(lines) is not None:
        pass

    log.write_text(line(7))
    found = [one for one in (next(lines) for _ in range(4)) if one]

    assert [json.loads(one.data)["decision_id"] for one in found] == ["d-7"]


@pytest.mark.parametrize(
    "change", ["2026-1-31T08:00:01.000000Z", "2026-01-31T08:00:01.000000", "2026-01-31T08:00:01.00000Z"]
)
def test_a_time_is_in_the_format_of_the_log(rolecall: CommandLine, log: Path, change: str) -> None:
    log.write_text(line(1, timestamp=change))

    assert "`timestamp` is not a time in the format of the decision log" in rolecall("decisions", str(log)).err


def test_the_method_is_shown_unless_it_is_the_ordinary_one(rolecall: CommandLine, log: Path) -> None:
    log.write_text(line(1, method="ExplainAssumeRole", matched_statements=[]))

    assert rolecall("decisions", str(log)).out.endswith("role/App  (ExplainAssumeRole)\n")
