"""Action patterns, compared without regard to ASCII case, and which of them reach the actions of this service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rolecall.policy.permission.document import PermissionStatement
from rolecall.policy.readers import fold
from rolecall.policy.wildcard import compile_pattern, matches_any

ActionTest: TypeAlias = Callable[[str], bool]
"""Returns whether a statement is about an action, which is in lower case."""

SERVICE_PREFIX = "rolecall:"
"""Of the actions that are this service's own."""


def action_test(statement: PermissionStatement) -> ActionTest:
    """Return the test whether a statement is about an action."""
    matches = matches_any_action(statement.actions)
    return (lambda action: not matches(action)) if statement.excludes_actions else matches


def restricted_action_test(statement: PermissionStatement) -> ActionTest:
    """Return the same test, except that only a pattern that begins with `rolecall:` reaches an action of this service.

    Published policies such as PowerUserAccess allow everything but a few products, and mean no right of this service.
    """
    matches = action_test(statement)
    own = () if statement.excludes_actions else tuple(a for a in statement.actions if _begins_as_own(a))
    matches_own = matches_any_action(own)
    return lambda action: (matches_own if action.startswith(SERVICE_PREFIX) else matches)(action)


def matches_any_action(patterns: Sequence[str]) -> ActionTest:
    """Return the test whether any pattern matches an action.

    Most are names, or beginnings of names, which Python compares at once.
    """
    texts = list(dict.fromkeys(map(fold, patterns)))
    names = frozenset(text for text in texts if "*" not in text and "?" not in text)
    cut = [text.partition("*") for text in texts]
    heads = tuple(head for head, star, rest in cut if star and not rest and "?" not in head)
    simple = names.union(head + "*" for head in heads)
    others = [text for text in texts if text not in simple]
    matches_others = matches_any([compile_pattern(text) for text in others])

    def matches(action: str) -> bool:
        return action in names or action.startswith(heads) or (bool(others) and matches_others(action))

    return matches


def _begins_as_own(pattern: str) -> bool:
    return fold(pattern).startswith(SERVICE_PREFIX)
