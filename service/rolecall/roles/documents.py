"""The rules for stored trust policies: they obey the language, and no linter finding blocks them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rolecall.policy.document import TrustPolicy
from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.limits import Limits
from rolecall.policy.linting.findings import Finding, Severity
from rolecall.policy.linting.lint import lint
from rolecall.policy.parser import parse_policy
from rolecall.policy.profile import Profile
from rolecall.policy.wording import advised
from rolecall.roles.errors import FieldViolation
from rolecall.roles.role import Micros

DOCUMENT_FIELD = "assume_role_policy_document"


class JudgedDocument(NamedTuple):
    """A document as a policy, if it is one, and the error if it may not be stored."""

    policy: TrustPolicy | None
    error: InvalidPolicyError | None


class DocumentRules:
    """The rules for documents of one server. Findings whose severity is in `lint_blocks` count as violations."""

    def __init__(
        self, limits: Limits, lint_blocks: frozenset[Severity] = frozenset(), profile: Profile = Profile.ROLECALL
    ) -> None:
        self._limits, self._lint_blocks, self._profile = limits, lint_blocks, profile

    def judge(self, document: str, account_id: str, now: Micros) -> JudgedDocument:
        """Return a document as a policy, or the error that says why it may not be stored."""
        try:
            policy = parse_policy(document, limits=self._limits, profile=self._profile)
        except InvalidPolicyError as error:
            return JudgedDocument(None, error)
        findings = lint(policy, now=now, account=account_id) if self._lint_blocks else ()
        blocking = [finding for finding in findings if finding.severity in self._lint_blocks]
        return JudgedDocument(policy, InvalidPolicyError(map(_blocking, blocking)) if blocking else None)


def document_violations(error: InvalidPolicyError) -> Iterable[FieldViolation]:
    """Yield the violations of a document as those of its field in a request."""
    for violation in error.violations:
        yield FieldViolation(
            field=DOCUMENT_FIELD,
            reason=violation.reason,
            message=advised(violation.message, violation.suggestion),
            ram_code=_ram_code(violation.reason),
            pointer=violation.pointer,
            line=violation.line,
            column=violation.column,
        )


def _blocking(finding: Finding) -> Violation:
    return Violation(
        pointer=finding.pointer,
        reason=finding.id,
        message=f"{finding.message} (this server refuses documents with such findings); {finding.fix}",
        line=finding.line,
        column=finding.column,
    )


def _ram_code(reason: str) -> str:
    too_long = reason in {"DOCUMENT_TOO_LARGE", "EMPTY_DOCUMENT"}
    return "InvalidParameter.AssumeRolePolicyDocument.Length" if too_long else "MalformedPolicyDocument"
