"""Start all servers, verify that their answers are equal, then run every load on every server in turn, round by round."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench import fixture
from bench.peers import inprocess, load, question, steps, tools
from bench.peers.load import Figures, Shape
from bench.peers.system import GrpcSystem, System
from bench.peers.systems import SYSTEMS
from bench.processes import machine

GENERATOR = "h2load"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """A load: `calls` calls of `size` questions in a round, so many in flight on each connection.

    `fresh`: no question is repeated. `per_second`: the rate of calls; 0: as fast as the server responds.
    """

    name: str
    calls: int
    size: int = 1
    with_keys: bool = False
    fresh: bool = False
    per_second: int = 0
    in_flight: int = 4


LOADS = (
    Load("check, 4 x 16", 4_000, in_flight=16),
    Load("check, 4 x 1", 2_000, in_flight=1),
    Load("check, 400 a second", 1_200, per_second=400),
    Load("check, two keys, 4 x 16", 4_000, with_keys=True, in_flight=16),
    Load("check, two keys, 4 x 1", 2_000, with_keys=True, in_flight=1),
    Load("check, two keys, 400 a second", 1_200, with_keys=True, per_second=400),
    Load("check, two keys, never asked before", 2_000, with_keys=True, fresh=True),
    Load("batch of 50", 240, size=50),
    Load("batch of 50, two keys", 240, size=50, with_keys=True),
    Load("batch of 100", 240, size=100),
    Load("batch of 100, two keys", 240, size=100, with_keys=True),
)


def run(rounds: int, scale: float, names: Iterable[str], progress: Progress) -> dict[str, Any]:
    """Measure the named systems and the libraries in process; return the data of the report."""
    absent = tools.absent()
    if GENERATOR in absent:
        raise SystemExit(f"{GENERATOR}, the load generator, is absent: {absent[GENERATOR]}")
    present = [name for name in names if name not in absent]
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        systems = [stack.enter_context(SYSTEMS[name](_directory(place, name))) for name in present]
        compared = {system.name: assert_equal(system) for system in systems if system.name != "echo"}
        rows = _rows(systems, rounds, scale, Path(place), progress)
    return {
        "machine": machine(),
        "versions": {name: tools.version(name) for name in tools.VERSIONS if name not in absent},
        "absent": absent,
        "rounds": rounds,
        "scale": scale,
        "connections": load.CONNECTIONS,
        "equal_answers": compared,
        "sorts": [asdict(sort) for sort in LOADS],
        "loads": rows,
        "in_process": inprocess.measure(rounds, progress),
        "steps": steps.measure(rounds),
    }


def assert_equal(system: System) -> int:
    """Send every question of the fixture, alone and in batches; exit at the first wrong answer. Return the number of questions."""
    questions = list(question.every_question())
    for asked in questions:
        _require(system, [asked])
    if system.max_batch > 1:
        for number in range(fixture.PRINCIPALS):
            for with_keys in (False, True):
                _require(system, question.batch(number, system.max_batch, with_keys=with_keys))
    return len(questions)


def _require(system: System, questions: Sequence[question.Question]) -> None:
    call = system.check(questions[0]) if len(questions) == 1 else system.batch(questions)
    answers = system.answers(call, system.ask(call))
    for asked, answer in zip(questions, answers, strict=True):
        if answer != question.allowed(asked):
            raise SystemExit(f"{system.name} gives the wrong answer {answer} to {asked}")


def _rows(
    systems: Sequence[System], rounds: int, scale: float, directory: Path, progress: Progress
) -> list[dict[str, Any]]:
    taken: dict[tuple[str, str], list[Figures]] = {}
    for round_ in range(rounds + 1):
        for sort in LOADS:
            for system in _turn(systems, round_):
                if not _can(system, sort):
                    continue
                progress(f"round {round_} of {rounds}: {sort.name}: {system.name}")
                figures = _one(system, sort, round_, scale, directory)
                if round_:  # the first round is a warm-up
                    taken.setdefault((sort.name, system.name), []).append(figures)
    return [{"load": sort, "system": system, **_summary(figures)} for (sort, system), figures in taken.items()]


def _turn(systems: Sequence[System], round_: int) -> Sequence[System]:
    """Return the systems in rotated order, with another one first in each round."""
    first = round_ % len(systems)
    return [*systems[first:], *systems[:first]]


def _can(system: System, sort: Load) -> bool:
    return sort.size <= system.max_batch and (not sort.fresh or isinstance(system, GrpcSystem))


def _one(system: System, sort: Load, round_: int, scale: float, directory: Path) -> Figures:
    shape = Shape(in_flight=sort.in_flight, per_second=sort.per_second)
    calls = max(load.CONNECTIONS * sort.in_flight, int(sort.calls * scale))
    if sort.fresh:
        numbers = range(round_ * calls, (round_ + 1) * calls)
        return load.one_by_one(system, [system.check(question.fresh(number)) for number in numbers], shape)
    if sort.size > 1:
        call = system.batch(question.batch(round_, sort.size, with_keys=sort.with_keys))
    else:
        call = system.check((question.keyed if sort.with_keys else question.plain)(round_))
    return load.repeated(system, call, calls, directory, shape)


def _summary(figures: Sequence[Figures]) -> dict[str, Any]:
    medians = {field.name: statistics.median(getattr(f, field.name) for f in figures) for field in fields(Figures)}
    return {key: round(value, 3) for key, value in medians.items()} | {"rounds": [asdict(f) for f in figures]}


def _directory(place: str, name: str) -> Path:
    directory = Path(place) / name
    directory.mkdir()
    return directory
