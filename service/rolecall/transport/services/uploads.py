"""Collects the messages of an ApplyRoles stream: the options first and once, then roles, within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rolecall.transport.errors import UploadLimitError, UploadOrderError
from rolecall.transport.options import UploadLimits
from rolecall_client.v1 import role_pb2 as pb


@dataclass(slots=True)
class Upload:
    """The options and the roles of one stream."""

    options: pb.ApplyRolesOptions
    roles: list[pb.RoleDeclaration] = field(default_factory=list)


class Uploads:
    """Collects uploads, within limits that all calls share."""

    def __init__(self, limits: UploadLimits) -> None:
        self._limits = limits
        self._bytes_in_progress = 0

    @asynccontextmanager
    async def collected(self, stream: AsyncIterator[pb.ApplyRolesRequest]) -> AsyncIterator[Upload]:
        """Give a complete upload, which occupies its bytes until the block ends; raise `UploadOrderError`, `UploadLimitError`."""
        upload: Upload | None = None
        size = 0
        try:
            async for message in stream:
                size += self._reserve(message.ByteSize())
                upload = self._add(upload, message)
            if upload is None:
                raise UploadOrderError("the upload has no message; send `options` first")
            yield upload
        finally:
            self._bytes_in_progress -= size

    def _reserve(self, size: int) -> int:
        if self._bytes_in_progress + size > self._limits.max_bytes:
            raise UploadLimitError("bytes of all uploads in progress", self._limits.max_bytes)
        self._bytes_in_progress += size
        return size

    def _add(self, upload: Upload | None, message: pb.ApplyRolesRequest) -> Upload:
        match message.WhichOneof("part"):
            case "options":
                if upload is not None:
                    raise UploadOrderError("`options` are sent twice; send them once, in the first message")
                return Upload(message.options)
            case "roles":
                if upload is None:
                    raise UploadOrderError("the first message has no `options`; send them before the roles")
                upload.roles.extend(message.roles.roles)
                if len(upload.roles) > self._limits.max_roles:
                    raise UploadLimitError("roles in one call", self._limits.max_roles)
                return upload
        raise UploadOrderError("a message has neither `options` nor `roles`; send one of them")
