"""Principals: who asks, and whom a trust policy names. Both are read into the same value.

A text becomes a `Principal` in one of two places, which differ in what they take (see `docs/policy-language.md`):
`principal_of_document` for the patterns of a trust policy, `principal_of_request` for who asks.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class PrincipalKind(StrEnum):
    """What sort of principal it is; the value is the word that its ARN has for it."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SERVICE = "service"
    SAML_PROVIDER = "saml-provider"
    OIDC_PROVIDER = "oidc-provider"


class Principal(NamedTuple):
    """Who asks. Compared field by field; `name` keeps the case it was given in.

    `account` is empty only for a service that acts inside the role's own account; `name` only for a root.
    """

    kind: PrincipalKind
    account: str
    name: str

    def __str__(self) -> str:
        if self.kind is PrincipalKind.SERVICE:
            return f"{self.account}@{self.name}" if self.account else self.name
        path = "root" if self.kind is PrincipalKind.ROOT else f"{self.kind.value}/{self.name}"
        return f"acs:ram::{self.account}:{path}"
