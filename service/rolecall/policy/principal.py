"""Principals: who asks, and whom a trust policy names. Both are read into the same value.

A text becomes a `Principal` in one of two places, which differ in what they take (see `docs/policy-language.md`):
`principal_of_document` for the patterns of a trust policy, `principal_of_request` for who asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal_refusal import (
    FEDERATED_FIELD_HINT,
    SERVICE_OF_WHOM_HINT,
    refusal_in_document,
    refusal_in_request,
)
from rolecall.policy.wording import listed, quoted


class PrincipalKind(StrEnum):
    """What sort of principal it is; the value is the word that its ARN has for it."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SERVICE = "service"
    SAML_PROVIDER = "saml-provider"
    OIDC_PROVIDER = "oidc-provider"

    # Every principal that is looked up is hashed; that of Enum is a call into Python.
    __hash__ = str.__hash__


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


_NAME = r"[A-Za-z0-9._@-]{1,64}"
_PROVIDER = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_MAX_SERVICE_CHARACTERS = 253

_ARN = re.compile(
    rf"acs:ram::(?P<account>[0-9]{{1,20}}):(?:(?P<kind>root)|(?P<named>user|role)/(?P<name>{_NAME})"
    rf"|(?P<provided>saml-provider|oidc-provider)/(?P<provider>{_PROVIDER}))",
    re.ASCII,
)
_SESSION = re.compile(
    rf"acs:(?:ram::(?P<account>[0-9]{{1,20}}):role|(?:ram|sts)::(?P<other>[0-9]{{1,20}}):assumed-role)"
    rf"/(?P<role>{_NAME})/{_NAME}",
    re.ASCII,
)
_SERVICE = re.compile(rf"(?:(?P<account>[0-9]{{1,20}})@)?(?P<service>{_LABEL}(?:\.{_LABEL})+)", re.ASCII)
_ALIBABA = ".aliyuncs.com"
_PROVIDERS = frozenset({PrincipalKind.SAML_PROVIDER, PrincipalKind.OIDC_PROVIDER})

PRINCIPAL_TYPES: Mapping[str, frozenset[PrincipalKind]] = MappingProxyType(
    {
        "RAM": frozenset({PrincipalKind.ROOT, PrincipalKind.USER, PrincipalKind.ROLE}),
        "Service": frozenset({PrincipalKind.SERVICE}),
        "Federated": _PROVIDERS,
    }
)
"""What each principal type of a document may hold."""


def is_alibaba_service(name: str) -> bool:
    """Tell whether a service is one of Alibaba's, and not an in-house one."""
    return name.endswith(_ALIBABA)


def principal_of_document(type_name: str, text: str) -> Principal:
    """Return whom a document means by `text` under the principal type `type_name`; raise `InvalidPrincipalError`."""
    if type_name not in PRINCIPAL_TYPES:
        message = f"{quoted(type_name)} is not a principal type; write {listed(PRINCIPAL_TYPES)}"
        raise InvalidPrincipalError(text, message, reason="UNKNOWN_PRINCIPAL_TYPE")
    principal = _named(text)
    if principal is None:
        raise refusal_in_document(type_name, text)
    if principal.kind not in PRINCIPAL_TYPES[type_name]:
        right = next(name for name, kinds in PRINCIPAL_TYPES.items() if principal.kind in kinds)
        raise InvalidPrincipalError(
            text, f"{quoted(text)} does not belong under `{type_name}`; write it under `{right}`", suggestion=right
        )
    return principal


@lru_cache(maxsize=65_536)
def principal_of_request(text: str) -> Principal:
    """Return who asks; raise `InvalidPrincipalError`.

    A role session is reduced to its role, in the role's case as given. A federated identity is not a text alone and is
    refused, and so is a service outside `*.aliyuncs.com` that does not say for which account it acts.
    """
    principal = _session(text) or _named(text)
    if principal is None:
        raise refusal_in_request(text)
    if principal.kind in _PROVIDERS:
        raise InvalidPrincipalError(text, f"{quoted(text)} {FEDERATED_FIELD_HINT}")
    if principal.kind is PrincipalKind.SERVICE and not principal.account and not is_alibaba_service(principal.name):
        suggestion = f"ACCOUNT_ID@{principal.name}"
        raise InvalidPrincipalError(text, f"{quoted(text)} {SERVICE_OF_WHOM_HINT}", suggestion=suggestion)
    return principal


@lru_cache(maxsize=65_536)
def provider_of_request(text: str) -> Principal:
    """Return the provider that a federated identity came through; raise `InvalidPrincipalError`."""
    principal = _named(text)
    if principal is None or principal.kind not in _PROVIDERS:
        raise InvalidPrincipalError(
            text,
            f"{quoted(text)} is not the ARN of a provider; write `acs:ram::ACCOUNT_ID:oidc-provider/NAME`"
            " or `acs:ram::ACCOUNT_ID:saml-provider/NAME`",
        )
    return principal


def _named(text: str) -> Principal | None:
    """Return the principal of the spellings that documents and requests share."""
    arn = _ARN.fullmatch(text)
    if arn:
        kind = PrincipalKind(arn["kind"] or arn["named"] or arn["provided"])
        return Principal(kind, arn["account"], arn["name"] or arn["provider"] or "")
    service = _SERVICE.fullmatch(text)
    if service and len(service["service"]) <= _MAX_SERVICE_CHARACTERS:
        return Principal(PrincipalKind.SERVICE, service["account"] or "", service["service"])
    return None


def _session(text: str) -> Principal | None:
    session = _SESSION.fullmatch(text)
    if session is None:
        return None
    return Principal(PrincipalKind.ROLE, session["account"] or session["other"], session["role"])
