"""The status that a server gave is found, whether grpc.aio shows its own before or after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
import pytest

from rolecall_client.connection import call_status
from rolecall_client.connection.call_status import CallStatus

Status = tuple[grpc.StatusCode, str]
OF_THE_WRITE: Status = (grpc.StatusCode.INTERNAL, "Internal error from Core")
DENIED: Status = (grpc.StatusCode.PERMISSION_DENIED, "not you")


class Call:
    """A call that gets one status after the other, as those of grpc.aio do."""

    def __init__(self) -> None:
        self._status, self._trailers = OF_THE_WRITE, grpc.aio.Metadata(("x-request-id", "r1"))
        self._callback: Callable[[Call], None] = lambda _: None

    def add_done_callback(self, callback: Callable[[Call], None]) -> None:
        self._callback = callback

    def gets(self, status: Status) -> None:
        self._status = status
        self._callback(self)

    async def code(self) -> grpc.StatusCode:
        return self._status[0]

    async def details(self) -> str:
        return self._status[1]

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        return self._trailers


def raised(status: Status) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(status[0], grpc.aio.Metadata(), grpc.aio.Metadata(), details=status[1])


def shown(error: grpc.aio.AioRpcError) -> Status:
    return error.code(), error.details() or ""


@pytest.mark.parametrize("statuses", [[OF_THE_WRITE, DENIED], [DENIED, OF_THE_WRITE]])
async def test_the_status_of_the_server_is_found(statuses: list[Status]) -> None:
    call = Call()
    status = CallStatus(call)
    for one in statuses:
        call.gets(one)

    error = await status.error(raised(OF_THE_WRITE))

    assert shown(error) == DENIED
    assert dict(error.trailing_metadata()) == {"x-request-id": "r1"}


async def test_a_status_that_comes_later_is_awaited() -> None:
    call = Call()
    status = CallStatus(call)
    call.gets(OF_THE_WRITE)

    waiting = asyncio.ensure_future(status.error(raised(OF_THE_WRITE)))
    await asyncio.sleep(0)
    call.gets(DENIED)

    assert shown(await waiting) == DENIED


@pytest.mark.parametrize("statuses", [[OF_THE_WRITE], [OF_THE_WRITE, (grpc.StatusCode.OK, "")]])
async def test_without_an_error_of_the_server_the_service_is_unavailable(
    statuses: list[Status], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_status, "WAIT_SECONDS", 0.01)
    call = Call()
    status = CallStatus(call)
    for one in statuses:
        call.gets(one)

    error = await status.error(raised(OF_THE_WRITE))

    assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_every_other_error_is_what_it_is() -> None:
    error = raised((grpc.StatusCode.INTERNAL, "internal error"))

    assert await CallStatus(Call()).error(error) is error
