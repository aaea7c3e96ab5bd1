"""A watcher follows the change feed through every fault, resumes where it was, and must end with the log of the store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event
from typing import Any

import grpc

from rolecall_client.channel import open_channel
from rolecall_client.v1 import role_pb2 as r, watch_pb2 as w, watch_pb2_grpc
from tests.chaos.isolation import isolate_connections
from tests.chaos.record import Record

STREAM_SECONDS = 20.0
"""How long one stream is followed: then the watcher reconnects, perhaps to another replica."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One change as the feed reported it."""

    revision: int
    kind: str
    key: str
    role_id: str
    document: str


class Watcher:
    """Follows the feed. `seen` are the changes up to the last checkpoint, in the order in which they came."""

    def __init__(self, name: str, address: str, record: Record) -> None:
        self.name, self._record = name, record
        isolate_connections()
        self._channel = open_channel(address)
        self._watches = watch_pb2_grpc.WatchServiceStub(self._channel)
        self._token = ""
        self.seen: list[Watched] = []
        self.reached = 0
        self.resumed = 0

    def run(self, token: str, ended: Event) -> None:
        """Follow from a token on until `ended`."""
        self._token = token
        while not ended.is_set():
            try:
                self._follow(ended)
            except grpc.RpcError as error:
                self._note(error)
                ended.wait(0.2)
            self.resumed += 1

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _follow(self, ended: Event) -> None:
        since_checkpoint = list[Watched]()
        stream = self._watches.WatchRoles(w.WatchRolesRequest(start_token=self._token), timeout=STREAM_SECONDS)
        for message in stream:
            match message.WhichOneof("event"):
                case "change":
                    since_checkpoint.append(_watched(message.change))
                case "checkpoint":
                    self.seen += since_checkpoint
                    since_checkpoint.clear()
                    self._token, self.reached = message.checkpoint.token, message.checkpoint.revision
                case "resync_required":
                    self._record.strange.append(f"{self.name} must resynchronize: {message.resync_required.reason}")
                    ended.wait(1)
            if ended.is_set():
                stream.cancel()
                return

    def _note(self, error: Any) -> None:
        code = error.code().name
        if code != "DEADLINE_EXCEEDED" or "Deadline" not in (error.details() or ""):
            self._record.count(self.name, code)


def wait_until_reached(watcher: Watcher, revision: int, seconds: float) -> bool:
    """Report whether a watcher that runs on another thread reaches a revision in time."""
    until = time.monotonic() + seconds
    while watcher.reached < revision:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _watched(change: w.RoleWatchChange) -> Watched:
    role = change.role
    kind = r.ChangeKind.Name(change.kind).removeprefix("CHANGE_KIND_")
    key = f"{role.account_id}/{role.role_name.lower()}"
    return Watched(change.revision, kind, key, role.role_id, role.assume_role_policy_document)
