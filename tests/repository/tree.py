"""The files of the repository, for tests about the repository itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "service/rolecall"
DOCS = ROOT / "docs"

_GENERATED = {".git", ".venv", "__pycache__", "build", "dist", "htmlcov", "node_modules", "target", ".hypothesis"}
_CACHES = (".egg-info", "_cache")


def texts(below: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield every text file below a directory that is not generated, with its text."""
    for directory, names, files in os.walk(below):
        names[:] = [name for name in names if name not in _GENERATED and not name.endswith(_CACHES)]
        for name in set(files) - _GENERATED:  # `.git` is a file in a linked worktree
            path = Path(directory, name)
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def pages() -> list[Path]:
    """Return every page of documentation."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("clients/*/README.md")])
