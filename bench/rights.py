"""What the rights of a check cost, beside the same check without them: in process, on every path, in one run.

With rights a caller of a callers file has RolecallDecider, and asks for others; both rights are remembered. Without rights, the
request of each query is looked up in the same cache and nothing is judged. Callers are found before, as they are for either.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

from bench import fixture
from rolecall.callers.caller import Caller
from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.document import read_callers
from rolecall.engine.clock import now_micros
from rolecall.engine.consistency import Consistency, StateAge
from rolecall.engine.decision_point import DecisionOptions, DecisionPoint
from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import Snapshot
from rolecall.engine.turns import LongWork, Turns
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder, encode_decision
from rolecall.transport.codecs.raw import RawBatchRequest, RawCheckRequest, RawStreamRequest
from rolecall.transport.rights.checks import MAX_REMEMBERED, CheckRights
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.services.decision import Callers, DecisionServicer
from rolecall_client.v1 import decision_pb2 as pb

REPEATS = 25
CALLS = 2_000
BATCH = 1_000
ORDERS = "spiffe://prod.example/ns/shop/sa/orders"


def measure() -> dict[str, float]:
    """Return CPU microseconds for each check, the minimum of many repeats in turns, because noise only adds time."""
    point, decoder = _point(), QueryDecoder(Accounts())
    caller = _caller()
    rights = CheckRights(decoder, Accounts(), point.snapshot.version)
    servicers = {
        "without": _servicer(point, decoder, _Unjudged(decoder), caller),
        "with": _servicer(point, decoder, rights, caller),
    }
    found = dict[str, float]()
    for path, run in {
        "at once": _at_once,
        "in a task": _in_a_task,
        "batch item": _batch,
        "stream message": _stream,
    }.items():
        found |= {f"{path}, {how} rights": cost for how, cost in _least(run, servicers).items()}
    return found | _first(point, "RolecallDecider") | _first(point, "Narrow")


class _Unjudged:
    """The requests of queries, without rights."""

    def __init__(self, decoder: QueryDecoder) -> None:
        self._decoded = decoder.request

    def request(self, query: bytes, _: Caller, __: int) -> AssumeRoleRequest:
        return self._decoded(query)

    def known(self, queries: list[bytes], _: Caller, __: int) -> list[AssumeRoleRequest]:
        return list(map(self._decoded, queries))


class _Fresh(Consistency):
    """A state without age."""

    def __init__(self) -> None: ...

    def token(self) -> str:
        return "t"

    def staleness(self) -> int:
        return 0

    def age(self) -> StateAge:
        return StateAge(0, limit=1, clock=lambda: 0)


class _OneSlice(Turns):
    """Turns in which no work ever waits."""

    def begin(self) -> LongWork:
        """Return work that has all the time."""
        return LongWork(self, inf, inf)


class _Messages:
    """A stream that reads the same queries again and keeps no answer."""

    def __init__(self, messages: list[Any], count: int) -> None:
        self._messages, self._left, self.ending = messages, count, None

    async def read(self) -> Any:
        self._left -= 1
        return iter([self._messages[self._left % len(self._messages)]]) if self._left >= 0 else None

    async def write(self, messages: list[bytes]) -> None:
        """Drop the answers."""


def _point() -> DecisionPoint:
    roles = [
        Role(
            role_id=str(n),
            account_id=fixture.ACCOUNT,
            role_name=f"keyed-{n}",
            document=fixture.keyed_document(n),
            create_time=Micros(0),
            update_time=Micros(0),
            revision=Revision(1),
        )
        for n in range(fixture.ROLES)
    ]
    return DecisionPoint(Snapshot(roles, revision=Revision(1)), DecisionOptions(), now_micros, encode_decision)


_NARROW = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["rolecall:CheckAssumeRole", "rolecall:AskFor"],
            "Resource": [f"acs:ram:*:{fixture.ACCOUNT}:role/keyed-*", f"acs:ram:*:{fixture.ACCOUNT}:user/*"],
            "Condition": {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}},
        },
        {"Effect": "Deny", "Action": "rolecall:*", "Resource": f"acs:ram:*:{fixture.ACCOUNT}:role/secret-*"},
    ],
}


def _caller(number: int = 0, policy: str = "RolecallDecider") -> Caller:
    entry = {"name": "orders", "match": {"spiffe": ORDERS}, "policies": [policy]}
    file = {"trust_domains": {"prod.example": "/ca.pem"}, "callers": [entry], "policies": {"Narrow": _NARROW}}
    directory = CallerDirectory(read_callers(file))
    credential = Credential(kind=CredentialKind.SPIFFE, identity=ORDERS)
    return directory.caller(credential, source_ip=f"10.0.0.{number}", secure=True)


def _servicer(point: DecisionPoint, decoder: QueryDecoder, rights: Any, caller: Caller) -> DecisionServicer:
    unused: Any = None
    answers = LongAnswers(point, _OneSlice(), LargeDocuments(point, ThreadPoolExecutor(1)))
    return DecisionServicer(
        point,
        _Fresh(),
        decoder,
        callers=Callers(identify=lambda _: caller, streams=StreamCallers(lambda _: caller), rights=rights),
        reverse=unused,
        history=unused,
        max_batch=BATCH,
        answers=answers,
    )


_QUERIES = [fixture.keyed_query(number).SerializeToString() for number in range(100)]
_SENT = [pb.CheckAssumeRoleRequest(query=fixture.keyed_query(number)).SerializeToString() for number in range(100)]


def _at_once(servicer: DecisionServicer) -> int:
    check = servicer.check_at_once
    for _ in range(CALLS // len(_SENT)):
        for data in _SENT:
            check(data, None)
    return CALLS


def _in_a_task(servicer: DecisionServicer) -> int:
    messages = [RawCheckRequest.FromString(data) for data in _SENT]
    for _ in range(CALLS // len(_SENT)):
        for message in messages:
            _finish(servicer.CheckAssumeRole(message, None))
    return CALLS


def _batch(servicer: DecisionServicer) -> int:
    message = RawBatchRequest(queries=_QUERIES * (BATCH // len(_QUERIES)))
    for _ in range(3):
        _finish(servicer.BatchCheckAssumeRole(message, None))
    return 3 * BATCH


def _stream(servicer: DecisionServicer) -> int:
    messages = [RawStreamRequest(sequence=1, query=[query]) for query in _QUERIES]
    stream: Any = _Messages(messages, CALLS)
    _finish(servicer.StreamCheckAssumeRole(stream, None))
    return CALLS


def _finish(coroutine: Any) -> None:
    """Run what does not wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("a check waited")


