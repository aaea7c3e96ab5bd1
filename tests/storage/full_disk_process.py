"""A process that may write less to a file than its writes need: a little more each time, until one succeeds.

Usage: python -m tests.storage.full_disk_process PATH. It prints how many writes were refused and how many were not, and ends with
an error if a refused write changed anything.
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from rolecall.roles.errors import StoreUnavailableError
from rolecall.storage.sql.store import SqlRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import assert_chained, create

STEP_BYTES = 2_048


def main(path: Path) -> None:
    # Without this the kernel would end the process instead of failing the write.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    repository = open_sqlite(path)
    create(repository, *(f"old{n}" for n in range(20)), document="x" * 3_000)
    refused, accepted, limit = 0, 0, 0
    while accepted < 1:
        limit += STEP_BYTES
        before = repository.head(), list(repository.load())
        if written(repository, limit, refused):
            accepted += 1
        else:
            refused += 1
            assert (repository.head(), list(repository.load())) == before
        assert_chained(repository)
    print(refused, accepted)


def written(repository: SqlRoleRepository, limit: int, n: int) -> bool:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    try:
        create(repository, *(f"new{n}-{part}" for part in range(20)), document="y" * 3_000)
    except StoreUnavailableError:
        return False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]))
