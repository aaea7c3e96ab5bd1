"""What WatchRoles does around a watch: who may have it, what each event makes of the stream, and how events are written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from rolecall.callers.caller import Caller
from rolecall.engine.watch_events import Checkpoint, RoleFound, WatchEvent, WatchRequest
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import Revision
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.rpc.streams import StreamEnding
from rolecall.transport.services.watch import WatchServicer
from rolecall_client.v1 import watch_pb2 as pb
from tests.callers.permitted import administrator, permitted
from tests.engine.world import ACCOUNT, allow, document, role
from tests.transport.rights.serving import policy

FOUND = RoleFound(role(document(allow())))
CHECKPOINT = Checkpoint(Revision(1), staleness=0, stream_age=0)


class Watched:
    """A watch of some events, its stream, and the steps of both."""

    def __init__(self, *events: WatchEvent, caller: Caller | None = None) -> None:
        self._events, self.caller, self.context = events, caller or administrator(), object()
        self.steps, self.requests = list[object](), list[WatchRequest]()
        self.ending = StreamEnding()
        self.callers = StreamCallers(self._identify)
        encoder: Any = type("Encoder", (), {"encode": lambda _, event: type(event).__name__.encode()})()
        parts: Any = self, encoder, Accounts(ACCOUNT), self._identify, self.callers
        self._servicer = WatchServicer(*parts)

    async def ask(self, **fields: Any) -> Sequence[object]:
        stream: Any = self
        await self._servicer.WatchRoles(pb.WatchRolesRequest(**fields), stream)
        return self.steps

    def _identify(self, context: object) -> Caller:
        assert context is self.context
        return self.caller

    # --- the watches of the engine ---

    async def run(self, request: WatchRequest, send: Callable[[WatchEvent], Awaitable[None]]) -> None:
        self.requests.append(request)
        self.steps.append(f"{len(self.callers)} open")
        for event in self._events:
            await send(event)
            self.steps.append(self.ending.unresumable)

    # --- the stream ---

    async def write(self, message: bytes) -> None:
        self.steps.append(message)


async def test_a_stream_cannot_be_resumed_while_it_sends_the_initial_state() -> None:
    watched = Watched(FOUND, FOUND, CHECKPOINT)

    steps = await watched.ask()

    assert steps == ["1 open", b"RoleFound", True, b"RoleFound", True, b"Checkpoint", False]
    assert len(watched.callers) == 0


async def test_with_batches_what_comes_before_a_checkpoint_is_written_with_it() -> None:
    steps = await Watched(FOUND, FOUND, CHECKPOINT).ask(batched=True)

    before, written, after = steps[:3], steps[3:-1], steps[-1]
    assert (before, after) == (["1 open", True, True], False)
    ((message,),) = [written]
    assert isinstance(message, bytes)
    assert message.count(b"RoleFound") == 2
    assert b"Checkpoint" in message


async def test_a_watch_is_of_the_accounts_that_are_named() -> None:
    watched = Watched(caller=permitted(policy("rolecall:Watch", on=f"acs:ram:*:{ACCOUNT}:*")))

    await watched.ask(account_ids=[ACCOUNT], include_initial_state=True)

    assert watched.requests == [WatchRequest(account_ids=frozenset({ACCOUNT}), with_state=True)]


@pytest.mark.parametrize("accounts", [[], ["210987654321"], [ACCOUNT, "210987654321"], ["?"]])
async def test_a_watch_of_more_than_the_caller_may_watch_does_not_begin(accounts: list[str]) -> None:
    watched = Watched(caller=permitted(policy("rolecall:Watch", on=f"acs:ram:*:{ACCOUNT}:*")))

    with pytest.raises(PermissionDeniedError) as raised:
        await watched.ask(account_ids=accounts)

    assert (raised.value.action, watched.requests, len(watched.callers)) == ("rolecall:Watch", [], 0)


async def test_a_caller_that_may_watch_everything_is_shown_what_is_wrong_with_an_account() -> None:
    watched = Watched()

    with pytest.raises(InvalidFieldsError) as raised:
        await watched.ask(account_ids=["?"])

    assert [violation.field for violation in raised.value.violations] == ["account_ids[0]"]
    assert watched.requests == []


async def test_a_caller_is_judged_again_for_the_accounts_of_its_watch() -> None:
    watched = Watched(FOUND, caller=permitted(policy("rolecall:Watch", on=f"acs:ram:*:{ACCOUNT}:*")))

    async def change() -> None:
        watched.caller = permitted(policy("rolecall:Watch", on="acs:ram:*:210987654321:*"))
        watched.callers.change()
        await watched.callers.renew_due()

    async def write(message: bytes) -> None:
        await change()

    watched.write = write  # type: ignore[method-assign]
    await watched.ask(account_ids=[ACCOUNT])

    with pytest.raises(PermissionDeniedError):
        watched.ending.raise_if_ended()
