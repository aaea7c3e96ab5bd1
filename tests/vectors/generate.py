"""Writes the vectors from their tables: `python -m tests.vectors.generate`, or with `--check` reports whether they are current."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.vectors.tables import (
    accesses,
    combining,
    documents,
    operators,
    permission_documents,
    principals,
    requests,
    values,
)
from tests.vectors.tables.build import File, Json

VECTORS = Path(__file__).parent
TABLES = (operators, values, principals, combining, documents, requests, accesses, permission_documents)
FOLDERS = ("decisions", "documents", "requests", "accesses", "permission-documents")


def rendered() -> dict[Path, str]:
    """Return every file of vectors and its text."""
    found: dict[Path, str] = {}
    for table in TABLES:
        for file in table.files():
            path = VECTORS / file.folder / f"{file.name}.json"
            if path in found:
                raise ValueError(f"two tables write {path}")
            found[path] = text_of(file)
    return found


def text_of(file: File) -> str:
    """Return the JSON of a file: a line for each case and each statement, so that a change of one case is a diff of one line."""
    return "".join(_lines(file.content))


def stale() -> list[Path]:
    """Return the files that differ from their table, are missing, or have no table."""
    wanted = rendered()
    there = {path for folder in FOLDERS for path in (VECTORS / folder).glob("*.json")}
    differing = {path for path, text in wanted.items() if path in there and path.read_text("utf-8") != text}
    return sorted(differing | (there ^ set(wanted)))


def main() -> int:
    """Write the files, or check them."""
    if "--check" in sys.argv[1:]:
        for path in stale():
            sys.stderr.write(f"{path}: run `python -m tests.vectors.generate`\n")
        return 1 if stale() else 0
    for path in stale():
        path.unlink(missing_ok=True)
    for path, text in rendered().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


def _lines(content: Json) -> Iterator[str]:
    members = list(content.items())
    yield "{\n"
    for place, (name, value) in enumerate(members):
        end = "\n" if place == len(members) - 1 else ",\n"
        if name == "cases":
            yield f' "cases": [\n{_rows(value)}\n ]{end}'
        elif name == "policies":
            yield f' "policies": [\n{_rows(value)}\n ]{end}'
        elif name == "trust_policy":
            yield f' "trust_policy": {{"Version": "1", "Statement": [\n{_rows(value["Statement"])}\n ]}}{end}'
        else:
            yield f" {json.dumps(name)}: {_compact(value)}{end}"
    yield "}\n"


def _rows(values: list[Json]) -> str:
    return ",\n".join(f"  {_compact(value)}" for value in values)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)


if __name__ == "__main__":
    sys.exit(main())
