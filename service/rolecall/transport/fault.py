"""What the caller sees of an error, and how it is made of an error's text, its facts and its violations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from google.rpc import code_pb2

from rolecall.policy.wording import advised
from rolecall.roles.errors import FieldViolation


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One field of a request that breaks a rule; if it is a trust policy, also which of its elements."""

    field: str
    reason: str
    description: str
    pointer: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the caller sees of an error. With `retry_seconds` above 0 a retry may succeed after that time."""

    code: int
    reason: str
    message: str
    facts: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[FieldFault, ...] = ()
    retry_seconds: float = 0.0
    expected: bool = True


def plain_fault(
    code: int, reason: str, message: Exception | str, *, retry_seconds: float = 0.0, **facts: str | int
) -> Fault:
    """Return a fault with the text of an error, or with a text that replaces it, and the facts as metadata."""
    metadata = {name: str(fact) for name, fact in facts.items()}
    return Fault(code=code, reason=reason, message=str(message), facts=metadata, retry_seconds=retry_seconds)


def invalid_fault(what: str, fields: Iterable[FieldFault], ram_code: str = "") -> Fault:
    """Return the fault of a request with violations; its reason is that of the first one."""
    fields = tuple(fields)
    reason = fields[0].reason if fields else "INVALID_ARGUMENT"
    facts = {"ram_code": ram_code} if ram_code else {}
    message = "; ".join(_sentences(what, fields))
    return Fault(code=code_pb2.INVALID_ARGUMENT, reason=reason, message=message, facts=facts, fields=fields)


def violated_field(violation: FieldViolation) -> FieldFault:
    """Return the field of a violation. Within a document its name ends with the pointer of the element."""
    at = f"{violation.line}:{violation.column}: " if violation.line else ""
    return FieldFault(
        field=violation.field + violation.pointer,
        reason=violation.reason,
        description=at + violation.message,
        pointer=violation.pointer,
        line=violation.line,
        column=violation.column,
    )


def field_fault(name: str, reason: str, message: str, suggestion: str = "") -> FieldFault:
    """Return a field with the suggestion as part of its description."""
    return FieldFault(field=name, reason=reason, description=advised(message, suggestion))


def with_facts(fault: Fault, **facts: str | int) -> Fault:
    """Return the fault with further facts."""
    return replace(fault, facts={**fault.facts, **{name: str(fact) for name, fact in facts.items()}})


def _sentences(what: str, fields: tuple[FieldFault, ...]) -> Iterator[str]:
    rules = "a rule" if len(fields) == 1 else f"{len(fields)} rules"
    yield f"{what} breaks {rules}"
    if fields:
        yield f"{fields[0].field}: {fields[0].description}"
