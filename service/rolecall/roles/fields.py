"""The grammar of a role's fields (trust-policy language, section 5). Each check returns all violations."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rolecall.policy.wording import quoted
from rolecall.roles.change import Author
from rolecall.roles.errors import FieldViolation
from rolecall.roles.limits import (
    MAX_ACTOR_CHARACTERS,
    MAX_DESCRIPTION_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_PAGE_SIZE,
    MAX_REASON_CHARACTERS,
    MAX_SESSION_SECONDS,
    MAX_SOURCE_CHARACTERS,
    MAX_TAG_KEY_CHARACTERS,
    MAX_TAG_VALUE_CHARACTERS,
    MAX_TAGS,
    MIN_SESSION_SECONDS,
)

_ACCOUNT_ID = re.compile(r"[0-9]{1,20}")
_NAME = re.compile(r"[A-Za-z0-9.-]+")
_ROLE_ID = re.compile(r"[0-9]{1,20}")
_ETAG = re.compile(r'"[!-~]{1,128}"')
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def account_violation(text: str, *, aliases: bool) -> FieldViolation | None:
    """account = 1 to 20 digits. With `aliases` the message says that a configured alias is allowed, too."""
    if _ACCOUNT_ID.fullmatch(text):
        return None
    if "*" in text:
        message = f"{quoted(text)} is masked, as in documentation: write all digits of the account id"
        return FieldViolation(field="account_id", reason="MASKED_ACCOUNT_ID", message=message)
    known = (
        "neither an account id (1 to 20 digits) nor a configured alias"
        if aliases
        else "not an account id (1 to 20 digits)"
    )
    return FieldViolation(field="account_id", reason="INVALID_ACCOUNT_ID", message=f"{quoted(text)} is {known}")


def role_name_violations(text: str, *, field: str = "role_name") -> list[FieldViolation]:
    """name = 1 to 64 of `A-Z a-z 0-9 . -`"""
    violations = []
    if not 1 <= len(text) <= MAX_NAME_CHARACTERS:
        message = f"must have 1 to {MAX_NAME_CHARACTERS} characters, not {len(text)}"
        violations.append(_violation(field, "ROLE_NAME_LENGTH", message, "InvalidParameter.RoleName.Length"))
    if text and not _NAME.fullmatch(text):
        message = f"{quoted(text)} may have letters, digits, `.` and `-` only"
        violations.append(_violation(field, "ROLE_NAME_CHARACTERS", message, "InvalidParameter.RoleName.InvalidChars"))
    return violations


def name_prefix_violations(text: str) -> list[FieldViolation]:
    """prefix = 0 to 64 of `A-Z a-z 0-9 . -`"""
    return role_name_violations(text, field="name_prefix") if text else []


def description_violations(text: str) -> list[FieldViolation]:
    """description = 0 to 1,024 characters"""
    return _text_violations("description", text, MAX_DESCRIPTION_CHARACTERS, "InvalidParameter.Description.Length")


def session_violations(seconds: int) -> list[FieldViolation]:
    """max session duration = 3,600 to 43,200"""
    if MIN_SESSION_SECONDS <= seconds <= MAX_SESSION_SECONDS:
        return []
    message = f"must be {MIN_SESSION_SECONDS} to {MAX_SESSION_SECONDS} seconds, not {seconds}"
    field = "max_session_duration_seconds"
    return [_violation(field, "MAX_SESSION_DURATION_RANGE", message, "InvalidParameter.MaxSessionDuration")]


def tag_violations(tags: Mapping[str, str], *, field: str = "tags") -> list[FieldViolation]:
    """tags = up to 20 of key: 1 to 128 characters (without a reserved prefix), value: 0 to 256"""
    violations = []
    if len(tags) > MAX_TAGS:
        violations.append(_violation(field, "TOO_MANY_TAGS", f"must be at most {MAX_TAGS}, not {len(tags)}"))
    for key, value in tags.items():
        violations += [_violation(field, reason, message) for reason, message in _tag_faults(key, value)]
    return violations


def author_violations(author: Author) -> list[FieldViolation]:
    """request id = UUID or empty; change reason = 0 to 1,024 characters; source = 0 to 256"""
    violations = _text_violations("change_reason", author.change_reason, MAX_REASON_CHARACTERS)
    violations += _text_violations("source", author.source, MAX_SOURCE_CHARACTERS)
    if author.request_id and not _UUID.fullmatch(author.request_id):
        message = f"{quoted(author.request_id)} is not a UUID such as `0b9d34a2-6d3e-4a5e-9a43-5a3c1d3c9f00`"
        violations.append(_violation("request_id", "INVALID_REQUEST_ID", message))
    return violations


def page_size_violations(size: int) -> list[FieldViolation]:
    """page size = 0 (the server's default) to 1,000"""
    if 0 <= size <= MAX_PAGE_SIZE:
        return []
    return [_violation("page_size", "PAGE_SIZE_RANGE", f"must be 0 to {MAX_PAGE_SIZE}, not {size}")]


def etag_violations(etag: str) -> list[FieldViolation]:
    """etag = the quoted etag of a role, or empty"""
    if not etag or _ETAG.fullmatch(etag):
        return []
    message = f"{quoted(etag)} is not an etag: send the etag of the role, with its quotes"
    return [_violation("etag", "INVALID_ETAG", message)]


def role_id_violations(text: str) -> list[FieldViolation]:
    """role id = 1 to 20 digits, or empty"""
    if not text or _ROLE_ID.fullmatch(text):
        return []
    return [
        _violation("role_id", "INVALID_ROLE_ID", f"{quoted(text)} is not the id of a role: write its 1 to 20 digits")
    ]


def actor_violations(text: str) -> list[FieldViolation]:
    """actor = 0 to 2,048 characters"""
    return _text_violations("actor", text, MAX_ACTOR_CHARACTERS)


def start_revision_violations(revision: int) -> list[FieldViolation]:
    """start revision = 0 (the oldest that is stored), 1, 2, 3, …"""
    if revision >= 0:
        return []
    return [_violation("start_revision", "REVISION_RANGE", f"must be 0 or more, not {revision}")]


def revision_violations(revision: int) -> list[FieldViolation]:
    """revision = 1, 2, 3, …"""
    if 1 <= revision < 1 << 63:
        return []
    return [_violation("revision", "REVISION_RANGE", f"must be 1 or more, not {revision}")]


def _tag_faults(key: str, value: str) -> list[tuple[str, str]]:
    faults = []
    if not 1 <= len(key) <= MAX_TAG_KEY_CHARACTERS:
        faults.append(
            ("TAG_KEY_LENGTH", f"key {quoted(key)} must have 1 to {MAX_TAG_KEY_CHARACTERS} characters, not {len(key)}")
        )
    if key.lower().startswith(("acs:", "aliyun")):
        faults.append(("TAG_KEY_RESERVED", f"key {quoted(key)} begins with `acs:` or `aliyun`, which are reserved"))
    if "http://" in key.lower() or "https://" in key.lower():
        faults.append(("TAG_KEY_URL", f"key {quoted(key)} must not contain `http://` or `https://`"))
    if len(value) > MAX_TAG_VALUE_CHARACTERS:
        limit = f"at most {MAX_TAG_VALUE_CHARACTERS} characters, not {len(value)}"
        faults.append(("TAG_VALUE_LENGTH", f"value of key {quoted(key)} must have {limit}"))
    if not _is_storable(key + value):
        faults.append(("INVALID_UNICODE", f"tag {quoted(key)} has a NUL character or a lone surrogate"))
    return faults


def _text_violations(field: str, text: str, limit: int, ram_code: str = "") -> list[FieldViolation]:
    violations = []
    if len(text) > limit:
        reason, message = f"{field.upper()}_LENGTH", f"must have at most {limit} characters, not {len(text)}"
        violations.append(_violation(field, reason, message, ram_code))
    if not _is_storable(text):
        violations.append(_violation(field, "INVALID_UNICODE", "must not have a NUL character or a lone surrogate"))
    return violations


def _is_storable(text: str) -> bool:
    """Return whether every store can store `text`: it has no NUL and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _violation(field: str, reason: str, message: str, ram_code: str = "") -> FieldViolation:
    return FieldViolation(field=field, reason=reason, message=message, ram_code=ram_code)
