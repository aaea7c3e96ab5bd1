"""What a search finds in files: roles, service accounts, test cases, and problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from rolecall.cli.declarations.document import EmbeddedSource, Source, TextSource, TreeSource
from rolecall.cli.declarations.role import DeclaredRole
from rolecall.cli.declarations.tree import Table
from rolecall.cli.problems.problem import Location, Problem
from rolecall.policy.kind import PolicyKind
from rolecall.roles.documents import DOCUMENT_FIELD


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundRole:
    """A role in a file. `label` is its name in messages. An empty account and 0 seconds mean the default.

    `fields` are the locations of its fields, as far as they have their own; `unread` are those that cannot be read, which have
    problems already. A role that is not `declared` is a policy in a file of its own, and has the name of the file.
    Compared by identity, because two files may contain the same role.
    """

    name: str
    location: Location
    document: str
    source: Source
    label: str
    account_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    max_session_duration_seconds: int = 0
    description: str = ""
    fields: Mapping[str, Location] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    declared: bool = True

    def judges(self, name: str) -> bool:
        """Return whether the rules apply to a field: it can be read, and its value is that of the file."""
        return name not in self.unread and (self.declared or name == DOCUMENT_FIELD)

    def field_location(self, name: str) -> Location:
        """Return the location of a field, or of the role."""
        return self.fields.get(name, self.location)

    def location_of(self, pointer: str, line: int = 0, column: int = 0) -> Location:
        """Return the location of an element of the trust policy; `line` and `column` are those in the document, if known."""
        if not line and (
            isinstance(self.source, EmbeddedSource) or (isinstance(self.source, TextSource) and self.exact)
        ):
            line, column = _position(self.document, pointer)
        return self.source.locate(pointer, line, column)

    @property
    def exact(self) -> bool:
        """Return whether a reader sees the element at its location, so that messages need not name it."""
        return isinstance(self.source, TreeSource) or (isinstance(self.source, TextSource) and self.source.exact)

    def statement_location(self, index: int) -> Location:
        """Return the location of a statement."""
        return self.location_of(f"/Statement/{index}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPolicy:
    """A policy document in a file of its own, whose text starts at the beginning of the file."""

    location: Location
    document: str
    kind: PolicyKind

    def location_of(self, pointer: str, line: int = 0, column: int = 0) -> Location:  # noqa: ARG002
        """Return the location of an element of the document."""
        return self.location._replace(line=line, column=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRole:
    """A role whose name, account or trust policy is only known later. An unknown name is empty.

    `policy` has its trust policy if that is known, so that it can be checked; no case is about it.
    """

    name: str
    label: str
    location: Location
    message: str
    policy: FoundRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A service account with the annotation that names its role. `namespace` is empty if the manifest does not name it."""

    namespace: str
    name: str
    role_name: str
    location: Location


@dataclass(frozen=True, slots=True)
class CaseDocument:
    """A document with test cases, not yet parsed; `text` is the text of its file."""

    path: Path
    text: str
    root: Table


@dataclass(slots=True)
class Found:
    """Everything that a search has found. `problems` are errors, `remarks` are reported only.

    A policy in a file of its own is in `permission_policies` if it is one, else it is the trust policy of a role in `roles`.
    """

    roles: list[FoundRole] = field(default_factory=list)
    permission_policies: list[FoundPolicy] = field(default_factory=list)
    unknown_roles: list[UnknownRole] = field(default_factory=list)
    service_accounts: list[ServiceAccount] = field(default_factory=list)
    case_documents: list[CaseDocument] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)

    @property
    def trust_policies(self) -> list[FoundRole]:
        """Return the roles, and those of which something else than the trust policy is not known."""
        return [*self.roles, *policies_of(self.unknown_roles)]

    @property
    def count(self) -> int:
        """Return how many things were found, problems and remarks included."""
        return sum(len(getattr(self, each.name)) for each in fields(self))

    def add_remark(
        self, location: Location, message: str, hint: str = "", *, severity: str = "note", reason: str = ""
    ) -> None:
        """Add a remark."""
        self.remarks.append(
            Problem(location=location, message=message, hint=hint, severity=severity, reason=reason, finding=True)
        )

    def add_problem(self, location: Location, message: str, hint: str = "", *, reason: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(location=location, message=message, hint=hint, reason=reason))


def policies_of(roles: Iterable[UnknownRole]) -> list[FoundRole]:
    """Return the roles of which something is not known, as far as their trust policies are; an unknown name breaks no rule."""
    policies = [role.policy for role in roles if role.policy is not None]
    return [each if each.name else replace(each, unread=each.unread | {"role_name"}) for each in policies]


def found_role(declared: DeclaredRole) -> FoundRole:
    """Return a declared role as a found one."""
    message = declared.message
    return FoundRole(
        name=message.role_name,
        account_id=message.account_id,
        location=declared.location,
        document=message.assume_role_policy_document,
        source=declared.source,
        label=f"role `{message.role_name}`" if message.role_name else "the role without a name",
        tags=dict(message.tags),
        max_session_duration_seconds=message.max_session_duration_seconds,
        description=message.description,
        fields={name: declared.location_of(name) for name in message.DESCRIPTOR.fields_by_name},
        unread=declared.unread,
    )


def _position(document: str, pointer: str) -> tuple[int, int]:
    """Return the line and column of an element, or zeros."""
    from rolecall.policy.limits import Limits
    from rolecall.policy.positions import JsonSyntaxError, Lines, scan

    try:
        location = scan(document, max_depth=Limits().max_depth).find(pointer)
    except JsonSyntaxError:
        return 0, 0
    return Lines(document).at(location.offset) if location else (0, 0)
