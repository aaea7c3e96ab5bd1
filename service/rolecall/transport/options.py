"""Limits of the transport that settings configure, with their defaults; importing them needs no gRPC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Limits on messages and concurrent calls, and whether reflection is served.

    Health, reflection and watches do not count towards `max_concurrent_rpcs`: they have limits of their own.
    """

    max_message_bytes: int = 4 * 1024 * 1024
    max_concurrent_rpcs: int = 1_000
    max_watches: int = 10_000
    max_deadline_seconds: float = 30.0
    reflection: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """How many roles one upload may declare, and how many bytes all uploads in progress may buffer together."""

    max_roles: int = 100_000
    max_bytes: int = 256 * 1024 * 1024
