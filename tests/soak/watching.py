"""Follows the changes of one server, and compares them and their sum with the model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import grpc

from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w
from tests.soak.model import Model, Stored, key_of, stored_of
from tests.soak.servers import Asks

REACH_SECONDS = 60.0
_CONTINUE = "continue on a new stream"
"""What a server says when it ends a stream that has lasted ten times `--max-deadline-seconds`."""


class Watched:
    """One watch: the roles by its events, and the changes since the last comparison.

    With a `token` it continues from that state, whose roles are `roles`; otherwise it begins with the initial state.
    """

    def __init__(
        self, server: Asks, *, token: str = "", roles: dict[str, Stored] | None = None, since: int = 0
    ) -> None:
        self.server, self.roles, self.revision, self.token = server.name, dict(roles or {}), since, token
        self.events = 0
        self._server, self._compared = server, since
        self._initial = not token
        self._changes: list[tuple[int, str, r.ChangeKind, Stored]] = []
        self._moved = asyncio.Event()
        self._fault = ""
        self._task = asyncio.create_task(self._follow())

    async def reach(self, revision: int) -> None:
        """Wait until the watch has everything up to a revision, or cannot have it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REACH_SECONDS):
                while self.revision < revision and not self._fault:
                    self._moved.clear()
                    await self._moved.wait()

    def mismatches(self, model: Model) -> Iterator[str]:
        """Yield what is wrong with the changes since the last comparison, and with the roles that they result in."""
        if self._fault or self.revision < model.revision:
            yield self._fault or f"the watch is at revision {self.revision}, the store at {model.revision}"
            return
        seen = [(revision, key) for revision, key, _, _ in self._changes]
        made = model.changes_after(self._compared)
        if sorted(seen) != sorted(made) or [s for s, _ in seen] != sorted(s for s, _ in seen):
            yield f"the watch has the changes {seen}, not {made}"
        for change in self._changes:
            yield from _of_change(*change, model)
        self._compared, self._changes = model.revision, []
        present = {role.key: role for role in model.present()}
        for key in sorted({*self.roles, *present}):
            if self.roles.get(key) != present.get(key):
                yield f"`{key}` is watched as {self.roles.get(key)}, not {present.get(key)}"

    async def end(self) -> None:
        """End the watch."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _follow(self) -> None:
        """Take events until the watch is ended; a stream that has reached its limit is continued from the last checkpoint."""
        try:
            while not self._fault:
                await self._stream()
        finally:
            self._moved.set()

    async def _stream(self) -> None:
        request = w.WatchRolesRequest(start_token=self.token, include_initial_state=self._initial)
        if self._initial:
            self.roles = {}
        # What came after the checkpoint comes again.
        self._changes = [change for change in self._changes if change[0] <= self.revision]
        try:
            async for message in self._server.watches.WatchRoles(request):
                self._take(message)
                if self._fault:
                    return
            self._fault = "the watch ended"
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or _CONTINUE not in (error.details() or ""):
                self._fault = f"the watch ended with {error.code().name}: {error.details()}"

    def _take(self, message: w.WatchRolesResponse) -> None:
        match message.WhichOneof("event"):
            case "change":
                self._change(message.change)
            case "checkpoint":
                if self._initial:
                    self._initial, self._compared = False, message.checkpoint.revision
                self.revision, self.token = message.checkpoint.revision, message.checkpoint.token
                self._moved.set()
            case _:
                self._fault = f"the watch must begin again: {message.resync_required.reason}"

    def _change(self, change: w.RoleWatchChange) -> None:
        self.events += 1
        role, key = stored_of(change.role), key_of(change.role.account_id, change.role.role_name)
        if change.kind == r.CHANGE_KIND_DELETED:
            self.roles.pop(key, None)
        else:
            self.roles[key] = role
        if not self._initial:
            self._changes.append((change.revision, key, change.kind, role))


def _of_change(revision: int, key: str, kind: r.ChangeKind, role: Stored, model: Model) -> Iterator[str]:
    before, after = model.at(key, revision - 1), model.at(key, revision)
    if after is None:
        expected, state = r.CHANGE_KIND_DELETED, before
    else:
        expected, state = (r.CHANGE_KIND_UPDATED if before else r.CHANGE_KIND_CREATED), after
    if kind != expected or (after is not None and role != state):
        yield f"the change of `{key}` at {revision} is {kind}: {role}, expected {expected}: {state}"
