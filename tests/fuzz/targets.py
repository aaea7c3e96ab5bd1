"""Every target, by name."""

from __future__ import annotations

from itertools import chain

from tests.fuzz import (
    callers,
    declarations,
    identities,
    messages,
    names,
    permissions,
    trust_policies,
    values,
    web_tokens,
)
from tests.fuzz.target import Target

_TOPICS = (
    trust_policies,
    permissions,
    names,
    values,
    messages,
    identities,
    web_tokens,
    callers,
    declarations,
)

TARGETS: dict[str, Target] = {target.name: target for target in chain.from_iterable(topic.TARGETS for topic in _TOPICS)}
