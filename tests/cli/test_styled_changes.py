"""The changes of an apply on a narrow terminal: each kind has its sign and its colour, and no line is broken."""

from __future__ import annotations

import pytest

from rolecall.cli.options.shared import Output
from rolecall.cli.render.changes import show_changes
from rolecall.cli.render.recorded_changes import ChangePrinter
from rolecall_client.v1 import role_pb2 as pb
from tests.cli.conftest import show_colours
from tests.cli.test_terminal_answers import styled

ARN = "acs:ram::42:role/a-name-that-is-longer-than-this-terminal"
DIFF = """\
--- acs:ram::42:role/before
+++ acs:ram::42:role/after
@@ -1,2 +1,2 @@ a line that is longer than this terminal
-description: a text that is longer than this terminal
+description: a\x07 text that is longer than this terminal
 name: app
"""


def shown(capsys: pytest.CaptureFixture[str], *kinds: pb.ChangeKind, dry_run: bool = False) -> list[str]:
    show_changes([pb.RoleChange(kind=kind, role_arn=ARN, diff=DIFF) for kind in kinds], dry_run=dry_run)
    return styled(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    show_colours(monkeypatch, columns=20)


def test_each_kind_of_change_has_its_sign_and_its_colour(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = (pb.CHANGE_KIND_CREATED, pb.CHANGE_KIND_DELETED, pb.CHANGE_KIND_UNCHANGED, pb.CHANGE_KIND_UNSPECIFIED)

    assert shown(capsys, *kinds) == [
        f"<1;32>+ </><32>{ARN}</>",
        f"<1;31>- </><31>{ARN}</>",
        f"<1>? </>{ARN}",
        "<1>created 1, deleted 1; 1 unchanged</>",
    ]


def test_the_lines_of_a_difference_have_colours(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, pb.CHANGE_KIND_UPDATED) == [
        f"<1;33>~ </><33>{ARN}</>",
        "<36>    @@ -1,2 +1,2 @@ a line that is longer than this terminal</>",
        "<31>    -description: a text that is longer than this terminal</>",
        "<32>    +description: a\\x07 text that is longer than this terminal</>",
        "     name: app",
        "<1>updated 1; 0 unchanged</>",
    ]


def test_a_sum_is_not_broken_and_says_only_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    every = (pb.CHANGE_KIND_CREATED, pb.CHANGE_KIND_UPDATED, pb.CHANGE_KIND_DELETED, pb.CHANGE_KIND_UNCHANGED)

    assert shown(capsys, *every, dry_run=True)[-1] == "<1>would create 1, update 1, delete 1; 1 unchanged</>"
    assert shown(capsys, *every[-1:], dry_run=True) == ["<1>1 unchanged</>"]
    assert shown(capsys) == ["<1>0 unchanged</>"]


def test_each_recorded_change_has_the_sign_of_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = (pb.CHANGE_KIND_CREATED, pb.CHANGE_KIND_UPDATED, pb.CHANGE_KIND_DELETED, pb.CHANGE_KIND_UNCHANGED)

    ChangePrinter(Output.TABLE, "host:1").changes(
        pb.RecordedChange(kind=kind, revision=7, actor="ci", role=pb.Role(arn=ARN)) for kind in kinds
    )

    time = "<2>1970-01-01 00:00:00Z</>"
    assert styled(capsys.readouterr().out) == [
        f"{time}         7  <1;{style}>{word}  </><{style}>{ARN}</>  by ci"
        for style, word in ((32, "+ created  "), (33, "~ updated  "), (31, "- deleted  "), (2, "= unchanged"))
    ]
