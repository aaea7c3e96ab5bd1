"""Writers send writes with request ids, repeat those without an answer, and record the outcomes."""

from __future__ import annotations

from random import Random
from threading import Event

from rolecall_client import RolecallClient, RolecallError
from rolecall_client.v1 import role_pb2 as r
from tests.chaos.isolation import open_client
from tests.chaos.record import Outcome, Record, Token, Written, boottime
from tests.chaos.workload import Write, draw_write

UNANSWERED = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED"})
"""Codes after which it is unknown whether the write was committed."""

REFUSALS = frozenset({"ROLE_EXISTS", "ROLE_NOT_FOUND", "STALE_ETAG", "REVISION_NOT_KEPT"})
"""Reasons of a rejection because another writer was first. The last: the role was created again and never had that revision."""

ATTEMPTS = 2
CALL_SECONDS = 4.0


class Writer:
    """Sends writes until it is stopped. All its choices come from its own seed."""

    def __init__(self, name: str, address: str, record: Record, *, random: Random, pause: float) -> None:
        self.name = name
        self._client = open_client(address, CALL_SECONDS)
        self._record, self._random, self._pause = record, random, pause

    def run(self, ended: Event) -> None:
        """Write, one after the other, until `ended`."""
        with self._client:
            while not ended.wait(self._random.uniform(0, 2 * self._pause)):
                self._write_one(ended)

    def _write_one(self, ended: Event) -> None:
        try:
            write = draw_write(self._random, self._client)
        except RolecallError as error:
            if error.code != "NOT_FOUND":
                self._record.note_error(self.name, error)
            return
        if write is None:
            return
        written = Written(write)
        self._record.written.append(written)
        # Some writes without an answer are repeated only at the end, so that late repeats are tested as well as prompt ones.
        for _ in range(self._random.randint(1, ATTEMPTS)):
            attempt(written, self._client, self._record, who=self.name)
            if written.outcome is not Outcome.UNKNOWN or ended.wait(0.2):
                return


def attempt(written: Written, client: RolecallClient, record: Record, *, who: str) -> None:
    """Send a write once (the client itself repeats what is UNAVAILABLE) and note the outcome."""
    written.attempts += 1
    written.asked_at = boottime()
    try:
        answer = written.write.send(client)
    except RolecallError as error:
        record.note_error(who, error)
        written.code = error.code
        if error.reason in REFUSALS:
            written.outcome = Outcome.REFUSED
        elif error.code not in UNANSWERED:
            record.strange.append(f"{who}: {written.write.kind} {written.write.request_id}: {error.code} {error}")
        return
    written.acknowledged_at = boottime()
    written.outcome, written.code = Outcome.ACKNOWLEDGED, "OK"
    written.revision = _revision(answer)
    _hand_out(written.write, answer.consistency_token, record)


def _revision(answer: object) -> int:
    with_role = (r.CreateRoleResponse, r.UpdateRoleResponse, r.RollbackRoleResponse)
    return answer.role.revision if isinstance(answer, with_role) else 0


def _hand_out(write: Write, token: str, record: Record) -> None:
    record.tokens.append(Token(text=token, request_id=write.request_id, role=write.roles[0]))
