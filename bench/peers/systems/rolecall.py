"""Rolecall as shipped, with the transport h2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc

from bench import fixture
from bench.fixture import roles_file
from bench.peers.question import SERVICE, Question
from bench.peers.system import Call, GrpcSystem, grpc_call
from bench.processes import rolecall_server
from rolecall_client.v1 import decision_pb2 as pb

_PATH = "/rolecall.v1.DecisionService"


class Rolecall(GrpcSystem):
    """Called with CheckAssumeRole and BatchCheckAssumeRole."""

    def check(self, question: Question) -> Call:
        request = pb.CheckAssumeRoleRequest(query=query(question))
        return grpc_call(f"{_PATH}/CheckAssumeRole", request.SerializeToString())

    def batch(self, questions: Sequence[Question]) -> Call:
        request = pb.BatchCheckAssumeRoleRequest(queries=map(query, questions))
        return grpc_call(f"{_PATH}/BatchCheckAssumeRole", request.SerializeToString(), len(questions))

    def answers(self, call: Call, body: bytes) -> list[bool]:
        if call.items == 1:
            return [pb.CheckAssumeRoleResponse.FromString(body[5:]).decision.allowed]
        return [result.decision.allowed for result in pb.BatchCheckAssumeRoleResponse.FromString(body[5:]).results]


def query(question: Question) -> pb.AssumeRoleQuery:
    """Return a question as a query of Rolecall, byte for byte that of bench/fixture.py."""
    service = question.caller == SERVICE
    name = f"{fixture.ACCOUNT}@{SERVICE}.internal" if service else f"acs:ram::{fixture.ACCOUNT}:user/{question.caller}"
    message = pb.AssumeRoleQuery(principal=name, role=f"{fixture.ACCOUNT}/{question.role}")
    if question.context:
        message.context["acs:SourceIp"].values.append(question.source_ip)
        message.context["acs:SourceVpc"].values.append(question.vpc)
    return message


@contextmanager
def start(directory: Path) -> Iterator[Rolecall]:
    """Run the service with the roles of the fixture."""
    with (
        rolecall_server(roles_file(directory), directory, "--transport", "h2") as (pid, address),
        grpc.insecure_channel(address) as channel,
    ):
        yield Rolecall("rolecall", pid, channel, address, max_batch=100)
