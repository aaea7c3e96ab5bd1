"""How the parts of a server are connected: what is measured, what is notified of changes, and what is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.security.authentication import RefusedCredentialsError
from rolecall.security.certificate_chains import UntrustedCertificateError
from rolecall.security.credential_faults import CredentialFault
from rolecall.security.credentials import CredentialsError, TlsFiles, listener_security
from rolecall.security.identity import UnidentifiedCallerError, authenticated
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.server import server as module, wiring
from rolecall.server.server import RolecallServer
from rolecall.server.wiring import CallersOfCalls, make_grpc_server
from rolecall.transport.endpoint import AddressError
from rolecall.transport.errors import RefusedCallerError, UnauthenticatedError
from rolecall.transport.rpc.call_origin import no_name
from tests.server.serving import config, idle_server, log_lines, logger

CALL: Any = object()


def sample(server: RolecallServer, name: str, **labels: str) -> float | None:
    return server.registry.get_sample_value(name, labels)


async def test_every_cause_of_a_refused_credential_is_counted_from_zero() -> None:
    async with idle_server() as server:
        causes = [str(cause) for cause in (*CredentialFault, *TokenFault)]
        before = {cause: sample(server, "rolecall_credentials_refused_total", cause=cause) for cause in causes}
        server.refusals.note("EXPIRED", "the token has expired")

        assert before == dict.fromkeys(causes, 0.0)
        assert sample(server, "rolecall_credentials_refused_total", cause="EXPIRED") == 1


async def test_what_the_server_counts_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    async with idle_server() as server:
        grpc: Any = server.grpc_server
        monkeypatch.setattr(type(grpc), "revivals", property(lambda _: 3))
        grpc.silent.ended, grpc.open_streams.ended_idle = 4, 5
        server.probe._lags.append(0.25)
        for number, limit in enumerate(grpc.concurrency_limits):
            limit.calls[number] = CALL
        measured = {
            name: sample(server, f"rolecall_{name}")
            for name in ("server_revivals_total", "calls_silent_ended_total", "streams_idle_ended_total",
                         "event_loop_lag_seconds", "calls_under_way", "watches")
        }  # fmt: skip
        for limit in grpc.concurrency_limits:
            limit.calls.clear()

        assert measured == {
            "server_revivals_total": 3, "calls_silent_ended_total": 4, "streams_idle_ended_total": 5, "event_loop_lag_seconds": 0.25,
            "calls_under_way": len(list(grpc.concurrency_limits)), "watches": 1,
        }  # fmt: skip


async def test_the_tokens_of_callers_and_of_providers_are_measured_together() -> None:
    async with idle_server() as server:
        security: Any = server._listener_security
        security.caller_tokens.remembered.bytes = 30
        security.provider_tokens.remembered.bytes = 4

        assert sample(server, "rolecall_remembered_token_bytes") == 34
        assert sample(server, "rolecall_key_sets") == 0
        assert sample(server, "rolecall_callers_reloads_total") is None


async def test_a_change_of_the_callers_file_is_known_to_streams_and_to_the_decoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notified: list[str] = []
    monkeypatch.setattr(
        "rolecall.transport.rpc.stream_callers.StreamCallers.change", lambda _: notified.append("streams")
    )
    monkeypatch.setattr(
        "rolecall.transport.codecs.decision.QueryDecoder.federation_changed", lambda _: notified.append("decoder")
    )
    async with idle_server() as server:
        server.callers.directory.replace(None)

    assert notified == ["streams", "decoder"]


async def test_the_keys_of_an_owner_that_fail_and_return_are_logged() -> None:
    log = logger()
    async with idle_server() as server:
        server._log = log.logger
        server._log_keys("https://oidc.example", "cannot be reached")
        server._log_keys("https://oidc.example", "")

    assert log_lines(log.stream) == [
        {"event": "keys_kept", "level": "warning", "owner": "https://oidc.example", "error": "cannot be reached"},
        {"event": "keys", "level": "info", "owner": "https://oidc.example"},
    ]


async def test_a_new_certificate_renews_the_authorities_of_clients_and_a_broken_one_does_not() -> None:
    log, renewed = logger(), list[str]()
    async with idle_server() as server:
        server._log = log.logger
        server._listener_security = SimpleNamespace(  # type: ignore[assignment]
            on_certificate=lambda: renewed.append("renewed"), key_sets=server._listener_security.key_sets
        )
        server._log_certificate(CredentialsError("it expired"))
        before = list(renewed)
        server._log_certificate(None)

    assert (before, renewed) == ([], ["renewed"])
    assert log_lines(log.stream) == [
        {"event": "certificate_kept", "level": "warning", "error": "it expired"},
        {"event": "certificate", "level": "info"},
    ]


async def test_a_server_that_is_closed_waits_for_no_call_and_reads_no_more_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[object] = []
    async with idle_server() as server:
        stop = server.grpc_server.stop
        close: Any = server._listener_security.key_sets.close
        end: Any = server.ops.stop

        async def stopped(grace: float) -> None:
            taken.append(grace)
            await stop(grace)

        def noting(step: str, work: Callable[[], None]) -> Callable[[], None]:
            def noted() -> None:
                taken.append(step)
                work()

            return noted

        with monkeypatch.context() as patch:
            patch.setattr(server.grpc_server, "stop", stopped)
            patch.setattr(server._listener_security.key_sets, "close", noting("keys", close))
            patch.setattr(server.ops, "stop", noting("ops", end))
            await server.close()

    assert taken == [0, "keys", "ops"]


def names(server: RolecallServer) -> list[str]:
    work: list[Any] = [each.func if isinstance(each, partial) else each for each in server.background_work()]
    return [each.__qualname__ for each in work]


ALWAYS = [
    "CallServer._revive_after_crashes", "ServerHealth.run", "CallServer._sweep", "CallServer._watch_keys", "StreamCallers.run",
]  # fmt: skip


async def test_the_work_of_a_server_depends_on_its_files(tmp_path: Path) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text("callers: [{name: laptop, match: {local: true}, policies: [RolecallDecider]}]")
    async with idle_server() as plain, idle_server(callers=str(path)) as known:
        assert names(plain) == [*ALWAYS, "Retention.run"]
        assert names(known) == [*ALWAYS, "ServerCallers.watch_files", "Retention.run"]


async def test_a_server_is_revived_until_it_can_listen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log, events = logger(), list[object]()
    async with idle_server() as server:
        server._log = log.logger
        grpc: Any = server.grpc_server

        async def crashed() -> None:
            if events:
                raise asyncio.CancelledError

        async def revive() -> None:
            events.append(("revive", server.health.listen_error))
            if len(events) < 4:
                raise AddressError("127.0.0.1:1", "in use")

        async def sleep(seconds: float) -> None:
            events.append(seconds)

        with monkeypatch.context() as patch:
            patch.setattr(grpc, "crashed", crashed)
            patch.setattr(grpc, "revive", revive)
            patch.setattr(asyncio, "sleep", sleep)
            with suppress(asyncio.CancelledError):
                await server._revive_after_crashes()

        assert server.health.listen_error == ""

    why = "cannot listen on `127.0.0.1:1`: in use"
    assert events == [("revive", ""), 0.5, ("revive", why), 0.5, ("revive", why)]
    assert log_lines(log.stream) == [
        {"event": "server_crashed", "level": "error", "revivals": 1},
        *[{"event": "server_not_revived", "level": "error", "error": why}] * 2,
    ]


async def test_calls_are_swept_by_the_clock_that_began_them(monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[float] = []
    monkeypatch.setattr(module.time, "perf_counter", lambda: 42.0)  # type: ignore[attr-defined]
    async with idle_server() as server:

        async def run(sweep: Callable[[], object]) -> None:
            sweep()

        monkeypatch.setattr(server.probe, "run", run)
        monkeypatch.setattr(server.grpc_server, "sweep", swept.append)
        await server._sweep()

    assert swept == [42.0]


# --- the callers of calls ------------------------------------------------------------------------------------------------


def refusing(error: Exception) -> Any:
    def authenticate(_: object) -> None:
        raise error

    return SimpleNamespace(authenticate=authenticate, identify=authenticated, name_of=None)


@pytest.mark.parametrize(
    ("error", "cause", "why"),
    [
        (RefusedTokenError(TokenFault.EXPIRED, "the token has expired"), "EXPIRED", "the token has expired"),
        (UntrustedCertificateError(CredentialFault.WRONG_CA, "another CA"), "WRONG_CA", "another CA"),
        (RefusedCredentialsError(CredentialFault.NO_ENTRY, "no entry"), "NO_ENTRY", "no entry"),
    ],
)
def test_a_refused_credential_has_its_cause_for_the_log_alone(error: Exception, cause: str, why: str) -> None:
    callers = CallersOfCalls.of(refusing(error))
    assert callers.authenticate is not None

    with pytest.raises(RefusedCallerError) as caught:
        callers.authenticate(CALL)

    assert (caught.value.cause, caught.value.why) == (cause, why)
    assert why not in str(caught.value)


def test_a_certificate_of_no_caller_is_refused_with_what_it_names() -> None:
    callers = CallersOfCalls.of(refusing(UnidentifiedCallerError(spiffe_ids=2, dns_names=3)))
    assert callers.authenticate is not None

    with pytest.raises(UnauthenticatedError) as caught:
        callers.authenticate(CALL)

    assert (caught.value.spiffe_ids, caught.value.dns_names, caught.value.why) == (2, 3, "it has 2 SPIFFE ids")


def test_without_credentials_every_call_has_the_same_caller_and_no_name() -> None:
    security = listener_security(TlsFiles(), CallerDirectory(), loopback=True, insecure=False)

    callers = CallersOfCalls.of(security)

    assert (callers.authenticate, callers.name_of) == (None, no_name)
    assert callers.identify(CALL).credential is LOCAL
    assert callers.streams.find(CALL).credential is LOCAL


def test_with_credentials_streams_are_authenticated_and_callers_are_named() -> None:
    found: Any = object()
    security: Any = SimpleNamespace(authenticate=lambda _: found, identify=authenticated, name_of=lambda _: "a.example")

    callers = CallersOfCalls.of(security)

    assert callers.streams.find(CALL) is found
    assert callers.authenticate is not None
    assert callers.authenticate(CALL) is found
    assert callers.name_of(CALL) == "a.example"


@pytest.mark.parametrize(("level", "verbose"), [("debug", True), ("info", False)])
def test_a_server_judges_names_and_authenticates_by_its_callers(
    level: str, verbose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(wiring, "GrpcServer", lambda *args, **named: made.append((args, named)))
    monkeypatch.setattr(wiring, "ErrorBoundary", lambda log, **named: (log, named))
    callers = CallersOfCalls.of(refusing(ValueError()))
    settings, log, servicers, refusals = config(log_level=level, max_streams=7), logger().logger, object(), object()

    make_grpc_server(settings, servicers, log, callers, refusals)  # type: ignore[arg-type]

    ((given, options), named) = made[0]
    assert (given, options.max_streams) == (servicers, 7)
    assert named["boundary"] == (log, {"verbose": verbose, "refusals": refusals})
    assert (named["authenticate"], named["name_of"]) == (callers.authenticate, callers.name_of)
    assert named["permits"].__self__._identify is callers.identify
