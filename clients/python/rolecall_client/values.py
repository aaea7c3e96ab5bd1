"""The values of condition keys and claims, as a request contains them: as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from rolecall_client.v1 import decision_pb2

Value = str | bool | int | float | Decimal
Values = Mapping[str, Value | Iterable[Value]]
"""Condition keys and their values: text, booleans and numbers; what is not several values is one."""

MOST_DIGITS = 400
"""How many digits a number may have: those of every float fit."""

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
    if not isinstance(value, int | float | Decimal):
        raise _wrong(key, value)
    return _number(key, value)


def _number(key: str, value: float | Decimal) -> str:
    # A subclass of float, such as that of NumPy, has a `repr` of its own.
    number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError(f"the value of `{key}` is `{value}`, which is no number; leave the key out")
    if number and abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError(f"the value of `{key}` has more than {MOST_DIGITS} digits; leave the key out")
    # Numbers of policies have no exponent.
    return format(number, "f")


def _wrong(key: str, value: object) -> TypeError:
    return TypeError(f"the value of `{key}` is of the type `{type(value).__name__}`; {_KINDS}")
