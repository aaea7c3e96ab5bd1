from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient
from rolecall_client.v1 import role_pb2
from tests.cli.serving import ACCOUNT
from tests.security.certificates import Authority

CART_USER = f"acs:ram::{ACCOUNT}:user/cart"
THIEF_USER = f"acs:ram::{ACCOUNT}:user/thief"


def trusting(*principals: str, **condition: object) -> str:
    """Return a trust policy that allows these principals."""
    statement: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": principals}}
    return json.dumps({"Version": "1", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        for name, policy in {
            "orders.use": trusting(CART_USER),
            "orders.near": trusting(CART_USER, IpAddress={"acs:SourceIp": "127.0.0.1"}),
            "orders.far": trusting(CART_USER, IpAddress={"acs:SourceIp": "203.0.113.0/24"}),
        }.items():
            client.create_role(role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=policy))
        yield client


@pytest.fixture
async def async_client(client: RolecallClient, address: str) -> AsyncIterator[AsyncRolecallClient]:
    async with AsyncRolecallClient(address) as opened:
        yield opened
