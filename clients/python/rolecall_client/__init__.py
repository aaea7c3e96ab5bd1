"""Python client of Rolecall: may this principal assume this role?

`RolecallClient` checks queries (made by `query`), administers roles and watches them; `AsyncRolecallClient` has the same methods
for an event loop. Failed calls raise `RolecallError`.
The messages and stubs of the contract are in `rolecall_client.v1`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rolecall_client.errors import (
    AbortedError,
    AccessDeniedError,
    AlreadyExistsError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotAuthenticatedError,
    NotFoundError,
    OtherStoreError,
    ResourceExhaustedError,
    ResyncRequiredError,
    RolecallError,
    TokenError,
    UnavailableError,
    Violation,
    error_of_status,
)

if TYPE_CHECKING:
    from rolecall_client.answer_cache_options import AnswerCacheOptions
    from rolecall_client.async_client import AsyncRolecallClient
    from rolecall_client.client import RolecallClient
    from rolecall_client.connection.settings import ConnectionSettings, TlsFiles
    from rolecall_client.connection.tokens import CommandToken, FileToken
    from rolecall_client.queries import query

__all__ = [
    "AbortedError",
    "AccessDeniedError",
    "AlreadyExistsError",
    "AnswerCacheOptions",
    "AsyncRolecallClient",
    "CommandToken",
    "ConnectionSettings",
    "DeadlineExceededError",
    "FileToken",
    "InvalidArgumentError",
    "NotAuthenticatedError",
    "NotFoundError",
    "OtherStoreError",
    "ResourceExhaustedError",
    "ResyncRequiredError",
    "RolecallClient",
    "RolecallError",
    "TlsFiles",
    "TokenError",
    "UnavailableError",
    "Violation",
    "error_of_status",
    "query",
]

# gRPC takes a tenth of a second to import, and code that only reads messages does not need it.
_LATER = {
    "AnswerCacheOptions": "rolecall_client.answer_cache_options",
    "AsyncRolecallClient": "rolecall_client.async_client",
    "CommandToken": "rolecall_client.connection.tokens",
    "ConnectionSettings": "rolecall_client.connection.settings",
    "FileToken": "rolecall_client.connection.tokens",
    "RolecallClient": "rolecall_client.client",
    "TlsFiles": "rolecall_client.connection.settings",
    "query": "rolecall_client.queries",
}


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(module), name)
