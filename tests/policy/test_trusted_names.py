"""Whom a document names, for the rights of its author: what cannot be read counts as the most that a document can trust."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.policy.trusted_names import MAX_DOCUMENT_CHARACTERS, UNREADABLE, TrustedNames, trusted_names

Json = dict[str, Any]
ALICE, ROOT = "acs:ram::1:user/alice", "acs:ram::2:root"


def document(*principals: object, effect: str = "Allow") -> str:
    return json.dumps({"Statement": [{"Effect": effect, "Principal": principal} for principal in principals]})


def names(types: str, services: str = "", accounts: str = "") -> TrustedNames:
    return TrustedNames(*(frozenset(text.split()) for text in (types, services, accounts)))


@pytest.mark.parametrize(
    ("principals", "expected"),
    [
        pytest.param([{"RAM": ALICE}], names("RAM", "", "1"), id="a-user"),
        pytest.param([{"RAM": [ALICE, ROOT]}], names("RAM", "", "1 2"), id="two-accounts"),
        pytest.param([{"RAM": []}], names("RAM"), id="an-empty-array"),
        pytest.param([{}], names(""), id="no-type"),
        pytest.param([{"Service": "ecs.aliyuncs.com"}], names("Service", "ecs.aliyuncs.com"), id="a-service"),
        pytest.param(
            [{"Service": ["3@ecs.aliyuncs.com", "orders.internal"]}],
            names("Service", "3@ecs.aliyuncs.com orders.internal", "3"),
            id="services-as-written",
        ),
        pytest.param([{"Federated": "acs:ram::4:oidc-provider/p"}], names("Federated", "", "4"), id="a-provider"),
        pytest.param(
            [{"RAM": ALICE}, {"Service": "a.b", "Federated": ["acs:ram::4:saml-provider/p"]}],
            names("RAM Service Federated", "a.b", "1 4"),
            id="several-statements",
        ),
    ],
)
def test_a_document_names_types_services_and_accounts(principals: list[Json], expected: TrustedNames) -> None:
    assert trusted_names(document(*principals)) == expected
    assert trusted_names(document(*principals, effect="Deny")) == expected


def test_a_document_without_statements_names_nobody() -> None:
    assert trusted_names('{"Statement": []}') == TrustedNames()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="no-object"),
        pytest.param("{}", id="no-statements"),
        pytest.param("null", id="null"),
        pytest.param('{"Statement": [1]}', id="no-statement"),
        pytest.param('{"Statement": [{}]}', id="no-principal"),
        pytest.param(document("*"), id="everybody"),
        pytest.param(document({"AWS": []}), id="another-type"),
        pytest.param(document({"RAM": []}, {"*": "*"}), id="another-type-later"),
        pytest.param(document({"RAM": 5}), id="a-number"),
        pytest.param(document({"RAM": [None]}), id="null-in-an-array"),
        pytest.param(document({"RAM": "*"}), id="a-star"),
        pytest.param(document({"RAM": [ALICE, "nobody"]}), id="no-principal-in-an-array"),
        pytest.param(document({"Service": "ecs"}), id="no-service"),
        pytest.param(document({"RAM": "ecs.aliyuncs.com"}), id="under-another-type"),
        pytest.param("[" * 100_000, id="too-deep"),
    ],
)
def test_what_cannot_be_read_trusts_every_kind(text: str) -> None:
    assert trusted_names(text) == UNREADABLE


def test_an_unreadable_document_has_every_type_and_names_that_no_right_can_allow() -> None:
    found = trusted_names("not JSON")

    assert found == UNREADABLE
    assert found.types == {"RAM", "Service", "Federated"}
    assert found.services == found.accounts == {"unreadable"}


def test_a_document_is_read_up_to_a_mebibyte() -> None:
    text = document({"RAM": ALICE})

    assert MAX_DOCUMENT_CHARACTERS == 1024 * 1024
    assert trusted_names(text + " " * (MAX_DOCUMENT_CHARACTERS - len(text))) == names("RAM", "", "1")
    assert trusted_names(text + " " * (MAX_DOCUMENT_CHARACTERS - len(text) + 1)) == UNREADABLE


def test_the_names_of_two_documents_are_those_of_both() -> None:
    one, other = names("RAM", "a.b", "1"), names("Service", "c.d", "2")

    assert one | other == names("RAM Service", "a.b c.d", "1 2")
    assert one | TrustedNames() == TrustedNames() | one == one
