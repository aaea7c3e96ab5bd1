"""The queries and responses of the measurements, defined once, so that every server gets the same bytes.

There are ten `plain` and ten `keyed` roles, each with a trust policy of three statements: an Allow for RAM users, an Allow for an
in-house service, and a Deny. The queries are from twenty users. The policies of `keyed` roles read `acs:SourceIp` and
`acs:SourceVpc`, the others read no condition key.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from rolecall_client.v1 import decision_pb2 as pb

ACCOUNT = "123456789012"
ROLES = 10
PRINCIPALS = 20


def plain_document(role: int) -> str:
    """Return a trust policy that reads no condition key."""
    return _document([_allow(p) for p in range(role % 3, PRINCIPALS, 3)], [])


def keyed_document(role: int) -> str:
    """Return a trust policy of three statements and two conditions, which reads two keys."""
    conditions = {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}, "StringEquals": {"acs:SourceVpc": "vpc-1"}}
    return _document([_allow(p) for p in range(PRINCIPALS)], [conditions])


def roles_file(directory: Path) -> Path:
    """Write the roles of the fixture to a role file; return its path."""
    roles = [
        {"name": f"{sort}-{n}", "account_id": ACCOUNT, "trust_policy_json": document(n)}
        for sort, document in (("plain", plain_document), ("keyed", keyed_document))
        for n in range(ROLES)
    ]
    path = directory / "roles.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "rolecall/v1", "roles": roles}))
    return path


def plain_query(number: int) -> pb.AssumeRoleQuery:
    """Return the n-th query without context."""
    return pb.AssumeRoleQuery(principal=_allow(number % PRINCIPALS), role=f"{ACCOUNT}/plain-{number % ROLES}")


def keyed_query(number: int) -> pb.AssumeRoleQuery:
    """Return the n-th query with two condition keys."""
    query = pb.AssumeRoleQuery(principal=_allow(number % PRINCIPALS), role=f"{ACCOUNT}/keyed-{number % ROLES}")
    query.context["acs:SourceIp"].values.append(f"10.0.0.{number % 50}")
    query.context["acs:SourceVpc"].values.append("vpc-1")
    return query


def check_response() -> pb.CheckAssumeRoleResponse:
    """Return a response of the size of a real one."""
    return pb.CheckAssumeRoleResponse(decision=_decision(), consistency_token="A" * 54)


def batch_response(size: int) -> pb.BatchCheckAssumeRoleResponse:
    """Return the response to a batch of `size` queries."""
    results = [pb.BatchCheckResult(decision=_decision()) for _ in range(size)]
    return pb.BatchCheckAssumeRoleResponse(results=results, consistency_token="A" * 54)


def _decision() -> pb.Decision:
    decision = pb.Decision(
        allowed=True,
        reason=pb.DECISION_REASON_ALLOW,
        trust_side=pb.SIDE_OUTCOME_ALLOW,
        identity_side=pb.SIDE_OUTCOME_NOT_EVALUATED,
        determining_statements=[pb.DeterminingStatement(pointer="/Statement/0")],
        role_id="300000000000000001",
        max_session_duration_seconds=3_600,
        decision_id="0123456789ab-1f",
        revision=1,
        served_from=pb.SERVED_FROM_CACHED,
    )
    decision.staleness.SetInParent()
    return decision


def _allow(principal: int) -> str:
    return f"acs:ram::{ACCOUNT}:user/app-{principal}"


def _document(principals: list[str], conditions: list[object]) -> str:
    conditional = {"Condition": conditions[0]} if conditions else {}
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"RAM": principals}}
    other = statement | {"Principal": {"Service": [f"{ACCOUNT}@orders.internal"]}}
    denied = statement | {"Effect": "Deny", "Principal": {"RAM": [_allow(999)]}}
    return json.dumps({"Version": "1", "Statement": [statement | conditional, other, denied]})
