"""How much memory cached values take, in bytes, computed when they are cached.

A weight counts everything that an entry may be the last to keep in memory, so what entries share is counted for each of
them. Where nothing is shared it is at least what Python allocates, and at most one and a half times that: a test verifies
this for many shapes. The constants are for CPython 3.11 with 64 bits, and include the tables of the caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import getsizeof

from rolecall.engine.decision import Answer
from rolecall.engine.request import AssumeRoleRequest
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.principal import Principal
from rolecall.policy.weight import texts_bytes

_REQUEST_BYTES = 540
_DECISION_BYTES = 420
_ANSWER_BYTES = 560
_VALUE_BYTES = getsizeof((None,))
_NAMED_STATEMENT_BYTES = 64
_POINTER_BYTES = 8


def request_bytes(query: bytes, request: AssumeRoleRequest) -> int:
    """Return the memory of a request that is cached by its query, without that of its last answer."""
    _, account, name = request.principal
    weight = _REQUEST_BYTES + len(query) + len(request.role_key) + len(account) + len(name)
    if keys := request.keys:
        weight += getsizeof(keys)
        for key, values in keys.items():
            weight += getsizeof(key) + (
                _VALUE_BYTES + getsizeof(values[0]) if len(values) == 1 else _values_bytes(values)
            )
    return weight


def decision_bytes(principal: Principal, values: Sequence[RequestedValues], answer_weight: int) -> int:
    """Return the memory of an answer that is cached by the principal and the values that it was made from."""
    _, account, name = principal
    weight = _DECISION_BYTES + answer_weight + len(account) + len(name) + _POINTER_BYTES * len(values)
    for texts in values:
        if texts:
            weight += _VALUE_BYTES + getsizeof(texts[0]) if len(texts) == 1 else _values_bytes(texts)
    return weight


def answer_bytes(answer: Answer) -> int:
    """Return the memory of an answer, and of the facts about its role that it keeps."""
    decision, _, encoded = answer
    role, keys = decision.role, decision.vary_keys
    weight = _ANSWER_BYTES + len(encoded)
    if role is not None:
        weight += len(role.role_id) + len(role.role_name) + len(role.account_id)
    for statement in decision.determining:
        weight += _NAMED_STATEMENT_BYTES + getsizeof(statement.sid)
    if keys:
        # The missing keys are among them.
        weight += sum(map(getsizeof, keys)) + _POINTER_BYTES * (len(keys) + len(decision.missing_keys))
    return weight


# The most frequent case, one value, is written where it occurs: a call would take as long as all else in a weight.
def _values_bytes(values: tuple[str, ...]) -> int:
    return getsizeof(values) + texts_bytes(values)
