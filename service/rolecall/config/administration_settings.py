"""Settings of what a server lets be stored: roles, trust policies, and their history."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.config.setting import setting
from rolecall.config.types import WholeNumber, read_boolean, read_severities
from rolecall.engine.decision_point import DecisionOptions
from rolecall.policy.limits import Limits
from rolecall.policy.linting.findings import Severity
from rolecall.roles.catalog import CatalogOptions
from rolecall.transport.options import UploadLimits

_LIMITS, _CATALOG, _DECISIONS, _UPLOADS = Limits(), CatalogOptions(), DecisionOptions(), UploadLimits()


@dataclass(frozen=True, kw_only=True)
class AdministrationSettings:
    """What may be stored, how much of it at once, and for how long its history is kept."""

    source_identity_needs_allow: bool = setting(
        default=_DECISIONS.source_identity_needs_allow,
        read=read_boolean,
        text="Require an Allow of sts:SetSourceIdentity for requests with a source identity.",
    )
    max_upload_roles: int = setting(
        _UPLOADS.max_roles, WholeNumber(1, 10_000_000), "Maximum number of roles in one ApplyRoles."
    )
    max_upload_bytes: int = setting(
        _UPLOADS.max_bytes, WholeNumber(65_536, 17_179_869_184), "Maximum size of all ApplyRoles in progress together."
    )
    retention_days: int = setting(30, WholeNumber(1, 36_500), "Days of history to keep.")
    retention_revisions: int = setting(
        100_000, WholeNumber(1, 1_000_000_000), "Number of newest revisions to keep, however old."
    )
    max_roles_per_account: int = setting(
        _CATALOG.max_roles_per_account, WholeNumber(1, 100_000_000), "Maximum number of roles in an account."
    )
    max_document_bytes: int = setting(
        _LIMITS.max_document_bytes, WholeNumber(64, 1_048_576), "Maximum size of a trust policy."
    )
    max_statements: int = setting(
        _LIMITS.max_statements, WholeNumber(1, 10_000), "Maximum number of statements in a trust policy."
    )
    max_principals: int = setting(
        _LIMITS.max_principals, WholeNumber(1, 100_000), "Maximum number of principals in a trust policy."
    )
    max_condition_keys: int = setting(
        _LIMITS.max_condition_keys, WholeNumber(1, 10_000), "Maximum number of condition keys in a trust policy."
    )
    max_patterns: int = setting(
        _LIMITS.max_patterns, WholeNumber(0, 100_000), "Maximum number of patterns in a trust policy."
    )
    max_pattern_characters: int = setting(
        _LIMITS.max_pattern_characters, WholeNumber(1, 16_384), "Maximum length of a pattern."
    )
    max_total_pattern_characters: int = setting(
        _LIMITS.max_total_pattern_characters,
        WholeNumber(0, 1_048_576),
        "Maximum length of all patterns in a trust policy together.",
    )
    max_pattern_stars: int = setting(
        _LIMITS.max_pattern_stars, WholeNumber(0, 1_000), "Maximum number of `*` in a pattern."
    )
    lint_blocks: frozenset[Severity] = setting(
        _CATALOG.lint_blocks, read_severities, "Severities of lint findings that reject a write."
    )
