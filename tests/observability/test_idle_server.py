"""What a server counts that runs nothing yet: nothing."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.serving import idle_server

_COUNTED = ("_total", "_count", "_sum", "_bucket")
_PROCESS = ("python_", "process_")


async def test_every_counter_of_a_server_begins_at_zero(tmp_path: Path) -> None:
    key = tmp_path / "snapshot.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    flags = {"snapshot_file": str(tmp_path / "state"), "snapshot_key_file": str(key)}

    async with idle_server(decision_log=str(tmp_path / "decisions.log"), **flags) as idle:
        text = generate_latest(idle.registry).decode()

    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    counters = {
        f"{sample.name}{sample.labels}": sample.value
        for sample in samples
        if sample.name.endswith(_COUNTED) and not sample.name.startswith(_PROCESS)
    }
    assert len(counters) > 500
    assert {name: value for name, value in counters.items() if value != 0} == {}
