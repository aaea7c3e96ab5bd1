"""What a guard decides, with a real server behind it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError
from rolecall_client.guards import (
    AsyncGuard,
    Guard,
    GuardCounts,
    GuardOutcome,
    OidcBearer,
    PeerFacts,
    RoleMap,
    SpiffePrincipals,
    SpiffeServiceAccounts,
)
from rolecall_client.guards.judgement import MAX_OBSERVED
from rolecall_client.guards.observer import OBSERVERS
from rolecall_client.guards.report import LINES_PER_SECOND, LineLimit
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.guards.conftest import CART_USER, THIEF_USER
from tests.clients.guards.orders import CART, GET, THIEF, Waiting

ROLES = RoleMap({GET: "orders.use"}, public=["/grpc.health.v1.Health/*"])
CALLERS = SpiffePrincipals({CART: CART_USER, THIEF: THIEF_USER})
CART_PEER, THIEF_PEER = (PeerFacts(spiffe_ids=(name,), source_ip="127.0.0.1") for name in (CART, THIEF))


class Answering:
    """A client that answers with a decision, or raises."""

    def __init__(self, answer: d.Decision | Exception) -> None:
        self.answer, self.timeouts = answer, list[float | None]()

    def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:
        self.timeouts.append(timeout)
        if isinstance(self.answer, Exception):
            raise self.answer
        return d.CheckAssumeRoleResponse(decision=self.answer)


def test_a_call_passes_only_if_its_caller_may_assume_the_role(client: RolecallClient) -> None:
    guard = Guard(client, ROLES, CALLERS)

    assert guard.refusal(GET, CART_PEER) is None
    assert (refused := guard.refusal(GET, THIEF_PEER))
    assert (refused.outcome, refused.reason, bool(refused.decision_id)) == (GuardOutcome.DENIED, "IMPLICIT_DENY", True)


def test_a_role_that_does_not_exist_denies(client: RolecallClient) -> None:
    refused = Guard(client, RoleMap({GET: "orders.absent"}), CALLERS).refusal(GET, CART_PEER)

    assert refused
    assert (refused.outcome, refused.reason) == (GuardOutcome.DENIED, "ROLE_NOT_FOUND")


def test_a_context_that_the_server_refuses_is_no_decision(client: RolecallClient) -> None:
    guard = Guard(client, ROLES, CALLERS, context=lambda *_: {"acs:CurrentTime": "2030-01-01T00:00:00Z"})

    refused = guard.refusal(GET, CART_PEER)

    assert refused
    assert (refused.outcome, refused.reason) == (GuardOutcome.UNDECIDED, "RESERVED_KEY")


def test_a_token_that_the_server_refuses_is_the_fault_of_the_caller() -> None:
    violated = RolecallError("INVALID_ARGUMENT", "x", reason="INVALID_REQUEST", violations=[violation("INVALID_TOKEN")])
    peer = PeerFacts(headers=(("authorization", "Bearer a.b.c"),))

    refused = Guard(Answering(violated), ROLES, OidcBearer("acs:ram::1:oidc-provider/x")).refusal(GET, peer)

    assert refused
    assert refused.outcome is GuardOutcome.UNKNOWN_CALLER


def violation(reason: str) -> Any:
    from rolecall_client import Violation

    return Violation("oidc.token", reason, "x")


@pytest.mark.parametrize("reason", [0, 5, 99])
def test_a_decision_counts_whatever_its_reason(reason: int) -> None:
    decision: Any = d.Decision(allowed=True)
    decision.reason = reason

    allowed = Guard(Answering(decision), ROLES, CALLERS).refusal(GET, CART_PEER)
    denied = Guard(Answering(d.Decision(reason=decision.reason)), ROLES, CALLERS).refusal(GET, CART_PEER)

    assert allowed is None
    assert denied
    assert denied.outcome is GuardOutcome.DENIED


@pytest.mark.parametrize(
    "error", [RolecallError("PERMISSION_DENIED", "x"), ValueError("x"), AttributeError("x"), RuntimeError()]
)
def test_whatever_fails_the_call_does_not_pass(error: Exception) -> None:
    refused = Guard(Answering(error), ROLES, CALLERS).refusal(GET, CART_PEER)

    assert refused
    assert (refused.outcome, refused.allowed) == (GuardOutcome.UNDECIDED, False)


@pytest.mark.parametrize(("seconds_left", "timeout"), [(None, 2.0), (0.5, 0.5), (60, 2.0), (-1, 0.0)])
def test_a_query_takes_no_longer_than_the_caller_waits(seconds_left: float | None, timeout: float) -> None:
    client = Answering(d.Decision(allowed=True))

    Guard(client, ROLES, CALLERS).refusal(GET, CART_PEER, seconds_left)

    assert client.timeouts == [timeout]


def test_roles_without_account_are_refused_for_service_accounts_that_need_one() -> None:
    client = Answering(d.Decision())

    for identify in (
        SpiffeServiceAccounts("prod.example", "cluster"),
        SpiffePrincipals({CART: "k8s:cluster/shop/cart"}),
    ):
        with pytest.raises(ValueError, match=r"`orders.use` needs its account; write ACCOUNT/orders.use"):
            Guard(client, ROLES, identify)
    Guard(client, ROLES, SpiffeServiceAccounts("prod.example", "cluster", account_id="1"))
    Guard(client, RoleMap({GET: "1/orders.use"}), SpiffeServiceAccounts("prod.example", "cluster"))


def test_a_service_account_is_decided_about_as_a_federated_identity(client: RolecallClient) -> None:
    asked: list[d.AssumeRoleQuery] = []

    class Recording(Answering):
        def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:
            asked.append(query)
            return super().check(query, timeout=timeout)

    identify = SpiffeServiceAccounts("prod.example", "cluster", account_id="1")

    assert Guard(Recording(d.Decision(allowed=True)), ROLES, identify).refusal(GET, CART_PEER) is None
    assert asked[0].federated.provider_arn == "acs:ram::1:oidc-provider/cluster"
    assert asked[0].federated.claims["oidc:sub"].values == ["system:serviceaccount:shop:cart"]


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [("mode", "audit", "is no mode"), ("timeout", 0, "at most 60 seconds"), ("timeout", 61, "at most 60 seconds")],
)
def test_invalid_arguments_are_refused(option: str, value: Any, why: str) -> None:
    options: dict[str, Any] = {option: value}

    with pytest.raises(ValueError, match=why):
        Guard(Answering(d.Decision()), ROLES, CALLERS, **options)
    with pytest.raises(ValueError, match=why):
        AsyncGuard(Answering(d.Decision()), ROLES, CALLERS, **options)  # type: ignore[arg-type]


def test_decisions_are_counted_by_role_and_outcome(client: RolecallClient) -> None:
    counts = GuardCounts()
    guard = Guard(client, ROLES, CALLERS, counts=counts)

    for method, peer in [
        (GET, CART_PEER),
        (GET, CART_PEER),
        (GET, THIEF_PEER),
        ("/x/Y", CART_PEER),
        ("/z/Y", CART_PEER),
    ]:
        guard.refusal(method, peer)

    assert counts.by_role() == {("orders.use", "allowed"): 2, ("orders.use", "denied"): 1, ("", "closed"): 2}
    assert counts.total(GuardOutcome.ALLOWED) == 2


def test_an_observing_guard_decides_beside_the_calls_and_leaves_out_what_is_too_much() -> None:
    client = Waiting()
    guard = Guard(client, ROLES, CALLERS, mode="observe")

    passed = [guard.refusal(GET, CART_PEER) for _ in range(MAX_OBSERVED + OBSERVERS + 10)]
    left_out = guard.counts.total(GuardOutcome.NOT_OBSERVED)
    client.released.set()
    guard.close()

    assert passed == [None] * (MAX_OBSERVED + OBSERVERS + 10)
    assert 10 <= left_out <= 10 + OBSERVERS
    assert guard.counts.total(GuardOutcome.UNDECIDED) == client.asked == MAX_OBSERVED + OBSERVERS + 10 - left_out


def test_a_closed_observing_guard_still_lets_calls_pass() -> None:
    guard = Guard(Answering(d.Decision()), ROLES, CALLERS, mode="observe")
    guard.close()

    assert guard.refusal(GET, CART_PEER) is None
    assert guard.counts.total(GuardOutcome.NOT_OBSERVED) == 1


async def test_an_observing_guard_of_an_event_loop_leaves_out_what_is_too_much() -> None:
    released = asyncio.Event()

    class Held:
        async def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:  # noqa: ASYNC109
            await released.wait()
            return d.CheckAssumeRoleResponse()

    guard = AsyncGuard(Held(), ROLES, CALLERS, mode="observe")

    passed = [await guard.refusal(GET, CART_PEER) for _ in range(MAX_OBSERVED + 10)]
    released.set()
    await guard.close()

    assert passed == [None] * (MAX_OBSERVED + 10)
    assert guard.counts.total(GuardOutcome.NOT_OBSERVED) == 10
    assert guard.counts.total(GuardOutcome.DENIED) == MAX_OBSERVED


async def test_a_call_that_is_cancelled_while_it_is_decided_ends() -> None:
    entered = asyncio.Event()

    class Held:
        async def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:  # noqa: ASYNC109
            entered.set()
            await asyncio.Event().wait()
            raise AssertionError

    task = asyncio.create_task(AsyncGuard(Held(), ROLES, CALLERS).refusal(GET, CART_PEER))
    await entered.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_both_guards_decide_alike(client: RolecallClient, async_client: AsyncRolecallClient) -> None:
    peers = [CART_PEER, THIEF_PEER, PeerFacts()]

    for method in (GET, "/grpc.health.v1.Health/Check", "/x/Y"):
        for peer in peers:
            one = Guard(client, ROLES, CALLERS).refusal(method, peer)
            other = await AsyncGuard(async_client, ROLES, CALLERS).refusal(method, peer)
            assert (one and one.outcome) == (other and other.outcome)


def test_lines_of_the_log_are_limited_and_those_left_out_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    seconds = [5.0]
    limit = LineLimit(clock=lambda: seconds[0])

    first = [limit.admit() for _ in range(LINES_PER_SECOND + 7)]
    seconds[0] = 6.0

    assert first == [0] * LINES_PER_SECOND + [None] * 7
    assert (limit.admit(), limit.admit()) == (7, 0)


def test_what_a_caller_sends_cannot_break_the_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard(Answering(d.Decision()), ROLES, CALLERS)

    with caplog.at_level(logging.INFO, "rolecall_client.guards"):
        guard.refusal("/x/Y\nrefused denied: method=/forged" + "z" * 10_000, CART_PEER)

    assert len(caplog.messages) == 1
    assert "\n" not in caplog.messages[0]
    assert len(caplog.messages[0]) < 600
