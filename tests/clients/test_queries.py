from __future__ import annotations

import pytest

from rolecall_client.queries import account_of, query
from rolecall_client.v1 import decision_pb2


@pytest.mark.parametrize(
    "who",
    [
        "acs:ram::1:user/alice",
        "acs:ram::1:role/r/session",
        "acs:sts::1:assumed-role/r/session",
        "acs:ram::1:root",
        "ecs.aliyuncs.com",
        "1@orders.internal",
        "nonsense",
    ],
)
def test_a_name_that_is_no_provider_is_a_principal(who: str) -> None:
    asked = query(who, "r")

    assert (asked.WhichOneof("identity"), asked.principal) == ("principal", who)


@pytest.mark.parametrize("kind", ["saml", "oidc"])
def test_a_providers_arn_is_a_federated_identity(kind: str) -> None:
    asked = query(f"acs:ram::1:{kind}-provider/p", "r", claims={"k": ["a", "b"], "l": "c"})

    claims = {key: list(values.values) for key, values in asked.federated.claims.items()}
    assert (asked.federated.provider_arn, claims) == (f"acs:ram::1:{kind}-provider/p", {"k": ["a", "b"], "l": ["c"]})


@pytest.mark.parametrize(("role", "account_id"), [("acs:ram::7:role/r", "9"), ("7/r", ""), ("r", "7"), ("prod/r", "7")])
def test_a_service_account_comes_through_the_provider_of_the_roles_account(role: str, account_id: str) -> None:
    asked = query("k8s:ack/payments/api", role, claims={"oidc:aud": "x"}, account_id=account_id)

    assert asked.federated.provider_arn == "acs:ram::7:oidc-provider/ack"
    assert list(asked.federated.claims["oidc:sub"].values) == ["system:serviceaccount:payments:api"]
    assert list(asked.federated.claims["oidc:aud"].values) == ["x"]


@pytest.mark.parametrize(
    ("who", "role", "claims", "message"),
    [
        ("k8s:ack/payments/api", "r", {}, "needs the account of the role"),
        ("k8s:ack/payments/api", "prod/r", {}, "needs the account of the role"),
        ("k8s:ack/payments", "7/r", {}, "is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`"),
        ("k8s:ack/payments/api/x", "7/r", {}, "is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`"),
        ("k8s:ack/payments/api", "7/r", {"oidc:sub": "x"}, "leave the claim out"),
        ("acs:ram::1:user/alice", "7/r", {"oidc:sub": "x"}, "claims come with an identity provider"),
    ],
)
def test_contradicting_arguments_are_refused(who: str, role: str, claims: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        query(who, role, claims=claims)


def test_every_other_field_is_set() -> None:
    asked = query(
        "ecs.aliyuncs.com",
        "r",
        context={"acs:SourceIp": "10.0.0.1"},
        duration_seconds=900,
        role_session_name="s",
        external_id="e",
        source_identity="i",
    )

    assert list(asked.context["acs:SourceIp"].values) == ["10.0.0.1"]
    assert (asked.duration_seconds, asked.role_session_name, asked.external_id, asked.source_identity) == (
        900,
        "s",
        "e",
        "i",
    )


@pytest.mark.parametrize(
    ("role", "account"), [("acs:ram::1:role/r", "1"), ("1/r", "1"), ("r", ""), ("prod/r", ""), ("\uff11/r", "")]
)
def test_the_account_of_a_role_is_read_from_its_name(role: str, account: str) -> None:
    assert account_of(role) == account


def test_a_token_comes_with_its_provider_and_without_claims() -> None:
    provider = "acs:ram::1:oidc-provider/p"

    assert query(provider, "1/app", token="eyJ").oidc == decision_pb2.OidcIdentity(provider_arn=provider, token="eyJ")
    with pytest.raises(ValueError, match="is not the ARN of one"):
        query("acs:ram::1:saml-provider/p", "1/app", token="eyJ")
    with pytest.raises(ValueError, match="the claims are in the token"):
        query(provider, "1/app", token="eyJ", claims={"oidc:sub": "alice"})
