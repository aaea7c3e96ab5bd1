"""The decision point: may this principal assume this role? Answers from memory alone, with no I/O."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from rolecall.engine.cache import CompiledForms, DecisionCache, DecisionKey
from rolecall.engine.decision import Answer, Decision, Reason, ServedFrom, Side
from rolecall.engine.errors import UnreadablePolicyError
from rolecall.engine.request import AssumeRoleRequest, derived_values, duration_violation
from rolecall.engine.snapshot import RoleVersion, Snapshot
from rolecall.policy.compiler import CompiledPolicy, RequestedValues, compile_policy
from rolecall.policy.document import TrustPolicy
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.evaluator import evaluate
from rolecall.policy.keys import PRINCIPAL_ARN, RESOURCE_TAG_PREFIX
from rolecall.policy.limits import Limits
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import PrincipalKind
from rolecall.roles.role import Role

MIN_DURATION_SECONDS = 900

# A stored document passed the limits of the day it was written; stricter ones of today must not make it unreadable.
_AS_STORED = Limits(
    max_document_bytes=sys.maxsize,
    max_statements=sys.maxsize,
    max_principals=sys.maxsize,
    max_condition_keys=sys.maxsize,
    max_pattern_characters=sys.maxsize,
    max_pattern_stars=sys.maxsize,
)

NOT_FOUND = Decision(reason=Reason.ROLE_NOT_FOUND, trust_side=Side.NOT_EVALUATED, role=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionOptions:
    """How much a decision point remembers: decisions (0: none), and compiled trust policies.

    With `source_identity_needs_allow` a request with a source identity needs an Allow of `sts:SetSourceIdentity` too.
    """

    cache_entries: int = 50_000
    compiled_policies: int = 10_000
    source_identity_needs_allow: bool = False


class DecisionPoint:
    """Answers questions about the roles of a snapshot. For one event loop; nothing here waits."""

    def __init__(self, snapshot: Snapshot, options: DecisionOptions, clock: Callable[[], int]) -> None:
        self.snapshot = snapshot
        self.cache = DecisionCache(options.cache_entries)
        self.compiled = CompiledForms(options.compiled_policies)
        self.clock = clock
        self.decided = {(reason, served): 0 for reason in Reason for served in ServedFrom}
        self._options = options

    def check(self, request: AssumeRoleRequest, now: int) -> Answer:
        """Decide one question at the time `now`, in microseconds.

        Raise `InvalidRequestError` when the session asked for is too short or too long, and `UnreadablePolicyError`.
        """
        version = self.snapshot.version(request.role_key)
        answer = request.answered
        if answer is not None and request.answered_by is version and answer.stands_at(now):
            self.cache.hits += 1
        else:
            answer = self._decide(version, request, now)
        if self.snapshot.restored:
            answer = Answer(answer.decision, ServedFrom.RESTORED)
        self.decided[answer.decision.reason, answer.served_from] += 1
        return answer

    def compiled_policy(self, version: RoleVersion) -> CompiledPolicy:
        """Return the compiled form of a version, made on first use; raise `UnreadablePolicyError`."""
        if version.policy is None:
            policy = compile_policy(
                stored_policy(version.role), source_identity_needs_allow=self._options.source_identity_needs_allow
            )
            version.derived = tuple((slot, key) for slot, key in enumerate(policy.keys) if _is_derived(key))
            version.policy = policy
            self.compiled.keep(version)
        return version.policy

    def values(
        self, version: RoleVersion, policy: CompiledPolicy, request: AssumeRoleRequest
    ) -> tuple[RequestedValues, ...]:
        """Return the values of the keys that the policy reads, in the order of `policy.keys`."""
        if not version.derived:
            return tuple(map(request.keys.get, policy.keys))
        values = list(map(request.keys.get, policy.keys))
        for slot, key in version.derived:
            values[slot] = derived_values(request.principal, version.role.tags, key)
        return tuple(values)

    def evaluated(self, version: RoleVersion, policy: CompiledPolicy, request: AssumeRoleRequest, now: int) -> Decision:
        """Decide anew, remembering nothing."""
        return _evaluate(policy, DecisionKey(version, request.principal, self.values(version, policy, request)), now)

    def _decide(self, version: RoleVersion | None, request: AssumeRoleRequest, now: int) -> Answer:
        if version is None:
            return Answer(NOT_FOUND, ServedFrom.EVALUATED)
        if request.principal.kind is PrincipalKind.ROOT:
            return Answer(root_refused(version.role), ServedFrom.EVALUATED)
        if request.duration_seconds:
            check_duration(request.duration_seconds, version.role)
        policy = self.compiled_policy(version)
        key = DecisionKey(version, request.principal, self.values(version, policy, request))
        answer = self.cache.get(key, now)
        if answer is None:
            decision = _evaluate(policy, key, now)
            request.answered, request.answered_by = self.cache.put(key, decision), version
            return Answer(decision, ServedFrom.EVALUATED)
        request.answered, request.answered_by = answer, version
        return answer


def stored_policy(role: Role) -> TrustPolicy:
    """Return the trust policy of a stored role; raise `UnreadablePolicyError`."""
    try:
        return parse_policy(role.document, limits=_AS_STORED)
    except InvalidPolicyError as error:
        raise UnreadablePolicyError(role.arn) from error


def check_duration(given: int, role: Role) -> None:
    """Raise `InvalidRequestError` when a session of `given` seconds is not allowed for the role."""
    if not MIN_DURATION_SECONDS <= given <= role.max_session_duration_seconds:
        raise duration_violation(given, role.max_session_duration_seconds)


def root_refused(role: Role) -> Decision:
    """Return the answer for an account root, whatever the policy says."""
    return Decision(reason=Reason.ROOT_NOT_ALLOWED, trust_side=Side.NOT_EVALUATED, role=role)


def _evaluate(policy: CompiledPolicy, key: DecisionKey, now: int) -> Decision:
    role = key.version.role
    evaluation = evaluate(policy, key.principal, role.account_id, key.values, now)
    return Decision(
        reason=Reason(evaluation.outcome.value),
        trust_side=Side(evaluation.outcome.value),
        role=role,
        determining=tuple([statement.name for statement in evaluation.determining]),
        missing_keys=evaluation.missing_keys,
        vary_keys=policy.keys,
        valid_from=evaluation.valid_from,
        valid_until=evaluation.valid_until,
    )


def _is_derived(key: str) -> bool:
    return key == PRINCIPAL_ARN or key.startswith(RESOURCE_TAG_PREFIX)
