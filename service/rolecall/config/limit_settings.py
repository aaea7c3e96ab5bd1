"""Settings of what a process caches and admits, and of how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.config.setting import setting
from rolecall.config.types import Rate, Seconds, WholeNumber
from rolecall.engine.cache import REQUEST_CACHE_BYTES
from rolecall.engine.consistency import MAX_STALENESS_SECONDS
from rolecall.engine.decision_point import DecisionOptions
from rolecall.transport.options import ServerOptions

_DECISIONS, _SERVER = DecisionOptions(), ServerOptions()


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """What a process caches and admits, and how long it takes."""

    cache_entries: int = setting(
        _DECISIONS.cache_entries, WholeNumber(0, 10_000_000), "Maximum number of cached decisions; 0: no cache."
    )
    cache_bytes: int = setting(
        _DECISIONS.cache_bytes, WholeNumber(0, 68_719_476_736), "Maximum memory of cached decisions; 0: no cache."
    )
    request_cache_bytes: int = setting(
        REQUEST_CACHE_BYTES, WholeNumber(0, 68_719_476_736), "Maximum memory of cached requests; 0: no cache."
    )
    compiled_policies: int = setting(
        _DECISIONS.compiled_policies, WholeNumber(1, 10_000_000), "Maximum number of cached compiled trust policies."
    )
    compiled_policy_bytes: int = setting(
        _DECISIONS.compiled_policy_bytes,
        WholeNumber(1_048_576, 68_719_476_736),
        "Maximum memory of cached compiled trust policies; the newest is cached whatever its size.",
    )
    max_batch: int = setting(1_000, WholeNumber(1, 100_000), "Maximum number of queries in a batch.")
    max_message_bytes: int = setting(
        _SERVER.max_message_bytes, WholeNumber(65_536, 268_435_456), "Maximum size of a message."
    )
    max_connections: int = setting(
        _SERVER.max_connections, WholeNumber(1, 1_000_000), "Maximum number of connections; of the transport h2 only."
    )
    max_concurrent_rpcs: int = setting(
        _SERVER.max_concurrent_rpcs,
        WholeNumber(1, 1_000_000),
        "Maximum number of concurrent calls, streams not included.",
    )
    max_streams: int = setting(
        _SERVER.max_streams, WholeNumber(1, 1_000_000), "Maximum number of open streams of checks."
    )
    max_uploads: int = setting(
        _SERVER.max_uploads, WholeNumber(1, 1_000_000), "Maximum number of ApplyRoles in progress."
    )
    max_watches: int = setting(_SERVER.max_watches, WholeNumber(1, 1_000_000), "Maximum number of open watches.")
    max_deadline_seconds: float = setting(
        _SERVER.max_deadline_seconds, Seconds(0.1, 3_600), "Maximum duration of a call; ten times that for an upload."
    )
    stream_idle_seconds: float = setting(
        _SERVER.stream_idle_seconds,
        Seconds(0.1, 3_600),
        "Time without a message from the client after which a stream of checks or an upload is ended.",
    )
    rate_limit: float = setting(
        _SERVER.rate_limit,
        Rate(1_000_000_000),
        "Questions a second that each caller may ask; 0: no limit. Each query of a batch counts.",
    )
    rate_burst: int = setting(
        _SERVER.rate_burst, WholeNumber(1, 1_000_000_000), "Questions that a caller may ask at once with --rate-limit."
    )
    max_staleness_seconds: float = setting(
        MAX_STALENESS_SECONDS,
        Seconds(0, 31_536_000),
        "Maximum staleness of the state that decisions are made from; UNAVAILABLE beyond.",
    )
    drain_delay_seconds: float | None = setting(
        None,
        Seconds(0, 300),
        "Time to keep accepting calls after SIGTERM, for load balancers to notice (default: 0 on loopback, else 5).",
    )
    drain_grace_seconds: float = setting(25.0, Seconds(0, 3_600), "Time for calls in progress to finish after that.")
