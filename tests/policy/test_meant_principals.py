"""A principal of a request that is written in another way is refused with the form that was meant."""

from __future__ import annotations

import pytest

from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import principal_of_request

PROVIDER = "acs:ram::ACCOUNT_ID:oidc-provider/NAME"


@pytest.mark.parametrize(
    ("text", "what", "form"),
    [
        ("system:serviceaccount:pay:api", "the subject of a service account", "k8s:PROVIDER/pay/api"),
        ("system:node:n1", "the subject of a token", PROVIDER),
        ("repo:acme/site:ref:refs/heads/main", "the subject of a token", PROVIDER),
        ("https://token.actions.githubusercontent.com", "the issuer of a token", PROVIDER),
        ("token.actions.githubusercontent.com", "the host of an issuer", PROVIDER),
        ("spiffe://example.org/pay", "a SPIFFE ID", ""),
        ("ecs", "a service without its domain", "ecs.aliyuncs.com"),
        ("OSS", "a service without its domain", "oss.aliyuncs.com"),
        ("ec2.amazonaws.com", "a service of AWS", "ecs.aliyuncs.com"),
        ("sqs.amazonaws.com", "a service of AWS; name a principal of RAM", ""),
        ("ecs.aliyun.com", "a name of a website", "ecs.aliyuncs.com"),
        ("github", "the name of a provider alone", "acs:ram::ACCOUNT_ID:oidc-provider/github"),
        ("alice", "a name alone", "acs:ram::ACCOUNT_ID:user/alice"),
        ("alice@12.onaliyun.com", "the logon name of a user", "acs:ram::12:user/alice"),
        ("user/alice", "the end of an ARN", "acs:ram::ACCOUNT_ID:user/alice"),
        ("root", "the end of an ARN", "acs:ram::ACCOUNT_ID:root"),
        ("12:role/ci", "the end of an ARN", "acs:ram::12:role/ci"),
        ("12/deploy", "names a role that is assumed", "acs:ram::12:role/deploy"),
    ],
)
def test_the_form_that_was_meant_is_named(text: str, what: str, form: str) -> None:
    with pytest.raises(InvalidPrincipalError) as caught:
        principal_of_request(text)

    assert what in caught.value.message
    assert caught.value.suggestion == form
    assert form in caught.value.message
    assert "under `RAM`" not in caught.value.message


@pytest.mark.parametrize("text", ["nobody at all", "k8s:p", "12:group/x", "a" * 65, "ünïcode", "system:", "a:b"])
def test_a_text_that_resembles_none_gets_every_form(text: str) -> None:
    with pytest.raises(InvalidPrincipalError) as caught:
        principal_of_request(text)

    assert "is not a principal; write `acs:ram::ACCOUNT_ID:user/NAME`" in caught.value.message


def test_an_in_house_service_is_still_asked_for_its_account() -> None:
    with pytest.raises(InvalidPrincipalError, match="does not name the account") as caught:
        principal_of_request("orders.internal")

    assert caught.value.suggestion == "ACCOUNT_ID@orders.internal"
