"""What the answers of a server look like on a narrow terminal with colours: no line of text is broken, and labels are dim."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.cli.options.shared import Output
from rolecall.cli.problems.reports import report_error
from rolecall.cli.render.recorded_changes import ChangePrinter
from rolecall.cli.render.watch import WatchPrinter
from rolecall_client.errors import RolecallError, Violation
from rolecall_client.v1 import caller_pb2 as caller, decision_pb2 as d, role_pb2 as r, watch_pb2 as w
from tests.cli.conftest import CommandLine, show_colours
from tests.cli.recording import recording

LONG = "acs:ram::42:role/a-name-that-is-longer-than-this-terminal-is-wide"
TIME = Timestamp(seconds=1_700_000_000)
ROLE = r.Role(arn=LONG, account_id="42", role_name="App", role_id="7f3c", revision=3, etag='"3-1"', update_time=TIME)
DONE = r.RecordedChange(revision=12, time=TIME, actor="ci", reason="moved", kind=r.CHANGE_KIND_UPDATED, role=ROLE)

Shown = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    show_colours(monkeypatch, columns=30)


def styled(text: str) -> list[str]:
    """Return the lines with `<2>text</>` for text of style 2."""
    return [line.rstrip() for line in re.sub(r"\x1b\[([0-9;]+)m(.*?)\x1b\[0m", r"<\1>\2</>", text).splitlines()]


@pytest.fixture
def shown(rolecall: CommandLine) -> Shown:
    """Run a command against a server with these answers, and return what it prints on both outputs."""

    def show(*arguments: str, **answers: Any) -> list[str]:
        with recording(**answers) as (address, _):
            _, out, err = rolecall(*arguments, "--address", address)
        return styled(out + err)

    return show


GET = {"GetRole": r.GetRoleResponse(role=r.Role(arn=LONG, assume_role_policy_document=f'"{"x" * 40} [y] 12"'))}
RESTORED = {"UndeleteRole": r.UndeleteRoleResponse(role=ROLE)}
HISTORY = {"ListRoleRevisions": r.ListRoleRevisionsResponse(next_page_token="x")}
CAN = {"CanI": caller.CanIResponse(allowed=True, explanation=caller.AccessExplanation(
    determining_statements=[caller.AccessStatement(policy="Own", index=2, sid="S")]))}  # fmt: skip
ALLOW = d.Decision(
    allowed=True,
    determining_statements=[d.DeterminingStatement(pointer="/Statement/0", sid="S" * 40)],
    identity_side=d.SIDE_OUTCOME_NOT_EVALUATED,
)
DENY = d.Decision(reason=d.DECISION_REASON_EXPLICIT_DENY)
MISSES = [d.NearMiss(effect="Deny", suggestion="wait"), d.NearMiss(effect="Allow", suggestion="send `y`")]
WHO = LONG.replace("role", "user")
QUESTION = (f"--as={WHO}", "--role=App")
ONLY_TRUST = "<2>  only the trust policy was evaluated, not the caller's own policies</>"


@pytest.mark.parametrize(
    ("arguments", "answers", "lines"),
    [
        (("role", "get", "App"), GET, [
            f"<2>arn         </>{LONG}", "<2>role id     </>", "<2>max session </>0 s", "<2>created     </>1970-01-01 00:00:00Z",
            "<2>updated     </>1970-01-01 00:00:00Z (revision 0)", "<2>etag        </>", "", f'"{"x" * 40} [y] 12"']),
        (("role", "list"), {}, ["<2>no roles</>"]),
        (("role", "undelete", "App"), RESTORED, [f'restored {LONG} (revision 3, etag "3-1")']),
        (("role", "delete", LONG), {}, [f"deleted {LONG}"]),
        (("changes",), {}, ["<2>no changes</>"]),
        (("can", "ram:GetRole"), CAN, [
            "<32>yes</>", "<1>POLICY</><1> </> <1>STATEMENT   </><1> </> <1>SID</>", "─" * 25, "Own     /Statement/2  S"]),
        (("can", "ram:GetRole"), {}, ["<31>no</>"]),
        (("what-can", f"--as={WHO}"), {}, ["<2>no roles</>"]),
        (("check", *QUESTION), {"CheckAssumeRole": d.CheckAssumeRoleResponse(decision=ALLOW)}, [
            "<1;32>✓ ALLOWED</>", f"  who    {WHO}", "  role   App", f"  by     /Statement/0 ({'S' * 40})",
            "  until  the role changes", ONLY_TRUST]),
        (("check", *QUESTION), {"CheckAssumeRole": d.CheckAssumeRoleResponse(decision=DENY)}, [
            "<1;31>✗ DENIED</>  EXPLICIT_DENY<2>: a Deny statement applies</>", f"  who    {WHO}", "  role   App"]),
        (("explain", *QUESTION), {"ExplainAssumeRole": d.ExplainAssumeRoleResponse(decision=DENY, near_misses=MISSES)}, [
            "<1;31>✗ DENIED</>  EXPLICIT_DENY<2>: a Deny statement applies</>", f"<2>  who   </>{WHO}", "<2>  role  </>App",
            "", "<1;33>in the way: </>wait", "", "<1;33>closest: </>send `y`"]),
        (("explain", *QUESTION), {"ExplainAssumeRole": d.ExplainAssumeRoleResponse(decision=ALLOW)}, [
            "<1;32>✓ ALLOWED</>", f"<2>  who   </>{WHO}", "<2>  role  </>App", ONLY_TRUST]),
    ],
)  # fmt: skip
def test_an_answer_has_whole_lines_and_styles(
    shown: Shown, arguments: tuple[str, ...], answers: dict[str, Any], lines: list[str]
) -> None:
    assert shown(*arguments, **answers) == lines


@pytest.mark.parametrize(
    ("arguments", "answers", "note"),
    [
        (("role", "history", "App"), HISTORY, "there are older revisions; show more with --limit"),
        (("who-can", "App"), {}, "the trust policy names no principal"),
        (
            ("changes", "--limit=1"),
            {"ListChanges": r.ListChangesResponse(changes=[DONE, DONE])},
            "there are older changes; show more with --limit",
        ),
    ],
)
def test_a_note_is_dim(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], answers: dict[str, Any], note: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert shown(*arguments, **answers)[-1] == f"<2>{note}</>"


def test_the_changes_that_are_followed_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    printer = ChangePrinter(Output.TABLE, "host-with-a-long-name.example:50051")
    unavailable = RolecallError("UNAVAILABLE", "the connection was refused")
    restored = r.RecordedChange(revision=13, time=TIME, actor="ann", kind=r.CHANGE_KIND_CREATED, role=ROLE)
    unknown = r.RecordedChange(revision=14, time=TIME, actor="ann", role=r.Role(arn=LONG))

    printer.page(r.ListChangesResponse(changes=[DONE, restored, unknown], revision=14))
    printer.page(r.ListChangesResponse(revision=14))
    printer.interrupted(unavailable)
    printer.interrupted(unavailable)
    printer.page(r.ListChangesResponse(revision=14))
    printer.page(r.ListChangesResponse(revision=14))

    out, err = map(styled, capsys.readouterr())
    assert out == [
        f"<2>2023-11-14 22:13:20Z</>        12  <1;33>~ updated    </><33>{LONG}</>  by ci: moved",
        f"<2>2023-11-14 22:13:20Z</>        13  <1;32>+ undeleted  </><32>{LONG}</>  by ann",
        f"<2>2023-11-14 22:13:20Z</>        14  <1>? unspecified  </>{LONG}  by ann",
    ]
    assert err == [
        "<2>following host-with-a-long-name.example:50051 from revision 14</>",
        "<2>the server cannot be reached, trying again: the connection was refused</>",
        "<2>connected again</>",
    ]


def test_a_page_that_is_not_the_last_is_followed_by_another_before_the_note(capsys: pytest.CaptureFixture[str]) -> None:
    printer = ChangePrinter(Output.TABLE, "host:1")

    printer.page(r.ListChangesResponse(revision=14, next_page_token="more"))

    assert capsys.readouterr() == ("", "")


def test_the_events_of_a_watch_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    printer = WatchPrinter(Output.TABLE, "host-with-a-long-name.example:50051")
    interrupted = RolecallError("UNAVAILABLE", "the connection was refused")
    checkpoint = w.WatchCheckpoint(revision=7, token="t")

    printer.event(checkpoint)
    printer.event(w.RoleWatchChange(revision=8, kind=r.CHANGE_KIND_UPDATED, role=ROLE))
    printer.event(checkpoint)
    printer.resumed(interrupted)
    printer.resumed(interrupted)
    printer.event(w.RoleWatchChange(revision=9, role=ROLE))
    printer.resync("the changes are gone, so every role is read")
    printer.event(checkpoint)

    out, err = map(styled, capsys.readouterr())
    assert out == [
        f"<2>2023-11-14 22:13:20Z</>         8  <1;33>~ updated  </><33>{LONG}</>",
        f"<2>2023-11-14 22:13:20Z</>         9  <1>? unspecified  </>{LONG}",
    ]
    assert err == [
        "<2>watching host-with-a-long-name.example:50051 from revision 7</>",
        "<2>the watch was interrupted, reconnecting: the connection was refused</>",
        "<2>the watch is resumed</>",
        "<2>restarting with every role: the changes are gone, so every role is read</>",
        "<2>watching host-with-a-long-name.example:50051 from revision 7</>",
    ]


@pytest.mark.parametrize("printer", [ChangePrinter, WatchPrinter])
def test_what_is_not_printable_in_a_note_is_escaped(
    capsys: pytest.CaptureFixture[str], printer: type[ChangePrinter | WatchPrinter]
) -> None:
    made = printer(Output.TABLE, "host:1")
    error = RolecallError("UNAVAILABLE", "\x1b[2J")

    made.interrupted(error) if isinstance(made, ChangePrinter) else made.resumed(error)

    assert "\\x1b[2J" in capsys.readouterr().err


def test_a_deletion_in_a_watch_has_the_time_of_its_arrival(capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    WatchPrinter(Output.TABLE, "host:1").event(w.RoleWatchChange(revision=8, kind=r.CHANGE_KIND_DELETED, role=ROLE))

    (line,) = styled(capsys.readouterr().out)
    time = re.match("<2>(.*?)</>", line)
    assert time
    assert before <= datetime.fromisoformat(time[1]) <= datetime.now(UTC)
    assert line.endswith(f"         8  <1;31>- deleted  </><31>{LONG}</>")


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (
            RolecallError(
                "INVALID_ARGUMENT",
                "the message of an error is longer than the terminal; a: the first",
                violations=[Violation("a", "R", "the first"), Violation("b", "", "the second, which needs more room than there is")],
            ),
            [
                "<1;31>error: </>the message of an error is longer than the terminal",
                "  <1>a</>: the first<2> [R]</>",
                "  <1>b</>: the second, which needs more room than there is",
            ],
        ),
        (
            RolecallError("INTERNAL", "internal error", request_id="0123456789abcdef0123456789abcdef"),
            ["<1;31>error: </>internal error<2> [INTERNAL]</>", "  request id: 0123456789abcdef0123456789abcdef"],
        ),
        (
            RolecallError("DEADLINE_EXCEEDED", "too late"),
            [
                "<1;31>error: </>too late<2> [DEADLINE_EXCEEDED]</>",
                "  <1;36>help: </>wait longer with --timeout SECONDS",
            ],
        ),
    ],
)  # fmt: skip
def test_an_error_has_whole_lines_and_styles(
    capsys: pytest.CaptureFixture[str], error: RolecallError, lines: list[str]
) -> None:
    report_error(error, "host:1")

    assert styled(capsys.readouterr().err) == lines
