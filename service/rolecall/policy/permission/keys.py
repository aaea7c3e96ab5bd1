"""The condition keys that permission policies know beside those of trust policies."""

from __future__ import annotations

from difflib import get_close_matches

from rolecall.policy import keys as common
from rolecall.policy.readers import fold

TRUSTED_PRINCIPAL_TYPES = "ram:TrustedPrincipalTypes"
SERVICE_NAMES = "ram:ServiceNames"
TRUSTED_ACCOUNTS = "rolecall:TrustedAccounts"
SERVICE = "acs:Service"
CALLER = "rolecall:Caller"

WRITTEN_TRUST_KEYS = frozenset({TRUSTED_PRINCIPAL_TYPES, SERVICE_NAMES, TRUSTED_ACCOUNTS})
"""What a write of a role trusts: keys with all values together, and never absent."""

NEVER_ABSENT = WRITTEN_TRUST_KEYS | {CALLER, common.CURRENT_TIME}

_OWN = {fold(key): key for key in (*WRITTEN_TRUST_KEYS, SERVICE, CALLER, "ram:ServiceName")}


def is_known(key: str) -> bool:
    """Return whether the permission-policy language gives `key` a meaning."""
    return key in _OWN.values() or common.is_known(key)


def nearest_key(key: str) -> str | None:
    """Return the known key that an unknown one probably means, or None."""
    if fold(key) in _OWN:
        return _OWN[fold(key)]
    close = get_close_matches(fold(key), _OWN, cutoff=0.85)
    return _OWN[close[0]] if close else common.nearest_key(key)
