"""Roles that no server wrote, in the store or in memory: they are found and reported, and never loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rolecall.engine.follower import Reload
from rolecall.engine.reconciler import UNKNOWN_DIFFERENCE, UNKNOWN_ROLES
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import AlteredRolesError
from rolecall.roles.role import Role
from tests.engine.following import Comparison, Parts, altered, held
from tests.engine.world import ACCOUNT

SECOND = 1_000_000


@pytest.mark.parametrize("damage", ["altered", "gone", "more", "digest"])
async def test_what_was_altered_behind_the_logs_back_is_reported_and_never_loaded(parts: Parts, damage: str) -> None:
    parts.put("a", "b")
    await parts.follower.catch_up()
    before = {version.role.key: version.role for version in parts.follower.snapshot.versions()}
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    match damage:
        case "altered":
            stored[key] = altered(stored[key])
        case "gone":
            del stored[key]
        case "more":
            stored[f"{ACCOUNT}/c"] = replace(stored[key], role_name="c")
        case "digest":
            parts.repository._state.digest.add(stored[key])
    compared = Comparison(parts)

    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()

    assert compared.reported == [[{"more": UNKNOWN_ROLES, "digest": UNKNOWN_DIFFERENCE}.get(damage, key)]]
    assert (parts.reloads, compared.reconciler.mismatches) == ({}, 1)
    assert {version.role.key: version.role for version in parts.follower.snapshot.versions()} == before
    assert parts.altered == [
        "the roles of the store are not those that servers wrote up to revision 1; run `rolecall audit verify`"
    ]


async def test_an_altered_store_that_was_mended_is_no_longer_reported(parts: Parts) -> None:
    parts.put("a", "b")
    await parts.follower.catch_up()
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    right, stored[key] = stored[key], altered(stored[key])
    compared = Comparison(parts)
    with pytest.raises(AlteredRolesError):
        await compared.reconciler.reconcile()
    stored[key] = right

    await compared.reconciler.reconcile()

    assert (len(parts.altered), parts.altered[-1], parts.follower.altered) == (2, "", "")


async def test_an_altered_store_is_loaded_again_only_after_a_pause(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    load, loads, now = parts.repository.load, list[int](), parts.now

    def counted(digest: StateDigest | None = None) -> Iterator[Role]:
        loads.append(parts.now - now)
        return load(digest)

    parts.repository.load = counted  # type: ignore[method-assign]
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    right, stored[key] = stored[key], altered(stored[key])

    for later in (0, 1, 60 * SECOND - 1, 60 * SECOND):
        parts.now = now + later
        with pytest.raises(AlteredRolesError):
            await parts.follower.reload(Reload.GAP)
    stored[key], parts.now = right, now + 121 * SECOND
    await parts.follower.reload(Reload.GAP)

    assert loads == [0, 60 * SECOND, 121 * SECOND]
    assert parts.reloads == {"gap": 1}


async def test_an_altered_role_that_a_write_met_delays_no_load(parts: Parts) -> None:
    parts.put("a")
    parts.follower.set_altered("a write found an altered role")

    await parts.follower.reload(Reload.BEHIND)

    assert (held(parts), parts.follower.altered) == ({"a"}, "")


async def test_commits_are_applied_while_the_store_is_known_to_be_altered(parts: Parts) -> None:
    parts.put("a")
    await parts.follower.catch_up()
    stored, key = parts.repository._state.roles, f"{ACCOUNT}/a"
    stored[key] = altered(stored[key])
    with pytest.raises(AlteredRolesError):
        await Comparison(parts).reconciler.reconcile()

    parts.put("b")
    await parts.follower.catch_up()

    assert held(parts) == {"a", "b"}
    assert parts.follower.snapshot.version(key).role.description == ""  # type: ignore[union-attr]


async def test_a_role_that_is_wrong_in_memory_is_found_and_reloaded(parts: Parts) -> None:
    parts.put("a", "b")
    await parts.follower.catch_up()
    version = parts.follower.snapshot.version(f"{ACCOUNT}/a")
    assert version is not None
    version.role = altered(version.role)
    compared = Comparison(parts)

    await compared.reconciler.reconcile()

    assert compared.reported == [[f"{ACCOUNT}/a"]]
    assert (parts.reloads, parts.altered) == ({"mismatch": 1}, [])
    stored = parts.repository._state.roles
    assert {version.role.key: version.role for version in parts.follower.snapshot.versions()} == stored
