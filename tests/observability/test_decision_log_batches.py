"""When the thread of a decision log waits, and what ends each of its waits."""

from __future__ import annotations

import threading
from queue import Queue

from tests.observability.test_decision_log_writer import PATIENCE, Memory, writer


class Watched(threading.Event):
    """An event that notes whether it was set when a wait for it began, and when that ended."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ended = Queue[bool](), Queue[bool]()

    def wait(self, timeout: float | None = None) -> bool:
        self.begun.put(self.is_set())
        ended = super().wait(PATIENCE)
        self.ended.put(ended)
        return ended


def test_a_writer_without_lines_waits_for_the_next_one() -> None:
    sink = Memory()
    lines = writer(sink)
    lines._work = work = Watched()
    lines.start()
    found = [work.begun.get(timeout=PATIENCE)]

    lines.put(b"line\n")
    found.append(work.begun.get(timeout=PATIENCE))
    lines.close(PATIENCE)

    assert (found, sink.text) == ([False, False], b"line\n")


def test_after_a_batch_of_a_queue_that_was_half_full_batches_gather_again() -> None:
    sink = Memory()
    lines = writer(sink)
    lines._flush_now = flush = Watched()
    flush.set()
    lines.start()

    lines.put(b"1\n")
    found = [flush.begun.get(timeout=PATIENCE)]
    assert sink.kept.wait(PATIENCE)
    lines.put(b"2\n")
    found.append(flush.begun.get(timeout=PATIENCE))
    lines.close(PATIENCE)

    assert found == [True, False]


def test_a_close_does_not_wait_for_a_batch_to_gather() -> None:
    sink = Memory()
    lines = writer(sink)
    lines._flush_now = flush = Watched()
    lines.start()
    lines.put(b"line\n")
    flush.begun.get(timeout=PATIENCE)

    lines.close(2 * PATIENCE)

    assert (flush.ended.get(timeout=PATIENCE), sink.text) == (True, b"line\n")


def test_a_sink_is_reopened_once_for_all_batches_that_follow() -> None:
    sink = Memory()
    lines = writer(sink)
    lines.start()
    lines.reopen()

    for number in range(3):
        lines.put(b"%d\n" % number)
        assert sink.kept.wait(PATIENCE)
        sink.kept.clear()
    lines.close(PATIENCE)

    assert (sink.reopened, sink.text) == (1, b"0\n1\n2\n")
