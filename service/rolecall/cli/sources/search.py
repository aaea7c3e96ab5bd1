"""Search files, standard input (`-`) and directories for roles and test cases.

In directories, at any depth, every `*.json`, `*.yaml` and `*.yml` file that is not hidden is read; a file of another kind is
skipped with a note. A file that the command line names must be of a known kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rolecall.cli.declarations.document import TextSource
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.found import Found, FoundRole
from rolecall.cli.sources.kinds import MAX_BYTES
from rolecall.cli.sources.recognise import read_content
from rolecall.cli.text.files import PIPE_HINT, STDIN, files_in, nothing_in, read_input, read_text


def search(paths: Iterable[Path], *, stdin: bool = False) -> Found:
    """Return what files and directories contain. Nothing is raised; problems are part of the result.

    `stdin`: the path `-` means standard input, as it does on a command line but not in a file.
    """
    found = Found()
    seen: set[Path] = set()
    for path in paths:
        for file, named in _files(path, found):
            if (resolved := file.resolve()) not in seen:
                seen.add(resolved)
                _read(file, found, named=named, stdin=stdin)
    _drop_referenced(found)
    return found


def _files(path: Path, found: Found) -> Iterator[tuple[Path, bool]]:
    """Yield files, each with whether the command line names it."""
    if not path.is_dir():
        yield path, True
        return
    files = files_in(path)
    if not files:
        found.problems.append(nothing_in(path))
    yield from ((file, False) for file in files)


def _read(path: Path, found: Found, *, named: bool, stdin: bool) -> None:
    try:
        piped = stdin and str(path) == STDIN
        text = read_input(STDIN, MAX_BYTES) if piped else read_text(path, MAX_BYTES, pipe_hint=PIPE_HINT)
    except ProblemsError as error:
        found.problems += error.problems
    else:
        read_content(path, text, found, named=named)


def _drop_referenced(found: Found) -> None:
    """Drop the roles of policy files that another role names as its `trust_policy_file`."""
    own = {id(role) for role in found.roles if role.location.line == 0}
    referenced = {_file(role) for role in found.roles if id(role) not in own and isinstance(role.source, TextSource)}
    found.roles = [role for role in found.roles if id(role) not in own or _file(role) not in referenced]


def _file(role: FoundRole) -> Path:
    location = role.source.start if isinstance(role.source, TextSource) else role.location
    return Path(location.file).resolve()
