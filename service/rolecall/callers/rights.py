"""A caller of the service and what it may do, by the callers file as it is now.

1. The entries that match the caller's credential are found, and their policies compiled, once for each generation of the file.
2. A question is answered by evaluating them. The answer is remembered by the action, the resource and the values of the
   condition keys that the policies read, until an entry ends or a condition on the time changes. What every resource and every
   value allows is remembered by the action alone.
3. A new generation answers from the next question on, also for callers that are in use: nothing is remembered across
   generations.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rolecall.callers.caller import FOREVER, NO_ACCESS_KEYS, AccessKeys
from rolecall.callers.credential import Credential
from rolecall.callers.granted import NO_POLICIES, CallersGeneration, GrantedRights, new_number
from rolecall.callers.observation import ObservePeriod
from rolecall.callers.remembered_rights import DENIED, RememberedRight, RememberedRights, RightsKey
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.evaluator import Outcome
from rolecall.policy.keys import PRINCIPAL_ARN, RESOURCE_TAG_PREFIX
from rolecall.policy.permission.evaluator import AccessEvaluation, evaluate_access
from rolecall.policy.permission.explain import PermissionTrace, explain_access
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.policy.readers import fold

CALLER = "rolecall:Caller"
SOURCE_IP = "acs:SourceIp"
SECURE_TRANSPORT = "acs:SecureTransport"
MFA_PRESENT = "acs:MFAPresent"


class CurrentCallers(Protocol):
    """What the rights of every caller depend on; `CallerDirectory` maintains it."""

    current: CallersGeneration
    remembered: RememberedRights
    observe: ObservePeriod | None
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOrigin:
    """How a credential arrived: from which IP address (empty: none), over TLS or not, and beside which certificate."""

    source_ip: str
    secure: bool
    certificate: Credential | None = None


class _View:
    """The rights of one caller in one generation, and the values of the keys that are its own.

    `access_keys` are those keys that the policies read from the access, and `access_key` is the only one, if it is one.
    `always` is that of its policies, read once more often than anything else.
    """

    __slots__ = (
        "_access_slots",
        "_own",
        "access_key",
        "access_keys",
        "always",
        "generation",
        "granted",
        "reads_tags",
        "valid_until",
    )

    def __init__(
        self, generation: CallersGeneration, granted: GrantedRights, own: Mapping[str, tuple[str, ...]]
    ) -> None:
        keys = granted.policy_set.permissions.keys
        self.generation, self.granted, self.always = generation, granted, granted.policy_set.always
        self.valid_until = FOREVER if granted.valid_until is None else granted.valid_until
        self.reads_tags = any(key.startswith(RESOURCE_TAG_PREFIX) for key in keys)
        self._own: tuple[RequestedValues, ...] = tuple(own.get(key) for key in keys)
        # The caller's own values win: an access cannot replace them.
        self._access_slots = tuple((slot, key) for slot, key in enumerate(keys) if key not in own)
        self.access_keys = tuple(key for _, key in self._access_slots)
        self.access_key = self.access_keys[0] if len(self.access_keys) == 1 else ""

    @property
    def identity(self) -> Hashable:
        """Return what the rights depend on within the generation, now and when an entry ends."""
        granted = self.granted
        return granted.entries, granted.policies, granted.principal, granted.refusal, self.valid_until, self._own

    def values(self, keys: AccessKeys) -> tuple[RequestedValues, ...]:
        """Return the values of all keys that the policies read, for an access with these keys."""
        values = list(self._own)
        for slot, key in self._access_slots:
            values[slot] = keys.get(key)
        return tuple(values)


class KnownCaller:
    """A `Caller`: a credential on connections from one address."""

    __slots__ = ("_callers", "_origin", "_view", "credential", "number")

    def __init__(self, callers: CurrentCallers, credential: Credential, origin: CredentialOrigin) -> None:
        self.credential, self._callers, self._origin = credential, callers, origin
        self._view = self._renewed()
        self.number = self._view.generation.number_of(self._view.identity)

    @property
    def principal(self) -> Principal | None:
        """Return what the caller is in RAM's terms; None if no entry of the callers file says so."""
        return self.granted.principal

    @property
    def generation(self) -> str:
        """Return the hash of the callers file that gives the rights; empty without a file."""
        return self._current().generation.hash

    @property
    def granted(self) -> GrantedRights:
        """Return what gives the rights."""
        return self._current().granted

    @property
    def entries(self) -> tuple[str, ...]:
        """Return the names of the entries of the callers file that apply to the caller."""
        return self.granted.entries

    @property
    def policies(self) -> tuple[str, ...]:
        """Return the names of the policies that give the caller its rights."""
        return self.granted.policies

    @property
    def reads_tags(self) -> bool:
        """Return whether any of its policies reads `acs:ResourceTag/...`, so that an access must have these keys."""
        return self._current().reads_tags

    def allows(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> bool:
        """Return whether the caller may do `action` (`PRODUCT:Name`) on `resource` (an ARN, or `*`) now. Remembered.

        In the observe period the answer is yes, and a denial is noted. May be called on any thread.
        """
        view = self._view
        if view.generation is self._callers.current and view.valid_until == FOREVER and view.always.get(action):
            return True
        return self.allowed_until(action, resource, keys) is not None

    def allowed_until(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> int | None:
        """Return None if `allows` would return False, else until when, in microseconds since the epoch, that answer stands.

        What a service remembers with the caller until then stands for the generation of the file that was in use: after a
        change, the directory returns another caller for the same credential.
        """
        view, callers = self._view, self._callers
        if view.generation is not callers.current or view.valid_until != FOREVER:
            view = self._current()
        if view.granted.policy_set.always_allows(action):
            return view.valid_until
        # Of the values, those of the access: the caller's own are the same for the view.
        key: RightsKey = (view, action, resource)
        if view.access_key:
            key = (view, action, resource, keys.get(view.access_key))
        elif view.access_keys:
            key = (view, action, resource, tuple([keys.get(key) for key in view.access_keys]))
        known = callers.remembered.get(key)
        if known is None or (known.valid_until != FOREVER and callers.clock() >= known.valid_until):
            known = self._evaluate(view, key, action, resource, keys)
        return known.valid_until if known.allowed else self._observed(action, resource)

    def reaches(self, action: str) -> bool:
        """Return whether the caller may do `action` on anything; in the observe period the answer is yes, and nothing is noted."""
        granted, callers = self._current().granted, self._callers
        if callers.observe is not None and callers.clock() < callers.observe.until:
            return True
        folded = fold(action)
        return any(not s.denies and s.matches_action(folded) for s in granted.policy_set.permissions.statements)

    def explain(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> AccessEvaluation | None:
        """Return the evaluation of a question without the observe period; None if the caller has no policies at all."""
        view = self._current()
        policies = view.granted.policy_set
        if policies is NO_POLICIES:
            return None
        return evaluate_access(policies.permissions, action, resource, view.values(keys), self._callers.clock())

    def trace(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> tuple[PermissionTrace, ...]:
        """Return what each statement of the caller's policies says about a question; raise `ValueError` if it is malformed."""
        view, now = self._current(), self._callers.clock()
        policies = view.granted.policy_set
        return explain_access(policies.documents, policies.permissions, action, resource, view.values(keys), now)

    def _observed(self, action: str, resource: str) -> int | None:
        """Return the answer to what is denied: in the observe period it is allowed, and to be asked again every time."""
        observe, now = self._callers.observe, self._callers.clock()
        if observe is None or now >= observe.until:
            return None
        observe.note(self.credential, action, resource)
        return now

    def _evaluate(self, view: _View, key: RightsKey, action: str, resource: str, keys: AccessKeys) -> RememberedRight:
        policies = view.granted.policy_set
        if policies is NO_POLICIES:
            return DENIED
        values = view.values(keys)
        evaluation = evaluate_access(policies.permissions, action, resource, values, self._callers.clock())
        until = view.valid_until if evaluation.valid_until is None else min(view.valid_until, evaluation.valid_until)
        texts = len(action) + len(resource) + sum(len(text) for given in values for text in given or ())
        return self._callers.remembered.put(key, texts, allowed=evaluation.outcome is Outcome.ALLOW, valid_until=until)

    def _current(self) -> _View:
        """Return the view of the current generation, without entries that have ended."""
        view, callers = self._view, self._callers
        if view.generation is callers.current and (view.valid_until == FOREVER or callers.clock() < view.valid_until):
            return view
        self._view = view = self._renewed()
        # Others that had its number may have other rights now.
        self.number = new_number()
        return view

    def _renewed(self) -> _View:
        generation, origin = self._callers.current, self._origin
        granted = generation.granted(self.credential, origin.certificate, self._callers.clock())
        return _View(generation, granted, _own_keys(self.credential, origin, granted.principal))


def _own_keys(
    credential: Credential, origin: CredentialOrigin, principal: Principal | None
) -> Mapping[str, tuple[str, ...]]:
    """Return the condition keys that are the caller's own; an absent one has no values, so that no access can set it."""
    named = principal is not None and principal.kind in (PrincipalKind.USER, PrincipalKind.ROLE)
    return {
        CALLER: (credential.identity,),
        SOURCE_IP: (origin.source_ip,) if origin.source_ip else (),
        SECURE_TRANSPORT: ("true" if origin.secure else "false",),
        MFA_PRESENT: ("false",),
        PRINCIPAL_ARN: (str(principal),) if named else (),
    }
