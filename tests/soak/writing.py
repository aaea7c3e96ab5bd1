"""Random writes, one after the other, each through one of the servers of a store; every result is predicted."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from rolecall_client.v1 import role_pb2 as r
from tests.soak import vocabulary as words
from tests.soak.documents import Drawn
from tests.soak.model import Model, Stored, key_of, stored_of
from tests.soak.sending import CALL_SECONDS, Sender, expect

_RENEWED = 20
_REVISIONS_BACK = 500


class Writer:
    """Writes to one store, and records in the model what was acknowledged."""

    def __init__(self, sender: Sender, model: Model, random: Random) -> None:
        self._sender, self._model, self._random = sender, model, random
        self.written: Counter[str] = Counter()

    async def renew(self, drawn: Drawn) -> None:
        """Create or change many roles, in one write."""
        await self._apply(drawn, [self._any_name() for _ in range(_RENEWED)])

    async def write(self, drawn: Drawn) -> None:
        """Make one write."""
        account, name = self._any_name()
        present = self._model.now(key_of(account, name))
        if present is None:
            await self._create(drawn, account, name)
        elif (draw := self._random.random()) < 0.15:
            await self._delete(present)
        elif draw < 0.3:
            await self._roll_back(present)
        elif draw < 0.4:
            await self._apply(drawn, [self._any_name() for _ in range(self._random.randint(1, 6))])
        else:
            await self._update(drawn, present)

    async def _create(self, drawn: Drawn, account: str, name: str) -> None:
        values = self._values(drawn)
        request = r.CreateRoleRequest(account_id=account, role_name=name, request_id=self._request_id(), **values)
        answer = await self._sender.send(lambda server: server.roles.CreateRole(request, timeout=CALL_SECONDS))
        role = self._new(answer.role)
        expect(_mutable(role) == values and role.name == name, f"a created role is not as asked: {answer.role}")
        self._record("create", {role.key: role}, answer.consistency_token)

    async def _update(self, drawn: Drawn, present: Stored) -> None:
        values = self._values(drawn)
        chosen = [name for name in values if self._random.random() < 0.5] or [next(iter(values))]
        wanted = _mutable(present) | {name: values[name] for name in chosen}
        request = r.UpdateRoleRequest(
            role=self._spelled(present),
            update_mask=FieldMask(paths=chosen),
            request_id=self._request_id(),
            **{name: values[name] for name in chosen},
        )
        answer = await self._sender.send(lambda server: server.roles.UpdateRole(request, timeout=CALL_SECONDS))
        role = stored_of(answer.role)
        expect(
            _mutable(role) == wanted and role.role_id == present.role_id, f"an update is not as asked: {answer.role}"
        )
        if wanted == _mutable(present):
            expect(role == present, f"an update that changes nothing changed the role: {answer.role}")
        else:
            self._record("update", {role.key: role}, answer.consistency_token)

    async def _delete(self, present: Stored) -> None:
        request = r.DeleteRoleRequest(role=self._spelled(present), request_id=self._request_id())
        answer = await self._sender.send(lambda server: server.roles.DeleteRole(request, timeout=CALL_SECONDS))
        self._record("delete", {present.key: None}, answer.consistency_token)

    async def _roll_back(self, present: Stored) -> None:
        first = max(self._model.oldest, self._model.revision - _REVISIONS_BACK)
        earlier = [
            state
            for state in self._model.between(present.key, first, self._model.revision)
            if state and state.role_id == present.role_id and _mutable(state) != _mutable(present)
        ]
        if not earlier:
            return
        target = self._random.choice(earlier)
        spelled = self._spelled(present)
        request = r.RollbackRoleRequest(role=spelled, revision=target.revision, request_id=self._request_id())
        answer = await self._sender.send(lambda server: server.roles.RollbackRole(request, timeout=CALL_SECONDS))
        role = stored_of(answer.role)
        expect(_mutable(role) == _mutable(target), f"a rollback did not restore revision {target.revision}")
        expect(role.role_id == present.role_id, f"a rollback gave the role another id: {answer.role}")
        self._record("rollback", {role.key: role}, answer.consistency_token)

    async def _apply(self, drawn: Drawn, named: Sequence[tuple[str, str]]) -> None:
        declared = {key_of(account, name): self._declaration(drawn, account, name) for account, name in named}
        options = r.ApplyRolesOptions(request_id=self._request_id())

        def messages() -> Iterator[r.ApplyRolesRequest]:
            yield r.ApplyRolesRequest(options=options)
            for declaration in declared.values():
                yield r.ApplyRolesRequest(roles=r.RoleChunk(roles=[declaration]))

        answer = await self._sender.send(lambda server: server.roles.ApplyRoles(messages(), timeout=CALL_SECONDS))
        changed = {
            key: change.kind
            for key, change in zip(declared, answer.changes, strict=True)
            if change.kind != r.CHANGE_KIND_UNCHANGED
        }
        revision = self._model.revision + 1
        changes: dict[str, Stored | None] = {
            key: await self._applied(declared[key], kind, revision) for key, kind in changed.items()
        }
        if changes:
            self._record("apply", changes, answer.consistency_token)

    async def _applied(self, declared: r.RoleDeclaration, kind: r.ChangeKind, revision: int) -> Stored:
        """Return the role that an apply has made of a declaration."""
        present = self._model.now(key_of(declared.account_id, declared.role_name))
        shown = await self._sender.read(f"acs:ram::{declared.account_id}:role/{declared.role_name}", revision)
        role = self._new(shown) if present is None else stored_of(shown)
        expect(
            kind == (r.CHANGE_KIND_UPDATED if present else r.CHANGE_KIND_CREATED), f"an apply reports {kind} of {shown}"
        )
        expect(present is None or present.role_id == role.role_id, f"an apply gave the role another id: {shown}")
        expect(
            (role.text, dict(role.tags), role.duration)
            == (declared.assume_role_policy_document, dict(declared.tags), declared.max_session_duration_seconds),
            f"an applied role is not as declared: {shown}",
        )
        return role

    def _new(self, shown: r.Role) -> Stored:
        expect(self._model.is_new(shown.role_id), f"a new role has the id {shown.role_id} of an earlier one")
        return stored_of(shown)

    def _record(self, kind: str, changes: dict[str, Stored | None], token: str) -> None:
        revision = self._model.revision + 1
        for role in changes.values():
            expect(role is None or role.revision == revision, f"the write after {revision - 1} made {role}")
        self._model.record(revision, changes, token)
        self.written[kind] += 1

    def _values(self, drawn: Drawn) -> dict[str, Any]:
        return {
            "assume_role_policy_document": drawn.text(),
            "max_session_duration_seconds": self._random.choice(words.DURATIONS),
            "tags": drawn.tags(),
            "description": self._random.choice(("", "a role", "another")),
        }

    def _declaration(self, drawn: Drawn, account: str, name: str) -> r.RoleDeclaration:
        present = self._model.now(key_of(account, name))
        values = _mutable(present) if present and self._random.random() < 0.2 else self._values(drawn)
        return r.RoleDeclaration(account_id=account, role_name=present.name if present else name, **values)

    def _any_name(self) -> tuple[str, str]:
        return self._random.choice(words.ACCOUNTS), self._random.choice(words.NAMES)

    def _spelled(self, role: Stored) -> str:
        return self._random.choice((role.arn, f"{role.account}/{role.name.upper()}"))

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _mutable(role: Stored) -> dict[str, Any]:
    """Return the fields that a write can change, by their names in a request."""
    return {
        "assume_role_policy_document": role.text,
        "max_session_duration_seconds": role.duration,
        "tags": dict(role.tags),
        "description": role.description,
    }
