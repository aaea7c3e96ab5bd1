"""The canonical spelling of a JSON document: members sorted by name, no white space, numbers as given."""

from __future__ import annotations

import json

from rolecall.policy.json_text import Json, Members, Number, decode
from rolecall.policy.limits import DEFAULT_LIMITS, Limits
from rolecall.policy.node import ParseState
from rolecall.policy.profile import Profile


def canonical_text(text: str, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return the canonical spelling of a JSON text; raise `InvalidPolicyError` if it is not JSON.

    The document need not be a valid policy, but duplicate members, lone surrogates and NUL are refused.
    """
    value, flawed = decode(text, max_bytes=limits.max_document_bytes, max_depth=limits.max_depth)
    ParseState(limits, Profile.ROLECALL).raise_if_any(text, flawed)
    return _spelled(value)


def _spelled(value: Json) -> str:
    match value:
        case Number():
            return str(value)
        case list():
            return f"[{','.join(map(_spelled, value))}]"
        case Members():
            return (
                "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_spelled(value[k])}" for k in sorted(value)) + "}"
            )
    return json.dumps(value, ensure_ascii=False)
