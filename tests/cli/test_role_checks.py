"""How the rules judge a role of a file, and at which place and with which words each problem is reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rolecall.cli.checks.policy_check import finding_problems, violation_problems
from rolecall.cli.checks.role_check import AnyAccounts, RoleCheck, duplicate_problems, labelled, require_valid
from rolecall.cli.checks.role_policy import document_errors_in
from rolecall.cli.declarations.document import TextSource
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.sources.found import FoundPolicy, FoundRole
from rolecall.policy.errors import InvalidPolicyError, Violation as PolicyViolation
from rolecall.policy.kind import PolicyKind
from rolecall.policy.linting.findings import Finding, Severity
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import RoleRef
from rolecall_client.errors import RolecallError, Violation

NOW = 1_700_000_000_000_000
ROOT = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::22:root"}}]}'
BROKEN = '{"Version": "1",\n "Statement": [{"Effect": "allow"}]}'
START = Location("a.yaml", 5, 1)


def role(document: str = ROOT, *, exact: bool = True, **fields: Any) -> FoundRole:
    given = {"name": "app", "location": Location("a.yaml", 2, 3), "label": "role `app`", **fields}
    return FoundRole(document=document, source=TextSource(document, START, exact=exact), **given)


def check(**options: Any) -> RoleCheck:
    return RoleCheck(AnyAccounts(known={"prod": "22"}), now=NOW, **options)


@pytest.mark.parametrize(
    ("default", "text", "found"),
    [
        ("", "", ""),
        ("", "prod", "22"),
        ("", "7", "7"),
        ("", "other", "other"),
        ("prod", "", "22"),
        ("prod", "7", "7"),
        ("other", "", "other"),
    ],
)
def test_an_account_is_an_id_a_known_alias_or_a_name_that_may_be_one(default: str, text: str, found: str) -> None:
    assert AnyAccounts(default, {"prod": "22"}).account_id(text) == found


@pytest.mark.parametrize(("default", "text"), [("", "no alias"), ("no alias", ""), ("", "4*"), ("", "1" * 21)])
def test_what_can_be_neither_an_id_nor_an_alias_is_refused(default: str, text: str) -> None:
    with pytest.raises(InvalidFieldsError):
        AnyAccounts(default, {"prod": "22"}).account_id(text)


def test_a_wrong_account_is_reported_without_the_role_and_any_other_field_with_it() -> None:
    fields = {"account_id": Location("a.yaml", 3, 4), "role_name": Location("a.yaml", 2, 9)}
    found = role(name="a b", account_id="no alias", fields=fields, description="x" * 1_025)

    problems = {p.location: p for p in check(alias_hint="name it by its id").role(found).problems}

    assert set(problems) == {*fields.values(), found.location}
    account, name = (problems[place] for place in fields.values())
    assert (account.message, account.hint, account.reason) == (
        "account_id `no alias` is neither an account id (1 to 20 digits) nor a configured alias", "name it by its id", "INVALID_ACCOUNT_ID",
    )  # fmt: skip
    assert name.message == "role `app`: role_name `a b` may have letters, digits, `.` and `-` only"
    assert problems[found.location].message.startswith("role `app`: description ")
    assert {p.role for p in problems.values()} == {"a b"}
    assert name.hint == problems[found.location].hint == ""
    assert {p.hint for p in check().role(found).problems} == {""}


def test_a_masked_account_has_the_hint_of_accounts_too() -> None:
    (problem,) = check(alias_hint="name it by its id").role(role(account_id="12**34")).problems

    assert (problem.reason, problem.hint) == ("MASKED_ACCOUNT_ID", "name it by its id")


def test_fields_that_cannot_be_read_are_not_judged_and_of_a_policy_alone_only_the_policy() -> None:
    wrong: dict[str, Any] = {"name": "a b", "account_id": "no alias", "document": BROKEN}

    unread = check().role(role(**wrong, unread=frozenset({"role_name", "assume_role_policy_document"}))).problems
    alone = check().role(role(**wrong, declared=False)).problems

    assert [problem.reason for problem in unread] == ["INVALID_ACCOUNT_ID"]
    assert alone
    assert all(problem.message and not problem.message.startswith("role `app`") for problem in alone)
    assert {problem.location.line for problem in alone} == {6}


@pytest.mark.parametrize(
    ("account", "trusted", "found"),
    [("", [], 1), ("prod", [], 0), ("22", [], 0), ("7", [], 1), ("other", [], 1), ("7", ["22"], 0), ("7", ["8"], 1)],
)
def test_the_linter_knows_the_account_of_the_role_and_those_of_its_organisation(
    account: str, trusted: Sequence[str], found: int
) -> None:
    asked: list[str] = []

    def trusts(file: str) -> frozenset[str]:
        asked.append(file)
        return frozenset(trusted)

    checking = check(trusted_accounts=trusts)
    findings = list(checking.findings(checking.role(role(account_id=account))))

    assert [finding.reason for finding in findings] == ["root-without-external-id"] * found
    assert asked == ["a.yaml"]
    assert {(finding.role, finding.finding, finding.severity) for finding in findings} <= {("app", True, "warning")}
    assert all(finding.message.startswith("role `app`: every user") and finding.hint for finding in findings)
    assert all(("the role's own account" in finding.message) is (not account.isdigit()) for finding in findings)


def test_a_policy_that_breaks_the_language_has_no_findings() -> None:
    checked = check().role(role(BROKEN))

    assert checked.problems
    assert list(check().findings(checked)) == []


@pytest.mark.parametrize(
    ("exact", "declared", "pointer", "message"),
    [
        (True, True, "/Statement/0", "role `app`: m"),
        (False, True, "/Statement/0", "role `app`: /Statement/0: m"),
        (False, True, "", "role `app`: /: m"),
        (True, False, "/Statement/0", "m"),
        (False, False, "/Statement/0", "/Statement/0: m"),
    ],
)
def test_the_element_is_named_where_its_place_does_not_show_it(
    exact: bool, declared: bool, pointer: str, message: str
) -> None:
    problem = Problem(location=START, message="m", pointer=pointer)

    found = labelled(problem, role(exact=exact, declared=declared))

    assert (found.message, found.role, found.location) == (message, "app", START)


def test_a_role_that_is_used_offline_must_obey_the_rules() -> None:
    require_valid(role(account_id="prod"), {"prod": "22"})
    require_valid(FoundPolicy(location=START, document=BROKEN, kind=PolicyKind.PERMISSION), {})
    require_valid(role(account_id="other"), {})

    with pytest.raises(ProblemsError) as caught:
        require_valid(role(BROKEN, account_id="no alias"), {})

    assert {problem.reason for problem in caught.value.problems} > {"INVALID_ACCOUNT_ID"}


def test_the_second_role_of_a_name_is_reported_with_the_place_of_the_first() -> None:
    first, second = role(), role(location=Location("b.yaml", 1, 1))
    ref, other = RoleRef("22", "App"), RoleRef("", "app")

    (twice,) = duplicate_problems([(first, ref), (second, RoleRef("22", "aPP"))])
    (same,) = duplicate_problems([(first, other), (first, other)], hint="rename one")

    assert twice == Problem(
        location=second.location,
        message="the role `acs:ram::22:role/aPP` is declared twice; the first is at a.yaml:2:3",
        hint="keep one of the two",
        reason="DUPLICATE_ROLE",
    )
    assert (same.message, same.hint) == ("the role `app` is declared twice; the first is at a.yaml:2:3", "rename one")
    assert list(duplicate_problems([(first, ref), (second, other), (second, None), (second, None)])) == []
    unread = role(unread=frozenset({"role_name"}))
    assert list(duplicate_problems([(unread, ref), (unread, ref)])) == []


@pytest.mark.parametrize(
    ("suggestion", "hint"), [("", ""), ("Allow", "write `Allow`"), ("leave it out", "leave it out")]
)
def test_a_suggestion_is_a_sentence_or_becomes_one(suggestion: str, hint: str) -> None:
    violation = PolicyViolation(reason="R", message="m", pointer="/a", line=3, column=4, suggestion=suggestion)

    (problem,) = violation_problems(
        InvalidPolicyError([violation]), lambda _, line, column: Location("f", line, column)
    )

    assert problem == Problem(location=Location("f", 3, 4), message="m", reason="R", pointer="/a", hint=hint)


def test_a_finding_has_its_place_its_remedy_and_whether_that_changes_the_meaning() -> None:
    finding = Finding(
        id="a-finding",
        severity=Severity.NOTE,
        pointer="/a",
        message="m",
        fix="do it",
        line=3,
        column=4,
        changes_meaning=True,
    )

    (problem,) = finding_problems([finding], Location)

    assert problem == Problem(
        location=Location("/a", 3, 4), message="m", severity="note", reason="a-finding", pointer="/a", hint="do it", finding=True,
        changes_meaning=True,
    )  # fmt: skip


def refused(found: FoundRole | None, *violations: Violation, total: str = "") -> tuple[Problem, ...]:
    error = RolecallError("INVALID_ARGUMENT", "m", violations=violations, metadata={"total_violations": total})
    with pytest.raises(ProblemsError) as caught, document_errors_in(found):
        raise error
    return caught.value.problems


FIELD = "assume_role_policy_document"


def test_what_a_server_finds_as_this_version_does_has_the_hints_of_this_version() -> None:
    (*own,) = check().role(role(BROKEN, declared=False)).problems
    of_server = [Violation(FIELD, p.reason, "said", pointer=p.pointer, line=1, column=1) for p in own]

    found = refused(role(BROKEN), *of_server)

    assert [(p.reason, p.location, p.hint) for p in found] == [(p.reason, p.location, p.hint) for p in own]
    assert any(problem.hint and problem.message != "said" for problem in found)


def test_what_only_a_server_finds_has_its_words_at_the_place_in_the_file() -> None:
    inner = Violation(f"{FIELD}/Statement", "A", "2:3: is refused", pointer="/Statement/0", line=2, column=3)
    whole = Violation(FIELD, "B", "is too much")

    found = refused(role(), inner, Violation("role_name", "C", "is taken"), whole, total="5")

    assert [(str(p.location), p.message, p.reason, p.pointer, p.severity) for p in found] == [
        ("NAME", "is taken", "C", "", "error"),
        ("a.yaml:6:3", "/Statement/0: is refused", "A", "/Statement/0", "error"),
        ("a.yaml:5:1", "/: is too much", "B", "", "error"),
        ("rolecall", "the server found 2 more; correct these and apply again", "", "", "note"),
    ]


@pytest.mark.parametrize("found", [None, role()])
def test_an_error_about_no_document_is_that_of_the_server(found: FoundRole | None) -> None:
    field = FIELD if found is None else "role_name"
    error = RolecallError("INVALID_ARGUMENT", "m", violations=[Violation(field, "R", "m")])

    with pytest.raises(RolecallError) as caught, document_errors_in(found):
        raise error

    assert caught.value is error
