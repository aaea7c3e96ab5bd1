"""Judges lists of the roles that an identity can assume."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall_client.v1 import decision_pb2 as d
from tests.soak.answers import Listed
from tests.soak.evaluator import Asked, decide, possibility
from tests.soak.judging import is_malformed, is_too_long
from tests.soak.model import Model, Stored, key_of_text

Entry = tuple[str, frozenset[str]] | None
"""How a role is listed: ALLOW, or CONDITIONAL with the keys that are missing; None: it is not."""

ALLOW, CONDITIONAL = "ALLOW", "CONDITIONAL"
_OUTCOMES = {d.ASSUMABILITY_ALLOW: ALLOW, d.ASSUMABILITY_CONDITIONAL: CONDITIONAL}


def list_mismatches(listed: Listed, model: Model) -> Iterator[str]:
    """Yield what is wrong with a list."""
    if listed.error or is_malformed(listed.asked):
        if not (is_malformed(listed.asked) and listed.error.startswith("INVALID_ARGUMENT")):
            yield f"the list of {listed.asked.principal} ends with {listed.error or 'no error'}"
        return
    keys = [key_of_text(role.role_arn) for role in listed.roles]
    if keys != sorted(set(keys)):
        yield f"the list is not in order, or repeats a role: {keys}"
    found = {
        key: (_OUTCOMES[role.outcome], frozenset(role.missing_keys))
        for key, role in zip(keys, listed.roles, strict=True)
    }
    expected = {role.key: role for role in model.present() if listed.account in {"", role.account}}
    for key in sorted({*found, *expected}):
        role, given = expected.get(key), found.get(key)
        possible = _entries(listed, role) if role else [None]
        if given not in possible:
            yield f"`{key}` is listed as {given}, expected {possible}, its policy is {role.text if role else ''}"


def _entries(listed: Listed, role: Stored) -> list[Entry]:
    """Return how a role may be listed, at the times at which the list may have been made."""
    between = [edge for edge in role.edges if listed.sent < edge < listed.received]
    return [_entry(listed.asked, role, at) for at in (listed.sent, *between, listed.received)]


def _entry(asked: Asked, role: Stored, at: int) -> Entry:
    if asked.who.kind == "root" or is_too_long(asked, role):
        return None
    if decide(role.document, asked, role.account, role.tags, at).reason == ALLOW:
        return ALLOW, frozenset()
    keys = possibility(role.document, asked, role.account, role.tags, at)
    return (CONDITIONAL, keys) if keys else None
