"""Programs read the names of enum values as people do: without the prefix of their enum."""

from __future__ import annotations

import json
from pathlib import Path

from rolecall.cli.text.terminal import record
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import CommandLine


def test_a_reason_is_spelt_alike_for_people_and_for_programs(rolecall: CommandLine, policy_file: Path) -> None:
    asking = ["check", "--as", "ecs.aliyuncs.com", "--policy", str(policy_file)]

    shown, printed = rolecall(*asking), json.loads(rolecall(*asking, "-o", "json").out)["decision"]

    assert "DENIED  IMPLICIT_DENY" in shown.out
    assert (printed["reason"], printed["trust_side"]) == ("IMPLICIT_DENY", "IMPLICIT_DENY")
    assert (printed["identity_side"], printed["served_from"]) == ("NOT_EVALUATED", "EVALUATED")


def test_the_reasons_of_the_log_are_found_by_either_spelling(rolecall: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")

    for reason in ("IMPLICIT_DENY", "implicit-deny", "DECISION_REASON_IMPLICIT_DENY"):
        assert rolecall("decisions", str(tmp_path / "log"), "--reason", reason).code == 0


def test_values_within_lists_and_messages_are_short_and_texts_are_untouched() -> None:
    change = r.RoleChange(kind=r.CHANGE_KIND_CREATED, role_arn="CHANGE_KIND_CREATED")
    query = d.AssumeRoleQuery(context={"kind": d.ConditionValues(values=["DECISION_REASON_ALLOW"])})

    assert record(r.ApplyRolesResponse(changes=[change]))["changes"] == [
        {"kind": "CREATED", "role_arn": "CHANGE_KIND_CREATED", "diff": ""}
    ]
    assert record(query)["context"] == {"kind": {"values": ["DECISION_REASON_ALLOW"]}}
    assert record(d.Decision())["reason"] == "UNSPECIFIED"


def test_a_value_that_this_version_does_not_know_is_a_number() -> None:
    decision = d.Decision.FromString(b"\x10\x63")

    assert record(decision)["reason"] == 99
