"""Principals of trust policies and of requests, which are read into the same value.

The two accept different texts (see `docs/policy-language.md`): `principal_of_document` reads the principals of a trust
policy, `principal_of_request` the principal of a request.
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
    refusal_in_document,
    refusal_in_request,
    refusal_of_host,
    refusal_of_type,
)
from rolecall.policy.wording import listed, quoted


class PrincipalKind(StrEnum):
    """The kinds of principals; the value is the word for it in an ARN."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SERVICE = "service"
    SAML_PROVIDER = "saml-provider"
    OIDC_PROVIDER = "oidc-provider"

    # Every lookup hashes a principal. The hash of Enum is Python code, that of str is not.
    __hash__ = str.__hash__


class Principal(NamedTuple):
    """A principal. Compared field by field; `name` has the case that was given.

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
"""The kinds that each principal type of a document may contain."""


def is_alibaba_service(name: str) -> bool:
    """Return whether a service belongs to Alibaba Cloud, and is not an in-house one."""
    return name.endswith(_ALIBABA)


def principal_of_document(type_name: str, text: str) -> Principal:
    """Return the principal that `text` names under the principal type `type_name`; raise `InvalidPrincipalError`."""
    if type_name not in PRINCIPAL_TYPES:
        message = f"{quoted(type_name)} is not a principal type; write {listed(PRINCIPAL_TYPES)}"
        raise InvalidPrincipalError(text, message, reason="UNKNOWN_PRINCIPAL_TYPE")
    principal = _named(text)
    if principal is None:
        raise refusal_in_document(type_name, text)
    if principal.kind not in PRINCIPAL_TYPES[type_name]:
        raise refusal_of_type(type_name, text, _right_type(principal))
    return principal


def _right_type(principal: Principal) -> str:
    """Return the principal type under which a principal belongs; empty for a host name, of which nobody knows."""
    if principal.kind is PrincipalKind.SERVICE and not is_alibaba_service(principal.name):
        return ""
    return next(name for name, kinds in PRINCIPAL_TYPES.items() if principal.kind in kinds)


@lru_cache(maxsize=8_192)
def principal_of_request(text: str) -> Principal:
    """Return the principal of a request; raise `InvalidPrincipalError`.

    A role session is reduced to its role, in the case that was given. A federated identity is more than a text and is
    refused, and so is a service outside `*.aliyuncs.com` that does not name the account for which it acts.
    """
    principal = _session(text) or _named(text)
    if principal is None:
        raise refusal_in_request(text)
    if principal.kind in _PROVIDERS:
        raise InvalidPrincipalError(text, f"{quoted(text)} {FEDERATED_FIELD_HINT}")
    if principal.kind is PrincipalKind.SERVICE and not principal.account and not is_alibaba_service(principal.name):
        raise refusal_of_host(text, principal.name)
    return principal


@lru_cache(maxsize=1_024)
def provider_of_request(text: str) -> Principal:
    """Return the provider of a federated identity; raise `InvalidPrincipalError`."""
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
