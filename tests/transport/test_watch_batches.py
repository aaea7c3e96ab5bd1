"""Batches of a watch: fewer messages, the same events in the same order."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from itertools import pairwise

from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound
from rolecall.roles.change import ChangeKind
from rolecall.roles.role import Revision, Role
from rolecall.transport.codecs.watch import EventEncoder
from rolecall.transport.codecs.watch_batches import BATCH_BYTES, BatchMemory, WatchBatches
from rolecall_client.v1 import watch_pb2 as pb
from rolecall_client.watch_progress import WatchProgress
from tests.server.serving import Served
from tests.transport.test_watch import declare
from tests.transport.test_watch_codec import ROLE, TOKENS

LARGE = "x" * 1_000


def role(number: int, description: str = "") -> Role:
    return replace(ROLE, role_id=str(number), role_name=f"app-{number}", description=description)


def changed(number: int, description: str = "") -> RoleChanged:
    return RoleChanged(Revision(number), ChangeKind.UPDATED, role(number, description))


def checkpoint(revision: int) -> Checkpoint:
    return Checkpoint(Revision(revision), staleness=0, stream_age=0)


async def messages_of(
    *events: RoleChanged | RoleFound | Checkpoint | ResyncRequired, memory: BatchMemory | None = None
) -> list[pb.WatchRolesResponse]:
    sent: list[bytes] = []

    async def write(message: bytes) -> None:
        sent.append(message)

    encoder = EventEncoder(TOKENS)
    with WatchBatches(write, memory or BatchMemory()) as batches:
        for event in events:
            await batches.add(encoder.encode(event), event)
    return [pb.WatchRolesResponse.FromString(message) for message in sent]


async def test_changes_are_sent_with_the_checkpoint_that_follows_them() -> None:
    found = RoleFound(role(0))

    messages = await messages_of(checkpoint(1), found, changed(2), changed(3), checkpoint(3))

    first, second = messages
    assert (first.WhichOneof("event"), second.WhichOneof("event")) == ("checkpoint", "batch")
    assert [change.role.role_name for change in second.batch.changes] == ["app-0", "app-2", "app-3"]
    assert second.batch.checkpoint.revision == 3
    assert second.batch.checkpoint.token


async def test_a_batch_is_sent_when_it_is_full_and_no_change_is_lost_or_repeated() -> None:
    messages = await messages_of(*(changed(n, LARGE) for n in range(1, 201)), checkpoint(200))

    sizes = [message.ByteSize() for message in messages]
    assert len(messages) > 3
    assert all(BATCH_BYTES <= size < BATCH_BYTES + 2_000 for size in sizes[:-1])
    assert [change.revision for message in messages for change in message.batch.changes] == list(range(1, 201))
    assert [message.batch.HasField("checkpoint") for message in messages] == [False] * (len(messages) - 1) + [True]


async def test_the_changes_before_a_resync_are_sent_first() -> None:
    messages = await messages_of(changed(1), ResyncRequired("the history is another one"))

    assert [message.WhichOneof("event") for message in messages] == ["batch", "resync_required"]


async def test_while_clients_that_do_not_read_fill_the_memory_each_change_is_sent_by_itself() -> None:
    memory, read = BatchMemory(max_bytes=3_000), asyncio.Event()
    encoder = EventEncoder(TOKENS)

    async def wait(_: bytes) -> None:
        await read.wait()

    async def slow() -> None:
        with WatchBatches(wait, memory) as batches:
            for number in range(1, 10):
                await batches.add(encoder.encode(changed(number, LARGE)), changed(number, LARGE))

    waiting = asyncio.create_task(slow())
    await asyncio.sleep(0)
    crowded = await messages_of(changed(1), changed(2), checkpoint(2), memory=memory)
    read.set()
    await waiting

    assert memory.bytes == 0
    assert [len(message.batch.changes) for message in crowded] == [1, 1, 0]
    assert crowded[-1].checkpoint.revision == 2


async def test_what_a_watch_that_ends_has_collected_is_no_longer_counted() -> None:
    memory = BatchMemory()

    await messages_of(changed(1), changed(2), memory=memory)

    assert memory.bytes == 0


async def test_what_waits_for_a_client_is_in_memory_once() -> None:
    change = EventEncoder(TOKENS).encode(changed(1))
    references, sent = sys.getrefcount(change), list[int]()

    async def write(_: bytes) -> None:
        sent.append(sys.getrefcount(change))

    with WatchBatches(write, BatchMemory()) as batches:
        await batches.add(change, changed(1))
        collected = sys.getrefcount(change)
        await batches.add(EventEncoder(TOKENS).encode(checkpoint(1)), checkpoint(1))

    assert collected == references + 1
    assert sent == [references]


async def test_a_client_that_asks_for_batches_gets_the_same_events_in_fewer_messages(service: Served) -> None:
    await service.create("first")
    start = await first_token(service)
    await declare(service, *(f"app-{number}" for number in range(300)))
    head = await declare(service, *(f"late-{number}" for number in range(40)))

    single = await read_up_to(service, pb.WatchRolesRequest(start_token=start), head)
    batched = await read_up_to(service, pb.WatchRolesRequest(start_token=start, batched=True), head)
    state = await read_up_to(service, pb.WatchRolesRequest(include_initial_state=True, batched=True), head)

    assert len(single) > 340
    assert len(batched) < 10
    assert len(state) < 10
    assert changes_of(batched) == changes_of(single)
    assert len(changes_of(state)) == 341
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(changes_of(batched)))


async def test_the_client_passes_over_the_changes_of_a_batch_that_it_has_yielded() -> None:
    progress = WatchProgress(pb.WatchRolesRequest(), timeout=10, give_up_after=10)
    broken, _ = await messages_of(changed(2), ResyncRequired("ends here"))
    (resumed,) = await messages_of(changed(2), changed(3), checkpoint(3))

    before = list(progress.events(broken))
    after = list(progress.events(resumed))

    assert [event.revision for event in before] == [2]
    assert [event.revision for event in after] == [3, 3]
    assert isinstance(after[-1], pb.WatchCheckpoint)
    assert progress.request.start_token == after[-1].token
    assert progress.request.batched


async def first_token(service: Served) -> str:
    stream = service.watches.WatchRoles(pb.WatchRolesRequest())
    try:
        return str((await stream.read()).checkpoint.token)
    finally:
        stream.cancel()


async def read_up_to(service: Served, request: pb.WatchRolesRequest, revision: int) -> list[pb.WatchRolesResponse]:
    """Return the messages of a watch, up to the checkpoint of a revision."""
    stream = service.watches.WatchRoles(request)
    messages: list[pb.WatchRolesResponse] = []
    try:
        while not messages or reached(messages[-1]) < revision:
            messages.append(await stream.read())
    finally:
        stream.cancel()
    return messages


def reached(message: pb.WatchRolesResponse) -> int:
    return max(message.checkpoint.revision, message.batch.checkpoint.revision)


def changes_of(messages: list[pb.WatchRolesResponse]) -> list[tuple[int, str]]:
    """Return revision and role of each change."""
    changes = [change for message in messages for change in (*message.batch.changes, message.change)]
    return [(change.revision, change.role.role_name) for change in changes if change.revision]
