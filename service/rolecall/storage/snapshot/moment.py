"""Points in time whose age can be computed after a restart of the process or the machine.

Within one boot of the machine the boot-time clock decides: it runs during suspend and cannot be set. After another boot, or on
another machine, only the wall clock is left, which may have been set back.
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
    """A point in time. `boottime` and `wall` are microseconds; an empty `boot_id` equals no other."""

    boot_id: str
    boottime: int
    wall: int

    @classmethod
    def now(cls, boot_id: str) -> Self:
        """Return the current time, in the boot that `read_boot_id` has returned."""
        return cls(boot_id=boot_id, boottime=boottime_micros(), wall=now_micros())

    def before(self, micros: int) -> Moment:
        """Return the point in time `micros` before this one."""
        return Moment(boot_id=self.boot_id, boottime=self.boottime - micros, wall=self.wall - micros)

    def age(self, now: Moment) -> int | None:
        """Return the age at `now` in microseconds; None if it is unknown because a clock was set back."""
        same_boot = self.boot_id and self.boot_id == now.boot_id
        age = now.boottime - self.boottime if same_boot else now.wall - self.wall
        return age if age >= 0 else None


def read_boot_id() -> str:
    """Return the unique id of this boot of this machine; empty if the system has none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
