"""Decisions on the wire: queries become requests, answers become messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.engine.cache import REQUEST_CACHE_BYTES, RequestCache
from rolecall.engine.consistency import AtLeastAsFresh, FullyConsistent, Requirement
from rolecall.engine.decision import Answer, Decision, Reason, ServedFrom, Side
from rolecall.engine.errors import InvalidRequestError, NotAvailableError
from rolecall.engine.request import (
    NO_KEYS,
    AssumeRoleRequest,
    claim_keys,
    context_keys,
    field_keys,
    read_principal,
    read_provider,
    read_role_key,
)
from rolecall.policy.principal import Principal
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import FieldViolation
from rolecall.transport.codecs.federation import Federation, RefusedIdentityError
from rolecall_client.v1 import decision_pb2 as pb

_MICROS = 1_000_000
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799

_REASON: dict[Reason, Any] = {reason: pb.DecisionReason.Value(f"DECISION_REASON_{reason}") for reason in Reason}
_SIDE: dict[Side, Any] = {side: pb.SideOutcome.Value(f"SIDE_OUTCOME_{side}") for side in Side}
_SERVED: dict[ServedFrom, Any] = {served: pb.ServedFrom.Value(f"SERVED_FROM_{served}") for served in ServedFrom}


MALFORMED_QUERY = InvalidRequestError(
    [FieldViolation(field="query", reason="MALFORMED_MESSAGE", message="the bytes are not a message of this type")]
)


class QueryDecoder:
    """Makes requests of queries, which are cached by the bytes of the query.

    What a query means depends on its bytes, and on `federation` where it has a federated identity: `federation_changed` drops
    all requests, and one whose token was verified is not cached. Without `federation` no token can be verified.
    """

    def __init__(
        self, accounts: Accounts, *, cache_bytes: int = REQUEST_CACHE_BYTES, federation: Federation | None = None
    ) -> None:
        self._accounts, self._federation = accounts, federation
        self.cache = RequestCache(lambda data: self.read(pb.AssumeRoleQuery.FromString(data)), max_bytes=cache_bytes)
        self.request = self.cache.get
        """Returns the request of a query given as bytes; raises as `read`, or `DecodeError`."""

    def federation_changed(self) -> None:
        """Read all queries again: what providers are known, and what may be asserted of them, has changed."""
        self.cache.clear()

    def read(self, query: pb.AssumeRoleQuery) -> AssumeRoleRequest:
        """Return the request of a query; raise `InvalidRequestError` with every violation, `RefusedIdentityError` alone."""
        try:
            return self._read(query)
        except RefusedIdentityError:
            raise
        except InvalidRequestError:
            raise InvalidRequestError(self._violations(query)) from None

    def _read(self, query: pb.AssumeRoleQuery) -> AssumeRoleRequest:
        keys: dict[str, tuple[str, ...]] = {}
        principal, expires_at = self._identity(query, keys)
        role_key = read_role_key(self._accounts, query.role)
        if query.context:
            keys |= context_keys(_plain(query.context))
        keys |= _fields(query)
        return AssumeRoleRequest(principal, role_key, keys, query.duration_seconds, expires_at)

    def _violations(self, query: pb.AssumeRoleQuery) -> list[FieldViolation]:
        """Read each part separately, so that an error in one does not hide those in the others."""
        parts: tuple[Callable[[], object], ...] = (
            lambda: self._identity(query, {}),
            lambda: read_role_key(self._accounts, query.role),
            lambda: context_keys(_plain(query.context)),
            lambda: _fields(query),
        )
        return [violation for part in parts for violation in _violations_of(part)]

    def _identity(self, query: pb.AssumeRoleQuery, keys: dict[str, tuple[str, ...]]) -> tuple[Principal, int | None]:
        """Return the principal and when its token expires, if one was verified; add its keys."""
        match query.WhichOneof("identity"):
            case "principal":
                return read_principal(query.principal), None
            case "federated":
                provider = read_provider(query.federated.provider_arn)
                claims = claim_keys(provider, _plain(query.federated.claims))
                if self._federation:
                    self._federation.require_assertable(provider, claims)
                keys |= claims
                return provider, None
            case "oidc":
                return self._verified(query.oidc, keys)
            case "oidc_token":
                raise NotAvailableError("`oidc_token` (send `oidc`, with the provider and the token)")
        text = "set `principal`, or `oidc` or `federated` for an identity that an identity provider vouches for"
        raise InvalidRequestError([FieldViolation(field="identity", reason="REQUIRED", message=text)])

    def _verified(self, identity: pb.OidcIdentity, keys: dict[str, tuple[str, ...]]) -> tuple[Principal, int]:
        provider = read_provider(identity.provider_arn, "oidc.provider_arn")
        if self._federation is None:
            raise NotAvailableError("verifying a token without a server")
        proved = self._federation.verified(provider, identity.token)
        keys |= claim_keys(provider, proved.keys)
        return provider, proved.expires_at


def requirement(message: pb.Consistency) -> Requirement:
    """Return the freshness that a message requires; raise `InvalidRequestError` for a mode that is given as false."""
    match message.WhichOneof("requirement"):
        case None:
            return None
        case "at_least_as_fresh":
            return AtLeastAsFresh(message.at_least_as_fresh)
        case "minimize_latency" if message.minimize_latency:
            return None
        case "fully_consistent" if message.fully_consistent:
            return FullyConsistent()
        case mode:
            text = f"`{mode}` is given as false; leave it out, or choose another mode"
            raise InvalidRequestError(
                [FieldViolation(field=f"consistency.{mode}", reason="INVALID_CONSISTENCY", message=text)]
            )


def write_answer(
    message: pb.Decision, answer: Answer, decision_id: str, revision: int, staleness: int = 0, *, now: int
) -> None:
    """Fill an empty message with an answer that is given at the time `now`; times are in microseconds."""
    message.MergeFromString(answer.encoded or encode_decision(answer.decision))
    message.decision_id = decision_id
    message.revision = revision
    message.served_from = _SERVED[answer.served_from]
    # The encoded decision has a staleness of 0 already.
    if staleness:
        message.staleness.FromMicroseconds(staleness)
    if answer.decision.valid_until is not None:
        message.valid_for.CopyFrom(duration(remaining_millis(answer.decision, now) * 1_000))


def remaining_millis(decision: Decision, now: int) -> int:
    """Return for how many whole milliseconds from `now` a decision holds that has an end; 0 if it does not hold at `now`."""
    since, until = decision.valid_from, decision.valid_until
    return 0 if until is None or now >= until or (since is not None and now < since) else (until - now) // 1_000


def encode_decision(decision: Decision) -> bytes:
    """Return the bytes of those fields of a `Decision` message that all answers with this decision share."""
    message = pb.Decision(
        allowed=decision.allowed,
        reason=_REASON[decision.reason],
        trust_side=_SIDE[decision.trust_side],
        identity_side=_SIDE[decision.identity_side],
    )
    for s in decision.determining:
        message.determining_statements.add(index=s.index, sid=s.sid, pointer=f"/Statement/{s.index}")
    if decision.missing_keys:
        message.missing_keys.extend(decision.missing_keys)
    if decision.vary_keys:
        message.vary_keys.extend(decision.vary_keys)
    message.staleness.SetInParent()
    if decision.role is not None:
        message.role_id = decision.role.role_id
        message.max_session_duration_seconds = decision.role.max_session_duration_seconds
    if decision.valid_until is not None:
        message.valid_until.CopyFrom(timestamp(decision.valid_until))
    return message.SerializeToString()


def timestamp(micros: int) -> Timestamp:
    """Return a time as a message."""
    seconds, rest = divmod(micros, _MICROS)
    return Timestamp(seconds=seconds, nanos=rest * 1_000)


def duration(micros: int) -> Duration:
    """Return a time that passes, which is not negative, as a message."""
    seconds, rest = divmod(micros, _MICROS)
    return Duration(seconds=seconds, nanos=rest * 1_000)


def micros_of(message: Timestamp, field: str) -> int:
    """Return a time in microseconds, rounded down; raise `InvalidRequestError` outside the years 1 to 9999."""
    if not (_FIRST_SECOND <= message.seconds <= _LAST_SECOND and 0 <= message.nanos < 1_000_000_000):
        text = "must be a time of the years 1 to 9999 with 0 to 999,999,999 nanoseconds"
        raise InvalidRequestError([FieldViolation(field=field, reason="INVALID_TIME", message=text)])
    return message.seconds * _MICROS + message.nanos // 1_000


def _plain(messages: Mapping[str, pb.ConditionValues]) -> dict[str, tuple[str, ...]]:
    # A map has no order: a query with several faults is always refused for the same one.
    return {key: tuple(messages[key].values) for key in sorted(messages)}


def _fields(query: pb.AssumeRoleQuery) -> Mapping[str, tuple[str, ...]]:
    session, external, source = query.role_session_name, query.external_id, query.source_identity
    if not (session or external or source):
        return NO_KEYS
    return field_keys(role_session_name=session, external_id=external, source_identity=source)


def _violations_of(part: Callable[[], object]) -> tuple[FieldViolation, ...]:
    try:
        part()
    except InvalidRequestError as error:
        return error.violations
    return ()
