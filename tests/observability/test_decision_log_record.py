from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rolecall.engine.decision import Reason
from rolecall.engine.decision_record import RecordedStatement
from tests.observability.decision_records import ACCOUNT, BOB, CALL, encoder, members_of, record


def test_a_record_has_the_shape_of_a_decision_log() -> None:
    line = encoder().line(record(keys={"acs:SourceIp": ("192.0.2.1", "192.0.2.2")}, duration=900), sample_rate=1.0)

    assert members_of(line) == {
        "decision_id": "d-1",
        "timestamp": "2023-11-14T22:13:20.000000Z",
        "labels": {"app": "rolecall", "id": "instance-1", "version": "1.2.3"},
        "path": "rolecall/v1/decide",
        "method": "CheckAssumeRole",
        "bundles": {"store": {"revision": "7"}},
        "input": {
            "who": BOB,
            "role": f"acs:ram::{ACCOUNT}:role/App",
            "context": {"acs:SourceIp": ["192.0.2.1", "192.0.2.2"]},
            "duration_seconds": 900,
        },
        "result": {"allowed": True, "reason": "ALLOW", "trust_side": "ALLOW", "identity_side": "NOT_EVALUATED"},
        "requested_by": "web.example.org",
        "req_id": "request-1",
        "metrics": {"timer_server_handler_ns": 1_500},
        "incarnation": "incarnation-1",
        "staleness_ms": 12,
        "served_from": "CACHED",
        "matched_statements": [{"pointer": "/Statement/0", "sid": "Office"}],
        "missing_keys": ["acs:SourceVpc"],
        "role_version": {"role_id": "300000000000000001", "revision": 5},
    }


def test_a_role_that_is_not_there_has_no_version() -> None:
    line = encoder().line(record(reason=Reason.ROLE_NOT_FOUND, role_id="", role_revision=None), sample_rate=1.0)

    assert "role_version" not in members_of(line)
    assert members_of(line)["result"]["allowed"] is False


def test_an_unknown_revision_of_the_role_is_null() -> None:
    assert members_of(encoder().line(record(role_revision=None), sample_rate=1.0))["role_version"]["revision"] is None


def test_an_explanation_of_another_time_says_so() -> None:
    call = replace(CALL, method="ExplainAssumeRole", assumed_time=0, at_revision=3)

    members = members_of(encoder().line(record(call=call), sample_rate=1.0))

    assert members["assumed_time"] == "1970-01-01T00:00:00.000000Z"
    assert (members["at_revision"], members["method"]) == (3, "ExplainAssumeRole")


def test_a_caller_without_a_name_is_left_out() -> None:
    assert "requested_by" not in members_of(encoder().line(record(call=replace(CALL, caller="")), sample_rate=1.0))


def test_a_record_that_stands_for_others_says_for_how_many() -> None:
    assert members_of(encoder().line(record(), sample_rate=0.01))["sample_rate"] == 0.01


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2Jb", "a\u2028b", "a\u202eb", "a\x85b", '","allowed":true,"x":"'])
def test_input_of_a_caller_cannot_break_a_line_or_control_a_terminal(text: str) -> None:
    line = encoder().line(record(keys={"example:Key": (text,)}), sample_rate=1.0)

    assert members_of(line)["input"]["context"] == {"example:Key": [text]}
    assert line is not None
    assert line[:-1].isascii()
    assert line[:-1].decode().isprintable()


def test_a_record_that_is_too_long_loses_its_context_and_says_so() -> None:
    writer = encoder(max_bytes=4_096)

    members = members_of(writer.line(record(keys={"example:Key": ("x" * 5_000,)}), sample_rate=1.0))

    assert members["cut"] == ["/input/context"]
    assert members["input"]["context"] == {}
    assert members["input"]["who"] == BOB
    assert writer.cuts == 1


def test_a_record_loses_no_more_than_it_must() -> None:
    long = record(missing_keys=("k" * 5_000,), keys={"example:Key": ("x",)})

    members = members_of(encoder(max_bytes=4_096).line(long, sample_rate=1.0))

    assert members["cut"] == ["/input/context", "/missing_keys"]
    assert members["matched_statements"] == [{"pointer": "/Statement/0", "sid": "Office"}]


