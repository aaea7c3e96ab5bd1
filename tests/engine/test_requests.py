from __future__ import annotations

import pytest

from rolecall.engine import request as request_module
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.request import (
    AssumeRoleRequest,
    claim_keys,
    context_keys,
    derived_values,
    field_keys,
    read_principal,
    read_provider,
)
from rolecall.policy.keys import PRINCIPAL_ARN
from tests.engine.world import ACCOUNT

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


def test_context_keys_that_differ_in_case_are_different_keys() -> None:
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


@pytest.mark.parametrize("values", [[["v" * 4_096]] * 5, [["v"] * 101]])
def test_a_limit_of_the_values_of_claims_names_the_claims(values: list[list[str]]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        claim_keys(read_provider(PROVIDER), {f"oidc:{n}": each for n, each in enumerate(values)})

    assert [violation.field.partition("[")[0] for violation in caught.value.violations] == ["federated.claims"]


def test_a_user_is_no_provider() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_provider("acs:ram::123456789012:user/alice")

    assert caught.value.violations[0].field == "federated.provider_arn"


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        field_keys(role_session_name="x", external_id="ünï", source_identity="acs:me")

    assert reasons(caught) == ["INVALID_SESSION_NAME", "INVALID_EXTERNAL_ID", "INVALID_SOURCE_IDENTITY"]


SOURCE_IDENTITIES = [
    ("alice", True),
    ("al", True),
    ("a", False),
    ("a" * 64, True),
    ("a" * 65, False),
    ("alice+ops=,.@-_", True),
    ("acs:me", False),
    ("aliyun:me", False),
    ("alibabacloud:me", False),
    ("alibabacloud", True),
    ("a:b", False),
    ("a/b", False),
    ("alice\n", False),
    ("älice", False),
]


@pytest.mark.parametrize(("text", "valid"), SOURCE_IDENTITIES)
def test_a_source_identity_has_no_colon_and_so_no_reserved_prefix(text: str, valid: bool) -> None:
    if valid:
        assert field_keys(role_session_name="", external_id="", source_identity=text) == {"sts:SourceIdentity": (text,)}
        return
    with pytest.raises(InvalidRequestError) as caught:
        field_keys(role_session_name="", external_id="", source_identity=text)
    assert reasons(caught) == ["INVALID_SOURCE_IDENTITY"]


@pytest.mark.parametrize(
    ("text", "valid"),
    [("ab", True), ("a", False), ("a" * 1_224, True), ("a" * 1_225, False), ("a:/b_+=,.@-", True), ("a b", False)],
)
def test_an_external_id_has_2_to_1224_characters(text: str, valid: bool) -> None:
    if valid:
        assert field_keys(role_session_name="", external_id=text, source_identity="") == {"sts:ExternalId": (text,)}
        return
    with pytest.raises(InvalidRequestError) as caught:
        field_keys(role_session_name="", external_id=text, source_identity="")
    assert reasons(caught) == ["INVALID_EXTERNAL_ID"]


def test_an_invalid_field_names_the_parameter_of_ram_where_there_is_one() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        field_keys(role_session_name="x", external_id="x", source_identity="x")

    assert [(violation.field, violation.ram_code) for violation in caught.value.violations] == [
        ("role_session_name", "InvalidParameter.RoleSessionName"),
        ("external_id", "InvalidParameter.ExternalId"),
        ("source_identity", ""),
    ]


WITHIN_LIMITS: list[dict[str, list[str]]] = [
    {f"k{n}": ["v"] for n in range(100)},
    {"k": ["v"] * 100},
    {"k" * 256: ["v"]},
    {f"k{n}": ["v" * 4_096] for n in range(4)},
]


@pytest.mark.parametrize("context", WITHIN_LIMITS, ids=["keys", "values", "key", "characters"])
def test_a_context_may_be_as_large_as_the_limits(context: dict[str, list[str]]) -> None:
    assert context_keys(context) == {key: tuple(values) for key, values in context.items()}


def test_claims_may_be_as_many_as_the_limit_and_have_long_names() -> None:
    provider = read_provider(PROVIDER)
    claims = {f"oidc:{n}": ["x"] for n in range(99)} | {"oidc:" + "k" * 251: ["x"]}

    assert len(claim_keys(provider, claims)) == 100
    with pytest.raises(InvalidRequestError) as caught:
        claim_keys(provider, {"oidc:" + "k" * 252: ["x"]})
    assert reasons(caught) == ["INVALID_CLAIM"]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (f"acs:ram::{ACCOUNT}:user/alice", (f"acs:ram::{ACCOUNT}:user/alice",)),
        (f"acs:ram::{ACCOUNT}:assumed-role/Ops/s1", (f"acs:ram::{ACCOUNT}:role/Ops",)),
        ("ecs.aliyuncs.com", None),
        (f"{ACCOUNT}@orders.internal", None),
    ],
)
def test_the_principal_arn_is_derived_and_a_service_has_none(who: str, expected: tuple[str, ...] | None) -> None:
    assert derived_values(read_principal(who), {}, PRINCIPAL_ARN) == expected


def test_a_request_has_no_keys_no_duration_and_no_expiry_but_those_that_are_given() -> None:
    request = AssumeRoleRequest(read_principal("ecs.aliyuncs.com"), "1/app")

    assert (request.keys, request.duration_seconds, request.expires_at) == ({}, 0, None)
    assert (request.last_answer, request.last_role, request.rights, request.weight) == (None, None, None, 0)


def test_the_names_of_1024_keys_are_remembered() -> None:
    context_keys({"k": ["v"]})

    assert request_module._context_key.cache_parameters()["maxsize"] == 1_024


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
