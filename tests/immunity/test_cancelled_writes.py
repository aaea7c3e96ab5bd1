"""A write whose caller gives up is applied completely or not at all, and the same request id says which."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import uuid4

import grpc
import pytest

from rolecall_client.v1 import role_pb2
from tests.server.serving import DOCUMENT, Served


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8, 16, 32, 64])
async def test_a_retry_gets_the_outcome_of_a_write_whose_caller_gave_up_at_any_time(
    service: Served, turns: int
) -> None:
    # Row 46 of the faults: the call is cancelled after so many turns of the event loop.
    request = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT, request_id=str(uuid4()))
    call = service.roles.CreateRole(request)
    for _ in range(turns):
        await asyncio.sleep(0)
    call.cancel()
    with suppress(asyncio.CancelledError, grpc.aio.AioRpcError):  # unless it was faster
        await call

    first = await service.roles.CreateRole(request)
    second = await service.roles.CreateRole(request)
    history = await service.roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role="app"))

    assert first.role == second.role
    assert [revision.revision for revision in history.revisions] == [first.role.revision]
