"""A process from its first line to its last: what it logs, what its signals do, and in which order its parts end."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.config.sources import ConfigError
from rolecall.observability.decision_log.log import DecisionLogError
from rolecall.observability.metrics import rolecall_version
from rolecall.roles.errors import StoreUnavailableError
from rolecall.security.tls_files import CredentialsError
from rolecall.server import main
from rolecall.server.callers import CallersFileError
from rolecall.server.main import StartError, running_server, serve, start_errors
from rolecall.server.server import BoundAddresses
from rolecall.server.shutdown import StopSignal
from rolecall.storage.snapshot.file import SnapshotFileError
from rolecall.storage.snapshot.key import SnapshotKeyError
from rolecall.transport.choice import MissingTransportError, transport_named
from rolecall.transport.endpoint import AddressError
from tests.server.serving import config, log_lines, logger
from tests.transports import TRANSPORT

BOUND = BoundAddresses("127.0.0.1:1", "127.0.0.1:2")


class Steps:
    """A server that notes what is done with it."""

    def __init__(self, *, logs_decisions: bool = True) -> None:
        self.taken: list[str] = []
        self.forced = False
        self.drains = asyncio.Event()
        self.bound, self.state = BOUND, SimpleNamespace(snapshot=[1, 2, 3])
        self.decision_log = SimpleNamespace(reopen=lambda: self.taken.append("reopen")) if logs_decisions else None

    async def drain(self, stopping: StopSignal) -> None:
        self.taken.append("drain")
        self.drains.set()
        await asyncio.wait_for(stopping.forced.wait(), 30)
        self.taken.append("forced")

    @asynccontextmanager
    async def running(self, *_: object, **__: object) -> AsyncIterator[Any]:
        self.taken.append("start")
        yield self
        self.taken.append("end")


@pytest.fixture
def _as_before() -> Iterator[None]:
    """Leave signals and the collector as they were."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_serves_until_a_signal_and_drains_until_a_second_one(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    steps, ready = Steps(), asyncio.Event()
    bound: list[BoundAddresses] = []

    def note(addresses: BoundAddresses) -> None:
        bound.append(addresses)
        ready.set()

    serving = asyncio.create_task(serve(config(log_format="json"), steps.running, ready=note))
    await asyncio.wait_for(ready.wait(), 30)
    os.kill(os.getpid(), signal.SIGHUP)
    while "reopen" not in steps.taken:  # noqa: ASYNC110
        await asyncio.sleep(0)
    collector, frozen = gc.get_threshold(), gc.get_freeze_count()
    os.kill(os.getpid(), number)
    await asyncio.wait_for(steps.drains.wait(), 30)
    os.kill(os.getpid(), number)
    await asyncio.wait_for(serving, 30)
    for each in SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(each)

    assert steps.taken == ["start", "reopen", "drain", "forced", "end"]
    assert bound == [BOUND]
    assert collector == (5_000, 10, 10)
    assert frozen > 1_000
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    transport = transport_named(TRANSPORT)
    assert [{name: value for name, value in line.items() if name != "timestamp"} for line in lines] == [
        {
            "event": "serving", "level": "info", "address": "127.0.0.1:1", "ops": "127.0.0.1:2", "roles": 3,
            "transport": transport.name, "transport_reason": transport.why,
        },
        {"event": "stopping", "level": "info"},
        {"event": "stopped", "level": "info"},
    ]  # fmt: skip


@pytest.mark.usefixtures("_as_before")
async def test_without_a_decision_log_and_without_a_listener_a_process_stops_as_well() -> None:
    steps = Steps(logs_decisions=False)

    serving = asyncio.create_task(serve(config(log_level="error"), steps.running))
    while "start" not in steps.taken:  # noqa: ASYNC110
        await asyncio.sleep(0)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        while not (steps.taken[-1] == "drain" or serving.done()):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await asyncio.wait_for(serving, 30)
    for each in SIGNALS[:2]:
        asyncio.get_running_loop().remove_signal_handler(each)

    assert steps.taken == ["start", "drain", "forced", "end"]


