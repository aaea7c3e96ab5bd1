"""What is wrong with one value of a condition: whether any request can satisfy it, and whether it excludes anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rolecall.policy.document import Condition, Effect, Quantifier
from rolecall.policy.keys import (
    OIDC_AUDIENCE,
    OIDC_ISSUER,
    OIDC_SUBJECT,
    PRINCIPAL_ARN,
    RESOURCE_TAG_PREFIX,
    SOURCE_IDENTITY,
)
from rolecall.policy.linting.findings import Edit
from rolecall.policy.operators import LIKE_OPERATORS, Family
from rolecall.policy.request_values import RESTRICTED_TEXTS
from rolecall.policy.wording import quoted


class ValueFault(NamedTuple):
    """A fault: the id of its finding, the message, the fix, and the change of the document that the fix stands for.

    Most fixes change the meaning: any other value than one that nothing matches does.
    """

    id: str
    message: str
    fix: str
    edit: Edit | None = None
    changes_meaning: bool = True


_ENCLOSED = (("${", "}"), ("{{", "}}"), ("$(", ")"), ("<%", "%>"), ("\u2039", "\u203a"))
_PLACEHOLDER = re.compile(
    r"<[A-Za-z_][^<>]*>|\*{4,}|(?<![A-Za-z])(?:REPLACE|CHANGE)[_-]?(?:ME|THIS)(?![a-z])",
)
_URL_WITH_QUERY = re.compile(r"https?://[^?*]*\?[^?*]*")
_SESSION = re.compile(r"acs:(?:ram|sts)::[^:]*:(?:assumed-role/.*|role/[^/]+/.*)", re.DOTALL)
_SERVICE_ACCOUNT = "system:serviceaccount:"
_AUDIENCE_WITH_SCHEME = re.compile(r"https?://(?P<audience>sts\.aliyuncs\.com)/?")
_WITHOUT_SLASH = re.compile(
    r"https://(?:token\.actions\.githubusercontent\.com|gitlab\.com|app\.terraform\.io|agent\.buildkite\.com"
    r"|oidc\.circleci\.com/org/[^/]+|oidc-ack-[a-z0-9-]+\.oss-[a-z0-9-]+\.aliyuncs\.com/[^/]+)/"
)
"""Issuers whose identifier has no slash at its end, with one."""

_BEGINNINGS: Mapping[str, str] = MappingProxyType({OIDC_ISSUER: "https://", PRINCIPAL_ARN: "acs:ram::"})
"""What every value of a key begins with."""

_ISSUERS_WITHOUT_SCHEME = frozenset({"accounts.google.com"})
_PRESENCE_SAYS_MUCH = (SOURCE_IDENTITY, "acs:RequestTag/", RESOURCE_TAG_PREFIX)
"""A request that has these at all is restricted already, so a pattern that every value matches is meant as it stands."""


def fault_of(effect: Effect, condition: Condition, value: str) -> ValueFault | None:
    """Return what is wrong with a value of a condition, the first of several faults."""
    for judge in _JUDGES:
        fault = judge(effect, condition, value)
        if fault:
            return fault
    return None


def excludes_nobody(condition: Condition) -> bool:
    """Return whether an Allow with this condition is not restricted by it, but that the key must be there."""
    if condition.operator.family is Family.BOOL:
        return len({value.lower() for value in condition.values}) == 2
    return condition.operator.name == "StringLike" and any(
        _matches_everything(condition.key, value) for value in condition.values
    )


def _matches_everything(key: str, pattern: str) -> bool:
    """Return whether every value that a request can have for a key matches a pattern."""
    if key.startswith(_PRESENCE_SAYS_MUCH):
        return False
    stem = pattern.rstrip("*")
    if stem == pattern:
        return False
    # No value is empty, so one `?` excludes nobody.
    return stem.replace("*", "") == "?" or _BEGINNINGS.get(key, "").startswith(stem)


def _lets_in(effect: Effect, condition: Condition) -> bool:
    """Return whether a statement lets in more if a value that matches nothing is replaced by one that matches something."""
    return (effect is Effect.ALLOW) != condition.operator.negated


def _placeholder(_: Effect, __: Condition, value: str) -> ValueFault | None:
    found = _placeholders_in(value)
    if not found:
        return None
    return ValueFault(
        "placeholder",
        f"{quoted(value)} has the placeholder {quoted(min(found)[1])}, which is compared as it stands",
        "render the template first, or write the value that is meant",
    )


def _placeholders_in(value: str) -> list[tuple[int, str]]:
    """Return the first placeholder of each form, with its index. This takes linear time, also for many that are not closed."""
    found = [(match.start(), match[0]) for match in [_PLACEHOLDER.search(value)] if match]
    for opening, closing in _ENCLOSED:
        start = value.find(opening)
        # If nothing closes the first one, nothing closes a later one either.
        end = value.find(closing, start + len(opening)) if start >= 0 else -1
        if end >= 0:
            found.append((start, value[start : end + len(closing)]))
    return found


def _wildcard_under_equals(effect: Effect, condition: Condition, value: str) -> ValueFault | None:
    name = condition.operator.name
    exact = condition.operator.family is Family.STRING and name not in LIKE_OPERATORS
    if not exact or not ("*" in value or "?" in value) or _URL_WITH_QUERY.fullmatch(value):
        return None
    like = condition.quantifier + ("StringNotLike" if condition.operator.negated else "StringLike")
    fix = f"write `{like}`, under which `*` is any text and `?` one character"
    edit: Edit | None = Edit(condition.pointer, operator=like)
    if name.endswith("IgnoreCase"):
        # Under Like the other values would no longer match in another case, so that a Deny would deny less.
        fix, edit = f"compare the pattern in a statement of its own, with `{like}`, which does not ignore case", None
    if condition.operator.negated:
        so = "the statement applies whatever the value" if effect is Effect.ALLOW else "it denies every value"
    else:
        so = "it never matches" if effect is Effect.ALLOW else "it never denies"
    return ValueFault(
        "wildcard-under-equals",
        f"`{name}` compares {quoted(value)} letter by letter, so {so}",
        fix,
        edit,
        changes_meaning=_lets_in(effect, condition),
    )


def _impossible(effect: Effect, condition: Condition, value: str) -> ValueFault | None:
    if condition.operator.family is not Family.STRING:
        return None
    message = _why_impossible(condition, value)
    if not message:
        return None
    fix = _instead_of_impossible(effect, condition, value)
    lets_in = _lets_in(effect, condition)
    return ValueFault("matches-nobody", f"no request has {quoted(value)}: {message}", fix, changes_meaning=lets_in)


def _instead_of_impossible(effect: Effect, condition: Condition, value: str) -> str:
    """Return what to do. Of the last value of a condition it is never to remove it, since that would remove the condition."""
    several = len(condition.values) > 1
    if condition.key != PRINCIPAL_ARN or not _SESSION.fullmatch(value):
        return "correct the value, or remove it from the list" if several else "correct the value"
    if several:
        return "remove it from the list: a policy cannot name one session"
    keep_out = "name the role, which keeps out all its sessions"
    return f"{keep_out if effect is Effect.DENY else 'remove the statement'}: a policy cannot name one session"


def _why_impossible(condition: Condition, value: str) -> str:
    """Return why no request has a value; empty if one can have it."""
    key, like = condition.key, condition.operator.name in LIKE_OPERATORS
    if key in RESTRICTED_TEXTS:
        return _not_restricted(key, value, like=like)
    return _not_spelt_so(key, value, like=like)


def _not_restricted(key: str, value: str, *, like: bool) -> str:
    rule = RESTRICTED_TEXTS[key]
    literal = value.replace("*", "").replace("?", "") if like else value
    if rule.has_characters(literal) and (like or rule.allows(value)) and len(literal) <= rule.most:
        return ""
    return f"`{key}` is {rule.words}"


def _not_spelt_so(key: str, value: str, *, like: bool) -> str:
    if key == PRINCIPAL_ARN and _SESSION.fullmatch(value):
        return "for a session of a role the key has the ARN of the role"
    if why := _why_no_claim(key, value):
        return why
    literal = re.split(r"[*?]", value)[0] if like else value
    beginning = _BEGINNINGS.get(key, "")
    if value in _ISSUERS_WITHOUT_SCHEME or literal.startswith(beginning) or (like and beginning.startswith(literal)):
        return ""
    return f"every `{key}` begins with `{beginning}`"


def _why_no_claim(key: str, value: str) -> str:
    """Return why no token has a claim; empty if it is no claim, or one can have it."""
    if key.startswith("oidc:") and value != value.strip():
        return "it begins or ends with white space, as no claim does"
    if key == OIDC_SUBJECT and value.startswith(_SERVICE_ACCOUNT) and value != value.lower():
        return "namespaces and service accounts of Kubernetes are lower case"
    if key == OIDC_AUDIENCE and (found := _AUDIENCE_WITH_SCHEME.fullmatch(value)):
        return f"the audience `{found['audience']}` has no scheme"
    if key == OIDC_ISSUER and _WITHOUT_SLASH.fullmatch(value):
        return "this issuer has no `/` at its end"
    return ""


def _everything(effect: Effect, condition: Condition, value: str) -> ValueFault | None:
    if effect is not Effect.ALLOW or condition.quantifier is Quantifier.FOR_ALL:
        return None
    if condition.operator.name != "StringLike" or not _matches_everything(condition.key, value):
        return None
    return ValueFault(
        "restricts-nobody",
        f"every {quoted(condition.spelling)} matches {quoted(value)}, so the condition restricts nobody",
        "name the values that are meant",
        changes_meaning=False,
    )


_JUDGES: tuple[Callable[[Effect, Condition, str], ValueFault | None], ...] = (
    _placeholder,
    _wildcard_under_equals,
    _impossible,
    _everything,
)
