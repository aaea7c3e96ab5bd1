"""What the refusal of a request says: the field, a stable reason, the limit, and the parameter of RAM if there is one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.request import (
    claim_keys,
    context_keys,
    duration_violation,
    read_principal,
    read_provider,
    read_role_key,
)
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import FieldViolation
from tests.engine.test_requests import PROVIDER, SAML


def test_a_role_has_to_be_named() -> None:
    found = [refusal(partial(read_role_key, Accounts(), text)) for text in ("", "acs:ram::x", "1/a_b")]

    assert [(each.field, each.reason, each.ram_code) for each in found] == [
        ("role", "REQUIRED", ""),
        ("role", "INVALID_ROLE", "InvalidParameter.RoleArn"),
        ("role", "INVALID_ROLE", "InvalidParameter.RoleArn"),
    ]
    assert [each.message for each in found] == [
        "name the role to assume",
        "`acs:ram::x` is not the ARN of a role: write `acs:ram::ACCOUNT:role/NAME`",
        "`a_b` may have letters, digits, `.` and `-` only",
    ]


OIDC = read_provider(PROVIDER)


REFUSED: list[tuple[Callable[[], object], str, str, str]] = [
    (partial(read_principal, "x"), "principal", "INVALID_PRINCIPAL", ""),
    (partial(read_provider, "x"), "federated.provider_arn", "INVALID_PRINCIPAL", ""),
    (partial(read_provider, "x", "other"), "other", "INVALID_PRINCIPAL", ""),
    (partial(context_keys, {f"k{n}": ["v"] for n in range(101)}), "context", "TOO_MANY_KEYS",
     "101 keys are given, at most 100 are allowed"),
    (partial(context_keys, {"": ["v"]}), "context", "INVALID_CONTEXT_KEY",
     "a condition key is 1 to 256 characters without control characters"),
    (partial(context_keys, {"k\x7f": []}), "context", "INVALID_CONTEXT_KEY",
     "a condition key is 1 to 256 characters without control characters"),
    (partial(context_keys, {"oidc:sub": ["v"]}), "context['oidc:sub']", "RESERVED_KEY", ""),
    (partial(context_keys, {"k": ["v"] * 101}), "context['k']", "TOO_MANY_VALUES",
     "101 values are given, at most 100 are allowed"),
    (partial(context_keys, {"k": ["v", "v" * 4_097]}), "context['k']", "VALUE_TOO_LONG",
     "a value has 4097 characters, at most 4096 are allowed"),
    (partial(context_keys, {f"k{n}": ["v" * 4_096] for n in range(4)} | {"k": ["v"]}), "context", "CONTEXT_TOO_LARGE",
     "the values have 16385 characters together, at most 16384 are allowed"),
    (partial(claim_keys, OIDC, {f"oidc:{n}": ["v"] for n in range(101)}), "federated.claims", "TOO_MANY_KEYS",
     "101 claims are given, at most 100 are allowed"),
    (partial(claim_keys, OIDC, {"saml:sub": ["v"]}), "federated.claims['saml:sub']", "INVALID_CLAIM",
     "claims of this provider are keys that begin with `oidc:`"),
    (partial(claim_keys, read_provider(SAML), {"oidc:sub": []}), "federated.claims['oidc:sub']", "INVALID_CLAIM",
     "claims of this provider are keys that begin with `saml:`"),
    (partial(claim_keys, OIDC, {"oidc:sub": ["v"] * 101}), "federated.claims['oidc:sub']", "TOO_MANY_VALUES",
     "101 values are given, at most 100 are allowed"),
    (partial(claim_keys, OIDC, {"oidc:sub": ["v" * 4_097]}), "federated.claims['oidc:sub']", "VALUE_TOO_LONG",
     "a value has 4097 characters, at most 4096 are allowed"),
    (partial(claim_keys, OIDC, {f"oidc:{n}": ["v" * 4_096] for n in range(5)}), "federated.claims", "CONTEXT_TOO_LARGE",
     "the values have 20480 characters together, at most 16384 are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "field", "reason", "message"), REFUSED)
def test_a_refusal_names_the_field_the_reason_and_the_limit(
    read: Callable[[], object], field: str, reason: str, message: str
) -> None:
    found = refusal(read)

    assert (found.field, found.reason, found.ram_code) == (field, reason, "")
    assert found.message == (message or found.message) != ""


def test_a_session_of_a_wrong_length_is_refused_with_both_limits() -> None:
    (violation,) = duration_violation(1, 7_200).violations

    assert violation == FieldViolation(
        field="duration_seconds",
        reason="INVALID_DURATION",
        message="must be 900 to 7200 seconds for this role, not 1",
        ram_code="InvalidParameter.DurationSeconds",
    )


def refusal(read: Callable[[], object]) -> FieldViolation:
    """Return the only violation that is raised."""
    with pytest.raises(InvalidRequestError) as caught:
        read()
    (violation,) = caught.value.violations
    return violation
