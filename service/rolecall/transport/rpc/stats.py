"""The statistics of each method: plain numbers that only the event loop writes and any thread may read."""

from __future__ import annotations

from bisect import bisect_left

LATENCY_BOUNDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the latency buckets in seconds; the last bucket has none."""

STATUS_CODES = 17
OK = 0


class MethodStats:
    """The statistics of one method. `handled` counts its ended calls by status code, `buckets` by latency."""

    __slots__ = (
        "buckets",
        "handled",
        "messages_in",
        "messages_out",
        "method",
        "request_streaming",
        "response_streaming",
        "seconds",
        "service",
        "started",
    )  # fmt: skip

    def __init__(self, service: str, method: str, *, request_streaming: bool, response_streaming: bool) -> None:
        self.service, self.method = service, method
        self.request_streaming, self.response_streaming = request_streaming, response_streaming
        self.started = self.messages_in = self.messages_out = 0
        self.handled = [0] * STATUS_CODES
        self.buckets = [0] * (len(LATENCY_BOUNDS) + 1)
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """Return the method as gRPC names it: `/SERVICE/METHOD`."""
        return f"/{self.service}/{self.method}"

    @property
    def kind(self) -> str:
        """Return the shape of the method: `unary`, `client_stream`, `server_stream` or `bidi_stream`."""
        match self.request_streaming, self.response_streaming:
            case False, False:
                return "unary"
            case True, False:
                return "client_stream"
            case False, True:
                return "server_stream"
        return "bidi_stream"

    @property
    def received(self) -> int:
        """Return how many messages were received; a call without request streaming has one."""
        return self.messages_in if self.request_streaming else self.started

    @property
    def sent(self) -> int:
        """Return how many messages were sent; a call without response streaming sends one if it succeeds."""
        return self.messages_out if self.response_streaming else self.handled[OK]

    def handle(self, code: int, seconds: float) -> None:
        """Count a call that ended."""
        self.handled[code] += 1
        self.buckets[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.seconds += seconds
