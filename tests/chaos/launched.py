"""Runs `rolecall` with a wall clock that others can set wrong: `python launched.py FILE ARGUMENTS...`.

FILE holds eight bytes, the seconds to add (little-endian, signed), and is read anew at every look at the clock. Only the wall clock
is shifted: the monotonic and boot-time clocks of a machine do not jump either when somebody sets the time. SIGUSR1 makes the process
tell where each of its threads is.
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
    """Let `time.time` and `time.time_ns` answer with the offset of the file."""
    with path.open("rb") as file:
        offset = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    seconds, nanos = time.time, time.time_ns
    time.time = lambda: seconds() + struct.unpack_from("<q", offset)[0]
    time.time_ns = lambda: nanos() + struct.unpack_from("<q", offset)[0] * NANOS


def main() -> None:
    shift_wall_clock(Path(sys.argv[1]))
    faulthandler.register(signal.SIGUSR1)
    sys.argv[:] = ["rolecall", *sys.argv[2:]]

    # Imported only now: whoever keeps a reference to the clock keeps the one that can be wrong.
    from rolecall.cli import main as rolecall

    rolecall()


if __name__ == "__main__":
    main()
