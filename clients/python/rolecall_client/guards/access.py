"""How the methods of a service are protected: by a role each, open to every caller, or closed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

MAX_ENTRIES = 10_000

_ROLE = re.compile(
    r"(acs:ram::[0-9]{1,20}:role/|[0-9]{1,20}/|[A-Za-z][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9.-]{1,64}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class MethodAccess:
    """How a method is protected: by `role`, or `public`; with neither it is closed. `pattern` is the entry that says so."""

    pattern: str = ""
    role: str = ""
    public: bool = False


CLOSED = MethodAccess()
"""That of a method which no entry names."""


class AccessMap(Protocol):
    """The methods of a service, and how each is protected."""

    @property
    def roles(self) -> frozenset[str]:
        """Return every role that protects a method."""
        ...

    def find(self, name: str) -> MethodAccess:
        """Return how a method is protected; `CLOSED` if no entry names it."""
        ...


def entries(roles: Mapping[str, str], public: Iterable[str]) -> Iterator[MethodAccess]:
    """Yield the entries of a map as it was written; raise `ValueError` if it names no method, or one twice, or no role."""
    if isinstance(public, str):
        raise TypeError(f"`public` is a list of methods; write [{public!r}]")
    opened = tuple(public)
    if not 1 <= len(roles) + len(opened) <= MAX_ENTRIES:
        raise ValueError(f"a map names 1 to {MAX_ENTRIES:,} methods, and this one {len(roles) + len(opened):,}")
    for pattern in opened:
        if pattern in roles:
            raise ValueError(f"`{pattern}` has a role and is public; remove one of the entries")
        yield MethodAccess(pattern=pattern, public=True)
    for pattern, role in roles.items():
        yield MethodAccess(pattern=pattern, role=required_role(pattern, role))


def required_role(pattern: str, role: str) -> str:
    """Return the name of a role; raise `ValueError` if it is none."""
    if not _ROLE.fullmatch(role):
        raise ValueError(
            f"`{pattern}` has the role `{role}`, which names no role; write NAME, ACCOUNT/NAME or acs:ram::ACCOUNT:role/NAME"
        )
    return role
