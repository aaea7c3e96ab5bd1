from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rolecall.engine.decision import Reason
from rolecall.engine.decision_record import DecisionRecord
from rolecall.observability.decision_log.line_writer import LineWriter
from rolecall.observability.decision_log.log import DecisionLog, DecisionLogOptions, open_sink
from rolecall.observability.decision_log.sinks import RotatedFile
from tests.observability.decision_records import ORIGIN, members_of, options, record

PATIENCE = 20


class Memory:
    """A sink that stores what it is given, and fails or waits on demand."""

    def __init__(self) -> None:
        self.largest = 100
        self.chunks: list[bytes] = []
        self.failures: list[OSError] = []
        self.gate, self.entered, self.kept = threading.Event(), threading.Event(), threading.Event()
        self.gate.set()
        self.reopened = 0
        self.closed = False

    def append(self, data: bytes) -> None:
        self.thread = threading.current_thread()
        self.entered.set()
        self.gate.wait(PATIENCE)
        if self.failures:
            raise self.failures.pop()
        self.chunks.append(data)
        self.kept.set()

    def reopen(self) -> None:
        self.reopened += 1

    def close(self) -> None:
        self.closed = True

    @property
    def text(self) -> bytes:
        return b"".join(self.chunks)


class Warnings:
    def __init__(self) -> None:
        self.logged: list[dict[str, object]] = []

    def warning(self, event: str, **facts: object) -> None:
        self.logged.append({"event": event, **facts})


def writer(sink: Memory, *, max_lines: int = 100, on_error: Callable[[str], None] = lambda _: None) -> LineWriter:
    return LineWriter(sink, max_lines=max_lines, on_error=on_error)


def test_lines_are_written_in_order_and_whole() -> None:
    sink = Memory()
    lines = writer(sink)
    lines.start()

    for number in range(50):
        lines.put(b"%020d\n" % number)
    lines.close(PATIENCE)

    assert sink.text == b"".join(b"%020d\n" % number for number in range(50))
    # It does not keep the process from its end.
    assert (sink.thread.name, sink.thread.daemon) == ("decision-log", True)
    assert all(len(chunk) <= 100 and chunk.endswith(b"\n") for chunk in sink.chunks)
    assert (lines.queued, lines.written, lines.waiting, lines.lost, sink.closed) == (50, 50, 0, 0, True)
    assert sink.reopened == 0


def test_lines_of_several_sizes_fill_a_write_and_do_not_exceed_it() -> None:
    sink = Memory()
    lines = writer(sink)
    for size in (10, 60, 60, 40, 1):
        lines.put(b"x" * size)

    lines.start()
    lines.close(PATIENCE)

    assert [len(chunk) for chunk in sink.chunks] == [70, 100, 1]


def test_a_line_that_is_larger_than_a_write_is_written_alone() -> None:
    sink = Memory()
    lines = writer(sink)
    for size in (10, 200, 10):
        lines.put(b"x" * size)

    lines.start()
    lines.close(PATIENCE)

    assert [len(chunk) for chunk in sink.chunks] == [10, 200, 10]


def test_there_is_no_room_while_the_disk_hangs_and_again_afterwards() -> None:
    sink = Memory()
    sink.gate.clear()
    lines = writer(sink, max_lines=3)
    lines.start()
    for _ in range(3):
        lines.put(b"line\n")
    assert sink.entered.wait(PATIENCE)

    assert not lines.has_room
    sink.gate.set()
    lines.close(PATIENCE)

    assert lines.has_room
    assert sink.text == b"line\n" * 3


def test_sixty_four_mebibytes_fill_the_queue_until_they_are_written() -> None:
    sink = Memory()
    lines = writer(sink)

    lines.put(b"x" * (64 * 1024 * 1024 - 1))
    before = lines.has_room
    lines.put(b"\n")
    full = lines.has_room
    lines.start()
    lines.close(PATIENCE)

    assert (before, full, lines.has_room) == (True, False, True)


def test_a_queue_has_room_for_its_maximum_of_lines() -> None:
    lines = writer(Memory(), max_lines=2)

    found = []
    for _ in range(3):
        found.append(lines.has_room)
        lines.put(b"line\n")

    assert found == [True, True, False]


