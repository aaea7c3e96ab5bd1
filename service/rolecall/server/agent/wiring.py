"""Builds the parts of an agent from its settings and its replica."""

from __future__ import annotations

from rolecall.config.agent_settings import AgentConfig
from rolecall.engine.clock import now_micros
from rolecall.engine.errors import UpstreamOnlyError
from rolecall.engine.snapshot import RoleVersion
from rolecall.observability.decision_log.log import DecisionLog
from rolecall.observability.followed_metrics import FollowedCollector, FollowedSources
from rolecall.roles.tokens import Tokens
from rolecall.security.credentials import ListenerSecurity
from rolecall.server.agent.federation import AgentFederation
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.wiring import CallersOfCalls, MeasuredState, make_decoder
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.passing.calls import PassedCalls
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rights.followed import Followed, FollowedRights
from rolecall.transport.rpc.refusal_log import RefusalLog
from rolecall.transport.server import DECISION_SERVICE, Servicers
from rolecall.transport.services.agent_decision import AgentDecisionServicer
from rolecall.transport.services.caller import CallerServicer
from rolecall.transport.services.decision import Callers, DecisionServicer
from rolecall.transport.services.health import Health
from rolecall.transport.services.observed_calls import ObservedCalls
from rolecall.transport.services.passed_roles import PassedRoleServicer
from rolecall.transport.services.reverse import ReverseQueries
from rolecall_client.v1 import policy_pb2_grpc, watch_pb2_grpc


class AgentWiring:
    """Makes the parts of an agent."""

    services = (DECISION_SERVICE,)

    def __init__(self, config: AgentConfig, replica: AgentReplica) -> None:
        self._config, self._replica = config, replica
        connection = replica.upstream.callers_connection
        self._passed = PassedCalls(connection, connection.token_of)
        self._federation: AgentFederation  # from `decoder` on

    def decoder(self, listener_security: ListenerSecurity, refusals: RefusalLog) -> QueryDecoder:
        """Return the decoder of queries, with its cache."""
        self._federation = AgentFederation(listener_security.provider_tokens, refusals, now_micros)
        return make_decoder(self._config, self._federation)

    def servicers(
        self, callers: CallersOfCalls, health: Health, decision_log: DecisionLog | None, *, decoder: QueryDecoder
    ) -> Servicers:
        """Return the servicers of every service. Policies are validated and roles are watched on the followed server only."""
        return Servicers(
            decision=self._decision_servicer(callers, decision_log, decoder),
            role=PassedRoleServicer(self._passed),
            policy=policy_pb2_grpc.PolicyServiceServicer(),
            watch=watch_pb2_grpc.WatchServiceServicer(),
            caller=CallerServicer(callers.identify),
            health=health,
        )

    def measured_state(self) -> MeasuredState:
        """Return what the metrics of the state are read from."""
        replica = self._replica
        sources = FollowedSources(
            snapshot=replica.snapshot,
            watch=replica.roles,
            staleness=replica.staleness,
            asked=replica.upstream.asked,
            saver=replica.saver,
        )
        return MeasuredState(replica.point, None, FollowedCollector(sources))

    def _decision_servicer(
        self, callers: CallersOfCalls, decision_log: DecisionLog | None, decoder: QueryDecoder
    ) -> AgentDecisionServicer:
        replica, accounts, identify = self._replica, self._config.accounts, callers.identify
        judged = CheckRights(decoder, accounts, replica.snapshot.version)
        rights = FollowedRights(judged, decoder, accounts, self._followed())
        decisions = DecisionServicer(
            replica.point,
            replica.freshness,
            decoder,
            callers=Callers(identify=identify, streams=callers.streams, rights=rights),
            reverse=ReverseQueries(replica.point, decoder, accounts, Tokens(b"", ""), replica.answers, rights=judged),
            history=_HistoryUpstream(),
            max_batch=self._config.max_batch,
            answers=replica.answers,
            calls=ObservedCalls(decision_log, identify) if decision_log else None,
        )
        return AgentDecisionServicer(decisions, replica.upstream, rights, identify, passed=self._passed)

    def _followed(self) -> Followed:
        return Followed(
            version_of=self._replica.snapshot.version,
            covers=self._replica.followed.covers,
            knows=self._federation.knows,
            source_identity=self._config.source_identity_needs_allow is not None,
        )


class _HistoryUpstream:
    """The history of roles, of which a watch sends nothing."""

    async def version(self, key: str, revision: int) -> RoleVersion | None:  # noqa: ARG002
        """Raise `UpstreamOnlyError`."""
        raise UpstreamOnlyError("earlier versions of roles are not followed")
