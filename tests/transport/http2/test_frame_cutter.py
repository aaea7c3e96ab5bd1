"""The frames of one connection are passed on when they are whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from rolecall.transport.http2.frame_cutter import FrameCutter
from tests.transport.frames import DATA, HEADERS, PREFACE, frame

LARGEST = 16_384

FRAMES = st.lists(st.integers(0, 300) | st.just(LARGEST)).map(
    lambda sizes: [frame(DATA, 0, 1, bytes(n)) for n in sizes]
)


def begun() -> FrameCutter:
    cutter = FrameCutter()
    assert cutter.whole(PREFACE) == PREFACE
    return cutter


@given(FRAMES, st.data())
def test_any_split_of_the_same_frames_gives_whole_frames_as_soon_as_they_have_arrived(
    frames: list[bytes], data: st.DataObject
) -> None:
    sent, ends = b"".join(frames), [0]
    for one in frames:
        ends.append(ends[-1] + len(one))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=10))), len(sent)]
    cutter, given_ = begun(), b""

    for start, end in pairwise(cuts):
        given_ += cutter.whole(sent[start:end])

        assert given_ == sent[: max(whole for whole in ends if whole <= end)]


def test_a_preface_is_passed_on_as_it_arrives_and_frames_after_it_when_they_are_whole() -> None:
    cutter, one = FrameCutter(), frame(HEADERS, 4, 1, b"abc")

    given_ = [cutter.whole(part) for part in (PREFACE[:7], PREFACE[7:20], PREFACE[20:] + one + one[:11], one[11:])]

    assert given_ == [PREFACE[:7], PREFACE[7:20], PREFACE[20:] + one, one]


def test_bytes_that_come_one_by_one_give_the_frame_with_the_last() -> None:
    cutter, one = begun(), frame(DATA, 1, 3, b"abc")

    assert [cutter.whole(one[n : n + 1]) for n in range(len(one))] == [b""] * (len(one) - 1) + [one]


def test_of_any_beginning_the_whole_frames_are_passed_on() -> None:
    one = frame(DATA, 0, 1, bytes(300))

    for size in range(2 * len(one) + 1):
        assert begun().whole((one + one)[:size]) == one * (size // len(one))


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_frame_that_is_larger_than_allowed_is_passed_on_without_its_payload(payload: bytes) -> None:
    head = (LARGEST + 1).to_bytes(3, "big") + b"\0\0\0\0\0\1"

    assert begun().whole(frame(DATA, 0, 1, b"abc") + head + payload) == frame(DATA, 0, 1, b"abc") + head + payload


@pytest.mark.parametrize("size", range(9))
def test_the_header_of_a_frame_that_is_larger_than_allowed_is_passed_on_when_it_is_whole(size: int) -> None:
    cutter, one, head = begun(), frame(DATA, 0, 1, b"abc"), b"\xff\xff\xff\0\0\0\0\0\1"

    assert (cutter.whole(one + head[:size]), cutter.whole(head[size:])) == (one, head)


def test_a_beginning_of_the_largest_frame_is_kept() -> None:
    cutter, one = begun(), frame(DATA, 0, 1, bytes(LARGEST))

    assert cutter.whole(one[:-1]) == b""
    assert cutter.whole(one[-1:] + one) == one + one


class Quick(FrameCutter):
    """A cutter that counts how often it cuts what does not end with a frame."""

    cuts = 0

    def _cut(self, data: bytes) -> bytes:
        self.cuts += 1
        return super()._cut(data)


@pytest.mark.parametrize("sizes", [[0, 1], [1], [300, 2], [0x0102, 0x2030], [0, LARGEST, 5], [255] * 20, [256, 511]])
def test_a_read_of_whole_frames_is_passed_on_without_being_cut(sizes: list[int]) -> None:
    cutter, sent = Quick(), b"".join(frame(DATA, 0, 1, b"\x07" * size) for size in sizes)
    cutter.whole(PREFACE)
    cutter.cuts = 0

    assert cutter.whole(sent) is sent
    assert cutter.cuts == 0
    assert (cutter.whole(sent[:-1]), cutter.cuts) == (sent[: -len(frame(DATA, 0, 1, bytes(sizes[-1])))], 1)
