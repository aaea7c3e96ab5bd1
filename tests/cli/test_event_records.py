"""What programs read of the events of a watch and of the changes that are followed: one object on each line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.cli.options.shared import Output
from rolecall.cli.render.recorded_changes import ChangePrinter
from rolecall.cli.render.watch import WatchPrinter
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w


def records(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_event_of_a_watch_is_an_object_with_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    printer = WatchPrinter(Output.JSON, "host:1")
    role = r.Role(arn="acs:ram::1:role/a", role_name="a", revision=8)

    printer.event(w.WatchCheckpoint(revision=7, token="t"))
    printer.event(w.RoleWatchChange(revision=8, kind=r.CHANGE_KIND_UPDATED, role=role))
    printer.resync("the changes are gone")
    printer.event(w.WatchCheckpoint(revision=9, token="u"))

    first, change, resync, last = records(capsys)
    assert first == {"checkpoint": {"revision": "7", "token": "t"}}
    assert (change["change"]["revision"], change["change"]["kind"]) == ("8", "UPDATED")
    assert (change["change"]["role"]["arn"], change["change"]["role"]["role_name"]) == ("acs:ram::1:role/a", "a")
    assert resync == {"resync_required": {"reason": "the changes are gone"}}
    assert last == {"checkpoint": {"revision": "9", "token": "u"}}


def test_every_change_that_is_followed_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    printer = ChangePrinter(Output.JSON, "host:1")
    changes = [
        r.RecordedChange(revision=each, actor="ann", reason="why", kind=r.CHANGE_KIND_DELETED, role=r.Role(arn="a"))
        for each in (5, 6)
    ]

    printer.page(r.ListChangesResponse(changes=changes, revision=6))

    found = records(capsys)
    assert [(each["revision"], each["kind"], each["actor"], each["reason"]) for each in found] == [
        ("5", "DELETED", "ann", "why"),
        ("6", "DELETED", "ann", "why"),
    ]
    assert [each["role"]["arn"] for each in found] == ["a", "a"]
