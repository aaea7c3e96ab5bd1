"""Make a client from settings, from the environment, or from a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from rolecall_client.answer_cache_options import AnswerCacheOptions
from rolecall_client.bearer import TokenSource
from rolecall_client.checks import Metadata
from rolecall_client.connection.settings import ConnectionSettings, TlsFiles

if TYPE_CHECKING:
    import grpc
    from opentelemetry.trace import Tracer

    from rolecall_client.local import LocalOptions


class ClientOptions(TypedDict, total=False):
    """The options of both clients."""

    credentials: grpc.ChannelCredentials | None
    tls: TlsFiles | None
    token: str | TokenSource | None
    agent: str | None
    timeout: float
    metadata: Metadata
    batching: bool
    cache: AnswerCacheOptions | None
    local: LocalOptions | None
    interceptors: Sequence[Any]
    tracer: Tracer | None


class Connectable:
    """The ways to make a client beside its constructor. An option that is given wins over the settings."""

    def __init__(self, address: str, **options: Unpack[ClientOptions]) -> None:
        raise NotImplementedError

    @classmethod
    def connect(cls, settings: ConnectionSettings, **options: Unpack[ClientOptions]) -> Self:
        """Return a client of the service that settings describe."""
        known: ClientOptions = {
            "tls": settings.tls,
            "token": settings.token,
            "agent": settings.agent,
            "timeout": settings.timeout,
        }
        if options.get("credentials") is not None:
            known["tls"] = None
        return cls(settings.address, **(known | options))

    @classmethod
    def from_env(cls, **options: Unpack[ClientOptions]) -> Self:
        """Return a client of the service that the environment names (`ROLECALL_ADDRESS`, ...), or else the current context."""
        from rolecall_client.contexts import settings_from_env  # noqa: PLC0415 - it reads YAML

        return cls.connect(settings_from_env(), **options)

    @classmethod
    def from_context(cls, name: str, **options: Unpack[ClientOptions]) -> Self:
        """Return a client of the service of a context, which has this name in the configuration file."""
        from rolecall_client.contexts import settings_of_context  # noqa: PLC0415 - it reads YAML

        return cls.connect(settings_of_context(name), **options)
