"""A service as a client reaches it: its target, how it is trusted, and how the client identifies itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from rolecall_client import channel as channels
from rolecall_client.bearer import TokenSource, may_have_token
from rolecall_client.calls import Calls
from rolecall_client.channel_options import with_server_name
from rolecall_client.checks import Metadata
from rolecall_client.connection.address import target_of
from rolecall_client.connection.credential import Credential
from rolecall_client.connection.replaceable import ReplaceableChannel
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.tracing import Spans

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from rolecall_client.async_calls import AsyncCalls, ClosingChannels
    from rolecall_client.connection.tls import ReloadingTls, TlsMaterial


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service. Raise `ValueError` for what contradicts itself, or would send a token in plain text to another machine."""

    address: str
    credentials: grpc.ChannelCredentials | None = None
    tls: TlsFiles | None = None
    token: str | TokenSource | None = None
    metadata: Metadata = ()
    tracer: Tracer | None = None
    options: Sequence[tuple[str, str | int]] = ()
    """Options of gRPC, beside those of every channel."""

    def __post_init__(self) -> None:
        target_of(self.address)
        if self.credentials is not None and self.tls is not None:
            raise ValueError("TLS comes from `credentials` or from the files of `tls`; give one of them")
        if self.token is not None and self.tls is None and not may_have_token(self.address, self.credentials):
            raise ValueError(f"a token is sent over TLS, or to this machine; give TLS files for `{self.address}`")

    def spans(self) -> Spans:
        """Return what makes the spans of calls."""
        return Spans(self.tracer, target_of(self.address))

    def sync_calls(self, interceptors: Sequence[Any], spans: Spans) -> tuple[Calls, Credential]:
        """Open a channel for threads."""

        def opened(material: TlsMaterial | None) -> grpc.Channel:
            return grpc.intercept_channel(self._channel(material), *interceptors)

        channel = ReplaceableChannel(opened, lambda old: old.close(), self._reloading())
        credential = self._credential(channel)
        return Calls(channel, credential, spans), credential

    def async_calls(self, interceptors: Sequence[Any], spans: Spans) -> tuple[AsyncCalls, Credential]:
        """Open a channel for the running event loop."""
        from rolecall_client.async_calls import AsyncCalls  # noqa: PLC0415 - commands start without it

        channel, closing = self.async_channel(interceptors, {})
        credential = self._credential(channel)
        return AsyncCalls(channel, credential, spans, closing), credential

    def async_channel(
        self, interceptors: Sequence[Any], options: Mapping[str, str | int]
    ) -> tuple[ReplaceableChannel[grpc.aio.Channel], ClosingChannels]:
        """Open a channel for the running event loop, which sends no token. `options` replace those of gRPC with their names."""
        from rolecall_client.async_calls import ClosingChannels  # noqa: PLC0415 - commands start without it

        def opened(material: TlsMaterial | None) -> grpc.aio.Channel:
            return self._async_channel(material, interceptors, options)

        closing = ClosingChannels()
        return ReplaceableChannel(opened, closing.close, self._reloading()), closing

    def _reloading(self) -> ReloadingTls | None:
        if self.tls is None:
            return None
        from rolecall_client.connection.tls import ReloadingTls  # noqa: PLC0415 - commands start without it

        return ReloadingTls(self.tls)

    def _credential(self, channel: ReplaceableChannel[Any]) -> Credential:
        return Credential(self.token, self.metadata, None if self.tls is None else channel.refreshed_material)

    def _channel(self, material: TlsMaterial | None) -> grpc.Channel:
        credentials, target = self._credentials(material), target_of(self.address)
        if credentials is None:
            return grpc.insecure_channel(target, options=self._options())
        return grpc.secure_channel(target, credentials, options=self._options())

    def _async_channel(
        self, material: TlsMaterial | None, interceptors: Sequence[Any], options: Mapping[str, str | int]
    ) -> grpc.aio.Channel:
        credentials, target = self._credentials(material), target_of(self.address)
        given = tuple({**dict(self._options()), **options}.items())
        if credentials is None:
            return grpc.aio.insecure_channel(target, options=given, interceptors=interceptors)
        return grpc.aio.secure_channel(target, credentials, options=given, interceptors=interceptors)

    def _credentials(self, material: TlsMaterial | None) -> grpc.ChannelCredentials | None:
        return self.credentials if material is None else material.credentials()

    def _options(self) -> Sequence[tuple[str, str | int]]:
        return with_server_name((*channels.OPTIONS, *self.options), self.tls.server_name if self.tls else None)
