"""Builds the parts of a server that do not depend on what its state is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from rolecall.callers.caller import Caller
from rolecall.config.options import server_options
from rolecall.config.serving_settings import ServingSettings
from rolecall.engine.decision_point import DecisionPoint
from rolecall.observability.caller_metrics import CallersSources
from rolecall.observability.credential_metrics import CredentialSources
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.loop_probe import LoopProbe
from rolecall.observability.metered_writer import MeteredWriter
from rolecall.observability.metrics import MetricSources
from rolecall.security.authentication import RefusedCredentialsError
from rolecall.security.certificate_chains import UntrustedCertificateError
from rolecall.security.credentials import ListenerSecurity
from rolecall.security.identity import CallContext, Identify, UnidentifiedCallerError
from rolecall.security.tokens.faults import RefusedTokenError
from rolecall.server.callers import ServerCallers
from rolecall.transport.choice import transport_named
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.federation import Federation
from rolecall.transport.errors import RefusedCallerError, UnauthenticatedError
from rolecall.transport.rights.methods import MethodRights
from rolecall.transport.rpc.call_origin import CallerName, no_name
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.refusal_log import RefusalLog
from rolecall.transport.rpc.stats import LATENCY_BOUNDS
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.server import GrpcServer, Servicers
from rolecall.transport.services.health import Health


@dataclass(frozen=True, slots=True)
class CallersOfCalls:
    """How the caller of a call is found: `authenticate` (None: every caller is accepted) first, then `identify`.

    `name_of` names the callers of calls that share a limit.
    """

    identify: Identify
    authenticate: Identify | None
    name_of: CallerName
    streams: StreamCallers

    @classmethod
    def of(cls, listener_security: ListenerSecurity) -> Self:
        """Return how a listener finds them."""
        authenticate = _authenticate(listener_security)
        streams = StreamCallers(authenticate or listener_security.identify)
        return cls(listener_security.identify, authenticate, listener_security.name_of or no_name, streams)


class Wiring(Protocol):
    """Makes the parts of a server that depend on what its state is."""

    @property
    def services(self) -> Sequence[str]:
        """Return the names of its services."""
        ...

    def decoder(self, listener_security: ListenerSecurity, refusals: RefusalLog) -> QueryDecoder:
        """Return the decoder of queries, with its cache."""
        ...

    def servicers(
        self, callers: CallersOfCalls, health: Health, decision_log: DecisionLog | None, *, decoder: QueryDecoder
    ) -> Servicers:
        """Return the servicers of every service. `decision_log` is None when decisions are not logged."""
        ...

    def measured_state(self) -> MeasuredState:
        """Return what the metrics of the state are read from."""
        ...


@dataclass(frozen=True, slots=True)
class MeasuredState:
    """The part of the metrics that depends on what the state is. `writer` is None if nothing is written here."""

    point: DecisionPoint
    writer: MeteredWriter | None
    replication: Collector


def make_grpc_server(
    config: ServingSettings,
    servicers: Servicers,
    log: FilteringBoundLogger,
    callers: CallersOfCalls,
    refusals: RefusalLog,
) -> GrpcServer:
    """Return a gRPC server that is not bound to an address yet."""
    return GrpcServer(
        servicers,
        server_options(config),
        boundary=ErrorBoundary(log, verbose=config.log_level == "debug", refusals=refusals),
        permits=MethodRights(callers.identify).permit,
        make_wire=transport_named(config.transport).make,
        authenticate=callers.authenticate,
        # Without client certificates all callers have one name, and only their connections distinguish them.
        name_of=callers.name_of,
    )


def make_decoder(config: ServingSettings, federation: Federation) -> QueryDecoder:
    """Return the decoder of queries, with its cache."""
    return QueryDecoder(config.accounts, cache_bytes=config.request_cache_bytes, federation=federation)


def metric_sources(
    server: GrpcServer,
    state: MeasuredState,
    probe: LoopProbe,
    listener_security: ListenerSecurity,
    decision_log: DecisionLog | None,
    *,
    callers: ServerCallers,
    decoder: QueryDecoder,
    refusals: RefusalLog,
) -> MetricSources:
    """Return where the metrics of a server are read from."""
    return MetricSources(
        method_stats=server.methods.method_stats,
        latency_bounds=LATENCY_BOUNDS,
        point=state.point,
        requests=decoder.cache,
        writer=state.writer,
        decision_log=decision_log,
        calls_under_way=lambda: sum(len(concurrency.calls) for concurrency in server.concurrency_limits),
        replication=state.replication,
        certificate=listener_security.certificate,
        callers=_callers_sources(callers),
        connections=server.wire.connection_counts,
        credentials=_credential_sources(listener_security, refusals),
        watches=lambda: server.watches,
        refusals=server.refusals,
        silent_ended=lambda: server.silent.ended,
        idle_ended=lambda: server.open_streams.ended_idle,
        revivals=lambda: server.revivals,
        loop_lag_seconds=lambda: probe.lag_seconds,
    )


def _callers_sources(callers: ServerCallers) -> CallersSources | None:
    if callers.reloading is None:
        return None
    observe = callers.observe
    return CallersSources(callers.reloading, lambda: observe.denials if observe else {})


def _credential_sources(listener_security: ListenerSecurity, refusals: RefusalLog) -> CredentialSources:
    verifiers = (listener_security.caller_tokens, listener_security.provider_tokens)
    return CredentialSources(
        refused=lambda: refusals.counts,
        key_sets=lambda: list(listener_security.key_sets.by_owner().values()),
        remembered_bytes=lambda: sum(verifier.remembered.bytes for verifier in verifiers),
    )


def _authenticate(listener_security: ListenerSecurity) -> Identify | None:
    identify = listener_security.authenticate
    if identify is None:
        return None

    def authenticate(context: CallContext) -> Caller:
        try:
            return identify(context)
        except UnidentifiedCallerError as error:
            raise UnauthenticatedError(str(error), spiffe_ids=error.spiffe_ids, dns_names=error.dns_names) from None
        except RefusedTokenError as error:
            raise RefusedCallerError(error.fault, error.why) from None
        except (UntrustedCertificateError, RefusedCredentialsError) as error:
            raise RefusedCallerError(error.fault, str(error)) from None

    return authenticate
