"""Where the gRPC server listens."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


class AddressError(Exception):
    """The server cannot listen on its configured address."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        super().__init__(f"cannot listen on `{address}`: {why}")


@dataclass(frozen=True, slots=True)
class SocketAccess:
    """Who may connect to a Unix socket: the user of this process, and the members of a group if one is given by its number."""

    group: int | None = None

    def apply(self, path: Path) -> None:
        """Set the mode of a socket file, and its group; raise `AddressError` if this process may not give it to the group."""
        if self.group is None:
            path.chmod(0o600)
            return
        try:
            os.chown(path, -1, self.group)
        except OSError as error:
            why = f"its file cannot be given to the group {self.group} ({reason_of(error)}); run as a member of it"
            raise AddressError(f"unix:{path}", why) from None
        path.chmod(0o660)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: an address in the syntax of gRPC, with its host and port; a Unix socket has neither.

    `access` is who may connect to a Unix socket; None: what the umask of the process allows.
    """

    address: str
    host: str = ""
    port: int = 0
    access: SocketAccess | None = None

    def require_free(self) -> None:
        """Raise `AddressError` if the address is in use or not available; gRPC itself would not say why."""
        if not self.host:
            self._require_directory()
            return
        try:
            socket.create_server((self.host, self.port), family=family_of(self.host)).close()
        except OSError as error:
            raise AddressError(self.address, reason_of(error)) from None

    def _require_directory(self) -> None:
        directory = Path(self.address.removeprefix("unix:")).parent
        if not directory.is_dir():
            raise AddressError(self.address, f"there is no directory `{directory}`; make it first")

    def with_port(self, port: int) -> str:
        """Return the address with the port that the system chose, if the address has port 0."""
        return self.address if not self.host else f"{self.address.rpartition(':')[0]}:{port}"


def reason_of(error: OSError) -> str:
    """Return why an address cannot be listened on, in lower case."""
    # The text of an error with a number of the system repeats the address; a name that is not found has no such number.
    number = error.errno or 0
    text = os.strerror(number) if number > 0 else error.strerror or str(error)
    return text.lower()


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of a host's address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET
