"""Choose how to connect: by the options of a command, the environment, a context, and the defaults.

1. Each setting is that of the first source that has it: option, environment, context, default.
2. A context that an option names stands for options: the environment does not count beside it.
3. The current context is used only if neither an option nor the environment names a server: its token and its certificates are
   for its own server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rolecall_client.connection.address import AGENT_RULE, is_agent, target_of
from rolecall_client.connection.settings import DEFAULT_TIMEOUT_SECONDS, ConnectionSettings, TlsFiles
from rolecall_client.contexts.context import ContextsFile, ServerContext, TokenOrigin
from rolecall_client.contexts.errors import error_in
from rolecall_client.contexts.given import GivenSettings, settings_in
from rolecall_client.contexts.location import FILE_VARIABLE, contexts_path, is_named
from rolecall_client.contexts.text import quoted

if TYPE_CHECKING:
    from rolecall_client.bearer import TokenSource

DEFAULT_ADDRESS = "127.0.0.1:50051"
_DEFAULT = "default"

T = TypeVar("T")
Pair = tuple[Path, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenConnection:
    """How to connect, the context in use if there is one, and by the name of each setting where it comes from.

    `timeout` is None if no source has one.
    """

    address: str
    tls: TlsFiles | None
    token: TokenOrigin | None
    agent: str | None
    timeout: float | None
    context: ServerContext | None
    sources: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> ConnectionSettings:
        """Return the settings of a client."""
        timeout = DEFAULT_TIMEOUT_SECONDS if self.timeout is None else self.timeout
        return ConnectionSettings(
            address=self.address, tls=self.tls, token=_source_of(self.token), agent=self.agent, timeout=timeout
        )


def choose(options: GivenSettings, environ: Mapping[str, str]) -> ChosenConnection:
    """Return how to connect; raise `ContextsError` for the file of contexts, and any other `ValueError` for the rest."""
    given = _sources(options, environ)
    choice = _Choice(given, context_in_use(options, environ))
    if choice.context is not None:
        names = [g.names.context for g in given if g.context is not None]
        choice.sources["context"] = next(iter(names), "current")
    return choice.connection()


def context_in_use(options: GivenSettings, environ: Mapping[str, str]) -> ServerContext | None:
    """Return the context that an option or the environment names, else the current one unless they name a server."""
    given = _sources(options, environ)
    named = next((source for source in given if source.context is not None), None)
    if named is None and any(source.address is not None for source in given):
        return None
    file = contexts_of(environ)
    if named is None:
        return file.context(file.current) if file and file.current else None
    if file is None:
        message = f"{named.names.context} names {quoted(named.context or '')}, and this file does not exist"
        raise error_in(contexts_path(environ), message, "create it")
    return file.context(named.context or "")


def _sources(options: GivenSettings, environ: Mapping[str, str]) -> tuple[GivenSettings, ...]:
    """Return what counts before a context. Beside a context that an option names, the environment is not even read."""
    return (options, settings_in(environ)) if options.context is None else (options,)


def contexts_of(environ: Mapping[str, str]) -> ContextsFile | None:
    """Return the contexts of the user; None if there is no file and no variable names one; raise `ContextsError`."""
    path = contexts_path(environ)
    try:
        path.stat()
    except OSError as error:
        if is_named(environ):
            why = "it does not exist" if isinstance(error, FileNotFoundError) else str(error.strerror).lower()
            raise error_in(path, f"{FILE_VARIABLE} names this file: {why}", "correct it, or unset it") from None
        # Neither has a user contexts whose home may not be entered: `HOME` is that of another user, as in some containers.
        return None
    # Imports YAML, which a command without contexts does not need.
    from rolecall_client.contexts.reading import read_contexts  # noqa: PLC0415

    return read_contexts(path)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Chooses each setting from the first source that has it, and remembers the source."""

    given: tuple[GivenSettings, ...]
    context: ServerContext | None
    sources: dict[str, str] = field(default_factory=dict)

    def connection(self) -> ChosenConnection:
        return ChosenConnection(
            address=self._address(),
            tls=self._tls(),
            token=self._token(),
            agent=self._agent(),
            timeout=self._timeout(),
            context=self.context,
            sources=self.sources,
        )

    def _address(self) -> str:
        given = [(g.names.address, _target(g)) for g in self.given]
        own = self.context.address if self.context else ""
        return self._first("address", [*given, (self._name, own), (_DEFAULT, DEFAULT_ADDRESS)]) or DEFAULT_ADDRESS

    def _tls(self) -> TlsFiles | None:
        own = self.context.tls if self.context else None
        authorities = [(g.names.tls_ca, g.tls_ca) for g in self.given]
        authority = self._first("tls.ca", [*authorities, (self._name, own.ca if own else None)])
        pairs = [(f"{g.names.tls_cert} and {g.names.tls_key}", _pair(g)) for g in self.given]
        cert, key = self._first("tls.cert", [*pairs, (self._name, _pair_of(own))]) or (None, None)
        if authority is None and cert is not None:
            fix = f"give {self.given[0].names.tls_ca}, the CA certificates that verify the server"
            raise ValueError(f"{self.sources['tls.cert']} need TLS; {fix}")
        if authority is None:
            return None
        name = self._first("tls.server_name", [(self._name, own.server_name if own else None)])
        return TlsFiles(ca=authority, cert=cert, key=key, server_name=name)

    def _token(self) -> TokenOrigin | None:
        given = [(g.names.token_file, TokenOrigin(file=g.token_file) if g.token_file else None) for g in self.given]
        return self._first("token", [*given, (self._name, self.context.token if self.context else None)])

    def _agent(self) -> str | None:
        given = [(g.names.agent, _agent_of(g)) for g in self.given]
        return self._first("agent", [*given, (self._name, self.context.agent if self.context else None)])

    def _timeout(self) -> float | None:
        given = [(g.names.timeout, g.timeout) for g in self.given]
        return self._first("timeout_seconds", [*given, (self._name, self.context.timeout if self.context else None)])

    @property
    def _name(self) -> str:
        return f"context {self.context.name}" if self.context else ""

    def _first(self, setting: str, candidates: Iterable[tuple[str, T | None]]) -> T | None:
        for source, value in candidates:
            if value:
                self.sources[setting] = source
                return value
        return None


def _target(given: GivenSettings) -> str | None:
    try:
        return None if given.address is None else target_of(given.address)
    except ValueError as error:
        raise ValueError(f"{given.names.address}: {error}") from None


def _agent_of(given: GivenSettings) -> str | None:
    if given.agent is not None and not is_agent(given.agent):
        raise ValueError(f"{given.names.agent} is {quoted(given.agent)}; {AGENT_RULE}")
    return given.agent


def _pair(given: GivenSettings) -> Pair | None:
    if given.tls_cert and given.tls_key:
        return given.tls_cert, given.tls_key
    if given.tls_cert or given.tls_key:
        raise ValueError(f"{given.names.tls_cert} and {given.names.tls_key} must be given together")
    return None


def _pair_of(tls: TlsFiles | None) -> Pair | None:
    return (tls.cert, tls.key) if tls and tls.cert and tls.key else None


def _source_of(token: TokenOrigin | None) -> TokenSource | None:
    if token is None:
        return None
    # These need gRPC, which a command without a server does not import.
    from rolecall_client.connection.tokens import CommandToken, FileToken  # noqa: PLC0415

    return FileToken(token.file) if token.file else CommandToken(token.command)
