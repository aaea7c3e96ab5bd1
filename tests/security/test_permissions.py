from __future__ import annotations

import pytest

from rolecall.security.permissions import RIGHTS, Right, permit
from rolecall_client.v1 import decision_pb2, policy_pb2, role_pb2, watch_pb2
from tests.server.serving import served

FILES = [decision_pb2, policy_pb2, role_pb2, watch_pb2]


@pytest.mark.parametrize("file", FILES, ids=[file.DESCRIPTOR.name for file in FILES])
def test_every_method_of_the_contract_has_a_right(file: object) -> None:
    for service in file.DESCRIPTOR.services_by_name.values():  # type: ignore[attr-defined]
        for method in service.methods:
            assert f"/{service.full_name}/{method.name}" in RIGHTS


async def test_every_method_that_a_server_answers_has_a_right() -> None:
    async with served(reflection=True) as service:
        names = {stats.name for stats in service.server.grpc_server.methods.method_stats}

        assert names == set(RIGHTS)


def test_writes_and_reads_have_different_rights() -> None:
    rights = {name: right for name, right in RIGHTS.items() if "RoleService" in name}

    assert {name.rpartition("/")[2] for name, right in rights.items() if right is Right.READ_ROLES} == {
        "GetRole", "ListRoles", "ListRoleRevisions",
    }  # fmt: skip
    assert set(rights.values()) == {Right.READ_ROLES, Right.WRITE_ROLES}


def test_a_method_that_the_table_does_not_have_is_denied() -> None:
    assert not permit("/rolecall.v1.RoleService/DropEverything")(None)  # type: ignore[arg-type]


def test_a_method_of_the_table_is_permitted_to_every_caller() -> None:
    assert all(permit(method)(None) for method in RIGHTS)  # type: ignore[arg-type]
