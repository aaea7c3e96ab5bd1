"""Encode the results of validating policies."""

from __future__ import annotations

from rolecall.policy.document import TrustPolicy
from rolecall.policy.errors import Violation
from rolecall.policy.linting.findings import Finding
from rolecall.policy.permission.document import PermissionPolicy
from rolecall.policy.profile import Profile
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall_client.v1 import policy_pb2 as pb

_PROFILES = {
    pb.POLICY_PROFILE_UNSPECIFIED: Profile.ROLECALL,
    pb.POLICY_PROFILE_ROLECALL: Profile.ROLECALL,
    pb.POLICY_PROFILE_RAM: Profile.RAM,
}


def profile(value: pb.PolicyProfile) -> Profile:
    """Return the profile that a document is validated against; raise `InvalidFieldsError` if it is not a value of the enum."""
    if value in _PROFILES:
        return _PROFILES[value]
    text = f"{int(value)} is not a profile; leave it out, or use ROLECALL or RAM"
    raise InvalidFieldsError([FieldViolation(field="profile", reason="UNKNOWN_ENUM_VALUE", message=text)])


def invalid_response(violations: tuple[Violation, ...]) -> pb.ValidateTrustPolicyResponse:
    """Return the response for an invalid document."""
    return pb.ValidateTrustPolicyResponse(violations=map(_violation, violations))


def valid_response(
    policy: TrustPolicy, findings: tuple[Finding, ...], canonical: str
) -> pb.ValidateTrustPolicyResponse:
    """Return the response for a valid document."""
    return pb.ValidateTrustPolicyResponse(
        valid=True,
        findings=map(_finding, findings),
        canonical_document=canonical,
        principals=sorted({pattern.text for statement in policy.statements for pattern in statement.principals}),
        condition_keys=sorted({condition.key for statement in policy.statements for condition in statement.conditions}),
    )


def invalid_permission_response(violations: tuple[Violation, ...]) -> pb.ValidatePermissionPolicyResponse:
    """Return the response for an invalid permission policy."""
    return pb.ValidatePermissionPolicyResponse(violations=map(_violation, violations))


def valid_permission_response(
    policy: PermissionPolicy, findings: tuple[Finding, ...], canonical: str
) -> pb.ValidatePermissionPolicyResponse:
    """Return the response for a valid permission policy."""
    return pb.ValidatePermissionPolicyResponse(
        valid=True,
        findings=map(_finding, findings),
        canonical_document=canonical,
        actions=sorted({action for statement in policy.statements for action in statement.actions}),
        resources=sorted({resource for statement in policy.statements for resource in statement.resources}),
        condition_keys=sorted({condition.key for statement in policy.statements for condition in statement.conditions}),
    )


def _violation(value: Violation) -> pb.PolicyViolation:
    return pb.PolicyViolation(
        pointer=value.pointer,
        line=value.line,
        column=value.column,
        reason=value.reason,
        message=value.message,
        suggestion=value.suggestion,
    )


def _finding(value: Finding) -> pb.LintFinding:
    return pb.LintFinding(
        id=value.id,
        severity=value.severity.value,
        pointer=value.pointer,
        message=value.message,
        fix=value.fix,
        line=value.line,
        column=value.column,
        changes_meaning=value.changes_meaning,
    )
