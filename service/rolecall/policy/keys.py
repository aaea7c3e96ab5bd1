"""The condition keys: which are known, the family of their values, and which the service derives itself."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from rolecall.policy.operators import Family
from rolecall.policy.readers import fold

CURRENT_TIME = "acs:CurrentTime"
PRINCIPAL_ARN = "acs:PrincipalARN"
ROLE_SESSION_NAME = "sts:RoleSessionName"
EXTERNAL_ID = "sts:ExternalId"
SOURCE_IDENTITY = "sts:SourceIdentity"
RESOURCE_TAG_PREFIX = "acs:ResourceTag/"
OIDC_ISSUER = "oidc:iss"
OIDC_AUDIENCE = "oidc:aud"
OIDC_SUBJECT = "oidc:sub"
SAML_RECIPIENT = "saml:recipient"

_FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        CURRENT_TIME: Family.DATE,
        "acs:SourceIp": Family.IP,
        "acs:VpcSourceIp": Family.IP,
        "acs:SecureTransport": Family.BOOL,
        "acs:MFAPresent": Family.BOOL,
        PRINCIPAL_ARN: Family.STRING,
        "acs:PrincipalRDId": Family.STRING,
        "acs:PrincipalRDPath": Family.STRING,
        "acs:SourceVpc": Family.STRING,
        EXTERNAL_ID: Family.STRING,
        ROLE_SESSION_NAME: Family.STRING,
        SOURCE_IDENTITY: Family.STRING,
        SAML_RECIPIENT: Family.STRING,
        OIDC_ISSUER: Family.STRING,
        OIDC_AUDIENCE: Family.STRING,
        OIDC_SUBJECT: Family.STRING,
    }
)
_PREFIXES = ("acs:RequestTag/", RESOURCE_TAG_PREFIX, "saml:")
_BY_FOLDED_NAME = {fold(key): key for key in _FAMILIES}

_RESERVED = MappingProxyType(
    {
        CURRENT_TIME: "is the server's clock; leave it out (explain accepts another time in `assume_time`)",
        PRINCIPAL_ARN: "is derived from the principal of the request; leave it out",
        ROLE_SESSION_NAME: "is derived; send it in the field `role_session_name`",
        EXTERNAL_ID: "is derived; send it in the field `external_id`",
        SOURCE_IDENTITY: "is derived; send it in the field `source_identity`",
    }
)
_RESERVED_PREFIXES = MappingProxyType(
    {
        "oidc:": "is a claim of a federated identity; send it in `federated.claims`",
        "saml:": "is a claim of a federated identity; send it in `federated.claims`",
        RESOURCE_TAG_PREFIX: "is derived from the tags of the role; leave it out",
    }
)


def lookup_name(spelling: str) -> str:
    """Return the name under which a key is compared: its spelling, except that `acs:PrincipalArn` is `acs:PrincipalARN`."""
    return PRINCIPAL_ARN if spelling == "acs:PrincipalArn" else spelling


def known_keys() -> tuple[str, ...]:
    """Return every known key, sorted; one that ends in `*` stands for all keys of its prefix."""
    return tuple(sorted((*_FAMILIES, *(f"{prefix}*" for prefix in _PREFIXES))))


def is_known(key: str) -> bool:
    """Return whether the language gives `key` a meaning."""
    name = lookup_name(key)
    return name in _FAMILIES or any(name.startswith(prefix) and name != prefix for prefix in _PREFIXES)


def family_of(key: str) -> Family | None:
    """Return the family of the values of a known key, None for an unknown key."""
    if not is_known(key):
        return None
    return _FAMILIES.get(lookup_name(key), Family.STRING)


def reserved_hint(key: str) -> str | None:
    """Return the message for a caller that sent a key which the service derives; None if a caller may send it."""
    hint = _RESERVED.get(lookup_name(key))
    if hint is None:
        hint = next((hint for prefix, hint in _RESERVED_PREFIXES.items() if key.startswith(prefix)), None)
    return None if hint is None else f"`{key}` {hint}"


def nearest_key(key: str) -> str | None:
    """Return the known key that an unknown one probably means, or None."""
    if is_known(key) or len(key) > 64:
        return None
    folded = fold(key)
    if folded.startswith("aws:"):
        folded = "acs:" + folded.removeprefix("aws:")
    if folded in _BY_FOLDED_NAME:
        return _BY_FOLDED_NAME[folded]
    for prefix in _PREFIXES:
        if folded.startswith(fold(prefix)) and len(key) > len(prefix):
            return prefix + key[len(prefix) :]
    close = get_close_matches(folded, _BY_FOLDED_NAME, cutoff=0.8)
    return _BY_FOLDED_NAME[close[0]] if close else None
