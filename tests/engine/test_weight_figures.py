"""The figures that weights are made of: how many bytes an entry has, and which texts are counted in it."""

from __future__ import annotations

from dataclasses import replace
from sys import getsizeof

import pytest

from rolecall.engine.decision import Answer, DecidedRole, Decision, Reason, ServedFrom, Side
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.weights import answer_bytes, decision_bytes, request_bytes
from rolecall.policy.compiler import StatementName
from rolecall.policy.principal import principal_of_request
from rolecall.policy.weight import texts_bytes
from tests.engine.world import ACCOUNT, ALICE, OTHER, role

PRINCIPAL = principal_of_request(ALICE)
NAMES = len(ACCOUNT) + len("alice")
ONE, SHORT, TWO, THREE = ("value",), ("x",), ("first", "second"), ("", "\u0436", "xyz")
DECISION = Decision(reason=Reason.ALLOW, trust_side=Side.ALLOW, role=None)


def of_texts(values: tuple[str, ...]) -> int:
    return getsizeof(values) + (getsizeof(values[0]) if len(values) == 1 else texts_bytes(values))


def test_a_request_has_540_bytes_its_query_its_role_its_principal_and_its_keys() -> None:
    plain = AssumeRoleRequest(PRINCIPAL, "1/app")
    keys = {"one": ONE, "short": SHORT, "two": TWO, "three": THREE}

    assert request_bytes(b"", plain) == 540 + len("1/app") + NAMES
    assert request_bytes(b"1234567", plain) == request_bytes(b"", plain) + 7
    assert request_bytes(b"", AssumeRoleRequest(PRINCIPAL, "1/app", keys)) == (
        request_bytes(b"", plain)
        + getsizeof(keys)
        + sum(getsizeof(key) + of_texts(values) for key, values in keys.items())
    )


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([], 0),
        ([None, ()], 0),
        ([ONE], of_texts(ONE)),
        ([SHORT, TWO], of_texts(SHORT) + of_texts(TWO)),
        ([ONE, None, THREE], of_texts(ONE) + of_texts(THREE)),
    ],
)
def test_a_decision_has_420_bytes_its_answer_its_principal_and_its_values(
    values: list[tuple[str, ...] | None], texts: int
) -> None:
    assert decision_bytes(PRINCIPAL, values, 1_000) == 420 + 1_000 + NAMES + 8 * len(values) + texts


def test_an_answer_has_560_bytes_its_encoded_form_its_role_its_statements_and_its_keys() -> None:
    def weight(encoded: bytes = b"", **fields: object) -> int:
        return answer_bytes(Answer(replace(DECISION, **fields), ServedFrom.CACHED, encoded))  # type: ignore[arg-type]

    keys = ("first", "second")

    assert weight() == 560
    assert weight(b"12345") == 565
    decided = DecidedRole.of(role("{}", name="App", account=OTHER, revision=77))
    assert weight(role=decided) == 560 + len("77") + len("App") + len(OTHER)
    assert weight(determining=(StatementName(0, "sid"), StatementName(1, ""))) == (
        560 + 2 * 64 + getsizeof("sid") + getsizeof("")
    )
    assert weight(vary_keys=keys) == 560 + sum(map(getsizeof, keys)) + 2 * 8
    assert weight(vary_keys=keys, missing_keys=keys[1:]) == weight(vary_keys=keys) + 8
