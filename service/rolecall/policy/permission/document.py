"""A permission policy as values: the result of the parser and the input of the compiler."""

from __future__ import annotations

from dataclasses import dataclass, field

from rolecall.policy.document import Condition, Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionStatement:
    """One statement: an effect on actions, on resources, under conditions. Patterns have the spelling of the document.

    With `excludes_actions` (`NotAction`) it is about every action that none of `actions` matches. `has_condition` says whether
    the document has `Condition`, which may be empty.
    """

    index: int
    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    excludes_actions: bool
    has_condition: bool
    sid: str

    @property
    def pointer(self) -> str:
        """Return the JSON pointer of the statement."""
        return f"/Statement/{self.index}"

    @property
    def actions_name(self) -> str:
        """Return the name of the member that has the actions: `Action` or `NotAction`."""
        return "NotAction" if self.excludes_actions else "Action"


@dataclass(frozen=True, slots=True)
class PermissionPolicy:
    """The document that says what a principal may do. Policies compare by their text, from which the statements are read."""

    text: str
    statements: tuple[PermissionStatement, ...] = field(compare=False)
