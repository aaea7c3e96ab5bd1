"""Decode the requests of WatchService, and encode watch events."""

from __future__ import annotations

from typing import TypeAlias

from cachetools import LRUCache

from rolecall.engine.feed import role_bytes
from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound, WatchEvent, WatchRequest
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs.decision import duration
from rolecall.transport.codecs.field_bytes import BYTES, sized, tag
from rolecall.transport.codecs.role import KINDS, role
from rolecall_client.v1 import watch_pb2 as pb

MAX_ACCOUNTS = 100
CACHE_BYTES = 8 * 1024 * 1024
"""The most memory of encoded changes that are cached, with their roles."""

_CHECKPOINT = tag(pb.WatchRolesResponse, "checkpoint", BYTES)
_STALENESS, _STREAM_AGE = tag(pb.WatchCheckpoint, "staleness", BYTES), tag(pb.WatchCheckpoint, "stream_age", BYTES)

_Cached: TypeAlias = "tuple[Role, bytes]"


def watch_request(message: pb.WatchRolesRequest, accounts: Accounts) -> WatchRequest:
    """Return the request of a message; raise `InvalidFieldsError`."""
    if message.start_token and message.include_initial_state:
        text = "cannot be combined with `include_initial_state`; leave one of them out"
        raise _violation("start_token", "START_EXCLUDES_STATE", text)
    if len(message.account_ids) > MAX_ACCOUNTS:
        text = f"must have at most {MAX_ACCOUNTS} entries, not {len(message.account_ids)}; leave it out to watch every account"
        raise _violation("account_ids", "TOO_MANY_ACCOUNTS", text)
    return WatchRequest(
        start_token=message.start_token,
        account_ids=_account_ids(message, accounts),
        with_state=message.include_initial_state,
    )


class EventEncoder:
    """Encodes events. Thousands of clients may watch the same role or change, so an encoded one is cached."""

    def __init__(self, tokens: Tokens, cache_bytes: int = CACHE_BYTES) -> None:
        self._tokens = tokens
        self._checkpoint = ("", b"")
        self._cache: LRUCache[tuple[int, Revision, ChangeKind], _Cached] = LRUCache(cache_bytes, getsizeof=_size)

    def encode(self, event: WatchEvent) -> bytes:
        """Return the encoded message of an event."""
        match event:
            case RoleChanged(revision, kind, changed):
                return self._change(revision, kind, changed)
            case RoleFound(found):
                return self._change(found.revision, ChangeKind.CREATED, found)
            case Checkpoint():
                return self._encoded_checkpoint(event)
            case ResyncRequired(reason):
                return pb.WatchRolesResponse(resync_required=pb.ResyncRequired(reason=reason)).SerializeToString()

    def _encoded_checkpoint(self, event: Checkpoint) -> bytes:
        # After a write every watch gets the same one, but for its ages. The token names the revision and the history.
        token = self._tokens.consistency(event.revision)
        if self._checkpoint[0] != token:
            shared = pb.WatchCheckpoint(revision=event.revision, token=token)
            self._checkpoint = (token, shared.SerializeToString())
        staleness = sized(_STALENESS, duration(event.staleness).SerializeToString())
        stream_age = sized(_STREAM_AGE, duration(event.stream_age).SerializeToString())
        # In one message: decoders of some languages do not merge a message that is in another one twice.
        return sized(_CHECKPOINT, self._checkpoint[1] + staleness + stream_age)

    def _change(self, revision: Revision, kind: ChangeKind, changed: Role) -> bytes:
        # The cache also stores the role, so that no other object can get the same `id` while the entry exists.
        key = (id(changed), revision, kind)
        if cached := self._cache.get(key):
            return cached[1]
        cached = (changed, _encoded(revision, kind, changed))
        if _size(cached) <= self._cache.maxsize:
            self._cache[key] = cached
        return cached[1]


def _encoded(revision: Revision, kind: ChangeKind, changed: Role) -> bytes:
    change = pb.RoleWatchChange(revision=revision, kind=KINDS[kind], role=role(changed))
    return pb.WatchRolesResponse(change=change).SerializeToString()


def _size(cached: _Cached) -> int:
    changed, encoded = cached
    return role_bytes(changed) + len(encoded)


def _account_ids(message: pb.WatchRolesRequest, accounts: Accounts) -> frozenset[str]:
    ids, violations = set[str](), list[FieldViolation]()
    for number, text in enumerate(message.account_ids):
        try:
            ids.add(accounts.account_id(text))
        except InvalidFieldsError as error:
            violations += [
                FieldViolation(field=f"account_ids[{number}]", reason=v.reason, message=v.message)
                for v in error.violations
            ]
    if violations:
        raise InvalidFieldsError(violations)
    return frozenset(ids)


def _violation(field: str, reason: str, message: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldViolation(field=field, reason=reason, message=message)])
