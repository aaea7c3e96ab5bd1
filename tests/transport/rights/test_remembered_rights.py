"""The rights of a query that was judged are remembered: for whom, for how many, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from rolecall.callers.caller import NO_ACCESS_KEYS, AccessKeys, Caller
from rolecall.callers.directory import CallerDirectory
from rolecall.engine.errors import InvalidRequestError
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.checks import CheckRights, require_any_policy
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.files import allowing, callers, entry
from tests.callers.permitted import ORDERS_CREDENTIAL, administrator, permitted
from tests.server.serving import ACCOUNT, BOB

ROLE = f"acs:ram::{ACCOUNT}:role/app"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/github"
CHECK, ASK_FOR, ASSERT = "rolecall:CheckAssumeRole", "rolecall:AskFor", "rolecall:AssertFederated"
QUERY = pb.AssumeRoleQuery(principal=BOB, role=ROLE).SerializeToString()
FEDERATED = pb.AssumeRoleQuery(federated=pb.FederatedIdentity(provider_arn=PROVIDER), role=ROLE).SerializeToString()


@dataclass
class Judged:
    """A caller that counts what it is asked; each of its rights ends at a time."""

    until: Mapping[str, int]
    number: int = 1
    reads_tags: bool = False
    principal: None = None
    asked: list[str] = field(default_factory=list)

    def allowed_until(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> int | None:
        self.asked.append(action)
        return self.until.get(action)

    def allows(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> bool:
        return self.allowed_until(action, resource, keys) is not None


def judged(check: int = 100, ask_for: int = 100, **fields: Any) -> Any:
    return Judged({CHECK: check, ASK_FOR: ask_for}, **fields)


@pytest.fixture
def rights() -> CheckRights:
    return CheckRights(QueryDecoder(Accounts()), Accounts(), lambda _: None)


def test_a_query_is_judged_once_for_a_caller_until_the_first_of_its_rights_ends(rights: CheckRights) -> None:
    for caller in (judged(check=100, ask_for=50, number=1), judged(check=50, ask_for=100, number=2)):
        for now in (0, 1, 49):
            rights.request(QUERY, caller, now)
        assert caller.asked == [CHECK, ASK_FOR]

        rights.request(QUERY, caller, 50)
        assert caller.asked == [CHECK, ASK_FOR] * 2


def test_a_query_is_known_to_a_caller_that_was_judged_until_its_right_ends(rights: CheckRights) -> None:
    caller = judged()
    assert rights.known([QUERY], caller, 0) is None
    request = rights.request(QUERY, caller, 0)

    assert rights.known([QUERY, QUERY], caller, 99) == [request, request]
    assert rights.known([QUERY], caller, 100) is None
    assert rights.known([QUERY], judged(number=2), 0) is None
    assert rights.known([QUERY, FEDERATED], caller, 0) is None


def test_the_rights_of_four_callers_are_remembered_and_those_of_a_fifth_replace_them(rights: CheckRights) -> None:
    everyone = [judged(number=number) for number in range(1, 6)]
    for caller in everyone[:4]:
        rights.request(QUERY, caller, 0)

    assert [rights.known([QUERY], caller, 0) is not None for caller in everyone] == [True] * 4 + [False]

    rights.request(QUERY, everyone[4], 0)
    assert [rights.known([QUERY], caller, 0) is not None for caller in everyone] == [False] * 4 + [True]


def test_what_depends_on_the_tags_of_the_role_is_judged_each_time(rights: CheckRights) -> None:
    caller = judged(reads_tags=True)

    for _ in range(2):
        rights.request(QUERY, caller, 0)

    assert caller.asked == [CHECK, ASK_FOR] * 2
    assert rights.known([QUERY], caller, 0) is None


def test_a_caller_that_was_denied_is_not_known(rights: CheckRights) -> None:
    caller: Any = Judged({CHECK: 100})

    for _ in range(2):
        with pytest.raises(PermissionDeniedError) as denied:
            rights.request(QUERY, caller, 0)
        assert (denied.value.action, denied.value.resource) == (ASK_FOR, BOB)
    assert rights.known([QUERY], caller, 0) is None


@pytest.mark.parametrize(
    ("allowed", "denied"),
    [
        ({CHECK, ASK_FOR}, ASSERT),
        ({CHECK, ASSERT}, ASK_FOR),
        ({ASK_FOR, ASSERT}, CHECK),
        ({CHECK, ASK_FOR, ASSERT}, None),
    ],
)
def test_claims_need_each_of_three_rights(rights: CheckRights, allowed: set[str], denied: str | None) -> None:
    caller: Any = Judged(dict.fromkeys(allowed, 100))

    try:
        rights.request(FEDERATED, caller, 0)
        found = None
    except PermissionDeniedError as error:
        found = error.action

    assert found == denied


@pytest.mark.parametrize(
    ("query", "error", "resource"),
    [
        (b"\xff", DecodeError, "*"),
        (b"", InvalidRequestError, "*"),
        (pb.AssumeRoleQuery(role=ROLE).SerializeToString(), InvalidRequestError, ROLE),
        (pb.AssumeRoleQuery(principal="?", role="a/b/c").SerializeToString(), InvalidRequestError, "*"),
    ],
)
def test_what_is_wrong_with_a_query_is_shown_only_to_a_caller_that_may_check_its_role(
    rights: CheckRights, query: bytes, error: type[Exception], resource: str
) -> None:
    with pytest.raises(PermissionDeniedError) as denied:
        rights.request(query, permitted(allowing("oss:GetObject")), 0)
    assert (denied.value.action, denied.value.resource) == (CHECK, resource)

    with pytest.raises(error):
        rights.request(query, administrator(), 0)


def test_a_stream_stays_open_for_a_caller_with_any_policy_and_for_all_without_a_callers_file() -> None:
    directory = CallerDirectory(callers(entry("other", match={"spiffe": "spiffe://prod.example/other"})))
    without = directory.caller(ORDERS_CREDENTIAL, source_ip="10.0.0.1", secure=True)
    open_to: list[Caller] = [permitted(allowing("oss:GetObject")), administrator()]

    for caller in open_to:
        require_any_policy(caller)

    assert not administrator().generation
    with pytest.raises(PermissionDeniedError) as denied:
        require_any_policy(without)
    assert (denied.value.action, denied.value.resource) == (CHECK, "*")
