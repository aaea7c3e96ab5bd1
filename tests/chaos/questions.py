"""What is asked in a run, and how the oracle reads it: drawn once from the oracle's pools, put over the wire many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rolecall_client import query
from rolecall_client.v1 import decision_pb2 as d
from tests.oracle import cases

Json = dict[str, Any]

DISTINCT = 400


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, without the role that it is asked of: as the oracle takes it, and as a message."""

    number: int
    asked: Json
    message: d.AssumeRoleQuery

    def of(self, role: str) -> d.AssumeRoleQuery:
        """Return the question of one role."""
        whole = d.AssumeRoleQuery()
        whole.CopyFrom(self.message)
        whole.role = role
        return whole


def draw_questions(random: Random, count: int = DISTINCT) -> Sequence[Question]:
    """Return questions that meet the policies of `tests/oracle/cases.py` often, and miss them narrowly."""
    return [_question(random, number) for number in range(count)]


def _question(random: Random, number: int) -> Question:
    drawn = cases.request(random)
    federated = drawn.get("federated", {"claims": {}})
    asked = {name: value for name, value in drawn.items() if name not in ("role", "time")}
    asked["context"] = {key: _sendable(values) for key, values in drawn["context"].items()}
    message = query(
        federated.get("provider_arn", "") or drawn["principal"],
        claims=federated["claims"],
        context=asked["context"],
        duration_seconds=random.choice([0, 0, 900, 3_600]),
        role_session_name=drawn.get("role_session_name", ""),
        external_id=drawn.get("external_id", ""),
        source_identity=drawn.get("source_identity", ""),
    )
    return Question(number, asked, message)


def _sendable(values: list[str]) -> list[str]:
    """Leave out what no message can carry: lone surrogates."""
    return [value for value in values if not any("\ud800" <= character <= "\udfff" for character in value)]
