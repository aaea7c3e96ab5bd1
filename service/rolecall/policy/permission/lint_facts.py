"""What the linter's rules read from a statement of a permission policy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rolecall.policy.document import Condition, Effect, Quantifier
from rolecall.policy.operators import LIKE_OPERATORS
from rolecall.policy.permission.access import Access, read_access
from rolecall.policy.permission.actions import matches_any_action
from rolecall.policy.permission.document import PermissionStatement
from rolecall.policy.permission.known_actions import product_of
from rolecall.policy.permission.resources import resource_test

_ACCOUNTS = ("1", "9" * 20)
"""Two accounts that no pattern matches both, unless it matches every one."""

_EVERY_ACTION = re.compile(r"\*+(?::\*+)?")
_OUTSIDE_OF_RAM = re.compile(r"[^A-Za-z0-9._@/*?-]")
_MASKED = re.compile(r"[0-9]+\*{2,}[0-9]*")
_NO_ACCOUNT = re.compile(r"[^0-9*?]")


def items(statement: PermissionStatement, name: str) -> Iterator[tuple[str, str]]:
    """Yield each pattern of `Action`, `NotAction` or `Resource` with its pointer, in the form for arrays."""
    patterns = statement.resources if name == "Resource" else statement.actions
    for index, pattern in enumerate(patterns):
        yield pattern, f"{statement.pointer}/{name}/{index}"


def is_every_action(pattern: str) -> bool:
    """Return whether an action pattern matches every action."""
    return bool(_EVERY_ACTION.fullmatch(pattern))


def allowing(statement: PermissionStatement, action: str) -> list[tuple[str, str]]:
    """Return the patterns, with their pointers, by which an Allow is about an action; patterns of every action are left out."""
    if statement.effect is not Effect.ALLOW or statement.excludes_actions:
        return []
    folded = action.lower()
    return [
        (pattern, pointer)
        for pattern, pointer in items(statement, "Action")
        if not is_every_action(pattern) and matches_any_action([pattern])(folded)
    ]


def is_about_all(statement: PermissionStatement, kind: str) -> bool:
    """Return whether one resource of a statement is every resource of a kind (`role/`) of every account."""
    everything = _all_of(kind)
    return any(all(map(resource_test([pattern], denies=False), everything)) for pattern in statement.resources)


def _all_of(kind: str) -> list[Access]:
    """Return the accesses to all resources of a kind, in each of the accounts."""
    return [read_access("ram:GetRole", f"acs:ram::{account}:{kind}*") for account in _ACCOUNTS]


def can_be_about(pattern: str, kind: str) -> bool:
    """Return whether a resource pattern can match a resource of product `ram` whose relative id begins so, of any account."""
    if pattern == "*":
        return True
    parts = pattern.split(":", 4)
    product, relative_id = parts[1], parts[4] if len(parts) == 5 else "*"
    return any(map(resource_test([f"acs:{product}:*:*:{relative_id}"], denies=True), _all_of(kind)))


def is_of_known_products(statement: PermissionStatement) -> bool:
    """Return whether every action is of a product whose actions, keys and resources are known."""
    return bool(statement.actions) and all(map(product_of, statement.actions))


def is_limited(statement: PermissionStatement, key: str) -> bool:
    """Return whether the statement needs a key to have one of some values, and not just any value."""
    return any(c.key == key and not _holds_for_any_value(c) for c in statement.conditions)


def _holds_for_any_value(condition: Condition) -> bool:
    """Return whether a condition needs no value, or is met by a pattern of stars alone."""
    if condition.operator.negated or condition.quantifier is Quantifier.FOR_ALL:
        return True
    return condition.operator.name in LIKE_OPERATORS and any(
        value and not value.strip("*") for value in condition.values
    )


def region_of_ram(pattern: str) -> str:
    """Return the region of a pattern of product `ram`, unless it matches the empty one, which is RAM's."""
    parts = pattern.split(":")
    if len(parts) < 4 or parts[1] != "ram":
        return ""
    return parts[2].strip("*")


def is_masked(pattern: str) -> bool:
    """Return whether the account of a resource pattern looks like an id whose last digits are hidden."""
    parts = pattern.split(":", 4)
    return len(parts) == 5 and bool(_MASKED.fullmatch(parts[3]))


def never_matches(pattern: str) -> str:
    """Return why a resource pattern of product `ram` matches no resource, or an empty text."""
    parts = pattern.split(":", 4)
    if len(parts) < 5 or parts[1] != "ram":
        return ""
    account, relative_id = parts[3:]
    if not account or _NO_ACCOUNT.search(account):
        return "its account is no id of digits"
    if not relative_id:
        return "it names nothing after the account"
    return "a name of RAM has no such character" if _OUTSIDE_OF_RAM.search(relative_id) else ""
