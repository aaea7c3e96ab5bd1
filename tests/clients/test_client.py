from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.channel import OPTIONS, SERVICE_CONFIG
from rolecall_client.client import list_all_roles
from rolecall_client.methods import METHODS
from rolecall_client.v1 import decision_pb2, decision_pb2_grpc, role_pb2, role_pb2_grpc
from tests.cli.serving import ACCOUNT

POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": f"acs:ram::{ACCOUNT}:user/alice"}}
        ],
    }
)
ALICE, BOB = (f"acs:ram::{ACCOUNT}:user/{name}" for name in ("alice", "bob"))


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


def create(client: RolecallClient, name: str) -> role_pb2.CreateRoleResponse:
    return client.create_role(role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=POLICY))


def test_a_deny_is_a_response(client: RolecallClient) -> None:
    create(client, "answered")

    assert client.check(query(ALICE, "answered")).decision.allowed
    assert not client.check(query(BOB, "answered")).decision.allowed
    assert client.check(query(ALICE, "nobody")).decision.reason == decision_pb2.DECISION_REASON_ROLE_NOT_FOUND


def test_a_check_sees_the_write_of_its_token(client: RolecallClient) -> None:
    token = create(client, "seen").consistency_token

    asked = client.check(query(ALICE, "seen"), consistency=decision_pb2.Consistency(at_least_as_fresh=token))

    assert asked.decision.allowed


def test_a_batch_is_answered_in_order_with_an_error_for_each_malformed_query(client: RolecallClient) -> None:
    create(client, "batched")

    results = client.batch_check([query(who, "batched") for who in (ALICE, "nonsense", BOB)]).results

    assert [result.WhichOneof("result") for result in results] == ["decision", "error", "decision"]
    assert [results[0].decision.allowed, results[2].decision.allowed] == [True, False]


def test_an_explanation_has_the_statements_and_near_misses(client: RolecallClient) -> None:
    create(client, "explained")

    answer = client.explain(query(BOB, "explained"), assume_time=datetime(2026, 1, 1, tzinfo=UTC))

    assert [statement.principal_matched for statement in answer.statements] == [False]
    assert answer.near_misses[0].suggestion


def test_a_failed_call_is_an_error_with_its_facts(client: RolecallClient) -> None:
    with pytest.raises(RolecallError) as missing:
        client.get_role("nobody")
    with pytest.raises(RolecallError) as wrong:
        client.check(query(ALICE, "r", context={"acs:CurrentTime": "now"}))

    assert (missing.value.code, missing.value.reason) == ("NOT_FOUND", "ROLE_NOT_FOUND")
    assert missing.value.metadata["ram_code"] == "EntityNotExist.Role"
    assert missing.value.request_id
    assert [violation.reason for violation in wrong.value.violations] == ["RESERVED_KEY"]


def test_documents_are_validated(client: RolecallClient) -> None:
    assert client.validate(POLICY).valid
    assert [violation.reason for violation in client.validate("").violations] == ["EMPTY_DOCUMENT"]
    assert not client.validate(POLICY.replace(f"acs:ram::{ACCOUNT}:user/alice", "x"), ram=True).valid


def test_every_page_of_roles_is_listed(client: RolecallClient) -> None:
    declarations = [
        role_pb2.RoleDeclaration(role_name=f"paged-{n}", assume_role_policy_document=POLICY) for n in range(7)
    ]
    client.apply_roles(declarations)

    listed = list_all_roles(client, role_pb2.ListRolesRequest(page_size=3, name_prefix="paged-"))

    assert [role.role_name for role in listed] == [f"paged-{n}" for n in range(7)]


def test_an_upload_larger_than_a_message_is_one_write(client: RolecallClient) -> None:
    padded = POLICY + " " * 15_000
    declarations = [
        role_pb2.RoleDeclaration(role_name=f"large-{n}", assume_role_policy_document=padded) for n in range(400)
    ]

    changes = client.apply_roles(declarations).changes

    assert len(changes) == 400
    assert len({role.revision for role in list_all_roles(client, role_pb2.ListRolesRequest(name_prefix="large-"))}) == 1


class Flaky(decision_pb2_grpc.DecisionServiceServicer, role_pb2_grpc.RoleServiceServicer):
    """A service that is unavailable for the first calls."""

    def __init__(self, failures: int) -> None:
        self.failures, self.requests = failures, list[Any]()

    def _answer(self, request: Any, context: Any, answer: Callable[[], Any]) -> Any:
        self.requests.append(request)
        if len(self.requests) <= self.failures:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        return answer()

    def CheckAssumeRole(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._answer(request, context, decision_pb2.CheckAssumeRoleResponse)

    def CreateRole(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._answer(request, context, role_pb2.CreateRoleResponse)


@contextmanager
def flaky(failures: int) -> Iterator[tuple[Flaky, RolecallClient]]:
    service = Flaky(failures)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(service, server)
    role_pb2_grpc.add_RoleServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with RolecallClient(f"127.0.0.1:{port}") as client:
            yield service, client
    finally:
        server.stop(0).wait()


def test_a_check_is_retried_while_the_service_is_unavailable() -> None:
    with flaky(failures=3) as (service, client):
        client.check(query(ALICE, "r"))

    assert len(service.requests) == 4


def test_a_check_is_retried_a_limited_number_of_times() -> None:
    with flaky(failures=9) as (service, client), pytest.raises(RolecallError) as caught:
        client.check(query(ALICE, "r"))

    assert (caught.value.code, len(service.requests)) == ("UNAVAILABLE", 4)


def test_a_write_is_retried_with_the_same_request_id() -> None:
    with flaky(failures=2) as (service, client):
        client.create_role(role_pb2.CreateRoleRequest(role_name="r"))
        client.create_role(role_pb2.CreateRoleRequest(role_name="r", request_id="chosen"))

    ids = [request.request_id for request in service.requests]
    assert len(ids[0]) == 36
    assert ids == [ids[0]] * 3 + ["chosen"]


def test_a_call_of_a_closed_client_fails(address: str) -> None:
    client = RolecallClient(address)
    client.close()

    with pytest.raises((RolecallError, ValueError)):
        client.get_role("r")


def test_every_method_is_retried_but_those_whose_streams_the_client_continues() -> None:
    config = json.loads(str(dict(OPTIONS)["grpc.service_config"]))
    retried = {f"{name['service']}/{name['method']}" for name in config["methodConfig"][0]["name"]}

    assert {method.full_name for method in METHODS} - retried == {
        "rolecall.v1.DecisionService/StreamCheckAssumeRole",
        "rolecall.v1.WatchService/WatchRoles",
    }
    assert config == SERVICE_CONFIG


def test_every_public_name_of_the_package_can_be_imported() -> None:
    import rolecall_client

    assert all(getattr(rolecall_client, name) for name in rolecall_client.__all__)
    with pytest.raises(AttributeError, match=r"no attribute `?'?nothing"):
        _ = rolecall_client.nothing
