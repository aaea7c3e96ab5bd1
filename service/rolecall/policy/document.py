"""A trust policy as values: what the parser reads and the compiler takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from rolecall.policy.operators import Operator
from rolecall.policy.principal import Principal


class Effect(StrEnum):
    """What a statement does when it applies."""

    ALLOW = "Allow"
    DENY = "Deny"


class Quantifier(StrEnum):
    """The set prefix of an operator: how the values of one request key count together."""

    NONE = ""
    FOR_ALL = "ForAllValues:"
    FOR_ANY = "ForAnyValue:"


_SUBJECTS = {
    Quantifier.NONE: "`{}`",
    Quantifier.FOR_ALL: "every value of `{}` (or none)",
    Quantifier.FOR_ANY: "some value of `{}`",
}


@dataclass(frozen=True, slots=True)
class PrincipalPattern:
    """A principal that a statement names: its type (`RAM`, `Service`, `Federated`), its spelling and its meaning."""

    type: str
    text: str
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison: `key` of the request with the `values` that the document expects.

    `key` is the lookup name (`acs:PrincipalArn` is read as `acs:PrincipalARN`), `spelling` the document's own.
    `unquoted` are the indexes of the values that the document gives as a bare number or truth value.
    """

    operator: Operator
    quantifier: Quantifier
    key: str
    spelling: str
    values: tuple[str, ...]
    pointer: str
    unquoted: tuple[int, ...] = ()

    @property
    def operator_name(self) -> str:
        """Return the operator as the document spells it, with its set prefix."""
        return self.quantifier.value + self.operator.name

    @property
    def clause(self) -> str:
        """Return the condition in English, such as "`acs:SourceIp` is in `10.0.0.0/8` or `192.168.0.0/16`"."""
        subject = _SUBJECTS[self.quantifier].format(self.spelling)
        values = (" nor " if self.operator.negated else " or ").join(f"`{value}`" for value in self.values)
        holds_if_absent = self.operator.negated and self.quantifier is Quantifier.NONE
        return f"{subject} {self.operator.phrase} {values}{', or is absent' if holds_if_absent else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One rule of a policy. `actions` are in the spelling of the language, whatever the document's case."""

    index: int
    effect: Effect
    actions: tuple[str, ...]
    principals: tuple[PrincipalPattern, ...]
    conditions: tuple[Condition, ...]
    sid: str = ""

    @property
    def pointer(self) -> str:
        """Return the JSON pointer of the statement."""
        return f"/Statement/{self.index}"


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Who may assume a role. A policy is its text; the statements are read from it."""

    text: str
    statements: tuple[Statement, ...] = field(compare=False)
