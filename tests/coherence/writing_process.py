"""A process that writes to a shared store, and prints when each write was acknowledged.

Usage: python -m tests.coherence.writing_process URL NAME WRITES. Each line is a revision, the boot-time clock in seconds when the write
had returned, and the key of a role that it wrote.
"""

from __future__ import annotations

import sys
from random import Random

from rolecall.roles.change import ChangeKind
from rolecall.roles.errors import StoreUnavailableError
from rolecall.roles.repository import Transaction
from rolecall.storage.open import open_repository
from tests.chaos.record import boottime
from tests.chaos.workload import draw_document
from tests.storage.samples import author, sample

NAMES = 12


def main(url: str, name: str, writes: str) -> None:
    repository, random = open_repository(url), Random(name)

    def work(transaction: Transaction) -> str:
        names = random.sample(range(NAMES), random.randint(1, 3))
        for role_name in (f"shared-{n}" for n in names):
            role = sample(transaction, role_name, document=draw_document(random))
            before = transaction.role(role.key)
            if before and random.random() < 0.2:
                transaction.delete(before)
            else:
                transaction.put(ChangeKind.UPDATED if before else ChangeKind.CREATED, role)
        return role.key

    print("open", flush=True)
    for _ in range(int(writes)):
        try:
            key, commit = repository.transact(author(actor=name), work)
        except StoreUnavailableError as error:
            # Another writer held the lock for too long, which is a valid outcome.
            print(f"refused: {error}", file=sys.stderr)
            continue
        assert commit is not None
        print(commit.revision, f"{boottime():.6f}", key, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
