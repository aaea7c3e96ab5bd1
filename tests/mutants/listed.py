"""The changes that are listed as without effect, each with its reason: no test can notice them, so they are not tried.

The lists are JSON files in `without_effect/`, one for each package. An entry names the file, the line, and the changes in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.mutants.changes import Change

LISTS = "tests/mutants/without_effect"


class Place(NamedTuple):
    """A change of a line by its text, which stays true when lines before it are added: not by its number."""

    file: str
    line: str
    change: str


def listed(root: Path) -> dict[Place, str]:
    """Return the reason of each listed change."""
    entries = [entry for path in sorted((root / LISTS).glob("*.json")) for entry in json.loads(path.read_text())]
    return {
        Place(entry["file"], entry["line"], change): entry["reason"] for entry in entries for change in entry["changes"]
    }


def place_of(change: Change) -> Place:
    """Return the place by which a change is listed."""
    line = change.source.content.splitlines()[change.line - 1]
    return Place(change.path, line.decode().strip(), change.edit.what)


def with_effect(changes: Iterable[Change], known: dict[Place, str]) -> list[Change]:
    """Return the changes that are not listed."""
    return [change for change in changes if place_of(change) not in known]
