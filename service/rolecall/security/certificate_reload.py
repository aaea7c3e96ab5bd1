"""Taking up the certificate anew when its files change, while the server runs: what rotates them need not tell anybody.

1. The files are looked at now and then, all of them together: a mounted secret changes them at once, by a link.
2. What is new counts only once it is proved to work (`certificate_files.py`); until then what there was goes on, and that is
   counted and told.
3. gRPC asks for the certificate at each new connection, on a thread of its own: it gets what is there, and no file is read then.
   Connections that exist go on as they began, until they are as old as connections get.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import grpc

from rolecall.security.certificate_files import (
    CredentialsError,
    TlsFiles,
    load_certificate,
    read_contents,
    require_unexpired,
)

LOOK_SECONDS = 10.0


class ReloadingCertificate:
    """The certificate of a server, which its callers must match with theirs where the files name an authority for that.

    Raise `CredentialsError` if the files are of no use. `errors` counts the looks at the files in vain, `renewals` the others that
    found something new.
    """

    def __init__(self, tls: TlsFiles, *, clock: Callable[[], float] = time.time) -> None:
        self._tls, self._clock = tls, clock
        self._current = load_certificate(tls, clock())
        self.renewals = self.errors = 0
        self.credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
            self._current.configuration,
            # Never None for "as before": a server that is revived takes its first certificate from here too.
            lambda: self._current.configuration,
            require_client_authentication=bool(tls.client_authority),
        )

    @property
    def expires_at(self) -> int:
        """Return when the certificate that callers are shown expires: seconds since the epoch."""
        return self._current.expires_at

    def reload_if_changed(self) -> bool:
        """Take up what the files hold now; tell whether that is something new. Blocks.

        Raise `CredentialsError` when it is of no use, or no longer: what there was goes on.
        """
        try:
            return self._reload_if_changed()
        except CredentialsError:
            self.errors += 1
            raise

    async def keep(self, tell: Callable[[CredentialsError | None], object], *, seconds: float = LOOK_SECONDS) -> None:
        """Look at the files in this interval, until cancelled.

        `tell` gets an error once, however long it lasts, and None when there is a new certificate or an error has passed.
        """
        told = ""
        while True:
            await asyncio.sleep(seconds)
            try:
                renewed = await asyncio.to_thread(self.reload_if_changed)
            except CredentialsError as error:
                if str(error) != told:
                    told = str(error)
                    tell(error)
                continue
            if renewed or told:
                told = ""
                tell(None)

    def _reload_if_changed(self) -> bool:
        if read_contents(self._tls) == self._current.contents:
            require_unexpired(self._tls, self._current.expires_at, self._clock())
            return False
        self._current = load_certificate(self._tls, self._clock())
        self.renewals += 1
        return True
