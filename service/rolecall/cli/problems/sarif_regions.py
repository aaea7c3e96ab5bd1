"""The regions of findings in files: from a location to the end of the word or text that begins there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rolecall.cli.problems.problem import Location
from rolecall.regular_file import read_regular

MAX_SHOWN_FILE_BYTES = 16 * 1024 * 1024
"""Of a longer file regions have no end, which is optional."""

_WORD = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'|[^\s,:{}\[\]"']+|\S""")


class Regions:
    """Makes regions, and reads each file once."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def region(self, location: Location) -> Mapping[str, int]:
        """Return the region that begins at a location; without an end where the file has no such line and column."""
        start = max(location.column, 1)
        region = {"startLine": location.line, "startColumn": start}
        lines = self._lines(location.file) if location.column else []
        if location.line > len(lines):
            return region
        found = _WORD.match(lines[location.line - 1], start - 1)
        return {**region, "endLine": location.line, "endColumn": found.end() + 1} if found else region

    def _lines(self, file: str) -> list[str]:
        if file not in self._files:
            self._files[file] = _lines_of(Path(file))
        return self._files[file]


def _lines_of(path: Path) -> list[str]:
    try:
        # Not `splitlines`, which also splits at characters that are no line ends in JSON and YAML.
        return re.split(r"\r\n|\n|\r", read_regular(path, MAX_SHOWN_FILE_BYTES).decode())
    except (OSError, ValueError):
        return []
