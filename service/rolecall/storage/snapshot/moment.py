"""Points in time that outlive a process: how long ago one was, as far as that can be known.

The clock that counts from the start of the machine also counts while it sleeps, and nobody sets it: within one boot it alone
counts. After another boot, or on another machine, there is only the wall clock, which may have been set back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rolecall.engine.boottime import boottime_micros
from rolecall.engine.clock import now_micros

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time. `boottime` and `wall` are microseconds; an empty `boot_id` is never that of another moment."""

    boot_id: str
    boottime: int
    wall: int

    @classmethod
    def now(cls, boot_id: str) -> Self:
        """Return the present in the boot that `read_boot_id` has told of."""
        return cls(boot_id=boot_id, boottime=boottime_micros(), wall=now_micros())

    def before(self, micros: int) -> Moment:
        """Return the moment that long before this one."""
        return Moment(boot_id=self.boot_id, boottime=self.boottime - micros, wall=self.wall - micros)

    def age(self, now: Moment) -> int | None:
        """Return how long before `now` this was, in microseconds; None when a clock went back, so that nobody can say."""
        one_boot = self.boot_id and self.boot_id == now.boot_id
        passed = now.boottime - self.boottime if one_boot else now.wall - self.wall
        return passed if passed >= 0 else None


def read_boot_id() -> str:
    """Return what names this boot of this machine and no other; empty where the system has no name for it."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
