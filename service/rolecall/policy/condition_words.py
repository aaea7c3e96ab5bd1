"""Conditions in words, for people who read whom a role trusts."""

from __future__ import annotations

from rolecall.policy.document import Condition, Quantifier

_WORDS = {
    "StringEquals": "is",
    "StringNotEquals": "is not",
    "StringEqualsIgnoreCase": "is, in whatever case,",
    "StringNotEqualsIgnoreCase": "is not, in whatever case,",
    "StringLike": "is like",
    "StringNotLike": "is not like",
    "NumericEquals": "equals",
    "NumericNotEquals": "does not equal",
    "NumericLessThan": "is less than",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is greater than",
    "NumericGreaterThanEquals": "is at least",
    "DateEquals": "is exactly",
    "DateNotEquals": "is not exactly",
    "DateLessThan": "is before",
    "DateLessThanEquals": "is not after",
    "DateGreaterThan": "is after",
    "DateGreaterThanEquals": "is not before",
    "Bool": "is",
    "IpAddress": "is in",
    "NotIpAddress": "is not in",
    "IpAddressIncludeBorder": "is in",
    "NotIpAddressIncludeBorder": "is not in",
}
_SUBJECTS = {
    Quantifier.NONE: "`{}`",
    Quantifier.FOR_ALL: "every value of `{}` (or none)",
    Quantifier.FOR_ANY: "some value of `{}`",
}


def in_words(condition: Condition) -> str:
    """Return a condition as a clause: "`acs:SourceIp` is in `10.0.0.0/8` or `192.168.0.0/16`"."""
    subject = _SUBJECTS[condition.quantifier].format(condition.spelling)
    joined = " nor " if condition.operator.negated else " or "
    values = joined.join(f"`{value}`" for value in condition.values)
    absent = ", or is absent" if condition.operator.negated and condition.quantifier is Quantifier.NONE else ""
    return f"{subject} {_WORDS[condition.operator.name]} {values}{absent}"