def _least(run: Callable[[DecisionServicer], int], servicers: dict[str, DecisionServicer]) -> dict[str, float]:
    least = dict.fromkeys(servicers, inf)
    for _ in range(REPEATS):
        for how, servicer in servicers.items():
            least[how] = min(least[how], _cost(lambda servicer=servicer: run(servicer)))  # type: ignore[misc]
    return {how: round(cost, 3) for how, cost in least.items()}


def _cost(work: Callable[[], int]) -> float:
    gc.collect()
    gc.disable()
    before = time.process_time_ns()
    calls = work()
    cost = (time.process_time_ns() - before) / calls / 1_000
    gc.enable()
    return cost


def _first(point: DecisionPoint, policy: str) -> dict[str, float]:
    """Return the cost of rights that are judged: for the first time, and where the caller's answers are remembered only."""
    first, remembered = inf, inf
    crowd = [_caller(policy=policy) for _ in range(MAX_REMEMBERED + 1)]  # each of a file of its own
    for _ in range(REPEATS):
        decoder = QueryDecoder(Accounts())
        rights = CheckRights(decoder, Accounts(), point.snapshot.version)
        requests = [decoder.request(query) for query in _QUERIES]
        newcomer = _caller(policy=policy)
        first = min(first, _cost(lambda: _judge(rights, requests, [newcomer])))  # noqa: B023
        _judge(rights, requests, crowd)
        remembered = min(remembered, _cost(lambda: _judge(rights, requests, crowd)))  # noqa: B023
    return {
        f"first evaluation of the rights of a check, {policy}": round(first, 2),
        f"one caller more than a request remembers, {policy}": round(remembered, 2),
    }


def _judge(rights: CheckRights, requests: list[AssumeRoleRequest], callers: list[Caller]) -> int:
    for query, request in zip(_QUERIES, requests, strict=True):
        for caller in callers:
            if request.rights is None or caller.number not in request.rights:
                rights.request(query, caller, 1)
    return len(requests) * len(callers)


if __name__ == "__main__":
    for name, figure in measure().items():
        print(f"{name}: {figure} µs")
