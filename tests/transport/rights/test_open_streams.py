"""Rights of streams and watches that are open: judged again after each change of the callers file, and every minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import grpc
import pytest

from rolecall.callers.caller import Caller
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.document import read_callers
from rolecall.transport.errors import RefusedCallerError
from rolecall.transport.options import GRPCIO, H2
from rolecall.transport.rpc import stream_callers
from rolecall.transport.rpc.stream_callers import PASS_SECONDS, PORTION, RENEWAL_SECONDS, StreamCallers
from rolecall.transport.rpc.streams import StreamEnding
from rolecall_client.v1 import decision_pb2 as pb, watch_pb2
from tests.callers.permitted import permitted
from tests.security.known_callers import serving_callers
from tests.server.serving import ACCOUNT, Served, until
from tests.transport.refusals import refusal_of, refused
from tests.transport.rights.serving import ROLE, Rights, by, directory_of, document, policy
from tests.transport.rights.test_checks import query

BOUND = 10.0
RIGHTS: Rights = {
    "decider": ["RolecallDecider"],
    "replica": [policy("rolecall:Watch", on=f"acs:ram:*:{ACCOUNT}:*")],
}


@pytest.fixture
def directory() -> CallerDirectory:
    return directory_of(RIGHTS)


@pytest.fixture(params=[GRPCIO, H2])
async def service(directory: CallerDirectory, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with serving_callers(directory, transport=request.param) as service:
        yield service


def change(directory: CallerDirectory, rights: Rights) -> None:
    directory.replace(read_callers(document(rights)))


def without(name: str) -> Rights:
    return {other: policies for other, policies in RIGHTS.items() if other != name}


def watching(service: Served) -> Any:
    return service.watches.WatchRoles(watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT]), metadata=by("replica"))


async def end_of(call: Any) -> grpc.aio.AioRpcError:
    """Read a stream to its end, which is an error."""
    try:
        async with asyncio.timeout(BOUND):
            while await call.read() is not grpc.aio.EOF:
                pass
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the stream ended without an error")


async def test_a_watch_of_a_caller_that_is_removed_from_the_file_ends(
    service: Served, directory: CallerDirectory
) -> None:
    call = watching(service)
    await call.read()

    change(directory, without("replica"))

    assert (await end_of(call)).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_watch_whose_right_is_taken_away_ends(service: Served, directory: CallerDirectory) -> None:
    call = watching(service)
    await call.read()

    change(directory, {**RIGHTS, "replica": ["RolecallDecider"]})
    refusal = refusal_of(await end_of(call))

    assert (refusal.code, refusal.facts["action"]) == (grpc.StatusCode.PERMISSION_DENIED, "rolecall:Watch")


async def test_a_watch_whose_right_stays_continues_after_a_change(service: Served, directory: CallerDirectory) -> None:
    call = watching(service)
    first = await call.read()
    streams = service.server.identities.streams

    change(directory, {**RIGHTS, "other": ["RolecallDecider"]})
    await until(lambda: all(stream.generation == streams.generation for stream in streams._open))
    second = await asyncio.wait_for(call.read(), BOUND)

    assert first.HasField("checkpoint")
    assert second.HasField("checkpoint")


async def answer(stream: Any) -> pb.StreamCheckAssumeRoleResponse:
    await stream.write(pb.StreamCheckAssumeRoleRequest(query=query()))
    response: pb.StreamCheckAssumeRoleResponse = await asyncio.wait_for(stream.read(), BOUND)
    return response


async def test_the_next_message_of_a_stream_is_judged_by_the_new_file(
    service: Served, directory: CallerDirectory
) -> None:
    stream = service.decisions.StreamCheckAssumeRole(metadata=by("decider"))
    before = [await answer(stream) for _ in range(3)]

    change(directory, {**RIGHTS, "decider": [policy("rolecall:CheckAssumeRole", on=f"{ROLE}-x")]})
    after = await answer(stream)
    change(directory, RIGHTS)
    again = await answer(stream)

    assert [response.WhichOneof("result") for response in before] == ["decision"] * 3
    assert after.error.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
    assert again.WhichOneof("result") == "decision"


async def test_a_stream_of_a_caller_that_is_removed_from_the_file_ends(
    service: Served, directory: CallerDirectory
) -> None:
    stream = service.decisions.StreamCheckAssumeRole(metadata=by("decider"))
    await answer(stream)

    change(directory, without("decider"))

    assert (await end_of(stream)).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_unary_check_is_judged_by_the_new_file_at_once(service: Served, directory: CallerDirectory) -> None:
    request = pb.CheckAssumeRoleRequest(query=query())
    for _ in range(3):
        await service.decisions.CheckAssumeRole(request, metadata=by("decider"))

    change(directory, {**RIGHTS, "decider": ["RolecallSelfDecider"]})
    refusal = await refused(service.decisions.CheckAssumeRole(request, metadata=by("decider")))

    assert refusal.facts["action"] == "rolecall:AskFor"


class Finding:
    """What finds the caller of a stream: at first a caller, later perhaps an error."""

    def __init__(self, caller: Caller) -> None:
        self.caller: Caller | None = caller
        self.found = 0

    def __call__(self, _: Any) -> Caller:
        self.found += 1
        if self.caller is None:
            raise RefusedCallerError("EXPIRED", "the token has expired")
        return self.caller


class Clocks:
    seconds, micros = 0.0, 1_000_000


def opened(finding: Finding, clocks: Clocks) -> StreamCallers:
    return StreamCallers(finding, seconds=lambda: clocks.seconds, micros=lambda: clocks.micros)


def nothing(_: Caller) -> None: ...


async def test_after_a_change_the_next_message_does_not_wait_for_the_pass_over_all_streams() -> None:
    before, after = permitted("RolecallDecider"), permitted("RolecallSelfDecider")
    finding, ending = Finding(before), StreamEnding()
    streams = opened(finding, Clocks())
    with streams.of(None, ending, nothing) as stream:  # type: ignore[arg-type]
        first = stream.now()
        finding.caller = after
        unchanged = stream.now()
        streams.change()
        second = stream.now()
        finding.caller = None
        streams.change()

        with pytest.raises(RefusedCallerError):
            stream.now()

    assert (first, unchanged, second) == (before, before, after)


async def test_a_stream_is_judged_again_within_a_minute_without_a_change() -> None:
    finding, clocks, ending = Finding(permitted("RolecallDecider")), Clocks(), StreamEnding()
    streams = opened(finding, clocks)
    with streams.of(None, ending, nothing):  # type: ignore[arg-type]
        clocks.seconds = RENEWAL_SECONDS - 1
        await streams.renew_due()
        early = finding.found
        clocks.seconds, finding.caller = RENEWAL_SECONDS, None
        await streams.renew_due()

    assert RENEWAL_SECONDS + PASS_SECONDS < 60
    assert (early, finding.found) == (1, 2)
    with pytest.raises(RefusedCallerError):
        ending.raise_if_ended()


async def test_a_stream_ends_when_the_credential_has_expired() -> None:
    caller: Any = permitted("RolecallDecider")
    caller.credential = replace(caller.credential, expires_at=2_000_000)
    finding, clocks, ending = Finding(caller), Clocks(), StreamEnding()
    streams = opened(finding, clocks)
    with streams.of(None, ending, nothing):  # type: ignore[arg-type]
        clocks.micros = 1_999_999
        await streams.renew_due()
        ending.raise_if_ended()
        clocks.micros, finding.caller = 2_000_000, None
        await streams.renew_due()

    with pytest.raises(RefusedCallerError):
        ending.raise_if_ended()


async def test_streams_are_passed_again_and_again_and_at_once_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    finding, clocks, ending = Finding(permitted("RolecallDecider")), Clocks(), StreamEnding()
    streams = opened(finding, clocks)
    with streams.of(None, ending, nothing):  # type: ignore[arg-type]
        renewing = asyncio.create_task(streams.run())
        streams.change()
        await until(lambda: finding.found == 2)
        monkeypatch.setattr(stream_callers, "PASS_SECONDS", 0.001)
        streams.change()
        await until(lambda: finding.found == 3)
        for seconds, found in ((50.0, 4), (100.0, 5)):
            clocks.seconds = seconds
            await until(lambda found=found: finding.found == found)  # type: ignore[misc]
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)

    ending.raise_if_ended()
    assert len(streams) == 0


async def test_thousands_of_streams_are_judged_in_portions() -> None:
    finding, clocks = Finding(permitted("RolecallDecider")), Clocks()
    streams, turns = opened(finding, clocks), list[int]()

    async def other_work() -> None:
        while True:
            turns.append(finding.found)
            await asyncio.sleep(0)

    blocks = [streams.of(None, StreamEnding(), nothing) for _ in range(PORTION * 20)]  # type: ignore[arg-type]
    for block in blocks:
        block.__enter__()
    working = asyncio.create_task(other_work())
    streams.change()
    await streams.renew_due()
    working.cancel()
    for block in blocks:
        block.__exit__(None, None, None)

    assert finding.found == 2 * len(blocks)
    assert max(later - earlier for earlier, later in pairwise(turns)) <= PORTION
    assert len(streams) == 0
