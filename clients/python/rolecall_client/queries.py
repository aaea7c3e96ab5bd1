"""Make queries: recognise the kind of identity from its spelling."""

from __future__ import annotations

import re

from rolecall_client.v1 import decision_pb2
from rolecall_client.values import Values, condition_values

__all__ = ["KUBERNETES_PREFIX", "Values", "account_of", "condition_values", "query"]

KUBERNETES_PREFIX = "k8s:"

_ROLE_ARN = re.compile(r"acs:ram::([0-9]{1,20}):role/.*", re.ASCII)
_ACCOUNT_AND_NAME = re.compile(r"([0-9]{1,20})/.*", re.ASCII)
_PROVIDER_ARN = re.compile(r"acs:ram::[^:]*:(?:saml|oidc)-provider/.*", re.ASCII | re.DOTALL)
_OIDC_PROVIDER_ARN = re.compile(r"acs:ram::[^:]*:oidc-provider/.*", re.ASCII | re.DOTALL)
_KUBERNETES = re.compile(r"k8s:([^/]+)/([^/]+)/([^/]+)")
_SUBJECT = "oidc:sub"


def query(
    as_: str,
    role: str = "",
    *,
    claims: Values | None = None,
    token: str = "",
    context: Values | None = None,
    duration_seconds: int = 0,
    role_session_name: str = "",
    external_id: str = "",
    source_identity: str = "",
    account_id: str = "",
) -> decision_pb2.AssumeRoleQuery:
    """Return a query: may `as_` assume `role`? Raise `ValueError` if the arguments contradict each other.

    `as_` is a principal (`acs:ram::ID:user/NAME`, a role session, `ID@SERVICE`, ...), the ARN of an identity provider, with
    `claims`, or `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`, a service account that comes through the OIDC provider of the role's
    account. With `token`, a token of the OIDC provider `as_`, the server verifies who it is, and there are no claims.
    Values of claims and of the context are text, booleans and numbers; raise `TypeError` for any other, which names the key.
    `account_id` is the role's account if `role` does not contain it. `what_can` takes a query without a role.
    """
    asked = decision_pb2.AssumeRoleQuery(
        role=role,
        context=condition_values(context or {}),
        duration_seconds=duration_seconds,
        role_session_name=role_session_name,
        external_id=external_id,
        source_identity=source_identity,
    )
    identity = None if token else _federated(as_, role, claims or {}, account_id)
    if token:
        asked.oidc.CopyFrom(_with_token(as_, token, claims or {}))
    elif identity is not None:
        asked.federated.CopyFrom(identity)
    elif claims:
        raise ValueError(f"claims come with an identity provider, and `{as_}` is not one; use the ARN of the provider")
    else:
        asked.principal = as_
    return asked


def account_of(role: str) -> str:
    """Return the account id that the name of a role contains, or an empty string."""
    match = _ROLE_ARN.fullmatch(role) or _ACCOUNT_AND_NAME.fullmatch(role)
    return match[1] if match else ""


def _federated(as_: str, role: str, claims: Values, account_id: str) -> decision_pb2.FederatedIdentity | None:
    if as_.startswith(KUBERNETES_PREFIX):
        return _service_account(as_, account_of(role) or account_id, claims)
    if _PROVIDER_ARN.fullmatch(as_):
        return decision_pb2.FederatedIdentity(provider_arn=as_, claims=condition_values(claims))
    return None


def _with_token(as_: str, token: str, claims: Values) -> decision_pb2.OidcIdentity:
    if not _OIDC_PROVIDER_ARN.fullmatch(as_):
        raise ValueError(f"a token comes with an OIDC provider, and `{as_}` is not the ARN of one")
    if claims:
        raise ValueError("the claims are in the token; give either")
    return decision_pb2.OidcIdentity(provider_arn=as_, token=token)


def _service_account(as_: str, account: str, claims: Values) -> decision_pb2.FederatedIdentity:
    match = _KUBERNETES.fullmatch(as_)
    if match is None:
        raise ValueError(f"`{as_}` is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`")
    if not account:
        raise ValueError(f"`{as_}` needs the account of the role; write the role as ACCOUNT/NAME or as an ARN")
    if _SUBJECT in claims:
        raise ValueError(f"`{as_}` already determines `{_SUBJECT}`; leave the claim out")
    provider, namespace, name = match.groups()
    subject = f"system:serviceaccount:{namespace}:{name}"
    return decision_pb2.FederatedIdentity(
        provider_arn=f"acs:ram::{account}:oidc-provider/{provider}",
        claims=condition_values({**claims, _SUBJECT: subject}),
    )