ERRORS: list[Exception] = [
    AddressError("127.0.0.1:1", "in use"),
    CallersFileError("x", InvalidCallersError([CallersViolation(pointer="", reason="R", message="m")])),
    ConfigError(["wrong"]),
    CredentialsError("no certificate"),
    DecisionLogError("cannot write"),
    MissingTransportError(),
    StoreUnavailableError("away"),
    SnapshotFileError("old"),
    SnapshotKeyError("no key"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_foreseen_error_ends_a_start_with_its_own_sentence(error: Exception) -> None:
    with pytest.raises(StartError) as caught, start_errors():
        raise error

    assert str(caught.value) == str(error)
    assert caught.value.__cause__ is error


def test_an_error_that_nobody_foresaw_is_not_turned_into_a_sentence() -> None:
    with pytest.raises(ZeroDivisionError), start_errors():
        raise ZeroDivisionError


async def test_a_missing_transport_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise MissingTransportError

    monkeypatch.setattr(main, "transport_named", missing)

    with pytest.raises(StartError, match="--transport h2 needs the package"):
        async with running_server(config(), log=logger().logger):
            pass


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, {"loopback": True, "insecure": False, "admin_socket": False}),
        ({"listen": "0.0.0.0:0", "insecure": True}, {"loopback": False, "insecure": True, "admin_socket": False}),
        ({"admin_socket": "/run/admin.sock"}, {"loopback": True, "insecure": False, "admin_socket": True}),
    ],
)
@pytest.mark.parametrize(("transport", "sees_users"), [("h2", True), ("grpcio", False)])
def test_the_security_of_a_process_is_that_of_its_settings(
    flags: dict[str, Any], expected: dict[str, Any], transport: str, sees_users: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(main, "listener_security", lambda *args, **named: given.append((args, named)))
    settings = config(**flags, transport=transport, tls_cert="c", tls_key="k", jwks_max_age_seconds=99)
    directory = object()

    main.security_of(settings, SimpleNamespace(directory=directory))  # type: ignore[arg-type]

    ((tls, callers), named) = given[0]
    sets = named.pop("key_sets")
    assert (tls.certificate, tls.key, callers) == ("c", "k", directory)
    assert named == {**expected, "sees_users": sees_users}
    assert sets._max_age == 99


def test_the_decision_log_of_each_process_has_its_own_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Noted:
        def __init__(self, sink: Any, options: Any, identity: Any, **named: Any) -> None:
            self.sink, self.options, self.identity, self.named, self.started = sink, options, identity, named, 0
            made.append(self)

        def start(self) -> None:
            self.started += 1

    monkeypatch.setattr(main, "DecisionLog", Noted)
    settings, log = config(decision_log=str(tmp_path / "decisions")), logger().logger

    for _ in range(2):
        assert main.open_decision_log(settings, log, incarnation=lambda: "inc") is made[-1]
    assert main.open_decision_log(config(), log, incarnation=lambda: "inc") is None

    assert [(one.started, one.options.target, one.named) for one in made] == [
        (1, str(tmp_path / "decisions"), {"log": log, "clock": time.monotonic})
    ] * 2
    assert [(one.identity.version, one.identity.incarnation()) for one in made] == [(rolecall_version(), "inc")] * 2
    assert len({UUID(one.identity.instance) for one in made}) == 2


async def test_the_parts_of_a_server_end_in_the_reverse_order_of_their_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noting(owner: Any, name: str, step: str) -> None:
        original = getattr(owner, name)

        async def noted(*args: Any) -> Any:
            order.append(step)
            return await original(*args)

        monkeypatch.setattr(owner, name, noted)

    noting(main.Replica, "close", "replica")  # type: ignore[attr-defined]
    noting(main.RolecallServer, "close", "server")  # type: ignore[attr-defined]
    noting(main.DecisionLog, "close", "decision log")  # type: ignore[attr-defined]
    log = logger()

    async with running_server(config(decision_log=str(tmp_path / "decisions")), log=log.logger) as server:
        tasks = asyncio.all_tasks()
        assert server.health.not_ready() == []
        assert order == []

    assert order == ["server", "decision log", "replica"]
    left = asyncio.all_tasks() & tasks - {asyncio.current_task()}
    assert not [task for task in left if "run_with_restarts" in repr(task)]
    assert log_lines(log.stream) == []


async def test_a_start_logs_the_callers_file_and_the_period_in_which_rights_are_observed(tmp_path: Path) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text("callers: [{name: laptop, match: {local: true}, policies: [RolecallDecider]}]")
    log = logger()
    async with running_server(config(callers=str(path), callers_observe_until="2020-01-01"), log=log.logger) as server:
        generation = server.callers.directory.generation

    assert log_lines(log.stream) == [
        {"event": "callers", "level": "info", "generation": generation, "entries": 1},
        {"event": "rights_observed", "level": "warning", "until": "2020-01-01T00:00:00Z"},
    ]
