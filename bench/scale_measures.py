"""Measurements of a store with many roles, in CPU time of this process."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bench import scale_fixture as fixture
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.follower import Follower
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.request import AssumeRoleRequest, read_principal
from rolecall.engine.reverse.query import AssumablePage, assumable_roles
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.snapshot_loader import load_snapshot
from rolecall.engine.turns import Turns
from rolecall.roles.change import Author, Change, Commit
from rolecall.roles.role import Micros, Revision
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite

T = TypeVar("T")
Figures = dict[str, float]

HOT_ROLES = 200
ROUNDS = 25
SHORT_ROUNDS = 400
FIRST_USES = 500
FIRST_USES_A_ROUND = 10


def load(path: Path, roles: int, progress: Callable[[int, int], None]) -> tuple[Snapshot, Figures]:
    """Load the whole store, as a server does when it starts; return the snapshot and the figures."""
    repository = open_sqlite(path)
    gc.collect()
    before, start, wall = resident_bytes(), time.process_time(), time.perf_counter()
    snapshot = load_snapshot(repository, progress=progress)
    cpu, wall = time.process_time() - start, time.perf_counter() - wall
    repository.close()
    collected = _seconds(gc.collect)
    figures = {
        "load, CPU us a role": cpu / roles * 1e6,
        "load, seconds": wall,
        "resident bytes a role, index included": (resident_bytes() - before) / roles,
        "index bytes a role, estimated": snapshot.index_bytes / roles,
        "full collection before freeze, ms": collected * 1e3,
    }
    gc.freeze()
    return snapshot, figures | {"full collection after freeze, ms": _seconds(gc.collect) * 1e3}


def checks(snapshots: dict[int, Snapshot]) -> Figures:
    """Send the same number of requests to every size in turn, in many short rounds; return the minimum of the rounds."""
    figures = Figures()
    for name, options in {"evaluated": DecisionOptions(cache_entries=0), "remembered": DecisionOptions()}.items():
        points = {size: _point(snapshot, options) for size, snapshot in snapshots.items()}
        asked = {size: [fixture.question(n) for n in _spread(size, HOT_ROLES)] for size in snapshots}
        least = dict.fromkeys(snapshots, float("inf"))
        for _ in range(SHORT_ROUNDS):
            for size, point in points.items():
                least[size] = min(least[size], _check(point, asked[size]))
        figures |= _by_size(f"check, {name}", least)
    return figures


def first_uses(snapshots: dict[int, Snapshot]) -> Figures:
    """Check roles for the first time, so that their policies are parsed and compiled; return the median of the rounds."""
    spent: dict[int, list[float]] = {size: [] for size in snapshots}
    points = {size: _point(snapshot, DecisionOptions()) for size, snapshot in snapshots.items()}
    asked = {size: [fixture.question(n + 1) for n in _spread(size - 1, FIRST_USES)] for size in snapshots}
    for place in range(0, FIRST_USES, FIRST_USES_A_ROUND):
        for size, point in points.items():
            spent[size].append(_check(point, asked[size][place : place + FIRST_USES_A_ROUND]))
    return _by_size("check, first use of a role", {size: statistics.median(rounds) for size, rounds in spent.items()})


def lists(snapshots: dict[int, Snapshot]) -> Figures:
    """List a page of 100 in the middle of the longest list, with compiled policies, and a page without results."""
    points = {size: _point(snapshot, DecisionOptions()) for size, snapshot in snapshots.items()}
    least = dict.fromkeys(snapshots, float("inf"))
    for _ in range(ROUNDS):
        for size, point in points.items():
            start = time.process_time()
            page = asyncio.run(_page(point, fixture.auditor(), after=fixture.role(size // 2).key))
            least[size] = min(least[size], (time.process_time() - start) * 1e6)
            assert len(page.roles) == 100
    empty, stall = asyncio.run(_stalled(_page(points[max(points)], fixture.auditor(from_vpc=False), after="")))
    assert not empty.roles
    assert empty.resume_after
    return _by_size("list page of 100", least) | {"list page without results, longest stall ms": stall * 1e3}


def bulk(snapshot: Snapshot, roles: int) -> Figures:
    """Apply a commit of 50,000 changes, as a server does, and one of a single change."""
    revision = snapshot.revision
    first = _commit(revision + 1, fixture.bulk(roles), previous=snapshot.hash)
    commits = [first, _commit(revision + 2, fixture.bulk(roles)[:1], previous=first.hash)]
    with ThreadPoolExecutor(1) as readers:
        follower = Follower(MemoryRoleRepository(), snapshot, readers)
        start = time.process_time()
        _, stall = asyncio.run(_stalled(follower.apply_local(commits[0])))
        whole = time.process_time() - start
        start = time.process_time()
        asyncio.run(follower.apply_local(commits[1]))
        single = time.process_time() - start
    return {
        "commit of 50,000 changes, ms": whole * 1e3,
        "commit of 50,000 changes, longest stall ms": stall * 1e3,
        "commit of one change, us": single * 1e6,
        "full collection after that, ms": _seconds(gc.collect) * 1e3,
    }


def statements() -> Figures:
    """Check documents of 1 and of 100 statements, for the user of the last statement, without a cache."""
    documents = {n: fixture.document_of_statements(n) for n in (1, 100)}
    roles = {n: replace(fixture.role(n), document=text) for n, text in documents.items()}
    point = _point(Snapshot(roles.values()), DecisionOptions(cache_entries=0))
    keys = {"acs:SourceVpc": ("vpc-1",), "acs:SourceIp": ("10.0.0.1",)}
    asked = {
        n: [AssumeRoleRequest(read_principal(fixture.user(n - 1)), role.key, keys)] * HOT_ROLES
        for n, role in roles.items()
    }
    least = dict.fromkeys(roles, float("inf"))
    for _ in range(SHORT_ROUNDS):
        for n in roles:
            least[n] = min(least[n], _check(point, asked[n]))
    return {f"check, evaluated, {n} statements, us": us for n, us in least.items()} | {
        "100 statements / 1 statement": least[100] / least[1]
    }


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1_024


def _point(snapshot: Snapshot, options: DecisionOptions) -> DecisionPoint:
    return DecisionPoint(snapshot, options, lambda: fixture.TIME)


def _spread(size: int, count: int) -> Iterator[int]:
    return (size * n // count for n in range(count))


def _check(point: DecisionPoint, asked: Sequence[AssumeRoleRequest]) -> float:
    questions = [AssumeRoleRequest(one.principal, one.role_key, one.keys) for one in asked]
    start = time.process_time()
    for question in questions:
        point.check(question, fixture.TIME)
    spent = time.process_time() - start
    assert point.check(questions[0], fixture.TIME).decision.allowed
    return spent / len(questions) * 1e6


def _by_size(name: str, figures: dict[int, float]) -> Figures:
    smallest, largest = min(figures), max(figures)
    return {f"{name}, {size:,} roles, us": us for size, us in figures.items()} | {
        f"{name}, {largest:,} / {smallest:,}": figures[largest] / figures[smallest]
    }


async def _page(point: DecisionPoint, request: AssumeRoleRequest, *, after: str) -> AssumablePage:
    answers = LongAnswers(point, Turns(), LargeDocuments(point, ThreadPoolExecutor(1)))
    return await assumable_roles(
        point, request, account="", after=after, limit=100, now=fixture.TIME, answers=answers, permits=lambda _: True
    )


async def _stalled(work: Coroutine[object, object, T]) -> tuple[T, float]:
    """Return the result of `work`, and the longest CPU time of this thread between two switches to other tasks.

    CPU time excludes the waits that other processes cause.
    """
    task, longest, last = asyncio.create_task(work), 0.0, time.thread_time()
    while not task.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, last = max(longest, now - last), now
    return await task, longest


def _commit(revision: int, changes: Sequence[Change], *, previous: bytes) -> Commit:
    author = Author(actor="bench", time=Micros(fixture.TIME))
    return Commit(
        revision=Revision(revision),
        author=author,
        changes=tuple(changes),
        hash=b"%d" % revision,
        previous_hash=previous,
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
