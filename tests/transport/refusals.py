"""What the caller of a failed call sees."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass
class Refusal:
    code: grpc.StatusCode
    message: str
    reason: str
    facts: dict[str, str]
    fields: list[error_details_pb2.BadRequest.FieldViolation]
    retry: bool


async def refused(call: Awaitable[object]) -> Refusal:
    """Await a call that must fail; return what it says."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    call: Any = error
    status = rpc_status.from_call(call)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = False
    for detail in status.details if status else ():
        detail.Unpack(info)
        detail.Unpack(bad)
        retry |= detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    return Refusal(
        error.code(), error.details() or "", info.reason, dict(info.metadata), list(bad.field_violations), retry
    )
