"""Calls that are answered without a task: which are, and that all others are left to their method, uncounted."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.transport.errors import RefusedCallerError
from rolecall.transport.rpc.at_once import wrap_at_once
from rolecall.transport.rpc.concurrency import ConcurrencyLimit
from rolecall.transport.rpc.error_boundary import ErrorBoundary
from rolecall.transport.rpc.middleware import Middleware
from rolecall.transport.rpc.stats import MethodStats


class Log:
    def debug(self, event: str, **facts: object) -> None: ...

    warning = error = debug


class Calls:
    """A method that is answered at once, and what was asked on the way."""

    def __init__(self, **parts: Any) -> None:
        self.asked = list[str]()
        self.stats = MethodStats("s", "M", request_streaming=False, response_streaming=False)
        self.limit = ConcurrencyLimit(4)
        verbose = parts.pop("verbose", False)
        self.middleware = Middleware(
            concurrency=ConcurrencyLimit(0),
            concurrency_of={"unary": self.limit},
            boundary=ErrorBoundary(Log(), verbose=verbose),
            permits=parts.pop("permits", lambda method: lambda _: self.asked.append(f"permitted {method}")),
            authenticate=parts.pop("authenticate", lambda _: self.asked.append("authenticated")),
            **parts,
        )

    def answer(self, data: bytes, context: object) -> bytes | None:
        self.asked.append("answered")
        if data == b"broken":
            raise LookupError
        return None if data == b"later" else data.upper()

    def call(self, data: bytes) -> bytes | None:
        wrapped = wrap_at_once(self.answer, self.stats, self.middleware)
        assert wrapped
        context: Any = None
        return wrapped(data, context)

    @property
    def counted(self) -> tuple[int, int]:
        return self.stats.started, sum(self.stats.handled)


def refuse(_: object) -> None:
    raise RefusedCallerError("EXPIRED", "the token has expired")


def test_a_call_is_authenticated_permitted_answered_and_counted_in_this_order() -> None:
    calls = Calls()

    assert calls.call(b"x") == b"X"

    assert calls.asked == ["authenticated", "permitted /s/M", "answered"]
    assert (calls.counted, calls.stats.handled[0]) == ((1, 1), 1)
    assert 0 <= calls.stats.seconds < 60


def test_a_server_without_authentication_and_rights_answers_everything() -> None:
    calls = Calls(authenticate=None, permits=lambda _: None)

    assert (calls.call(b""), calls.counted) == (b"", (1, 1))


@pytest.mark.parametrize("data", [b"later", b"broken"])
def test_what_must_wait_or_fails_is_left_to_the_method(data: bytes) -> None:
    calls = Calls()

    assert (calls.call(data), calls.counted) == (None, (0, 0))


@pytest.mark.parametrize("parts", [{"authenticate": refuse}, {"permits": lambda _: refuse}])
def test_a_caller_that_is_refused_is_left_to_the_method_before_anything_is_answered(parts: dict[str, Any]) -> None:
    calls = Calls(**parts)

    assert (calls.call(b"x"), calls.counted) == (None, (0, 0))
    assert "answered" not in calls.asked


@pytest.mark.parametrize(("in_progress", "answered"), [(0, True), (1, True), (2, False), (3, False)])
def test_from_half_of_the_limit_on_callers_are_counted_by_the_method(in_progress: int, answered: bool) -> None:
    calls = Calls()
    open_calls: Any = calls.limit.calls
    open_calls.update({object(): (0.0, None) for _ in range(in_progress)})

    assert (calls.call(b"x") is not None) is answered
    assert bool(calls.asked) is answered


@pytest.mark.parametrize("parts", [{"rate": object()}, {"verbose": True}])
def test_calls_that_are_limited_in_rate_or_all_logged_are_tasks(parts: dict[str, Any]) -> None:
    calls = Calls(**parts)

    assert wrap_at_once(calls.answer, calls.stats, calls.middleware) is None
