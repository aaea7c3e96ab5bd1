from __future__ import annotations

import pytest

from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.request import claim_keys, context_keys, field_keys, read_provider

PROVIDER = "acs:ram::123456789012:oidc-provider/ci"
SAML = "acs:ram::123456789012:saml-provider/okta"


def reasons(error: pytest.ExceptionInfo[InvalidRequestError]) -> list[str]:
    return [violation.reason for violation in error.value.violations]


@pytest.mark.parametrize(
    "key",
    [
        "acs:CurrentTime",
        "acs:PrincipalARN",
        "acs:PrincipalArn",
        "oidc:sub",
        "oidc:anything",
        "saml:recipient",
        "sts:RoleSessionName",
        "sts:ExternalId",
        "sts:SourceIdentity",
        "acs:ResourceTag/team",
    ],
)
def test_a_key_that_the_service_derives_is_refused_in_the_context(key: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        context_keys({key: ["x"]})

    assert reasons(caught) == ["RESERVED_KEY"]


@pytest.mark.parametrize("key", ["", "a\nb", "k" * 257])
def test_a_key_has_a_length_and_no_control_characters(key: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        context_keys({key: ["x"]})

    assert reasons(caught) == ["INVALID_CONTEXT_KEY"]


def test_a_key_without_values_is_absent() -> None:
    assert context_keys({"acs:SourceIp": [], "k": ["v"]}) == {"k": ("v",)}


def test_a_key_that_the_service_derives_is_refused_also_without_values() -> None:
    with pytest.raises(InvalidRequestError):
        context_keys({"oidc:sub": []})


def test_context_keys_are_told_apart_by_case() -> None:
    assert context_keys({"acs:sourceip": ["x"]}) == {"acs:sourceip": ("x",)}


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({f"k{n}": ["v"] for n in range(101)}, "TOO_MANY_KEYS"),
        ({"k": ["v"] * 101}, "TOO_MANY_VALUES"),
        ({"k": ["v" * 4_097]}, "VALUE_TOO_LONG"),
        ({f"k{n}": ["v" * 4_096] for n in range(5)}, "CONTEXT_TOO_LARGE"),
    ],
)
def test_every_limit_is_announced(context: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(InvalidRequestError, match="at most") as caught:
        context_keys(context)

    assert reasons(caught) == [reason]


def test_claims_are_the_keys_of_the_provider_and_no_others() -> None:
    oidc, saml = read_provider(PROVIDER), read_provider(SAML)

    assert claim_keys(oidc, {"oidc:sub": ["a"], "oidc:aud": []}) == {"oidc:sub": ("a",)}
    for provider, key in ((oidc, "saml:recipient"), (saml, "oidc:sub"), (oidc, "acs:SourceIp"), (oidc, "oidc:\n")):
        with pytest.raises(InvalidRequestError) as caught:
            claim_keys(provider, {key: ["x"]})
        assert reasons(caught) == ["INVALID_CLAIM"]


def test_claims_have_a_limit() -> None:
    with pytest.raises(InvalidRequestError, match="at most 100"):
        claim_keys(read_provider(PROVIDER), {f"oidc:{n}": ["x"] for n in range(101)})


def test_a_user_is_no_provider() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_provider("acs:ram::123456789012:user/alice")

    assert caught.value.violations[0].field == "federated.provider_arn"


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        field_keys(role_session_name="x", external_id="ünï", source_identity="acs:me")

    assert reasons(caught) == ["INVALID_SESSION_NAME", "INVALID_EXTERNAL_ID", "INVALID_SOURCE_IDENTITY"]


@pytest.mark.parametrize(
    ("name", "good"), [("ab", True), ("a", False), ("a" * 64, True), ("a" * 65, False), ("ab\n", False)]
)
def test_session_names_have_two_to_64_characters(name: str, good: bool) -> None:
    if good:
        assert field_keys(role_session_name=name, external_id="", source_identity="") == {
            "sts:RoleSessionName": (name,)
        }
    else:
        with pytest.raises(InvalidRequestError):
            field_keys(role_session_name=name, external_id="", source_identity="")
