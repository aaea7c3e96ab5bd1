"""What an observer of decisions learns of the call that each decision is a part of."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

from rolecall.transport.services.observed_calls import ObservedCalls
from tests.callers.files import ORDERS
from tests.callers.permitted import permitted


class Observer:
    def __init__(self) -> None:
        self.decisions = list[tuple[Any, ...]]()

    def on_decision(self, *decision: object) -> None:
        self.decisions.append(decision)


class Context:
    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-request-id", "call-7"),)


def begun() -> tuple[Observer, Any]:
    """Return an observer, and a call of a caller with a certificate that began a second ago."""
    observer, caller = Observer(), permitted("RolecallDecider")
    call: Any = ObservedCalls(observer, lambda _: caller).begin("CheckAssumeRole", Context())
    call._began = perf_counter_ns() - 1_000_000_000
    return observer, call


REQUEST, ANSWER = object(), object()


def test_a_decision_is_reported_with_its_call_and_how_long_that_took() -> None:
    observer, call = begun()

    call.report(REQUEST, ANSWER)

    ((request, answer, record),) = observer.decisions
    assert (request, answer) == (REQUEST, ANSWER)
    assert (record.method, record.caller, record.request_id) == ("CheckAssumeRole", ORDERS, "call-7")
    assert 1_000_000_000 <= record.handler_ns < 60_000_000_000
    assert (record.assumed_time, record.at_revision) == (None, None)


def test_all_decisions_of_a_call_have_the_time_at_which_it_ended() -> None:
    observer, call = begun()
    report = call.end(assumed_time=5, at_revision=7)

    report(REQUEST, ANSWER)
    report(ANSWER, REQUEST)

    (first, second) = observer.decisions
    assert (first[:2], second[:2]) == ((REQUEST, ANSWER), (ANSWER, REQUEST))
    assert first[2] is second[2]
    assert (first[2].assumed_time, first[2].at_revision) == (5, 7)
    assert first[2].handler_ns >= 1_000_000_000


def test_a_stream_has_no_duration_while_it_lasts() -> None:
    observer, call = begun()

    call.unending()(REQUEST, ANSWER)

    record = observer.decisions[0][2]
    assert (record.method, record.caller, record.request_id) == ("CheckAssumeRole", ORDERS, "call-7")
    assert (record.handler_ns, record.assumed_time, record.at_revision) == (None, None, None)
