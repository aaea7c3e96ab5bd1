"""Parse one line of a decision log into the fields that filters and the table need."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeVar

from rolecall.cli.decision_log.files import MAX_LINE_BYTES

_T = TypeVar("_T")

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


class NotADecisionError(Exception):
    """A line is not a decision; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDecision:
    """A decision of the log. `who` is empty if the log does not have it; `line` is the whole line without its end."""

    line: str
    time: str
    allowed: bool
    reason: str
    who: str
    role: str
    method: str
    statements: tuple[str, ...]

    @property
    def role_key(self) -> str:
        """Return `ACCOUNT/NAME` in lower case: names compare without regard to case."""
        account, _, name = self.role.removeprefix("acs:ram::").partition(":role/")
        return f"{account}/{name}".lower()


def read_decision(data: bytes) -> LoggedDecision:
    """Return the decision of a line; raise `NotADecisionError`."""
    if len(data) > MAX_LINE_BYTES:
        raise NotADecisionError(f"the line is longer than {MAX_LINE_BYTES:,} bytes")
    try:
        line = data.decode().rstrip("\r\n")
        record = json.loads(line)
    except UnicodeDecodeError:
        raise NotADecisionError("the line is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise NotADecisionError("the line is not JSON") from None
    return _decision(line, record)


def _decision(line: str, record: object) -> LoggedDecision:
    request, result = _member(record, "input", dict), _member(record, "result", dict)
    time = _member(record, "timestamp", str)
    if not _TIMESTAMP.fullmatch(time):
        raise NotADecisionError("`timestamp` is not a time in the format of the decision log")
    return LoggedDecision(
        line=line,
        time=time,
        allowed=_member(result, "allowed", bool),
        reason=_member(result, "reason", str),
        who=_member(request, "who", str) if "who" in request else "",
        role=_member(request, "role", str),
        method=_member(record, "method", str),
        statements=tuple(_member(one, "pointer", str) for one in _statements(record)),
    )


def _statements(record: object) -> list[object]:
    """Return the statements; a line that was cut may have none."""
    if isinstance(record, dict) and "matched_statements" not in record and "cut" in record:
        return []
    return _member(record, "matched_statements", list)


def _member(record: object, name: str, kind: type[_T]) -> _T:
    value = record.get(name) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        raise NotADecisionError(f"the line is JSON, but has no `{name}` of a decision")
    return value
