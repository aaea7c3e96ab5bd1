"""The product's answer to a question of the vectors: parsed, compiled and evaluated by `rolecall.policy`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = {"external_id": EXTERNAL_ID, "role_session_name": ROLE_SESSION_NAME, "source_identity": SOURCE_IDENTITY}


class Product:
    """One trust policy, ready for many questions."""

    def __init__(self, document: Any) -> None:
        self.compiled = compile_policy(parse_policy(json.dumps(document)))

    def decide(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer in the form of the oracle's."""
        principal = _principal(question)
        if principal.kind is PrincipalKind.ROOT:
            return _answer("ROOT_NOT_ALLOWED")
        evaluation = self.evaluation(question)
        return _answer(
            evaluation.outcome.value,
            [f"/Statement/{statement.index}" for statement in evaluation.determining],
            list(evaluation.missing_keys),
            evaluation.valid_until,
        )

    def evaluation(self, question: dict[str, Any]) -> Evaluation:
        """Return what the policy says; who asks is no account root."""
        principal = _principal(question)
        account = question["role"]["arn"].split(":")[3]
        keys = _keys(question, principal)
        values = [tuple(keys[key]) if key in keys else None for key in self.compiled.keys]
        return evaluate(self.compiled, principal, account, values, instant(question["time"]))


def decide_product(document: Any, question: dict[str, Any]) -> dict[str, Any]:
    """Return what the product says to one question, in the form of the oracle's answer."""
    return Product(document).decide(question)


def instant(text: str) -> int:
    """Return a time of the vectors in microseconds since 1970."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def spelled(instant: int) -> str:
    """Return an instant as text with microseconds, in UTC."""
    return (_EPOCH + timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _principal(question: dict[str, Any]) -> Principal:
    if "federated" in question:
        return provider_of_request(question["federated"]["provider_arn"])
    return principal_of_request(question["principal"])


def _keys(question: dict[str, Any], principal: Principal) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = question["context"] | question.get("federated", {}).get("claims", {})
    keys |= {key: [question[field]] for field, key in _FIELDS.items() if question.get(field)}
    keys |= {f"{RESOURCE_TAG_PREFIX}{name}": [value] for name, value in question["role"]["tags"].items()}
    if principal.kind is not PrincipalKind.SERVICE:
        keys[PRINCIPAL_ARN] = [str(principal)]
    return keys


def _answer(
    reason: str, determining: list[str] | None = None, missing: list[str] | None = None, until: int | None = None
) -> dict[str, Any]:
    return {
        "allowed": reason == "ALLOW",
        "reason": reason,
        "determining": determining or [],
        "missing_keys": missing or [],
        "valid_until": until,
    }
