"""How a server recognises its caller, and what it lets it do: several names are listed, and a fact that is missing has a word."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.cli.render.caller import show_access, show_caller
from rolecall_client.v1 import caller_pb2 as pb


def rows(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()[2:]]


def test_a_caller_is_shown_with_all_of_its_entries_and_policies(capsys: pytest.CaptureFixture[str]) -> None:
    show_caller(
        pb.WhoAmIResponse(
            identity="orders.internal",
            credential_kind=pb.CREDENTIAL_KIND_DNS,
            principal="acs:ram::42:user/orders",
            entries=["one", "two"],
            policies=["A", "B", "C"],
            generation="f00d",
            expire_time=Timestamp(seconds=1_700_000_000),
        )
    )

    assert rows(capsys.readouterr().out) == [
        "identity orders.internal",
        "recognised by dns",
        "principal acs:ram::42:user/orders",
        "entries one, two",
        "policies A, B, C",
        "callers file f00d",
        "expires 2023-11-14T22:13:20+00:00",
    ]


def test_what_a_caller_has_not_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    show_caller(pb.WhoAmIResponse(identity="local", credential_kind=pb.CREDENTIAL_KIND_LOCAL_ADMIN))

    assert rows(capsys.readouterr().out) == [
        "identity local",
        "recognised by local admin",
        "principal none",
        "entries none",
        "policies none",
        "callers file none",
        "expires with the connection",
    ]


def test_an_access_is_answered_with_the_statements_and_all_keys_that_were_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    statements = [
        pb.AccessStatement(policy=name, index=at, sid=sid) for name, at, sid in (("P", 0, "S"), ("Q", 12, ""))
    ]
    explained = pb.AccessExplanation(
        determining_statements=statements, missing_keys=["acs:SourceIp", "ram:ServiceNames"]
    )

    show_access(pb.CanIResponse(allowed=False, explanation=explained))

    first, _, _, *listed, last = capsys.readouterr().out.splitlines()
    assert (first, [line.split() for line in listed]) == ("no", [["P", "/Statement/0", "S"], ["Q", "/Statement/12"]])
    assert last == "it may depend on condition keys that were not given: acs:SourceIp, ram:ServiceNames"
