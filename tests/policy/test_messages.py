from __future__ import annotations

from tests.policy.messages import PAGE, written_messages


def test_every_refused_vector_has_its_messages() -> None:
    assert written_messages() == PAGE.read_text(), "read the difference, then run `python -m tests.policy.messages`"
