"""Where a key set is read from: a file, or a URL of a host that the operator has listed."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from threading import Timer
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from rolecall.regular_file import read_regular, reason_of
from rolecall.security.tokens.public_keys import MAX_KEY_SET_BYTES, InvalidKeySetError

FILE_SECONDS = 10.0
URL_SECONDS = 300.0
FETCH_SECONDS = 10.0
"""How long one fetch may take, from the connection to the last byte."""

MAX_ADDRESSES = 4
"""How many addresses of a host are tried: each that does not answer takes a turn."""

_TURN_SECONDS = 5.0
_TOO_SLOW = f"the answer took more than {FETCH_SECONDS:g} seconds"
_PORTION_BYTES = 64 * 1024
_TRANSLATED, _ASSIGNED = IPv6Network("64:ff9b::/96"), IPv6Network("2000::/3")
_TYPES = ("application/json", "application/jwk-set+json")

Networks: TypeAlias = "tuple[IPv4Network | IPv6Network, ...]"

JwksHosts: TypeAlias = Mapping[str, Networks]
"""The hosts that key sets are fetched from, each with the private addresses that it may have."""


class KeyReader(Protocol):
    """Reads the bytes of a key set."""

    @property
    def seconds(self) -> float:
        """Return the interval between two reads."""
        ...

    def read(self) -> bytes:
        """Return the bytes; raise `InvalidKeySetError`. Blocks."""
        ...


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key set in a file."""

    path: str
    seconds: float = FILE_SECONDS

    def read(self) -> bytes:
        """Return the bytes of the file; raise `InvalidKeySetError`."""
        try:
            return read_regular(Path(self.path), MAX_KEY_SET_BYTES)
        except OSError as error:
            raise InvalidKeySetError(f"cannot read the key set `{self.path}`: {reason_of(error)}") from None


@dataclass(frozen=True, slots=True)
class KeyUrl:
    """A key set behind an `https` URL. Redirects are not followed, and no proxy is used."""

    url: str
    hosts: JwksHosts
    tls: ssl.SSLContext
    seconds: float = URL_SECONDS

    def read(self) -> bytes:
        """Return the bytes of the answer; raise `InvalidKeySetError`."""
        try:
            return self._fetched()
        except InvalidKeySetError as error:
            raise InvalidKeySetError(f"cannot fetch the key set `{shown_url(self.url)}`: {error}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise InvalidKeySetError(f"cannot fetch the key set `{shown_url(self.url)}`: {_reason(error)}") from None

    def _fetched(self) -> bytes:
        parts = urlsplit(self.url)
        host, port = require_listed(self.url, self.hosts), parts.port or 443
        connection = _Pinned(host, port, _addresses(host, port, self.hosts[host]), self.tls)
        # A host may send one byte in every turn: only a limit of the whole ends that.
        deadline = Timer(FETCH_SECONDS, connection.cut)
        deadline.daemon = True
        deadline.start()
        try:
            path = parts.path or "/"
            connection.request("GET", f"{path}?{parts.query}" if parts.query else path)
            with connection.getresponse() as response:
                if response.status != http.client.OK:
                    raise InvalidKeySetError(f"the answer has the status {response.status}; only 200 is accepted")
                return _body(response)
        except (OSError, http.client.HTTPException, ValueError):
            if connection.is_cut:
                raise InvalidKeySetError(_TOO_SLOW) from None
            raise
        finally:
            deadline.cancel()
            connection.close()


def shown_url(url: str) -> str:
    """Return a URL as messages show it: without its query, which may have a key of the host."""
    return url.partition("?")[0]


def require_listed(url: str, hosts: JwksHosts) -> str:
    """Return the host of a URL; raise `InvalidKeySetError` unless the URL is `https` and the host is listed."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not host or parts.username is not None or parts.fragment:
        raise InvalidKeySetError("the URL must be `https://HOST/PATH` without a user and a fragment")
    if host not in hosts:
        raise InvalidKeySetError(f"the host `{host}` is not listed; add it to --jwks-host")
    return host


class _Pinned(http.client.HTTPSConnection):
    """A connection to one of the addresses that were checked: the name is not resolved a second time."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], tls: ssl.SSLContext) -> None:
        super().__init__(host, port, context=tls)
        self._addresses, self._tls = addresses, tls
        self.is_cut = False

    def cut(self) -> None:
        """End the connection, whatever it waits for. Called on another thread."""
        self.is_cut = True
        if self.sock is not None:
            with suppress(OSError):
                # Not the method of the TLS socket, which would change what the other thread is using.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def connect(self) -> None:
        """Connect, and verify the certificate for the host's name."""
        connected = self._connected()
        secured = self._tls.wrap_socket(connected, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = secured
        secured.do_handshake()

    def _connected(self) -> socket.socket:
        """Connect to the first address that answers: a host may have one of a network that this machine cannot reach."""
        *others, last = self._addresses
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, self.port), _TURN_SECONDS)
        return socket.create_connection((last, self.port), _TURN_SECONDS)


def _addresses(host: str, port: int, networks: Networks) -> list[str]:
    """Return the addresses of the host; raise `InvalidKeySetError` if any of its addresses is not allowed."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    # A host with one public and one private address could be chosen to reach the private one at any time.
    if refused := [address for address in found if not _allowed(address, networks)]:
        raise InvalidKeySetError(
            f"the host `{host}` has the private address `{refused[0]}`; list it as `{host}={refused[0]}` if that is intended"
        )
    return list(dict.fromkeys(found))[:MAX_ADDRESSES]


def _allowed(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    address = _destination(ip_address(text))
    return _is_public(address) or any(address in network for network in networks)


def _destination(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address leads to, directly, through a translator or a tunnel; else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    # Python calls global what is not reserved: also the former private addresses `fec0::` and `::10.0.0.1`.
    assigned = isinstance(address, IPv4Address) or address in _ASSIGNED
    return assigned and address.is_global and not address.is_multicast


def _body(response: http.client.HTTPResponse) -> bytes:
    kind = response.headers.get_content_type()
    if kind not in _TYPES:
        raise InvalidKeySetError(f"the answer has the type `{kind[:100]}`, not JSON")
    body = bytearray()
    while portion := response.read1(_PORTION_BYTES):
        body += portion
        if len(body) > MAX_KEY_SET_BYTES:
            raise InvalidKeySetError(f"the answer has more than {MAX_KEY_SET_BYTES} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of the host is invalid: {error.verify_message.lower()}"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the host closed the connection without an answer"
    if isinstance(error, TimeoutError):
        return "the host did not answer in time"
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return "the answer is not HTTP" if isinstance(error, http.client.HTTPException) else "the URL is invalid"
