"""How a process starts, what stops it from starting, and its exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from rolecall.server import main
from rolecall.server.main import StartError, StoppedError, run, running_server
from rolecall.server.shutdown import StopSignal
from tests.server.serving import background_work_of, config, for_ever, log_lines, logger


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"store": "ftp://x"}, "memory://"),
        ({"store_file": "FOLDER/none", "store": "sqlite:///rolecall.db"}, "--store-file: cannot read"),
        ({"tls_cert": "FOLDER/none"}, "TLS needs both --tls-cert and --tls-key"),
        ({"callers": "FOLDER/none"}, "--callers: "),
        ({"callers": "FOLDER/key"}, "not UTF-8 text"),
        ({"callers": "FOLDER"}, "has no `*.yaml` file"),
        (
            {"callers": "FOLDER/issuers"},
            "the callers file: the key set: cannot read the key set `FOLDER/keys`: no such file",
        ),
        (
            {"tls_cert": "FOLDER/a", "tls_key": "FOLDER/b", "tls_client_ca": "FOLDER/c"},
            "rolecall callers init --admin IDENTITY > callers.yaml",
        ),
        ({"decision_log": "FOLDER/none/log"}, "cannot write the decision log to"),
        ({"snapshot_file": "FOLDER/state", "snapshot_key_file": "FOLDER/none"}, "cannot read the key file"),
        ({"snapshot_file": "FOLDER/none/state", "snapshot_key_file": "FOLDER/key"}, "there is no directory"),
        ({"listen": "192.0.2.1:0"}, "cannot listen on `192.0.2.1:0`"),
        ({"ops_listen": "192.0.2.1:0"}, "cannot listen on `192.0.2.1:0`"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_every_foreseen_error_of_a_start_is_one_sentence(
    tmp_path: Path, flags: dict[str, str], sentence: str
) -> None:
    (tmp_path / "key").write_bytes(bytes(range(224, 256)))
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "issuers").write_text('{"issuers": {"https://i": {"jwks_file": "keys"}}, "callers": []}')
    given = {name: value.replace("FOLDER", str(tmp_path)) for name, value in flags.items()}

    with pytest.raises(StartError) as caught:
        async with running_server(config(insecure=True, **given), log=logger().logger):
            pass

    assert sentence.replace("FOLDER", str(tmp_path)) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_server_that_is_stopped_while_it_loads_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = StopSignal()

    async def load_with_retry(_: object) -> None:
        stopping.request()
        await for_ever()

    monkeypatch.setattr(main.Replica, "load_with_retry", load_with_retry)  # type: ignore[attr-defined]

    with pytest.raises(StoppedError, match="stopped while starting"):
        async with running_server(config(), log=logger().logger, stopping=stopping):
            pass


async def test_the_server_and_its_state_are_maintained_as_long_as_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    maintained = background_work_of(main, monkeypatch)

    async with running_server(config(), log=logger().logger):
        await asyncio.sleep(0)
        # Of the server, of what only a server with a store has, and of its state.
        assert maintained >= {"CallServer._sweep", "Retention.run", "Polling.run", "Writability.run"}
    assert not maintained


async def test_the_decision_log_of_the_settings_is_that_of_the_server(tmp_path: Path) -> None:
    async with running_server(config(decision_log=str(tmp_path / "log")), log=logger().logger) as server:
        assert server.decision_log is not None
    async with running_server(config(), log=logger().logger) as server:
        assert server.decision_log is None


async def test_the_warning_of_an_insecure_listener_is_logged() -> None:
    log = logger()
    async with running_server(config(listen="0.0.0.0:0", insecure=True), log=log.logger):
        pass

    (line,) = log_lines(log.stream)
    assert line["level"] == "warning"
    assert line["event"].startswith("INSECURE: ")


async def test_a_server_without_a_log_writes_one_by_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    flags = {"listen": "0.0.0.0:0", "insecure": True, "log_format": "json"}

    async with running_server(config(**flags)):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    async with running_server(config(**flags, log_level="error")):
        pass

    assert json.loads(line)["level"] == "warning"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("end", "code", "message"),
    [
        (None, 0, ""),
        (StoppedError("stopped while starting"), 0, ""),
        (StartError("cannot listen"), 2, "rolecall: cannot listen\n"),
    ],
)
def test_the_exit_code_is_0_after_a_signal_and_2_after_an_error_of_the_start(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: Exception | None,
    code: int,
    message: str,
) -> None:
    async def serve(given: object, running: object, *, ready: object) -> None:
        assert (given, ready) == (settings, noted)
        if end:
            raise end

    settings, noted = config(), print
    monkeypatch.setattr(main, "serve", serve)

    assert run(settings, ready=noted) == code
    assert capsys.readouterr().err == message


def test_threads_of_a_server_keep_the_interpreter_for_half_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    intervals, loops = list[float](), list[str]()

    async def serve(given: object, running: object, *, ready: object) -> None:
        intervals.append(sys.getswitchinterval())
        loops.append(type(asyncio.get_running_loop()).__module__)

    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    monkeypatch.setattr(main, "serve", serve)

    run(config())
    sys.setswitchinterval(before)

    assert intervals == [pytest.approx(0.000_5)]
    assert loops == ["uvloop"]
