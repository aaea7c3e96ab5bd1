"""Runs `rolecall` with a wall clock that a test can shift: `python shifted_clock.py FILE ARGUMENTS...`.

FILE contains eight bytes, the seconds to add (little-endian, signed), and is read at every reading of the clock. Only the wall clock
is shifted: setting the time of a machine does not change its monotonic and boot-time clocks either. On SIGUSR1 the process prints the
stack of each thread.
"""

from __future__ import annotations

import faulthandler
import mmap
import signal
import struct
import sys
import time
from pathlib import Path

NANOS = 1_000_000_000


def shift_wall_clock(path: Path) -> None:
    """Add the offset in the file to `time.time` and `time.time_ns`."""
    with path.open("rb") as file:
        offset = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    seconds, nanos = time.time, time.time_ns
    time.time = lambda: seconds() + struct.unpack_from("<q", offset)[0]
    time.time_ns = lambda: nanos() + struct.unpack_from("<q", offset)[0] * NANOS


def main() -> None:
    shift_wall_clock(Path(sys.argv[1]))
    faulthandler.register(signal.SIGUSR1)
    sys.argv[:] = ["rolecall", *sys.argv[2:]]

    # Imported only now, so that every module gets the shifted clock.
    from rolecall.cli import main as rolecall

    rolecall()


if __name__ == "__main__":
    main()
