"""One run from first to last: set up, let everybody work, strike, calm down, resolve, and judge."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rolecall.storage.open import open_repository
from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.checkers import answers
from tests.chaos.environment import Stage, staged
from tests.chaos.faults import UnmetPromiseError
from tests.chaos.history import History, read_history
from tests.chaos.injector import Injected, Injector
from tests.chaos.isolation import open_client
from tests.chaos.questions import Question, draw_questions
from tests.chaos.record import Circumstances, Decided, Record, boottime, decided
from tests.chaos.replicas import Replica, ReplicaError
from tests.chaos.rules_of_agreement import everything_agrees
from tests.chaos.rules_of_writes import Violation
from tests.chaos.states import state_of
from tests.chaos.watchers import wait_until_reached
from tests.chaos.workers import Crew
from tests.chaos.workload import NAMES
from tests.cli.serving import environment

WATCH_SECONDS = 30.0
FINAL_BATCH = 500

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long, how many faults at most and of which kinds (none: all), with which seed, on how many replicas.

    `pace` stretches or shortens pauses and faults.
    """

    seconds: float
    seed: int
    replicas: int = 3
    pace: float = 1.0
    most: int = 10_000
    only: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to."""

    options: Options
    record: Record
    history: History
    injected: Sequence[Injected]
    violations: Sequence[Violation]
    unresolved: int
    resolved_as_made: int
    watched: int
    told: Counter[str]
    small_disk: bool
    seconds: float


def run(options: Options, tell: Tell) -> Result:
    """Run; whatever goes wrong on the way is a violation, or an error when not even the stage can be set."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rolecall-chaos-") as name:
        tell(f"seed {options.seed}: setting up PostgreSQL and {options.replicas} replicas")
        with staged(options.replicas, Path(name)) as stage:
            return _played(options, stage, tell, began)


def _played(options: Options, stage: Stage, tell: Tell, began: float) -> Result:
    record, questions = Record(), draw_questions(Random(f"{options.seed} questions"))
    crew = Crew(stage.replicas, record, questions, str(options.seed))
    crew.begin()
    injector = Injector(
        stage, record, random=Random(f"{options.seed} faults"), tell=tell, only=options.only, pace=options.pace
    )
    try:
        injector.run(options.seconds, options.most)
    except (ReplicaError, UnmetPromiseError):
        record.strange.append(f"during {record.fault}: {traceback.format_exc()}")
    record.fault = "no fault"
    tell("the faults are over")
    crew.end()
    stage.calm()
    with closing(open_repository(stage.database.url)) as repository:
        before = repository.head().revision
        unresolved = crew.resolve()
        history, roles = read_history(repository), list(repository.load())
    finals = [_final_answers(replica, questions, record) for replica in stage.replicas]
    states = [state_of(replica) for replica in stage.replicas]
    if not wait_until_reached(crew.watcher, history.head.revision, WATCH_SECONDS):
        record.strange.append("the watcher has not reached the head")
    crew.end_watching()
    tell("judging")
    told = _told_by_servers(stage)
    violations = [
        *everything_agrees(record, history, roles, questions, finals, states, crew.watcher.seen),
        *_audited(stage.database.url),
        *_unforeseen(told),
    ]
    made = [w for w in record.written if w.resolved and 0 < history.revision_of(w.write.request_id) <= before]
    return Result(
        options=options,
        record=record,
        history=history,
        injected=injector.injected,
        violations=violations,
        unresolved=unresolved,
        resolved_as_made=len(made),
        watched=len(crew.watcher.seen),
        told=told,
        small_disk=stage.database.has_small_disk,
        seconds=time.monotonic() - began,
    )


def _final_answers(replica: Replica, questions: Sequence[Question], record: Record) -> Sequence[Decided]:
    """Ask one replica a fixed set of questions, fully consistent: the same for all."""
    pairs = [(questions[n % len(questions)], NAMES[n % len(NAMES)]) for n in range(FINAL_BATCH)]
    began, wall = boottime(), time.time()
    with open_client(replica.address, 20) as client:
        given = answers(client, pairs, "batch", d.Consistency(fully_consistent=True))
    asked = Circumstances(asker=f"final {replica.name}", mode="consistent", began=began, ended=boottime(), wall=wall)
    found = [decided(question.number, role, one, asked) for (question, role), one in zip(pairs, given, strict=True)]
    record.decided += found
    return found


def _audited(url: str) -> Sequence[Violation]:
    """Let the product examine its own log."""
    command = [sys.executable, "-m", "rolecall", "audit", "verify", "--store", url]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    return [Violation("`rolecall audit verify` finds nothing", done.stdout + done.stderr)] if done.returncode else []


def _told_by_servers(stage: Stage) -> Counter[str]:
    """Count what the logs of the servers tell, by level and event; whatever is no line of a log counts by itself."""
    told = Counter[str]()
    for replica in stage.replicas:
        for line in replica.words().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                told[f"error {line}"] += 1
            else:
                told[f"{event.get('level')} {event.get('event')}"] += 1
    return told


def _unforeseen(told: Counter[str]) -> Sequence[Violation]:
    """Take what should never be told from what was; a full disk makes the snapshot file an error."""
    errors = [(what, count) for what, count in told.items() if what.startswith(("error", "critical"))]
    return [
        Violation("servers meet nothing unforeseen", f"{what}, {count} times")
        for what, count in errors
        if what != "error snapshot_file"
    ]
