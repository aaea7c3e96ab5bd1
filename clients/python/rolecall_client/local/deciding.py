"""Decides queries from a followed state with the server's engine, and leaves to the server what only it can decide."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Any

from google.protobuf.message import DecodeError

from rolecall_client.local.engine import (
    Accounts,
    Answer,
    DecisionOptions,
    DecisionPoint,
    EngineError,
    FollowedState,
    LongWorkError,
    QueryDecoder,
    ServedFrom,
    encode_decision,
)
from rolecall_client.local.large_policies import LargePolicies
from rolecall_client.local.options import LocalOptions
from rolecall_client.v1 import decision_pb2 as d

_MICROS = 1_000_000
_SERVED: dict[ServedFrom, Any] = {served: d.ServedFrom.Value(f"SERVED_FROM_{served}") for served in ServedFrom}
_DECIDED_HERE = frozenset({"principal", "federated"})


class Decider:
    """Decides by the roles of `state`. `clock` is the time of day; the caller of `answer` has `lock`.

    What fails here is left to the server, which answers it or has the right error.
    """

    def __init__(self, state: FollowedState, options: LocalOptions, clock: Callable[[], int], lock: Lock) -> None:
        self._state, self._clock = state, clock
        self._error = round(options.max_clock_error_seconds * _MICROS)
        self._identities = _DECIDED_HERE if options.asserted_claims else frozenset({"principal"})
        self._point = DecisionPoint(state.snapshot, _shares(options.cache_bytes), clock, encode_decision)
        self._large = LargePolicies(self._point, lock)
        self._decoder = QueryDecoder(Accounts(options.default_account), cache_bytes=options.cache_bytes // 4)
        self._process, self._numbers = f"local-{secrets.token_hex(6)}", count(1)

    def readable(self, query: d.AssumeRoleQuery) -> bytes | None:
        """Return the bytes of a query; None if only the server can decide it.

        A setting of the server decides about a source identity, and its callers file about claims and tokens.
        """
        if query.source_identity or query.WhichOneof("identity") not in self._identities:
            return None
        return query.SerializeToString()

    def answer(self, query: bytes, age: int) -> d.CheckAssumeRoleResponse | None:
        """Return the decision of a query; `age` is that of the state, in microseconds. None: the server has to be asked."""
        now = self._clock()
        try:
            request = self._decoder.request(query)
            version = self._state.snapshot.version(request.role_key)
            if version is None and not self._state.covers(request.role_key):
                return None
            answer = self._point.check_version(request, version, now, restored=False)
        except LongWorkError as error:
            self._large.prepare(error.version)
            return None
        except (EngineError, DecodeError):
            return None
        return self._response(answer, age, now) if self._holds(answer, now) else None

    def close(self) -> None:
        """Stop the thread that reads large policies, if there is one."""
        self._large.close()

    def _holds(self, answer: Answer, now: int) -> bool:
        """Return whether the decision is the same at every time that may be that of the server."""
        since, until = answer.decision.valid_from, answer.decision.valid_until
        return (until is None or now + self._error < until) and (since is None or now - self._error >= since)

    def _response(self, answer: Answer, age: int, now: int) -> d.CheckAssumeRoleResponse:
        response = d.CheckAssumeRoleResponse()
        response.consistency_token = self._state.token
        decision = response.decision
        decision.MergeFromString(answer.encoded)
        decision.decision_id = f"{self._process}-{next(self._numbers):x}"
        decision.revision = self._state.snapshot.revision
        decision.served_from = _SERVED[answer.served_from]
        # Not by `FromMicroseconds`, which takes a tenth of the time of a decision.
        staleness = decision.staleness
        seconds, micros = divmod(age, _MICROS)
        staleness.seconds, staleness.nanos = seconds, micros * 1_000
        if answer.decision.valid_until is not None:
            decision.valid_for.FromMicroseconds(answer.decision.valid_until - now - self._error)
        return response


def _shares(cache_bytes: int) -> DecisionOptions:
    """Return how much of the memory cached decisions and compiled policies have; requests have the last quarter."""
    return DecisionOptions(cache_bytes=cache_bytes // 2, compiled_policy_bytes=cache_bytes // 4)
