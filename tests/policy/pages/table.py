"""The pages of this directory: what the policy language answers to many texts, as people and programs read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.policy.pages import (
    accesses,
    conditions,
    estimates,
    findings,
    keys,
    mistakes,
    near_misses,
    permissions,
    principals,
    syntax,
    values,
)

PAGES: dict[str, Callable[[], str]] = {
    "accesses": accesses.written,
    "conditions": conditions.written,
    "estimates": estimates.written,
    "findings": findings.written,
    "keys": keys.written,
    "mistakes": mistakes.written,
    "near_misses": near_misses.written,
    "permissions": permissions.written,
    "principals": principals.written,
    "syntax": syntax.written,
    "values": values.written,
}


def path_of(name: str) -> Path:
    """Return the file of a page."""
    return Path(__file__).with_name(f"{name}.txt")
