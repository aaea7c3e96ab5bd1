"""A named server and how to connect to it, and the file that has them, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rolecall_client.connection.settings import TlsFiles
from rolecall_client.contexts.errors import error_in
from rolecall_client.contexts.text import instead_of, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrigin:
    """Where the token comes from: a file, or what a command prints; `command` is the program and its arguments."""

    file: Path | None = None
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """One context: a server, and how to connect to it. Without a token none is sent; without an agent none is asked.

    `accounts` are ids by alias, and `default_account` (an id or an alias) is the account of names without one.
    """

    name: str
    address: str
    tls: TlsFiles | None = None
    token: TokenOrigin | None = None
    agent: str = ""
    timeout: float | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    default_account: str = ""

    def account_id(self, text: str) -> str:
        """Return the id of an account, which may be an alias, or empty for the default account. Unknown texts are returned."""
        text = text or self.default_account
        return self.accounts.get(text, text)


@dataclass(frozen=True, slots=True)
class ContextsFile:
    """The contexts of a file by name, and the name of the current one (empty: none)."""

    path: Path
    contexts: Mapping[str, ServerContext]
    current: str = ""

    def context(self, name: str) -> ServerContext:
        """Return a context; raise `ContextsError` if the file has no such context."""
        if (found := self.contexts.get(name)) is None:
            hint = instead_of(name, self.contexts, none="the file has no contexts")
            raise error_in(self.path, f"there is no context {quoted(name)}", hint)
        return found
