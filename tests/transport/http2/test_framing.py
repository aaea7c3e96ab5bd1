"""Messages in the data of a stream."""

from __future__ import annotations

import gzip
import zlib
from random import Random

import pytest
from hypothesis import given, strategies as st

from rolecall.transport.http2.framing import MessageReader, compressed_frame, frame, only_message, unpacked
from rolecall.transport.http2.status import Code, StatusError

LIMIT = 64


def reader(encoding: bytes = b"identity") -> MessageReader:
    return MessageReader(encoding, LIMIT)


def test_a_frame_is_a_flag_the_length_in_four_bytes_and_the_message() -> None:
    assert frame(b"abc") == b"\0\0\0\0\3abc"
    assert frame(b"x" * 300)[:5] == b"\0\0\0\1\x2c"


def test_a_compressed_frame_is_flagged_and_gzip() -> None:
    framed = compressed_frame(b"abc")

    assert framed[0] == 1
    assert int.from_bytes(framed[1:5], "big") == len(framed) - 5
    assert gzip.decompress(framed[5:]) == b"abc"
    # It refers back as far as gzip can.
    assert len(compressed_frame(Random(7).randbytes(32_000) * 2)) < 34_000


@given(st.lists(st.binary(max_size=LIMIT), max_size=8), st.data())
def test_any_split_of_the_same_bytes_gives_the_same_messages(messages: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(compressed_frame(m) if data.draw(st.booleans()) and len(m) < 30 else frame(m) for m in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=10)))
    reading, found = reader(b"gzip"), list[bytes]()

    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += reading.feed(whole[start:end])

    assert found == messages
    assert reading.buffered == 0
    reading.require_end()


@given(st.binary(max_size=LIMIT))
def test_the_only_message_is_that_which_was_framed(message: bytes) -> None:
    assert only_message(frame(message), b"identity", LIMIT) == message


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", frame(b"ab")[:-1], frame(b"ab") + b"\0", frame(b"") * 2])
def test_data_that_is_not_exactly_one_message_has_no_only_message(data: bytes) -> None:
    assert only_message(data, b"identity", LIMIT) is None


def test_a_message_may_be_as_large_as_the_limit_and_no_larger() -> None:
    fits, exceeds = b"x" * LIMIT, b"x" * (LIMIT + 1)

    assert reader().feed(frame(fits)) == [fits]
    assert only_message(frame(fits), b"identity", LIMIT) == fits
    assert unpacked(1, gzip.compress(fits, mtime=0), b"gzip", LIMIT) == fits
    for refused in (
        lambda: reader().feed(frame(exceeds)[:5]),
        lambda: only_message(frame(exceeds), b"identity", LIMIT),
        lambda: unpacked(1, gzip.compress(exceeds, mtime=0), b"gzip", LIMIT),
    ):
        with pytest.raises(StatusError) as error:
            refused()
        assert error.value.code is Code.RESOURCE_EXHAUSTED
        assert error.value.message == "Received message larger than max (65 vs. 64)"


@pytest.mark.parametrize("byte", [1, 2, 3, 4])
def test_each_byte_of_a_length_counts(byte: int) -> None:
    length = (1 << 8 * (4 - byte)) * LIMIT * 2

    for limit in (LIMIT, length - 1):
        with pytest.raises(StatusError) as error:
            MessageReader(b"identity", limit).feed(b"\0" + length.to_bytes(4, "big"))
        assert error.value.message == f"Received message larger than max ({length} vs. {limit})"


@pytest.mark.parametrize("byte", [1, 2, 3, 4])
def test_data_that_is_shorter_than_its_length_says_is_not_the_only_message(byte: int) -> None:
    length = (7).to_bytes(4, "big")
    larger = bytearray(length)
    larger[byte - 1] += 1

    assert only_message(b"\0" + length + b"message", b"identity", LIMIT) == b"message"
    assert only_message(b"\0" + bytes(larger) + b"message", b"identity", LIMIT) is None


@pytest.mark.parametrize(("encoding", "pack"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
def test_a_message_may_refer_back_as_far_as_its_compression_allows(encoding: bytes, pack: object) -> None:
    # Without a repetition that is nearer, and the farthest that deflate can refer to is 32 KiB.
    message = Random(7).randbytes(32_000) * 2
    packed = pack(message)  # type: ignore[operator]

    assert len(packed) < 34_000
    assert unpacked(1, packed, encoding, len(message)) == message


def test_a_length_is_judged_when_all_of_it_has_arrived() -> None:
    reading = reader()

    assert reading.feed(frame(b"abc") + b"\0\1\0\0") == [b"abc"]
    with pytest.raises(StatusError) as error:
        reading.feed(b"\2")
    assert error.value.message == f"Received message larger than max ({0x01_00_00_02} vs. {LIMIT})"


def test_a_small_message_cannot_become_a_large_one() -> None:
    bomb = gzip.compress(bytes(50_000_000))

    with pytest.raises(StatusError, match="larger than max") as error:
        unpacked(1, bomb, b"gzip", 4_000_000)

    assert "4000001" in error.value.message


def test_data_that_ends_within_a_message_is_an_error() -> None:
    reading = reader()
    reading.feed(frame(b"abc") + b"\0\0")

    assert reading.buffered == 2
    with pytest.raises(StatusError) as error:
        reading.require_end()
    assert (error.value.code, error.value.message) == (Code.INTERNAL, "the stream ended within a message")


NO_ENCODING = "a message is flagged as compressed, but the call names no `grpc-encoding`"
BROKEN = "a message cannot be decompressed"


@pytest.mark.parametrize(
    ("flag", "data", "encoding", "code", "message"),
    [
        (1, gzip.compress(b"a", mtime=0), b"identity", Code.INTERNAL, NO_ENCODING),
        (2, gzip.compress(b"a", mtime=0), b"gzip", Code.INTERNAL, NO_ENCODING),
        (
            1,
            gzip.compress(b"a", mtime=0),
            b"snappy",
            Code.UNIMPLEMENTED,
            "the compression is not supported; use one of identity,deflate,gzip",
        ),
        (1, gzip.compress(b"a", mtime=0), b"deflate", Code.INTERNAL, BROKEN),
        (1, zlib.compress(b"a"), b"gzip", Code.INTERNAL, BROKEN),
        (1, gzip.compress(b"a", mtime=0)[:-1], b"gzip", Code.INTERNAL, BROKEN),
        (1, gzip.compress(b"a", mtime=0) + b"x", b"gzip", Code.INTERNAL, BROKEN),
        (1, b"", b"gzip", Code.INTERNAL, BROKEN),
    ],
)
def test_what_cannot_be_unpacked_has_the_status_that_clients_know(
    flag: int, data: bytes, encoding: bytes, code: Code, message: str
) -> None:
    with pytest.raises(StatusError) as error:
        unpacked(flag, data, encoding, LIMIT)

    assert (error.value.code, error.value.message) == (code, message)


@pytest.mark.parametrize(("encoding", "pack"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
def test_both_ways_to_read_a_message_unpack_it(encoding: bytes, pack: object) -> None:
    packed = pack(b"hello")  # type: ignore[operator]
    framed = b"\1" + len(packed).to_bytes(4, "big") + packed

    assert only_message(framed, encoding, LIMIT) == b"hello"
    assert reader(encoding).feed(framed) == [b"hello"]
