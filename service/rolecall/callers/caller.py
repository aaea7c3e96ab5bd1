"""A caller with its rights, as the services see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from rolecall.callers.credential import Credential
from rolecall.policy.permission.evaluator import AccessEvaluation
from rolecall.policy.principal import Principal

AccessKeys: TypeAlias = Mapping[str, tuple[str, ...]]
"""Condition keys of one access, each with at least one value."""

NO_ACCESS_KEYS: AccessKeys = {}

FOREVER = 253_402_300_799_999_999
"""What `Caller.allowed_until` returns when time does not change the answer: the end of the year 9999."""


class Caller(Protocol):
    """One credential, on connections from one address, under one generation of the callers file.

    `acs:CurrentTime`, `acs:SourceIp`, `acs:SecureTransport`, `acs:MFAPresent`, `acs:PrincipalARN` and `rolecall:Caller` are
    the caller's own; the keys of an access add those of the resource and of the request.
    """

    @property
    def number(self) -> int:
        """Return the number of the rights: callers with one number have the same rights, and no other rights ever have it.

        For what is remembered beside a caller. It changes when the caller is in use while its rights change.
        """
        ...

    @property
    def credential(self) -> Credential:
        """Return the credential that identified the caller."""
        ...

    @property
    def principal(self) -> Principal | None:
        """Return what the caller is in RAM's terms; None if no entry of the callers file says so."""
        ...

    @property
    def generation(self) -> str:
        """Return the hash of the callers file that gives the rights; empty without a file."""
        ...

    @property
    def reads_tags(self) -> bool:
        """Return whether any of its policies reads `acs:ResourceTag/...`, so that an access must have these keys."""
        ...

    @property
    def entries(self) -> tuple[str, ...]:
        """Return the names of the entries of the callers file that apply to the caller."""
        ...

    @property
    def policies(self) -> tuple[str, ...]:
        """Return the names of the policies that give the caller its rights."""
        ...

    def allows(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> bool:
        """Return whether the caller may do `action` (`PRODUCT:Name`) on `resource` (an ARN, or `*`) now. Remembered.

        May be called on any thread, since the rights of a write are judged within its transaction.
        """
        ...

    def reaches(self, action: str) -> bool:
        """Return whether the caller may do `action` on anything; if not, `allows` returns False whatever the resource."""
        ...

    def allowed_until(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> int | None:
        """Return None if `allows` would return False, else until when, in microseconds since the epoch, that answer stands.

        A service may remember the answer until that time, with this very caller; the time of now means "ask every time".
        """
        ...

    def explain(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> AccessEvaluation | None:
        """Return why the caller may or may not do it; None if no policies say so. Not remembered."""
        ...
