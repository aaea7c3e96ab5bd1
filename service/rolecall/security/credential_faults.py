"""Why a call has no caller, apart from the rules of tokens."""

from __future__ import annotations

from enum import StrEnum


class CredentialFault(StrEnum):
    """The rule that the credentials of a call break. It is logged and counted; the caller does not learn it."""

    CERTIFICATE_NAMES = "CERTIFICATE_NAMES"
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    UNKNOWN_TRUST_DOMAIN = "UNKNOWN_TRUST_DOMAIN"
    WRONG_CA = "WRONG_CA"
    NO_CREDENTIALS = "NO_CREDENTIALS"
    NO_ENTRY = "NO_ENTRY"
    PLAIN_TEXT = "PLAIN_TEXT"
    SEVERAL_TOKENS = "SEVERAL_TOKENS"
    UNKNOWN_SCHEME = "UNKNOWN_SCHEME"
    TOKEN_ON_ADMIN_SOCKET = "TOKEN_ON_ADMIN_SOCKET"  # noqa: S105  (a reason, not a secret)
