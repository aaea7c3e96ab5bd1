"""Which role of a server resembles one that does not exist, and what the server is asked for it."""

from __future__ import annotations

import pytest

from rolecall.cli.remote.near_names import misspelt_keys, nearest_role, report_names
from rolecall_client.errors import RolecallError
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r


class Reading:
    """A server that has these roles, or that refuses with this error; it records what it is asked."""

    def __init__(self, *names: str, error: RolecallError | None = None) -> None:
        self.names, self.error, self.asked = names, error, list[r.ListRolesRequest]()

    def get_role(self, role: str, /) -> r.GetRoleResponse:
        raise AssertionError(role)

    def list_roles(self, request: r.ListRolesRequest, /) -> r.ListRolesResponse:
        self.asked.append(request)
        if self.error:
            raise self.error
        begin = request.name_prefix.lower()
        return r.ListRolesResponse(
            roles=[r.Role(role_name=name) for name in self.names if name.lower().startswith(begin)]
        )


GONE = d.Decision(reason=d.DECISION_REASON_ROLE_NOT_FOUND)


@pytest.mark.parametrize(
    ("asked", "account"),
    [("deply", ""), ("prod/deply", "prod"), ("a/b/deply", "a/b"), ("acs:ram::12:role/deply", "12")],
)
def test_the_roles_that_begin_as_the_name_are_looked_at_and_then_any(asked: str, account: str) -> None:
    near, other, none = Reading("deploy", "xeploy"), Reading("xeply"), Reading("zzz")

    assert [nearest_role(reading, asked, GONE) for reading in (near, other, none)] == ["deploy", "xeply", ""]
    for reading, prefixes in ((near, ["d"]), (other, ["d", ""]), (none, ["d", ""])):
        assert reading.asked == [
            r.ListRolesRequest(account_id=account, page_size=1_000, name_prefix=prefix, view=r.ROLE_VIEW_BASIC)
            for prefix in prefixes
        ]


def test_a_colon_belongs_to_the_name_in_an_arn() -> None:
    reading = Reading("de:ploy:all")

    assert nearest_role(reading, "acs:ram::12:role/de:ply:all", GONE) == "de:ploy:all"
    assert [request.account_id for request in reading.asked] == ["12"]


@pytest.mark.parametrize("asked", ["acs:ram", "acs:ram::12", "acs:ram:x:12"])
def test_what_is_no_arn_of_a_role_resembles_none(asked: str) -> None:
    reading = Reading("acs")

    assert nearest_role(reading, asked, GONE) == ""
    assert {(request.account_id, request.name_prefix) for request in reading.asked} == {("", "")}


def test_a_caller_that_may_not_list_roles_gets_the_answer_without_a_name() -> None:
    denied = Reading(error=RolecallError("PERMISSION_DENIED", "not yours"))

    assert nearest_role(denied, "deply", GONE) == ""
    assert len(denied.asked) == 1


@pytest.mark.parametrize("reason", [d.DECISION_REASON_IMPLICIT_DENY, d.DECISION_REASON_ALLOW])
def test_a_role_that_exists_is_compared_with_no_other(reason: d.DecisionReason) -> None:
    reading = Reading("deploy")

    assert nearest_role(reading, "deply", d.Decision(reason=reason)) == ""
    assert reading.asked == []


@pytest.mark.parametrize(("name", "near"), [("abcdefgxyz", "Abcdefghij"), ("abcdefwxyz", "")])
def test_seven_of_ten_letters_are_near_enough_and_six_are_not(name: str, near: str) -> None:
    assert nearest_role(Reading("Abcdefghij"), name, GONE) == near


def test_of_several_roles_the_nearest_is_named() -> None:
    assert nearest_role(Reading("deploys-all", "DEPLOY-ALL", "deploy-ale"), "deploy-all", GONE) == "DEPLOY-ALL"


def test_each_key_has_the_nearest_of_those_that_are_missing() -> None:
    sent = ["acs:SourceIpp", "app:team", "unlike"]

    assert misspelt_keys(sent, ["acs:SourceIp", "app:Teams"]) == [
        ("acs:SourceIpp", "acs:SourceIp"),
        ("app:team", "app:Teams"),
    ]


def test_what_was_probably_meant_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    lacking = d.Decision(reason=d.DECISION_REASON_IMPLICIT_DENY, missing_keys=["acs:SourceIp"])

    report_names(["acs:SourceIpp", "unlike"], lacking, "deploy")
    both = capsys.readouterr()
    report_names(["unlike"], lacking, "")

    assert (both.out, both.err.splitlines()) == (
        "",
        [
            "  help: did you mean `deploy`?",
            "  help: `acs:SourceIpp` was sent, and `acs:SourceIp` is compared; did you mean that?",
        ],
    )
    assert capsys.readouterr() == ("", "")
