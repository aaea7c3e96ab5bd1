"""The process that `forks.py` starts: it imports what most tests need, and forks for each run of pytest.

It reads a request from each line of its input, and answers with the process id of the fork, then with the exit code.
Nothing of the tree under test is imported before a fork: each sees the files as they are then. This file is run by its path
and imports nothing of its package, so that a fork finds `tests` in its own tree.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from typing import Any

import pytest

# No plugins of pytest: they must not be imported before pytest itself loads them.
_PACKAGES = (
    *("alembic.command", "cryptography.x509", "google.rpc.error_details_pb2", "grpc.aio", "grpc_health.v1.health_pb2"),
    *("grpc_reflection.v1alpha.reflection_pb2", "grpc_status.rpc_status", "jsonschema", "jwt", "prometheus_client"),
    *("psycopg", "rich.console", "rich.table", "sqlalchemy", "structlog", "trustme", "typer", "uvloop", "yaml"),
)


def main() -> None:
    """Serve requests until the input ends."""
    for name in _PACKAGES:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        fork = os.fork()
        if not fork:
            _run(request)
        print(fork, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), flush=True)


def _run(request: dict[str, Any]) -> None:
    """Run pytest in this process, a fork, and exit with its code."""
    code = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        os.setsid()
        log, nothing = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
        for opened, standard in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(opened, standard)
        os.environ.update(request["environment"])
        code = int(pytest.main(request["arguments"]))
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
