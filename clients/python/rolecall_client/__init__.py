"""Python client of Rolecall: may this principal assume this role?

`RolecallClient` checks queries (made by `query`), administers roles and watches them. Failed calls raise `RolecallError`.
The messages and stubs of the contract are in `rolecall_client.v1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolecall_client.errors import RolecallError, Violation, error_of_status

if TYPE_CHECKING:
    from rolecall_client.client import RolecallClient
    from rolecall_client.queries import query
    from rolecall_client.watch import ResyncRequiredError

__all__ = ["ResyncRequiredError", "RolecallClient", "RolecallError", "Violation", "error_of_status", "query"]


def __getattr__(name: str) -> object:
    # gRPC takes a tenth of a second to import, and code that only reads messages does not need it.
    if name == "RolecallClient":
        from rolecall_client.client import RolecallClient  # noqa: PLC0415

        return RolecallClient
    if name == "query":
        from rolecall_client.queries import query  # noqa: PLC0415

        return query
    if name == "ResyncRequiredError":
        from rolecall_client.watch import ResyncRequiredError  # noqa: PLC0415

        return ResyncRequiredError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
