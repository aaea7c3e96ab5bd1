"""Builds the parts of a server from its settings and its replica."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from structlog.typing import FilteringBoundLogger

from rolecall.callers.caller import Caller
from rolecall.config.options import catalog_options, document_limits, server_options, upload_limits
from rolecall.config.settings import Config
from rolecall.engine.clock import now_micros
from rolecall.engine.consistency import Consistency
from rolecall.engine.history import RoleHistory
from rolecall.engine.watch import RoleWatches
from rolecall.observability.caller_metrics import CallersSources
from rolecall.observability.credential_metrics import CredentialSources
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.loop_probe import LoopProbe
from rolecall.observability.metrics import MetricSources
from rolecall.observability.replication_metrics import ReplicationSources
from rolecall.roles.catalog import RoleCatalog
from rolecall.security.authentication import RefusedCredentialsError
from rolecall.security.certificate_chains import UntrustedCertificateError
from rolecall.security.credentials import ListenerSecurity
from rolecall.security.identity import CallContext, Identify, UnidentifiedCallerError
from rolecall.security.tokens.faults import RefusedTokenError
from rolecall.server.callers import ServerCallers
from rolecall.server.federation import ProviderFederation
from rolecall.server.replica import Replica
from rolecall.transport.choice import transport_named
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.watch import EventEncoder
from rolecall.transport.errors import RefusedCallerError, UnauthenticatedError
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rights.methods import MethodRights
from rolecall.transport.rights.reads import RoleRights
from rolecall.transport.rpc.call_origin import CallerName, no_name
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.refusal_log import RefusalLog
from rolecall.transport.rpc.stats import LATENCY_BOUNDS
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.server import GrpcServer, Servicers
from rolecall.transport.services.caller import CallerServicer
from rolecall.transport.services.decision import Callers, DecisionServicer
from rolecall.transport.services.health import Health
from rolecall.transport.services.observed_calls import ObservedCalls
from rolecall.transport.services.policy import PolicyServicer
from rolecall.transport.services.reverse import ReverseQueries
from rolecall.transport.services.role import RoleParts, RoleServicer
from rolecall.transport.services.uploads import Uploads
from rolecall.transport.services.watch import WatchServicer


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


def make_grpc_server(
    config: Config,
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


def make_decoder(config: Config, listener_security: ListenerSecurity, refusals: RefusalLog) -> QueryDecoder:
    """Return the decoder of queries, with its cache."""
    federation = ProviderFederation(listener_security.provider_tokens, refusals, now_micros)
    return QueryDecoder(config.accounts, cache_bytes=config.request_cache_bytes, federation=federation)


def make_servicers(
    config: Config,
    replica: Replica,
    callers: CallersOfCalls,
    health: Health,
    decision_log: DecisionLog | None,
    *,
    decoder: QueryDecoder,
) -> Servicers:
    """Return the servicers of every service. `decision_log` is None when decisions are not logged."""
    return Servicers(
        decision=_decision_servicer(config, replica, decoder, callers, decision_log),
        role=_role_servicer(config, replica, callers.identify),
        policy=PolicyServicer(document_limits(config), now_micros, replica.validating, account=config.accounts.default),
        watch=_watch_servicer(config, replica, callers),
        caller=CallerServicer(callers.identify),
        health=health,
    )


def metric_sources(
    server: GrpcServer,
    replica: Replica,
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
        point=replica.point,
        requests=decoder.cache,
        writer=replica.writer,
        decision_log=decision_log,
        calls_under_way=lambda: sum(len(concurrency.calls) for concurrency in server.concurrency_limits),
        replication=ReplicationSources(
            follower=replica.follower, polling=replica.polling, reconciler=replica.reconciler, saver=replica.saver
        ),
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


def _role_servicer(config: Config, replica: Replica, identify: Identify) -> RoleServicer:
    limits, options = document_limits(config), catalog_options(config)
    return RoleServicer(
        RoleParts(
            catalog=RoleCatalog(replica.repository, config.accounts, limits, options, tokens=replica.tokens),
            writer=replica.writer,
            snapshot=replica.snapshot,
            accounts=config.accounts,
            tokens=replica.tokens,
            uploads=Uploads(upload_limits(config)),
            identify=identify,
            rights=RoleRights(config.accounts, replica.snapshot.version),
            clock=now_micros,
        )
    )


def _decision_servicer(
    config: Config, replica: Replica, decoder: QueryDecoder, callers: CallersOfCalls, decision_log: DecisionLog | None
) -> DecisionServicer:
    accounts, identify = config.accounts, callers.identify
    rights = CheckRights(decoder, accounts, replica.snapshot.version)
    return DecisionServicer(
        replica.point,
        Consistency(replica.follower, replica.tokens, max_staleness_seconds=config.max_staleness_seconds),
        decoder,
        callers=Callers(identify=identify, streams=callers.streams, rights=rights),
        reverse=ReverseQueries(replica.point, decoder, accounts, replica.tokens, replica.answers, rights=rights),
        history=RoleHistory(replica.repository, replica.follower, replica.reading),
        max_batch=config.max_batch,
        answers=replica.answers,
        calls=ObservedCalls(decision_log, identify) if decision_log else None,
    )


def _watch_servicer(config: Config, replica: Replica, callers: CallersOfCalls) -> WatchServicer:
    watches = RoleWatches(
        replica.repository,
        replica.follower,
        replica.reading,
        consistency=Consistency(replica.follower, replica.tokens),
        tokens=replica.tokens,
    )
    encoder = EventEncoder(replica.tokens)
    return WatchServicer(watches, encoder, config.accounts, callers.identify, callers.streams)
