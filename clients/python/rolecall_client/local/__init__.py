"""Decisions in the client's own process, from a copy of the roles that a watch keeps up to date.

It needs the extra `rolecall-client[local]`. `LocalOptions` is passed to a client; `LocalReplica` is what the client follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolecall_client.local.options import LocalOptions

if TYPE_CHECKING:
    from rolecall_client.local.replica import LocalReplica

__all__ = ["LocalOptions", "LocalReplica"]


def __getattr__(name: str) -> object:
    # The options can be written down where the extra is not installed.
    if name == "LocalReplica":
        from rolecall_client.local.replica import LocalReplica  # noqa: PLC0415

        return LocalReplica
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
