"""The text of every error of the transport, word for word: clients show it, and operators search for it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from google.rpc.status_pb2 import Status

from rolecall.transport import errors
from rolecall.transport.error_status import status_of
from rolecall.transport.errors import TransportError
from rolecall.transport.fault import plain_fault
from tests.repository.tree import DOCS

NEW_STREAM = "continue on a new stream"
ONLY_UPSTREAM = "only the server that this agent follows can answer this"

Row = tuple[Callable[[], TransportError], str, dict[str, object]]

# Each error, its text, and its facts.
TEXTS: list[Row] = [
    (
        lambda: errors.TooManyCallsError("calls", 7, 3),
        "too many concurrent calls (limit 7, this caller's share 3); retry later",
        {"what": "calls", "limit": 7, "share": 3},
    ),
    (
        lambda: errors.TooManyCallsError("calls", 7, 7),
        "too many concurrent calls (limit 7); retry later",
        {"what": "calls", "limit": 7, "share": 7},
    ),
    (
        lambda: errors.SilentCallError(7),
        "the message of the call has not arrived, and 7 later calls wait for theirs; retry later",
        {"limit": 7},
    ),
    (
        lambda: errors.RequestMemoryError("headers", 7),
        "too many bytes of headers wait in the server (limit 7); retry later",
        {"of": "headers", "limit": 7},
    ),
    (errors.MissingMessageError, "the call has no request message; send exactly one", {}),
    (
        lambda: errors.RateLimitError(2.5, 7, 1.25),
        "more than 2.5 questions a second (burst 7); retry in 1.250 seconds, or ask less often",
        {"rate": 2.5, "burst": 7, "wait_seconds": 1.25},
    ),
    (
        lambda: errors.OverdueError(30.0),
        "the call took longer than the server's limit of 30 seconds",
        {"limit_seconds": 30.0},
    ),
    (
        lambda: errors.UnauthenticatedError("it has 2 SPIFFE ids", spiffe_ids=2, dns_names=1),
        (
            "the client certificate does not name exactly one caller: it has 2 SPIFFE ids; it needs one valid SPIFFE id,"
            " or no SPIFFE id and one DNS name without a wildcard"
        ),
        {"why": "it has 2 SPIFFE ids", "spiffe_ids": 2, "dns_names": 1, "cause": "CERTIFICATE_NAMES"},
    ),
    (
        lambda: errors.RefusedCallerError("EXPIRED", "the token has expired"),
        "the credentials of the call are not valid; the log of the server has the reason beside the request id",
        {"cause": "EXPIRED", "why": "the token has expired"},
    ),
    (
        lambda: errors.PermissionDeniedError("ram:GetRole", "*"),
        "this caller may not `ram:GetRole` on `*`; ask the operator of the server for a policy that allows it",
        {"action": "ram:GetRole", "resource": "*"},
    ),
    (
        lambda: errors.PruneDeniedError("ram:DeleteRole", 2),
        (
            "the prune selector hits 2 roles for which this caller may not `ram:DeleteRole`; nothing is written,"
            " narrow the selector"
        ),
        {"action": "ram:DeleteRole", "count": 2},
    ),
    (
        lambda: errors.UnlistedMethodError("/s/M"),
        "the table of rights has no row for this method, so no caller may call `/s/M`",
        {},
    ),
    (errors.UnknownMethodError, "the server has no such method", {}),
    (errors.UnknownServiceError, "the server has no such service", {}),
    (lambda: errors.UploadOrderError("send `options` first"), "send `options` first", {}),
    (
        lambda: errors.UploadLimitError("roles in one call", 7),
        "at most 7 roles in one call are allowed; apply the roles in several calls",
        {"what": "roles in one call", "limit": 7},
    ),
    (
        errors.StreamStoppedError,
        f"the server is stopping and has answered every message that it read; {NEW_STREAM}",
        {},
    ),
    (
        lambda: errors.StreamAgeError(300.0),
        f"the stream has reached its limit of 300 seconds; {NEW_STREAM}",
        {"limit_seconds": 300.0},
    ),
    (
        lambda: errors.StreamIdleError(60.0),
        f"no message has arrived for 60 seconds; {NEW_STREAM}",
        {"limit_seconds": 60.0},
    ),
    (
        lambda: errors.StreamIdleError(0.5, "repeat the upload"),
        "no message has arrived for 0.5 seconds; repeat the upload",
        {"limit_seconds": 0.5},
    ),
    (
        lambda: errors.WatchTooSlowError(30.0),
        "a message was not accepted within 30 seconds; read faster, and restart from the last checkpoint",
        {"limit_seconds": 30.0},
    ),
    (
        lambda: errors.UpstreamUnavailableError("it is away", freshness=True),
        f"{ONLY_UPSTREAM}, and it cannot be reached: it is away; retry, or use minimize_latency",
        {"freshness": True},
    ),
    (
        lambda: errors.UpstreamUnavailableError("it is away", freshness=False),
        f"{ONLY_UPSTREAM}, and it cannot be reached: it is away; retry later",
        {"freshness": False},
    ),
    (
        lambda: errors.UpstreamRefusedError("no right"),
        f"{ONLY_UPSTREAM}, and it refuses the agent: no right; ask the operator of the agent for its rights",
        {},
    ),
    (
        lambda: errors.NotPassedError("it is a stream"),
        "the agent cannot pass this on: it is a stream; ask the server that it follows",
        {},
    ),
    (lambda: errors.PassedStatusError(Status(message="gone")), "gone", {"status": Status(message="gone")}),
    (
        lambda: errors.UpstreamAnswerError(plain_fault(5, "GONE", "gone")),
        "gone",
        {"fault": plain_fault(5, "GONE", "gone")},
    ),
]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_an_error_has_its_text_and_its_facts(number: int) -> None:
    make, text, facts = TEXTS[number]

    error = make()

    assert str(error) == text
    assert {name: getattr(error, name) for name in facts} == facts


def test_every_error_has_a_text() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TransportError)}

    assert {type(make()) for make, _, _ in TEXTS} == kinds - {TransportError}


def test_a_text_is_sent_up_to_the_documented_number_of_bytes() -> None:
    announced = re.search(
        r"Texts of more than (\d+) bytes, .* are cut and end in `(.)`", (DOCS / "errors.md").read_text()
    )
    assert announced
    most, mark = int(announced[1]), announced[2]

    whole, cut = (status_of(errors.UploadOrderError("x" * size)).message for size in (most, most + 1))

    assert whole == "x" * most
    assert (len(cut.encode()), cut.lstrip("x")) == (most, mark)
