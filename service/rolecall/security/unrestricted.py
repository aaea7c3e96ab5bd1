"""A caller that may do everything: of a server without rights for callers."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.callers.caller import FOREVER, NO_ACCESS_KEYS, AccessKeys
from rolecall.callers.credential import Credential


@dataclass(frozen=True, slots=True)
class UnrestrictedCaller:
    """A `Caller` that may do everything."""

    credential: Credential

    @property
    def principal(self) -> None:
        """Return None: the caller has no name in RAM's terms."""

    @property
    def generation(self) -> str:
        """Return the empty text: there is no callers file."""
        return ""

    @property
    def reads_tags(self) -> bool:
        """Return that no policy reads tags."""
        return False

    @property
    def entries(self) -> tuple[str, ...]:
        """Return nothing: there is no callers file."""
        return ()

    @property
    def policies(self) -> tuple[str, ...]:
        """Return nothing: no policy gives the rights."""
        return ()

    def allows(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> bool:  # noqa: ARG002
        """Return that the caller may do it."""
        return True

    def allowed_until(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> int:  # noqa: ARG002
        """Return that the caller may always do it."""
        return FOREVER
