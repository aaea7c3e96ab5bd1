"""A process that writes until it is killed; it prints each request id before the write and after it.

Usage: python -m tests.storage.writing_process PATH FIRST
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from rolecall.roles.change import ChangeKind
from rolecall.roles.repository import Remembered, Transaction
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import author, sample

DOCUMENT = "x" * 9_000


def main(path: str, first: str) -> None:
    repository = open_sqlite(Path(path))
    print("open", flush=True)
    for n in count(int(first)):
        request_id = f"request-{n}"

        def work(transaction: Transaction, n: int = n, request_id: str = request_id) -> None:
            for part in range(3):
                transaction.put(ChangeKind.CREATED, sample(transaction, f"r{n}-{part}", document=DOCUMENT))
            transaction.remember("scope", request_id, Remembered(b"", request_id.encode()))

        print(f"trying {n}", flush=True)
        repository.transact(author(request_id=request_id), work)
        print(f"done {n}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
