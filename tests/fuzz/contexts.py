"""The file of contexts: its YAML, what it declares, and the change of its current context."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rolecall_client.contexts.adding import with_context
from rolecall_client.contexts.context import ContextsFile, ServerContext
from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.limits import MAX_PROBLEMS
from rolecall_client.contexts.names import is_context_name
from rolecall_client.contexts.reading import parse_contexts
from rolecall_client.contexts.writing import with_current
from tests.fuzz.target import Target

_FILE = Path("/folder/config.yaml")


def check_file(data: bytes) -> None:
    """A file is refused with places, or it is read; then each context can become the current one, or be added again, and nothing else changes."""
    try:
        text = data.decode()  # as a file is read; one that is not UTF-8 is refused there
    except UnicodeDecodeError:
        return
    try:
        file = parse_contexts(text, _FILE)
    except ContextsError as error:
        _check_refusal(error)
    else:
        _check_contexts(file)
        _check_changes(text, file)


def _check_refusal(error: ContextsError) -> None:
    assert 0 < len(error.problems) <= MAX_PROBLEMS
    assert all(problem.file == str(_FILE) and problem.message for problem in error.problems)
    assert "\n" not in str(error)


def _check_contexts(file: ContextsFile) -> None:
    assert not file.current or file.current in file.contexts
    for name, context in file.contexts.items():
        assert is_context_name(name)
        assert context.name == name
        assert context.address
        assert context.token is None or bool(context.token.file) != bool(context.token.command)
        assert context.tls is None or all(path.is_absolute() for path in context.tls.paths())


def _check_changes(text: str, file: ContextsFile) -> None:
    for name in file.contexts:
        try:
            changed = with_current(text, _FILE, name)
        except ContextsError as error:
            assert "too unusual" in str(error)  # noqa: PT017
        else:
            assert parse_contexts(changed, _FILE) == ContextsFile(_FILE, file.contexts, name)
        _check_addition(
            text, file, replace(file.contexts[name], name=f"{name[:60]}.2", accounts={}, default_account="")
        )


def _check_addition(text: str, file: ContextsFile, context: ServerContext) -> None:
    try:
        changed = with_context(text, _FILE, context)
    except ContextsError as error:
        assert any(reason in str(error) for reason in ("too unusual", "already", "cannot be added"))  # noqa: PT017
    else:
        contexts = {**file.contexts, context.name: context}
        assert parse_contexts(changed, _FILE) == ContextsFile(_FILE, contexts, file.current)


_WHOLE = b"""\
# mine
current: prod
contexts:
  local: {address: localhost}
  prod:
    address: roles.internal:443
    tls: {ca: ca.pem, cert: client.pem, key: ~/client.key, server_name: roles}
    token: {command: [./print-token, --audience, rolecall]}
    timeout_seconds: 2.5
    accounts: {shop: 123456789012, pay: "000000000042"}
    default_account: shop
"""

TARGETS = (
    Target(
        name="contexts",
        check=check_file,
        seeds=(
            _WHOLE,
            b"contexts: {a: {address: 'x:1', token: {file: t}}}\ncurrent: 'a'\n",
            b'{"contexts": {"a": {"address": "x"}}, "current": "a"}',
            b"contexts: &a {b: *a}",
            b"contexts:\n- a",
            b"current: |\n  a\ncontexts:\n  a: {address: dns:///x}\r\n  'true': {address: y}",
        ),
        words=("current: ", "contexts: ", "address: ", "tls: ", "token: ", "command: ", "accounts: ", "{", "}", "- "),
    ),
)
