"""The client: one method for each method of the contract."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import grpc

from rolecall_client.administration import APPLY_TIMEOUT_SECONDS, Administration, list_all_changes, list_all_roles
from rolecall_client.agent import AgentFirstBatches, AgentStream, endpoint_of_agent
from rolecall_client.answer_cache_options import AnswerCacheOptions
from rolecall_client.bearer import TokenSource
from rolecall_client.checks import CallOptions, Metadata
from rolecall_client.connection.connectable import Connectable
from rolecall_client.connection.endpoint import Endpoint
from rolecall_client.connection.settings import DEFAULT_TIMEOUT_SECONDS, TlsFiles
from rolecall_client.layers import LayerOptions, Parts, layered
from rolecall_client.methods import (
    EXPLAIN,
    LIST_ASSUMABLE_ROLES,
    LIST_TRUSTED_PRINCIPALS,
    STREAM_CHECK,
    WATCH_ROLES,
)
from rolecall_client.remote_checks import RemoteChecks
from rolecall_client.requests import (
    EXPORT_PAGE_SIZE,
    PAGE_SIZE,
    assumable_roles_request,
    explain_request,
    watch_request,
)
from rolecall_client.stream import DEFAULT_IN_FLIGHT, Open, Pipeline
from rolecall_client.v1 import decision_pb2 as d, watch_pb2 as w
from rolecall_client.watch import Watch
from rolecall_client.watch_progress import GIVE_UP_SECONDS, Opened, Resumed, RoleWatchEvent, ignore

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from rolecall_client.answer_cache import AnswerCache
    from rolecall_client.local import LocalOptions, LocalReplica

__all__ = [
    "APPLY_TIMEOUT_SECONDS",
    "DEFAULT_TIMEOUT_SECONDS",
    "EXPORT_PAGE_SIZE",
    "PAGE_SIZE",
    "RolecallClient",
    "list_all_changes",
    "list_all_roles",
]

Interceptor = (
    grpc.UnaryUnaryClientInterceptor
    | grpc.UnaryStreamClientInterceptor
    | grpc.StreamUnaryClientInterceptor
    | grpc.StreamStreamClientInterceptor
)


class RolecallClient(Administration, Connectable):
    """A client of one Rolecall service. Safe to share between threads; close it, or use it in a `with` statement.

    Methods return the responses of `rolecall.v1` and raise `RolecallError` when a call fails; a deny is a response. Every
    write has a `request_id`, generated if none is given, so it is safe to retry. `timeout` is in seconds, for one call with
    its retries; `metadata` is sent with a call, beside that of the client. `token` is sent with each call, or what it returns if
    it is a function; without TLS to this machine only, else `ValueError` is raised. TLS comes from `credentials`, or from the files
    of `tls`, which are read again when they change. `tracer` is an OpenTelemetry tracer: a span is made of each call.
    `agent` is the unix socket of an agent on this machine, `unix:PATH`: it is asked first about checks, batches and streams.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        tls: TlsFiles | None = None,
        token: str | TokenSource | None = None,
        agent: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        metadata: Metadata = (),
        batching: bool = True,
        cache: AnswerCacheOptions | None = None,
        local: LocalOptions | None = None,
        interceptors: Sequence[Interceptor] = (),
        tracer: Tracer | None = None,
    ) -> None:
        self._usual = CallOptions(timeout=timeout)
        endpoint = Endpoint(
            address=address, credentials=credentials, tls=tls, token=token, metadata=metadata, tracer=tracer
        )
        spans = endpoint.spans()
        self._calls, self._credential = endpoint.sync_calls(interceptors, spans)
        self._agent_calls = (
            None if agent is None else endpoint_of_agent(endpoint, agent).sync_calls(interceptors, spans)[0]
        )
        remote = RemoteChecks(self._calls)
        of_agent = None if self._agent_calls is None else RemoteChecks(self._agent_calls)
        self._batches = remote if of_agent is None else AgentFirstBatches(of_agent, remote)
        self._stack = ExitStack()
        parts = Parts(remote, of_agent, self._open_watch, self._credential.digest, spans, self._stack)
        self._layers = layered(parts, LayerOptions(batching=batching, cache=cache, local=local))
        self._checks = self._layers.first

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def answer_cache(self) -> AnswerCache | None:
        """Return the cache of this client, if it has the option `cache`: it counts `hits` and `misses`, and can be cleared."""
        return self._layers.answer_cache

    @property
    def replica(self) -> LocalReplica | None:
        """Return the roles that this client follows, if it has `local` options, and so decides checks itself."""
        return self._layers.replica

    def close(self) -> None:
        """Close the connections; calls in progress fail."""
        self._calls.close()
        if self._agent_calls is not None:
            self._agent_calls.close()
        self._stack.close()

    def check(
        self,
        query: d.AssumeRoleQuery,
        *,
        consistency: d.Consistency | None = None,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision of one query."""
        return self._checks.check(query, consistency, self._options(timeout, metadata))

    def batch_check(
        self,
        queries: Iterable[d.AssumeRoleQuery],
        *,
        consistency: d.Consistency | None = None,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions of many queries at one revision, in order; a malformed query has an `error` instead."""
        return self._batches.batch(list(queries), consistency, self._options(timeout, metadata))

    def stream(
        self, queries: Iterable[d.AssumeRoleQuery], *, in_flight: int = DEFAULT_IN_FLIGHT, metadata: Metadata = ()
    ) -> Iterator[d.StreamCheckAssumeRoleResponse]:
        """Yield the decisions of queries as they arrive, in order; `sequence` is the index of the query, from 0.

        At most `in_flight` queries are read ahead of the decisions, so any number of them needs little memory. When the server
        ends the stream, because it stops for example, the unanswered queries are sent again on a new one. A stream of an agent
        that ends early continues at the service.
        """
        return Pipeline(
            lambda messages: self._calls.open(STREAM_CHECK, messages, metadata),
            queries,
            in_flight,
            open_at_agent=self._opens_at_agent(metadata),
        ).answers()

    def what_can(
        self,
        asked: d.AssumeRoleQuery,
        *,
        account_id: str = "",
        page_size: int = PAGE_SIZE,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Iterator[d.AssumableRole]:
        """Yield every role that the identity of `asked` can assume, or could with further condition keys, page by page.

        `asked` is a query without a role; `account_id` restricts the roles to one account.
        """
        page, options = assumable_roles_request(asked, account_id, page_size), self._options(timeout, metadata)
        while True:
            answer = self._calls.unary(LIST_ASSUMABLE_ROLES, page, options)
            yield from answer.roles
            if not answer.next_page_token:
                return
            page.page_token = answer.next_page_token

    def who_can(
        self, role: str, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> d.ListTrustedPrincipalsResponse:
        """Return the principals that the trust policy of a role names, statement by statement."""
        request = d.ListTrustedPrincipalsRequest(role=role)
        return self._calls.unary(LIST_TRUSTED_PRINCIPALS, request, self._options(timeout, metadata))

    def explain(
        self,
        query: d.AssumeRoleQuery,
        *,
        consistency: d.Consistency | None = None,
        at_revision: int | None = None,
        assume_time: datetime | None = None,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> d.ExplainAssumeRoleResponse:
        """Return the decision of one query with an explanation.

        `assume_time` is the time that the decision assumes, UTC if it has no zone. `at_revision` selects the revision of the
        role that decides.
        """
        request = explain_request(query, consistency, at_revision, assume_time)
        return self._calls.unary(EXPLAIN, request, self._options(timeout, metadata))

    def watch_roles(
        self,
        *,
        start_token: str = "",
        account_ids: Iterable[str] = (),
        include_initial_state: bool = False,
        give_up_after: float = GIVE_UP_SECONDS,
        resumed: Resumed = ignore,
        opened: Opened = ignore,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Generator[RoleWatchEvent, None, None]:
        """Yield each change of a role, in order and once, and checkpoints, until the caller closes the generator.

        The watch starts now, or after `start_token` (of a checkpoint or of a write), or with `include_initial_state`: then every
        role comes first as a change of kind CREATED, up to the first checkpoint. A stream that breaks is resumed, after `resumed`
        was called with the error. `opened` is called with the time, by `boottime`, just before each stream is opened. When no
        message arrives for `give_up_after` seconds (for the first message: `timeout`) the error is raised. Raise
        `ResyncRequiredError` when changes are lost: discard what was built from the changes, and start a new watch with the
        initial state.
        """
        request = watch_request(start_token, account_ids, include_initial_state)
        return Watch(
            lambda message: self._open_watch(message, metadata),
            request,
            timeout=self._options(timeout, metadata).timeout,
            give_up_after=give_up_after,
            resumed=resumed,
            opened=opened,
        ).events()

    def _open_watch(self, request: w.WatchRolesRequest, metadata: Metadata = ()) -> Any:  # noqa: ANN401 - a call of gRPC
        return self._calls.open(WATCH_ROLES, request, metadata)

    def _opens_at_agent(self, metadata: Metadata) -> Open | None:
        if (calls := self._agent_calls) is None:
            return None
        return lambda messages: AgentStream(calls.open(STREAM_CHECK, messages, metadata))

    def _options(self, timeout: float | None, metadata: Metadata) -> CallOptions:
        if timeout is None and not metadata:
            return self._usual
        return CallOptions(timeout=self._usual.timeout if timeout is None else timeout, metadata=metadata)
