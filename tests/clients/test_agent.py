"""The option `agent` of both clients: the agent is asked first, and the service when the agent does not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, status_pb2

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.connection.settings import ConnectionSettings
from rolecall_client.v1 import decision_pb2 as d, decision_pb2_grpc
from tests.conformance.driven import KINDS, Driven, eventually_nothing

ASKED = query("acs:ram::1:user/a", "r")
LEFT_OUT = status_pb2.Status(code=code_pb2.UNAVAILABLE, message="only the server can answer this")


@dataclass
class Fake(decision_pb2_grpc.DecisionServiceServicer):
    """Answers with its name in the id of each decision; fails with `code`, hangs, or leaves out queries from a number on."""

    name: str
    code: grpc.StatusCode | None = None
    hangs: bool = False
    leaves_out_from: int = 1_000
    metadata: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def CheckAssumeRole(self, _: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._begin(context)
        return d.CheckAssumeRoleResponse(decision=self._decision())

    def BatchCheckAssumeRole(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._begin(context)
        numbers = range(len(request.queries))
        return d.BatchCheckAssumeRoleResponse(results=[d.BatchCheckResult(**self._result(n)) for n in numbers])

    def StreamCheckAssumeRole(self, requests: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._begin(context)
        for request in requests:
            yield d.StreamCheckAssumeRoleResponse(sequence=request.sequence, **self._result(request.sequence))

    def ExplainAssumeRole(self, _: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self._begin(context)
        return d.ExplainAssumeRoleResponse(decision=self._decision())

    def _begin(self, context: Any) -> None:
        self.metadata.append(dict(context.invocation_metadata()))
        if self.hangs:
            self.over.wait(30)
        if self.code is not None:
            context.abort(self.code, "no")

    def _result(self, number: int) -> Any:
        return {"error": LEFT_OUT} if number >= self.leaves_out_from else {"decision": self._decision()}

    def _decision(self) -> d.Decision:
        return d.Decision(allowed=True, decision_id=self.name)


@contextmanager
def serving(service: Fake, address: str) -> Iterator[str]:
    pool = ThreadPoolExecutor(8)
    server = grpc.server(pool)
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(service, server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield address.replace(":0", f":{port}")
    finally:
        service.over.set()
        server.stop(0).wait()
        pool.shutdown()


@pytest.fixture
def agent() -> Fake:
    return Fake("agent")


@pytest.fixture
def service() -> Fake:
    return Fake("service")


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, agent: Fake, service: Fake, tmp_path: Path) -> Iterator[Driven]:
    with serving(agent, f"unix:{tmp_path}/agent.sock") as socket, serving(service, "127.0.0.1:0") as address:
        client = KINDS[request.param](address=address, agent=socket, token="secret", metadata=(("x-app", "shop"),))
        yield client
        client.close()
    eventually_nothing(lambda: [thread for thread in client.left() if "rolecall" in thread])


def check(client: Driven, **options: Any) -> str:
    return str(client.call("check", ASKED, **options).decision.decision_id)


def batch(client: Driven) -> list[str]:
    return [result.decision.decision_id for result in client.call("batch_check", [ASKED] * 3).results]


def stream(client: Driven, count: int = 3) -> list[str]:
    answers = list(client.iterate("stream", [ASKED] * count, in_flight=2))
    assert [answer.sequence for answer in answers] == list(range(count))
    return [answer.decision.decision_id for answer in answers]


def test_the_agent_answers_checks_batches_and_streams(client: Driven, service: Fake) -> None:
    assert check(client) == "agent"
    assert batch(client) == ["agent"] * 3
    assert stream(client) == ["agent"] * 3
    assert service.metadata == []


def test_the_service_answers_what_is_no_decision_alone(client: Driven, agent: Fake) -> None:
    assert client.call("explain", ASKED).decision.decision_id == "service"
    assert agent.metadata == []


def test_the_agent_gets_the_token_and_the_metadata_of_the_client(client: Driven, agent: Fake) -> None:
    check(client)
    stream(client)

    for metadata in agent.metadata:
        assert (metadata["authorization"], metadata["x-app"]) == ("Bearer secret", "shop")


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_the_service_answers_when_the_agent_is_unavailable(client: Driven, agent: Fake, code: grpc.StatusCode) -> None:
    agent.code = code

    assert check(client) == "service"
    assert batch(client) == ["service"] * 3
    assert stream(client) == ["service"] * 3
    assert len(agent.metadata) == 3  # nothing is retried


@pytest.mark.parametrize("ask", [check, batch, stream])
def test_every_other_error_of_the_agent_is_the_answer(
    client: Driven, agent: Fake, service: Fake, ask: Callable[[Driven], object]
) -> None:
    agent.code = grpc.StatusCode.PERMISSION_DENIED

    with pytest.raises(RolecallError) as caught:
        ask(client)

    assert caught.value.code == "PERMISSION_DENIED"
    assert service.metadata == []


def test_the_service_answers_when_the_agent_hangs(client: Driven, agent: Fake) -> None:
    agent.hangs = True

    assert check(client, timeout=0.8) == "service"
    assert batch(client) == ["service"] * 3
    assert stream(client) == ["service"] * 3


def test_the_service_answers_what_the_agent_leaves_out(client: Driven, agent: Fake) -> None:
    agent.leaves_out_from = 2

    # The decisions of a batch are of one revision, those of a stream are not.
    assert batch(client) == ["service"] * 3
    assert stream(client, 5) == ["agent"] * 2 + ["service"] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_answers_when_there_is_no_agent_and_the_agent_when_it_is_there_again(
    kind: str, service: Fake, tmp_path: Path
) -> None:
    socket = f"unix:{tmp_path}/agent.sock"
    with serving(service, "127.0.0.1:0") as address:
        client = KINDS[kind](address=address, agent=socket)
        without = check(client), batch(client), stream(client)
        with serving(Fake("agent"), socket):
            while check(client) != "agent":
                pass
        client.close()

    assert without == ("service", ["service"] * 3, ["service"] * 3)


def test_both_unavailable_is_the_error_of_the_service(client: Driven, agent: Fake, service: Fake) -> None:
    agent.code, service.code = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND

    with pytest.raises(RolecallError) as caught:
        check(client)

    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize(
    "address", ["127.0.0.1:50051", "localhost", "", "unix:", "unix:a b", "unix://run/agent.sock", "dns:///x"]
)
@pytest.mark.parametrize("kind", [RolecallClient, AsyncRolecallClient])
async def test_what_is_no_unix_socket_is_no_agent(
    kind: type[RolecallClient | AsyncRolecallClient], address: str
) -> None:
    with pytest.raises(ValueError, match="is not the address of an agent; write unix:PATH"):
        kind("127.0.0.1:1", agent=address)


def test_settings_may_have_an_agent_and_an_option_wins(agent: Fake, tmp_path: Path) -> None:
    with serving(agent, f"unix:{tmp_path}/agent.sock") as socket:
        settings = ConnectionSettings(address="127.0.0.1:1", agent=socket)
        with RolecallClient.connect(settings) as client:
            assert client.check(ASKED).decision.decision_id == "agent"
        with RolecallClient.connect(settings, agent=None, timeout=1) as client, suppress(RolecallError):
            client.check(ASKED)

    assert len(agent.metadata) == 1
