"""WatchRoles over a real channel: where it starts, what it sends, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from rolecall.engine.consistency import Consistency
from rolecall.engine.watch import RoleWatches
from rolecall.observability.logs import make_logger
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Revision
from rolecall.roles.tokens import Tokens
from rolecall.server.shutdown import StopSignal
from rolecall.transport.codecs.watch import EventEncoder
from rolecall.transport.endpoint import Endpoint
from rolecall.transport.options import ServerOptions
from rolecall.transport.rights.methods import MethodRights
from rolecall.transport.rpc import method_handlers
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.server import GrpcServer, Servicers
from rolecall.transport.services.health import Health
from rolecall.transport.services.watch import WatchServicer
from rolecall_client.boottime import boottime
from rolecall_client.v1 import (
    caller_pb2_grpc,
    decision_pb2_grpc,
    policy_pb2_grpc,
    role_pb2,
    role_pb2_grpc,
    watch_pb2 as pb,
    watch_pb2_grpc,
)
from tests.server.serving import ACCOUNT, DOCUMENT, Served, served, until
from tests.transport.refusals import refused
from tests.transport.watching import CREATED, DELETED, UPDATED, watch, watchers

OTHER = "210987654321"
INVALID, EXHAUSTED, UNAVAILABLE = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
)


async def declare(service: Served, *names: str, account: str = ACCOUNT, description: str = "") -> int:
    """Create many roles in one write; return its revision."""
    roles = [
        role_pb2.RoleDeclaration(
            account_id=account, role_name=name, assume_role_policy_document=DOCUMENT, description=description
        )
        for name in names
    ]

    async def upload() -> AsyncIterator[role_pb2.ApplyRolesRequest]:
        yield role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())
        yield role_pb2.ApplyRolesRequest(roles=role_pb2.RoleChunk(roles=roles))

    await service.roles.ApplyRoles(upload())
    return int(service.server.replica.snapshot.revision)


async def test_a_watch_begins_with_a_checkpoint_and_sends_every_later_change(service: Served) -> None:
    await service.create("before")
    watching = watch(service)

    first = await watching.read()
    await service.create("after")
    await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="after", description="x"))
    await service.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="before"))
    await watching.up_to(4)

    assert first is not None
    assert (first.checkpoint.revision, bool(first.checkpoint.token)) == (1, True)
    assert watching.names() == [(2, CREATED, "after"), (3, UPDATED, "after"), (4, DELETED, "before")]
    assert [change.role.revision for change in watching.changes] == [2, 3, 1]
    assert watching.changes[1].role.description == "x"
    assert watching.changes[2].role.assume_role_policy_document == DOCUMENT


async def test_checkpoints_say_how_old_the_stream_and_their_state_are(service: Served) -> None:
    opened = boottime()
    watching = watch(service)
    await watching.up_to(0)
    first = watching.checkpoint
    await service.create("app")
    await watching.up_to(1)
    second, now = watching.checkpoint, boottime()

    assert first.HasField("staleness")
    assert second.HasField("staleness")
    # The server started the stream later than the client opened it, and sent each checkpoint before it arrived.
    ages = [checkpoint.stream_age.ToMicroseconds() / 1_000_000 for checkpoint in (first, second)]
    assert opened <= opened + ages[0] < opened + ages[1] <= now


async def test_the_role_of_a_change_is_the_one_that_is_read(service: Served) -> None:
    watching = watch(service)
    await watching.up_to(0)

    created = await service.create("app")
    await watching.up_to(1)

    assert watching.changes[0].role == created


async def test_all_changes_of_one_write_come_before_the_checkpoint_that_names_it(service: Served) -> None:
    watching = watch(service)
    await watching.up_to(0)

    revision = await declare(service, *(f"r{n}" for n in range(300)))
    seen = list[str]()
    while watching.checkpoint.revision < revision:
        message = await watching.read()
        assert message is not None
        seen.append(str(message.WhichOneof("event")))

    assert seen == ["change"] * 300 + ["checkpoint"]
    assert {change.revision for change in watching.changes} == {revision}


async def test_a_watch_continues_after_the_revision_of_its_token(service: Served) -> None:
    await service.create("a")
    first = watch(service)
    await first.up_to(1)
    for name in ("b", "c"):
        await service.create(name)
    first.stream.cancel()

    second = watch(service, first.checkpoint.token)
    await second.up_to(3)

    assert second.names() == [(2, CREATED, "b"), (3, CREATED, "c")]


async def test_a_watch_may_start_at_the_consistency_token_of_a_write(service: Served) -> None:
    response = await service.roles.CreateRole(
        role_pb2.CreateRoleRequest(role_name="a", assume_role_policy_document=DOCUMENT)
    )
    await service.create("b")

    watching = watch(service, response.consistency_token)
    await watching.up_to(2)

    assert watching.names() == [(2, CREATED, "b")]


async def test_changes_that_have_left_memory_are_read_from_the_store(service: Served) -> None:
    beginning = watch(service)
    await beginning.up_to(0)
    names = [f"r{n}" for n in range(120)]
    for name in names:
        await service.create(name)
    service.server.replica.follower.feed.restart(Revision(120))

    watching = watch(service, beginning.checkpoint.token)
    await watching.up_to(120)

    assert watching.names() == [(n, CREATED, name) for n, name in enumerate(names, start=1)]


async def test_the_initial_state_comes_as_creations_of_one_revision(service: Served) -> None:
    await declare(service, *(f"r{n}" for n in range(5)))
    await service.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="r3"))
    await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="r1", description="x"))

    watching = watch(service, initial=True)
    await watching.up_to(3)

    assert sorted(watching.names()) == [(1, CREATED, "r0"), (1, CREATED, "r2"), (1, CREATED, "r4"), (3, CREATED, "r1")]
    await service.create("new")
    await watching.up_to(4)
    assert watching.names()[4:] == [(4, CREATED, "new")]


async def test_the_initial_state_is_of_one_revision_while_others_write(service: Served) -> None:
    await declare(service, *(f"r{n}" for n in range(2_000)))
    watching = watch(service, initial=True)
    await watching.read()

    await service.roles.DeleteRole(role_pb2.DeleteRoleRequest(role="r1999"))
    await service.roles.UpdateRole(role_pb2.UpdateRoleRequest(role="r1998", description="x"))
    await watching.up_to(3)

    state, later = watching.names()[:2_000], watching.names()[2_000:]
    assert {(revision, kind) for revision, kind, _ in state} == {(1, CREATED)}
    assert {name for _, _, name in state} == {f"r{n}" for n in range(2_000)}
    assert later == [(2, DELETED, "r1999"), (3, UPDATED, "r1998")]


async def test_only_changes_of_the_requested_accounts_are_sent() -> None:
    async with served(account_alias=f"partner={OTHER}") as service:
        await declare(service, "a", account=OTHER)
        await declare(service, "b")
        watching = watch(service, initial=True, accounts=("partner", "5"))
        await watching.up_to(2)
        await declare(service, "c")
        await declare(service, "d", account=OTHER)
        await watching.up_to(4)

        assert watching.names() == [(1, CREATED, "a"), (4, CREATED, "d")]


async def test_a_checkpoint_comes_when_only_other_accounts_change(service: Served) -> None:
    watching = watch(service, accounts=(OTHER,))
    await watching.up_to(0)

    await declare(service, "of-another-account")
    await watching.up_to(1)

    assert (watching.names(), watching.checkpoint.revision) == ([], 1)


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (pb.WatchRolesRequest(start_token="x" * 40), "start_token", "INVALID_TOKEN"),
        (pb.WatchRolesRequest(start_token="x", include_initial_state=True), "start_token", "START_EXCLUDES_STATE"),
        (pb.WatchRolesRequest(account_ids=["1", "a b"]), "account_ids[1]", "INVALID_ACCOUNT_ID"),
        (pb.WatchRolesRequest(account_ids=map(str, range(1, 102))), "account_ids", "TOO_MANY_ACCOUNTS"),
    ],
)
async def test_an_invalid_request_is_refused(
    service: Served, request_: pb.WatchRolesRequest, field: str, reason: str
) -> None:
    refusal = await refused(service.watches.WatchRoles(request_).read())

    assert (refusal.code, refusal.reason) == (INVALID, reason)
    assert [violation.field for violation in refusal.fields] == [field]


async def test_a_cut_or_altered_token_is_refused(service: Served) -> None:
    # Row 55 of the faults, as the next two.
    watching = watch(service)
    await watching.up_to(0)
    token = watching.checkpoint.token
    altered = ("A" if token[9] != "A" else "B").join([token[:9], token[10:]])

    refusals = [await watch(service, text).ended() for text in (token[:-3], altered)]

    assert {(refusal.code, refusal.reason) for refusal in refusals} == {(INVALID, "INVALID_TOKEN")}


async def test_a_token_of_the_future_is_refused(service: Served) -> None:
    refusal = await watch(service, service.server.replica.tokens.consistency(Revision(9))).ended()

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FUTURE_REVISION")


async def test_a_token_of_another_history_requires_a_resync(service: Served) -> None:
    key = service.server.replica.repository.token_key
    watching = watch(service, Tokens(key, "another").consistency(Revision(1)))

    first, end = await watching.read(), await watching.read()

    assert first is not None
    assert first.WhichOneof("event") == "resync_required"
    assert "another history" in watching.resync
    assert end is None
    assert await watching.stream.code() is grpc.StatusCode.OK


async def test_a_token_below_the_stored_history_requires_a_resync(service: Served) -> None:
    beginning = watch(service)
    await beginning.up_to(0)
    for name in ("a", "b", "c"):
        await service.create(name)
    state = service.server.replica
    far = 2**62
    state.repository.prune(keep_after=far, keep_revisions=1, forget_requests_before=0)
    state.follower.feed.restart(state.snapshot.revision)

    watching = watch(service, beginning.checkpoint.token)
    first, end = await watching.read(), await watching.read()

    assert first is not None
    assert first.WhichOneof("event") == "resync_required"
    assert "no longer kept" in watching.resync
    assert end is None


async def test_a_token_of_the_newest_revision_is_accepted(service: Served) -> None:
    await service.create("a")
    tokens, repository = service.server.replica.tokens, service.server.replica.repository
    assert repository.head().revision == 1

    watching = watch(service, tokens.consistency(Revision(1)))
    await watching.up_to(1)

    assert watching.changes == []


async def test_every_watch_is_resynchronised_when_the_state_is_of_another_history(service: Served) -> None:
    watchings = [watch(service) for _ in range(3)]
    for watching in watchings:
        await watching.up_to(0)

    service.server.replica.follower.feed.restart(Revision(0))
    ends = [(await watching.read(), await watching.read()) for watching in watchings]

    assert [(first is not None, end) for first, end in ends] == [(True, None)] * 3
    assert {watching.resync for watching in watchings} == {watchings[0].resync}
    assert "read the initial state again" in watchings[0].resync
    await until(lambda: not watchers(service))


async def test_watches_end_in_order_when_the_server_stops() -> None:
    # Row 77 of the faults.
    async with served(drain_grace_seconds=20) as service:
        watchings = [watch(service) for _ in range(5)]
        for watching in watchings:
            await watching.up_to(0)

        draining = asyncio.create_task(service.server.drain(StopSignal()))
        refusals = [await watching.ended() for watching in watchings]
        await draining

        assert {(refusal.code, refusal.reason, refusal.retry) for refusal in refusals} == {
            (UNAVAILABLE, "SERVER_STOPPING", True)
        }
        assert '"call"' not in service.log.getvalue()


async def test_a_watch_that_begins_after_the_server_stops_is_ended(service: Served) -> None:
    service.server.grpc_server.open_streams.stop()

    refusal = await watch(service).ended()

    assert (refusal.code, refusal.reason) == (UNAVAILABLE, "SERVER_STOPPING")


async def test_a_watch_ends_at_its_maximum_age(service: Served) -> None:
    watching = watch(service)
    await watching.up_to(0)

    service.server.grpc_server.sweep(time.perf_counter() + 200)
    await service.create("a")
    await watching.up_to(1)
    service.server.grpc_server.sweep(time.perf_counter() + 301)
    refusal = await watching.ended()

    assert (refusal.code, refusal.reason, refusal.retry) == (UNAVAILABLE, "STREAM_AGE", True)


async def test_watches_have_a_limit_of_their_own() -> None:
    async with served(max_watches=2, max_concurrent_rpcs=1) as service:
        open_ = [watch(service), watch(service)]
        for watching in open_:
            await watching.up_to(0)

        refusal = await watch(service).ended()
        role = await service.create("a")

        assert (refusal.code, refusal.reason, refusal.retry) == (EXHAUSTED, "TOO_MANY_CALLS", True)
        assert role.role_name == "a"
        for watching in open_:
            watching.stream.cancel()
        await until(lambda: not watchers(service))
        await watch(service).up_to(1)


async def test_malformed_bytes_are_refused(service: Served) -> None:
    method = service.channel.unary_stream("/rolecall.v1.WatchService/WatchRoles")

    refusal = await refused(method(b"\xff\xff").read())

    assert (refusal.code, refusal.reason) == (INVALID, "MALFORMED_MESSAGE")


async def test_an_unexpected_error_reveals_nothing_and_is_logged(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("canary-of-an-error")

    monkeypatch.setattr(service.server.replica.snapshot, "versions", fail, raising=True)
    refusal = await watch(service, initial=True).ended()

    assert (refusal.code, refusal.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert "canary-of-an-error" in service.log.getvalue()


@asynccontextmanager
async def impatient(service: Served, write_timeout_seconds: float) -> AsyncIterator[Any]:
    """Give a second server of the same state, which waits less for clients, and a channel with a small window."""
    state, callers = service.server.replica, service.server.identities
    consistency = Consistency(state.follower, state.tokens)
    watches = RoleWatches(state.repository, state.follower, state.reading, consistency=consistency, tokens=state.tokens)
    servicers = Servicers(
        decision=decision_pb2_grpc.DecisionServiceServicer(),
        role=role_pb2_grpc.RoleServiceServicer(),
        policy=policy_pb2_grpc.PolicyServiceServicer(),
        watch=WatchServicer(watches, EventEncoder(state.tokens), Accounts(ACCOUNT), callers.identify, callers.streams),
        caller=caller_pb2_grpc.CallerServiceServicer(),
        health=Health(()),
    )
    log = make_logger("debug", "json", service.log)
    server = GrpcServer(
        servicers,
        ServerOptions(),
        boundary=ErrorBoundary(log, verbose=True),
        permits=MethodRights(callers.identify).permit,
        write_timeout_seconds=write_timeout_seconds,
    )
    port = server.bind(Endpoint("127.0.0.1:0", "127.0.0.1", 0), None)
    await server.start()
    window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=window) as channel:
        yield server, channel
    await server.stop(0)


async def test_a_client_that_does_not_read_is_cut_and_can_continue_from_its_last_checkpoint(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(method_handlers, "STATUS_TIMEOUT_SECONDS", 0.3)
    async with impatient(service, 0.5) as (server, channel):
        watching = watch(service, stub=watch_pb2_grpc.WatchServiceStub(channel))
        await watching.read()
        for number in range(4):
            await declare(service, *(f"r{n}" for n in range(250)), description=str(number) * 1_000)
        await until(lambda: not server.limits.watches.calls)

        refusal = await watching.ended()
        resumed = watch(service, watching.checkpoint.token)
        await resumed.up_to(4)

    assert (refusal.code, refusal.reason, refusal.retry) == (EXHAUSTED, "WATCH_TOO_SLOW", True)
    assert refusal.facts["limit_seconds"] == "0.5"
    assert "last checkpoint" in refusal.message
    assert 0 < len(watching.changes) < 1_000
    assert len(resumed.changes) == 1_000


async def test_a_client_that_reads_after_it_was_cut_gets_the_status_at_once(service: Served) -> None:
    async with impatient(service, 0.5) as (server, channel):
        watching = watch(service, stub=watch_pb2_grpc.WatchServiceStub(channel))
        await watching.read()
        await declare(service, *(f"r{n}" for n in range(500)), description="x" * 1_000)
        stats = next(stats for stats in server.methods.method_stats if stats.method == "WatchRoles")
        await until(lambda: stats.handled[EXHAUSTED.value[0]])

        refusal = await watching.ended()
        await until(lambda: not server.limits.watches.calls)

    assert refusal.reason == "WATCH_TOO_SLOW"


async def test_a_method_that_is_not_implemented_is_not_available(service: Served) -> None:
    async with impatient(service, 0.5) as (_, channel):
        stub: Any = role_pb2_grpc.RoleServiceStub(channel)

        refusal = await refused(stub.GetRole(role_pb2.GetRoleRequest(role="app")))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_AVAILABLE")
    assert "not available in this version" in refusal.message


async def test_eight_clients_that_do_not_read_the_state_keep_no_ninth_from_it(service: Served) -> None:
    for number in range(4):
        await declare(service, *(f"r{number}-{n}" for n in range(250)), description="x" * 1_000)
    address = service.server.bound.address
    window = [("grpc.http2.bdp_probe", 0), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options=window) as channel:
        stub = watch_pb2_grpc.WatchServiceStub(channel)
        slow = [watch(service, initial=True, stub=stub) for _ in range(8)]
        for each in slow:
            await each.read()

        ninth = watch(service, initial=True)
        await ninth.up_to(4)

    assert len(ninth.changes) == 1_000
    assert all(len(each.changes) == 1 for each in slow)
