"""The rules for declared roles: which violations a role has, and by which name another declaration of it is found."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.policy.limits import Limits
from rolecall.roles.accounts import Accounts
from rolecall.roles.commands import ApplyRoles, RoleDeclaration
from rolecall.roles.declarations import DeclarationRules
from rolecall.roles.documents import DocumentRules, JudgedDocument
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.role import Micros, RoleRef
from rolecall.roles.role_rules import DeclaredNames, judge_role
from tests.roles.policies import ACCOUNT, OTHER_ACCOUNT, POLICY

ACCOUNTS = Accounts(ACCOUNT, {"prod": OTHER_ACCOUNT})
RULES = DeclarationRules(ACCOUNTS, DocumentRules(Limits()))
NOW = Micros(1)


def declared(**fields: Any) -> RoleDeclaration:
    return RoleDeclaration(**{"role_name": "App", "document": POLICY, **fields})


def unread(_document: str, _account_id: str) -> JudgedDocument:
    return JudgedDocument(None, None)


@pytest.mark.parametrize(
    ("fields", "field", "name"),
    [
        ({}, "", RoleRef(ACCOUNT, "App")),
        ({"account_id": "prod"}, "", RoleRef(OTHER_ACCOUNT, "App")),
        ({"account_id": "nobody"}, "account_id", None),
        ({"role_name": "a_b"}, "role_name", RoleRef(ACCOUNT, "a_b")),
        ({"description": "x" * 1_025}, "description", RoleRef(ACCOUNT, "App")),
        ({"max_session_duration_seconds": 1}, "max_session_duration_seconds", RoleRef(ACCOUNT, "App")),
        ({"tags": {"": ""}}, "tags", RoleRef(ACCOUNT, "App")),
    ],
)
def test_a_role_has_a_name_unless_its_account_is_invalid(
    fields: dict[str, Any], field: str, name: RoleRef | None
) -> None:
    judged = judge_role(declared(**fields), ACCOUNTS, unread)

    assert [violation.field for violation in judged.violations] == ([field] if field else [])
    assert judged.name == name
    assert judged.ref == (name or RoleRef("", "App"))


def test_a_document_is_judged_with_the_account_of_its_role() -> None:
    seen = list[tuple[str, str]]()

    def check(document: str, account_id: str) -> JudgedDocument:
        seen.append((document, account_id))
        return unread(document, account_id)

    for account_id in ("prod", "nobody"):
        judge_role(declared(account_id=account_id), ACCOUNTS, check)

    assert seen == [(POLICY, OTHER_ACCOUNT), (POLICY, "")]


def test_a_name_is_found_where_it_was_declared_first_whatever_its_case() -> None:
    names, places = DeclaredNames[str](), ["first", "second", "third"]

    found = [names.earlier(RoleRef("1", name), place) for name, place in zip(("App", "b", "aPP"), places, strict=True)]

    assert found == [None, None, "first"]
    assert names.earlier(RoleRef("2", "App"), "other account") is None


@pytest.mark.parametrize(
    ("account_id", "role_name", "name"),
    [
        ("", "a", RoleRef(ACCOUNT, "a")),
        ("prod", "a" * 64, RoleRef(OTHER_ACCOUNT, "a" * 64)),
        ("", "a_b", RoleRef(ACCOUNT, "a_b")),
        ("", "", None),
        ("", "a" * 65, None),
        ("", "a*", None),
        ("", "?a", None),
        ("nobody", "a", None),
    ],
)
def test_rights_are_judged_on_a_name_of_a_single_role(account_id: str, role_name: str, name: RoleRef | None) -> None:
    assert RULES.name_of(declared(account_id=account_id, role_name=role_name)) == name


def violations(*declarations: RoleDeclaration, **command: Any) -> list[FieldViolation]:
    with pytest.raises(InvalidFieldsError) as caught:
        RULES.all_declared(ApplyRoles(declarations=declarations, **command), [], NOW)
    return list(caught.value.violations)


def test_a_role_that_is_declared_twice_is_reported_at_its_second_place() -> None:
    message = "is declared twice, as `roles[0]` and `roles[1]` (names compare without regard to case)"

    assert violations(declared(), declared(role_name="aPP"), declared(account_id="prod")) == [
        FieldViolation(field="roles[1].role_name", reason="DUPLICATE_ROLE", message=f"role `aPP`: {message}")
    ]


@pytest.mark.parametrize(
    ("tags", "field", "reason", "message"),
    [
        ({}, "prune_selector.tags", "EMPTY_SELECTOR",
         "must have at least one tag: without one, every role that is not declared would be deleted"),
        ({"k": "v" * 257}, "prune_selector.tags", "TAG_VALUE_LENGTH",
         "value of key `k` must have at most 256 characters, not 257"),
    ],
)  # fmt: skip
def test_a_selector_that_breaks_a_rule_is_reported(tags: dict[str, str], field: str, reason: str, message: str) -> None:
    assert violations(declared(), prune_tags=tags) == [FieldViolation(field=field, reason=reason, message=message)]


@pytest.mark.parametrize(
    ("declarations", "accounts", "fields"),
    [
        ((), ("nobody", "prod", "staging"), ["prune_selector.account_ids[0]", "prune_selector.account_ids[2]"]),
        ((declared(),), ("nobody",), ["prune_selector.account_ids[0]"]),
        ((declared(account_id="nobody"),), (), ["roles[0].account_id"]),
    ],
)
def test_each_unknown_account_is_reported_once(
    declarations: tuple[RoleDeclaration, ...], accounts: tuple[str, ...], fields: list[str]
) -> None:
    found = violations(*declarations, prune_tags={"k": "v"}, prune_accounts=accounts)

    assert [violation.field for violation in found] == fields
    assert {violation.reason for violation in found} == {"INVALID_ACCOUNT_ID"}


def test_without_a_default_account_and_declarations_the_account_to_prune_in_must_be_given() -> None:
    rules, command = (
        DeclarationRules(Accounts(), DocumentRules(Limits())),
        ApplyRoles(declarations=(), prune_tags={"k": "v"}),
    )

    with pytest.raises(InvalidFieldsError) as caught:
        rules.all_declared(command, [], NOW)

    assert [(v.field, v.reason) for v in caught.value.violations] == [("prune_selector.account_ids[0]", "REQUIRED")]
    assert rules.pruned_accounts(command) == frozenset()


def test_accounts_are_not_judged_where_nothing_is_pruned() -> None:
    assert RULES.all_declared(ApplyRoles(declarations=(), prune_accounts=("nobody",)), [], NOW) == []


def test_what_is_wrong_with_an_apply_is_reported_at_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.roles.declarations.MAX_DECLARATIONS", 2)
    other = FieldViolation(field="request_id", reason="INVALID_REQUEST_ID", message="is no UUID")
    command = ApplyRoles(
        declarations=(declared(tags={"": ""}), declared(role_name="app", document="x"), declared(account_id="prod")),
        prune_tags={"k": "v" * 257},
        prune_accounts=("nobody",),
    )

    with pytest.raises(InvalidFieldsError) as caught:
        RULES.all_declared(command, [other], NOW)

    assert [(v.field, v.reason) for v in caught.value.violations] == [
        ("request_id", "INVALID_REQUEST_ID"),
        ("prune_selector.tags", "TAG_VALUE_LENGTH"),
        ("roles", "TOO_MANY_ROLES"),
        ("prune_selector.account_ids[0]", "INVALID_ACCOUNT_ID"),
        ("roles[0].tags", "TAG_KEY_LENGTH"),
        ("roles[1].role_name", "DUPLICATE_ROLE"),
        ("roles[1].assume_role_policy_document", "INVALID_JSON"),
    ]


def test_the_policies_of_an_apply_are_not_stored_while_it_is_checked() -> None:
    judged = RULES.all_declared(ApplyRoles(declarations=(declared(), declared(role_name="Other"))), [], NOW)

    assert [(role.ref.role_name, role.policy, role.error) for role in judged] == [
        ("App", None, None),
        ("Other", None, None),
    ]
