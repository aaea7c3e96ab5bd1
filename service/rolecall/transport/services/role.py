"""RoleService: passes commands to the role catalog, and reads single roles from memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rolecall.engine.snapshot import Snapshot
from rolecall.engine.writer import StoreWriter
from rolecall.roles.accounts import Accounts
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import Author
from rolecall.roles.change_pages import ChangeReader
from rolecall.roles.errors import InvalidFieldsError, RoleNotFoundError
from rolecall.roles.pages import HistoryReader, Reader
from rolecall.roles.rights import WriteScope
from rolecall.roles.role import Micros, Role
from rolecall.roles.tokens import Tokens
from rolecall.transport.codecs import role as codec
from rolecall.transport.errors import PermissionDeniedError, UploadOrderError
from rolecall.transport.rights.actions import CREATE_ROLE, DELETE_ROLE, GET_ROLE, READ_HISTORY, UPDATE_ROLE
from rolecall.transport.rights.reads import RoleRights, may_read, may_read_history, require_on
from rolecall.transport.rights.resources import named_role, role_resource
from rolecall.transport.rights.writes import CallerWriteRights
from rolecall.transport.rpc.call_context import CallContext
from rolecall.transport.rpc.call_origin import Identify
from rolecall.transport.services.uploads import Uploads
from rolecall_client.v1 import role_pb2 as pb, role_pb2_grpc as rpc


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
    rights: RoleRights
    clock: Callable[[], int]


class RoleServicer(rpc.RoleServiceServicer):
    """Administers roles."""

    def __init__(self, parts: RoleParts) -> None:
        self._parts, self._catalog = parts, parts.catalog
        self._write, self._read = parts.writer.write, parts.writer.read
        self._token, self._identify, self._rights = parts.tokens.consistency, parts.identify, parts.rights

    async def CreateRole(self, message: pb.CreateRoleRequest, context: CallContext) -> pb.CreateRoleResponse:
        """Create a role."""
        command, author = codec.create_role(message), self._author(message, context)
        scope = self._scope(context, "CreateRole", _name(message), CREATE_ROLE)
        written = await self._write(lambda: self._catalog.create(command, author, scope))
        return pb.CreateRoleResponse(role=codec.role(written.result), consistency_token=self._token(written.revision))

    async def GetRole(self, message: pb.GetRoleRequest, context: CallContext) -> pb.GetRoleResponse:
        """Return one role, from memory."""
        self._rights.require_role(GET_ROLE, message.role, self._identify(context))
        ref = self._parts.accounts.role(message.role)
        version = self._parts.snapshot.version(ref.key)
        if version is None:
            raise RoleNotFoundError(ref.arn)
        return pb.GetRoleResponse(
            role=codec.role(version.role), consistency_token=self._token(self._parts.snapshot.revision)
        )

    async def ListRoles(self, message: pb.ListRolesRequest, context: CallContext) -> pb.ListRolesResponse:
        """Return a page of those roles of an account that the caller may read."""
        caller = self._identify(context)
        self._rights.require_list(message.account_id, message.name_prefix, caller)
        view = codec.known_view(message.view)
        where = (message.account_id, message.page_size, message.page_token, message.name_prefix, dict(message.tags))
        reader = Reader(caller.credential.scope, lambda role: may_read(role, caller))
        page = await self._read(lambda: self._catalog.list(*where, reader=reader))
        return codec.list_response(page, view, self._token(page.revision))

    async def UpdateRole(self, message: pb.UpdateRoleRequest, context: CallContext) -> pb.UpdateRoleResponse:
        """Change a role."""
        author, scope = self._author(message, context), self._scope(context, "UpdateRole", message.role, UPDATE_ROLE)
        with self._judged_if_invalid(UPDATE_ROLE, message.role, context):
            command = codec.update_role(message)
        written = await self._write(lambda: self._catalog.update(command, author, scope))
        return pb.UpdateRoleResponse(
            role=self._shown(written.result, context), consistency_token=self._token(written.revision)
        )

    async def DeleteRole(self, message: pb.DeleteRoleRequest, context: CallContext) -> pb.DeleteRoleResponse:
        """Delete a role."""
        command, author = codec.delete_role(message), self._author(message, context)
        scope = self._scope(context, "DeleteRole", message.role, DELETE_ROLE)
        written = await self._write(lambda: self._catalog.delete(command, author, scope))
        return pb.DeleteRoleResponse(consistency_token=self._token(written.revision))

    async def ListRoleRevisions(
        self,
        message: pb.ListRoleRevisionsRequest,
        context: CallContext,
    ) -> pb.ListRoleRevisionsResponse:
        """Return a page of a role's history."""
        reader = self._history_reader(context, message.role)
        where, role_id = (message.role, message.page_size, message.page_token), message.role_id
        page = await self._read(lambda: self._catalog.revisions(*where, role_id=role_id, reader=reader))
        return codec.revisions_response(page)

    async def UndeleteRole(self, message: pb.UndeleteRoleRequest, context: CallContext) -> pb.UndeleteRoleResponse:
        """Restore a deleted role."""
        command, author = codec.undelete_role(message), self._author(message, context)
        scope = self._scope(context, "UndeleteRole", message.role, CREATE_ROLE)
        written = await self._write(lambda: self._catalog.undelete(command, author, scope))
        return pb.UndeleteRoleResponse(
            role=self._shown(written.result, context), consistency_token=self._token(written.revision)
        )

    async def RollbackRole(self, message: pb.RollbackRoleRequest, context: CallContext) -> pb.RollbackRoleResponse:
        """Restore a role as it was at one of its revisions."""
        command, author = codec.rollback_role(message), self._author(message, context)
        scope = self._scope(context, "RollbackRole", message.role, UPDATE_ROLE)
        written = await self._write(lambda: self._catalog.rollback(command, author, scope))
        return pb.RollbackRoleResponse(
            role=self._shown(written.result, context), consistency_token=self._token(written.revision)
        )

    async def ApplyRoles(
        self, stream: AsyncIterator[pb.ApplyRolesRequest], context: CallContext
    ) -> pb.ApplyRolesResponse:
        """Make the roles match their declarations."""
        scope = self._scope(context, "ApplyRoles", "", CREATE_ROLE, UPDATE_ROLE, DELETE_ROLE)
        try:
            async with self._parts.uploads.collected(stream) as upload:
                author = self._author(upload.options, context, source=upload.options.source)
                # A large upload is decoded on the writer's thread; on the event loop it would delay decisions.
                written = await self._write(lambda: self._catalog.apply(codec.apply_roles(upload), author, scope))
        except UploadOrderError:
            self._rights.require_role(CREATE_ROLE, "", self._identify(context))
            raise
        return codec.apply_response(written, self._token(written.revision))

    async def ListChanges(self, message: pb.ListChangesRequest, context: CallContext) -> pb.ListChangesResponse:
        """Return a page of those changes of roles that the caller may read."""
        caller, history = self._identify(context), self._history_reader(context, message.role)
        if not message.role:
            self._rights.require_changes(message.account_ids, message.name_prefix, caller)
        with self._judged_if_invalid(READ_HISTORY, message.role, context):
            view, filters = codec.known_view(message.view), codec.change_filters(message)
        reader = ChangeReader(history, lambda role: may_read_history(role, caller), by_tags=caller.reads_tags)
        where = filters, message.page_size, message.page_token
        page = await self._read(lambda: self._catalog.changes(*where, reader))
        return codec.changes_response(page, view, self._token(page.revision))

    def _history_reader(self, context: CallContext, role: str) -> HistoryReader:
        """Return the reader of histories; raise `PermissionDeniedError` if the caller may read none at all."""
        caller = self._identify(context)
        if not caller.reaches(READ_HISTORY):
            raise PermissionDeniedError(READ_HISTORY, role_resource(named_role(self._parts.accounts, role)))
        return HistoryReader(
            caller.credential.scope, lambda ref, standing: require_on(READ_HISTORY, ref, standing, caller)
        )

    def _shown(self, role: Role, context: CallContext) -> pb.Role:
        """Return the message of a role that was changed: its content only for a caller that may read it."""
        # Otherwise an update that changes nothing would read any role that may be updated.
        return codec.role(role) if may_read(role, self._identify(context)) else codec.role_name(role)

    @contextmanager
    def _judged_if_invalid(self, action: str, role: str, context: CallContext) -> Iterator[None]:
        """Require a right before the violations of a message are raised."""
        try:
            yield
        except InvalidFieldsError:
            self._rights.require_role(action, role, self._identify(context))
            raise

    def _scope(self, context: CallContext, method: str, role: str, *actions: str) -> WriteScope:
        """Return the scope of a write of a role; raise `PermissionDeniedError` if the caller may do none of the actions at all."""
        caller = self._identify(context)
        # Others wait for the thread that writes, or read an upload, before their rights are judged.
        if not any(map(caller.reaches, actions)):
            raise PermissionDeniedError(actions[0], role_resource(named_role(self._parts.accounts, role)))
        return WriteScope(f"{caller.credential.scope}\n{method}", CallerWriteRights(caller))

    def _author(self, message: WriteFields, context: CallContext, *, source: str = "") -> Author:
        return Author(
            actor=self._parts.identify(context).credential.identity,
            time=Micros(self._parts.clock()),
            request_id=message.request_id,
            change_reason=message.change_reason,
            source=source,
        )


def _name(message: pb.CreateRoleRequest) -> str:
    return f"{message.account_id}/{message.role_name}" if message.account_id else message.role_name
