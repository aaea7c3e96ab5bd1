"""Every request vector: a malformed request is refused with its reason, by the policy language and by the service."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.engine.errors import InvalidRequestError
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.keys import reserved_hint
from rolecall.policy.principal import principal_of_request, provider_of_request
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder
from tests.engine.world import NOON, allow, document, point, role
from tests.vectors.cases import cases
from tests.vectors.product import query_of

Json = dict[str, Any]
PRINCIPAL_REASONS = {"INVALID_PRINCIPAL", "MASKED_ACCOUNT_ID", "WILDCARD_PRINCIPAL"}


def refused_with(*reasons: str) -> list[Any]:
    return [param for param in cases("requests") if param.values[1]["error"] in reasons]


@pytest.mark.parametrize(("facts", "case"), cases("requests"))
def test_the_service_refuses_a_malformed_request_with_its_reason(facts: Json, case: Json) -> None:
    decider, decoder = point(role(document(allow()))), QueryDecoder(Accounts())

    with pytest.raises(InvalidRequestError) as caught:
        decider.check(decoder.read(query_of(case, case.get("role", facts["role"]["arn"]))), NOON)

    assert case["error"] in [violation.reason for violation in caught.value.violations]


@pytest.mark.parametrize(("facts", "case"), refused_with(*PRINCIPAL_REASONS))
def test_the_language_refuses_a_malformed_principal_with_its_reason(facts: Json, case: Json) -> None:
    read, text = principal_of_request, case.get("principal", "")
    if "federated" in case:
        read, text = provider_of_request, case["federated"]["provider_arn"]

    with pytest.raises(InvalidPrincipalError) as caught:
        read(text)

    assert caught.value.reason == case["error"]


@pytest.mark.parametrize(("facts", "case"), refused_with("RESERVED_KEY"))
def test_the_language_names_the_source_of_a_reserved_key(facts: Json, case: Json) -> None:
    hints = [reserved_hint(key) for key in case["context"]]

    assert any(hints)
