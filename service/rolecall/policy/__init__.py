"""The trust-policy language: read, judged and explained. Standard library only; no I/O, no clock, no logging."""

from __future__ import annotations

from rolecall.policy.canonical import canonical_text
from rolecall.policy.compiler import CompiledPolicy, compile_policy
from rolecall.policy.document import Condition, Effect, PrincipalPattern, Quantifier, Statement, TrustPolicy
from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError, PolicyError, Violation
from rolecall.policy.evaluator import Evaluation, Outcome, evaluate
from rolecall.policy.keys import family_of, is_known, known_keys, lookup_name, nearest_key, reserved_hint
from rolecall.policy.limits import Limits
from rolecall.policy.lint import Finding, Severity, lint
from rolecall.policy.operators import OPERATORS, Family, Operator
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import (
    Principal,
    PrincipalKind,
    principal_of_document,
    principal_of_request,
    provider_of_request,
)
from rolecall.policy.profile import Profile

__all__ = [
    "OPERATORS",
    "CompiledPolicy",
    "Condition",
    "Effect",
    "Evaluation",
    "Family",
    "Finding",
    "InvalidPolicyError",
    "InvalidPrincipalError",
    "Limits",
    "Operator",
    "Outcome",
    "PolicyError",
    "Principal",
    "PrincipalKind",
    "PrincipalPattern",
    "Profile",
    "Quantifier",
    "Severity",
    "Statement",
    "TrustPolicy",
    "Violation",
    "canonical_text",
    "compile_policy",
    "evaluate",
    "family_of",
    "is_known",
    "known_keys",
    "lint",
    "lookup_name",
    "nearest_key",
    "parse_policy",
    "principal_of_document",
    "principal_of_request",
    "provider_of_request",
    "reserved_hint",
]
