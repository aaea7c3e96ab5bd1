"""Requests: may this principal assume this role? Texts are parsed and checked here.

A condition key is either sent by the caller or derived by the service. A derived key in `context` is refused (`RESERVED_KEY`),
so that a caller cannot claim what the service has to establish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from rolecall.engine.decision import Answer, DecidedRole
from rolecall.engine.errors import InvalidRequestError
from rolecall.engine.limits import (
    MAX_CONTEXT_KEYS,
    MAX_KEY_CHARACTERS,
    MAX_VALUE_CHARACTERS,
)
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.keys import (
    EXTERNAL_ID,
    PRINCIPAL_ARN,
    ROLE_SESSION_NAME,
    SOURCE_IDENTITY,
    lookup_name,
    reserved_hint,
)
from rolecall.policy.limits import MAX_CONTEXT_CHARACTERS, MAX_VALUES
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_request, provider_of_request
from rolecall.policy.request_values import EXTERNAL_IDS, SESSION_NAMES, SOURCE_IDENTITIES
from rolecall.policy.wording import advised
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import FieldViolation, InvalidFieldsError

NO_KEYS: Mapping[str, tuple[str, ...]] = {}

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CLAIM_PREFIX = {PrincipalKind.OIDC_PROVIDER: "oidc:", PrincipalKind.SAML_PROVIDER: "saml:"}


class AssumeRoleRequest:
    """May this principal assume this role?

    `role_key` is `RoleRef.key`. `keys` are the condition keys by their lookup names, each with at least one value; the time,
    `acs:PrincipalARN` and the tags of the role are not among them. A `duration_seconds` of 0 is not checked. `expires_at` is
    when the token expires that was verified for the identity, in microseconds; None: the caller vouches for the identity.
    """

    # The last answer, its role and the weight belong to the caches, `engine/cache.py`, and the rights (until when each caller
    # may ask this, by its number) to the services, which judge them first; nothing else in a request changes.
    __slots__ = (
        "duration_seconds",
        "expires_at",
        "keys",
        "last_answer",
        "last_role",
        "principal",
        "rights",
        "role_key",
        "weight",
    )

    def __init__(
        self,
        principal: Principal,
        role_key: str,
        keys: Mapping[str, tuple[str, ...]] = NO_KEYS,
        duration_seconds: int = 0,
        expires_at: int | None = None,
    ) -> None:
        self.principal, self.role_key, self.keys, self.duration_seconds = principal, role_key, keys, duration_seconds
        self.expires_at = expires_at
        self.last_answer: Answer | None = None
        self.last_role: DecidedRole | None = None
        self.rights: dict[int, int] | None = None
        self.weight = 0


def read_principal(text: str) -> Principal:
    """Return the principal that `text` spells; raise `InvalidRequestError`."""
    try:
        return principal_of_request(text)
    except InvalidPrincipalError as error:
        raise _invalid("principal", error) from None


def read_provider(text: str, field: str = "federated.provider_arn") -> Principal:
    """Return the identity provider that the text of a field spells; raise `InvalidRequestError`."""
    try:
        return provider_of_request(text)
    except InvalidPrincipalError as error:
        raise _invalid(field, error) from None


def read_role_key(accounts: Accounts, text: str) -> str:
    """Return the key of the role that `text` names; raise `InvalidRequestError`."""
    if not text:
        raise _refused("role", "REQUIRED", "name the role to assume")
    try:
        return accounts.role(text).key
    except InvalidFieldsError as error:
        violations = [replace(v, reason="INVALID_ROLE", ram_code="InvalidParameter.RoleArn") for v in error.violations]
        raise InvalidRequestError(violations) from None


def context_keys(context: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the keys that a caller sends, by their lookup names; raise `InvalidRequestError`.

    A key without values is absent, but a reserved key is refused even then.
    """
    if len(context) > MAX_CONTEXT_KEYS:
        raise _refused(
            "context", "TOO_MANY_KEYS", f"{len(context)} keys are given, at most {MAX_CONTEXT_KEYS} are allowed"
        )
    read = dict[str, tuple[str, ...]]()
    for key, values in context.items():
        name = _context_key(key)
        if values:
            read[name] = _values("context", key, values)
    return _bounded("context", read)


