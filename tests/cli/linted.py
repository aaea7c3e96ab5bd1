"""What the linter finds in the policies of README, docs and examples; run this module to update the file of expectations."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path

from rolecall.cli.entry import run

ROOT = Path(__file__).resolve().parents[2]
LINTED = Path(__file__).with_name("linted.txt")

_BLOCK = re.compile(r"^```(json|yaml)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ACCOUNT = "123456789012"
_BUILT = frozenset({"node_modules", "target"})
"""Directories that the tools of other languages make among the examples."""


def linted() -> str:
    """Return a line for each policy without a problem, and for each problem of the others."""
    with tempfile.TemporaryDirectory() as scratch:
        blocks = [_written(Path(scratch), page, *block) for page in _pages() for block in _policies(page)]
        lines = [line for block in blocks for line in _lines(Path(scratch), block)]
    lines += [line for file in _examples() for line in _lines(ROOT, file)]
    return "\n".join(lines) + "\n"


def _pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _policies(page: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the language and the text of each block with policies."""
    blocks = [(language, text) for language, text in _BLOCK.findall(page.read_text()) if _has_policies(text)]
    yield from ((number, *block) for number, block in enumerate(blocks, start=1))


def _has_policies(text: str) -> bool:
    """Return whether a text has policies of roles or of principals; a callers file is checked by another command."""
    return "Statement" in text and not re.search("^(callers|cases):", text, re.MULTILINE)


def _written(scratch: Path, page: Path, number: int, language: str, text: str) -> str:
    name = f"{page.relative_to(ROOT).as_posix().replace('/', '_')}-{number}.{language}"
    (scratch / name).write_text(text)
    return name


def _examples() -> list[str]:
    files = [path for path in (ROOT / "examples").rglob("*") if path.suffix in (".json", ".yaml")]
    own = (path for path in files if _BUILT.isdisjoint(path.relative_to(ROOT).parts))
    return sorted(path.relative_to(ROOT).as_posix() for path in own if _has_policies(path.read_text()))


def _lines(directory: Path, file: str) -> Iterator[str]:
    printed = io.StringIO()
    with chdir(directory), redirect_stdout(printed):
        run(["validate", file, "--account-id", _ACCOUNT, "-o", "json"])
    problems = json.loads(printed.getvalue())["problems"]
    for problem in problems:
        what = problem["reason"] or problem["message"]
        yield f"{file}:{problem['line']}: {problem['severity']} {what} {problem['pointer']}".rstrip()
    if not problems:
        yield f"{file}: nothing"


if __name__ == "__main__":
    LINTED.write_text(linted())
