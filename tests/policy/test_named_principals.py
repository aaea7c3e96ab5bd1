from __future__ import annotations

import json
from random import Random

import pytest

from rolecall.policy.compiler import compile_policy
from rolecall.policy.document import Effect
from rolecall.policy.evaluator import matching_statements
from rolecall.policy.named_principals import index_form, lookup_forms, named_principals, of_long, of_short
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_request, provider_of_request
from tests.oracle import cases, pools

ACCOUNT, OTHER = pools.ACCOUNT, pools.OTHER
USER = principal_of_request(f"acs:ram::{ACCOUNT}:user/alice")
ROLE = principal_of_request(f"acs:ram::{ACCOUNT}:role/Deploy")
SERVICE = principal_of_request("ecs.aliyuncs.com")
ROOT = Principal(PrincipalKind.ROOT, ACCOUNT, "")
DOCUMENTS = [json.dumps(cases.policy(random)) for random in map(Random, range(200))]


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": statements})


def statement(effect: str, principal: dict[str, object]) -> dict[str, object]:
    return {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal}


@pytest.mark.parametrize("text", DOCUMENTS)
def test_the_quick_read_names_what_a_full_parse_names(text: str) -> None:
    allowing = [s for s in parse_policy(text).statements if s.effect is Effect.ALLOW]

    assert named_principals(text) == {index_form(p.principal) for s in allowing for p in s.principals}


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_principal_that_an_allow_matches_is_found_under_one_of_its_lookup_forms(text: str) -> None:
    named, compiled = named_principals(text), compile_policy(parse_policy(text))
    texts = [text for text in pools.REQUESTERS if ":root" not in text]
    principals = [*map(principal_of_request, texts), *map(provider_of_request, (pools.SAML, pools.OIDC))]

    for principal in principals:
        if any(not s.denies for s in matching_statements(compiled, principal, ACCOUNT)):
            assert named & set(lookup_forms(principal)), principal


def test_only_allow_statements_count() -> None:
    text = document(statement("Deny", {"RAM": str(USER)}), statement("Allow", {"RAM": [str(ROLE)]}))

    assert named_principals(text) == {index_form(ROLE)}


def test_white_space_before_a_document_is_skipped() -> None:
    text = " \t\n\r" + document(statement("Allow", {"RAM": str(USER)}))

    assert named_principals(text) == {USER}


@pytest.mark.parametrize("other", ["\f", "\v", "\u00a0", "\ufeff", "~"])
def test_what_json_does_not_take_for_white_space_is_not_skipped(other: str) -> None:
    assert named_principals(other + document(statement("Allow", {"RAM": str(USER)}))) == frozenset()


def test_a_role_is_stored_in_lower_case_and_a_user_as_given() -> None:
    assert index_form(ROLE) == Principal(PrincipalKind.ROLE, ACCOUNT, "deploy")
    assert index_form(USER._replace(name="Alice")).name == "Alice"


def test_a_service_is_stored_under_its_name_alone() -> None:
    assert index_form(SERVICE._replace(account=OTHER)) == index_form(SERVICE) == SERVICE


def test_users_and_roles_are_looked_up_under_their_account_too() -> None:
    assert lookup_forms(USER) == (USER, ROOT)
    assert lookup_forms(ROLE) == (index_form(ROLE), ROOT)
    assert lookup_forms(SERVICE) == (SERVICE,)


def test_no_role_trusts_an_account_root_itself() -> None:
    assert lookup_forms(ROOT) == ()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"Statement": [1]}', '{"Statement": {"Effect": "Allow"}}', "[" * 100_000,
     document(statement("Allow", {"RAM": 5})), document(statement("Allow", {"RAM": "nobody"})),
     document({"Effect": "Allow", "Action": "sts:AssumeRole"}), document({"Effect": "Allow", "Principal": "*"})],
    ids=range(10),
)  # fmt: skip
def test_a_document_that_cannot_be_read_names_no_principal(text: str) -> None:
    assert named_principals(text) == frozenset()


def test_documents_are_memoised_by_their_length() -> None:
    def memoised(length: int) -> tuple[int, int]:
        text = document(statement("Allow", {"RAM": str(USER)}))
        before = of_short.cache_info().misses, of_long.cache_info().misses
        assert named_principals(text + " " * (length - len(text))) == {USER}
        return of_short.cache_info().misses - before[0], of_long.cache_info().misses - before[1]

    of_short.cache_clear()
    of_long.cache_clear()

    assert [memoised(length) for length in (1_024, 1_025, 16_384, 16_385)] == [(1, 0), (0, 1), (0, 1), (0, 0)]
    # At most a quarter of a mebibyte of characters each.
    assert of_short.cache_parameters()["maxsize"] * 1_024 == of_long.cache_parameters()["maxsize"] * 16_384 == 262_144
