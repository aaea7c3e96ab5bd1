"""Histories that are lost while something uses them: a write of this process, a load, an outage, a token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolecall.engine.consistency import AtLeastAsFresh, Consistency
from rolecall.engine.errors import FutureRevisionError
from rolecall.engine.follower import Follower
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.canonical_json import FIRST_HASH
from rolecall.roles.digest import StateDigest
from rolecall.roles.errors import StoreUnavailableError, UnknownIncarnationError
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens
from tests.engine.following import Parts, held, written
from tests.engine.world import ACCOUNT


def test_a_snapshot_knows_which_history_it_is_of(parts: Parts) -> None:
    commit = parts.put("a")
    loaded = load_snapshot(parts.repository)

    assert Snapshot().hash == FIRST_HASH
    assert (loaded.hash, loaded.incarnation) == (commit.hash, parts.repository.head().incarnation)


async def test_a_token_of_the_future_stays_refused_when_others_write(parts: Parts) -> None:
    # row 55 of the faults
    parts.put("a")

    with pytest.raises(FutureRevisionError):
        await parts.consistency.reach(AtLeastAsFresh(parts.tokens.consistency(Revision(9))))


async def test_an_own_write_into_another_history_is_not_taken_for_one_that_was_applied(parts: Parts) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost 1")
    parts.put("lost 2")
    parts.follower.start(load_snapshot(parts.repository), parts.now)
    parts.repository.put_back(saved)

    own = await parts.writer.write(lambda: written(parts.put("own")))
    after = held(parts)

    assert own.revision == 2
    assert after == {"kept", "own"}
    assert parts.reloads == {"fork": 1}


async def test_a_history_that_is_lost_while_it_is_loaded_is_loaded_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    earlier = load_snapshot(parts.repository)
    parts.put("lost")
    load, loads = parts.repository.load, list[int]()

    def losing(digest: StateDigest | None = None) -> Iterator[Role]:
        loads.append(1)
        roles = list(load(digest))
        if len(loads) == 1:
            parts.repository.put_back(saved)
            for name in "xyz":
                parts.put(name)
        yield from roles

    monkeypatch.setattr(parts.repository, "load", losing)
    snapshot = load_snapshot(parts.repository, kept=earlier)

    assert {version.role.role_name for version in snapshot.versions()} == {"kept", *"xyz"}
    assert snapshot.version(f"{ACCOUNT}/kept") is earlier.version(f"{ACCOUNT}/kept")
    assert len(loads) == 2


async def test_a_fork_counts_also_when_the_store_goes_away_again(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    # row 69 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    parts.put("lost")
    await parts.follower.catch_up()
    parts.repository.put_back(saved)
    load, loads = parts.repository.load, list[int]()

    def failing_once(digest: StateDigest | None = None) -> Iterator[Role]:
        loads.append(1)
        if len(loads) == 1:
            raise StoreUnavailableError("away again")
        return load(digest)

    monkeypatch.setattr(parts.repository, "load", failing_once)
    with pytest.raises(StoreUnavailableError):
        await parts.follower.catch_up()
    await parts.follower.catch_up()

    assert parts.reloads["fork"] == 1


async def test_a_token_of_a_history_that_turns_out_to_be_lost_is_refused(parts: Parts) -> None:
    # row 55 of the faults
    parts.put("kept")
    saved = parts.repository.saved()
    await parts.follower.catch_up()
    tokens = Tokens(parts.repository.token_key, parts.repository.head().incarnation)
    behind = Follower(parts.repository, load_snapshot(parts.repository), parts.readers, on_rename=tokens.adopt)
    parts.put("lost")
    await parts.follower.catch_up()
    token = parts.consistency.token()
    parts.repository.put_back(saved)
    parts.put("x")
    parts.put("y")
    await parts.follower.catch_up()

    with pytest.raises(UnknownIncarnationError, match=r"^`start_token` comes from another history"):
        await Consistency(behind, tokens).reach(AtLeastAsFresh(token, "start_token"))
