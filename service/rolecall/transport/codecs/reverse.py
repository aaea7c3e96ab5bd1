"""Reverse queries on the wire: the roles that an identity can assume, and the principals that a role trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from rolecall.engine.reverse.query import Assumability, AssumableRole
from rolecall.policy.document import TrustPolicy
from rolecall_client.v1 import decision_pb2 as pb

_ASSUMABILITY: dict[Assumability, Any] = {
    outcome: pb.Assumability.Value(f"ASSUMABILITY_{outcome}") for outcome in Assumability
}

# The decoder requires a role; that of a list, which is about every role, is not read.
_ANY_ROLE = "0/any"


def as_query(message: pb.ListAssumableRolesRequest) -> pb.AssumeRoleQuery:
    """Return the fields that a list has in common with a query, as a query."""
    query = pb.AssumeRoleQuery(
        role=_ANY_ROLE,
        duration_seconds=message.duration_seconds,
        role_session_name=message.role_session_name,
        external_id=message.external_id,
        source_identity=message.source_identity,
    )
    for key, values in message.context.items():
        query.context[key].CopyFrom(values)
    match message.WhichOneof("identity"):
        case "principal":
            query.principal = message.principal
        case "federated":
            query.federated.CopyFrom(message.federated)
        case "oidc":
            query.oidc.CopyFrom(message.oidc)
        case "oidc_token":
            query.oidc_token = message.oidc_token
    return query


def filter_of(message: pb.ListAssumableRolesRequest) -> tuple[str, ...]:
    """Return what a page token is bound to: every field of the request except those of the page itself."""
    filters = pb.ListAssumableRolesRequest()
    filters.CopyFrom(message)
    filters.page_size, filters.page_token = 0, ""
    return "assumable", hashlib.sha256(filters.SerializeToString(deterministic=True)).hexdigest()


def assumable_response(roles: Sequence[AssumableRole], next_page_token: str) -> pb.ListAssumableRolesResponse:
    """Return the message of a page."""
    return pb.ListAssumableRolesResponse(
        roles=[
            pb.AssumableRole(role_arn=role.arn, outcome=_ASSUMABILITY[role.outcome], missing_keys=role.missing_keys)
            for role in roles
        ],
        next_page_token=next_page_token,
    )


def trusted_response(policy: TrustPolicy) -> pb.ListTrustedPrincipalsResponse:
    """Return the message of the principals that a policy trusts."""
    return pb.ListTrustedPrincipalsResponse(
        grants=[
            pb.TrustGrant(
                principal_pattern=pattern.text,
                type=pattern.type,
                effect=statement.effect.value,
                conditions=[condition.clause for condition in statement.conditions],
                statement_pointer=statement.pointer,
            )
            for statement in policy.statements
            for pattern in statement.principals
        ]
    )
