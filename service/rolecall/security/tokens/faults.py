"""Why a token is refused."""

from __future__ import annotations

from enum import StrEnum


class TokenFault(StrEnum):
    """The rule that a token breaks. It is logged and counted; the caller does not learn it."""

    TOO_LARGE = "TOO_LARGE"
    MALFORMED = "MALFORMED"
    DUPLICATE_MEMBER = "DUPLICATE_MEMBER"
    FORBIDDEN_HEADER = "FORBIDDEN_HEADER"
    INVALID_CLAIM = "INVALID_CLAIM"
    UNKNOWN_ISSUER = "UNKNOWN_ISSUER"
    WRONG_ISSUER = "WRONG_ISSUER"
    WRONG_AUDIENCE = "WRONG_AUDIENCE"
    WRONG_ALGORITHM = "WRONG_ALGORITHM"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    TOO_OLD = "TOO_OLD"
    NO_KEYS = "NO_KEYS"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_SIGNATURE = "WRONG_SIGNATURE"
    UNKNOWN_TOKEN = "UNKNOWN_TOKEN"  # noqa: S105  (a reason, not a secret)


class RefusedTokenError(Exception):
    """A token is refused. `why` has nothing of the token itself beyond names that its issuer chose."""

    def __init__(self, fault: TokenFault, why: str) -> None:
        self.fault, self.why = fault, why
        super().__init__(why)
