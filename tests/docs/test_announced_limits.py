"""Every limit of a `limits.py` is announced in the documentation, with its number.

Tests of a limit name its constant, so they pass whatever it is. What users rely on is the number that they were given.
"""

from __future__ import annotations

import dataclasses
import re
from types import ModuleType
from typing import Any

import pytest

from rolecall.callers import limits as callers
from rolecall.engine import limits as requests
from rolecall.policy import limits as policy
from rolecall.policy.permission import limits as permission
from rolecall.roles import limits as roles
from tests.repository.tree import DOCS

MODULES = (callers, requests, policy, permission, roles)
DOCUMENTS = (policy.DEFAULT_LIMITS, permission.PERMISSION_LIMITS, permission.SESSION_POLICY_LIMITS)

ANNOUNCED: list[tuple[ModuleType, str, str]] = [
    (callers, "MAX_CALLERS_BYTES", "security.md: are {MiB} MiB of all files together"),
    (callers, "MAX_CALLERS_FILES", "security.md: together, {} files,"),
    (callers, "MAX_ENTRIES", "security.md: {} entries,"),
    (callers, "MAX_OWN_POLICIES", "security.md: {} policies of the file's own"),
    (callers, "MAX_POLICIES_OF_AN_ENTRY", "security.md: {} system policies and {} others for each caller"),
    (callers, "MAX_TRUST_DOMAINS", "security.md: {} trust domains"),
    (callers, "MAX_ISSUERS", "security.md: {} issuers,"),
    (callers, "MAX_PROVIDERS", "security.md: {} providers with"),
    (callers, "MAX_AUDIENCES", "security.md: providers with {} audiences each"),
    (callers, "MAX_CALLERS_DEPTH", "security.md: of one file {} levels"),
    (callers, "MAX_CALLERS_VALUES", "security.md: levels and {} values"),
    (callers, "MAX_NAME_CHARACTERS", "security.md: {} characters of a name"),
    (callers, "MAX_TEXT_CHARACTERS", "security.md: a name and {} of another text"),
    (callers, "MAX_TOKEN_AGE_SECONDS", "security.md: {} seconds for the age of a token"),
    (callers, "MAX_UID", "security.md: {} for a user id"),
    (callers, "MAX_CALLERS_VIOLATIONS", "security.md: {} violations, after which the rest is not examined"),
    (requests, "MAX_CONTEXT_KEYS", "errors.md: at most {} keys of"),
    (requests, "MAX_KEY_CHARACTERS", "errors.md: keys of {} characters, "),
    (requests, "MAX_VALUE_CHARACTERS", "errors.md: {} characters of a value, and"),
    (requests, "MIN_DURATION_SECONDS", "errors.md: | {} seconds to the role's maximum"),
    (policy, "MAX_VIOLATIONS", "policy-language.md: All violations (up to {})"),
    (policy, "MAX_FINDINGS_OF_A_RULE", "policy-language.md: at most {} findings of each rule"),
    (policy, "MAX_SID_CHARACTERS", "policy-language.md: A `Sid` has at most {} characters"),
    (policy, "MAX_KEY_CHARACTERS", "policy-language.md: a condition key {},"),
    (policy, "MAX_NUMBER_CHARACTERS", "policy-language.md: and a number {}."),
    (policy, "MAX_VALUES", "errors.md: {} values of a key"),
    (policy, "MAX_CONTEXT_CHARACTERS", "errors.md: {} characters of all values together"),
    (permission, "MAX_ACTION_CHARACTERS", "permission-policies.md: asked about has at most {} characters"),
    (permission, "MAX_RESOURCE_CHARACTERS", "permission-policies.md: characters, a resource {},"),
    (permission, "MAX_PART_CHARACTERS", "permission-policies.md: with {} in each part before the last"),
    (roles, "MAX_NAME_CHARACTERS", "errors.md: | 1 to {} of letters, digits"),
    (roles, "MAX_DESCRIPTION_CHARACTERS", "errors.md: a description of at most {} characters"),
    (roles, "MIN_SESSION_SECONDS", "errors.md: | {} to 43,200 seconds"),
    (roles, "MAX_SESSION_SECONDS", "errors.md: | 3,600 to {} seconds"),
    (roles, "MAX_TAGS", "errors.md: | {} tags; keys"),
    (roles, "MAX_TAG_KEY_CHARACTERS", "errors.md: keys of 1 to {} characters"),
    (roles, "MAX_TAG_VALUE_CHARACTERS", "errors.md: values to {} |"),
    (roles, "MAX_REASON_CHARACTERS", "errors.md: a change reason of {},"),
    (roles, "MAX_SOURCE_CHARACTERS", "errors.md: a source of {} |"),
    (roles, "MAX_PAGE_SIZE", "errors.md: a page size of up to {},"),
    (roles, "MAX_ACCOUNTS_LISTED", "errors.md: names at most {} accounts"),
    (roles, "MAX_ACTOR_CHARACTERS", "errors.md: the name of a caller of up to {} characters"),
    (roles, "MAX_DECLARATIONS", "errors.md: at most {} in one apply"),
]
TRUST_POLICY = (
    "{max_document_bytes} bytes, {max_statements} statements, {max_principals} principals and {max_condition_keys} condition"
    " keys in the document, {max_depth} levels of nesting; {max_patterns} patterns (values of `StringLike` and"
    " `StringNotLike`) of {max_total_pattern_characters} characters together, each of at most {max_pattern_characters}"
    " characters and {max_pattern_stars} stars."
)
PERMISSION_POLICY = (
    "{0.max_document_characters:,} characters of document ({0.max_document_bytes:,} bytes; {1.max_document_characters:,} and"
    " {1.max_document_bytes:,} of a session policy) and {0.max_statements} statements; each pattern of an action, of a resource"
    " or of `StringLike` has at most {0.max_pattern_characters} characters and {0.max_pattern_stars} stars."
)


def text_of(page: str) -> str:
    return " ".join((DOCS / page).read_text().split())


@pytest.mark.parametrize(("module", "name", "place"), ANNOUNCED, ids=lambda value: getattr(value, "__name__", value))
def test_a_limit_is_announced_with_its_number(module: ModuleType, name: str, place: str) -> None:
    limit: int = getattr(module, name)
    page, _, phrase = place.partition(": ")

    assert phrase.replace("{}", f"{limit:,}").replace("{MiB}", f"{limit / 1024**2:g}") in text_of(page)


def test_every_limit_of_these_modules_is_among_them() -> None:
    defined = {
        (module.__name__, name)
        for module in MODULES
        for name, value in vars(module).items()
        if re.fullmatch(r"[A-Z_]+", name) and isinstance(value, int)
    }

    assert defined == {(module.__name__, name) for module, name, _ in ANNOUNCED}


def test_the_limits_of_documents_are_announced() -> None:
    trust: dict[str, Any] = {name: f"{limit:,}" for name, limit in dataclasses.asdict(DOCUMENTS[0]).items() if limit}

    assert TRUST_POLICY.format(**trust) in text_of("policy-language.md")
    assert PERMISSION_POLICY.format(*DOCUMENTS[1:]) in text_of("permission-policies.md")
