"""What the headers of a call say."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from math import inf

import pytest
from hypothesis import given, strategies as st

from rolecall.transport.http2.request_head import NotGrpcError, RequestHead
from rolecall.transport.http2.status import Code, StatusError, encoded

GRPC = {b":method": b"POST", b":path": b"/s/M", b"content-type": b"application/grpc", b"te": b"trailers"}


def head(
    *more: tuple[bytes, bytes], limit: int = 10_000, instead: Mapping[bytes, bytes | None] | None = None
) -> RequestHead:
    """Return the head of a call of gRPC, with other fields or (None) without some."""
    fields = {**GRPC, **(instead or {})}
    return RequestHead([*((name, value) for name, value in fields.items() if value is not None), *more], limit)


def test_a_head_without_options_has_no_time_limit_and_no_compression() -> None:
    plain = head()

    assert (plain.path, plain.timeout, plain.encoding, plain.metadata()) == (b"/s/M", inf, b"identity", ())
    assert not plain.has_authorization
    assert head((b"authorization", b"")).has_authorization


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"2H", 7_200),
        (b"3M", 180),
        (b"4S", 4),
        (b"5m", 0.005),
        (b"6u", 6e-6),
        (b"7n", 7e-9),
        (b"99999999S", 99_999_999),
    ],
)
def test_timeouts_have_a_unit(text: bytes, seconds: float) -> None:
    assert head((b"grpc-timeout", text)).timeout == pytest.approx(seconds)


@pytest.mark.parametrize("text", [b"1", b"S", b"1s", b"100000000S", b"1.5S", b"-1S", b" 1S", b"\xd9\xa1S"])
def test_other_timeouts_are_refused(text: bytes) -> None:
    with pytest.raises(StatusError) as error:
        head((b"grpc-timeout", text))

    hint = "`grpc-timeout` is not 1 to 8 digits and one of the units H, M, S, m, u, n"
    assert (error.value.code, error.value.message) == (Code.INTERNAL, hint)


def test_the_limit_counts_names_values_and_32_bytes_for_each() -> None:
    size = sum(len(name) + len(value) + 32 for name, value in GRPC.items())

    assert head(limit=size).size == size
    with pytest.raises(StatusError, match=f"has {size} bytes; at most {size - 1}") as error:
        head(limit=size - 1)
    assert error.value.code is Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "kind",
    [
        b"application/grpc",
        b"application/grpc+proto",
        b"application/grpc;a",
        b"application/grpc ; a=b",
        b"APPLICATION/GRPC",
    ],
)
def test_content_types_of_grpc(kind: bytes) -> None:
    assert head(instead={b"content-type": kind}).path == b"/s/M"


@pytest.mark.parametrize(
    ("instead", "status"),
    [
        ({b"content-type": b"application/grpc-web"}, 415),
        ({b"content-type": b"application/json"}, 415),
        ({b"content-type": b""}, 415),
        ({b"content-type": None}, 415),
        ({b"te": b""}, 400),
        ({b"te": b"gzip"}, 400),
        ({b"te": None}, 400),
    ],
)
def test_a_request_that_is_not_grpc_has_a_status_of_http_and_a_hint(
    instead: dict[bytes, bytes | None], status: int
) -> None:
    with pytest.raises(NotGrpcError) as error:
        head(instead=instead)

    hints = {
        400: "the header `te: trailers` is missing: a proxy on the way may not support trailers",
        415: "gRPC calls have the content type application/grpc",
    }
    assert (error.value.http_status, error.value.text, str(error.value)) == (b"%d" % status, *[hints[status]] * 2)
    assert error.value.headers == [(b"content-type", b"text/plain")]


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"post", None])
def test_other_methods_of_http_are_refused_with_the_allowed_one(method: bytes | None) -> None:
    with pytest.raises(NotGrpcError) as error:
        head(instead={b":method": method})

    assert (error.value.http_status, error.value.text) == (b"405", "gRPC calls use the method POST")
    assert error.value.headers == [(b"content-type", b"text/plain"), (b"allow", b"POST")]


def test_metadata_is_what_the_protocol_itself_does_not_use() -> None:
    sent = head(
        (b"grpc-timeout", b"1S"),
        (b"grpc-encoding", b"gzip"),
        (b"grpc-accept-encoding", b"gzip"),
        (b"user-agent", b"test"),
        (b"x-a", b"1"),
        (b"x-a", b"\xe9"),
    )

    assert sent.encoding == b"gzip"
    assert sent.metadata() == (("user-agent", "test"), ("x-a", "1"), ("x-a", "é"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b"AP8", [b"\0\xff"]),
        (b"AP8=", [b"\0\xff"]),
        (b"AP8,AA==, YWJj", [b"\0\xff", b"\0", b"abc"]),
        (b"", [b""]),
        (b"A*P8", [b""]),
        (b"A", [b""]),
    ],
)
def test_binary_metadata_may_have_several_values_and_no_padding(text: bytes, values: list[bytes]) -> None:
    assert head((b"x-bin", text)).metadata() == tuple(("x-bin", value) for value in values)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_binary_metadata_arrives_as_it_was_sent(values: list[bytes]) -> None:
    sent = [("x-bin", value) for value in values]
    joined = b",".join(b64encode(value) for value in values)

    assert head(*encoded(sent)).metadata() == tuple(sent)
    assert head((b"x-bin", joined)).metadata() == tuple(sent)


def test_a_name_that_is_not_ascii_is_replaced_where_it_is_not() -> None:
    assert head((b"x-\xff", b"1"), (b"\xfe-bin", b"AP8")).metadata() == (("x-\ufffd", "1"), ("\ufffd-bin", b"\0\xff"))


def test_a_head_without_a_path_has_an_empty_one() -> None:
    assert head(instead={b":path": None}).path == b""


def test_a_binary_value_with_other_characters_than_those_of_base64_is_empty() -> None:
    assert head((b"x-bin", b"AAAA!!!!"), (b"y-bin", b"AAAA")).metadata() == (("x-bin", b""), ("y-bin", bytes(3)))
