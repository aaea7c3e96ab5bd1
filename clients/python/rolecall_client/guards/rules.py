"""The rules of a guard: which roles protect what, who calls, and for how long it waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rolecall_client.guards.access import AccessMap
from rolecall_client.guards.decision import GuardMode
from rolecall_client.guards.identities import Identify
from rolecall_client.guards.judgement import GuardedCall, context_of
from rolecall_client.guards.peer import PeerFacts
from rolecall_client.queries import Values, account_of

DEFAULT_TIMEOUT_SECONDS = 2.0
MAX_TIMEOUT_SECONDS = 60

ContextOf = Callable[[str, PeerFacts], Values]
"""Returns further condition keys of a call, from its method and its peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """The rules of one guard. Raise `ValueError` if they contradict each other."""

    roles: AccessMap
    identify: Identify
    context: ContextOf | None

    def __post_init__(self) -> None:
        if getattr(self.identify, "needs_account", False):
            bare = sorted(role for role in self.roles.roles if not account_of(role))
            if bare:
                raise ValueError(
                    f"the role `{bare[0]}` needs its account; write ACCOUNT/{bare[0]}, or give `account_id`"
                )

    def call(self, method: str, peer: PeerFacts, seconds_left: float | None) -> GuardedCall:
        """Return a call as it is judged."""
        return GuardedCall(
            method=method,
            access=self.roles.find(method),
            identify=lambda: self.identify(peer),
            context=lambda: context_of(peer, self.context(method, peer) if self.context else {}),
            seconds_left=seconds_left,
        )


def mode_of(text: str) -> GuardMode:
    """Return the mode of this name; raise `ValueError`."""
    try:
        return GuardMode(text)
    except ValueError:
        raise ValueError(f"`{text}` is no mode of a guard; write `enforce` or `observe`") from None


def required_timeout(seconds: float) -> float:
    """Return the timeout of queries; raise `ValueError` if no query can be answered in it."""
    if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        raise ValueError(
            f"a guard waits more than 0 and at most {MAX_TIMEOUT_SECONDS} seconds for a decision, and not {seconds}"
        )
    return seconds


def time_for(call: GuardedCall, timeout: float) -> float:
    """Return the seconds that a query may take: no longer than the caller waits."""
    return timeout if call.seconds_left is None else max(0.0, min(timeout, call.seconds_left))
