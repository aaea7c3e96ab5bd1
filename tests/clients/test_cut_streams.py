"""A client with a cache whose stream is cut while a right is revoked: no stale allow beyond the stated bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rolecall_client import AnswerCacheOptions, RolecallClient, RolecallError, async_cached_checks, cached_checks
from rolecall_client.answer_cache import AnswerCache
from rolecall_client.boottime import boottime
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.chaos.proxy import Proxy
from tests.cli.serving import served
from tests.clients.batching.held_server import Asker
from tests.clients.recording_sink import PATIENCE_SECONDS
from tests.clients.test_client import POLICY
from tests.storage.waiting import wait_until

BOUND_SECONDS = 10.0
DENY = POLICY.replace('"Allow"', '"Deny"')


class ShiftedClock:
    """The clock of the client, as if time had passed."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self) -> float:
        return boottime() + self.shift


class TrustingCache(AnswerCache):
    """A cache that knows that the store lost no commits before its watch started, so that no test waits for that."""

    def restart(self) -> None:
        super().restart()
        self._same_history_from = -math.inf


class CachedClient:
    """A client of either kind behind a proxy, its cache, and its clock."""

    def __init__(self, asker: Asker, proxy: Proxy, caches: list[AnswerCache], clock: ShiftedClock) -> None:
        self._asker, self.proxy, self._caches, self.clock = asker, proxy, caches, clock

    def check(self, role: str) -> d.Decision:
        """Return the decision, or raise `RolecallError`."""
        return self._asker.ask(role, timeout=1).result(PATIENCE_SECONDS).decision

    def cache_answer(self, role: str) -> None:
        """Ask until the answer comes from the cache, and the watch is open."""
        wait_until(lambda: self.check(role).served_from == d.SERVED_FROM_CACHED and self.followed < BOUND_SECONDS)

    @property
    def followed(self) -> float:
        """Return the age of the followed state."""
        return self._caches[0]._age.at(self.clock())


@pytest.fixture(params=["sync", "async"])
def cached(request: pytest.FixtureRequest, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CachedClient]:
    clock, caches = ShiftedClock(), list[AnswerCache]()

    def made(options: AnswerCacheOptions) -> AnswerCache:
        caches.append(TrustingCache(options, clock))
        return caches[-1]

    for module in (cached_checks, async_cached_checks):
        monkeypatch.setattr(module, "AnswerCache", made)
    proxy = Proxy("127.0.0.1", int(address.rpartition(":")[2]))
    asker = Asker(request.param, f"127.0.0.1:{proxy.port}", AnswerCacheOptions())
    yield CachedClient(asker, proxy, caches, clock)
    asker.close()
    proxy.close()


@pytest.fixture
def admin(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as admin:
        yield admin


@pytest.fixture
def role(admin: RolecallClient, request: pytest.FixtureRequest) -> str:
    """Return the name of a role that allows."""
    name = f"cut-{abs(hash(request.node.nodeid))}"
    admin.create_role(r.CreateRoleRequest(role_name=name, assume_role_policy_document=POLICY))
    return name


def revoke(admin: RolecallClient, role: str) -> None:
    admin.update_role(r.UpdateRoleRequest(role=role, assume_role_policy_document=DENY))


def test_a_revocation_is_pushed_out_of_the_cache(cached: CachedClient, admin: RolecallClient, role: str) -> None:
    cached.cache_answer(role)

    revoke(admin, role)
    decisions = list[d.Decision]()

    def is_denied() -> bool:
        decisions.append(cached.check(role))
        return not decisions[-1].allowed

    wait_until(is_denied)

    # Once the change has arrived no allow comes back.
    assert not any(cached.check(role).allowed for _ in range(20))
    assert all(decision.staleness.ToMilliseconds() <= BOUND_SECONDS * 1_000 for decision in decisions)


@pytest.mark.parametrize("fail", [Proxy.silence, Proxy.refuse], ids=["silent", "cut"])
def test_behind_a_failed_connection_an_allow_ends_at_the_bound(
    cached: CachedClient, admin: RolecallClient, role: str, fail: Callable[[Proxy], None]
) -> None:
    cached.cache_answer(role)
    fail(cached.proxy)
    revoke(admin, role)

    cached.clock.shift = BOUND_SECONDS - cached.followed - 1
    within = cached.check(role)
    cached.clock.shift += 1.1
    with pytest.raises(RolecallError) as beyond:
        cached.check(role)
    cached.proxy.open()

    assert within.allowed
    assert BOUND_SECONDS - 2 <= within.staleness.ToMilliseconds() / 1_000 <= BOUND_SECONDS
    assert beyond.value.code in ("DEADLINE_EXCEEDED", "UNAVAILABLE")
    wait_until(lambda: not _allowed(cached, role))


def test_a_stream_that_is_resumed_drops_what_changed_meanwhile(
    cached: CachedClient, admin: RolecallClient, role: str
) -> None:
    cached.cache_answer(role)
    cached.proxy.refuse()
    revoke(admin, role)
    while_cut = cached.check(role)

    cached.proxy.open()
    wait_until(lambda: not _allowed(cached, role))

    assert while_cut.allowed
    assert while_cut.served_from == d.SERVED_FROM_CACHED


def test_a_server_that_is_gone_is_not_replaced_by_the_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ShiftedClock()
    monkeypatch.setattr(cached_checks, "AnswerCache", lambda options: TrustingCache(options, clock))
    with served(directory=tmp_path) as address:
        asker = Asker("sync", address, AnswerCacheOptions())
        with RolecallClient(address) as admin:
            admin.create_role(r.CreateRoleRequest(role_name="gone", assume_role_policy_document=POLICY))
        asker.ask("gone").result(PATIENCE_SECONDS)

    within = asker.ask("gone").result(PATIENCE_SECONDS)
    clock.shift = BOUND_SECONDS + 0.1
    beyond = asker.ask("gone", timeout=1).exception(PATIENCE_SECONDS)
    asker.close()

    assert within.decision.served_from == d.SERVED_FROM_CACHED
    assert isinstance(beyond, RolecallError)


def _allowed(cached: CachedClient, role: str) -> bool:
    try:
        return cached.check(role).allowed
    except RolecallError:
        return True
