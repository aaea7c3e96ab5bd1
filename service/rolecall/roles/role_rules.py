"""The rules for a declared role, which the server and every command of the command line apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from rolecall.policy.document import TrustPolicy
from rolecall.policy.errors import InvalidPolicyError
from rolecall.roles.commands import RoleDeclaration
from rolecall.roles.content import Content
from rolecall.roles.documents import JudgedDocument
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.fields import description_violations, role_name_violations, session_violations, tag_violations
from rolecall.roles.role import RoleRef

T = TypeVar("T")

DocumentCheck: TypeAlias = Callable[[str, str], JudgedDocument]
"""Judge a document, given the id of its role's account, which is empty if it is not known."""


class AccountNames(Protocol):
    """The names of accounts: ids, aliases, and no name for the default account."""

    def account_id(self, text: str) -> str:
        """Return the id of an account; raise `InvalidFieldsError`."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedRole:
    """A declared role in the form of the store, and every rule that it breaks. The account of an invalid name is empty.

    `violations` are those of the fields, `error` has those of the document; without either the role may be stored.
    """

    ref: RoleRef
    content: Content
    violations: tuple[FieldViolation, ...]
    error: InvalidPolicyError | None
    policy: TrustPolicy | None

    @property
    def name(self) -> RoleRef | None:
        """Return the name by which two declarations of one role are found; None if the account is invalid."""
        return None if any(violation.field == "account_id" for violation in self.violations) else self.ref


def judge_role(declaration: RoleDeclaration, accounts: AccountNames, check: DocumentCheck) -> JudgedRole:
    """Return a declared role, judged by every rule that concerns it alone."""
    violations: list[FieldViolation] = []
    account_id = ""
    try:
        account_id = accounts.account_id(declaration.account_id)
    except InvalidFieldsError as error:
        violations += error.violations
    content = Content.declared(declaration)
    violations += role_name_violations(declaration.role_name)
    violations += description_violations(content.description)
    violations += session_violations(content.max_session_duration_seconds)
    violations += tag_violations(content.tags)
    document = check(content.document, account_id)
    ref = RoleRef(account_id, declaration.role_name)
    return JudgedRole(ref, content, tuple(violations), document.error, document.policy)


class DeclaredNames(Generic[T]):
    """The names of declared roles, each with its place: a name may be declared once in an account, whatever its case."""

    def __init__(self) -> None:
        self._places: dict[str, T] = {}

    def earlier(self, ref: RoleRef, place: T) -> T | None:
        """Return the place where a name was declared before, or None after storing this one."""
        first = self._places.setdefault(ref.key, place)
        return None if first is place else first
