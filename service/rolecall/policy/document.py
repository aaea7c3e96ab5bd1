"""A trust policy as values: the result of the parser and the input of the compiler."""

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
    """The set prefix of an operator: how several values of one key in a request are combined."""

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
    """One comparison of the values of `key` in a request with the expected `values` of the document.

    `key` is the lookup name (`acs:PrincipalArn` is read as `acs:PrincipalARN`), `spelling` the document's own.
    `unquoted` are the indexes of the values that the document gives as a JSON number or boolean.
    """

    operator: Operator
    quantifier: Quantifier
    key: str
    spelling: str
    values: tuple[str, ...]
    pointer: str
    unquoted: tuple[int, ...]

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
    """One statement of a policy. `actions` have the spelling of the language, whatever their case in the document.

    `has_condition` says whether the document has `Condition`, which may be empty.
    """

    index: int
    effect: Effect
    actions: tuple[str, ...]
    principals: tuple[PrincipalPattern, ...]
    conditions: tuple[Condition, ...]
    has_condition: bool
    sid: str

    @property
    def pointer(self) -> str:
        """Return the JSON pointer of the statement."""
        return f"/Statement/{self.index}"


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The document that says who may assume a role. Policies compare by their text, from which the statements are read."""

    text: str
    statements: tuple[Statement, ...] = field(compare=False)
