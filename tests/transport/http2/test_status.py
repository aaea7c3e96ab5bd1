"""The status of a call on the wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import grpc
import pytest
from hypothesis import given, strategies as st

from rolecall.transport.http2.status import OK_TRAILERS, Code, StatusError, trailers


def test_success_has_a_status_and_nothing_else() -> None:
    assert trailers(0, "") is OK_TRAILERS
    assert list(OK_TRAILERS) == [(b"grpc-status", b"0")]


def test_a_status_has_its_code_its_message_and_its_metadata() -> None:
    sent = trailers(14, "down", (("x-a", "1"), ("b-bin", b"\0\xff")))

    assert sent == [(b"grpc-status", b"14"), (b"grpc-message", b"down"), (b"x-a", b"1"), (b"b-bin", b"AP8")]


@pytest.mark.parametrize(
    ("status", "more"),
    [
        ((0, "", (("x-a", "1"),)), [(b"x-a", b"1")]),
        ((0, "m"), [(b"grpc-message", b"m")]),
        ((0, "m", (("x-a", "1"),)), [(b"grpc-message", b"m"), (b"x-a", b"1")]),
        ((1, ""), []),
    ],
)
def test_success_with_more_to_say_is_not_shortened(status: Any, more: list[tuple[bytes, bytes]]) -> None:
    sent = trailers(*status)

    assert sent != OK_TRAILERS
    assert sent == [(b"grpc-status", b"%d" % status[0]), *more]


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("a b~", b"a b~"),
        ("100 %", b"100 %25"),
        ("\t\n\r\x7f", b"%09%0A%0D%7F"),
        ('\x1f !"$&~\x80', b'%1F !"$&~%C2%80'),
        ("Ünï ☺", b"%C3%9Cn%C3%AF %E2%98%BA"),
        ("half \ud800 pair", b"half ? pair"),
    ],
)
def test_messages_are_percent_encoded_outside_printable_ascii(text: str, wire: bytes) -> None:
    assert trailers(2, text)[1] == (b"grpc-message", wire)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_client_decodes_the_message_that_was_encoded(text: str) -> None:
    wire = trailers(2, text)[1][1].decode("ascii")

    assert unquote(wire, errors="strict") == text
    assert all(" " <= character <= "~" for character in wire)


def test_an_error_has_its_code_its_message_and_its_metadata() -> None:
    error = StatusError(Code.INTERNAL, "why")
    more = StatusError(Code.INTERNAL, "why", [("x-a", "1")])

    assert (error.code, error.message, str(error), error.metadata) == (Code.INTERNAL, "why", "why", ())
    assert more.metadata == [("x-a", "1")]


@pytest.mark.parametrize("code", Code)
def test_the_codes_have_the_numbers_of_grpc(code: Code) -> None:
    assert code.value == grpc.StatusCode[code.name].value[0]


def test_every_code_is_sent_as_the_number_of_grpc() -> None:
    sent = {name: trailers(code, "") for name, code in Code.__members__.items()}

    assert sent == {name: [(b"grpc-status", b"%d" % grpc.StatusCode[name].value[0])] for name in sent}
    assert len({*Code.__members__.values()}) == len(sent)
