"""What identifies a client to the server: its token, its TLS files and its metadata."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from rolecall_client.bearer import TokenSource
from rolecall_client.checks import Metadata
from rolecall_client.connection.renewed_token import RenewedToken
from rolecall_client.errors import RolecallError, TokenError

if TYPE_CHECKING:
    from rolecall_client.connection.tls import TlsMaterial


class Credential:
    """Gives the metadata of the next call, and a digest of all that identifies the client."""

    def __init__(
        self, token: str | TokenSource | None, metadata: Metadata, material: Callable[[], TlsMaterial | None] | None
    ) -> None:
        self._fixed, self._material = metadata, material
        self._constant = token if isinstance(token, str) else None
        self._renewed = token if isinstance(token, RenewedToken) else None
        self._function = token if callable(token) and self._renewed is None else None
        self._last: tuple[str, Metadata] | None = None
        self._last_digest: tuple[str, TlsMaterial | None, bytes] | None = None
        # A token that is given as text, or none, and no files: every answer from a cache asks for this.
        self._constant_digest = None if material or callable(token) else self._remember(self._constant or "", None)
        self._unknown = itertools.count()
        self._renewal: asyncio.Future[str] | None = None

    def metadata(self) -> Metadata:
        """Return the metadata of the next call; raise `TokenError`. It may start a command."""
        return self._with(self._renewed() if self._renewed is not None else self._quick_token())

    async def metadata_later(self) -> Metadata:
        """Return the metadata of the next call; raise `TokenError`. A command runs outside of the event loop."""
        if self._renewed is None:
            return self._with(self._quick_token())
        token = self._renewed.ready()
        return self._with(token if token is not None else await self._renew(self._renewed))

    def seen(self, error: RolecallError) -> RolecallError:
        """Return the error of a call, after noting whether the server refused the token."""
        if self._renewed is not None and error.code == "UNAUTHENTICATED":
            self._renewed.refused()
        return error

    def digest(self) -> bytes:
        """Return the digest; raise `TokenError`. It never starts a command.

        While the token of the next call is not known it differs each time: an answer to one token is never given to another.
        """
        if self._constant_digest is not None:
            return self._constant_digest
        token = self._quick_token() if self._renewed is None else self._renewed.ready()
        material = self._material() if self._material is not None else None
        if token is None and self._renewed is not None:
            return b"%d" % next(self._unknown)
        last = self._last_digest
        if last is not None and last[0] == token and last[1] is material:
            return last[2]
        return self._remember(token or "", material)

    def _remember(self, token: str, material: TlsMaterial | None) -> bytes:
        parts = [token.encode(), b"" if material is None else material.digest(), repr(self._fixed).encode()]
        digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
        self._last_digest = (token, material, digest)
        return digest

    def _quick_token(self) -> str | None:
        return self._function() if self._function is not None else self._constant

    def _with(self, token: str | None) -> Metadata:
        if token is None:
            return self._fixed
        last = self._last
        if last is not None and last[0] == token:
            return last[1]
        # gRPC would refuse it with a message that shows it.
        if not (token.isascii() and token.isprintable()) or not token or " " in token:
            raise TokenError("the token of the client is not one word of printable ASCII")
        metadata: Metadata = (*self._fixed, ("authorization", f"Bearer {token}"))
        self._last = (token, metadata)
        return metadata

    async def _renew(self, source: RenewedToken) -> str:
        """Call the source on a thread, once for all calls that wait for it."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.ensure_future(asyncio.to_thread(source))
            # Every call that waits may be cancelled; the error is then of no interest to anyone.
            self._renewal.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._renewal)
