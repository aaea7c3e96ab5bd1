"""A source of tokens that are renewed outside of the client."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class RenewedToken(Protocol):
    """A source of tokens that knows whether it has one."""

    def __call__(self) -> str:
        """Return the token, which may take as long as its command; raise `TokenError`."""
        ...

    def ready(self) -> str | None:
        """Return the token if that takes no time, else None; raise `TokenError`."""
        ...

    def refused(self) -> None:
        """Note that a server refused the token: renew it before the next call, if possible."""
        ...
