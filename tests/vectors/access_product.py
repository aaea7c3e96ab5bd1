"""The product's answers to accesses in the form of the vectors."""

from __future__ import annotations

import json
from typing import Any

from rolecall.policy.keys import lookup_name
from rolecall.policy.permission.compiler import compile_permissions
from rolecall.policy.permission.evaluator import evaluate_access
from rolecall.policy.permission.parser import parse_permission_policy
from tests.vectors.product import instant

Json = dict[str, Any]


class Permissions:
    """The policies of one principal, compiled together."""

    def __init__(self, policies: list[Json], *, callers_rights: bool) -> None:
        parsed = [(policy["name"], parse_permission_policy(json.dumps(policy["document"]))) for policy in policies]
        self.compiled = compile_permissions(parsed, callers_rights=callers_rights)

    def decide(self, request: Json) -> Json:
        """Return the answer to one access, in the form of the oracle's."""
        context = {lookup_name(key): values for key, values in request["context"].items()}
        values = [tuple(context.get(key, ())) for key in self.compiled.keys]
        answer = evaluate_access(
            self.compiled, request["action"], request["resource"], values, instant(request["time"])
        )
        return {
            "allowed": answer.outcome.value == "ALLOW",
            "reason": answer.outcome.value,
            "determining": [[origin.policy, f"/Statement/{origin.index}"] for origin in answer.determining],
            "missing_keys": list(answer.missing_keys),
            "valid_until": answer.valid_until,
        }
