"""Decisions on the wire become records of decisions."""

from __future__ import annotations

from rolecall.engine.decision import Reason, ServedFrom, Side
from rolecall.engine.decision_record import DecisionRecord, RecordedCall, RecordedStatement
from rolecall.engine.snapshot import Snapshot
from rolecall.roles.role import Revision, RoleRef
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall_client.v1 import decision_pb2 as pb

_REASON: dict[int, Reason] = {pb.DecisionReason.Value(f"DECISION_REASON_{reason}"): reason for reason in Reason}
_SIDE: dict[int, Side] = {pb.SideOutcome.Value(f"SIDE_OUTCOME_{side}"): side for side in Side}
_SERVED: dict[int, ServedFrom] = {pb.ServedFrom.Value(f"SERVED_FROM_{served}"): served for served in ServedFrom}
_NANOS_A_MILLISECOND = 1_000_000


class RecordDecoder:
    """Makes records of questions and their answers. To be asked before the state changes again."""

    def __init__(self, decoder: QueryDecoder, snapshot: Snapshot) -> None:
        self._decoder, self._snapshot = decoder, snapshot

    def record(self, query: pb.AssumeRoleQuery, answer: pb.Decision, call: RecordedCall, now: int) -> DecisionRecord:
        """Return the record of a question that was answered at the time `now`."""
        request = self._decoder.request(query)
        role_arn, role_revision = self._role(request.role_key, answer, call)
        return DecisionRecord(
            decision_id=answer.decision_id,
            time=now,
            call=call,
            request=request,
            role_arn=role_arn,
            role_id=answer.role_id,
            role_revision=role_revision,
            reason=_REASON[answer.reason],
            trust_side=_SIDE[answer.trust_side],
            identity_side=_SIDE[answer.identity_side],
            revision=answer.revision,
            served_from=_SERVED[answer.served_from],
            staleness_ms=answer.staleness.seconds * 1_000 + answer.staleness.nanos // _NANOS_A_MILLISECOND,
            statements=tuple([RecordedStatement(s.pointer, s.sid) for s in answer.determining_statements]),
            missing_keys=tuple(answer.missing_keys),
        )

    def _role(self, key: str, answer: pb.Decision, call: RecordedCall) -> tuple[str, Revision | None]:
        """Return the role's name, and the version that decided if it is the one that is held still."""
        version = self._snapshot.version(key)
        if version is None:
            account_id, _, name = key.partition("/")
            return RoleRef(account_id, name).arn, None
        role = version.role
        held_then = role.role_id == answer.role_id and role.revision <= answer.revision and call.at_revision is None
        return role.arn, role.revision if held_then else None
