"""Every target, by name."""

from __future__ import annotations

from itertools import chain

from tests.fuzz import (
    callers,
    contexts,
    declarations,
    files,
    identities,
    linting,
    messages,
    names,
    permissions,
    plans,
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
    contexts,
    declarations,
    files,
    plans,
    linting,
)

TARGETS: dict[str, Target] = {target.name: target for target in chain.from_iterable(topic.TARGETS for topic in _TOPICS)}

TOPIC_OF: dict[str, str] = {target.name: topic.__name__ for topic in _TOPICS for target in topic.TARGETS}
"""The module of each target: a process that fuzzes one of them imports, and instruments, only what it needs."""
