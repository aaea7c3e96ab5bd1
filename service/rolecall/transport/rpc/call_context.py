"""The context that gRPC passes along with each call, and the request id that the call is logged under."""

from __future__ import annotations

from typing import Any, TypeAlias
from uuid import uuid4

from grpc.aio import ServicerContext

REQUEST_ID_KEY = "x-request-id"
MAX_REQUEST_ID_CHARACTERS = 128

CallContext: TypeAlias = ServicerContext[Any, Any]


def request_id(context: CallContext) -> str:
    """Return the client's id for the call if it sent exactly one that is safe to log, else a new one."""
    given = [value for key, value in context.invocation_metadata() or () if key == REQUEST_ID_KEY]
    match given:
        case [str() as text] if _safe_to_log(text):
            return text
    return uuid4().hex


def _safe_to_log(text: str) -> bool:
    return 1 <= len(text) <= MAX_REQUEST_ID_CHARACTERS and text.isascii() and text.isprintable()
