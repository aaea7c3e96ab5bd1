"""What a server counts that runs nothing yet: nothing."""

from __future__ import annotations

from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rolecall.server.server import RolecallServer

_COUNTED = ("_total", "_count", "_sum", "_bucket")
_PROCESS = ("python_", "process_")


async def test_every_counter_of_a_server_begins_at_zero(server: RolecallServer) -> None:
    text = generate_latest(server.registry).decode()

    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    counters = {
        f"{sample.name}{sample.labels}": sample.value
        for sample in samples
        if sample.name.endswith(_COUNTED) and not sample.name.startswith(_PROCESS)
    }
    assert len(counters) > 500
    assert {name: value for name, value in counters.items() if value != 0} == {}
