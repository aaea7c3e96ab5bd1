"""Items of a batch whose answers are remembered are answered in portions: with the same results, counts and reports as one by one."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NoReturn

import pytest
from hypothesis import example, given, settings, strategies as st

from rolecall.callers.caller import Caller
from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.engine.consistency import Consistency, StateAge
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.decision_record import DecisionRecord, IssuedAnswer, RecordedCall
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Revision
from rolecall.security.identity import fixed_identity
from rolecall.transport.codecs.decision import QueryDecoder, encode_decision
from rolecall.transport.codecs.raw import RawBatchRequest
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.services.batch import PORTION
from rolecall.transport.services.decision import Callers, DecisionServicer
from rolecall.transport.services.observed_calls import ObservedCalls
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.files import allowing, callers, entry
from tests.callers.permitted import ORDERS_CREDENTIAL, administrator
from tests.engine.world import ACCOUNT, ALICE, HOUR, NOON, OTHER, allow, deny, document, long_answers, role

LONG = {f"key-{n}-" + "x" * 100: "v" for n in range(60)}
ROLES = [
    role(document(allow()), name="app"),
    role(document(deny()), name="denied"),
    role(document(allow(DateLessThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"})), name="until-one"),
    role(document(allow(DateGreaterThan={"acs:CurrentTime": "2026-01-01T13:00:00Z"})), name="from-one"),
    role(document(allow(StringEquals=LONG)), name="long"),
]


def _query(name: str, principal: str = ALICE, **fields: Any) -> bytes:
    return pb.AssumeRoleQuery(principal=principal, role=f"{ACCOUNT}/{name}", **fields).SerializeToString()


QUERIES = [
    *(_query(made.role_name) for made in ROLES),
    _query("absent"),
    _query("app", f"acs:ram::{OTHER}:user/bob"),
    _query("app", f"acs:ram::{ACCOUNT}:root"),
    _query("app", duration_seconds=1),
    b"\xff",
]
BATCHES = st.lists(
    st.tuples(
        st.lists(st.integers(0, len(QUERIES) - 1), min_size=1, max_size=3 * PORTION),
        st.integers(0, 2).map(HOUR.__mul__),
    ),
    min_size=1,
    max_size=3,
)


class Servicer:
    """A servicer at a time that can be set, whose decisions are recorded."""

    def __init__(self, slice_seconds: float, *, restored: bool = False) -> None:
        unused: Any = None
        self.now, self.caller = NOON, administrator()
        snapshot = Snapshot(ROLES, revision=Revision(1), restored=restored)
        self.point = DecisionPoint(snapshot, DecisionOptions(), lambda: self.now, encode_decision)
        self.decoder, self.records = QueryDecoder(Accounts()), list[DecisionRecord]()
        identify = fixed_identity(CallerDirectory(), Credential(kind=CredentialKind.DNS, identity="caller"))
        self.rights = CheckRights(self.decoder, Accounts(), snapshot.version)
        self.servicer = DecisionServicer(
            self.point,
            _Fresh(),
            self.decoder,
            callers=Callers(
                identify=lambda _: self.caller,
                streams=StreamCallers(lambda _: self.caller),
                rights=self.rights,
            ),
            reverse=unused,
            history=unused,
            max_batch=1_000,
            answers=long_answers(self.point, slice_seconds=slice_seconds),
            calls=ObservedCalls(self, identify),
        )

    def on_decision(self, request: AssumeRoleRequest, answer: IssuedAnswer, call: RecordedCall) -> None:
        """Keep the record of a decision."""
        self.records.append(DecisionRecord.of(request, answer, call))

    async def ask(self, queries: list[bytes], at: int = NOON) -> list[pb.BatchCheckResult]:
        """Return the results of a batch."""
        self.now = at
        call: Any = _Call()
        answer = await self.servicer.BatchCheckAssumeRole(RawBatchRequest(queries=queries), call)
        return list(pb.BatchCheckAssumeRoleResponse.FromString(answer).results)

    @property
    def counts(self) -> tuple[object, ...]:
        """Return what is counted."""
        return self.point.cache.hits, self.point.cache.misses, self.point.decided

    def recorded(self) -> list[tuple[object, ...]]:
        """Return what is recorded of each decision, without the id and the call, of which two servicers have their own."""
        return [(record.time, record.request.principal, *record[4:]) for record in self.records]


class _Fresh(Consistency):
    """A state without age."""

    def __init__(self) -> None: ...

    def token(self) -> str:
        return "t"

    def staleness(self) -> int:
        return 0

    def age(self) -> StateAge:
        return StateAge(0, limit=1, clock=lambda: 0)


class _Call:
    """A call without metadata."""

    def invocation_metadata(self) -> tuple[()]:
        return ()


def plain(results: list[pb.BatchCheckResult]) -> list[pb.BatchCheckResult]:
    """Return results without the ids of their decisions."""
    for result in results:
        if result.HasField("decision"):
            result.decision.decision_id = ""
    return results


@given(BATCHES, st.booleans())
@example([([0] * PORTION, 0), ([0] * PORTION, 0)], False)
@example([([0] * (PORTION + 1), 0), ([0] * (PORTION + 1), 0)], False)
@example([([2] * 3, 0), ([2] * 3, HOUR), ([2] * 3, 0)], False)
@example([([3] * 3, 2 * HOUR), ([3] * 3, HOUR - 1), ([3] * 3, HOUR)], False)
@settings(max_examples=60, deadline=None)
async def test_portions_change_no_result_no_count_and_no_report(
    batches: list[tuple[list[int], int]], restored: bool
) -> None:
    together, one_by_one = Servicer(inf, restored=restored), Servicer(0, restored=restored)

    for numbers, later in batches:
        queries = [QUERIES[number] for number in numbers]
        results = await together.ask(queries, NOON + later)
        ids = [result.decision.decision_id for result in results if result.HasField("decision")]
        assert len(ids) == len(set(ids))
        assert ids == [record.decision_id for record in together.records[len(together.records) - len(ids) :]]
        assert plain(results) == plain(await one_by_one.ask(queries, NOON + later))

    assert together.counts == one_by_one.counts
    assert together.recorded() == one_by_one.recorded()


async def test_what_is_remembered_is_neither_judged_nor_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    servicer, queries = Servicer(inf), [QUERIES[0], QUERIES[1]] * PORTION
    _, before = [plain(await servicer.ask(queries)) for _ in range(2)]

    def fail(*_: object, **__: object) -> NoReturn:
        pytest.fail("one item by itself")

    monkeypatch.setattr(servicer.rights, "request", fail)
    monkeypatch.setattr(servicer.point, "check_version", fail)

    assert plain(await servicer.ask(queries)) == before


async def test_a_right_that_ends_is_judged_again() -> None:
    servicer = Servicer(inf)
    ending = allowing("rolecall:*", Condition={"DateLessThan": {"acs:CurrentTime": "2026-01-01T13:00:00Z"}})
    servicer.caller = caller_with(ending, lambda: servicer.now)

    answers = [await servicer.ask([QUERIES[0]] * 3, at) for at in (NOON, NOON + 1, NOON + HOUR - 1, NOON + HOUR)]

    assert [[result.error.code for result in results] for results in answers] == [[0] * 3] * 3 + [[7] * 3]


async def test_what_one_caller_may_ask_another_may_not() -> None:
    servicer = Servicer(inf)
    allowed, denied = (caller_with(allowing(action), lambda: NOON) for action in ("rolecall:*", "oss:GetObject"))

    for caller, code in ((allowed, 0), (denied, 7), (allowed, 0), (denied, 7)):
        servicer.caller = caller
        assert [result.error.code for result in await servicer.ask([QUERIES[0]] * 2)] == [code] * 2


def caller_with(policy: dict[str, object], clock: Callable[[], int]) -> Caller:
    """Return a caller with the rights of a policy, by a clock."""
    directory = CallerDirectory(callers(entry(policies=["own"]), policies={"own": policy}), clock=clock)
    return directory.caller(ORDERS_CREDENTIAL, source_ip="10.0.0.1", secure=True)
