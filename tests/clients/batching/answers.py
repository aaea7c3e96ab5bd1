"""Start checks and read how they end."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future

from rolecall_client import RolecallError
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.batching.held_server import Asker
from tests.clients.recording_sink import PATIENCE_SECONDS
from tests.storage.waiting import wait_until

Answers = list[Future[d.CheckAssumeRoleResponse]]


def waiting(asker: Asker, *roles: str, timeout: float = 60) -> Answers:
    """Start checks, and return when they wait."""
    answers = []
    for role in roles:
        expected = asker.waiting + 1
        answers.append(asker.ask(role, timeout=timeout))
        wait_until(lambda expected=expected: asker.waiting == expected)  # type: ignore[misc]
    return answers


def ids(answers: Answers) -> list[str]:
    return [answer.result(PATIENCE_SECONDS).decision.decision_id for answer in answers]


def error(answer: Future[d.CheckAssumeRoleResponse]) -> RolecallError:
    raised = answer.exception(PATIENCE_SECONDS)
    assert isinstance(raised, RolecallError)
    return raised


def outcome_of(answer: Future[d.CheckAssumeRoleResponse]) -> str:
    """Return the id of the decision, or the code of the error."""
    try:
        return answer.result(PATIENCE_SECONDS).decision.decision_id
    except RolecallError as error:
        return error.code
    except CancelledError:
        return "CANCELLED"
