"""Add a context to the file as text, so that comments and the rest stay as they are; without a file, one is made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from rolecall_client.contexts.context import ContextsFile, ServerContext
from rolecall_client.contexts.errors import ContextsError, error_in
from rolecall_client.contexts.limits import MAX_FILE_BYTES
from rolecall_client.contexts.location import read_safely
from rolecall_client.contexts.names import CONTEXT_NAME_RULE, is_context_name
from rolecall_client.contexts.reading import parse_contexts, parsed_or_none
from rolecall_client.contexts.replacing import replace_file
from rolecall_client.contexts.strict_yaml import YamlMapping, decode_yaml
from rolecall_client.contexts.text import quoted

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/._-]*(:[0-9]+)?", re.ASCII)
_NOT_PLAIN = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that some reader of YAML takes for something else than text."""


def add_context(path: Path, context: ServerContext) -> ContextsFile:
    """Add a context, and return the file as it is then; raise `ContextsError`. The first context becomes the current one.

    Paths of the context must be absolute: those in the file are relative to its folder.
    """
    try:
        text = read_safely(path)
    except FileNotFoundError:
        text = ""
    changed = with_context(text, path, context)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that is a link stays one.
    replace_file(path.resolve(), changed)
    return parse_contexts(changed, path)


def with_context(text: str, path: Path, context: ServerContext) -> str:
    """Return the text of a file with one more context; raise `ContextsError`. An empty text stands for no file."""
    if not is_context_name(context.name):
        raise error_in(path, f"{quoted(context.name)} is not the name of a context", CONTEXT_NAME_RULE)
    _require_readable(context, path)
    if not text:
        changed = f"current: {_shown(context.name)}\ncontexts:\n" + _entry(context, "  ")
        expected = ContextsFile(path, {context.name: context}, context.name)
    else:
        file = parse_contexts(text, path)
        if context.name in file.contexts:
            raise error_in(path, f"there is a context {quoted(context.name)} already", "change it in an editor")
        changed = _changed(text, path, context)
        expected = ContextsFile(path, {**file.contexts, context.name: context}, file.current)
    if len(changed.encode()) > MAX_FILE_BYTES:
        raise error_in(path, f"the file would be longer than {MAX_FILE_BYTES:,} bytes, which is the limit")
    # The text was changed by places; that it now means what is wanted is proved by reading it.
    if parsed_or_none(changed, path) != expected:
        entry = _entry(context, "").strip().replace("\n", " ")
        raise error_in(path, "the layout of the file is too unusual to change", f"add in an editor: {entry}")
    return changed


def _require_readable(context: ServerContext, path: Path) -> None:
    """Raise `ContextsError` if the context has what a file may not have, such as a word with a line feed."""
    try:
        parse_contexts("contexts:\n" + _entry(context, "  "), path)
    except ContextsError as error:
        problem = error.problems[0]
        raise error_in(
            path, f"the context {quoted(context.name)} cannot be added: {problem.message}", problem.fix
        ) from None


def _changed(text: str, path: Path, context: ServerContext) -> str:
    """Put the context first, after the line of `contexts:`, where it is not between another context and its comments."""
    root = decode_yaml(text, str(path))
    node = root.members["contexts"] if isinstance(root, YamlMapping) else None
    if not isinstance(root, YamlMapping) or not isinstance(node, YamlMapping) or not node.members:
        return text
    indent = " " * (min(place.column for place in node.places.values()) - 1)
    lines = text.splitlines(keepends=True)
    at = root.places["contexts"].line
    return "".join(lines[:at]) + _entry(context, indent) + "".join(lines[at:])


def _entry(context: ServerContext, indent: str) -> str:
    lines = [f"{indent}{_shown(context.name)}:", *(f"{indent}  {line}" for line in _fields(context))]
    return "\n".join(lines) + "\n"


def _fields(context: ServerContext) -> Iterator[str]:
    yield f"address: {_shown(context.address)}"
    if tls := context.tls:
        given = {"ca": tls.ca, "cert": tls.cert, "key": tls.key, "server_name": tls.server_name}
        yield f"tls: {{{', '.join(f'{name}: {_shown(str(value))}' for name, value in given.items() if value)}}}"
    if token := context.token:
        words = ", ".join(map(_shown, token.command))
        yield f"token: {{file: {_shown(str(token.file))}}}" if token.file else f"token: {{command: [{words}]}}"
    if context.agent:
        yield f"agent: {_shown(context.agent)}"
    if context.timeout:
        yield f"timeout_seconds: {context.timeout:g}"


def _shown(text: str) -> str:
    """Return a text as YAML: plain where nothing else can be meant, else with quotes, in which JSON and YAML agree."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
