"""The TLS files of a client: read, verified, and read again when they change."""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from rolecall_client.boottime import boottime
from rolecall_client.connection.file_version import version_of
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.regular_file import open_regular

CHECK_SECONDS = 1.0
"""How often the files are looked at, at most."""

MAX_FILE_BYTES = 4 * 1024 * 1024

_log = logging.getLogger("rolecall_client")


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What the files contained at one time. The key is the client's secret."""

    ca: bytes
    cert: bytes | None
    key: bytes | None

    def __repr__(self) -> str:
        return "TlsMaterial(...)"

    def credentials(self) -> grpc.ChannelCredentials:
        """Return the credentials of a channel."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.cert)

    def digest(self) -> bytes:
        """Return a digest of the client's identity: other files, another digest."""
        parts = (self.ca, self.cert or b"", self.key or b"")
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


class ReloadingTls:
    """Reads the files, and again when one has changed: looked at once a second at most, when it is asked for."""

    def __init__(self, files: TlsFiles, *, clock: Callable[[], float] = boottime) -> None:
        self._files, self._clock = files, clock
        self._versions = self._current_versions()
        self._looked_at, self._warned = clock(), ""
        self.material = _read(files)

    def changed(self) -> TlsMaterial | None:
        """Return the new contents if a file has changed since they were last returned, and all files are valid."""
        now = self._clock()
        if now - self._looked_at < CHECK_SECONDS:
            return None
        self._looked_at = now
        try:
            versions = self._current_versions()
            if versions == self._versions:
                return None
            material = _read(self._files)
        except (OSError, ValueError) as error:
            self._warn(error)
            return None
        self._warned = ""
        self._versions = versions
        if material == self.material:
            return None
        self.material = material
        return material

    def _warn(self, error: Exception) -> None:
        # Files that are being replaced may not fit for a moment: the connection continues with the last valid ones.
        if str(error) != self._warned:
            self._warned = str(error)
            _log.warning("the TLS files have changed and are not valid; the last valid ones are used: %s", error)

    def _current_versions(self) -> tuple[object, ...]:
        return tuple(version_of(path) for path in self._files.paths())


def _read(files: TlsFiles) -> TlsMaterial:
    """Return the contents of the files; raise `OSError`, and `ValueError` if they are not valid or do not fit."""
    material = _contents(files)
    _verify(files)
    # The files were verified by name. If one was replaced meanwhile, what was read is something else.
    if _contents(files) != material:
        raise ValueError(f"the files beside `{files.ca}` are being replaced")
    return material


def _contents(files: TlsFiles) -> TlsMaterial:
    read = [None if path is None else _content_of(path) for path in (files.ca, files.cert, files.key)]
    return TlsMaterial(read[0] or b"", read[1], read[2])


def _verify(files: TlsFiles) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(files.ca)
    except ssl.SSLError as error:
        raise ValueError(f"`{files.ca}` has no certificates in PEM form") from error
    if files.cert is None or files.key is None:
        return
    try:
        # Without a password function OpenSSL would ask at the terminal.
        context.load_cert_chain(files.cert, files.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        message = f"`{files.cert}` and `{files.key}` are not a certificate and its key in PEM form, without a password"
        raise ValueError(message) from error


def _content_of(path: Path) -> bytes:
    with open_regular(Path(path)) as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"`{path}` has more than {MAX_FILE_BYTES} bytes")
    return content
