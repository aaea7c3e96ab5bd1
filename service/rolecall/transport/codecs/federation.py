"""Federated identities in queries: claims that a caller asserts, and tokens that the server verifies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rolecall.engine.errors import InvalidRequestError
from rolecall.policy.principal import Principal
from rolecall.roles.errors import FieldViolation

INVALID_TOKEN = "AuthenticationFail.OIDCToken.Invalid"  # noqa: S105  (RAM's code for it)


@dataclass(frozen=True, slots=True)
class VerifiedClaims:
    """The condition keys that a token proves, until it expires (in microseconds)."""

    keys: Mapping[str, Sequence[str]]
    expires_at: int


class RefusedIdentityError(InvalidRequestError):
    """The token in a query is not valid. `log_refusal` logs why, which is not sent to the client."""

    def __init__(self, log: Callable[[], object]) -> None:
        self.log = log
        message = "the token is not a valid one of this provider; the log of the server has the reason"
        super().__init__(
            [FieldViolation(field="oidc.token", reason="INVALID_TOKEN", message=message, ram_code=INVALID_TOKEN)]
        )


def log_refusal(error: Exception) -> None:
    """Log why the token in a query is refused, if it is, when its client is sent that it is."""
    # Not where it is refused: a call that is not answered at once is read again.
    if isinstance(error, RefusedIdentityError):
        error.log()


class Federation(Protocol):
    """What the server knows of identity providers."""

    def verified(self, provider: Principal, token: str) -> VerifiedClaims:
        """Return what a token of a provider proves now; raise `RefusedIdentityError`."""
        ...

    def require_assertable(self, provider: Principal, claims: Mapping[str, Sequence[str]]) -> None:
        """Raise `InvalidRequestError` unless a caller that has the right may assert these claims of a provider."""
        ...
