"""Reverse queries on the wire: what an identity can assume, and whom a role trusts."""

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

# A query names a role; a list asks about every role, so what it shares with a query is put to the decoder with this one.
_ANY_ROLE = "0/any"


def as_query(message: pb.ListAssumableRolesRequest) -> pb.AssumeRoleQuery:
    """Return what a list shares with a query."""
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
        case "oidc_token":
            query.oidc_token = message.oidc_token
    return query


def filter_of(message: pb.ListAssumableRolesRequest) -> tuple[str, ...]:
    """Return what a page token is bound to: everything that was asked but the page itself."""
    asked = pb.ListAssumableRolesRequest()
    asked.CopyFrom(message)
    asked.page_size, asked.page_token = 0, ""
    return "assumable", hashlib.sha256(asked.SerializeToString(deterministic=True)).hexdigest()


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
    """Return the message of whom a policy trusts."""
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
