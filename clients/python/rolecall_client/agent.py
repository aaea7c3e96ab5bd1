"""An agent on the node of the client, which is asked before the service: checks, batches and streams.

1. What the agent answers is the answer, errors too.
2. When it is unavailable, or has not answered within a second or half of the time that is left, the service is asked, with the rest
   of the time. Nothing is retried at the agent, and nothing is remembered: an agent that is back is asked again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from rolecall_client.calls import Stream
from rolecall_client.checks import CallOptions, Checks
from rolecall_client.connection.address import AGENT_RULE, is_agent
from rolecall_client.connection.endpoint import Endpoint
from rolecall_client.errors import RolecallError, UnavailableError
from rolecall_client.remote_checks import BatchChecks
from rolecall_client.v1 import decision_pb2 as d

PATIENCE_SECONDS = 1.0
"""The longest time that an agent has for an answer."""

# An agent that stops cancels the calls that it has not answered.
_UNANSWERED = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
_UNAVAILABLE = 14

_OPTIONS = (
    ("grpc.enable_retries", 0),
    # By default gRPC waits up to two minutes before it tries again to connect; to a socket of this machine that costs microseconds.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


def endpoint_of_agent(service: Endpoint, agent: str) -> Endpoint:
    """Return the endpoint of an agent, which gets the token and the metadata of the service; raise `ValueError`."""
    if not is_agent(agent):
        raise ValueError(f"`{agent}` is not the address of an agent; {AGENT_RULE}")
    return Endpoint(
        address=agent, token=service.token, metadata=service.metadata, tracer=service.tracer, options=_OPTIONS
    )


def first_options(options: CallOptions) -> CallOptions:
    """Return the options of the call of the agent."""
    return CallOptions(timeout=min(PATIENCE_SECONDS, options.timeout / 2), metadata=options.metadata)


def rest_of(options: CallOptions, began: float) -> CallOptions:
    """Return the options of the call of the service, after that of the agent which began at a time of the monotonic clock."""
    return CallOptions(timeout=max(0.0, began + options.timeout - time.monotonic()), metadata=options.metadata)


def is_unanswered(error: RolecallError) -> bool:
    """Return whether an error of the agent is no answer, so that the service is asked."""
    return error.code in _UNANSWERED


def has_unanswered(response: d.BatchCheckAssumeRoleResponse) -> bool:
    """Return whether the agent has left out a query of a batch."""
    return any(result.error.code == _UNAVAILABLE for result in response.results)


def require_answer(answer: d.StreamCheckAssumeRoleResponse) -> None:
    """Raise `UnavailableError` if the agent has left out a query of a stream."""
    if answer.error.code == _UNAVAILABLE:
        raise UnavailableError("UNAVAILABLE", answer.error.message)


def late_error() -> UnavailableError:
    """Return the error of a stream whose next answer has not come in time."""
    return UnavailableError("UNAVAILABLE", f"the agent has not answered within {PATIENCE_SECONDS:g} seconds")


class AgentFirstChecks:
    """Asks the agent about a query, else the service."""

    def __init__(self, agent: Checks, service: Checks) -> None:
        self._agent, self._service = agent, service

    def check(
        self, query: d.AssumeRoleQuery, consistency: d.Consistency | None, options: CallOptions
    ) -> d.CheckAssumeRoleResponse:
        """Return the decision; raise `RolecallError`."""
        began = time.monotonic()
        try:
            return self._agent.check(query, consistency, first_options(options))
        except RolecallError as error:
            if not is_unanswered(error):
                raise
        return self._service.check(query, consistency, rest_of(options, began))


class AgentFirstBatches:
    """Asks the agent about many queries at once, else the service."""

    def __init__(self, agent: BatchChecks, service: BatchChecks) -> None:
        self._agent, self._service = agent, service

    def batch(
        self, queries: Sequence[d.AssumeRoleQuery], consistency: d.Consistency | None, options: CallOptions
    ) -> d.BatchCheckAssumeRoleResponse:
        """Return the decisions at one revision, in order; raise `RolecallError`."""
        began = time.monotonic()
        try:
            response = self._agent.batch(queries, consistency, first_options(options))
        except RolecallError as error:
            if not is_unanswered(error):
                raise
        else:
            if not has_unanswered(response):
                return response
        return self._service.batch(queries, consistency, rest_of(options, began))


class AgentStream:
    """A stream of checks of an agent, which fails when an answer takes too long. A thread watches over it."""

    def __init__(self, stream: Stream[d.StreamCheckAssumeRoleResponse]) -> None:
        self._stream, self._ended, self._is_late = stream, threading.Event(), False
        self._waits_since: float | None = None
        threading.Thread(target=self._watch, name="rolecall-agent-stream", daemon=True).start()

    def __iter__(self) -> AgentStream:
        return self

    def __next__(self) -> d.StreamCheckAssumeRoleResponse:
        self._waits_since = time.monotonic()
        try:
            answer = next(self._stream)
            require_answer(answer)
        except StopIteration:
            self._ended.set()
            raise
        except RolecallError:
            self.cancel()
            if self._is_late:
                raise late_error() from None
            raise
        finally:
            self._waits_since = None
        return answer

    def cancel(self) -> None:
        """End the stream."""
        self._ended.set()
        self._stream.cancel()

    def _watch(self) -> None:
        while not self._ended.wait(rest := self._rest()):
            if not rest:
                self._is_late = True
                self._stream.cancel()
                return

    def _rest(self) -> float:
        """Return how many seconds the agent still has for the present answer."""
        since = self._waits_since
        return PATIENCE_SECONDS if since is None else max(0.0, since + PATIENCE_SECONDS - time.monotonic())
