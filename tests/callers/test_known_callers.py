"""Which callers a directory remembers, how much they take, and what their rights depend on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from rolecall.callers import directory as module
from rolecall.callers.caller import FOREVER
from rolecall.callers.credential import ANONYMOUS, LOCAL, Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.granted import MAX_KNOWN_ACTIONS, ONLY_CHECKS
from rolecall.callers.rights import KnownCaller
from tests.callers.files import ACCOUNT, ISSUER, ORDERS, TOKEN_HASH, allowing, callers, entry
from tests.callers.test_directory import (
    CHECK,
    CREATE,
    ORDERS_CREDENTIAL,
    ROLE,
    UNTIL,
    UNTIL_MICROS,
    Clock,
    of_policy,
    orders,
)

UID = Credential(kind=CredentialKind.UID, identity="uid:7", uid=7)
TOKEN = Credential(kind=CredentialKind.TOKEN, identity="token:9f86", token_sha256=TOKEN_HASH)
OIDC = Credential(
    kind=CredentialKind.OIDC, identity=f"{ISSUER} a:b", issuer=ISSUER, subject="a:b", audiences=("rolecall",)
)
TEAM, STAGE = "acs:ResourceTag/team", "acs:ResourceTag/stage"


def named(name: str) -> Credential:
    return Credential(kind=CredentialKind.DNS, identity=name)


def of(directory: CallerDirectory, *names: str) -> list[KnownCaller]:
    return [orders(directory, named(name)) for name in names]


def test_as_many_callers_as_the_limit_are_remembered_and_the_one_that_was_not_used_for_longest_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN_CALLERS", 3)
    directory = CallerDirectory(callers(entry()))
    a, b, c = of(directory, "a", "b", "c")

    assert of(directory, "a", "b", "c") == [a, b, c]
    of(directory, "a", "d")

    assert len(directory) == 3
    assert of(directory, "c", "a") == [c, a]
    assert of(directory, "b") != [b]


def bytes_of(*credentials: Credential, certificate: Credential | None = None) -> int:
    directory: Any = CallerDirectory(callers(entry()))
    for credential in credentials:
        directory.caller(credential, source_ip="", secure=True, certificate=certificate)
    counted: int = directory._bytes
    return counted


def test_callers_take_exactly_as_many_bytes_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    each = bytes_of(named("a"))
    monkeypatch.setattr(module, "MAX_KNOWN_CALLERS_BYTES", 3 * each)
    directory: Any = CallerDirectory(callers(entry()))

    of(directory, "a", "b", "c")
    assert (len(directory), directory._bytes) == (3, 3 * each)
    of(directory, "dd")
    assert (len(directory), directory._bytes) == (2, 2 * each + 1)
    directory.replace(callers(entry()))
    assert (len(directory), directory._bytes) == (0, 0)
    of(directory, "a", "b", "c")
    assert (len(directory), directory._bytes) == (3, 3 * each)


def test_every_text_of_a_caller_and_of_its_certificate_is_counted() -> None:
    base = Credential(kind=CredentialKind.OIDC, identity="")
    empty = bytes_of(base)

    assert bytes_of(base, named("ab")) == 2 * empty + 2
    assert bytes_of(OIDC) == empty + sum(map(len, (OIDC.identity, ISSUER, "a:b", "rolecall")))
    assert bytes_of(OIDC, certificate=named("proxy")) == bytes_of(OIDC) + len("proxy")


def test_the_bytes_of_remembered_rights_grow_with_their_texts() -> None:
    policy = allowing(CREATE, resource=f"acs:ram:*:{ACCOUNT}:role/*", Condition={"StringEquals": {TEAM: ["s", "shop"]}})

    def remembered(resource: str, *teams: str) -> int:
        directory = CallerDirectory(of_policy(policy))
        orders(directory).allows(CREATE, resource, {TEAM: teams} if teams else {})
        return directory.remembered.bytes

    plain = remembered(ROLE)
    assert remembered(f"{ROLE}-longer") == plain + len("-longer")
    assert remembered(ROLE, "s") == plain + 1
    assert remembered(ROLE, "shop", "s") == plain + 5
    assert orders(CallerDirectory(callers())).allows(CREATE, ROLE) is False


def test_a_remembered_right_depends_on_both_of_two_tags() -> None:
    condition = {"StringEquals": {TEAM: "shop", STAGE: "test"}}
    caller = orders(CallerDirectory(of_policy(allowing(CREATE, Condition=condition))))

    def allows(team: str, stage: str) -> bool:
        return caller.allows(CREATE, ROLE, {TEAM: (team,), STAGE: (stage,)})

    answers = [allows(*tags) for tags in (("shop", "test"), ("shop", "live"), ("x", "test"), ("shop", "test"))]
    assert answers == [True, False, False, True]
    assert not caller.allows(CREATE, ROLE)


@pytest.mark.parametrize(
    ("keys", "reads"),
    [((TEAM,), True), ((TEAM, "acs:SourceIp"), True), (("acs:SourceIp", STAGE), True), (("acs:SourceIp",), False), ((), False)],
)  # fmt: skip
def test_a_caller_reads_tags_if_any_condition_of_its_policies_does(keys: tuple[str, ...], reads: bool) -> None:
    values = {"acs:SourceIp": "10.0.0.0/8"}
    conditions: dict[str, dict[str, str]] = {}
    for key in keys:
        conditions.setdefault("IpAddress" if key in values else "StringEquals", {})[key] = values.get(key, "x")
    policy = allowing(CREATE, Condition=conditions) if conditions else allowing(CREATE)

    assert orders(CallerDirectory(of_policy(policy))).reads_tags is reads


@pytest.mark.parametrize(
    ("principal", "arn"),
    [
        (f"acs:ram::{ACCOUNT}:user/orders", True), (f"acs:ram::{ACCOUNT}:role/orders", True),
        (f"{ACCOUNT}@ecs.aliyuncs.com", False), (None, False),
    ],
)  # fmt: skip
def test_a_user_and_a_role_have_an_arn_in_conditions_and_a_service_has_none(principal: str | None, arn: bool) -> None:
    policy = allowing(CREATE, Condition={"StringLike": {"acs:PrincipalARN": "*"}})
    fields = {"principal": principal} if principal else {}

    assert orders(CallerDirectory(of_policy(policy, **fields))).allows(CREATE, ROLE) is arn


@pytest.mark.parametrize(
    ("condition", "source_ip", "secure", "expected"),
    [
        ({"IpAddress": {"acs:SourceIp": "0.0.0.0/0"}}, "", False, False),
        ({"IpAddress": {"acs:SourceIp": "0.0.0.0/0"}}, "10.0.0.1", False, True),
        ({"Bool": {"acs:SecureTransport": "false"}}, "", False, True),
        ({"Bool": {"acs:SecureTransport": "false"}}, "", True, False),
        ({"Bool": {"acs:MFAPresent": "true"}}, "", True, False),
    ],
)
def test_what_a_connection_does_not_have_is_absent_or_false_in_conditions(
    condition: object, source_ip: str, secure: bool, expected: bool
) -> None:
    directory = CallerDirectory(of_policy(allowing(CREATE, Condition=condition)))

    assert directory.caller(ORDERS_CREDENTIAL, source_ip=source_ip, secure=secure).allows(CREATE, ROLE) is expected


def test_a_right_ends_with_the_first_of_the_entries_that_ends() -> None:
    clock = Clock()
    file = callers(entry("late", until="2026-02-01T00:00:00Z"), entry("early", until=UNTIL), entry("endless"))
    caller = orders(CallerDirectory(file, clock=clock))

    assert caller.allowed_until(CHECK, ROLE) == UNTIL_MICROS
    clock.now = UNTIL_MICROS
    assert caller.entries == ("late", "endless")
    assert caller.allowed_until(CHECK, ROLE) == UNTIL_MICROS + 31 * 86_400_000_000
    clock.now += 31 * 86_400_000_000
    until = caller.allowed_until(CHECK, ROLE)
    assert until == FOREVER
    assert [*caller.entries] == ["endless"]


def test_a_conflict_of_principals_ends_with_one_of_its_entries() -> None:
    clock = Clock()
    first = entry("first", principal=f"acs:ram::{ACCOUNT}:user/a", until=UNTIL)
    caller = orders(
        CallerDirectory(callers(first, entry("second", principal=f"acs:ram::{ACCOUNT}:user/b")), clock=clock)
    )
    before = caller.allows(CHECK, ROLE), caller.entries, caller.policies

    clock.now = UNTIL_MICROS

    assert before == (False, ("first", "second"), ())
    assert caller.allows(CHECK, ROLE)
    assert str(caller.principal) == f"acs:ram::{ACCOUNT}:user/b"


def test_without_a_file_a_user_of_this_machine_administers_and_tokens_have_no_rights() -> None:
    directory = CallerDirectory()

    assert orders(directory, UID).policies == ("AdministratorAccess",)
    assert [orders(directory, credential).policies for credential in (TOKEN, OIDC, named("a.svc"))] == [(), (), ()]


def test_where_only_checks_are_answered_without_a_file_every_caller_of_the_machine_may_check() -> None:
    directory = CallerDirectory(without_file=ONLY_CHECKS)

    for credential in (LOCAL, UID, ANONYMOUS):
        assert orders(directory, credential).policies == ("RolecallChecker",)
    directory.replace(None)
    assert orders(directory, LOCAL).policies == ("RolecallChecker",)
    assert orders(directory, TOKEN).policies == ()


def test_of_a_limited_number_of_actions_it_is_known_whether_they_are_always_allowed() -> None:
    policies = orders(CallerDirectory(of_policy(allowing("ram:*")))).granted.policy_set

    answers = {policies.always_allows(f"ram:Action{number}") for number in range(MAX_KNOWN_ACTIONS + 50)}

    assert answers == {True}
    assert (MAX_KNOWN_ACTIONS, len(policies.always)) == (200, 200)


def test_an_explanation_and_a_trace_read_the_values_of_the_access() -> None:
    policy = allowing(CREATE, Condition={"StringEquals": {TEAM: "shop"}})
    caller = orders(CallerDirectory(of_policy(policy)))

    evaluations = [caller.explain(CREATE, ROLE, {TEAM: (team,)}) for team in ("shop", "x")]
    traces = [caller.trace(CREATE, ROLE, {TEAM: (team,)}) for team in ("shop", "x")]

    assert [found.outcome if found else None for found in evaluations] == ["ALLOW", "IMPLICIT_DENY"]
    assert len({repr(trace) for trace in traces}) == 2
    assert orders(CallerDirectory(callers())).explain(CREATE, ROLE) is None


def test_beside_a_certificate_the_entries_are_those_with_it() -> None:
    directory = CallerDirectory(
        callers(
            entry("alone", match={"token_sha256": TOKEN_HASH}),
            entry("proxied", match={"token_sha256": TOKEN_HASH}, via={"spiffe": ORDERS}, policies=["RolecallAuditor"]),
        )
    )
    alone = directory.caller(TOKEN, source_ip="", secure=True)
    proxied = directory.caller(TOKEN, source_ip="", secure=True, certificate=ORDERS_CREDENTIAL)

    assert (alone.entries, proxied.entries) == (("alone",), ("proxied",))
    assert (alone.policies, proxied.policies) == (("RolecallDecider",), ("RolecallAuditor",))


def test_what_time_does_not_change_stands_until_the_end_of_the_year_9999() -> None:
    end = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

    assert (end - epoch) // dt.timedelta(microseconds=1) == FOREVER
    assert orders(CallerDirectory(callers(entry()))).allowed_until(CHECK, ROLE) == FOREVER