def claim_keys(provider: Principal, claims: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the claims of a federated identity; raise `InvalidRequestError` for keys of another kind of provider."""
    if len(claims) > MAX_CONTEXT_KEYS:
        raise _refused(
            "federated.claims",
            "TOO_MANY_KEYS",
            f"{len(claims)} claims are given, at most {MAX_CONTEXT_KEYS} are allowed",
        )
    prefix = _CLAIM_PREFIX[provider.kind]
    for key in claims:
        if not key.startswith(prefix) or len(key) > MAX_KEY_CHARACTERS or _CONTROL.search(key):
            raise _refused(
                f"federated.claims[{key!r}]",
                "INVALID_CLAIM",
                f"claims of this provider are keys that begin with `{prefix}`",
            )
    read = {key: _values("federated.claims", key, values) for key, values in claims.items() if values}
    return _bounded("federated.claims", read)


def field_keys(*, role_session_name: str, external_id: str, source_identity: str) -> dict[str, tuple[str, ...]]:
    """Return the keys that fields of a request fill (empty: absent); raise `InvalidRequestError` with all invalid ones."""
    violations = list(_field_violations(role_session_name, external_id, source_identity))
    if violations:
        raise InvalidRequestError(violations)
    fields = ((ROLE_SESSION_NAME, role_session_name), (EXTERNAL_ID, external_id), (SOURCE_IDENTITY, source_identity))
    return {key: (text,) for key, text in fields if text}


def derived_values(principal: Principal, tags: Mapping[str, str], key: str) -> tuple[str, ...] | None:
    """Return the values of a key that the service derives from the principal or from the role's tags; None: absent."""
    if key == PRINCIPAL_ARN:
        return None if principal.kind is PrincipalKind.SERVICE else (str(principal),)
    value = tags.get(key.partition("/")[2])
    return None if value is None else (value,)


def duration_violation(given: int, maximum: int) -> InvalidRequestError:
    """Return the error for a session that is too short or too long."""
    message = f"must be 900 to {maximum} seconds for this role, not {given}"
    violation = FieldViolation(
        field="duration_seconds",
        reason="INVALID_DURATION",
        message=message,
        ram_code="InvalidParameter.DurationSeconds",
    )
    return InvalidRequestError([violation])


@lru_cache(maxsize=1_024)
def _context_key(key: str) -> str:
    if not key or len(key) > MAX_KEY_CHARACTERS or _CONTROL.search(key):
        message = f"a condition key is 1 to {MAX_KEY_CHARACTERS} characters without control characters"
        raise _refused("context", "INVALID_CONTEXT_KEY", message)
    if hint := reserved_hint(key):
        raise _refused(f"context[{key!r}]", "RESERVED_KEY", hint)
    return lookup_name(key)


def _values(field: str, key: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > MAX_VALUES:
        message = f"{len(values)} values are given, at most {MAX_VALUES} are allowed"
        raise _refused(f"{field}[{key!r}]", "TOO_MANY_VALUES", message)
    for value in values:
        if len(value) > MAX_VALUE_CHARACTERS:
            message = f"a value has {len(value)} characters, at most {MAX_VALUE_CHARACTERS} are allowed"
            raise _refused(f"{field}[{key!r}]", "VALUE_TOO_LONG", message)
    return tuple(values)


def _bounded(field: str, keys: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    given = sum(map(len, chain.from_iterable(keys.values())))
    if given > MAX_CONTEXT_CHARACTERS:
        message = f"the values have {given} characters together, at most {MAX_CONTEXT_CHARACTERS} are allowed"
        raise _refused(field, "CONTEXT_TOO_LARGE", message)
    return keys


def _field_violations(role_session_name: str, external_id: str, source_identity: str) -> Iterator[FieldViolation]:
    if role_session_name and not SESSION_NAMES.allows(role_session_name):
        yield _field("role_session_name", "INVALID_SESSION_NAME", SESSION_NAMES.words, "RoleSessionName")
    if external_id and not EXTERNAL_IDS.allows(external_id):
        yield _field("external_id", "INVALID_EXTERNAL_ID", EXTERNAL_IDS.words, "ExternalId")
    if source_identity and not SOURCE_IDENTITIES.allows(source_identity):
        rule = f"{SOURCE_IDENTITIES.words}, not beginning with `acs:`, `aliyun:` or `alibabacloud:`"
        yield _field("source_identity", "INVALID_SOURCE_IDENTITY", rule, "")


def _field(field: str, reason: str, rule: str, ram: str) -> FieldViolation:
    return FieldViolation(
        field=field, reason=reason, message=f"must be {rule}", ram_code=f"InvalidParameter.{ram}" if ram else ""
    )


def _refused(field: str, reason: str, message: str) -> InvalidRequestError:
    return InvalidRequestError([FieldViolation(field=field, reason=reason, message=message)])


def _invalid(field: str, error: InvalidPrincipalError) -> InvalidRequestError:
    return _refused(field, error.reason, advised(error.message, error.suggestion))
