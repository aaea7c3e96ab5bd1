"""Encodes decision records as lines of JSON, in the format of Open Policy Agent's decision log, which its tools can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import JSONEncoder
from typing import TypeAlias

from rolecall.engine.decision_record import DecisionRecord, RecordedCall
from rolecall.observability.decision_log.masking import CALLER, CONTEXT, REQUEST_ID, WHO, Mask, Masking
from rolecall.policy.wording import rfc3339

PATH = "rolecall/v1/decide"
APP = "rolecall"

# The encoder escapes to ASCII, so that input from a caller cannot break a line or control a terminal.
_ENCODE = JSONEncoder(separators=(",", ":"), check_circular=False).encode

Record: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerIdentity:
    """Which server decided: its instance, its version, and the current incarnation of its store."""

    instance: str
    version: str
    incarnation: Callable[[], str]


class RecordEncoder:
    """Encodes records as lines of at most `max_bytes`. `cuts` counts those that were shortened for that."""

    def __init__(self, server: ServerIdentity, masking: Masking, *, max_bytes: int) -> None:
        self._incarnation = server.incarnation
        self._labels = {"app": APP, "id": server.instance, "version": server.version}
        self._masking, self._max_bytes = masking, max_bytes
        self.cuts = 0

    def line(self, record: DecisionRecord, *, sample_rate: float) -> bytes | None:
        """Return the line of a record; None if it is too long even after cutting."""
        members = self._members(record)
        if sample_rate < 1.0:
            members["sample_rate"] = sample_rate
        line = _line(members)
        return line if len(line) <= self._max_bytes else self._shortened(members)

    def _shortened(self, members: Record) -> bytes | None:
        """Leave out one long part after the other, listed in `cut`, until the line fits."""
        self.cuts += 1
        cut: list[str] = []
        members["cut"] = cut
        for pointer, leave_out in _LONG_PARTS.items():
            if leave_out(members):
                cut.append(pointer)
                line = _line(members)
                if len(line) <= self._max_bytes:
                    return line
        return None

    def _members(self, record: DecisionRecord) -> Record:
        call, mask = record.call, Mask(self._masking)
        members: Record = {
            "decision_id": record.decision_id,
            "timestamp": rfc3339(record.time, timespec="microseconds"),
            "labels": self._labels,
            "path": PATH,
            "method": call.method,
            "bundles": {"store": {"revision": str(record.revision)}},
            "input": _input(record, mask),
            "result": {
                "allowed": record.allowed,
                "reason": record.reason,
                "trust_side": record.trust_side,
                "identity_side": record.identity_side,
            },
            "metrics": {} if call.handler_ns is None else {"timer_server_handler_ns": call.handler_ns},
            "incarnation": self._incarnation(),
            "staleness_ms": record.staleness_ms,
            "served_from": record.served_from,
            "matched_statements": [{"pointer": pointer, "sid": sid} for pointer, sid in record.statements],
            "missing_keys": record.missing_keys,
        }
        _add_present(members, _call_members(call, mask), _role_version(record))
        _add_present(members, {"erased": mask.erased or None, "masked": mask.masked or None})
        return members


def _line(members: Mapping[str, object]) -> bytes:
    return _ENCODE(members).encode("ascii") + b"\n"


def _input(record: DecisionRecord, mask: Mask) -> Record:
    request = record.request
    shown = ((key, mask.values(key, values)) for key, values in sorted(request.keys.items()))
    members: Record = {
        "role": record.role_arn,
        "context": {key: values for key, values in shown if values is not None},
    }
    who = mask.text(WHO, str(request.principal))
    _add_present(members, {"who": who, "duration_seconds": request.duration_seconds or None})
    return members


def _call_members(call: RecordedCall, mask: Mask) -> Record:
    return {
        "requested_by": mask.text(CALLER, call.caller) or None,
        "req_id": mask.text(REQUEST_ID, call.request_id),
        "assumed_time": None if call.assumed_time is None else rfc3339(call.assumed_time, timespec="microseconds"),
        "at_revision": call.at_revision,
    }


def _role_version(record: DecisionRecord) -> Record:
    version = {"role_id": record.role_id, "revision": record.role_revision} if record.role_id else None
    return {"role_version": version}


def _add_present(members: Record, *more: Mapping[str, object]) -> None:
    """Add the members that have a value: an absent one is left out rather than empty."""
    members.update({name: value for part in more for name, value in part.items() if value is not None})


def _cut_context(members: Record) -> bool:
    given = members["input"]
    if not (isinstance(given, dict) and given["context"]):
        return False
    given["context"] = {}
    return True


def _cut(name: str) -> Callable[[Record], bool]:
    return lambda members: bool(members.pop(name, None))


_LONG_PARTS: Mapping[str, Callable[[Record], bool]] = {
    CONTEXT: _cut_context,
    "/masked": _cut("masked"),
    "/erased": _cut("erased"),
    "/missing_keys": _cut("missing_keys"),
    "/matched_statements": _cut("matched_statements"),
    CALLER: _cut("requested_by"),
}
"""How to leave out each part that can be long, least important first; each function returns whether the part was there."""
