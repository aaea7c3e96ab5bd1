"""Judges answers by the evaluator and the model; every sentence it yields is a mismatch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from google.protobuf.timestamp_pb2 import Timestamp

from rolecall_client.v1 import decision_pb2 as d
from tests.soak.answers import Answered
from tests.soak.evaluator import LAST, Asked, Read, Verdict, decide, keys_read, reads
from tests.soak.model import Model, Stored, key_of_text
from tests.soak.vocabulary import PLAIN_SERVICE

_REASONS = {value: name.removeprefix("DECISION_REASON_") for name, value in d.DecisionReason.items()}
_SIDES = {value: name.removeprefix("SIDE_OUTCOME_") for name, value in d.SideOutcome.items()}
_WITHOUT_POLICY = ("ROLE_NOT_FOUND", "ROOT_NOT_ALLOWED")
_NOT_A_QUERY = "INVALID_ARGUMENT"
_SHORTEST_SESSION = 900


class Judge:
    """Judges the answers of one round, and remembers the verdict on a repeated question between two instants of change."""

    def __init__(self, model: Model) -> None:
        self._model = model
        # By the identities of a question and a role, which are stored with the verdict so that they stay alive.
        self._verdicts: dict[tuple[int, int, int], tuple[Verdict, Asked, Stored]] = {}
        self._given: dict[tuple[int, int], set[Verdict]] = {}

    @property
    def changed_by_time(self) -> int:
        """Return how many questions about one version of a role were answered in two ways, as time went by."""
        return sum(len(given) > 1 for given in self._given.values())

    def mismatches(self, answered: Answered) -> Iterator[str]:
        """Yield what is wrong with an answer."""
        key = key_of_text(answered.asked.role)
        if answered.decision is None:
            yield from self._of_error(answered, key)
            return
        decision = answered.decision
        if is_malformed(answered.asked):
            yield "a malformed question was answered"
        else:
            least, most = self._revisions(answered, decision)
            if least <= decision.revision <= most:
                yield from self._of_decision(answered, decision, self._model.at(key, decision.revision))
            else:
                yield f"the answer is of revision {decision.revision}, not of {least} to {most}"

    def _revisions(self, answered: Answered, decision: d.Decision) -> tuple[int, int]:
        """Return the oldest and the newest revision that an answer may be of."""
        if answered.past is not None:
            return answered.past, answered.past
        # The state that decided has every write that was acknowledged before its age began.
        young = answered.sent - decision.staleness.ToMicroseconds()
        return max(answered.least, self._model.acknowledged_before(young)), self._model.revision

    def _of_error(self, answered: Answered, key: str) -> Iterator[str]:
        if not answered.error.startswith(_NOT_A_QUERY):
            yield f"no decision: {answered.error}"
        elif not is_malformed(answered.asked):
            first = answered.least if answered.past is None else answered.past
            last = self._model.revision if answered.past is None else answered.past
            if not any(is_too_long(answered.asked, role) for role in self._model.between(key, first, last)):
                yield f"a question was refused that is well-formed: {answered.error}"

    def _of_decision(self, answered: Answered, decision: d.Decision, role: Stored | None) -> Iterator[str]:
        if is_too_long(answered.asked, role):
            yield f"a session of {answered.asked.duration} seconds was not refused"
            return
        verdicts = self._possible_verdicts(answered, role)
        given = given_verdict(decision)
        if given not in verdicts.values():
            yield f"the answer is {given}, expected {' or '.join(map(str, dict.fromkeys(verdicts.values())))}"
            return
        yield from _of_fields(decision, given, role)
        if answered.explained is not None:
            yield from _of_role_revision(answered.explained, role)
        if role is not None and given.reason not in _WITHOUT_POLICY:
            when = [at for at, verdict in verdicts.items() if verdict == given]
            if answered.at is None:
                self._given.setdefault((id(answered.asked), id(role)), set()).add(given)
            if answered.past is None:
                yield from self._of_validity(answered, decision, role, when[-1])
            if answered.explained is not None:
                yield from _of_statements(answered.asked, answered.explained, role, when)
        elif answered.explained is not None and answered.explained.statements:
            yield "an answer without a policy explains statements"

    def _possible_verdicts(self, answered: Answered, role: Stored | None) -> dict[int, Verdict]:
        """Return the verdict at each time at which the answer may have been decided."""
        if role is None:
            return {answered.sent: Verdict("ROLE_NOT_FOUND")}
        return {at: self._decided(answered.asked, role, at) for at in _times(answered, role)}

    def _decided(self, asked: Asked, role: Stored, at: int) -> Verdict:
        place = id(asked), id(role), bisect_right(role.edges, at)
        if place not in self._verdicts:
            self._verdicts[place] = decide(role.document, asked, role.account, role.tags, at), asked, role
        return self._verdicts[place][0]

    def _of_validity(self, answered: Answered, decision: d.Decision, role: Stored, at: int) -> Iterator[str]:
        """Yield what is wrong with how long the answer says that it holds: until then nothing may decide otherwise."""
        until = microseconds_of(decision.valid_until) if decision.HasField("valid_until") else LAST + 1
        given = given_verdict(decision)
        changed = [
            edge for edge in role.edges if at < edge < until and self._decided(answered.asked, role, edge) != given
        ]
        if changed:
            yield f"the answer is valid until {until}, but differs at {changed[0]}"
        if until <= LAST and until not in role.edges:
            yield f"the answer is valid until {until}, when no condition changes"
        if decision.HasField("valid_until") != decision.HasField("valid_for"):
            yield "one of `valid_until` and `valid_for` is absent"
        elif decision.HasField("valid_for") and answered.at is None:
            milliseconds = decision.valid_for.ToMilliseconds()
            if not (until - answered.received) // 1_000 <= milliseconds <= max(0, until - answered.sent) // 1_000:
                yield f"`valid_for` is {milliseconds} ms, from {answered.sent} or {answered.received} until {until}"


def is_malformed(asked: Asked) -> bool:
    """Return whether a question is refused, whatever the role is."""
    return asked.principal == PLAIN_SERVICE or "acs:CurrentTime" in asked.context


def is_too_long(asked: Asked, role: Stored | None) -> bool:
    """Return whether a question asks for a session that the role does not have."""
    if role is None or asked.who.kind == "root" or not asked.duration:
        return False
    return not _SHORTEST_SESSION <= asked.duration <= role.duration


def given_verdict(decision: d.Decision) -> Verdict:
    """Return the verdict that a message states."""
    return Verdict(
        _REASONS[decision.reason],
        tuple(statement.index for statement in decision.determining_statements),
        frozenset(decision.missing_keys),
    )


def _times(answered: Answered, role: Stored) -> Iterable[int]:
    if answered.at is not None:
        return [answered.at]
    between = [edge for edge in role.edges if answered.sent < edge < answered.received]
    return dict.fromkeys((answered.sent, *between, answered.received))


def _of_fields(decision: d.Decision, given: Verdict, role: Stored | None) -> Iterator[str]:
    """Yield which of the other fields are wrong."""
    side = "NOT_EVALUATED" if given.reason in _WITHOUT_POLICY else given.reason
    expected = {
        "allowed": (decision.allowed, given.reason == "ALLOW"),
        "trust_side": (_SIDES[decision.trust_side], side),
        "identity_side": (_SIDES[decision.identity_side], "NOT_EVALUATED"),
        "role_id": (decision.role_id, role.role_id if role else ""),
        "max_session_duration_seconds": (decision.max_session_duration_seconds, role.duration if role else 0),
    }
    if role is not None and given.reason not in _WITHOUT_POLICY:
        expected["vary_keys"] = (sorted(decision.vary_keys), sorted(keys_read(role.document)))
        names = [(s.pointer, s.sid) for s in decision.determining_statements]
        expected["determining_statements"] = (names, [_name(role, index) for index in given.determining])
    for field, (value, right) in expected.items():
        if value != right:
            yield f"`{field}` is {value!r}, expected {right!r}"


def _name(role: Stored, index: int) -> tuple[str, str]:
    return f"/Statement/{index}", role.document["Statement"][index].get("Sid", "")


def _of_role_revision(explained: d.ExplainAssumeRoleResponse, role: Stored | None) -> Iterator[str]:
    revision = role.revision if role else 0
    if explained.role_revision != revision:
        yield f"the version of the role is that of revision {explained.role_revision}, expected {revision}"


def _of_statements(
    asked: Asked, explained: d.ExplainAssumeRoleResponse, role: Stored, when: list[int]
) -> Iterator[str]:
    """Yield a sentence unless the explanation is that of one of the times of the verdict."""
    given = [_of_trace(trace) for trace in explained.statements]
    expected = []
    for at in when:
        expected.append([_of_read(read) for read in reads(role.document, asked, role.account, role.tags, at)])
    if given not in expected:
        yield f"the explanation is {given}, expected {expected[0]}"


def _of_trace(trace: d.StatementTrace) -> object:
    conditions = [
        (c.operator, _lookup(c.key), tuple(c.expected), c.present, c.holds, c.unreadable, _actual(c))
        for c in trace.conditions
    ]
    return trace.effect, trace.applies, trace.matched_principal, conditions


def _of_read(read: Read) -> object:
    conditions = [
        (c.operator, c.key, c.expected, bool(given), finding.holds, finding.unreadable, given)
        for c, given, finding in read.conditions
    ]
    return read.effect, read.applies, read.named, conditions


def _actual(condition: d.ConditionTrace) -> tuple[str, ...]:
    # The time is spelled by the server; what it is compared with has been judged already.
    return ("now",) if condition.key == "acs:CurrentTime" else tuple(condition.actual)


def _lookup(key: str) -> str:
    return "acs:PrincipalARN" if key == "acs:PrincipalArn" else key


def microseconds_of(time: Timestamp) -> int:
    """Return a time in microseconds since 1970."""
    return time.seconds * 1_000_000 + time.nanos // 1_000


def shown(asked: Asked) -> Mapping[str, object]:
    """Return a question in the form of the vectors."""
    members: dict[str, object] = {
        "role": asked.role,
        "context": {key: list(texts) for key, texts in asked.context.items()},
    }
    if asked.claims is None:
        members["principal"] = asked.principal
    else:
        claims = {key: list(texts) for key, texts in asked.claims.items()}
        members["federated"] = {"provider_arn": asked.principal, "claims": claims}
    fields = {
        "duration_seconds": asked.duration,
        "role_session_name": asked.session_name,
        "external_id": asked.external_id,
        "source_identity": asked.source_identity,
    }
    return members | {name: value for name, value in fields.items() if value}
