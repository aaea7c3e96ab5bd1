"""The methods of a gRPC service, and the role that a caller of each needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from google.protobuf.descriptor import ServiceDescriptor

from rolecall_client.guards.access import CLOSED, MethodAccess, entries

ALL_METHODS: Final = "*"

_METHOD = re.compile(r"/[A-Za-z_][\w.]*/([A-Za-z_]\w*|\*)", re.ASCII)


class RoleMap:
    """Maps `/package.Service/Method` to a role. `/package.Service/*` stands for the methods of a service without an own entry.

    Methods in `public` are open to every caller; a method that is in neither is closed. With `services`, the descriptors of the
    services that are protected, a map that names a method which they do not have, or that misses one of theirs, is invalid:
    otherwise a misspelt entry would leave its method to the entry with `*`. Raise `ValueError` if the map is invalid.
    """

    def __init__(
        self, roles: Mapping[str, str], *, public: Iterable[str] = (), services: Iterable[ServiceDescriptor] = ()
    ) -> None:
        self._entries: dict[str, MethodAccess] = {}
        for entry in entries(roles, public):
            self._add(entry)
        if described := tuple(services):
            self._require_complete(described)

    @property
    def roles(self) -> frozenset[str]:
        """Return every role that protects a method."""
        return frozenset(entry.role for entry in self._entries.values() if entry.role)

    def find(self, name: str) -> MethodAccess:
        """Return how the method is protected."""
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries.get(_all_methods_of(name), CLOSED)
        return entry

    def _add(self, entry: MethodAccess) -> None:
        if not _METHOD.fullmatch(entry.pattern):
            raise ValueError(
                f"`{entry.pattern}` names no method; write `/package.Service/Method`, or `/package.Service/*` for all others"
            )
        if entry.pattern in self._entries:
            raise ValueError(f"`{entry.pattern}` is listed twice")
        self._entries[entry.pattern] = entry

    def _require_complete(self, services: Iterable[ServiceDescriptor]) -> None:
        methods = {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}
        exact = {pattern for pattern, entry in self._entries.items() if not pattern.endswith("*") and entry.role}
        if unknown := sorted(exact - methods):
            raise ValueError(f"`{unknown[0]}` is no method of the services; correct the name")
        if missing := sorted(method for method in methods if self.find(method) is CLOSED):
            raise ValueError(f"`{missing[0]}` has no role and is not public; add it to the map")


def _all_methods_of(name: str) -> str:
    return f"{name.rpartition('/')[0]}/{ALL_METHODS}"
