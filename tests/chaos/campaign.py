"""One run: set up, start the workers, inject faults, recover, resolve unknown writes, and check the rules."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from rolecall.storage.open import open_repository
from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.agents import Agent, running_agent
from tests.chaos.checkers import answers
from tests.chaos.environment import SNAPSHOT_SECONDS, Environment, running_environment
from tests.chaos.faults import UnmetPromiseError
from tests.chaos.history import History, read_history
from tests.chaos.injector import Injected, Injector
from tests.chaos.isolation import open_client
from tests.chaos.questions import Question, draw_questions
from tests.chaos.record import Circumstances, Decided, Record, boottime, decided
from tests.chaos.replicas import Replica, ReplicaError
from tests.chaos.rules_of_agreement import check_all_rules
from tests.chaos.rules_of_writes import Violation
from tests.chaos.states import state_of
from tests.chaos.watchers import wait_until_reached
from tests.chaos.workers import Workers
from tests.chaos.workload import NAMES
from tests.cli.serving import environment as process_environment

WATCH_SECONDS = 30.0
FINAL_BATCH = 500
LINE_CHARACTERS = 2_000

Report = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The duration, the kinds of faults (empty: all) and their maximum, the seed, and the number of replicas.

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
    """The result of a run."""

    options: Options
    record: Record
    history: History
    injected: Sequence[Injected]
    violations: Sequence[Violation]
    unresolved: int
    resolved_as_made: int
    watched: int
    logged: Counter[str]
    small_disk: bool
    caught_up: Sequence[float]
    seconds: float


def run(options: Options, report: Report) -> Result:
    """Run and return the result; a failure is a violation, or an error if the environment cannot be set up."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rolecall-chaos-") as name:
        report(f"seed {options.seed}: setting up PostgreSQL and {options.replicas} replicas")
        with (
            running_environment(options.replicas, Path(name)) as servers,
            running_agent(servers.replicas[0], Path(name), snapshot_seconds=SNAPSHOT_SECONDS) as (agent, upstream),
        ):
            environment = replace(servers, agent=agent, upstream=upstream)
            return _run_in(options, environment, agent, report, began)


def _run_in(options: Options, environment: Environment, agent: Agent, report: Report, began: float) -> Result:
    record, questions = Record(), draw_questions(Random(f"{options.seed} questions"))
    workers = Workers(environment.replicas, agent, record, questions, str(options.seed))
    workers.start()
    injector = Injector(
        environment,
        record,
        random=Random(f"{options.seed} faults"),
        report=report,
        only=options.only,
        pace=options.pace,
    )
    try:
        injector.run(options.seconds, options.most)
    except (ReplicaError, UnmetPromiseError):
        record.strange.append(f"during {record.fault}: {traceback.format_exc()}")
    record.fault = "no fault"
    report("the faults are over")
    workers.stop()
    environment.recover()
    with closing(open_repository(environment.database.url)) as repository:
        before = repository.head().revision
        unresolved = workers.resolve()
        history, roles = read_history(repository), list(repository.load())
    finals = [_final_answers(replica, questions, record) for replica in environment.replicas]
    caught_up = list(agent.caught_up)
    agent.catch_up(environment.replicas[0], lambda: None)
    finals.append(_final_answers_of_agent(agent, questions, record))
    states = [state_of(replica) for replica in environment.replicas]
    if not wait_until_reached(workers.watcher, history.head.revision, WATCH_SECONDS):
        record.strange.append("the watcher has not reached the head")
    workers.stop_watching()
    report("judging")
    logged = _logged_by_servers([*environment.replicas, agent])
    violations = [
        *check_all_rules(record, history, roles, questions, finals, states, workers.watcher.seen),
        *_audited(environment.database.url),
        *_unforeseen(logged),
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
        watched=len(workers.watcher.seen),
        logged=Counter({what: len(lines) for what, lines in logged.items()}),
        small_disk=environment.database.has_small_disk,
        caught_up=caught_up,
        seconds=time.monotonic() - began,
    )


def _final_answers(replica: Replica, questions: Sequence[Question], record: Record) -> Sequence[Decided]:
    """Ask one replica a fixed set of questions, fully consistent: the same for all."""
    pairs, began, wall = _final_pairs(questions), boottime(), time.time()
    with open_client(replica.address, 20) as client:
        given = answers(client, pairs, "batch", d.Consistency(fully_consistent=True))
    asked = Circumstances(asker=f"final {replica.name}", mode="consistent", began=began, ended=boottime(), wall=wall)
    found = [decided(question.number, role, one, asked) for (question, role), one in zip(pairs, given, strict=True)]
    record.decided += found
    return found


def _final_answers_of_agent(agent: Agent, questions: Sequence[Question], record: Record) -> Sequence[Decided]:
    """Ask the agent the same questions one by one, so that it decides as many as it can itself."""
    found = []
    with open_client(agent.address, 20) as client:
        for question, role in _final_pairs(questions):
            began, wall = boottime(), time.time()
            (one,) = answers(client, [(question, role)], "check", None)
            asked = Circumstances(asker="final agent", mode="check", began=began, ended=boottime(), wall=wall)
            found.append(decided(question.number, role, one, asked))
    record.decided += found
    return found


def _final_pairs(questions: Sequence[Question]) -> Sequence[tuple[Question, str]]:
    return [(questions[n % len(questions)], NAMES[n % len(NAMES)]) for n in range(FINAL_BATCH)]


def _audited(url: str) -> Sequence[Violation]:
    """Verify the log with `rolecall audit verify`."""
    command = [sys.executable, "-m", "rolecall", "audit", "verify", "--store", url]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=process_environment())
    return [Violation("`rolecall audit verify` finds nothing", done.stdout + done.stderr)] if done.returncode else []


def _logged_by_servers(replicas: Sequence[Replica]) -> dict[str, list[str]]:
    """Return the log lines of the servers by level and event; a line that is not JSON is an event by itself."""
    logged = defaultdict[str, list[str]](list)
    for replica in replicas:
        for line in replica.log_text().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                logged[f"error {line}"].append(line)
            else:
                logged[f"{event.get('level')} {event.get('event')}"].append(line)
    return logged


def _unforeseen(logged: Mapping[str, list[str]]) -> Sequence[Violation]:
    """Return a violation for each error that was logged; a full disk, or a store that is away, may make these two an error."""
    errors = [(what, lines) for what, lines in logged.items() if what.startswith(("error", "critical"))]
    return [
        Violation("servers meet nothing unforeseen", f"{what}, {len(lines)} times, first: {lines[0][:LINE_CHARACTERS]}")
        for what, lines in errors
        if what not in ("error snapshot_file", "error store_unwritable")
    ]
