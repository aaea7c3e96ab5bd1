"""Replace a file as a whole: readers see the old or the new one, and after a crash one of the two is there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_OWNER_ONLY = 0o600


def replace_file(path: Path, text: str) -> None:
    """Replace a file, or make it for its owner alone; the rights of an existing file stay."""
    mode = path.stat().st_mode & 0o777 if path.exists() else _OWNER_ONLY
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
