"""How much memory the compiled form of a policy takes, estimated from the policy; the constants are for CPython 3.11, 64 bits."""

from __future__ import annotations

from collections.abc import Iterable
from sys import getsizeof

from rolecall.policy.document import Condition, Statement, TrustPolicy
from rolecall.policy.keys import PRINCIPAL_ARN
from rolecall.policy.operators import LIKE_OPERATORS, Family

_POLICY_BYTES = 200
_PRINCIPAL_BYTES = 72
_STATEMENT_BYTES = 260
_KEY_BYTES = 140
_CONDITION_BYTES = 220
_CASE_BYTES = 160
_NUMBER_BYTES = 130
_RANGE_BYTES = 160
_PATTERN_BYTES = 260
_STARS_BYTES = 530
_FINDER_BYTES = 300
_EMPTY_PIECE_BYTES = 60
_PIECE_BYTES = 140
_PART_BYTES = 64
_CHARACTER_BYTES, _WIDE_CHARACTER_BYTES, _OFFSET_BYTES = 64, 144, 32


def policy_bytes(policy: TrustPolicy) -> int:
    """Return the memory of the compiled form of a policy."""
    named = {pattern.principal for statement in policy.statements for pattern in statement.principals}
    weight = _POLICY_BYTES + getsizeof(dict.fromkeys(named)) + texts_bytes({principal.account for principal in named})
    weight += _PRINCIPAL_BYTES * len(named) + texts_bytes([principal.name for principal in named])
    keys = {condition.key for statement in policy.statements for condition in statement.conditions}
    weight += _KEY_BYTES * len(keys) + texts_bytes(keys)
    return weight + sum(map(_statement_bytes, policy.statements))


def _statement_bytes(statement: Statement) -> int:
    return _STATEMENT_BYTES + getsizeof(statement.sid) + sum(map(_condition_bytes, statement.conditions))


def _condition_bytes(condition: Condition) -> int:
    if condition.key == PRINCIPAL_ARN and condition.operator.family is Family.STRING:
        # The expected values are compiled in lower case too.
        return _CASE_BYTES + 2 * _values_bytes(condition)
    return _values_bytes(condition)


def _values_bytes(condition: Condition) -> int:
    weight, values = _CONDITION_BYTES, condition.values
    match condition.operator.family:
        case Family.STRING if condition.operator.name in LIKE_OPERATORS:
            return weight + sum(map(_pattern_bytes, values))
        case Family.STRING:
            return weight + getsizeof(frozenset(values)) + texts_bytes(values)
        case Family.IP:
            return weight + _RANGE_BYTES * len(values)
    return weight + getsizeof(frozenset(values)) + _NUMBER_BYTES * len(values)


def _pattern_bytes(pattern: str) -> int:
    first, *middle = pattern.split("*")
    if not middle:
        return _PATTERN_BYTES + (_piece_bytes(first) if "?" in first else getsizeof(first))
    last = middle.pop()
    weight = _STARS_BYTES + _piece_bytes(first) + _piece_bytes(last)
    for piece in middle:
        if piece:
            several_parts = "?" in piece.strip("?")
            weight += _FINDER_BYTES + (_piece_bytes(piece) if several_parts else getsizeof(piece))
    return weight


def _piece_bytes(piece: str) -> int:
    if not piece:
        return _EMPTY_PIECE_BYTES
    parts = [part for part in piece.split("?") if part]
    characters = _CHARACTER_BYTES if piece.isascii() else _WIDE_CHARACTER_BYTES
    # Python has one object for each number up to 256, such as the offset of a character.
    characters += _OFFSET_BYTES if len(piece) > 256 else 0
    return _PIECE_BYTES + characters * sum(map(len, parts)) + _PART_BYTES * len(parts) + texts_bytes(parts)


def texts_bytes(texts: Iterable[str]) -> int:
    """Return the memory of texts."""
    # Python has one object for each text of at most one Latin-1 character, which takes no memory here.
    return sum([getsizeof(text) for text in texts if len(text) > 1 or text > "\xff"])
