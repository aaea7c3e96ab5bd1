"""The header list of a call: which method is called, how, and for how long."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from itertools import chain
from math import inf

from rolecall.transport.http2.session import Headers
from rolecall.transport.http2.status import Code, StatusError

_UNIT_SECONDS = {b"H": 3_600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_MAX_TIMEOUT_DIGITS = 8
_FIELD_OVERHEAD = 32  # RFC 9113, section 10.5.1
_OF_THE_PROTOCOL = frozenset({b"te", b"content-type", b"grpc-timeout", b"grpc-encoding", b"grpc-accept-encoding"})
_CONTENT_TYPE = b"application/grpc"
_USUAL = (b"POST", _CONTENT_TYPE, b"trailers")


class NotGrpcError(Exception):
    """The request is not gRPC; it is answered with a status of HTTP and a short text."""

    def __init__(self, http_status: bytes, text: str, *headers: tuple[bytes, bytes]) -> None:
        self.http_status, self.text = http_status, text
        self.headers: Headers = [(b"content-type", b"text/plain"), *headers]
        super().__init__(text)


class RequestHead:
    """What the headers of a call say. `timeout` is in seconds, infinite without one; `size` in bytes, as HTTP/2 counts."""

    __slots__ = ("encoding", "has_authorization", "headers", "path", "size", "timeout")

    def __init__(self, headers: Headers, max_bytes: int) -> None:
        """Read the headers; raise `NotGrpcError`, or `StatusError` for a call that cannot be served."""
        # Of a name that occurs twice the last counts. A dictionary costs a third of comparing each name with those needed.
        self.headers, fields = headers, dict(headers)
        self.path, self.encoding = fields.get(b":path", b""), fields.get(b"grpc-encoding", b"identity")
        self.has_authorization = b"authorization" in fields
        described = fields.get(b":method"), fields.get(b"content-type", b""), fields.get(b"te")
        if described != _USUAL:
            _require_grpc(*described)
        self.size = sum(map(len, chain.from_iterable(headers))) + _FIELD_OVERHEAD * len(headers)
        if self.size > max_bytes:
            message = f"the metadata has {self.size} bytes; at most {max_bytes} are allowed"
            raise StatusError(Code.RESOURCE_EXHAUSTED, message)
        timeout = fields.get(b"grpc-timeout")
        self.timeout = _seconds(timeout) if timeout else inf

    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the metadata that the client sent, without the headers of the protocol itself."""
        return tuple(_metadata(self.headers))


def _metadata(headers: Headers) -> Iterator[tuple[str, str | bytes]]:
    for name, value in headers:
        if name.startswith(b":") or name in _OF_THE_PROTOCOL:
            continue
        key = name.decode("ascii", "replace")
        if key.endswith("-bin"):
            # Several values of one name may arrive as one, separated by commas.
            yield from ((key, _binary(part)) for part in value.split(b","))
        else:
            yield key, value.decode("latin-1")


def _binary(text: bytes) -> bytes:
    text = text.strip()
    try:
        return b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except Base64Error:
        return b""


def _require_grpc(method: bytes | None, content_type: bytes, te: bytes | None) -> None:
    if method != b"POST":
        raise NotGrpcError(b"405", "gRPC calls use the method POST", (b"allow", b"POST"))
    if not _is_grpc(content_type):
        raise NotGrpcError(b"415", "gRPC calls have the content type application/grpc")
    if te != b"trailers":
        raise NotGrpcError(b"400", "the header `te: trailers` is missing: a proxy on the way may not support trailers")


def _is_grpc(content_type: bytes) -> bool:
    """Return whether a content type is that of gRPC, perhaps with a suffix or parameters. Case does not matter."""
    kind, rest = content_type[: len(_CONTENT_TYPE)].lower(), content_type[len(_CONTENT_TYPE) :].lstrip()
    return kind == _CONTENT_TYPE and rest[:1] in (b"", b"+", b";")


def _seconds(timeout: bytes) -> float:
    number, unit = timeout[:-1], _UNIT_SECONDS.get(timeout[-1:])
    if unit is None or not number.isdigit() or len(number) > _MAX_TIMEOUT_DIGITS:
        raise StatusError(Code.INTERNAL, "`grpc-timeout` is not 1 to 8 digits and one of the units H, M, S, m, u, n")
    return int(number) * unit
