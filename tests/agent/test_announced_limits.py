"""The limits of an agent are those that `docs/agent.md` announces."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.server.agent import passing, replica, upstream
from rolecall.transport.passing import calls

PAGE = (Path(__file__).parents[2] / "docs/agent.md").read_text()


@pytest.mark.parametrize(
    "sentence",
    [
        f"At most {upstream.MAX_CALLS} of them are put to the server at a time, and each waits {upstream.CALL_SECONDS:.12g} seconds at most",
        f"At most {calls.MAX_PASSED_CALLS} calls are passed at a time (`TOO_MANY_CALLS`), with answers of {passing.MAX_ANSWER_BYTES / 1024**2:.12g} MiB at most",
        f"A watch that the server refuses is tried again every {replica.REFUSED_SECONDS:.12g} seconds",
    ],
)  # fmt: skip
def test_a_limit_of_an_agent_is_announced(sentence: str) -> None:
    assert sentence in PAGE
