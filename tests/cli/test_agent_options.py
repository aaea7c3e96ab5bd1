"""Every option of `agent` becomes the setting that it names, and an agent is a process that ends in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.types import read_address
from rolecall.server.agent import main
from rolecall_client import RolecallClient
from rolecall_client.v1 import decision_pb2 as pb
from tests.cli.conftest import CommandLine
from tests.cli.test_serve_options import given
from tests.server.serving import ACCOUNT, BOB, served

UPSTREAM = "127.0.0.1:1"
BESIDE: dict[str, Any] = {
    "snapshot_file": "a",
    "snapshot_key_file": "b",
    "callers": "c",
    "upstream_tls_ca": "d",
    "upstream_tls_cert": "e",
    "upstream_tls_key": "f",
}
"""Settings that others need beside them."""

WITHOUT_THE_OTHERS: dict[str, dict[str, Any]] = {
    "upstream_insecure": {},
    "socket_group": {"listen": read_address("unix:agent.sock")},
}
"""Settings that contradict one of those, with what they need instead."""

Started = Callable[[], AgentConfig]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Start no agent; give what returns the settings with which one would have started."""
    settings: list[AgentConfig] = []

    def run(config: AgentConfig) -> int:
        settings.append(config)
        return 3

    monkeypatch.setattr(main, "run", run)
    return lambda: settings[-1]


@pytest.mark.parametrize("name", [setting.name for setting in fields(AgentConfig)])
def test_an_option_becomes_its_setting_and_no_other(rolecall: CommandLine, started: Started, name: str) -> None:
    beside = WITHOUT_THE_OTHERS.get(name, BESIDE)
    options, value = given(name, AgentConfig)

    outcome = rolecall(
        "agent",
        f"--upstream={UPSTREAM}",
        *(f"--{flag.replace('_', '-')}={getattr(other, 'text', other)}" for flag, other in beside.items()),
        *options,
    )

    usual = replace(AgentConfig(upstream=UPSTREAM), **beside)
    assert outcome == (3, "", "")
    assert started() == replace(usual, **{name: value}) != usual


async def test_an_agent_is_a_process_that_ends_in_order(tmp_path: Path) -> None:
    socket = f"unix:{tmp_path}/agent.sock"
    async with served() as upstream:
        await upstream.create()
        outcome = await asyncio.to_thread(asked_and_stopped, upstream.server.bound.address, socket)

    assert outcome == (True, 0)


def asked_and_stopped(upstream: str, socket: str) -> tuple[bool, int]:
    """Run an agent, ask it, and stop it; return the answer and its exit code."""
    options = [f"--upstream={upstream}", f"--listen={socket}", "--ops-listen=127.0.0.1:0", f"--account-id={ACCOUNT}"]
    command = [sys.executable, "-m", "rolecall", "agent", *options, "--log-format=json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment()) as process:
        assert process.stdout
        # Its log says when it serves; a process that ends without that has no further line.
        for line in process.stdout:
            if b'"serving"' in line:
                break
        with RolecallClient(socket) as client:
            allowed = client.check(pb.AssumeRoleQuery(role="app", principal=BOB)).decision.allowed
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    return allowed, process.returncode


def environment() -> dict[str, Any]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
