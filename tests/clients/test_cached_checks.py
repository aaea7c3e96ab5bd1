"""Checks through the cache of a client, synchronous and asynchronous alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from rolecall_client import RolecallError, query
from rolecall_client.answer_cache import AnswerCache
from rolecall_client.async_cached_checks import AsyncCachedChecks
from rolecall_client.cached_checks import CachedChecks
from rolecall_client.checks import CallOptions
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.answers import ROLE, Cached, answer, change, simple
from tests.clients.test_client import ALICE

OPTIONS = CallOptions(timeout=1)


class Server:
    """The next layer: answers with what it was given, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked = list[d.AssumeRoleQuery]()
        self.answer: d.CheckAssumeRoleResponse | RolecallError = answer()
        self.meanwhile: Callable[[], object] = lambda: None

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        self.asked.append(query)
        self.meanwhile()
        if isinstance(self.answer, RolecallError):
            raise self.answer
        return self.answer


class AsyncServer:
    """The same for one event loop."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        await asyncio.sleep(0)
        return self._server.check(query, consistency, options)


Ask: TypeAlias = "Callable[..., d.CheckAssumeRoleResponse]"


class Setting:
    """A layer with its cache, its credential, and what is behind it."""

    def __init__(self, kind: str) -> None:
        self.cached, self.server, self.credential = Cached(), Server(), b"1"
        self.cached.watch()
        self._check = self._made(kind, self.cached.cache)

    def check(
        self,
        asked: d.AssumeRoleQuery | None = None,
        consistency: d.Consistency | None = None,
        options: CallOptions = OPTIONS,
    ) -> d.CheckAssumeRoleResponse:
        """Ask the layer."""
        found = self._check(asked or simple(), consistency, options)
        return asyncio.run(_awaited(found)) if isinstance(found, Awaitable) else found

    def _made(
        self, kind: str, cache: AnswerCache
    ) -> Callable[..., d.CheckAssumeRoleResponse | Awaitable[d.CheckAssumeRoleResponse]]:
        if kind == "async":
            return AsyncCachedChecks(cache, AsyncServer(self.server), lambda: self.credential).check
        return CachedChecks(cache, self.server, lambda: self.credential).check


async def _awaited(found: Awaitable[d.CheckAssumeRoleResponse]) -> d.CheckAssumeRoleResponse:
    return await found


@pytest.fixture(params=["sync", "async"])
def setting(request: pytest.FixtureRequest) -> Setting:
    return Setting(request.param)


def test_a_second_check_is_answered_without_the_server(setting: Setting) -> None:
    first = setting.check()
    second = setting.check()

    assert len(setting.server.asked) == 1
    assert (first.decision.served_from, second.decision.served_from) == (d.SERVED_FROM_EVALUATED, d.SERVED_FROM_CACHED)


@pytest.mark.parametrize(
    ("consistency", "asked"),
    [
        (None, 1),
        (d.Consistency(), 1),
        (d.Consistency(minimize_latency=True), 1),
        (d.Consistency(minimize_latency=False), 2),
        (d.Consistency(at_least_as_fresh="token-1"), 2),
        (d.Consistency(fully_consistent=True), 2),
        (d.Consistency(fully_consistent=False), 2),
    ],
)
def test_a_check_that_requires_freshness_asks_the_server(
    setting: Setting, consistency: d.Consistency | None, asked: int
) -> None:
    setting.check()

    setting.check(consistency=consistency)

    assert len(setting.server.asked) == asked


def test_the_answer_to_a_check_that_required_freshness_is_cached(setting: Setting) -> None:
    setting.check(consistency=d.Consistency(fully_consistent=True))
    setting.check()

    assert len(setting.server.asked) == 1


def test_calls_with_metadata_of_their_own_neither_use_nor_fill_the_cache(setting: Setting) -> None:
    own = CallOptions(timeout=1, metadata=(("x-tenant", "1"),))

    setting.check(options=own)
    setting.check()
    setting.check(options=own)

    assert len(setting.server.asked) == 3


def test_the_answer_to_a_token_is_not_cached(setting: Setting) -> None:
    proved = query("acs:ram::123456789012:oidc-provider/p", ROLE, token="ey.J.x")

    setting.check(proved)
    setting.check(proved)

    assert len(setting.server.asked) == 2
    assert len(setting.cached.cache) == 0


def test_errors_are_not_cached(setting: Setting) -> None:
    setting.server.answer = RolecallError("UNAVAILABLE", "away")
    for _ in range(2):
        with pytest.raises(RolecallError, match="away"):
            setting.check()

    assert len(setting.server.asked) == 2


def test_another_credential_asks_again(setting: Setting) -> None:
    setting.check()
    setting.credential = b"2"
    setting.check()

    assert len(setting.server.asked) == 2


def test_an_answer_that_a_change_overtakes_is_returned_once_and_not_cached(setting: Setting) -> None:
    setting.server.meanwhile = lambda: setting.cached.cache.change(change(6))

    setting.check()
    setting.check()

    assert len(setting.server.asked) == 2


def test_a_query_that_its_caller_changes_meanwhile_is_cached_as_it_was_sent(setting: Setting) -> None:
    asked = query(ALICE, ROLE)

    def change_it() -> None:
        asked.role = "another"

    setting.server.meanwhile = change_it
    setting.check(asked)

    assert setting.cached.found(simple(ROLE))
    assert not setting.cached.found(simple("another"))


def test_the_age_of_an_answer_counts_from_before_it_was_asked(setting: Setting) -> None:
    def take_long() -> None:
        setting.cached.clock.now += 11

    setting.server.meanwhile = take_long
    setting.check()

    assert not setting.cached.found()
