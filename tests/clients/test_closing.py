"""What a client leaves behind when it is closed: no call that waits for ever, no connection, no thread, no task."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError
from rolecall_client.v1 import role_pb2_grpc


class Silent(role_pb2_grpc.RoleServiceServicer):
    """Answers nothing until the test is over."""

    def __init__(self) -> None:
        self.asked, self.over = threading.Semaphore(0), threading.Event()

    def GetRole(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        self.asked.release()
        self.over.wait(20)
        context.abort(grpc.StatusCode.UNAVAILABLE, "over")


@pytest.fixture
def silent() -> Iterator[tuple[Silent, str]]:
    service, server = Silent(), grpc.server(ThreadPoolExecutor(4))
    role_pb2_grpc.add_RoleServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"127.0.0.1:{port}"
    service.over.set()
    server.stop(0).wait()


def test_a_call_in_progress_is_an_error_when_the_client_closes(silent: tuple[Silent, str]) -> None:
    service, address = silent
    client = RolecallClient(address)

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.get_role, "r")
        assert service.asked.acquire(timeout=20)
        client.close()

        with pytest.raises(RolecallError) as caught:
            call.result(20)

    assert caught.value.code in {"CANCELLED", "FAILED_PRECONDITION"}


async def test_a_call_in_progress_of_the_asynchronous_client_is_an_error(silent: tuple[Silent, str]) -> None:
    service, address = silent
    client = AsyncRolecallClient(address)
    call = asyncio.ensure_future(client.get_role("r"))
    assert await asyncio.to_thread(service.asked.acquire, timeout=20)

    await client.close()

    with pytest.raises(RolecallError, match="the client is closed"):
        await call


async def test_a_cancelled_task_is_cancelled_and_no_error(silent: tuple[Silent, str]) -> None:
    service, address = silent
    async with AsyncRolecallClient(address) as client:
        call = asyncio.ensure_future(client.get_role("r"))
        assert await asyncio.to_thread(service.asked.acquire, timeout=20)
        call.cancel()

        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_client_may_be_closed_twice(silent: tuple[Silent, str]) -> None:
    client, other = RolecallClient(silent[1]), AsyncRolecallClient(silent[1])

    for _ in range(2):
        client.close()
        await other.close()

    with pytest.raises(RolecallError, match="the client is closed"):
        client.get_role("r")
    with pytest.raises(RolecallError, match="the client is closed"):
        next(client.watch_roles())


async def test_a_closed_client_leaves_no_task(silent: tuple[Silent, str]) -> None:
    before = asyncio.all_tasks()
    for _ in range(3):
        async with AsyncRolecallClient(silent[1]) as client:
            with pytest.raises(RolecallError):
                await client.get_role("r", timeout=0.05)

    left = asyncio.all_tasks() - before
    assert not left or not (await asyncio.wait(left, timeout=20))[1]