def test_lines_that_fill_a_write_exactly_go_together() -> None:
    sink = Memory()
    lines = writer(sink)
    for size in (60, 40, 60, 41):
        lines.put(b"x" * size)

    lines.start()
    lines.close(PATIENCE)

    assert [len(chunk) for chunk in sink.chunks] == [100, 60, 41]
    assert lines.waiting == 0


def test_batches_gather_for_a_tenth_of_a_second() -> None:
    waits = list[float | None]()

    class Flushing(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return self.is_set()

    sink = Memory()
    lines = writer(sink)
    lines._flush_now = Flushing()
    lines.start()
    lines.put(b"line\n")
    sink.kept.wait(PATIENCE)
    lines.close(PATIENCE)

    assert set(waits) == {0.1}


def test_before_a_retry_the_writer_waits_unless_it_is_closed() -> None:
    waits = list[float | None]()

    class Closing(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return self.is_set()

    sink = Memory()
    sink.failures = [OSError("first"), OSError("second")]
    lines = writer(sink)
    lines._closing = Closing()
    lines.start()
    lines.put(b"line\n")
    sink.kept.wait(PATIENCE)
    lines.close(PATIENCE)

    assert (sink.text, waits) == (b"line\n", [1.0] * 2)


def test_a_failed_reopening_is_counted_and_reported() -> None:
    class Gone(Memory):
        def reopen(self) -> None:
            super().reopen()
            raise OSError("gone")

    sink, reported = Gone(), list[str]()
    lines = writer(sink, on_error=reported.append)
    lines.reopen()
    lines.start()
    lines.put(b"line\n")
    lines.close(PATIENCE)

    assert (sink.reopened, sink.text) == (1, b"line\n")
    assert (lines.flush_errors, reported) == (1, ["gone"])


def test_what_could_not_be_written_is_tried_again_and_counted_once() -> None:
    sink, reported = Memory(), list[str]()
    sink.failures = [OSError(28, "No space left on device")]
    lines = writer(sink, on_error=reported.append)
    lines.start()

    lines.put(b"line\n")
    assert sink.kept.wait(PATIENCE)
    lines.close(PATIENCE)

    assert sink.text == b"line\n"
    assert (lines.flush_errors, lines.written, reported) == (1, 1, ["no space left on device"])


def test_lines_left_at_the_timeout_are_lost_and_reported() -> None:
    sink, reported = Memory(), list[str]()
    sink.gate.clear()
    lines = writer(sink, on_error=reported.append)
    lines.start()
    lines.put(b"line\n")
    assert sink.entered.wait(PATIENCE)

    lines.close(0.01)

    assert (lines.lost, lines.waiting, sink.closed) == (1, 0, False)
    assert reported == ["the server stopped before they could be written"]
    sink.gate.set()


def test_a_full_disk_does_not_delay_the_close() -> None:
    sink = Memory()
    sink.failures = [OSError(28, "No space left on device")] * 100
    lines = writer(sink)
    lines.start()
    lines.put(b"line\n")

    lines.close(PATIENCE)

    assert (lines.lost, lines.written, sink.closed) == (1, 0, True)


def test_the_sink_is_reopened_by_the_thread_that_writes() -> None:
    sink = Memory()
    lines = writer(sink)
    lines.start()

    lines.reopen()
    lines.put(b"line\n")
    assert sink.kept.wait(PATIENCE)
    lines.close(PATIENCE)

    assert sink.reopened == 1


def test_a_queue_that_is_half_full_is_flushed_at_once() -> None:
    sink = Memory()
    lines = writer(sink, max_lines=4)
    lines._flush_now.clear()

    lines.put(b"1\n")
    before = lines._flush_now.is_set()
    lines.put(b"2\n")

    assert (before, lines._flush_now.is_set()) == (False, True)


def decision_log(sink: Memory, warnings: Warnings, clock: Callable[[], float], **given: object) -> DecisionLog:
    return DecisionLog(sink, options(**given), ORIGIN, log=warnings, clock=clock)


def record_all(log: DecisionLog, count: int) -> None:
    for _ in range(count):
        if log.takes(allowed=True):
            log.record(record())


async def test_every_decision_is_written_sampled_out_or_dropped() -> None:
    sink, warnings = Memory(), Warnings()
    log = decision_log(sink, warnings, lambda: 0.0, queue_records=10, sample_allow=0.5)

    record_all(log, 1_000)
    log.start()
    await log.close()

    assert log.writer.written == 10
    assert log.dropped > 300
    assert log.sampled_out > 300
    assert log.writer.written + log.dropped + log.sampled_out == 1_000
    assert sink.text.count(b"\n") == 10


@pytest.mark.parametrize(("allowed", "queued", "sampled_out"), [(True, 1, 0), (False, 0, 1)])
def test_a_decision_is_recorded_if_its_outcome_is_selected(
    monkeypatch: pytest.MonkeyPatch, allowed: bool, queued: int, sampled_out: int
) -> None:
    given, asked = (object(), object()), list[object]()
    answer: Any = SimpleNamespace(answer=SimpleNamespace(decision=SimpleNamespace(allowed=allowed)))

    def recorded(*facts: object) -> DecisionRecord:
        asked.extend(facts)
        return record()

    monkeypatch.setattr(DecisionRecord, "of", recorded)
    log = decision_log(Memory(), Warnings(), lambda: 0.0, sample_deny=0.0)

    log.on_decision(cast("Any", given[0]), answer, cast("Any", given[1]))

    assert (log.writer.queued, log.sampled_out) == (queued, sampled_out)
    assert asked == ([given[0], answer, given[1]] if queued else [])


def test_what_was_lost_is_what_was_dropped_and_what_was_not_written_at_the_end() -> None:
    log = decision_log(Memory(), Warnings(), lambda: 0.0)
    log.dropped, log.writer.lost = 5, 3

    assert log.lost == 8


async def test_drops_are_logged_once_a_minute() -> None:
    warnings, now = Warnings(), [100.0]
    log = decision_log(Memory(), warnings, lambda: now[0], queue_records=1)

    record_all(log, 5)
    now[0] += 59.0
    record_all(log, 5)
    now[0] += 1.0
    record_all(log, 1)

    assert [line["dropped"] for line in warnings.logged] == [1, 10]
    assert warnings.logged[0] == {
        "event": "decision_log",
        "error": "the queue is full",
        "dropped": 1,
        "waiting": 1,
        "flush_errors": 0,
    }


async def test_a_log_is_closed_within_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    log, given = decision_log(Memory(), Warnings(), lambda: 0.0), list[float]()
    monkeypatch.setattr(log.writer, "close", given.append)

    await log.close()

    assert given == [5.0]


@pytest.mark.parametrize("allowed", [True, False])
async def test_the_share_of_its_outcome_decides_and_is_written_beside_a_record(allowed: bool) -> None:
    sink = Memory()
    log = decision_log(sink, Warnings(), lambda: 0.0, sample_allow=0.25, sample_deny=0.75)
    log.sampling = replace(log.sampling, chance=lambda: 0.5)

    taken = log.takes(allowed=allowed)
    log.record(record(reason=Reason.ALLOW if allowed else Reason.IMPLICIT_DENY))
    log.start()
    await log.close()

    assert (taken, log.sampled_out) == ((False, 1) if allowed else (True, 0))
    assert members_of(sink.text)["sample_rate"] == (0.25 if allowed else 0.75)


async def test_without_other_options_a_log_has_the_limits_of_the_documentation(tmp_path: Path) -> None:
    options = DecisionLogOptions(target=str(tmp_path / "log"))
    sink = open_sink(options)
    assert isinstance(sink, RotatedFile)
    log = DecisionLog(sink, options, ORIGIN, log=Warnings(), clock=lambda: 0.0)

    assert (sink._max_bytes, sink._keep) == (100 << 20, 5)
    assert (log.writer._max_lines, log.encoder._max_bytes) == (10_000, 32 << 10)
    assert [log.sampling.share(allowed=allowed) for allowed in (True, False)] == [1.0, 1.0]
    assert (options.masked, options.erased) == (frozenset(), frozenset())
    sink.close()


async def test_reopening_a_log_reopens_its_sink() -> None:
    sink = Memory()
    log = decision_log(sink, Warnings(), lambda: 0.0)

    log.reopen()
    log.start()
    await log.close()

    assert sink.reopened == 1


async def test_a_decision_that_is_too_long_whatever_is_cut_is_dropped_and_counted() -> None:
    warnings = Warnings()
    log = decision_log(Memory(), warnings, lambda: 0.0, max_event_bytes=100)

    record_all(log, 1)

    assert (log.dropped, log.writer.queued, len(warnings.logged)) == (1, 0, 1)
