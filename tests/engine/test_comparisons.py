"""When the roles in memory are compared with the store, and how often the store is read for that."""

from __future__ import annotations

import asyncio

import pytest

from rolecall.engine.reconciler import UNKNOWN_DIFFERENCE
from rolecall.engine.snapshot import RoleVersion
from rolecall.roles.errors import AlteredRolesError, StoreUnavailableError
from rolecall.roles.role import Revision
from tests.engine.following import Comparison, Parts
from tests.engine.world import ACCOUNT, allow, document, role


async def test_a_comparison_comes_after_each_interval_also_after_an_outage(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, done = Comparison(parts), list[float]()

    async def slept(seconds: float) -> None:
        note(seconds)

    async def reconcile() -> None:
        note(0)
        raise StoreUnavailableError("down")

    def note(seconds: float) -> None:
        done.append(seconds)
        if len(done) == 4:
            raise ValueError("the end of this test")

    monkeypatch.setattr(asyncio, "sleep", slept)
    monkeypatch.setattr(compared.reconciler, "reconcile", reconcile)
    with pytest.raises(ValueError, match="the end"):
        await compared.reconciler.run(600.0)

    assert done == [600.0, 0, 600.0, 0]


@pytest.mark.parametrize("roles", [1, 1_200])
async def test_a_state_that_is_that_of_the_store_is_caught_up_as_often_however_many_roles_it_has(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, roles: int
) -> None:
    parts.put(*(f"r{n}" for n in range(roles)))
    await parts.follower.catch_up()
    caught_up, catch_up = list[Revision](), parts.follower.catch_up

    async def counted() -> Revision:
        caught_up.append(await catch_up())
        return caught_up[-1]

    monkeypatch.setattr(parts.follower, "catch_up", counted)
    await Comparison(parts).reconciler.reconcile()

    # Before the roles are read, and for their number and their digest, which are those of a later head.
    assert caught_up == [1] * 3


async def test_a_digest_is_compared_although_another_process_wrote_just_before(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    parts.repository._state.digest.add(parts.repository._state.roles[f"{ACCOUNT}/a"])
    compared, caught_up = Comparison(parts), list[int]()
    catch_up = parts.follower.catch_up

    async def then_another_writes() -> Revision:
        caught_up.append(await catch_up())
        if len(caught_up) == 2:
            # The roles have been counted, and the head with the digest is read next.
            parts.put("b")
        return Revision(caught_up[-1])

    parts.follower.catch_up = then_another_writes  # type: ignore[method-assign]
    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert compared.reported == [[UNKNOWN_DIFFERENCE]]
    assert caught_up == [1, 1, 2]


@pytest.mark.parametrize(("roles", "pauses"), [(199, 1), (200, 1), (201, 2), (400, 2)])
async def test_a_digest_pauses_after_each_two_hundred_roles(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, roles: int, pauses: int
) -> None:
    paused, version = list[float](), RoleVersion(role(document(allow())))

    async def slept(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", slept)
    await Comparison(parts).reconciler._digest_of([version] * roles)

    assert len(paused) == pauses
