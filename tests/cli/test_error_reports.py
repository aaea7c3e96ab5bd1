"""How errors and problems are printed: one line that says what is wrong, and one that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.cli.failure import CommandError
from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.problems.reports import report_error, report_failure, report_problems
from rolecall_client.errors import RolecallError, Violation

ADDRESS = "host:1"


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (("NOT_FOUND", "there is no role `r`", {"reason": "ROLE_NOT_FOUND"}), ["error: there is no role `r` [ROLE_NOT_FOUND]"]),
        (("NOT_FOUND", "a proxy\n said\t so", {}), ["error: a proxy said so [NOT_FOUND]"]),
        (
            ("ABORTED", "changed", {"reason": "STALE_ETAG"}),
            ["error: changed [STALE_ETAG]", "  help: `rolecall role get` shows the role and its etag"],
        ),
        (
            ("DEADLINE_EXCEEDED", "too late", {}),
            ["error: too late [DEADLINE_EXCEEDED]", "  help: wait longer with --timeout SECONDS"],
        ),
        (
            ("UNAVAILABLE", "refused", {}),
            [
                "error: cannot reach host:1: refused [UNAVAILABLE]",
                "  help: is a server listening on host:1? start one with `rolecall serve`, or choose another with --address or --context",
            ],
        ),
        (("UNAVAILABLE", "stale", {"reason": "STATE_TOO_OLD"}), ["error: stale [STATE_TOO_OLD]"]),
        (
            ("UNIMPLEMENTED", "unknown", {}),
            ["error: unknown [UNIMPLEMENTED]", "  help: is the server on host:1 a Rolecall of this version?"],
        ),
        (("UNIMPLEMENTED", "not yet", {"reason": "NOT_AVAILABLE"}), ["error: not yet [NOT_AVAILABLE]"]),
        (("INTERNAL", "internal error", {"request_id": "r-1"}), ["error: internal error [INTERNAL]", "  request id: r-1"]),
        (("UNKNOWN", "x", {"request_id": "r-1"}), ["error: x [UNKNOWN]", "  request id: r-1"]),
        (("INTERNAL", "internal error", {}), ["error: internal error [INTERNAL]"]),
        (("NOT_FOUND", "x", {"request_id": "r-1"}), ["error: x [NOT_FOUND]"]),
        (
            (
                "INVALID_ARGUMENT",
                "the request breaks 3 rules; a: first",
                {
                    "reason": "R",
                    "violations": [Violation("a", "R", "first"), Violation("b", "", "sec\nond")],
                    "metadata": {"total_violations": "3"},
                },
            ),
            ["error: the request breaks 3 rules", "  a: first [R]", "  b: sec ond", "  and 1 more"],
        ),
        (
            (
                "INVALID_ARGUMENT",
                "the request breaks a rule; a: first",
                {"violations": [Violation("a", "R", "first")], "metadata": {"total_violations": "1"}},
            ),
            ["error: the request breaks a rule", "  a: first [R]"],
        ),
        (("INTERNAL", "\x1b[2J", {}), ["error: \\x1b[2J [INTERNAL]"]),
    ],
)  # fmt: skip
def test_an_error_of_the_server_says_what_to_do(
    capsys: pytest.CaptureFixture[str], error: tuple[str, str, dict[str, Any]], lines: list[str]
) -> None:
    code, message, more = error

    report_error(RolecallError(code, message, **more), ADDRESS)

    assert (capsys.readouterr().err.splitlines()) == lines


@pytest.mark.parametrize(
    ("hint", "lines"), [("", ["error: it is wrong"]), ("mend it", ["error: it is wrong", "  help: mend it"])]
)
def test_a_failure_has_a_hint_if_there_is_one(capsys: pytest.CaptureFixture[str], hint: str, lines: list[str]) -> None:
    report_failure(CommandError("it is wrong", hint=hint))

    assert capsys.readouterr().err.splitlines() == lines


@pytest.mark.parametrize(
    ("problem", "lines"),
    [
        (Problem(location=Location("f", 2, 3), message="bad"), ["f:2:3: error: bad"]),
        (
            Problem(location=Location("f"), message="odd", severity="warning", reason="ODD", hint="look"),
            ["f: warning: odd [ODD]", "  help: look"],
        ),
        (
            Problem(location=Location("\x1b"), message="\x07", severity="note", reason="\u202e"),
            ["\\x1b: note: \\x07 [\\u202e]"],
        ),
    ],
)
def test_a_problem_is_printed_as_by_a_compiler(
    capsys: pytest.CaptureFixture[str], problem: Problem, lines: list[str]
) -> None:
    report_problems([problem])

    assert capsys.readouterr() == ("", "".join(f"{line}\n" for line in lines))


def test_a_problem_as_json_has_its_location_in_parts() -> None:
    problem = Problem(
        location=Location("f", 2, 3), message="m", severity="note", reason="R", pointer="/a", hint="h", finding=True
    )

    assert problem.record() == {
        "file": "f",
        "line": 2,
        "column": 3,
        "message": "m",
        "severity": "note",
        "reason": "R",
        "pointer": "/a",
        "hint": "h",
        "finding": True,
        "role": "",
        "changes_meaning": False,
    }


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        (["role", "account_id"], "write the role as ACCOUNT/NAME"),
        (["account_id", "role"], "name the account with --account-id ID"),
        (["other", "role"], "write the role as ACCOUNT/NAME"),
    ],
)
def test_a_server_without_a_default_account_is_advised_about_by_the_first_field_that_lacks_one(
    capsys: pytest.CaptureFixture[str], fields: list[str], advice: str
) -> None:
    lacks = "the server has no default account"
    violations = [Violation(field, "R", "is wrong" if field == "other" else lacks) for field in fields]

    report_error(RolecallError("INVALID_ARGUMENT", "the request breaks rules", violations=violations), ADDRESS)

    assert capsys.readouterr().err.splitlines()[-1] == (
        f"  help: {advice}, or give the server a default account: `rolecall serve --account-id ID`"
    )
