from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rolecall.engine.errors import FutureRevisionError, InvalidRequestError
from rolecall.engine.follower import Follower
from rolecall.engine.history import RoleHistory
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.roles.change import Author, ChangeKind
from rolecall.roles.errors import FieldViolation, RevisionNotKeptError, StoreUnavailableError
from rolecall.roles.repository import Head
from rolecall.roles.role import Micros
from rolecall.storage.memory import MemoryRoleRepository
from tests.engine.world import allow, document, role

AUTHOR = Author(actor="a", time=Micros(1))
APP = role(document(allow()))


class Past:
    """A repository that others write to, and a follower that has seen nothing of it yet."""

    def __init__(self, readers: ThreadPoolExecutor) -> None:
        self.repository = MemoryRoleRepository()
        self.follower = Follower(self.repository, load_snapshot(self.repository), readers)
        self.history = RoleHistory(self.repository, self.follower, readers)

    def write(self, description: str) -> None:
        self.repository.transact(
            AUTHOR,
            lambda t: t.put(ChangeKind.UPDATED, replace(APP, description=description, revision=t.revision)),
        )


@pytest.fixture
async def past() -> AsyncIterator[Past]:
    with ThreadPoolExecutor(1) as readers:
        yield Past(readers)


async def test_a_role_is_given_as_it_was(past: Past) -> None:
    past.write("first")
    past.write("second")

    versions = [await past.history.version(APP.key, revision) for revision in (1, 2)]

    assert [version and version.role.description for version in versions] == ["first", "second"]
    assert await past.history.version("1/none", 2) is None


async def test_a_revision_that_this_process_has_not_seen_is_looked_for(past: Past) -> None:
    past.write("first")

    assert past.follower.snapshot.revision == 0
    assert await past.history.version(APP.key, 1) is not None
    assert past.follower.snapshot.revision == 1


async def test_a_revision_that_this_process_has_seen_is_read_without_a_poll(past: Past) -> None:
    past.write("first")
    await past.follower.catch_up()

    def polled() -> Head:
        raise StoreUnavailableError("not to be polled")

    past.repository.head = polled  # type: ignore[method-assign]

    version = await past.history.version(APP.key, 1)

    assert version
    assert version.role.description == "first"


async def test_a_revision_that_nobody_wrote_is_refused(past: Past) -> None:
    past.write("first")

    with pytest.raises(FutureRevisionError) as caught:
        await past.history.version(APP.key, 2)

    assert (caught.value.wanted, caught.value.head) == (2, 1)
    assert str(caught.value).startswith("`at_revision` requires revision 2, but the store is at 1: ")


async def test_before_the_first_revision_there_was_no_role(past: Past) -> None:
    assert await past.history.version(APP.key, 0) is None


async def test_there_is_no_revision_below_0(past: Past) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await past.history.version(APP.key, -1)

    assert caught.value.violations == (
        FieldViolation(field="at_revision", reason="REVISION_RANGE", message="must be 0 or more, not -1"),
    )


async def test_what_is_forgotten_is_refused(past: Past) -> None:
    for text in ("first", "second", "third"):
        past.write(text)
    past.repository.prune(keep_after=2**62, keep_revisions=1, forget_requests_before=0)

    with pytest.raises(RevisionNotKeptError):
        await past.history.version(APP.key, 1)
