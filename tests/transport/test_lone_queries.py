"""A query that is cut out of the bytes of a request is the one that protobuf reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest, RawStreamRequest, lone_query, query_bytes
from rolecall_client.v1 import decision_pb2 as pb

QUERIES = st.builds(
    pb.AssumeRoleQuery,
    principal=st.text(max_size=300),
    role=st.text(max_size=20),
    external_id=st.text(max_size=20),
    duration_seconds=st.integers(0, 50_000),
)
CONSISTENCIES = st.sampled_from([pb.Consistency(), pb.Consistency(fully_consistent=True)])
UNKNOWN = st.sampled_from([b"\x1a\x03new", b"\xf8\x01\x05", b"\x0d\x00\x00\x00\x00"])


def _query(message: pb.AssumeRoleQuery) -> bytes:
    return pb.CheckAssumeRoleRequest(query=message).SerializeToString()


def _consistency(message: pb.Consistency) -> bytes:
    return pb.CheckAssumeRoleRequest(consistency=message).SerializeToString()


FIELDS = st.lists(st.one_of(QUERIES.map(_query), CONSISTENCIES.map(_consistency), UNKNOWN), max_size=4).map(b"".join)


@given(st.one_of(FIELDS, st.binary(max_size=40), st.binary(max_size=300).map(lambda rest: b"\x0a" + rest)))
@example(b"\x0a\x80\x00")
@example(b"\x0a\x83\x00abc")
@example(b"\x0a\xff\xff\xff\xff\x0fabc")
@example(b"\x0a\x01a\x0a\x01b")
def test_what_is_cut_out_is_the_only_field_that_protobuf_reads(data: bytes) -> None:
    query = lone_query(data)

    if query is not None:
        message = RawCheckRequest.FromString(data)
        assert list(message.query) == [query]
        assert query_bytes(message) == query
        assert not message.HasField("consistency")
        assert message.ByteSize() == len(RawCheckRequest(query=[query]).SerializeToString())


@given(QUERIES)
def test_a_request_with_nothing_but_a_query_is_cut(query: pb.AssumeRoleQuery) -> None:
    assert lone_query(_query(query)) == query.SerializeToString()


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383])
def test_lengths_of_one_and_two_bytes_are_read(length: int) -> None:
    query = bytes(length)

    assert lone_query(RawCheckRequest(query=[query]).SerializeToString()) == query


@pytest.mark.parametrize("length", [16_384, 100_000])
def test_longer_queries_are_left_to_protobuf(length: int) -> None:
    assert lone_query(RawCheckRequest(query=[bytes(length)]).SerializeToString()) is None


@given(QUERIES, CONSISTENCIES)
def test_a_request_that_requires_freshness_is_left_to_protobuf(query: pb.AssumeRoleQuery, how: pb.Consistency) -> None:
    assert lone_query(_query(query) + _consistency(how)) is None
    assert lone_query(_consistency(how) + _query(query)) is None


@given(QUERIES, QUERIES)
def test_two_queries_which_are_merged_are_left_to_protobuf(
    first: pb.AssumeRoleQuery, second: pb.AssumeRoleQuery
) -> None:
    assert lone_query(_query(first) + _query(second)) is None


@given(QUERIES, UNKNOWN)
def test_a_field_that_this_version_does_not_know_is_left_to_protobuf(query: pb.AssumeRoleQuery, field: bytes) -> None:
    assert lone_query(_query(query) + field) is None
    assert lone_query(field + _query(query)) is None


@pytest.mark.parametrize(
    ("data", "query"),
    [
        (b"", None),
        (b"\x0a", None),
        (b"\x0a\x00", b""),
        (b"\x0a\x01", None),
        (b"\x0a\x01a", b"a"),
        (b"\x0a\x00a", None),
        (b"\x0a\x02a", None),
        (b"\x12\x01a", None),
        (b"\x0a\x80", None),
        (b"\x0a\x80\x00", b""),
        (b"\x0a\x81\x00a", b"a"),
        (b"\x0a\x81\x00", None),
        (b"\x0a\x80\x00a", None),
        (b"\x0a\x80\x01" + bytes(128), bytes(128)),
        (b"\x0a\x80\x01" + bytes(127), None),
        (b"\x0a\x80\x01" + bytes(129), None),
        (b"\x0a\xff\x7f" + bytes(16_383), bytes(16_383)),
        # The high bit of the second byte says that the length continues in a third.
        (b"\x0a\x80\x80" + bytes(16_384), None),
        (b"\x0a\xff\x80" + bytes(16_384 + 127), None),
        (b"\x0a\x80\xff" + bytes(0xFF << 7), None),
    ],
)
def test_a_query_is_cut_only_where_its_length_says_that_it_ends(data: bytes, query: bytes | None) -> None:
    assert lone_query(data) == query


@pytest.mark.parametrize("queries", [[], [b""], [b"a"], [b"a", b"b"], [b"a", b"", b"bc"]])
def test_the_parts_of_a_query_are_joined(queries: list[bytes]) -> None:
    assert query_bytes(RawCheckRequest(query=queries)) == b"".join(queries)
    assert query_bytes(RawStreamRequest(sequence=7, query=queries)) == b"".join(queries)


def test_the_raw_messages_have_all_other_fields_as_they_are() -> None:
    consistency = pb.Consistency(at_least_as_fresh="t")
    query = pb.AssumeRoleQuery(principal="p")
    check = pb.CheckAssumeRoleRequest(query=query, consistency=consistency)
    stream = pb.StreamCheckAssumeRoleRequest(sequence=-7, query=query)
    batch = pb.BatchCheckAssumeRoleRequest(queries=[query, query], consistency=consistency)
    encoded = query.SerializeToString()

    pairs: list[tuple[Any, Any]] = [(check, RawCheckRequest), (stream, RawStreamRequest), (batch, RawBatchRequest)]
    for whole, raw in pairs:
        read = raw.FromString(whole.SerializeToString())
        assert read.SerializeToString() == whole.SerializeToString()
        assert [field.name for field in raw.DESCRIPTOR.fields] == [field.name for field in whole.DESCRIPTOR.fields]
    assert RawCheckRequest.FromString(check.SerializeToString()).consistency == consistency
    assert RawBatchRequest.FromString(batch.SerializeToString()).consistency == consistency
    assert RawStreamRequest.FromString(stream.SerializeToString()).sequence == -7
    assert list(RawBatchRequest.FromString(batch.SerializeToString()).queries) == [encoded] * 2
    assert RawStreamRequest(sequence=0).SerializeToString() == b""
    assert {raw.DESCRIPTOR.full_name for raw in (RawCheckRequest, RawStreamRequest, RawBatchRequest)} == {
        "rolecall.raw.CheckAssumeRoleRequest",
        "rolecall.raw.StreamCheckAssumeRoleRequest",
        "rolecall.raw.BatchCheckAssumeRoleRequest",
    }
