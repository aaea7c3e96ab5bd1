"""The asynchronous client, against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from rolecall_client.v1.watch_pb2 import RoleWatchChange
from tests.clients.test_client import ALICE, BOB, POLICY


@pytest.fixture(scope="module")
def roles(address: str) -> None:
    with RolecallClient(address) as client:
        for name in ("one", "two"):
            client.create_role(r.CreateRoleRequest(role_name=name, assume_role_policy_document=POLICY))


@pytest.fixture
async def client(address: str, roles: None) -> AsyncIterator[AsyncRolecallClient]:
    async with AsyncRolecallClient(address) as client:
        yield client


async def test_a_deny_is_a_response(client: AsyncRolecallClient) -> None:
    allowed, denied = await client.check(query(ALICE, "one")), await client.check(query(BOB, "one"))

    assert (allowed.decision.allowed, denied.decision.allowed) == (True, False)


async def test_a_failed_call_is_an_error_with_its_facts(client: AsyncRolecallClient) -> None:
    with pytest.raises(RolecallError) as missing:
        await client.get_role("nobody")

    assert (missing.value.code, missing.value.reason) == ("NOT_FOUND", "ROLE_NOT_FOUND")
    assert missing.value.request_id


async def test_a_batch_is_answered_in_order(client: AsyncRolecallClient) -> None:
    results = (await client.batch_check([query(who, "one") for who in (ALICE, "nonsense", BOB)])).results

    assert [result.WhichOneof("result") for result in results] == ["decision", "error", "decision"]


async def endless(*roles: str) -> AsyncIterator[d.AssumeRoleQuery]:
    for role in roles:
        yield query(ALICE, role)


@pytest.mark.parametrize("in_flight", [1, 2, 256])
async def test_a_stream_takes_any_iterable(client: AsyncRolecallClient, in_flight: int) -> None:
    names = ["one", "none", "two"] * 5

    plain = [answer async for answer in client.stream([query(ALICE, name) for name in names], in_flight=in_flight)]
    later = [answer async for answer in client.stream(endless(*names), in_flight=in_flight)]

    assert [answer.sequence for answer in plain] == list(range(15))
    assert [answer.decision.allowed for answer in plain] == [True, False, True] * 5
    assert [answer.decision.allowed for answer in later] == [True, False, True] * 5


async def test_every_page_is_listed(client: AsyncRolecallClient) -> None:
    listed = [role async for role in client.what_can(query(ALICE), page_size=1)]
    exported = [role async for role in client.export_roles()]
    applied = await client.apply_roles(exported, validate_only=True)

    assert [role.role_arn.rpartition("/")[2] for role in listed] == ["one", "two"]
    assert {role.role_name for role in exported} >= {"one", "two"}
    assert len(applied.changes) == len(exported)


async def test_a_watch_yields_the_state_and_later_changes(client: AsyncRolecallClient) -> None:
    events = client.watch_roles(include_initial_state=True)
    state = []
    while isinstance(event := await anext(events), RoleWatchChange):
        state.append(event.role.role_name)

    await client.update_role(r.UpdateRoleRequest(role="one", description="new"))
    while not isinstance(event := await anext(events), RoleWatchChange):
        pass
    await events.aclose()

    assert {"one", "two"} <= set(state)
    assert (event.kind, event.role.description) == (r.CHANGE_KIND_UPDATED, "new")


async def test_a_call_of_a_closed_client_fails(address: str) -> None:
    client = AsyncRolecallClient(address)
    await client.close()

    with pytest.raises(RolecallError, match="the client is closed"):
        await client.get_role("r")
