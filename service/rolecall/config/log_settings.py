"""Settings of the log of a process, and of its decision log."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.config.setting import setting
from rolecall.config.types import OneOf, WholeNumber, read_pointers, read_share, read_text
from rolecall.observability.decision_log.log import DecisionLogOptions
from rolecall.observability.logs import FORMATS, LEVELS

_DECISION_LOG = DecisionLogOptions(target="")


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What a process logs."""

    log_level: str = setting("info", OneOf(LEVELS), "Lowest level to log; debug logs every call.")
    log_format: str = setting("auto", OneOf(FORMATS), "JSON lines or console; auto is console on a terminal.")
    decision_log: str = setting("", read_text, "Destination of the decision log: `stdout` or a file; empty: off.")
    decision_log_max_bytes: int = setting(
        _DECISION_LOG.max_bytes, WholeNumber(65_536, 1_099_511_627_776), "Size at which the decision log is rotated."
    )
    decision_log_files: int = setting(
        _DECISION_LOG.files,
        WholeNumber(0, 1_000),
        "Number of rotated files to keep; 0: do not rotate, an external tool does.",
    )
    decision_log_sample_allow: float = setting(
        _DECISION_LOG.sample_allow, read_share, "Share of allows to log, from 0 to 1."
    )
    decision_log_sample_deny: float = setting(
        _DECISION_LOG.sample_deny, read_share, "Share of denies to log, from 0 to 1."
    )
    decision_log_mask: frozenset[str] = setting(
        _DECISION_LOG.masked, read_pointers, "JSON pointers of values to hash, such as /input/context/acs:SourceIp."
    )
    decision_log_erase: frozenset[str] = setting(
        _DECISION_LOG.erased, read_pointers, "JSON pointers of values to leave out."
    )
    decision_log_queue_records: int = setting(
        _DECISION_LOG.queue_records,
        WholeNumber(1, 1_000_000),
        "Maximum number of decisions waiting to be written; further ones are dropped and counted.",
    )
    decision_log_max_event_bytes: int = setting(
        _DECISION_LOG.max_event_bytes,
        WholeNumber(4_096, 1_048_576),
        "Maximum size of a logged decision; longer ones are cut and list what was cut.",
    )
