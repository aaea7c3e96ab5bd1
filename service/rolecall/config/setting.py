"""The declaration of one setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeVar

T = TypeVar("T")


def setting(default: T, read: Callable[[str], Any], text: str) -> T:
    """Return a field of a class of settings: its default, how its text is read, and its line in the help."""
    return field(default=default, metadata={"read": read, "help": text})
