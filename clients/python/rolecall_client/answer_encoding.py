"""Cached answers as bytes: what is the same each time, and behind it what is not.

Of a message that comes twice protobuf merges the fields, so the rest of the decision is written as a second one. Reading such
bytes costs less than setting the fields of a message.
"""

from __future__ import annotations

import math
from functools import lru_cache

from google.protobuf.duration_pb2 import Duration

from rolecall_client.v1 import decision_pb2 as d

STEP_SECONDS = 0.01
"""Ages and remaining times are rounded to this, so that few forms of them have to be remembered."""

MEMOISED = 4_096


def stored_form(response: d.CheckAssumeRoleResponse) -> bytes:
    """Return the bytes of an answer without its staleness and the time that it remains valid."""
    stored = d.CheckAssumeRoleResponse()
    stored.CopyFrom(response)
    decision = stored.decision
    decision.ClearField("staleness")
    decision.ClearField("valid_for")
    # If several values apply the last one in the enum is sent.
    decision.served_from = max(decision.served_from, d.SERVED_FROM_CACHED)
    return stored.SerializeToString()


def answer_of(stored: bytes, staleness: float, valid_for: float | None) -> d.CheckAssumeRoleResponse:
    """Return the answer with a stored form, a staleness (rounded up), and a time that remains (rounded down)."""
    form = stored + _with_staleness(math.ceil(staleness / STEP_SECONDS))
    if valid_for is not None:
        form += _with_valid_for(math.floor(valid_for / STEP_SECONDS))
    return d.CheckAssumeRoleResponse.FromString(form)


@lru_cache(maxsize=MEMOISED)
def _with_staleness(steps: int) -> bytes:
    return d.CheckAssumeRoleResponse(decision=d.Decision(staleness=_duration(steps))).SerializeToString()


@lru_cache(maxsize=MEMOISED)
def _with_valid_for(steps: int) -> bytes:
    return d.CheckAssumeRoleResponse(decision=d.Decision(valid_for=_duration(steps))).SerializeToString()


def _duration(steps: int) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(steps * 10)
    return duration
