"""Check declarations before they are written: every rule is checked, and all violations are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.wording import quoted
from rolecall.roles.accounts import Accounts
from rolecall.roles.commands import ApplyRoles, RoleDeclaration, UpdateRole
from rolecall.roles.documents import DocumentRules, document_violations
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.fields import description_violations, session_violations, tag_violations
from rolecall.roles.limits import MAX_DECLARATIONS, MAX_NAME_CHARACTERS
from rolecall.roles.role import Micros, RoleRef
from rolecall.roles.role_rules import DeclaredNames, DocumentCheck, JudgedRole, judge_role


def raise_if_any(violations: list[FieldViolation], error: InvalidPolicyError | None = None) -> None:
    """Raise `error` if there are no other violations, else `InvalidFieldsError` with all of them."""
    if error and not violations:
        raise error
    if error:
        violations = [*violations, *document_violations(error)]
    if violations:
        raise InvalidFieldsError(violations)


class DeclarationRules:
    """The rules of one server for declarations. Each method raises its violations together with `others`.

    A single role of which only the document is invalid raises `InvalidPolicyError`, everything else `InvalidFieldsError`.
    """

    def __init__(self, accounts: Accounts, documents: DocumentRules) -> None:
        self._accounts, self._documents = accounts, documents

    def name_of(self, declaration: RoleDeclaration) -> RoleRef | None:
        """Return the name of a declared role as it is given, which may break a rule; None without a valid account."""
        try:
            account_id = self._accounts.account_id(declaration.account_id)
        except InvalidFieldsError:
            return None
        name = declaration.role_name
        # With a wildcard it would be the name of no single role.
        fits = 1 <= len(name) <= MAX_NAME_CHARACTERS and not {"*", "?"} & set(name)
        return RoleRef(account_id, name) if fits else None

    def pruned_accounts(self, command: ApplyRoles) -> frozenset[str]:
        """Return the ids of the accounts in which an apply may delete roles."""
        names = command.prune_accounts or {declaration.account_id for declaration in command.declarations} or {""}
        ids = set[str]()
        for name in names:
            # An unknown account is a violation, and nothing is deleted.
            with suppress(InvalidFieldsError):
                ids.add(self._accounts.account_id(name))
        return frozenset(ids)

    def declared(self, declaration: RoleDeclaration, others: Iterable[FieldViolation], now: Micros) -> JudgedRole:
        """Return a declaration, checked."""
        judged = judge_role(declaration, self._accounts, self._document_check(now))
        raise_if_any([*judged.violations, *others], judged.error)
        return judged

    def require_valid_update(
        self, command: UpdateRole, ref: RoleRef, others: Iterable[FieldViolation], now: Micros
    ) -> None:
        """Check the fields that an update gives."""
        violations = [*_given_violations(command), *others]
        document = command.document
        error = None if document is None else self._documents.judge(document, ref.account_id, now).error
        raise_if_any(violations, error)

    def require_valid_document(self, document: str, ref: RoleRef, now: Micros) -> None:
        """Check a document that was valid when it was stored."""
        raise_if_any([], self._documents.judge(document, ref.account_id, now).error)

    def all_declared(self, command: ApplyRoles, others: Iterable[FieldViolation], now: Micros) -> list[JudgedRole]:
        """Return all declarations of an apply, checked, in their order."""
        violations = [*others, *_selector_violations(command.prune_tags), *_count_violations(command)]
        violations += self._prune_violations(command)
        check, names = cache(self._document_check(now)), DeclaredNames[int]()
        all_judged = []
        for index, declaration in enumerate(command.declarations):
            judged = judge_role(declaration, self._accounts, check)
            found = [*judged.violations, *_duplicates(judged.name, index, names)]
            if judged.error:
                found += document_violations(judged.error)
            violations += (_placed(violation, index, declaration.role_name) for violation in found)
            all_judged.append(judged)
        raise_if_any(violations)
        return all_judged

    def _prune_violations(self, command: ApplyRoles) -> Iterator[FieldViolation]:
        """Yield the violations of the accounts in which roles are deleted, if there are any to delete."""
        if command.prune_tags is None:
            return
        # Of the declarations' accounts each declaration reports its own.
        for number, name in enumerate(
            command.prune_accounts if command.declarations else command.prune_accounts or ("",)
        ):
            try:
                self._accounts.account_id(name)
            except InvalidFieldsError as error:
                for violation in error.violations:
                    yield replace(violation, field=f"prune_selector.account_ids[{number}]")

    def _document_check(self, now: Micros) -> DocumentCheck:
        # Without the policies, which a large apply would otherwise keep in memory all at once.
        return lambda document, account_id: self._documents.judge(document, account_id, now)._replace(policy=None)


def _given_violations(command: UpdateRole) -> Iterator[FieldViolation]:
    if command.description is not None:
        yield from description_violations(command.description)
    if command.max_session_duration_seconds is not None:
        yield from session_violations(command.max_session_duration_seconds)
    if command.tags is not None:
        yield from tag_violations(command.tags)


def _selector_violations(tags: Mapping[str, str] | None) -> list[FieldViolation]:
    field = "prune_selector.tags"
    if tags is None:
        return []
    if not tags:
        message = "must have at least one tag: without one, every role that is not declared would be deleted"
        return [FieldViolation(field=field, reason="EMPTY_SELECTOR", message=message)]
    return tag_violations(tags, field=field)


def _count_violations(command: ApplyRoles) -> list[FieldViolation]:
    if len(command.declarations) <= MAX_DECLARATIONS:
        return []
    message = f"must be at most {MAX_DECLARATIONS}, not {len(command.declarations)}; apply them in parts"
    return [FieldViolation(field="roles", reason="TOO_MANY_ROLES", message=message)]


def _duplicates(ref: RoleRef | None, index: int, names: DeclaredNames[int]) -> Iterator[FieldViolation]:
    first = names.earlier(ref, index) if ref else None
    if first is not None:
        message = f"is declared twice, as `roles[{first}]` and `roles[{index}]` (names compare without regard to case)"
        yield FieldViolation(field="role_name", reason="DUPLICATE_ROLE", message=message)


def _placed(violation: FieldViolation, index: int, role_name: str) -> FieldViolation:
    return replace(
        violation, field=f"roles[{index}].{violation.field}", message=f"role {quoted(role_name)}: {violation.message}"
    )
