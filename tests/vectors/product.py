"""The product's answers in the form of the vectors: from the evaluator alone, and from a decision point."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import Evaluation, evaluate
from rolecall.policy.keys import (
    EXTERNAL_ID,
    PRINCIPAL_ARN,
    RESOURCE_TAG_PREFIX,
    ROLE_SESSION_NAME,
    SOURCE_IDENTITY,
)
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_request, provider_of_request
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall_client.v1 import decision_pb2 as pb

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_OF_FIELD = {
    "external_id": EXTERNAL_ID,
    "role_session_name": ROLE_SESSION_NAME,
    "source_identity": SOURCE_IDENTITY,
}


class Evaluator:
    """One trust policy, evaluated by `rolecall.policy` alone; the condition keys are derived here."""

    def __init__(self, document: Any) -> None:
        self.compiled = compile_policy(parse_policy(json.dumps(document)))

    def decide(self, request: Json) -> Json:
        """Return the answer in the form of the oracle's."""
        if _principal(request).kind is PrincipalKind.ROOT:
            return _answer("ROOT_NOT_ALLOWED")
        evaluation = self.evaluation(request)
        return _answer(
            evaluation.outcome.value,
            [f"/Statement/{statement.index}" for statement in evaluation.determining],
            evaluation.missing_keys,
            evaluation.valid_until,
        )

    def evaluation(self, request: Json) -> Evaluation:
        """Return the evaluation of a request whose principal is not an account root."""
        principal = _principal(request)
        account = request["role"]["arn"].split(":")[3]
        keys = _keys(request, principal)
        values = [tuple(keys[key]) if key in keys else None for key in self.compiled.keys]
        return evaluate(self.compiled, principal, account, values, instant(request["time"]))


class Service:
    """One role with its trust policy, decided by a decision point as the service does it."""

    def __init__(self, document: Any, role: Json) -> None:
        self.point = DecisionPoint(Snapshot([_role(document, role)]), DecisionOptions(), lambda: 0)
        self._decoder = QueryDecoder(Accounts())

    def decide(self, request: Json) -> Json:
        """Return the answer in the form of the oracle's; raise `InvalidRequestError` for a malformed request."""
        decoded = self._decoder.read(query_of(request, request["role"]["arn"]))
        decision = self.point.check(decoded, instant(request["time"])).decision
        return _answer(
            decision.reason.value,
            [f"/Statement/{statement.index}" for statement in decision.determining],
            decision.missing_keys,
            decision.valid_until,
        )


def evaluated(document: Any, request: Json) -> Json:
    """Return the evaluator's answer to one request, in the form of the oracle's."""
    return Evaluator(document).decide(request)


def query_of(request: Json, role: str) -> pb.AssumeRoleQuery:
    """Return a request of the vectors as a message about `role`."""
    texts = {name: request[name] for name in ("principal", "duration_seconds", *_KEY_OF_FIELD) if name in request}
    query = pb.AssumeRoleQuery(role=role, **texts)
    for key, values in request.get("context", {}).items():
        query.context[key].values.extend(values)
    if "federated" in request:
        query.federated.provider_arn = request["federated"]["provider_arn"]
        for key, values in request["federated"]["claims"].items():
            query.federated.claims[key].values.extend(values)
    return query


def instant(text: str) -> int:
    """Return a time of the vectors in microseconds since 1970."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def spelled(instant: int) -> str:
    """Return an instant as text with microseconds, in UTC."""
    return (_EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _principal(request: Json) -> Principal:
    if "federated" in request:
        return provider_of_request(request["federated"]["provider_arn"])
    return principal_of_request(request["principal"])


def _keys(request: Json, principal: Principal) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = request["context"] | request.get("federated", {}).get("claims", {})
    keys |= {key: [request[field]] for field, key in _KEY_OF_FIELD.items() if request.get(field)}
    keys |= {f"{RESOURCE_TAG_PREFIX}{name}": [value] for name, value in request["role"]["tags"].items()}
    if principal.kind is not PrincipalKind.SERVICE:
        keys[PRINCIPAL_ARN] = [str(principal)]
    return keys


def _role(document: Any, role: Json) -> Role:
    _, _, _, account, path = role["arn"].split(":")
    return Role(
        role_id="1",
        account_id=account,
        role_name=path.removeprefix("role/"),
        document=json.dumps(document),
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(1),
        tags=role["tags"],
    )


def _answer(
    reason: str, determining: list[str] | None = None, missing: tuple[str, ...] = (), until: int | None = None
) -> Json:
    return {
        "allowed": reason == "ALLOW",
        "reason": reason,
        "determining": determining or [],
        "missing_keys": list(missing),
        "valid_until": until,
    }
