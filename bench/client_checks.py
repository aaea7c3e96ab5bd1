"""Makes checks one after the other with the Python client: `python -m bench.client_checks ADDRESS [AGENT] COUNT`.

It prints one line of JSON: the checks, and the CPU seconds of this process and the seconds for them after a warm-up. The clients in
other languages have such a program, too.
"""

from __future__ import annotations

import json
import sys
import time

from bench.fixture import plain_query
from rolecall_client import RolecallClient

WARM_UP = 200


def main(address: str, *more: str) -> None:
    """Measure, and print the figures."""
    agent, count = (more[0] if len(more) > 1 else None), int(more[-1])
    with RolecallClient(address, agent=agent) as client:
        _ask(client, WARM_UP)
        cpu, began = time.process_time(), time.perf_counter()
        _ask(client, count)
        ended, used = time.perf_counter(), time.process_time()
    print(json.dumps({"calls": count, "cpu_seconds": used - cpu, "wall_seconds": ended - began}))


def _ask(client: RolecallClient, count: int) -> None:
    for number in range(count):
        client.check(plain_query(number))


if __name__ == "__main__":
    main(*sys.argv[1:])
