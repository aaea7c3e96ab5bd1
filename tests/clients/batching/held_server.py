"""A server whose answers the test releases, and clients whose checks run beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from rolecall_client import AnswerCacheOptions, AsyncRolecallClient, RolecallClient, query
from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc
from tests.clients.recording_sink import PATIENCE_SECONDS
from tests.clients.test_client import ALICE

REFUSED = "refused"
"""The role that a query is refused for."""


class HeldCall:
    """One call that has arrived: a check, or a batch. It is answered when the test says so."""

    def __init__(self, kind: str, request: Any, context: Any) -> None:
        self.kind, self.consistency, self.context = kind, request.consistency, context
        self.roles = [request.query.role] if kind == "check" else [query.role for query in request.queries]
        self.seconds = context.time_remaining()
        self.metadata = dict(context.invocation_metadata())
        self.ended = threading.Event()
        self._released = threading.Event()
        self._status: status_pb2.Status | None = None
        context.add_callback(self.ended.set)

    def release(self) -> None:
        """Answer."""
        self._released.set()

    def fail(self, code: int, reason: str = "", **metadata: str) -> None:
        """Answer with an error."""
        self._status = status_pb2.Status(code=code, message="failed as the test wants")
        if reason:
            info = error_details_pb2.ErrorInfo(reason=reason, domain="rolecall", metadata=metadata)
            self._status.details.add().Pack(info)
        self._released.set()

    def wait(self) -> None:
        """Wait until the test releases the call, or the client ends it."""
        while not self._released.wait(0.01) and not self.ended.is_set():
            pass
        if self._status is not None:
            self.context.abort_with_status(rpc_status.to_status(self._status))


class HeldServer(decision_pb2_grpc.DecisionServiceServicer):
    """Answers each query with its role as the id of the decision."""

    def __init__(self) -> None:
        self._calls = SimpleQueue[HeldCall]()
        self.seen = 0
        self.holds = True

    def next(self) -> HeldCall:
        """Wait for the next call."""
        return self._calls.get(timeout=PATIENCE_SECONDS)

    def has_call(self) -> bool:
        """Return whether another call has arrived."""
        return not self._calls.empty()

    def let_pass(self) -> None:
        """Answer every call from now on at once."""
        self.holds = False

    def CheckAssumeRole(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._arrived(HeldCall("check", request, context))
        if request.query.role == REFUSED:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "refused")
        return d.CheckAssumeRoleResponse(decision=_decision(request.query), consistency_token="token")

    def BatchCheckAssumeRole(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._arrived(HeldCall("batch", request, context))
        return d.BatchCheckAssumeRoleResponse(
            results=[_result(query) for query in request.queries], consistency_token="token"
        )

    def _arrived(self, call: HeldCall) -> None:
        self.seen += 1
        self._calls.put(call)
        if self.holds:
            call.wait()


def _decision(query: d.AssumeRoleQuery) -> d.Decision:
    return d.Decision(allowed=True, decision_id=query.role, revision=5)


def _result(query: d.AssumeRoleQuery) -> d.BatchCheckResult:
    if query.role == REFUSED:
        return d.BatchCheckResult(error=status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="refused"))
    return d.BatchCheckResult(decision=_decision(query))


@contextmanager
def held_server() -> Iterator[tuple[HeldServer, str]]:
    """Run the server; give it and its address."""
    servicer = HeldServer()
    server = grpc.server(ThreadPoolExecutor(32))
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0).wait()


class Asker:
    """A client whose checks run on threads, or in an event loop on a thread of its own."""

    def __init__(self, kind: str, address: str, cache: AnswerCacheOptions | None = None) -> None:
        self._pool = ThreadPoolExecutor(64)
        self._loop = asyncio.new_event_loop() if kind == "async" else None
        if self._loop is None:
            self._client: Any = RolecallClient(address, cache=cache)
        else:
            self._thread = threading.Thread(target=self._loop.run_forever)
            self._thread.start()
            self._client = self._run(self._async_client(address, cache)).result(PATIENCE_SECONDS)

    @property
    def batched(self) -> Any:
        """Return the layer that makes batches."""
        return self._client._checks

    def ask(self, role: str, **options: Any) -> Future[d.CheckAssumeRoleResponse]:
        """Start a check."""
        if self._loop is None:
            return self._pool.submit(self._client.check, query(ALICE, role), **options)
        return self._run(self._client.check(query(ALICE, role), **options))

    def ask_at_once(self, **timeouts: float) -> list[Future[d.CheckAssumeRoleResponse]]:
        """Start checks about roles, each with its timeout, in one turn of the event loop."""
        assert self._loop is not None

        async def all_at_once() -> list[asyncio.Task[d.CheckAssumeRoleResponse]]:
            check = self._client.check
            return [
                asyncio.ensure_future(check(query(ALICE, role), timeout=timeout)) for role, timeout in timeouts.items()
            ]

        tasks = self._run(all_at_once()).result(PATIENCE_SECONDS)
        return [self._run(_result_of(task)) for task in tasks]

    @property
    def waiting(self) -> int:
        """Return how many checks wait for a call to return."""
        return sum(len(lane._waiting) for lane in self.batched._lanes.all())

    def close_client(self) -> None:
        """Close the client."""
        if self._loop is None:
            self._client.close()
        else:
            self._run(self._client.close()).result(PATIENCE_SECONDS)

    def close(self) -> None:
        """Close the client, and end the threads."""
        self.close_client()
        self._pool.shutdown()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_SECONDS)
            self._loop.close()

    def _run(self, coroutine: Any) -> Future[Any]:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _async_client(self, address: str, cache: AnswerCacheOptions | None) -> AsyncRolecallClient:
        return AsyncRolecallClient(address, cache=cache)


async def _result_of(task: asyncio.Task[d.CheckAssumeRoleResponse]) -> d.CheckAssumeRoleResponse:
    return await task
