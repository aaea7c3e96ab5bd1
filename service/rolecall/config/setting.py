"""The declaration of one setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeVar

T = TypeVar("T")


def setting(default: T, read: Callable[[str], Any], text: str, *, secret: bool = False) -> T:
    """Return a field of a class of settings: its default, how its text is read, and its line in the help.

    A value that is `secret` is left out where settings are printed.
    """
    return field(default=default, repr=not secret, metadata={"read": read, "help": text})
