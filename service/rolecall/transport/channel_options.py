"""The options of gRPC that bound the connections of the server."""

from __future__ import annotations

from rolecall.transport.rpc.open_streams import MAX_STREAM_SECONDS

MAX_METADATA_BYTES = 16 * 1024
MAX_STREAMS = 1_000
"""How many calls one connection may have in progress."""

MAX_PENDING = 20_000
"""How many calls may wait to be accepted: those of twenty connections. Each takes about as much memory as its message."""

HANDSHAKE_SECONDS = 10
MAX_CONNECTION_AGE_SECONDS = 300
GRACE_SECONDS = int(MAX_STREAM_SECONDS) + 30


def channel_options(max_message_bytes: int) -> list[tuple[str, int]]:
    """Return the options of a server whose messages have at most that many bytes, uncompressed."""
    return [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        # Beyond these two limits gRPC ends calls with a bare CANCELLED, which no client retries. `ConcurrencyLimit` is
        # meant to refuse calls first, with a reason and a delay.
        ("grpc.server.max_pending_requests", MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_PENDING),
        # Clients reconnect from time to time, so that their calls spread over new replicas.
        ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_SECONDS * 1_000),
        # Longer than a stream may last: the server ends every stream in order before gRPC would cut it.
        ("grpc.max_connection_age_grace_ms", GRACE_SECONDS * 1_000),
        # A connection that sends no HTTP/2 preface, or does not finish its TLS handshake, is closed.
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_SECONDS * 1_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        # Otherwise a second server could listen on the same port, and clients would reach either of the two.
        ("grpc.so_reuseport", 0),
    ]
