"""The decision log: one line of JSON for each decision that is logged.

It never delays a decision and never fails one. Decisions that are not logged are counted as sampled out or dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rolecall.engine.decision_record import DecisionRecord, IssuedAnswer, RecordedCall
from rolecall.engine.request import AssumeRoleRequest
from rolecall.observability.decision_log.line_writer import LineWriter
from rolecall.observability.decision_log.masking import Masking
from rolecall.observability.decision_log.record import RecordEncoder, ServerIdentity
from rolecall.observability.decision_log.sampling import Sampling
from rolecall.observability.decision_log.sinks import STDOUT, RotatedFile, Sink, StandardOutput

WARNING_SECONDS = 60.0
CLOSE_SECONDS = 5.0
LARGEST_WRITE = 256 * 1024


class DecisionLogError(Exception):
    """The decision log cannot be opened; the message says why."""


class WarningLog(Protocol):
    """The part of a logger that is used here."""

    def warning(self, event: str, **facts: object) -> object:
        """Log a warning."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLogOptions:
    """Destination of the log (`stdout` or a path), limits on its size, and which values are masked or left out."""

    target: str
    max_bytes: int = 100 * 1024 * 1024
    files: int = 5
    queue_records: int = 10_000
    max_event_bytes: int = 32 * 1024
    masked: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    sample_allow: float = 1.0
    sample_deny: float = 1.0


class DecisionLog:
    """Logs decisions from `start` to `close`; `dropped` and `sampled_out` count those that were not."""

    def __init__(
        self,
        sink: Sink,
        options: DecisionLogOptions,
        server: ServerIdentity,
        *,
        log: WarningLog,
        clock: Callable[[], float],
    ) -> None:
        self.dropped = self.sampled_out = 0
        self.sampling = Sampling(allow=options.sample_allow, deny=options.sample_deny)
        masking = Masking.of(masked=options.masked, erased=options.erased)
        self.encoder = RecordEncoder(server, masking, max_bytes=options.max_event_bytes)
        self.writer = LineWriter(sink, max_lines=options.queue_records, on_error=self._warn)
        self._log, self._clock, self._quiet_until = log, clock, 0.0

    @property
    def lost(self) -> int:
        """Return how many selected decisions were lost: the queue was full, the line too long, or the server stopped first."""
        return self.dropped + self.writer.lost

    def start(self) -> None:
        """Start to write."""
        self.writer.start()

    def on_decision(self, request: AssumeRoleRequest, answer: IssuedAnswer, call: RecordedCall) -> None:
        """Record a decision, or count it as sampled out or dropped."""
        if self.takes(allowed=answer.answer.decision.allowed):
            self.record(DecisionRecord.of(request, answer, call))

    def takes(self, *, allowed: bool) -> bool:
        """Return whether to record the next decision with this outcome; if not, count it."""
        if not self.sampling.keeps(allowed=allowed):
            self.sampled_out += 1
            return False
        if not self.writer.has_room:
            self._drop("the queue is full")
            return False
        return True

    def record(self, record: DecisionRecord) -> None:
        """Queue a record to be written."""
        line = self.encoder.line(record, sample_rate=self.sampling.share(allowed=record.allowed))
        if line is None:
            self._drop("longer than `--decision-log-max-event-bytes` even after cutting")
        else:
            self.writer.put(line)

    def reopen(self) -> None:
        """Reopen the path, after an external tool has moved the file."""
        self.writer.reopen()

    async def close(self) -> None:
        """Write what is queued, for at most `CLOSE_SECONDS`."""
        await asyncio.to_thread(self.writer.close, CLOSE_SECONDS)

    def _drop(self, why: str) -> None:
        self.dropped += 1
        self._warn(why)

    def _warn(self, why: str) -> None:
        """Log a warning, at most once a minute; the counters count the rest."""
        now = self._clock()
        if now >= self._quiet_until:
            self._quiet_until = now + WARNING_SECONDS
            self._log.warning(
                "decision_log", error=why, dropped=self.lost, waiting=self.writer.waiting,
                flush_errors=self.writer.flush_errors,
            )  # fmt: skip


def open_sink(options: DecisionLogOptions) -> Sink:
    """Return the sink of the log; raise `DecisionLogError`."""
    if options.target == STDOUT:
        return StandardOutput(largest=LARGEST_WRITE)
    try:
        return RotatedFile(Path(options.target), max_bytes=options.max_bytes, keep=options.files, largest=LARGEST_WRITE)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DecisionLogError(f"cannot write the decision log to `{options.target}`: {why}") from None