def test_a_part_that_is_absent_is_not_listed_as_cut() -> None:
    members = members_of(encoder(max_bytes=4_096).line(record(missing_keys=("k" * 5_000,)), sample_rate=1.0))

    assert members["cut"] == ["/missing_keys"]


LONG = "x" * 3_000
PARTS: dict[str, dict[str, Any]] = {
    "/input/context": {"keys": {"example:Key": (LONG,)}},
    "/masked": {"keys": {f"oidc:{number}": ("x",) for number in range(200)}},
    "/erased": {"keys": {f"erased:{number}": ("x",) for number in range(200)}},
    "/missing_keys": {"missing_keys": (LONG,)},
    "/matched_statements": {"statements": (RecordedStatement("/Statement/0", LONG),)},
    "/requested_by": {"call": replace(CALL, caller=LONG)},
}
"""The parts of a record that can be long, in the order in which they are left out, and facts with which each is."""


def test_parts_are_left_out_in_the_order_of_their_importance_until_the_line_fits() -> None:
    keys = {key: values for facts in PARTS.values() for key, values in facts.get("keys", {}).items()}
    facts: dict[str, Any] = {name: value for each in PARTS.values() for name, value in each.items()} | {"keys": keys}
    whole = encoder(erased=("/input/context/erased:*",), max_bytes=1 << 20).line(record(**facts), sample_rate=1.0)
    assert whole is not None

    cut, limit = list[list[str]](), len(whole)
    while line := encoder(erased=("/input/context/erased:*",), max_bytes=limit).line(record(**facts), sample_rate=1.0):
        assert len(line) <= limit
        cut.append(members_of(line).get("cut", []))
        limit = len(line) - 1

    assert cut == [list(PARTS)[:number] for number in range(len(PARTS) + 1)]


def test_a_shortened_line_may_be_as_long_as_the_limit() -> None:
    shorter = encoder(max_bytes=4_096).line(record(**PARTS["/input/context"], missing_keys=(LONG,)), sample_rate=1.0)
    assert shorter is not None

    again = encoder(max_bytes=len(shorter)).line(
        record(**PARTS["/input/context"], missing_keys=(LONG,)), sample_rate=1.0
    )

    assert members_of(shorter)["cut"] == ["/input/context"]
    assert again == shorter


def test_a_line_has_no_spaces_between_its_members() -> None:
    line = encoder().line(record(), sample_rate=1.0)

    assert line == json.dumps(members_of(line), separators=(",", ":")).encode() + b"\n"


def test_a_call_of_a_stream_has_no_duration() -> None:
    assert members_of(encoder().line(record(call=replace(CALL, handler_ns=None)), sample_rate=1.0))["metrics"] == {}


@pytest.mark.parametrize("part", PARTS)
def test_only_a_part_that_was_there_is_listed_as_cut(part: str) -> None:
    facts: dict[str, Any] = {"statements": (), "missing_keys": (), **PARTS[part]}
    made = encoder(erased=("/input/context/erased:*",), max_bytes=1_200).line(record(**facts), sample_rate=1.0)

    members = members_of(made)
    assert part in members["cut"]
    assert set(members["cut"]) <= {part, "/input/context"}
    assert part.rpartition("/")[2] not in members


def test_no_line_is_longer_than_the_limit_however_long_the_parts() -> None:
    monstrous = record(
        keys={f"example:{number}": ("x" * 4_000,) * 3 for number in range(100)},
        missing_keys=tuple("k" * 256 for _ in range(100)),
        statements=tuple((f"/Statement/{number}", "s" * 100) for number in range(1_000)),
        call=replace(CALL, caller="spiffe://" + "a" * 2_039, request_id="r" * 128),
    )

    line = encoder(max_bytes=4_096).line(monstrous, sample_rate=1.0)

    assert line is not None
    assert len(line) <= 4_096
    assert json.loads(line)["result"]["reason"] == "ALLOW"


def test_a_record_that_cannot_be_made_short_enough_is_none() -> None:
    assert encoder(max_bytes=100).line(record(), sample_rate=1.0) is None
