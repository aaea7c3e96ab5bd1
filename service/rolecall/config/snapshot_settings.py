"""Settings of the file that a process saves its state to."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.config.setting import setting
from rolecall.config.types import Seconds, read_text


@dataclass(frozen=True, kw_only=True)
class SnapshotSettings:
    """Where and how often a process saves the state that it decides from."""

    snapshot_file: str = setting(
        "",
        read_text,
        "File to save the state to, so that a restart needs no database, and an agent no server; requires --snapshot-key-file.",
    )
    snapshot_key_file: str = setting("", read_text, "File with at least 32 bytes that authenticate the snapshot file.")
    snapshot_seconds: float = setting(60.0, Seconds(1, 86_400), "Interval between writes of the snapshot file.")
