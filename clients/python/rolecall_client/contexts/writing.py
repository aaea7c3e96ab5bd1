"""Change the current context in the file: only its name, so that comments and the rest stay as they are."""

from __future__ import annotations

from pathlib import Path

from rolecall_client.contexts.context import ContextsFile
from rolecall_client.contexts.errors import error_in
from rolecall_client.contexts.fields import NO_TEXT
from rolecall_client.contexts.location import read_safely
from rolecall_client.contexts.reading import parse_contexts, parsed_or_none
from rolecall_client.contexts.replacing import replace_file
from rolecall_client.contexts.strict_yaml import Place, YamlMapping, YamlText, decode_yaml


def use_context(path: Path, name: str) -> ContextsFile:
    """Make a context the current one, and return the file as it is then; raise `ContextsError`, or `FileNotFoundError`.

    The file is replaced as a whole: readers see the old or the new one.
    """
    text = read_safely(path)
    # A file that is a link stays one.
    replace_file(path.resolve(), with_current(text, path, name))
    return ContextsFile(path, parse_contexts(text, path).contexts, name)


def with_current(text: str, path: Path, name: str) -> str:
    """Return the text of a file in which another context is the current one; raise `ContextsError`."""
    file = parse_contexts(text, path)
    file.context(name)
    changed = _changed(text, path, name)
    # The text was changed by places; that it now means what is wanted is proved by reading it.
    if parsed_or_none(changed, path) != ContextsFile(path, file.contexts, name):
        raise error_in(path, "the layout of the file is too unusual to change", f"write `current: {name}` in it")
    return changed


def _changed(text: str, path: Path, name: str) -> str:
    root = decode_yaml(text, str(path))
    if not isinstance(root, YamlMapping):
        return text
    lines = text.splitlines(keepends=True)
    shown = f'"{name}"' if name in NO_TEXT else name
    current = root.members.get("current")
    if isinstance(current, YamlText):
        return _replaced(lines, current.place, current.end, shown)
    return _replaced(lines, root.places["contexts"], root.places["contexts"], f"current: {shown}\n")


def _replaced(lines: list[str], start: Place, end: Place, text: str) -> str:
    before = "".join(lines[: start.line - 1]) + lines[start.line - 1][: start.column - 1]
    after = lines[end.line - 1][end.column - 1 :] + "".join(lines[end.line :])
    return before + text + after
