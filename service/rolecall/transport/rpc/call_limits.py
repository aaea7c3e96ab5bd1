"""The limits of a server's calls, one for each kind, so that no kind of calls refuses another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Self

from rolecall.transport.options import ServerOptions
from rolecall.transport.rpc.call_origin import CallerName
from rolecall.transport.rpc.concurrency import ConcurrencyLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """The calls in progress of each kind. `standard` are reflection and unknown methods."""

    calls: ConcurrencyLimit
    streams: ConcurrencyLimit
    uploads: ConcurrencyLimit
    watches: ConcurrencyLimit
    health_checks: ConcurrencyLimit
    health_watches: ConcurrencyLimit
    standard: ConcurrencyLimit

    @classmethod
    def of(cls, options: ServerOptions, name_of: CallerName) -> Self:
        """Return the limits that the options configure."""
        limit = partial(ConcurrencyLimit, name_of=name_of)
        return cls(
            calls=limit(options.max_concurrent_rpcs),
            streams=limit(options.max_streams, of="streams"),
            uploads=limit(options.max_uploads, of="uploads"),
            watches=limit(options.max_watches, of="watches"),
            health_checks=limit(options.max_concurrent_rpcs, of="health checks"),
            health_watches=limit(options.max_concurrent_rpcs, of="watches of health"),
            standard=limit(options.max_concurrent_rpcs, of="calls of reflection"),
        )

    @property
    def all(self) -> tuple[ConcurrencyLimit, ...]:
        """Return all limits."""
        return (
            self.calls,
            self.streams,
            self.uploads,
            self.watches,
            self.health_checks,
            self.health_watches,
            self.standard,
        )
