"""How a replica becomes ready, ages, and forgets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from rolecall_client import RolecallError, query
from rolecall_client.local import LocalOptions, LocalReplica
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w
from tests.clients.local.feeding import CALL, OPENED, Clocks, changed, checkpoint, fed
from tests.engine.world import ACCOUNT, ALICE, allow, deny, document

APP = changed(document(allow()))
ASKED = query(ALICE, f"{ACCOUNT}/app")
DENIED = RolecallError("PERMISSION_DENIED", "no right to watch")


def test_a_replica_is_not_ready_before_its_initial_state_is_whole() -> None:
    replica = LocalReplica(LocalOptions())
    replica.restart()
    replica.change(APP)

    assert (replica.ready, replica.revision, replica.staleness()) == (False, 0, None)
    assert replica.answer(ASKED, None, CALL) is None


def test_a_replica_reports_its_revision_and_staleness() -> None:
    clocks = Clocks()
    replica = fed(APP, clocks=clocks)
    clocks.age += 3

    assert (replica.ready, replica.revision) == (True, 5)
    assert replica.staleness() == pytest.approx(3, abs=0.01)


def test_roles_that_are_too_old_decide_nothing_until_a_checkpoint_confirms_them() -> None:
    clocks = Clocks()
    replica = fed(APP, clocks=clocks, max_staleness_seconds=10)

    clocks.age += 11
    too_old = (replica.ready, replica.answer(ASKED, None, CALL))
    replica.checkpoint(checkpoint(5, stream_age=11), OPENED)

    assert too_old == (False, None)
    assert replica.answer(ASKED, None, CALL) is not None


def test_a_server_that_sends_no_ages_makes_no_replica_ready(caplog: pytest.LogCaptureFixture) -> None:
    replica = fed(APP)

    replica.restart()
    for revision in (6, 7):
        replica.checkpoint(w.WatchCheckpoint(revision=revision, token="t"), OPENED)

    assert (replica.ready, replica.staleness()) == (False, None)
    assert ["update the server" in line for line in caplog.messages] == [True]


def test_the_state_before_decides_until_a_new_one_is_whole() -> None:
    replica = fed(APP)

    replica.restart()
    replica.change(changed(document(deny()), revision=7))
    before = replica.answer(ASKED, None, CALL)
    replica.checkpoint(checkpoint(8), OPENED)
    after = replica.answer(ASKED, None, CALL)

    assert before is not None
    assert after is not None
    assert [before.decision.allowed, after.decision.allowed] == [True, False]
    assert (before.consistency_token, after.consistency_token) == ("token-5", "token-8")


def test_a_stream_that_breaks_leaves_the_roles_as_they_are() -> None:
    replica = fed(APP)

    replica.broken(RolecallError("UNAVAILABLE", "gone"))

    assert replica.answer(ASKED, None, CALL) is not None


def test_a_client_that_may_not_watch_decides_nothing_and_keeps_nothing(caplog: pytest.LogCaptureFixture) -> None:
    replica = fed(APP)

    replica.broken(DENIED)
    refused = replica.answer(ASKED, None, CALL)
    replica.checkpoint(checkpoint(6), OPENED)

    assert refused is None
    assert ["no right to watch" in line for line in caplog.messages] == [True]
    assert (replica.ready, replica.revision) == (False, 0)


def test_a_closed_replica_decides_nothing() -> None:
    replica = fed(APP)

    replica.close()
    replica.checkpoint(checkpoint(6), OPENED)

    assert replica.answer(ASKED, None, CALL) is None


def test_waiting_ends_when_the_initial_state_is_whole() -> None:
    clocks = Clocks()
    replica = LocalReplica(LocalOptions(), clock=clocks.boottime)
    replica.restart()
    ready = list[bool]()
    waiting = threading.Thread(target=lambda: ready.append(replica.wait_until_ready(30)))

    waiting.start()
    replica.checkpoint(checkpoint(5), clocks.age)
    waiting.join()

    assert ready == [True]
    assert replica.wait_until_ready(0)


def test_waiting_ends_with_its_time() -> None:
    replica = LocalReplica(LocalOptions())

    assert not replica.wait_until_ready(0)
    assert replica._waiting == set()


def test_waiting_ends_with_the_error_of_a_watch_that_is_refused() -> None:
    replica = LocalReplica(LocalOptions())
    replica.broken(DENIED)

    with pytest.raises(RolecallError) as caught:
        replica.wait_until_ready(30)

    assert caught.value is DENIED


async def test_an_event_loop_waits_alike() -> None:
    clocks = Clocks()
    replica = LocalReplica(LocalOptions(), clock=clocks.boottime)
    replica.restart()
    waiting = asyncio.create_task(replica.until_ready(30))
    late = await replica.until_ready(0)

    await asyncio.sleep(0)
    replica.checkpoint(checkpoint(5), clocks.age)

    assert (late, await waiting) == (False, True)
    assert replica._waiting == set()


async def test_an_event_loop_waits_until_the_watch_is_refused() -> None:
    replica = LocalReplica(LocalOptions())
    waiting = asyncio.create_task(replica.until_ready(30))

    await asyncio.sleep(0)
    replica.broken(DENIED)

    with pytest.raises(RolecallError):
        await waiting


def test_a_deleted_role_is_not_found() -> None:
    replica = fed(APP)

    replica.change(changed(document(allow()), revision=6, kind=r.CHANGE_KIND_DELETED))
    replica.checkpoint(checkpoint(6), OPENED)

    answer = replica.answer(ASKED, None, CALL)
    assert answer is not None
    assert not answer.decision.role_id


def test_roles_with_equal_texts_share_them_in_memory() -> None:
    texts = [changed(document(allow()), name=f"app-{number}", tags={"team": "red"}) for number in range(2)]
    replica = fed(*[w.RoleWatchChange.FromString(change.SerializeToString()) for change in texts])

    first, second = (version.role for version in replica._state.snapshot.versions())

    assert replica._reader._shared == {}
    assert first.document is second.document
    assert first.tags is second.tags


@pytest.mark.parametrize(
    "options",
    [
        {"account_ids": ("prod",)},
        {"account_ids": ACCOUNT},
        {"account_ids": ("1",) * 101},
        {"default_account": "prod"},
        {"max_staleness_seconds": -1},
        {"max_clock_error_seconds": float("nan")},
        {"cache_bytes": float("inf")},
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|may have"):
        LocalOptions(**options)
