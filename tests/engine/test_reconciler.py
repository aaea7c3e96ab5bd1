"""How a state is compared with its store: in which reads, how far, and beside writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rolecall.engine.reconciler import TRIES_TO_COUNT, Reconciler
from rolecall.roles.errors import AlteredRolesError
from rolecall.roles.repository import Examined, Head
from tests.engine.following import Comparison, Parts, altered, held, stopped, until
from tests.engine.world import ACCOUNT


async def test_a_state_that_is_the_stores_differs_in_nothing(parts: Parts) -> None:
    parts.put(*(f"r{n}" for n in range(1_200)))
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, compared.reconciler.passes, compared.reconciler.mismatches, parts.reloads) == (
        [],
        1,
        0,
        {},
    )


async def test_a_wholly_different_state_is_not_compared_to_its_end(parts: Parts) -> None:
    parts.put(*(f"r{n}" for n in range(1_200)))
    await parts.follower.catch_up()
    for key, role in parts.repository._state.roles.items():
        parts.repository._state.roles[key] = altered(role)
    compared = Comparison(parts)

    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert len(compared.reported[0]) == 20


@pytest.mark.parametrize(("differing", "reads"), [(19, 2), (20, 1), (21, 1)])
async def test_a_comparison_ends_with_the_read_that_has_found_twenty_roles(
    parts: Parts, differing: int, reads: int
) -> None:
    parts.put(*(f"r{n}" for n in range(501)))
    await parts.follower.catch_up()
    examine, read = parts.repository.examine, list[int]()

    def counted(keys: Sequence[str]) -> Examined:
        read.append(len(keys))
        return examine(keys)

    parts.repository.examine = counted  # type: ignore[method-assign]
    keys = [version.role.key for version in parts.follower.snapshot.versions()][:differing]
    for key in keys:
        parts.repository._state.roles[key] = altered(parts.repository._state.roles[key])
    compared = Comparison(parts)

    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert read == [500, 1][:reads]
    assert compared.reported == [keys[:20]]


async def test_a_comparison_reads_each_role_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.put(*(f"r{n}" for n in range(1_200)))
    read, examine = list[str](), parts.repository.examine

    def counted(keys: Sequence[str]) -> Examined:
        read.extend(keys)
        return examine(keys)

    monkeypatch.setattr(parts.repository, "examine", counted)
    await Comparison(parts).reconciler.reconcile()

    assert sorted(read) == sorted(f"{ACCOUNT}/r{n}" for n in range(1_200))


@pytest.mark.parametrize(("roles", "reads", "steps"), [(1, 1, 1), (1_000, 2, 5), (1_001, 3, 6)])
async def test_a_comparison_pauses_after_each_read_of_500_roles_and_each_200_of_the_digest(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, roles: int, reads: int, steps: int
) -> None:
    parts.put(*(f"r{n}" for n in range(roles)))
    await parts.follower.catch_up()
    pauses, sleep = list[float](), asyncio.sleep

    async def sleep_shortly(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep_shortly)
    await Reconciler(parts.follower, parts.repository, parts.readers, on_mismatch=print).reconcile()

    assert pauses.count(0.02) == reads + steps


async def test_roles_of_another_history_are_not_compared(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    head = parts.repository.head()

    def of_another_history(keys: Sequence[str]) -> Examined:
        return Examined(replace(head, incarnation="another"), {})

    parts.repository.examine = of_another_history  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert compared.reported == []


async def test_roles_that_change_meanwhile_are_no_mismatch(parts: Parts) -> None:
    parts.put("a", "b", "c")
    examine, census, changed = parts.repository.examine, parts.repository.census, [0]

    def meanwhile(keys: Sequence[str]) -> Examined:
        parts.put("a")
        found = examine(keys)
        parts.put("b")
        return found

    def counted() -> tuple[Head, int]:
        found = census()
        changed[0] += 1
        if changed[0] < 3:
            parts.put(f"new-{changed[0]}")
        return found

    parts.repository.examine = meanwhile  # type: ignore[method-assign]
    parts.repository.census = counted  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, parts.reloads, changed) == ([], {}, [3])


async def test_the_digest_of_a_store_that_never_rests_is_not_compared(parts: Parts) -> None:
    head, times = parts.repository.head, [0]

    def moving() -> Head:
        found = head()
        times[0] += 1
        parts.put(f"later-{times[0]}")
        return found

    parts.repository.head = moving  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, parts.reloads) == ([], {})
    assert times[0] >= TRIES_TO_COUNT


async def test_a_store_that_never_rests_is_not_counted(parts: Parts) -> None:
    census, times = parts.repository.census, [0]

    def counted() -> tuple[Head, int]:
        found = census()
        times[0] += 1
        parts.put(f"new-{times[0]}")
        return found

    parts.repository.census = counted  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, times) == ([], [3])


async def test_a_role_that_is_deleted_while_it_is_compared_is_no_mismatch(parts: Parts) -> None:
    commit = parts.put("a")
    await parts.follower.catch_up()
    examine = parts.repository.examine

    def deleted(keys: Sequence[str]) -> Examined:
        found = examine(keys)
        parts.repository.transact(commit.author, lambda t: t.delete(commit.changes[0].role))
        return Examined(parts.repository.head(), found.roles)

    parts.repository.examine = deleted  # type: ignore[method-assign]
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert (compared.reported, held(parts)) == ([], set())


async def test_comparisons_are_repeated_and_outlive_an_outage(parts: Parts) -> None:
    parts.put("a")
    compared = Comparison(parts)
    failed, head = list[int](), parts.repository.head

    def down_or_up() -> Head:
        if parts.repository.down:
            failed.append(1)
        return head()

    parts.repository.head = down_or_up  # type: ignore[method-assign]
    parts.repository.down = True
    task = asyncio.create_task(compared.reconciler.run(0.001))
    await until(lambda: len(failed) >= 3)
    during = compared.reconciler.passes
    parts.repository.down = False

    await until(lambda: compared.reconciler.passes >= 2)

    await stopped(task)
    assert during == 0
