"""How the errors of the followed server reach the caller of an agent, its log and its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2

from rolecall.config.sources import ConfigError
from rolecall.engine.errors import UpstreamOnlyError
from rolecall.server.agent import upstream as module
from rolecall.server.agent.upstream import MAX_CALLS, Upstream
from rolecall.transport.errors import (
    TooManyCallsError,
    UpstreamAnswerError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from rolecall.transport.fault import FieldFault
from rolecall_client.connection.endpoint import Endpoint
from rolecall_client.errors import RolecallError, Violation
from rolecall_client.v1 import decision_pb2 as pb
from tests.agent.serving import agent_config
from tests.server.serving import Log, log_lines, logger

WHY = UpstreamOnlyError("only there", freshness=True)
CODES = [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
UNAVAILABLE = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"}
REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED"}


@pytest.fixture
def log() -> Log:
    return logger()


@pytest.fixture
async def upstream(log: Log) -> AsyncIterator[Upstream]:
    made = Upstream(agent_config("127.0.0.1:1"), log.logger)
    yield made
    await made.close()


def answering(upstream: Upstream, outcome: Any) -> None:
    """Let each check end with an error, or with a response."""

    async def unary(*_: object) -> pb.CheckAssumeRoleResponse:
        if isinstance(outcome, Exception):
            raise outcome
        response: pb.CheckAssumeRoleResponse = outcome
        return response

    upstream._calls.unary = unary  # type: ignore[method-assign,assignment]


async def outcome_of(upstream: Upstream, error: RolecallError | None, why: UpstreamOnlyError = WHY) -> Any:
    answering(upstream, error or pb.CheckAssumeRoleResponse(consistency_token="t"))
    try:
        return await upstream.check(pb.CheckAssumeRoleRequest(), why, 1.0)
    except (UpstreamAnswerError, UpstreamRefusedError, UpstreamUnavailableError) as raised:
        return raised


@pytest.mark.parametrize("code", CODES)
async def test_every_code_of_the_server_has_its_outcome(upstream: Upstream, code: str) -> None:
    expected: tuple[type[Exception], str] = (UpstreamAnswerError, "answered")
    if code in UNAVAILABLE:
        expected = UpstreamUnavailableError, "unavailable"
    elif code in REFUSED:
        expected = UpstreamRefusedError, "refused"

    found = await outcome_of(upstream, RolecallError(code, "text"))

    assert (type(found), upstream.asked) == (
        expected[0],
        {"answered": 0, "refused": 0, "unavailable": 0, expected[1]: 1},
    )
    assert upstream.under_way == 0


async def test_what_could_not_be_asked_is_said_with_what_was_required(upstream: Upstream) -> None:
    error = RolecallError("UNAVAILABLE", "not now")

    fresh, plain = [await outcome_of(upstream, error, UpstreamOnlyError("why", freshness=f)) for f in (True, False)]
    refused = await outcome_of(upstream, RolecallError("UNAUTHENTICATED", "who"))

    assert (fresh.freshness, plain.freshness) == (True, False)
    assert "cannot be reached: why; " in str(plain)
    assert "refuses the agent: only there; " in str(refused)
    assert refused.__cause__.message == "who"


async def test_an_answer_is_counted_and_returned(upstream: Upstream) -> None:
    found = await outcome_of(upstream, None)

    assert found.consistency_token == "t"
    assert upstream.asked == {"answered": 1, "refused": 0, "unavailable": 0}


async def test_of_checks_that_fail_alike_the_first_is_logged_until_the_outcome_changes(
    upstream: Upstream, log: Log
) -> None:
    away, refused = RolecallError("UNAVAILABLE", "away"), RolecallError("PERMISSION_DENIED", "no right")
    for error in (away, away, refused, refused, None, refused, RolecallError("NOT_FOUND", "no role"), away):
        await outcome_of(upstream, error)

    unavailable, denied = (
        {"event": "upstream_check", "level": "warning", "outcome": outcome, "error": error}
        for outcome, error in (("unavailable", "UNAVAILABLE: away"), ("refused", "PERMISSION_DENIED: no right"))
    )
    assert log_lines(log.stream) == [unavailable, denied, denied, unavailable]


async def test_an_error_of_the_server_keeps_every_part_but_its_request_id(upstream: Upstream) -> None:
    error = RolecallError(
        "INVALID_ARGUMENT",
        "the message",
        reason="A_REASON",
        violations=[
            Violation("field", "REASON", "text", pointer="/a", line=2, column=3),
            Violation("other", "", "more"),
        ],
        metadata={"limit": "7", "request_id": "r-1"},
        request_id="r-1",
        retry_after=2.5,
    )

    fault = (await outcome_of(upstream, error)).fault

    assert (fault.code, fault.reason, fault.message) == (code_pb2.INVALID_ARGUMENT, "A_REASON", "the message")
    assert (fault.facts, fault.retry_seconds) == ({"limit": "7"}, 2.5)
    assert fault.fields == (
        FieldFault(field="field", reason="REASON", description="text", pointer="/a", line=2, column=3),
        FieldFault(field="other", reason="", description="more"),
    )


async def test_an_error_that_does_not_say_more_has_a_reason_and_no_time_for_a_retry(upstream: Upstream) -> None:
    fault = (await outcome_of(upstream, RolecallError("NOT_FOUND", "text"))).fault

    assert (fault.reason, fault.retry_seconds, fault.facts, fault.fields) == ("UPSTREAM_ERROR", 0.0, {}, ())


async def test_a_limited_number_of_checks_is_put_to_the_server_at_a_time(upstream: Upstream) -> None:
    release = asyncio.Event()

    async def unary(*_: object) -> pb.CheckAssumeRoleResponse:
        await release.wait()
        return pb.CheckAssumeRoleResponse()

    upstream._calls.unary = unary  # type: ignore[method-assign,assignment]
    request, batch = pb.CheckAssumeRoleRequest(), pb.BatchCheckAssumeRoleRequest()
    asking = [asyncio.create_task(upstream.check(request, WHY, None)) for _ in range(MAX_CALLS)]
    await asyncio.sleep(0)

    assert (MAX_CALLS, upstream.under_way) == (256, 256)
    for refused in (upstream.check(request, WHY, None), upstream.batch(batch, WHY, None)):
        with pytest.raises(TooManyCallsError) as caught:
            await refused
        assert (caught.value.what, caught.value.limit, caught.value.share) == (
            "checks of the followed server",
            256,
            256,
        )
    release.set()
    await asyncio.gather(*asking)
    assert upstream.under_way == 0
    await upstream.check(request, WHY, None)


async def test_the_connections_of_an_agent_are_opened_again_within_a_quarter_of_a_second(
    monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    endpoints: list[Any] = []

    def noted(**given: Any) -> Any:
        endpoints.append(given)
        return Endpoint(**given)

    monkeypatch.setattr(module, "Endpoint", noted)
    await Upstream(agent_config("127.0.0.1:1"), log.logger).close()

    (given,) = endpoints
    options = dict(given.pop("options"))
    assert given == {"address": "127.0.0.1:1", "tls": None, "token": None}
    page = (Path(__file__).parents[2] / "docs/agent.md").read_text()
    first, others = options["grpc.initial_reconnect_backoff_ms"], options["grpc.max_reconnect_backoff_ms"]
    assert f"several times a second, first after {first} milliseconds and later every {others}, so" in page
    assert others == 250
    assert options["grpc.min_reconnect_backoff_ms"] == 5_000


async def test_the_settings_of_tls_and_of_the_token_are_those_of_the_connection(
    monkeypatch: pytest.MonkeyPatch, log: Log, tmp_path: Path
) -> None:
    endpoints: list[Any] = []
    monkeypatch.setattr(module, "Endpoint", lambda **given: endpoints.append(given))
    (tmp_path / "key").write_bytes(b"")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "token").write_text("rct_agent")
    flags = {
        "upstream_tls_ca": "ca", "upstream_tls_cert": "cert", "upstream_tls_key": str(tmp_path / "key"),
        "upstream_tls_server_name": "name", "upstream_token_file": str(tmp_path / "token"),
    }  # fmt: skip

    for given in (flags, {"upstream_tls_ca": "ca"}):
        module._endpoint(agent_config("rolecall.example:1", **given))

    full, bare = endpoints
    assert (str(full["tls"].ca), str(full["tls"].cert), full["tls"].key) == ("ca", "cert", tmp_path / "key")
    assert (full["tls"].server_name, full["token"]()) == ("name", "rct_agent")
    assert (bare["tls"].cert, bare["tls"].key, bare["tls"].server_name, bare["token"]) == (None, None, None, None)


async def test_a_private_key_that_others_may_read_stops_the_start(tmp_path: Path, log: Log) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"")
    key.chmod(0o644)
    flags = {"upstream_tls_ca": "ca", "upstream_tls_cert": "cert", "upstream_tls_key": str(key)}

    with pytest.raises(ConfigError, match=f"cannot read `{key}` of the --upstream-tls files: "):
        Upstream(agent_config("rolecall.example:1", **flags), log.logger)
