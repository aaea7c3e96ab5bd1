"""Commands that call an agent on its Unix socket."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient
from tests.agent.serving import BOB, node, query
from tests.cli.serving import environment
from tests.server.serving import ACCOUNT


@pytest.fixture
async def socket(tmp_path: Path) -> AsyncIterator[Path]:
    """Yield the socket of an agent that has one role."""
    path = tmp_path / "agent.sock"
    async with node(listen=f"unix://{path}", account_id=ACCOUNT) as pair:
        role = await pair.upstream.create()
        await pair.agent.at(role.revision)
        yield path


async def run(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rolecall", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


@pytest.mark.parametrize("address", ["unix:{}", "unix://{}"])
async def test_a_check_can_be_put_to_the_socket_of_an_agent(socket: Path, address: str) -> None:
    code, printed = await run("check", "--as", BOB, "--role", "app", "--address", address.format(socket))

    assert code == 0, printed
    assert "ALLOW" in printed.upper()


async def test_the_clients_take_the_address_of_a_socket(socket: Path) -> None:
    def sync() -> bool:
        with RolecallClient(f"unix:{socket}") as client:
            return client.check(query()).decision.allowed

    async with AsyncRolecallClient(f"unix:{socket}") as client:
        awaited = (await client.check(query())).decision.allowed
    threaded = await asyncio.to_thread(sync)

    assert awaited
    assert threaded
