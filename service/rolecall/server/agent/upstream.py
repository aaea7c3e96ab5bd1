"""The server that an agent follows, and what the agent asks it with its own credential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.rpc import code_pb2
from structlog.typing import FilteringBoundLogger

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.sources import ConfigError
from rolecall.engine.errors import UpstreamOnlyError
from rolecall.regular_file import read_secret, reason_of
from rolecall.security.tls_files import MAX_PEM_BYTES
from rolecall.server.agent.passing import CallersConnection
from rolecall.transport.errors import (
    TooManyCallsError,
    UpstreamAnswerError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from rolecall.transport.fault import Fault, FieldFault
from rolecall_client.bearer import may_have_token
from rolecall_client.checks import CallOptions
from rolecall_client.connection.address import target_of
from rolecall_client.connection.endpoint import Endpoint
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.connection.tokens import FileToken
from rolecall_client.errors import RolecallError
from rolecall_client.methods import BATCH_CHECK, CHECK, WATCH_ROLES, Method, Request, Response
from rolecall_client.v1 import decision_pb2 as pb, watch_pb2 as w

CALL_SECONDS = 10.0
"""How long the followed server may take for a check that its caller gives more time."""

RECONNECT_SECONDS = 0.25
"""A watch that broke is opened again after at most this time, so that an agent catches up as soon as its server is back."""

CONNECT_AGAIN_SECONDS = 0.25
"""The same of a connection. The pauses of gRPC become two minutes long by default."""

CONNECTION_SECONDS = 5
"""A connection must be open, with TLS, after this time, even if the network loses what is sent."""

_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", round(CONNECT_AGAIN_SECONDS * 1_000)),
    ("grpc.min_reconnect_backoff_ms", CONNECTION_SECONDS * 1_000),
)

MAX_CALLS = 256
"""The most checks that are put to the followed server at a time."""

_REFUSED = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED"})
_UNAVAILABLE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"})


class Upstream:
    """The followed server. It needs a running event loop. Raise `ConfigError` if it cannot be called as the settings say.

    `asked` counts the checks that were put to it, by their outcome; `under_way` are those without one yet. `callers_connection`
    passes calls of callers to it.
    """

    def __init__(self, config: AgentConfig, log: FilteringBoundLogger) -> None:
        try:
            endpoint = _endpoint(config)
            self._calls, _ = endpoint.async_calls((), endpoint.spans())
            self.callers_connection = CallersConnection(endpoint)
        except ValueError as error:
            raise ConfigError([f"--upstream: {error}"]) from None
        except OSError as error:
            message = f"cannot read `{error.filename}` of the --upstream-tls files: {reason_of(error)}"
            raise ConfigError([message]) from None
        self.asked = {"answered": 0, "refused": 0, "unavailable": 0}
        self._log, self._reported, self.under_way = log, "", 0

    async def open_watch(self, request: w.WatchRolesRequest) -> Any:  # noqa: ANN401 - a stream of the client
        """Open a watch; raise `RolecallError`."""
        return await self._calls.open(WATCH_ROLES, request)

    async def check(
        self, request: pb.CheckAssumeRoleRequest, why: UpstreamOnlyError, seconds: float | None
    ) -> pb.CheckAssumeRoleResponse:
        """Return the answer of the followed server, within `seconds` if they are given."""
        return await self._asked(CHECK, request, why, seconds)

    async def batch(
        self, request: pb.BatchCheckAssumeRoleRequest, why: UpstreamOnlyError, seconds: float | None
    ) -> pb.BatchCheckAssumeRoleResponse:
        """Return the answers of the followed server, within `seconds` if they are given."""
        return await self._asked(BATCH_CHECK, request, why, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._calls.close()
        await self.callers_connection.close()

    async def _asked(
        self, method: Method[Request, Response], request: Request, why: UpstreamOnlyError, seconds: float | None
    ) -> Response:
        if self.under_way >= MAX_CALLS:
            raise TooManyCallsError("checks of the followed server", MAX_CALLS, MAX_CALLS)
        self.under_way += 1
        try:
            answered = await self._calls.unary(method, request, _options(seconds))
        except RolecallError as error:
            raise self._failed(error, why) from error
        finally:
            self.under_way -= 1
        self._count("answered")
        return answered

    def _failed(self, error: RolecallError, why: UpstreamOnlyError) -> Exception:
        if error.code in _REFUSED:
            self._count("refused", error)
            return UpstreamRefusedError(why.why)
        if error.code in _UNAVAILABLE:
            self._count("unavailable", error)
            return UpstreamUnavailableError(why.why, freshness=why.freshness)
        self._count("answered")
        return UpstreamAnswerError(_fault(error))

    def _count(self, outcome: str, error: RolecallError | None = None) -> None:
        self.asked[outcome] += 1
        # Of many checks that fail alike the first is logged: a caller must not fill the log.
        if outcome != self._reported and error is not None:
            self._log.warning("upstream_check", outcome=outcome, error=f"{error.code}: {error}")
        self._reported = outcome


def _endpoint(config: AgentConfig) -> Endpoint:
    target_of(config.upstream)  # a scheme is no missing TLS
    tls = None
    if config.upstream_tls_ca:
        if config.upstream_tls_key:
            # Refused if every user of this machine could have copied it.
            read_secret(Path(config.upstream_tls_key), MAX_PEM_BYTES)
        tls = TlsFiles(
            ca=Path(config.upstream_tls_ca),
            cert=_path(config.upstream_tls_cert),
            key=_path(config.upstream_tls_key),
            server_name=config.upstream_tls_server_name or None,
        )
    elif not (config.upstream_insecure or may_have_token(config.upstream, None)):
        # In plain text anyone on the way could send roles that allow everything.
        raise ValueError(
            "a server on another machine is followed over TLS: give --upstream-tls-ca, or --upstream-insecure if something "
            "else encrypts"
        )
    token = FileToken(Path(config.upstream_token_file)) if config.upstream_token_file else None
    return Endpoint(address=config.upstream, tls=tls, token=token, options=_OPTIONS)


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _options(seconds: float | None) -> CallOptions:
    return CallOptions(timeout=CALL_SECONDS if seconds is None else max(0.0, min(seconds, CALL_SECONDS)))


def _fault(error: RolecallError) -> Fault:
    """Return an error of the followed server as its caller gets it."""
    return Fault(
        code=code_pb2.Code.Value(error.code),
        reason=error.reason or "UPSTREAM_ERROR",
        message=error.message,
        facts={name: fact for name, fact in error.metadata.items() if name != "request_id"},
        fields=tuple(
            FieldFault(
                field=v.field, reason=v.reason, description=v.message, pointer=v.pointer, line=v.line, column=v.column
            )
            for v in error.violations
        ),
        retry_seconds=error.retry_after or 0.0,
    )
