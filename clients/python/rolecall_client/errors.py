"""The error of a failed call. A deny is a response, not an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, cast

from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from rolecall_client.v1.policy_pb2 import PolicyViolation

if TYPE_CHECKING:
    import grpc

REQUEST_ID_KEY = "x-request-id"
"""The metadata key of the request id, which the server also logs."""

_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of the request, or one element of a trust policy, that breaks a rule. `reason` is stable, and may be empty.

    Of a trust policy's element, `pointer` is its JSON pointer, and `line` and `column` count from 1 in the document that was sent;
    otherwise they are empty and 0.
    """

    field: str
    reason: str
    message: str
    pointer: str = ""
    line: int = 0
    column: int = 0


class RolecallError(Exception):
    """The query was not answered, or the write was not made.

    `code` is the name of the gRPC code (`NOT_FOUND`), `reason` a stable word (`ROLE_NOT_FOUND`; empty if the error does not
    come from Rolecall itself), `metadata` has further facts (such as `ram_code`), and `request_id` identifies the call in the
    server's log. `retry_after` is how many seconds the server asks to wait before a repeat. What callers treat differently has
    a class of its own.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        reason: str = "",
        violations: Iterable[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.code, self.message, self.reason, self.request_id = code, message, reason, request_id
        self.retry_after = retry_after
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        super().__init__(message)


class UnavailableError(RolecallError):
    """No server could be reached, or it is stopping: repeat the call later. Calls that are safe to repeat have been repeated."""


class DeadlineExceededError(RolecallError):
    """No answer arrived within the timeout. A write may have been made: repeat it with the same request id."""


class AccessDeniedError(RolecallError):
    """The server knows the caller, which may not do this."""


class NotAuthenticatedError(RolecallError):
    """The server does not know the caller: no credential, or one that it refuses."""


class InvalidArgumentError(RolecallError):
    """The request breaks rules, which `violations` lists. A repeat fails in the same way."""


class NotFoundError(RolecallError):
    """The role, or the revision, does not exist."""


class AlreadyExistsError(RolecallError):
    """A role of this name exists."""


class AbortedError(RolecallError):
    """Another write came first, for example when an etag is no longer the current one: read again, then repeat."""


class ResourceExhaustedError(RolecallError):
    """A limit was reached, which the message names: wait for `retry_after` seconds, or ask for less."""


class ResyncRequiredError(RolecallError):
    """Changes are lost: discard what was built from the changes, and start a new watch with the initial state."""

    def __init__(self, message: str, *, reason: str = "RESYNC_REQUIRED") -> None:
        super().__init__("FAILED_PRECONDITION", message, reason=reason)


class OtherStoreError(ResyncRequiredError):
    """The server has another store than the one that was watched, such as a new one in memory after a restart."""

    def __init__(self) -> None:
        message = "the server has another store than before, without the last checkpoint; read the initial state again"
        super().__init__(message, reason="OTHER_STORE")


class TokenError(NotAuthenticatedError):
    """The client has no token to send: its file cannot be read, or its command failed."""

    def __init__(self, message: str) -> None:
        super().__init__("UNAUTHENTICATED", message, reason="NO_TOKEN")


_CLASSES: Mapping[str, type[RolecallError]] = {
    "UNAVAILABLE": UnavailableError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "PERMISSION_DENIED": AccessDeniedError,
    "UNAUTHENTICATED": NotAuthenticatedError,
    "INVALID_ARGUMENT": InvalidArgumentError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": AlreadyExistsError,
    "ABORTED": AbortedError,
    "RESOURCE_EXHAUSTED": ResourceExhaustedError,
}


def closed_error() -> RolecallError:
    """Return the error of a call of a closed client."""
    return RolecallError("FAILED_PRECONDITION", "the client is closed")


def replaced_error() -> RolecallError:
    """Return the error of a stream whose channel was replaced: its owner opens it again."""
    return UnavailableError("UNAVAILABLE", "the TLS files have changed; open the stream again")


def class_of(code: str) -> type[RolecallError]:
    """Return the class of the errors with a code of gRPC."""
    return _CLASSES.get(code, RolecallError)


def error_of_status(status: status_pb2.Status, *, request_id: str = "") -> RolecallError:
    """Return the error of a status: that of a call, or of one query of a batch."""
    info, bad_request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    positions: list[PolicyViolation] = []
    for detail in status.details:
        for message in (info, bad_request, retry):
            detail.Unpack(message)
        if detail.Unpack(position := PolicyViolation()):
            positions.append(position)
    code = _name_of(status.code)
    return class_of(code)(
        code,
        status.message,
        reason=info.reason,
        violations=_violations(bad_request, positions),
        metadata=info.metadata,
        request_id=request_id or info.metadata.get("request_id", ""),
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
    )


def error_of_call(error: grpc.RpcError) -> RolecallError:
    """Return the error of a failed call of gRPC."""
    code, details, metadata = error.code(), error.details() or "", _metadata_of(error)
    request_id = _text(metadata.get(REQUEST_ID_KEY, ""))
    status = _status_in(metadata)
    if status is None:
        return class_of(code.name)(code.name, details, request_id=request_id)
    return error_of_status(status, request_id=request_id)


def _violations(bad_request: error_details_pb2.BadRequest, positions: Iterable[PolicyViolation]) -> Iterator[Violation]:
    # Servers before this detail, and errors without a trust policy, send no positions.
    paired = zip(bad_request.field_violations, chain(positions, repeat(PolicyViolation())), strict=False)
    for violation, position in paired:
        yield Violation(
            violation.field,
            violation.reason,
            violation.description,
            pointer=position.pointer,
            line=position.line,
            column=position.column,
        )


def _name_of(code: int) -> str:
    return code_pb2.Code.Name(code) if code in code_pb2.Code.values() else "UNKNOWN"


def _metadata_of(error: grpc.RpcError) -> dict[str, str | bytes]:
    # gRPC returns pairs, but its type stubs do not say so.
    return dict(cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ()))


def _status_in(metadata: Mapping[str, str | bytes]) -> status_pb2.Status | None:
    details = metadata.get(_DETAILS_KEY, b"")
    if not isinstance(details, bytes) or not details:
        return None
    try:
        return status_pb2.Status.FromString(details)
    except DecodeError:  # cut by a proxy; the code and the message are still valid
        return None


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
