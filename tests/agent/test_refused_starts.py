"""What stops an agent from starting, and what it does not wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.server.agent.main import running_agent
from rolecall.server.agent.replica import AgentReplica
from rolecall.server.main import StartError, StoppedError
from rolecall.server.shutdown import StopSignal
from tests.agent.serving import agent_config
from tests.server.serving import for_ever, logger


async def test_an_agent_that_is_stopped_while_it_waits_for_its_server_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopping = StopSignal()

    async def load(_: object) -> None:
        stopping.request()
        await for_ever()

    monkeypatch.setattr(AgentReplica, "load", load)
    monkeypatch.setattr(AgentReplica, "follow", load)

    with pytest.raises(StoppedError, match="stopped while starting"):
        async with running_agent(agent_config("127.0.0.1:1"), log=logger().logger, stopping=stopping):
            pass


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"callers": "FOLDER/callers.yaml"}, "the callers file: the key set: cannot read the key set `FOLDER/none`: no such file"),
        ({"listen": "192.0.2.1:0", "insecure": True}, "cannot listen on `192.0.2.1:0`"),
        ({"listen": "0.0.0.0:0"}, "the server would accept calls from other machines in plain text"),
        ({"decision_log": "FOLDER/none/log"}, "cannot write the decision log to"),
        ({"snapshot_file": "FOLDER/state", "snapshot_key_file": "FOLDER/none"}, "cannot read the key file"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
async def test_every_foreseen_error_of_the_start_of_an_agent_is_one_sentence(
    tmp_path: Path, flags: dict[str, object], sentence: str
) -> None:
    (tmp_path / "callers.yaml").write_text('{"issuers": {"https://i": {"jwks_file": "none"}}, "callers": []}')
    given = {name: str(value).replace("FOLDER", str(tmp_path)) for name, value in flags.items()}

    with pytest.raises(StartError) as caught:
        async with running_agent(agent_config("127.0.0.1:1", **given), log=logger().logger):
            pass

    assert str(caught.value).startswith(sentence.replace("FOLDER", str(tmp_path)))
    assert "\n" not in str(caught.value)
