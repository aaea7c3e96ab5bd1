"""Encode faults as `google.rpc.Status` with an ErrorInfo, and a BadRequest or a RetryInfo where they help.

A violation of a trust policy also has its position, as a `rolecall.v1.PolicyViolation` without texts.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status

from rolecall.transport.error_mapping import fault_of
from rolecall.transport.errors import PassedStatusError
from rolecall.transport.fault import Fault, FieldFault
from rolecall_client.v1.policy_pb2 import PolicyViolation

DOMAIN = "rolecall"
DETAILS_BYTES = 3_584
"""The most bytes of violations and positions: gRPC sends a status in trailers, which clients limit to 8 KB and may carry in
base64. The counts in the ErrorInfo show when violations are left out."""

TEXT_BYTES = 384
POSITION_OVERHEAD_BYTES = 56
"""What one more detail takes besides its message: its type URL and lengths."""

SERVER_FAULTS = frozenset(
    {code_pb2.UNKNOWN, code_pb2.DEADLINE_EXCEEDED, code_pb2.INTERNAL, code_pb2.UNAVAILABLE, code_pb2.DATA_LOSS}
)
"""The codes of errors that are not the caller's fault."""


class _ShownViolation(NamedTuple):
    field: error_details_pb2.BadRequest.FieldViolation
    position: PolicyViolation


def status_of(error: Exception, request_id: str = "") -> Status:
    """Return the status of an error. `request_id` identifies the call in the log."""
    if isinstance(error, PassedStatusError):
        return error.status
    fault = fault_of(error)
    status = Status(code=fault.code, message=_cut(fault.message))
    shown = _shown(fault.fields)
    _add(status, _error_info(fault, len(shown), request_id))
    if shown:
        _add(status, error_details_pb2.BadRequest(field_violations=[violation.field for violation in shown]))
    # Readers pair the two lists by index, so a violation without a position has an empty entry.
    if any(violation.position.ByteSize() for violation in shown):
        for violation in shown:
            _add(status, violation.position)
    if fault.retry_seconds:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(ceil(fault.retry_seconds * 1_000))
        _add(status, retry)
    return status


def is_expected(error: Exception) -> bool:
    """Return whether the mapping has an entry for the error."""
    return fault_of(error).expected


def _error_info(fault: Fault, shown: int, request_id: str) -> error_details_pb2.ErrorInfo:
    facts = dict(fault.facts)
    if fault.fields:
        facts |= {"total_violations": str(len(fault.fields)), "shown": str(shown)}
    if request_id:
        facts["request_id"] = request_id
    return error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN, metadata=facts)


def _shown(fields: tuple[FieldFault, ...]) -> list[_ShownViolation]:
    """Return the first violations, as many as fit into `DETAILS_BYTES`."""
    shown: list[_ShownViolation] = []
    room = DETAILS_BYTES
    has_positions = any(fault.pointer or fault.line for fault in fields)
    for fault in fields:
        violation = _ShownViolation(_field_violation(fault), _position(fault))
        room -= violation.field.ByteSize()
        if has_positions:
            room -= violation.position.ByteSize() + POSITION_OVERHEAD_BYTES
        if room < 0:
            break
        shown.append(violation)
    return shown


def _field_violation(fault: FieldFault) -> error_details_pb2.BadRequest.FieldViolation:
    return error_details_pb2.BadRequest.FieldViolation(
        field=_cut(fault.field), reason=fault.reason, description=_cut(fault.description)
    )


def _position(fault: FieldFault) -> PolicyViolation:
    return PolicyViolation(pointer=_cut(fault.pointer), line=fault.line, column=fault.column)


def _add(status: Status, detail: Message) -> None:
    status.details.add().Pack(detail)


def _cut(text: str) -> str:
    """Return the text, cut to `TEXT_BYTES`; lone surrogates, which a message cannot contain, are escaped."""
    data = text.encode("utf-8", "backslashreplace")
    return data.decode() if len(data) <= TEXT_BYTES else data[: TEXT_BYTES - 3].decode(errors="ignore") + "…"
