"""What `audit verify` prints about what it examined and found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rolecall.cli.commands.audit import MAX_REVISION, _floor, _record, _show
from rolecall.cli.failure import CommandError
from rolecall.roles.repository import Floor, Head
from rolecall.roles.role import Revision
from rolecall.storage.maintenance.audit import Audit
from rolecall.storage.maintenance.audit_findings import AuditFinding

HASH = bytes(range(32))
SOUND = Audit(
    head=Head(incarnation="inc", revision=Revision(9), hash=HASH, digest=HASH), first=Revision(4), skipped=[], commits=6, changes=1, roles=2_000,
    older_than_the_log=0, findings=[], total_findings=0,
)  # fmt: skip
BROKEN = replace(
    SOUND,
    older_than_the_log=1_500,
    findings=[AuditFinding(Revision(5), "commit 5 is changed"), AuditFinding(None, "a table is missing")],
    total_findings=1_002,
)
UNREADABLE = replace(
    SOUND, first=None, skipped=["log", "roles"], commits=0, changes=0, roles=1,
    findings=[AuditFinding(None, "a value has a wrong type")], total_findings=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("audit", "lines"),
    [
        (SOUND, ["✓ `s`: matches its log", f"verified revisions 4 to 9: 6 commits, 1 change, 2,000 roles; 9:{HASH.hex()}"]),
        (
            BROKEN,
            [
                "REVISION WHAT IS WRONG", "", "5 commit 5 is changed", "a table is missing", "and 1,000 more", "✗ `s`: 1,002 breaks",
                f"verified revisions 4 to 9: 6 commits, 1 change, 2,000 roles, 1,500 of them older than the log; 9:{HASH.hex()}",
            ],
        ),
        (
            UNREADABLE,
            [
                "REVISION WHAT IS WRONG", "", "a value has a wrong type", "✗ `s`: 1 break",
                "not verified: the log and the roles; correct the values of wrong types, then verify again",
                "verified no revision: 0 commits, 0 changes, 1 role",
            ],
        ),
    ],
)  # fmt: skip
def test_people_see_what_is_wrong_and_what_was_verified(
    capsys: pytest.CaptureFixture[str], audit: Audit, lines: list[str]
) -> None:
    _show("`s`", audit)

    printed = [" ".join(line.strip(" ─").split()) for line in capsys.readouterr().out.splitlines()]
    assert printed == lines


@pytest.mark.parametrize(("audit", "colour"), [(SOUND, "32"), (BROKEN, "31")])
def test_the_outcome_is_green_or_red(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, audit: Audit, colour: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")

    _show("`s`", audit)

    out = capsys.readouterr().out
    assert f"\x1b[{colour}m{'✓' if audit is SOUND else '✗'} `s`: " in out
    assert "\x1b[2mverified " in out


def test_programs_read_every_fact_of_an_audit() -> None:
    common = {"commits": 6, "changes": 1, "roles": 2_000}

    assert _record("`s`", SOUND) == {
        "store": "s", "sound": True, "not_examined": [], "incarnation": "inc", "from": 4, "to": 9, "hash": HASH.hex(), **common,
        "roles_older_than_the_log": 0, "total_breaks": 0, "breaks": [],
    }  # fmt: skip
    assert json.loads(json.dumps(_record("`s`", BROKEN))) == {
        "store": "s", "sound": False, "not_examined": [], "incarnation": "inc", "from": 4, "to": 9, "hash": HASH.hex(), **common,
        "roles_older_than_the_log": 1_500, "total_breaks": 1_002,
        "breaks": [{"revision": 5, "message": "commit 5 is changed"}, {"revision": None, "message": "a table is missing"}],
    }  # fmt: skip


def test_without_a_log_no_fact_of_its_end_is_reported() -> None:
    record = _record("`s`", UNREADABLE)

    assert [record[name] for name in ("incarnation", "from", "to", "hash")] == [None] * 4
    assert record["not_examined"] == ["log", "roles"]


@pytest.mark.parametrize("revision", [0, 7, MAX_REVISION])
def test_a_noted_revision_is_read_with_its_hash(revision: int) -> None:
    assert _floor(f"{revision}:{HASH.hex()}") == Floor(revision=Revision(revision), hash=HASH)


@pytest.mark.parametrize("revision", ["9223372036854775808", "9" * 19, "1" * 20, "1" * 5_000])
def test_a_revision_that_no_store_can_have_is_refused_as_it_is_written(revision: str) -> None:
    with pytest.raises(CommandError, match="which is higher than any store can have; give what `audit verify` printed"):
        _floor(f"{revision}:{HASH.hex()}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        f":{HASH.hex()}",
        f"7:{HASH.hex()}0",
        f"7:{HASH.hex()[:-1]}",
        f"-7:{HASH.hex()}",
        f"7:{HASH.hex().upper()}",
    ],
)
def test_a_note_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="--noted takes REVISION:HASH"):
        _floor(text)


def test_the_highest_revision_is_that_of_a_signed_column_of_eight_bytes() -> None:
    assert MAX_REVISION == 9_223_372_036_854_775_807


def test_the_sentences_of_an_audit_are_not_broken_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "20"}.items():
        monkeypatch.setenv(name, value)

    _show("`a-store-with-a-long-name`", UNREADABLE)

    out = capsys.readouterr().out
    assert "✗ `a-store-with-a-long-name`: 1 break" in out
    assert "not verified: the log and the roles; correct the values of wrong types, then verify again" in out
    assert "verified no revision: 0 commits, 0 changes, 1 role" in out
