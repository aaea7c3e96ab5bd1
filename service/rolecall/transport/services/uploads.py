"""Collects the messages of an ApplyRoles stream: the options once and first, then roles, both bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rolecall.transport.errors import UploadLimitError, UploadOrderError
from rolecall.transport.options import UploadLimits
from rolecall_client.v1 import role_pb2 as pb


@dataclass(slots=True)
class Upload:
    """What a stream brought."""

    options: pb.ApplyRolesOptions
    roles: list[pb.RoleDeclaration] = field(default_factory=list)


class Uploads:
    """Collects uploads within limits, across all calls."""

    def __init__(self, limits: UploadLimits) -> None:
        self._limits = limits
        self._held_bytes = 0

    @asynccontextmanager
    async def collected(self, stream: AsyncIterator[pb.ApplyRolesRequest]) -> AsyncIterator[Upload]:
        """Give a whole upload, which counts as held until it is left; raise `UploadOrderError`, `UploadLimitError`."""
        upload: Upload | None = None
        held = 0
        try:
            async for message in stream:
                held += self._hold(message.ByteSize())
                upload = self._take(upload, message)
            if upload is None:
                raise UploadOrderError("an upload begins with a message that has `options`, this one has no message")
            yield upload
        finally:
            self._held_bytes -= held

    def _hold(self, size: int) -> int:
        if self._held_bytes + size > self._limits.max_bytes:
            raise UploadLimitError("bytes of declared roles at once", self._limits.max_bytes)
        self._held_bytes += size
        return size

    def _take(self, upload: Upload | None, message: pb.ApplyRolesRequest) -> Upload:
        match message.WhichOneof("part"):
            case "options":
                if upload is not None:
                    raise UploadOrderError("`options` are given twice; give them once, in the first message")
                return Upload(message.options)
            case "roles":
                if upload is None:
                    raise UploadOrderError("the first message must have `options`, roles follow")
                upload.roles.extend(message.roles.roles)
                if len(upload.roles) > self._limits.max_roles:
                    raise UploadLimitError("declared roles in one call", self._limits.max_roles)
                return upload
        raise UploadOrderError("a message has neither `options` nor `roles`")
