"""The decision point: may this principal assume this role? It answers from memory, without I/O."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

from rolecall.engine.cache import CompiledPolicies, DecisionCache, DecisionKey, Encode
from rolecall.engine.decision import Answer, Decision, Reason, ServedFrom, Side
from rolecall.engine.errors import QuestionTooCostlyError, UnreadablePolicyError
from rolecall.engine.limits import MIN_DURATION_SECONDS
from rolecall.engine.request import AssumeRoleRequest, derived_values, duration_violation
from rolecall.engine.snapshot import RoleVersion, Snapshot
from rolecall.policy.compiled_conditions import RequestedValues
from rolecall.policy.compiler import CompiledPolicy, compile_policy
from rolecall.policy.document import TrustPolicy
from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.evaluator import estimated_work, evaluate
from rolecall.policy.keys import PRINCIPAL_ARN, RESOURCE_TAG_PREFIX
from rolecall.policy.limits import Limits
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import PrincipalKind
from rolecall.policy.work import LONG_WORK, WORK_BUDGET
from rolecall.roles.role import Role

# A stored document was within the limits when it was written; stricter ones set since must not make it unreadable.
_NO_LIMITS = Limits(
    max_document_bytes=sys.maxsize,
    max_statements=sys.maxsize,
    max_principals=sys.maxsize,
    max_condition_keys=sys.maxsize,
    max_patterns=sys.maxsize,
    max_pattern_characters=sys.maxsize,
    max_total_pattern_characters=sys.maxsize,
    max_pattern_stars=sys.maxsize,
)

LARGE_DOCUMENT_CHARACTERS = 4_096
"""A document of this length is parsed and compiled in less than ten milliseconds."""

NOT_FOUND = Decision(reason=Reason.ROLE_NOT_FOUND, trust_side=Side.NOT_EVALUATED, role=None)


class LongWorkError(Exception):
    """The answer needs long work, for which the caller must wait for a turn; `version` is that of the role.

    Not an `EngineError`: nobody outside the server sees it.
    """

    def __init__(self, version: RoleVersion) -> None:
        self.version = version
        super().__init__(f"the answer about `{version.role.arn}` needs long work")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionOptions:
    """How many decisions (0: none) and compiled policies to cache, and how many bytes of each.

    With `source_identity_needs_allow` a request with a source identity also needs an Allow of `sts:SetSourceIdentity`.
    """

    cache_entries: int = 50_000
    cache_bytes: int = 64 * 1024 * 1024
    compiled_policies: int = 10_000
    compiled_policy_bytes: int = 64 * 1024 * 1024
    source_identity_needs_allow: bool = False


class DecisionPoint:
    """Decides requests about the roles of a snapshot. For one event loop; no method awaits.

    `clock` returns microseconds since the epoch; `encode` gives each answer its encoded form.
    """

    def __init__(
        self, snapshot: Snapshot, options: DecisionOptions, clock: Callable[[], int], encode: Encode | None = None
    ) -> None:
        self.snapshot = snapshot
        self.cache = DecisionCache(options.cache_entries, options.cache_bytes, encode)
        self.compiled = CompiledPolicies(options.compiled_policies, options.compiled_policy_bytes)
        self.clock = clock
        self.decided = {(reason, served): 0 for reason in Reason for served in ServedFrom}
        self._source_identity_needs_allow = options.source_identity_needs_allow
        self._not_found = self.cache.uncached(NOT_FOUND)

    def check(self, request: AssumeRoleRequest, now: int) -> Answer:
        """Decide a request at the time `now`, in microseconds, however long that takes.

        Raise `InvalidRequestError` when the requested session is too short or too long, `UnreadablePolicyError`, and
        `QuestionTooCostlyError`.
        """
        snapshot = self.snapshot
        return self.check_version(
            request, snapshot.version(request.role_key), now, restored=snapshot.restored, long=True
        )

    def check_version(
        self, request: AssumeRoleRequest, version: RoleVersion | None, now: int, *, restored: bool, long: bool = False
    ) -> Answer:
        """Decide a request as `check` does, by a version of its role (None: there is no such role) of a state.

        `restored` is that of the state. Raise `LongWorkError` when the answer needs long work and `long` is not set.
        """
        answer = self.cache.last_answer(request, version, now)
        if answer is None:
            answer = self._decide(version, request, now, long=long)
            if request.expires_at is not None:
                answer = _until_expiry(answer, request, request.expires_at)
        if restored:
            answer = Answer(answer.decision, ServedFrom.RESTORED, answer.encoded)
        self.decided[answer.decision.reason, answer.served_from] += 1
        return answer

    def remembered(
        self, requests: Sequence[AssumeRoleRequest], versions: Sequence[RoleVersion | None], now: int
    ) -> list[Answer] | None:
        """Return what `check_version` answers to requests if it remembers all of these answers, of no restored state."""
        answers = self.cache.last_answers(requests, versions, now)
        # Each of them came from the cache.
        for reason, count in Counter([answer.decision.reason for answer in answers or ()]).items():
            self.decided[reason, ServedFrom.CACHED] += count
        return answers

    def evaluated(
        self, version: RoleVersion, request: AssumeRoleRequest, now: int, known: Container[int] | None = None
    ) -> Decision:
        """Evaluate the policy of a version without reading or filling the cache; `known` is as in `evaluate`.

        Raise `UnreadablePolicyError` and `QuestionTooCostlyError`.
        """
        policy = self.compiled_policy(version)
        key = DecisionKey(version.identified(), request.principal, self.values(version, policy, request))
        affordable_work(policy, version.role, key.values)
        return ended_at(request.expires_at, _evaluate(policy, key, now, known))

    def compiled_policy(self, version: RoleVersion) -> CompiledPolicy:
        """Return the compiled policy of a version; raise `UnreadablePolicyError`."""
        if version.policy is None:
            policy = self.compile(version.role)
            self.adopt(version, policy)
            return policy
        return version.policy

    def compile(self, role: Role) -> CompiledPolicy:
        """Compile the policy of a role, on any thread; raise `UnreadablePolicyError`."""
        return compile_policy(stored_policy(role), source_identity_needs_allow=self._source_identity_needs_allow)

    def adopt(self, version: RoleVersion, policy: CompiledPolicy) -> None:
        """Set the compiled policy of a version, which has none; that of a current version is cached."""
        version.policy = policy
        version.derived = tuple((slot, key) for slot, key in enumerate(policy.keys) if _is_derived(key))
        # Nobody asks again for a version that was replaced, or read from the history: its policy ends with it.
        if self.snapshot.version(version.role.key) is version:
            self.compiled.add(version, policy.weight)

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

    def _decide(self, version: RoleVersion | None, request: AssumeRoleRequest, now: int, *, long: bool) -> Answer:
        gated = precondition(version, request)
        if isinstance(gated, Decision):
            return self._not_found if gated is NOT_FOUND else self.cache.uncached(gated)
        if gated.policy is None and not long and is_large(gated.role):
            raise LongWorkError(gated)
        policy = self.compiled_policy(gated)
        key = DecisionKey(gated.identified(), request.principal, self.values(gated, policy, request))
        answer = self.cache.get(request, key, now)
        if answer is not None:
            return answer
        if policy.work is not None and affordable_work(policy, gated.role, key.values) > LONG_WORK and not long:
            raise LongWorkError(gated)
        return self.cache.put(request, key, _evaluate(policy, key, now))


def ended_at(expires_at: int | None, decision: Decision) -> Decision:
    """Return the decision on an identity whose token expires at a time (None: never), at which the decision ends, too."""
    until = decision.valid_until
    if expires_at is None or (until is not None and until <= expires_at):
        return decision
    return replace(decision, valid_until=expires_at)


def _until_expiry(answer: Answer, request: AssumeRoleRequest, expires_at: int) -> Answer:
    """Return the answer on an identity whose token expires; other requests share its decision without that end."""
    request.last_answer = None
    decision = ended_at(expires_at, answer.decision)
    return answer if decision is answer.decision else Answer(decision, answer.served_from)


def is_large(role: Role) -> bool:
    """Return whether the trust policy of a role is so large that reading it would delay other calls."""
    return len(role.document) > LARGE_DOCUMENT_CHARACTERS


def precondition(version: RoleVersion | None, request: AssumeRoleRequest) -> Decision | RoleVersion:
    """Return the decision on a request that no policy is read for, or the version whose policy decides.

    1. A role that does not exist is not found.
    2. An account root is denied, even where the policy names it.
    3. The session must be as long as the role allows: raise `InvalidRequestError`.
    """
    if version is None:
        return NOT_FOUND
    if request.principal.kind is PrincipalKind.ROOT:
        return Decision(reason=Reason.ROOT_NOT_ALLOWED, trust_side=Side.NOT_EVALUATED, role=version.identified())
    seconds, maximum = request.duration_seconds, version.role.max_session_duration_seconds
    if seconds and not MIN_DURATION_SECONDS <= seconds <= maximum:
        raise duration_violation(seconds, maximum)
    return version


def stored_policy(role: Role) -> TrustPolicy:
    """Return the trust policy of a stored role; raise `UnreadablePolicyError`."""
    try:
        return parse_policy(role.document, limits=_NO_LIMITS)
    except InvalidPolicyError as error:
        raise UnreadablePolicyError(role.arn) from error


def affordable_work(policy: CompiledPolicy, role: Role, values: tuple[RequestedValues, ...]) -> int:
    """Return the work that the values take with the policy of a role; raise `QuestionTooCostlyError` over the budget."""
    work = estimated_work(policy, values)
    require_within(WORK_BUDGET, work, role)
    return work


def require_within(budget: int, work: int, role: Role) -> None:
    """Raise `QuestionTooCostlyError` if the work of a question about a role is over a budget."""
    if work > budget:
        raise QuestionTooCostlyError(role.arn, work, budget)


def _evaluate(policy: CompiledPolicy, key: DecisionKey, now: int, known: Container[int] | None = None) -> Decision:
    role = key.role
    evaluation = evaluate(policy, key.principal, role.account_id, key.values, now, known=known)
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
