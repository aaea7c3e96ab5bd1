"""Recognise that a file has changed, without reading it."""

from __future__ import annotations

from pathlib import Path

FileVersion = tuple[int, int, int, int]
"""Another version of a file differs in one of these: device, inode, size, or time of the last change."""


def version_of(path: Path) -> FileVersion:
    """Return the version of a file; raise `OSError`."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
