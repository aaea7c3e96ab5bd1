"""Every target, by name."""

from __future__ import annotations

from itertools import chain

from tests.fuzz import declarations, identities, messages, names, trust_policies, values
from tests.fuzz.target import Target

_TOPICS = (trust_policies, names, values, messages, identities, declarations)

TARGETS: dict[str, Target] = {target.name: target for target in chain.from_iterable(topic.TARGETS for topic in _TOPICS)}
