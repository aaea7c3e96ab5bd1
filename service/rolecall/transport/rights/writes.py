"""The rights of writes of roles. The keys of a write are read only if a policy of the caller asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from rolecall.callers.caller import Caller
from rolecall.policy.keys import RESOURCE_TAG_PREFIX
from rolecall.policy.trusted_names import TrustedNames, trusted_names
from rolecall.roles.rights import RoleAccess
from rolecall.roles.role import RoleRef
from rolecall.transport.errors import PermissionDeniedError, PruneDeniedError
from rolecall.transport.rights.actions import CREATE_ROLE, DELETE_ROLE, GET_ROLE, UPDATE_ROLE
from rolecall.transport.rights.resources import ANY, role_resource, tag_keys

REQUEST_TAG_PREFIX = "acs:RequestTag/"
TRUSTED_PRINCIPAL_TYPES = "ram:TrustedPrincipalTypes"
SERVICE_NAMES = "ram:ServiceNames"
TRUSTED_ACCOUNTS = "rolecall:TrustedAccounts"

NOTHING = ("-",)
"""The value of a key that has nothing to hold. So the key is never absent, and `ForAllValues:` cannot be met by silence."""

NamesOf: TypeAlias = Callable[[str], TrustedNames]

_TRUSTED: Mapping[str, Callable[[TrustedNames], frozenset[str]]] = {
    TRUSTED_PRINCIPAL_TYPES: lambda names: names.types,
    SERVICE_NAMES: lambda names: names.services,
    TRUSTED_ACCOUNTS: lambda names: names.accounts,
}


class CallerWriteRights:
    """The rights of one caller, as `WriteRights` of the catalog."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._documents: dict[str, TrustedNames] = {}

    def require_create(self, access: RoleAccess) -> None:
        """Require the right to create a role."""
        self._require(CREATE_ROLE, access)

    def require_update(self, access: RoleAccess) -> None:
        """Require the right to change a role."""
        self._require(UPDATE_ROLE, access)

    def require_delete(self, access: RoleAccess) -> None:
        """Require the right to delete a role."""
        self._require(DELETE_ROLE, access)

    def require_apply(self, declared: Sequence[RoleAccess], pruned: Sequence[RoleAccess]) -> frozenset[str]:
        """Require the right to create or to change each declared role, and to delete each pruned one.

        Return the keys of the roles of which the caller may not see what changes.
        """
        if not declared and not pruned:
            # A call that names nothing asks about everything.
            self._require(CREATE_ROLE, RoleAccess(ref=None))
        for access in declared:
            self._require_declared(access)
        denied = sum(not self._allows(DELETE_ROLE, access) for access in pruned)
        if denied:
            raise PruneDeniedError(DELETE_ROLE, denied)
        return frozenset(_key(access.ref) for access in (*declared, *pruned) if not self._allows(GET_ROLE, access))

    def _require_declared(self, access: RoleAccess) -> None:
        needed, other = (CREATE_ROLE, UPDATE_ROLE) if access.before is None else (UPDATE_ROLE, CREATE_ROLE)
        if self._allows(needed, access):
            return
        # A caller that has neither right gets one answer, which does not show whether the role exists.
        named = needed if self._allows(other, access) else CREATE_ROLE
        raise PermissionDeniedError(named, role_resource(access.ref))

    def _require(self, action: str, access: RoleAccess) -> None:
        if not self._allows(action, access):
            raise PermissionDeniedError(action, role_resource(access.ref))

    def _allows(self, action: str, access: RoleAccess) -> bool:
        return self._caller.allows(action, role_resource(access.ref), WriteKeys(access, self._names_of))

    def _names_of(self, document: str) -> TrustedNames:
        # Many roles of one apply often share a document.
        names = self._documents.get(document)
        if names is None:
            names = self._documents[document] = trusted_names(document)
        return names


class WriteKeys(Mapping[str, tuple[str, ...]]):
    """The condition keys of a write to one role: its tags as it stands, the tags submitted, and whom it trusts before and after."""

    def __init__(self, access: RoleAccess, names_of: NamesOf = trusted_names) -> None:
        self._access, self._names_of = access, names_of

    def __getitem__(self, key: str) -> tuple[str, ...]:
        """Return the values of a key."""
        trusted = _TRUSTED.get(key)
        return self._tags[key] if trusted is None else _values(trusted(self._trusted))

    def __iter__(self) -> Iterator[str]:
        """Yield the keys that have values."""
        yield from _TRUSTED
        yield from self._tags

    def __len__(self) -> int:
        """Return how many keys have values."""
        return len(_TRUSTED) + len(self._tags)

    @cached_property
    def _trusted(self) -> TrustedNames:
        before, after = self._access.before, self._access.document
        names = TrustedNames()
        if before is not None:
            names |= self._names_of(before.document)
        if after is not None and (before is None or after != before.document):
            names |= self._names_of(after)
        return names

    @cached_property
    def _tags(self) -> Mapping[str, tuple[str, ...]]:
        before = self._access.before
        standing = tag_keys(RESOURCE_TAG_PREFIX, before.tags) if before else {}
        return {**standing, **tag_keys(REQUEST_TAG_PREFIX, self._access.tags)}


def _values(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names)) or NOTHING


def _key(ref: RoleRef | None) -> str:
    return ANY if ref is None else ref.key
