"""Python client of Rolecall: may this principal assume this role?

`RolecallClient` puts questions (`query`) and administers roles; what it cannot answer it raises as `RolecallError`. The
messages and stubs of the contract are in `rolecall_client.v1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolecall_client.errors import RolecallError, Violation, error_of_status

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient
    from rolecall_client.queries import query

__all__ = ["RolecallClient", "RolecallError", "Violation", "error_of_status", "query"]


def __getattr__(name: str) -> object:
    # gRPC takes a tenth of a second to import, and whoever only reads messages does without it.
    if name == "RolecallClient":
        from rolecall_client.client import RolecallClient  # noqa: PLC0415

        return RolecallClient
    if name == "query":
        from rolecall_client.queries import query  # noqa: PLC0415

        return query
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
