"""The loads of `make bench`: what is asked, and how it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench import fixture
from bench.load import Shape
from rolecall_client.v1 import decision_pb2 as pb

BATCH = 100
DISTINCT = 200

_SERVICE = "/rolecall.v1.DecisionService/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load: the method, the data of its calls, how many in a round and how they are sent, and the decisions of each.

    With `tls` it is sent to the servers that require client certificates.
    """

    name: str
    path: str
    bodies: Sequence[bytes]
    calls: int
    shape: Shape
    items: int = 1
    tls: bool = False


def loads(scale: float) -> list[Load]:
    """Return the loads; `scale` multiplies the number of calls in a round."""
    plain, keyed = _checks(fixture.plain_query), _checks(fixture.keyed_query)
    many, one, paced = Shape(in_flight=16), Shape(), Shape(per_second=400)

    def check(name: str, bodies: Sequence[bytes], calls: int, shape: Shape, *, tls: bool = False) -> Load:
        return Load(
            name=name, path=f"{_SERVICE}CheckAssumeRole", bodies=bodies, calls=int(calls * scale), shape=shape, tls=tls
        )

    def items(name: str, method: str, bodies: Sequence[bytes]) -> Load:
        calls = int(200 * scale)
        return Load(name=name, path=f"{_SERVICE}{method}", bodies=bodies, calls=calls, shape=one, items=BATCH)

    return [
        check("check, 4 x 16", plain, 4_000, many),
        check("check, 4 x 1", plain, 4_000, one),
        check("check, 400 a second", plain, 800, paced),
        check("check, two keys, 4 x 16", keyed, 4_000, many),
        check("check, mTLS, 4 x 16", plain, 4_000, many, tls=True),
        check("check, mTLS, 4 x 1", plain, 4_000, one, tls=True),
        items("stream of 100", "StreamCheckAssumeRole", _streams()),
        items("batch of 100", "BatchCheckAssumeRole", _batches(fixture.plain_query)),
        items("batch of 100, two keys", "BatchCheckAssumeRole", _batches(fixture.keyed_query)),
    ]


def _checks(query: Callable[[int], pb.AssumeRoleQuery]) -> list[bytes]:
    return [_framed(pb.CheckAssumeRoleRequest(query=query(n))) for n in range(DISTINCT)]


def _batches(query: Callable[[int], pb.AssumeRoleQuery]) -> list[bytes]:
    starts = range(0, DISTINCT, 10)
    return [
        _framed(pb.BatchCheckAssumeRoleRequest(queries=[query(start + n) for n in range(BATCH)])) for start in starts
    ]


def _streams() -> list[bytes]:
    return [
        b"".join(
            _framed(pb.StreamCheckAssumeRoleRequest(sequence=n, query=fixture.plain_query(start + n)))
            for n in range(BATCH)
        )
        for start in range(0, DISTINCT, 10)
    ]


def _framed(message: Any) -> bytes:
    data = message.SerializeToString()
    return b"\0" + len(data).to_bytes(4, "big") + bytes(data)
