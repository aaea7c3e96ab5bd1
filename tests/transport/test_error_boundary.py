"""What a failed call leaves in the log, and the request id that its caller sees."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import grpc
import pytest

from rolecall.engine.errors import StaleStateError
from rolecall.roles.errors import StoreUnavailableError
from rolecall.transport.rpc.call_context import request_id
from rolecall_client.v1 import role_pb2
from tests.repository.tree import DOCS
from tests.server.serving import Served, check, for_ever, served, until
from tests.transport import frames
from tests.transport.refusals import refused

CHECK = "/rolecall.v1.DecisionService/CheckAssumeRole"


def lines(service: Served) -> list[dict[str, Any]]:
    """Return the lines of the log that report calls."""
    entries = [json.loads(line) for line in service.log.getvalue().splitlines()]
    return [entry for entry in entries if entry["event"] == "call"]


def failing(service: Served, error: Exception) -> Any:
    return patch.object(service.server.replica.point, "check_version", side_effect=error)


async def test_an_unexpected_error_is_logged_as_an_error_with_its_traceback(service: Served) -> None:
    # Row 44 of the faults.
    with failing(service, RuntimeError("canary-of-an-error")):
        refusal = await refused(service.decisions.CheckAssumeRole(check(), metadata=[("x-request-id", "call-7")]))

    (line,) = lines(service)
    assert (refusal.code, refusal.message) == (grpc.StatusCode.INTERNAL, "internal error")
    assert refusal.facts == {"request_id": "call-7"}
    assert (line["level"], line["method"], line["code"], line["request_id"]) == ("error", CHECK, "INTERNAL", "call-7")
    assert "RuntimeError: canary-of-an-error" in json.dumps(line)
    assert line["milliseconds"] >= 0


@pytest.mark.parametrize(
    ("error", "code"),
    [(StaleStateError(400, 300), "UNAVAILABLE"), (StoreUnavailableError("db.example"), "UNAVAILABLE")],
    ids=["stale", "store"],
)
async def test_a_fault_of_the_server_is_logged_as_a_warning_with_its_text(
    service: Served, error: Exception, code: str
) -> None:
    with failing(service, error):
        await refused(service.decisions.CheckAssumeRole(check(), metadata=[("x-request-id", "call-8")]))

    (line,) = lines(service)
    assert (line["level"], line["method"], line["code"]) == ("warning", CHECK, code)
    assert (line["error"], line["request_id"]) == (str(error), "call-8")


async def test_a_fault_of_the_caller_is_logged_at_level_debug_only() -> None:
    async with served(log_level="debug") as service:
        await refused(service.decisions.CheckAssumeRole(check(principal="?"), metadata=[("x-request-id", "call-9")]))

        (line,) = lines(service)
        assert (line["level"], line["method"], line["code"]) == ("debug", CHECK, "INVALID_ARGUMENT")
        assert line["request_id"] == "call-9"
        assert "error" not in line


async def test_a_fault_of_the_caller_is_not_logged_by_default(service: Served) -> None:
    await refused(service.decisions.CheckAssumeRole(check(principal="?")))
    await refused(service.roles.GetRole(role_pb2.GetRoleRequest(role="none")))

    assert lines(service) == []


async def test_a_successful_call_is_logged_at_level_debug_only() -> None:
    async with served(log_level="debug") as service:
        await service.decisions.CheckAssumeRole(check(), metadata=[("x-request-id", "call-1")])

        (line,) = lines(service)
        assert (line["level"], line["method"], line["code"]) == ("debug", CHECK, "OK")
        assert (line["request_id"], line["milliseconds"] >= 0) == ("call-1", True)


async def test_a_successful_stream_is_logged_once_at_level_debug() -> None:
    async with served(log_level="debug") as service:
        stream = service.decisions.StreamCheckAssumeRole(metadata=[("x-request-id", "call-2")])
        await stream.done_writing()
        await stream.code()

        (line,) = lines(service)
        assert (line["method"].rpartition("/")[2], line["code"]) == ("StreamCheckAssumeRole", "OK")
        assert line["request_id"] == "call-2"


async def test_a_cancelled_call_is_logged_at_level_debug_and_counted() -> None:
    async with served(log_level="debug") as service:
        service.let_catching_up_take(for_ever)
        stats = service.stats("CheckAssumeRole")
        call = service.decisions.CheckAssumeRole(check(consistent=True))
        await until(lambda: stats.started)

        call.cancel()
        await until(lambda: lines(service))

        (line,) = lines(service)
        assert (line["level"], line["method"], line["code"]) == ("debug", CHECK, "CANCELLED")
        assert (sum(stats.handled), stats.handled[1], sum(stats.buckets)) == (1, 1, 1)
        assert stats.seconds > 0


async def test_a_call_over_the_servers_limit_is_logged_as_a_warning() -> None:
    async with served(max_deadline_seconds=0.1) as service:
        service.let_catching_up_take(for_ever)

        refusal = await refused(service.decisions.CheckAssumeRole(check(consistent=True)))

        (line,) = lines(service)
        assert refusal.reason == "SERVER_LIMIT"
        assert (line["level"], line["code"]) == ("warning", "DEADLINE_EXCEEDED")


async def test_the_text_of_a_failed_store_is_logged_and_not_sent(service: Served) -> None:
    with failing(service, StoreUnavailableError("db.example:5432 refused")):
        refusal = await refused(service.decisions.CheckAssumeRole(check()))

    assert "db.example" in service.log.getvalue()
    assert "db.example" not in refusal.message


class Metadata:
    """A context of gRPC that has only metadata."""

    def __init__(self, *given: str | bytes) -> None:
        self._given = given

    def invocation_metadata(self) -> list[tuple[str, str | bytes]] | None:
        if not self._given:
            return None
        return [("other", "x"), *(("x-request-id", value) for value in self._given)]


LONGEST = "x" * 128


@pytest.mark.parametrize("given", ["call-7", "x", "a b", "~", LONGEST])
def test_a_request_id_that_is_safe_to_log_is_used(given: str) -> None:
    assert request_id(Metadata(given)) == given  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [(), ("",), (LONGEST + "x",), ("one", "two"), ("a\tb",), ("a\nb",), ("a\x7fb",), ("\x1b[31m",), ("é",), (b"x",)],
    ids=["none", "empty", "long", "two", "tab", "line", "delete", "escape", "not ascii", "bytes"],
)
def test_another_request_id_is_replaced_by_a_new_one(given: tuple[Any, ...]) -> None:
    context: Any = Metadata(*given)

    first, second = request_id(context), request_id(context)

    assert first != second
    assert [(len(new), new.isalnum()) for new in (first, second)] == [(32, True)] * 2


def test_the_longest_request_id_is_the_announced_one() -> None:
    announced = f"if it is one of 1 to {len(LONGEST)} printable ASCII characters, or a new one"

    assert announced in (DOCS / "decision-log.md").read_text()


@pytest.mark.parametrize("given", [b"a\tb", b"a\x01b", b"a\x7fb"])
async def test_a_control_character_in_a_request_id_reaches_no_log(grpcio_service: Served, given: bytes) -> None:
    service, query = grpcio_service, check().SerializeToString()
    with failing(service, RuntimeError("x")):
        # gRPC's own client refuses to send such a header.
        _, writer = await frames.connect(service.server.bound.address)
        writer.write(frames.headers(1, CHECK.encode(), [(b"x-request-id", given)]) + frames.message(1, query))
        await until(lambda: lines(service))

    (line,) = lines(service)
    assert (len(line["request_id"]), line["request_id"].isalnum()) == (32, True)
    writer.close()
