"""Principals, roles and accounts, in documents, requests and settings."""

from __future__ import annotations

import re
from functools import partial

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import (
    PRINCIPAL_TYPES,
    Principal,
    PrincipalKind,
    principal_of_document,
    principal_of_request,
    provider_of_request,
)
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import RoleRef
from tests.fuzz.target import Target, outcome, text_of
from tests.oracle.principals import requester_of

_OURS = "123456789012"
_ACCOUNTS = Accounts(_OURS, {"prod": _OURS})
_ACCOUNT, _ROLE_NAME = re.compile("[0-9]{1,20}"), re.compile("[A-Za-z0-9.-]{1,64}")


def check_principal(data: bytes) -> None:
    """A principal is refused, or its spelling reads as the same principal, and the oracle reads it alike."""
    text = text_of(data)
    for type_name in PRINCIPAL_TYPES:
        named = outcome(partial(principal_of_document, type_name, text), InvalidPrincipalError)
        if isinstance(named, Principal):
            assert str(named) == text
    requesting = outcome(lambda: principal_of_request(text), InvalidPrincipalError)
    if isinstance(requesting, Principal):
        _check_requester(requesting, text)
    provider = outcome(lambda: provider_of_request(text), InvalidPrincipalError)
    assert provider is None or str(provider) == text


def _check_requester(principal: Principal, text: str) -> None:
    assert text.isascii()
    assert principal_of_request(str(principal)) == principal
    read = requester_of({"principal": text}, principal.account)
    assert (read.name, read.account) == (principal.name, principal.account)
    arn = "" if principal.kind is PrincipalKind.SERVICE else str(principal)
    assert read.arn == arn


def check_role(data: bytes) -> None:
    """A name of a role is refused, or it is an account and a name within the grammar, whose ARN names the same role."""
    text = text_of(data)
    ref = outcome(lambda: _ACCOUNTS.role(text), InvalidFieldsError)
    if isinstance(ref, RoleRef):
        assert _ACCOUNT.fullmatch(ref.account_id)
        assert _ROLE_NAME.fullmatch(ref.role_name)
        assert _ACCOUNTS.role(ref.arn) == ref
        assert ref.role_name in text
    account = outcome(lambda: _ACCOUNTS.account_id(text), InvalidFieldsError)
    assert account is None or account in (_OURS, text)


WORDS = (
    "acs:ram::", "acs:sts::", "acs:", "123456789012", ":root", ":user/", ":role/", ":assumed-role/", ":saml-provider/",
    ":oidc-provider/", "@", ".aliyuncs.com", "ecs", "*", "/", "//", "\n", "\0", "\uff41", "prod/", "..",
)  # fmt: skip
PRINCIPALS = tuple(
    text.encode()
    for text in (
        f"acs:ram::{_OURS}:root",
        f"acs:ram::{_OURS}:user/alice",
        f"acs:ram::{_OURS}:role/app",
        "ecs.aliyuncs.com",
        f"acs:ram::{_OURS}:role/app/session",
        f"acs:sts::{_OURS}:assumed-role/app/session",
        f"{_OURS}@ecs.aliyuncs.com",
        f"acs:ram::{_OURS}:oidc-provider/corp",
        f"acs:ram::{_OURS}:saml-provider/corp",
        f"{_OURS}@orders.internal",
        "app",
        "prod/app",
        f"{_OURS}/app",
        f"acs:ram:*:{_OURS}:role/app",
        "acs:ram::1*:root",
        "prod",
    )
)

TARGETS = (
    Target(name="principal", check=check_principal, seeds=PRINCIPALS, words=WORDS, max_bytes=400),
    Target(name="role-name", check=check_role, seeds=PRINCIPALS, words=WORDS, max_bytes=400),
)
