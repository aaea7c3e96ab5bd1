"""Decode the requests of WatchService, and encode watch events."""

from __future__ import annotations

from typing import TypeAlias

from cachetools import LRUCache

from rolecall.engine.watch_events import Checkpoint, ResyncRequired, RoleChanged, RoleFound, WatchEvent, WatchRequest
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.role import Revision, Role
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs.role import KINDS, role
from rolecall_client.v1 import watch_pb2 as pb

MAX_ACCOUNTS = 100
CACHE_BYTES = 8 * 1024 * 1024
"""The most bytes of encoded changes that are cached."""

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
    """Encodes events. Thousands of clients may watch the same change, so an encoded change is cached."""

    def __init__(self, tokens: Tokens, cache_bytes: int = CACHE_BYTES) -> None:
        self._tokens = tokens
        self._cache: LRUCache[tuple[int, Revision, ChangeKind], _Cached] = LRUCache(cache_bytes, getsizeof=_size)

    def encode(self, event: WatchEvent) -> bytes:
        """Return the encoded message of an event."""
        match event:
            case RoleChanged():
                return self._change(event)
            case RoleFound(found):
                return _encoded(found.revision, ChangeKind.CREATED, found)
            case Checkpoint(revision):
                checkpoint = pb.WatchCheckpoint(revision=revision, token=self._tokens.consistency(revision))
                return pb.WatchRolesResponse(checkpoint=checkpoint).SerializeToString()
            case ResyncRequired(reason):
                return pb.WatchRolesResponse(resync_required=pb.ResyncRequired(reason=reason)).SerializeToString()

    def _change(self, event: RoleChanged) -> bytes:
        # The cache also stores the role, so that no other object can get the same `id` while the entry exists.
        key = (id(event.role), event.revision, event.kind)
        if cached := self._cache.get(key):
            return cached[1]
        encoded = _encoded(event.revision, event.kind, event.role)
        if len(encoded) <= self._cache.maxsize:
            self._cache[key] = (event.role, encoded)
        return encoded


def _encoded(revision: Revision, kind: ChangeKind, changed: Role) -> bytes:
    change = pb.RoleWatchChange(revision=revision, kind=KINDS[kind], role=role(changed))
    return pb.WatchRolesResponse(change=change).SerializeToString()


def _size(cached: _Cached) -> int:
    return len(cached[1])


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
