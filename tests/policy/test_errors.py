"""The errors of the policy language as texts: what a log or a terminal shows of them."""

from __future__ import annotations

import pytest

from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError, PolicyError, Violation
from rolecall.policy.principal import principal_of_request


def test_an_invalid_policy_is_the_list_of_its_violations() -> None:
    violations = [
        Violation(pointer="/Version", reason="UNSUPPORTED_VERSION", message="first"),
        Violation(pointer="", reason="WRONG_TYPE", message="second"),
        Violation(pointer="/\u202e", reason="UNKNOWN_FIELD", message="third"),
    ]

    error = InvalidPolicyError(iter(violations))

    assert isinstance(error, PolicyError)
    assert str(error) == "/Version: first; /: second; /\\u202e: third"
    assert error.violations == tuple(violations)


def test_an_invalid_principal_is_its_message_and_has_its_facts() -> None:
    plain = InvalidPrincipalError("x", "`x` is not a principal")
    whole = InvalidPrincipalError("x", "`x` is not a principal", reason="WILDCARD_PRINCIPAL", suggestion="y")

    assert str(plain) == plain.message == "`x` is not a principal"
    assert (plain.text, plain.reason, plain.suggestion) == ("x", "INVALID_PRINCIPAL", "")
    assert (whole.reason, whole.suggestion) == ("WILDCARD_PRINCIPAL", "y")


def test_the_error_of_a_reader_shows_its_message() -> None:
    with pytest.raises(InvalidPrincipalError) as refused:
        principal_of_request("acs:ram::1:user/*")

    assert str(refused.value) == "`acs:ram::1:user/*` has a wildcard; a principal has none, so name each one"
