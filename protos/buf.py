"""Runs buf, which is installed beside Python, or is on the path."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def buf(*arguments: str, directory: Path | None = None) -> int:
    """Run buf, perhaps in a directory, and return its exit code; it prints what is wrong."""
    beside = shutil.which("buf", path=str(Path(sys.executable).parent))
    return subprocess.run([beside or "buf", *arguments], check=False, cwd=directory).returncode
