"""Builds the parts of a server of the roles in a store, from its settings and its replica."""

from __future__ import annotations

from rolecall.config.options import catalog_options, document_limits, upload_limits
from rolecall.config.settings import Config
from rolecall.engine.clock import now_micros
from rolecall.engine.consistency import Consistency
from rolecall.engine.history import RoleHistory
from rolecall.engine.watch import RoleWatches
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.replication_metrics import ReplicationCollector, ReplicationSources
from rolecall.roles.catalog import RoleCatalog
from rolecall.security.credentials import ListenerSecurity
from rolecall.security.identity import Identify
from rolecall.server.federation import ProviderFederation
from rolecall.server.replica import Replica
from rolecall.server.wiring import CallersOfCalls, MeasuredState, make_decoder
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.watch import EventEncoder
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rights.reads import RoleRights
from rolecall.transport.rpc.refusal_log import RefusalLog
from rolecall.transport.server import (
    DECISION_SERVICE,
    POLICY_SERVICE,
    ROLE_SERVICE,
    WATCH_SERVICE,
    Servicers,
)
from rolecall.transport.services.caller import CallerServicer
from rolecall.transport.services.decision import Callers, DecisionServicer
from rolecall.transport.services.health import Health
from rolecall.transport.services.observed_calls import ObservedCalls
from rolecall.transport.services.policy import PolicyServicer
from rolecall.transport.services.reverse import ReverseQueries
from rolecall.transport.services.role import RoleParts, RoleServicer
from rolecall.transport.services.uploads import Uploads
from rolecall.transport.services.watch import WatchServicer


class ReplicaWiring:
    """Makes the parts of a server of the roles in a store."""

    services = (DECISION_SERVICE, ROLE_SERVICE, POLICY_SERVICE, WATCH_SERVICE)

    def __init__(self, config: Config, replica: Replica) -> None:
        self._config, self._replica = config, replica

    def decoder(self, listener_security: ListenerSecurity, refusals: RefusalLog) -> QueryDecoder:
        """Return the decoder of queries, with its cache."""
        federation = ProviderFederation(listener_security.provider_tokens, refusals, now_micros)
        return make_decoder(self._config, federation)

    def servicers(
        self, callers: CallersOfCalls, health: Health, decision_log: DecisionLog | None, *, decoder: QueryDecoder
    ) -> Servicers:
        """Return the servicers of every service. `decision_log` is None when decisions are not logged."""
        config, replica = self._config, self._replica
        return Servicers(
            decision=_decision_servicer(config, replica, decoder, callers, decision_log),
            role=_role_servicer(config, replica, callers.identify),
            policy=PolicyServicer(
                document_limits(config), now_micros, replica.validating, account=config.accounts.default
            ),
            watch=_watch_servicer(config, replica, callers),
            caller=CallerServicer(callers.identify),
            health=health,
        )

    def measured_state(self) -> MeasuredState:
        """Return what the metrics of the state are read from."""
        replica = self._replica
        sources = ReplicationSources(
            follower=replica.follower, polling=replica.polling, reconciler=replica.reconciler, saver=replica.saver
        )
        return MeasuredState(replica.point, replica.writer, ReplicationCollector(sources))


def _role_servicer(config: Config, replica: Replica, identify: Identify) -> RoleServicer:
    limits, options = document_limits(config), catalog_options(config)
    return RoleServicer(
        RoleParts(
            catalog=RoleCatalog(
                replica.repository, config.accounts, limits, options, tokens=replica.tokens, known=replica.snapshot
            ),
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
