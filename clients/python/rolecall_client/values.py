"""The values of condition keys and claims, as a request contains them: as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite

from rolecall_client.v1 import decision_pb2

Value = str | bool | int | float | Decimal
Values = Mapping[str, Value | Iterable[Value]]
"""Condition keys and their values: text, booleans and numbers; what is not several values is one."""

_KINDS = "give text, a boolean or a number, or a list of them"


def condition_values(values: Values) -> dict[str, decision_pb2.ConditionValues]:
    """Return condition keys and their values as a request contains them; raise `TypeError` or `ValueError` with the key."""
    return {key: decision_pb2.ConditionValues(values=_texts(key, value)) for key, value in values.items()}


def _texts(key: str, value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, int | float | Decimal):
        return [_text(key, value)]
    # The elements of bytes are numbers, and those of a mapping its keys: neither is what was meant.
    if not isinstance(value, Iterable) or isinstance(value, bytes | bytearray | memoryview | Mapping):
        raise _wrong(key, value)
    return [_text(key, each) for each in value]


def _text(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, float | Decimal):
        raise _wrong(key, value)
    if not isfinite(value):
        raise ValueError(f"the value of `{key}` is `{value}`, which is no number; leave the key out")
    # Numbers of policies have no exponent.
    return format(Decimal(repr(value)) if isinstance(value, float) else value, "f")


def _wrong(key: str, value: object) -> TypeError:
    return TypeError(f"the value of `{key}` is of the type `{type(value).__name__}`; {_KINDS}")
