"""Over what an agent follows its server, and what it starts from while that is away."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.config.sources import ConfigError
from rolecall.engine.errors import NotAvailableError
from rolecall.engine.request import read_principal
from rolecall.server.agent.saved_state import followed_by, restore_followed
from rolecall.server.agent.upstream import Upstream
from tests.agent.serving import BOB, agent_config
from tests.agent.test_replica import flags, made, saved
from tests.server.serving import logger

__all__ = ["flags", "saved"]

PLAIN = (
    "--upstream: a server on another machine is followed over TLS: give --upstream-tls-ca, or --upstream-insecure if "
    "something else encrypts"
)


@pytest.mark.parametrize("address", ["rolecall.example:50051", "10.0.0.7:50051", "[2001:db8::1]:50051"])
async def test_a_server_on_another_machine_is_followed_over_tls_unless_plain_text_is_meant(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Upstream(agent_config(address), logger().logger)
    insecure = Upstream(agent_config(address, upstream_insecure=True), logger().logger)
    await insecure.close()

    assert str(caught.value) == PLAIN


@pytest.mark.parametrize("address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/run/rolecall.sock"])
async def test_a_server_on_this_machine_is_followed_in_plain_text(address: str) -> None:
    upstream = Upstream(agent_config(address), logger().logger)

    await upstream.close()

    assert upstream.asked == {"answered": 0, "refused": 0, "unavailable": 0}


async def test_what_an_agent_restores_is_not_indexed(saved: dict[str, Any]) -> None:
    replica = made(logger(), **saved)
    assert replica.file

    restored = restore_followed(replica.file, followed_by(agent_config("127.0.0.1:1", **saved)), max_age=600_000_000)
    await replica.close()

    assert (restored.snapshot.restored, len(restored.snapshot), restored.warning) == (True, 1, "")
    with pytest.raises(NotAvailableError):
        restored.snapshot.naming(read_principal(BOB), after="", limit=1)
