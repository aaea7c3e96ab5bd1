"""Reloads the server's certificate when its files change, without a restart or a signal."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

import grpc

from rolecall.security.file_watch import CHECK_SECONDS, reload_when_changed
from rolecall.security.tls_files import (
    Certificate,
    CredentialsError,
    TlsFiles,
    load_certificate,
    read_contents,
    require_unexpired,
)


class ReloadingCertificate:
    """The current certificate of a server. Clients must present one too if the files name an authority for them.

    `trust_domains` returns the CA certificates of all trust domains (PEM), which are accepted beside that authority. If there
    are any at the start, clients must present a certificate, too.

    Raise `CredentialsError` if the files are invalid. `renewals` counts reloads, `errors` the checks that found invalid files.
    """

    def __init__(
        self,
        tls: TlsFiles,
        *,
        trust_domains: Callable[[], bytes] = lambda: b"",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tls, self._trust_domains, self._clock = tls, trust_domains, clock
        self.clients_required = bool(tls.client_authority or trust_domains())
        self._current = self._load()
        self.renewals = self.errors = 0
        self.credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
            self._current.configuration,
            # gRPC calls this for each new connection, on a thread of its own: it must not read files. None would mean
            # "unchanged", but a revived server takes its first certificate from here, too.
            lambda: self._current.configuration,
            require_client_authentication=self.clients_required,
        )

    def context(self) -> ssl.SSLContext:
        """Return the context for the next connection of a transport of Python's own."""
        return self._current.context

    @property
    def client_authority(self) -> bytes:
        """Return the CA certificates of `--tls-client-ca` (PEM); empty without any."""
        return self._current.contents.client_authority or b""

    @property
    def expires_at(self) -> int:
        """Return when the current certificate expires: seconds since the epoch."""
        return self._current.expires_at

    def reload_if_changed(self) -> bool:
        """Reload the files if they have changed; return whether they had. Blocks.

        Raise `CredentialsError` if they are invalid, or the current certificate has expired; it stays in use.
        """
        try:
            return self._reload_if_changed()
        except CredentialsError:
            self.errors += 1
            raise

    async def watch_files(
        self, on_change: Callable[[CredentialsError | None], object], *, seconds: float = CHECK_SECONDS
    ) -> None:
        """Reload the files when they change, checking them in this interval, until cancelled.

        `on_change` gets each new error once, and None after a reload or when an error has passed.
        """
        await reload_when_changed(
            lambda: asyncio.to_thread(self.reload_if_changed), CredentialsError, on_change, seconds
        )

    def _reload_if_changed(self) -> bool:
        # All files together: a mounted secret changes them at once, through a link.
        if read_contents(self._tls, self._trust_domains()) == self._current.contents:
            require_unexpired(self._tls, self._current.expires_at, self._clock())
            return False
        self._current = self._load()
        self.renewals += 1
        return True

    def _load(self) -> Certificate:
        return load_certificate(self._tls, self._clock(), self._trust_domains(), clients_required=self.clients_required)
