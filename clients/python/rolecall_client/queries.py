"""Questions: who asks, in any spelling, becomes the right kind of identity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rolecall_client.v1 import decision_pb2

Values = Mapping[str, str | Iterable[str]]
"""Condition keys and their values; a lone text is one value."""

KUBERNETES_PREFIX = "k8s:"

_ROLE_ARN = re.compile(r"acs:ram::([0-9]{1,20}):role/.*", re.ASCII)
_ACCOUNT_AND_NAME = re.compile(r"([0-9]{1,20})/.*", re.ASCII)
_PROVIDER_ARN = re.compile(r"acs:ram::[^:]*:(?:saml|oidc)-provider/.*", re.ASCII | re.DOTALL)
_KUBERNETES = re.compile(r"k8s:([^/]+)/([^/]+)/([^/]+)")
_SUBJECT = "oidc:sub"


def query(
    as_: str,
    role: str = "",
    *,
    claims: Values | None = None,
    context: Values | None = None,
    duration_seconds: int = 0,
    role_session_name: str = "",
    external_id: str = "",
    source_identity: str = "",
    account_id: str = "",
) -> decision_pb2.AssumeRoleQuery:
    """Return the question whether `as_` may assume `role`; raise `ValueError` when it cannot be put.

    `as_` is a principal (`acs:ram::ID:user/NAME`, a role session, `ID@SERVICE`, ...), a provider's ARN, which comes with
    `claims`, or `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`: that service account, through the OIDC provider of the role's
    account. `account_id` is the role's account when `role` does not say it. Without a role it is a question for `what_can`.
    """
    question = decision_pb2.AssumeRoleQuery(
        role=role,
        context=condition_values(context or {}),
        duration_seconds=duration_seconds,
        role_session_name=role_session_name,
        external_id=external_id,
        source_identity=source_identity,
    )
    identity = _federated(as_, role, claims or {}, account_id)
    if identity is not None:
        question.federated.CopyFrom(identity)
    elif claims:
        raise ValueError(f"claims come with an identity provider, and `{as_}` is none: give its provider's ARN")
    else:
        question.principal = as_
    return question


def account_of(role: str) -> str:
    """Return the account id that the spelling of a role says, or nothing."""
    match = _ROLE_ARN.fullmatch(role) or _ACCOUNT_AND_NAME.fullmatch(role)
    return match[1] if match else ""


def condition_values(values: Values) -> dict[str, decision_pb2.ConditionValues]:
    """Return condition keys and their values as a request carries them."""
    return {
        key: decision_pb2.ConditionValues(values=[value] if isinstance(value, str) else value)
        for key, value in values.items()
    }


def _federated(as_: str, role: str, claims: Values, account_id: str) -> decision_pb2.FederatedIdentity | None:
    if as_.startswith(KUBERNETES_PREFIX):
        return _service_account(as_, account_of(role) or account_id, claims)
    if _PROVIDER_ARN.fullmatch(as_):
        return decision_pb2.FederatedIdentity(provider_arn=as_, claims=condition_values(claims))
    return None


def _service_account(as_: str, account: str, claims: Values) -> decision_pb2.FederatedIdentity:
    match = _KUBERNETES.fullmatch(as_)
    if match is None:
        raise ValueError(f"`{as_}` is not `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`")
    if not account:
        raise ValueError(f"`{as_}` needs the account of the role: write the role as ACCOUNT/NAME or as an ARN")
    if _SUBJECT in claims:
        raise ValueError(f"`{as_}` says `{_SUBJECT}` already: leave the claim out")
    provider, namespace, name = match.groups()
    subject = f"system:serviceaccount:{namespace}:{name}"
    return decision_pb2.FederatedIdentity(
        provider_arn=f"acs:ram::{account}:oidc-provider/{provider}",
        claims=condition_values({**claims, _SUBJECT: subject}),
    )
