"""The rate limit of callers: off by default, exact in what it says, and of bounded memory."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import grpc
import pytest
from hypothesis import given, strategies as st

from rolecall.transport.errors import RateLimitError
from rolecall.transport.rpc.call_origin import no_name, payer_of
from rolecall.transport.rpc.rates import CallerRates, TokenBuckets
from rolecall_client.v1 import decision_pb2 as pb
from tests.server.serving import check, served
from tests.transport.refusals import refused

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


@given(
    rate=st.floats(0.01, 1e6),
    burst=st.integers(1, 1_000),
    costs=st.lists(st.tuples(st.integers(1, 2_000), st.floats(0, 10)), max_size=50),
)
def test_a_caller_gets_at_most_its_burst_and_rate_and_is_served_after_the_time_it_was_given(
    rate: float, burst: int, costs: list[tuple[int, float]]
) -> None:
    buckets, now, spent, debt = TokenBuckets(rate, burst), 0.0, 0, 0

    for cost, pause in costs:
        now += pause
        try:
            buckets.take("a", cost, now)
        except RateLimitError as error:
            now += error.wait_seconds
            buckets.take("a", cost, now)
        spent, debt = spent + cost, max(debt, cost - burst)

        assert spent <= (burst + rate * now + debt) * (1 + 1e-9) + 1e-3


def test_callers_do_not_share_a_bucket() -> None:
    buckets = TokenBuckets(1, 2)
    buckets.take("a", 2, 0.0)

    with pytest.raises(RateLimitError):
        buckets.take("a", 1, 0.0)
    buckets.take("b", 2, 0.0)


def test_the_time_to_wait_is_that_until_the_tokens_are_there() -> None:
    buckets = TokenBuckets(2, 10)
    buckets.take("a", 10, 100.0)

    with pytest.raises(RateLimitError, match=r"retry in 1\.500 seconds") as caught:
        buckets.take("a", 3, 100.0)

    assert caught.value.wait_seconds == pytest.approx(1.5)
    buckets.take("a", 3, 101.5)


def test_what_exceeds_the_burst_needs_a_full_bucket_and_is_paid_for_afterwards() -> None:
    buckets = TokenBuckets(10, 5)
    buckets.take("a", 25, 0.0)

    with pytest.raises(RateLimitError) as caught:
        buckets.take("a", 1, 0.0)

    assert caught.value.wait_seconds == pytest.approx(2.1)


def test_the_messages_of_a_stream_wait_for_their_tokens() -> None:
    buckets = TokenBuckets(10, 2)

    assert [buckets.owe("a", 1, 0.0) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.1, 0.2])


def test_so_many_buckets_are_stored_and_no_more() -> None:
    buckets = TokenBuckets(1, 1, max_buckets=2)
    for name in "abc":
        buckets.take(name, 1, 0.0)

    with pytest.raises(RateLimitError):
        buckets.take("b", 1, 0.0)
    buckets.take("a", 1, 0.0)

    assert len(buckets) == 2


def test_the_bucket_of_the_caller_that_asked_longest_ago_is_the_one_that_is_dropped() -> None:
    buckets = TokenBuckets(1, 2, max_buckets=2)
    for name in ("a", "b", "a", "c"):
        buckets.take(name, 1, 0.0)

    with pytest.raises(RateLimitError):
        buckets.take("a", 1, 0.0)
    buckets.take("b", 2, 0.0)


def test_a_caller_without_a_name_is_its_address_whatever_its_port() -> None:
    class Context:
        def peer(self) -> str:
            return "ipv4:10.0.0.1:54321"

    context: Any = Context()

    assert payer_of(context, no_name) == "ipv4:10.0.0.1"
    assert payer_of(context, lambda _: "spiffe://a") == "spiffe://a"


async def test_a_call_beyond_the_rate_is_refused_with_the_rate_and_counted() -> None:
    async with served(rate_limit=0.001, rate_burst=3) as service:
        for _ in range(3):
            await service.decisions.CheckAssumeRole(check())

        refusal = await refused(service.decisions.CheckAssumeRole(check()))

        assert (refusal.code, refusal.reason, refusal.retry) == (EXHAUSTED, "RATE_LIMITED", True)
        assert (refusal.facts["rate"], refusal.facts["burst"]) == ("0.001", "3")
        assert service.server.grpc_server.refusals()["rate"] == 1


async def test_each_query_of_a_batch_counts() -> None:
    async with served(rate_limit=0.001, rate_burst=3) as service:
        batch = pb.BatchCheckAssumeRoleRequest(queries=[check().query] * 2)
        await service.decisions.BatchCheckAssumeRole(batch)

        refusal = await refused(service.decisions.BatchCheckAssumeRole(batch))
        await service.decisions.CheckAssumeRole(check())

        assert refusal.reason == "RATE_LIMITED"


async def test_a_stream_is_slowed_down_and_not_broken() -> None:
    async with served(rate_limit=1_000, rate_burst=1) as service:

        async def messages() -> Any:
            for number in range(20):
                yield pb.StreamCheckAssumeRoleRequest(sequence=number, query=check().query)

        answers = [answer.sequence async for answer in service.decisions.StreamCheckAssumeRole(messages())]

        assert answers == list(range(20))


async def test_without_a_rate_there_are_no_buckets() -> None:
    async with served() as service:
        assert service.server.grpc_server.rates is None


@pytest.mark.parametrize(("early", "refused"), [(0.5e-6, False), (1.5e-6, True)])
def test_a_caller_that_is_early_by_less_than_a_microsecond_is_not_refused_for_it(early: float, refused: bool) -> None:
    buckets = TokenBuckets(1.0, 1)
    buckets.take("orders", 1, 0.0)

    with pytest.raises(RateLimitError) if refused else nullcontext():
        buckets.take("orders", 1, 1.0 - early)


async def test_a_message_of_a_stream_waits_until_its_token_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        def peer(self) -> str:
            return "ipv4:10.0.0.1:7"

    waits, context = list[float](), Context()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    rates = CallerRates(TokenBuckets(2.0, 2), clock=lambda: 0.0)

    for _ in range(4):
        await rates.pace(context)  # type: ignore[arg-type]

    assert waits == [0.5, 1.0]
    assert rates.refused == 0
