"""When the freshness that a request requires is waited for: after the rights are judged, and only if it requires any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import pytest

from rolecall.engine.consistency import AtLeastAsFresh, FullyConsistent
from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest
from rolecall.transport.errors import PermissionDeniedError
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.permitted import permitted
from tests.transport.test_batch_portions import QUERIES, Servicer

QUERY = QUERIES[0]


class Call:
    def invocation_metadata(self) -> tuple[()]:
        return ()


class Required(Servicer):
    """A servicer that writes down its steps: what was judged, and which freshness was waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(inf)
        self.steps = list[object]()
        request = self.rights.request

        def judged(*args: Any) -> Any:
            self.steps.append("judged")
            return request(*args)

        async def reach(requirement: object) -> None:
            self.steps.append(requirement)

        monkeypatch.setattr(self.rights, "request", judged)
        monkeypatch.setattr(self.servicer._consistency, "reach", reach, raising=False)

    async def check(self, consistency: pb.Consistency | None) -> None:
        message = RawCheckRequest(query=[QUERY])
        if consistency:
            message.consistency.CopyFrom(consistency)
        await self.servicer.CheckAssumeRole(message, Call())

    async def batch(self, consistency: pb.Consistency | None) -> None:
        message = RawBatchRequest(queries=[QUERY])
        if consistency:
            message.consistency.CopyFrom(consistency)
        await self.servicer.BatchCheckAssumeRole(message, Call())

    async def explain(self, consistency: pb.Consistency | None) -> None:
        query = pb.AssumeRoleQuery.FromString(QUERY)
        await self.servicer.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query, consistency=consistency), Call())


Ask = Callable[[Required, pb.Consistency | None], Awaitable[None]]
ASKED: list[tuple[Ask, list[str], list[str]]] = [
    # The rights of a check are judged before the wait and, since they may have changed, after it.
    (Required.check, ["judged"], ["judged"]),
    (Required.batch, [], ["judged"]),
    (Required.explain, [], []),
]


@pytest.mark.parametrize(("ask", "before", "after"), ASKED)
@pytest.mark.parametrize(
    ("consistency", "requirement"),
    [
        ({"fully_consistent": True}, FullyConsistent()),
        ({"at_least_as_fresh": "token"}, AtLeastAsFresh("token")),
    ],
)
async def test_the_required_freshness_is_waited_for_once(
    ask: Ask,
    before: list[str],
    after: list[str],
    consistency: dict[str, Any],
    requirement: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    servicer = Required(monkeypatch)

    await ask(servicer, pb.Consistency(**consistency))

    assert servicer.steps == [*before, requirement, *after]


@pytest.mark.parametrize(("ask", "before", "after"), ASKED)
@pytest.mark.parametrize("consistency", [None, {}, {"minimize_latency": True}])
async def test_without_a_requirement_nothing_is_waited_for(
    ask: Ask, before: list[str], after: list[str], consistency: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    servicer = Required(monkeypatch)

    await ask(servicer, None if consistency is None else pb.Consistency(**consistency))

    assert {step for step in servicer.steps if step != "judged"} == set()


@pytest.mark.parametrize("ask", [Required.check, Required.explain])
async def test_a_caller_that_may_not_ask_does_not_make_the_server_catch_up(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    servicer = Required(monkeypatch)
    servicer.caller = permitted("RolecallSelfDecider")

    with pytest.raises(PermissionDeniedError):
        await ask(servicer, pb.Consistency(fully_consistent=True))

    assert FullyConsistent() not in servicer.steps
