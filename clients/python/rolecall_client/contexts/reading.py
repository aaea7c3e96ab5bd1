"""Read the file of contexts: all its mistakes are reported at once, each with its place, the rule and what to do.

file = {current?, contexts: {NAME: context, ...}}
context = {address, tls?, token?, agent?, timeout_seconds?, accounts?, default_account?}
tls = {ca, cert?, key?, server_name?}, token = {file} | {command}, accounts = {ALIAS: ID, ...}
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rolecall_client.connection.address import AGENT_RULE, is_agent, target_of
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.contexts.context import ContextsFile, ServerContext, TokenOrigin
from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.fields import Field, Mistakes
from rolecall_client.contexts.limits import MAX_ALIASES, MAX_CONTEXTS, MAX_WORDS
from rolecall_client.contexts.location import expanded_path, read_safely
from rolecall_client.contexts.names import (
    ACCOUNT_RULE,
    ALIAS_RULE,
    CONTEXT_NAME_RULE,
    is_account_id,
    is_alias,
    is_context_name,
)
from rolecall_client.contexts.strict_yaml import decode_yaml
from rolecall_client.contexts.text import instead_of, quoted

_OPTIONAL = ("tls", "token", "agent", "timeout_seconds", "accounts", "default_account")


def read_contexts(path: Path) -> ContextsFile:
    """Return the contexts of a file; raise `ContextsError`, or `FileNotFoundError` if there is no file."""
    return parse_contexts(read_safely(path), path)


def parse_contexts(text: str, path: Path) -> ContextsFile:
    """Return the contexts of the text of a file; raise `ContextsError` with all mistakes."""
    mistakes = Mistakes(str(path))
    root = Field("the file", decode_yaml(text, str(path)), mistakes)
    fields = root.fields(("contexts",), ("current",))
    contexts = dict(_contexts(fields["contexts"])) if "contexts" in fields else {}
    current = fields["current"].text() if "current" in fields else ""
    if current and current not in contexts:
        hint = instead_of(current, contexts, none="add it to `contexts`, or remove `current`")
        fields["current"].refuse(f"there is no context {quoted(current)}", hint)
    mistakes.raise_if_any()
    return ContextsFile(path, contexts, current)


def parsed_or_none(text: str, path: Path) -> ContextsFile | None:
    """Return the contexts of a text that was just changed; None if it cannot be read."""
    with suppress(ContextsError):
        return parse_contexts(text, path)
    return None


def _contexts(node: Field) -> Iterator[tuple[str, ServerContext]]:
    for name, value in node.entries(MAX_CONTEXTS, "a mapping from names to contexts"):
        if not is_context_name(name):
            node.mistakes.note(node.place_of(name), f"{quoted(name)} is not the name of a context", CONTEXT_NAME_RULE)
        fields = value.fields(("address",), _OPTIONAL)
        yield name, _ContextReader(name, fields).context()


@dataclass(frozen=True, slots=True)
class _ContextReader:
    """Reads one context from its fields."""

    name: str
    fields: Mapping[str, Field]

    def context(self) -> ServerContext:
        fields = self.fields
        accounts = dict(_accounts(fields["accounts"])) if "accounts" in fields else {}
        return ServerContext(
            name=self.name,
            address=_address(fields["address"]) if "address" in fields else "",
            tls=_tls(fields["tls"]) if "tls" in fields else None,
            token=_token(fields["token"]) if "token" in fields else None,
            agent=_agent(fields["agent"]) if "agent" in fields else "",
            timeout=fields["timeout_seconds"].seconds() if "timeout_seconds" in fields else None,
            accounts=accounts,
            default_account=_default(fields["default_account"], accounts) if "default_account" in fields else "",
        )


def _address(node: Field) -> str:
    text = node.text()
    try:
        return target_of(text) if text else ""
    except ValueError as error:
        node.refuse(str(error))
        return ""


def _agent(node: Field) -> str:
    text = node.text()
    if text and not is_agent(text):
        node.refuse(f"{quoted(text)} is not the address of an agent", AGENT_RULE)
    return text


def _tls(node: Field) -> TlsFiles | None:
    fields = node.fields(("ca",), ("cert", "key", "server_name"))
    paths = {name: fields[name].path() for name in ("ca", "cert", "key") if name in fields}
    if ("cert" in fields) != ("key" in fields):
        missing = "key" if "cert" in fields else "cert"
        node.refuse(f"`{missing}` is missing in `tls`", "a client certificate and its key are given together")
        return None
    if (ca := paths.get("ca")) is None:
        return None
    name = fields["server_name"].text() if "server_name" in fields else None
    return TlsFiles(ca=ca, cert=paths.get("cert"), key=paths.get("key"), server_name=name)


def _token(node: Field) -> TokenOrigin | None:
    """token = {file: PATH} | {command: [PROGRAM, ARGUMENT, ...]}"""
    fields = node.fields((), ("file", "command"))
    if len(fields) != 1:
        node.refuse("`token` needs either `file` or `command`", "give one of them")
        return None
    if "file" in fields:
        return TokenOrigin(file=fields["file"].path())
    return TokenOrigin(command=_command(fields["command"]))


def _command(node: Field) -> tuple[str, ...]:
    """Return the words; a program that is given with a path is relative to the file, another one is found by PATH."""
    words = node.words(MAX_WORDS)
    if not words or not (os.sep in words[0] or words[0].startswith("~")):
        return words
    program = Path(node.mistakes.file).absolute().parent / expanded_path(words[0])
    return (str(program), *words[1:])


def _accounts(node: Field) -> Iterator[tuple[str, str]]:
    """accounts = {ALIAS: ID, ...}"""
    for alias, value in node.entries(MAX_ALIASES, "a mapping from aliases to account ids"):
        if not is_alias(alias):
            node.mistakes.note(node.place_of(alias), f"{quoted(alias)} is not an alias", ALIAS_RULE)
        account = value.text()
        if account and not is_account_id(account):
            value.refuse(f"{quoted(account)} is not an account id", ACCOUNT_RULE)
        yield alias, account


def _default(node: Field, accounts: Mapping[str, str]) -> str:
    text = node.text()
    if text and text not in accounts and not is_account_id(text):
        hint = instead_of(text, accounts, none=ACCOUNT_RULE)
        node.refuse(f"{quoted(text)} is neither an account id nor an alias of this context", hint)
    return text
