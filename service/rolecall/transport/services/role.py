"""RoleService: passes commands to the role catalog, and reads single roles from memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rolecall.callers.caller import Caller
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.writer import StoreWriter
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import Author
from rolecall.roles.errors import RoleNotFoundError
from rolecall.roles.role import Micros
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs import role as codec
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.services.uploads import Uploads
from rolecall_client.v1 import role_pb2 as pb, role_pb2_grpc as rpc

Identify: TypeAlias = Callable[[CallContext], Caller]
"""Returns the caller of a call."""


class WriteFields(Protocol):
    """The fields that every request of a write has."""

    @property
    def request_id(self) -> str:
        """Return the client's id for the write."""
        ...

    @property
    def change_reason(self) -> str:
        """Return the reason that the client gives for the write."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleParts:
    """The collaborators of a `RoleServicer`. `clock` returns microseconds since the epoch."""

    catalog: RoleCatalog
    writer: StoreWriter
    snapshot: Snapshot
    accounts: Accounts
    tokens: Tokens
    uploads: Uploads
    identify: Identify
    clock: Callable[[], int]


class RoleServicer(rpc.RoleServiceServicer):
    """Administers roles."""

    def __init__(self, parts: RoleParts) -> None:
        self._parts, self._catalog = parts, parts.catalog
        self._write, self._read = parts.writer.write, parts.writer.read
        self._token = parts.tokens.consistency

    async def CreateRole(self, message: pb.CreateRoleRequest, context: CallContext) -> pb.CreateRoleResponse:
        """Create a role."""
        command, author = codec.create_role(message), self._author(message, context)
        written = await self._write(lambda: self._catalog.create(command, author, _scope(author, "CreateRole")))
        return pb.CreateRoleResponse(role=codec.role(written.result), consistency_token=self._token(written.revision))

    async def GetRole(self, message: pb.GetRoleRequest, context: CallContext) -> pb.GetRoleResponse:
        """Return one role, from memory."""
        ref = self._parts.accounts.role(message.role)
        version = self._parts.snapshot.version(ref.key)
        if version is None:
            raise RoleNotFoundError(ref.arn)
        return pb.GetRoleResponse(
            role=codec.role(version.role), consistency_token=self._token(self._parts.snapshot.revision)
        )

    async def ListRoles(self, message: pb.ListRolesRequest, context: CallContext) -> pb.ListRolesResponse:
        """Return a page of the roles of an account."""
        view = codec.known_view(message.view)
        where = (message.account_id, message.page_size, message.page_token, message.name_prefix, dict(message.tags))
        page = await self._read(lambda: self._catalog.list(*where))
        return codec.list_response(page, view, self._token(page.revision))

    async def UpdateRole(self, message: pb.UpdateRoleRequest, context: CallContext) -> pb.UpdateRoleResponse:
        """Change a role."""
        command, author = codec.update_role(message), self._author(message, context)
        written = await self._write(lambda: self._catalog.update(command, author, _scope(author, "UpdateRole")))
        return pb.UpdateRoleResponse(role=codec.role(written.result), consistency_token=self._token(written.revision))

    async def DeleteRole(self, message: pb.DeleteRoleRequest, context: CallContext) -> pb.DeleteRoleResponse:
        """Delete a role."""
        command, author = codec.delete_role(message), self._author(message, context)
        written = await self._write(lambda: self._catalog.delete(command, author, _scope(author, "DeleteRole")))
        return pb.DeleteRoleResponse(consistency_token=self._token(written.revision))

    async def ListRoleRevisions(
        self,
        message: pb.ListRoleRevisionsRequest,
        context: CallContext,
    ) -> pb.ListRoleRevisionsResponse:
        """Return a page of a role's history."""
        where = (message.role, message.page_size, message.page_token)
        return codec.revisions_response(await self._read(lambda: self._catalog.revisions(*where)))

    async def RollbackRole(self, message: pb.RollbackRoleRequest, context: CallContext) -> pb.RollbackRoleResponse:
        """Restore a role as it was at one of its revisions."""
        command, author = codec.rollback_role(message), self._author(message, context)
        written = await self._write(lambda: self._catalog.rollback(command, author, _scope(author, "RollbackRole")))
        return pb.RollbackRoleResponse(role=codec.role(written.result), consistency_token=self._token(written.revision))

    async def ApplyRoles(
        self, stream: AsyncIterator[pb.ApplyRolesRequest], context: CallContext
    ) -> pb.ApplyRolesResponse:
        """Make the roles match their declarations."""
        async with self._parts.uploads.collected(stream) as upload:
            author = self._author(upload.options, context, source=upload.options.source)
            # A large upload is decoded on the writer's thread; on the event loop it would delay decisions.
            work = lambda: self._catalog.apply(codec.apply_roles(upload), author, _scope(author, "ApplyRoles"))  # noqa: E731
            written = await self._write(work)
        return codec.apply_response(written, self._token(written.revision))

    def _author(self, message: WriteFields, context: CallContext, *, source: str = "") -> Author:
        return Author(
            actor=self._parts.identify(context).credential.identity,
            time=Micros(self._parts.clock()),
            request_id=message.request_id,
            change_reason=message.change_reason,
            source=source,
        )


def _scope(author: Author, method: str) -> str:
    return f"{author.actor}\n{method}"
