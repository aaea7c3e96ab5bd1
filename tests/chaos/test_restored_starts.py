"""Row 67: what a replica does that starts while the database is down, with a snapshot file that is good, old, altered or strange."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from rolecall.storage.open import open_repository
from rolecall_client.v1 import decision_pb2 as d
from tests.chaos.asking import (
    ASKED,
    check,
    client_of,
    error_of,
    eventually,
    fully_consistent,
    has_saved,
    restart,
    served,
    staleness,
    status_once_logged,
    write,
)
from tests.chaos.conftest import MAX_STALENESS_SECONDS
from tests.chaos.environment import Environment
from tests.chaos.proxy import Proxy
from tests.chaos.record import boottime
from tests.chaos.replicas import Replica

pytestmark = pytest.mark.long


def test_a_replica_that_starts_without_a_database_serves_its_snapshot_file_and_says_so(
    environment: Environment,
) -> None:
    # Row 67 of the faults.
    replica = environment.replicas[0]
    held = fully_consistent(replica).revision
    eventually(lambda: has_saved(replica, held))

    environment.database.crash()
    down_since = boottime()
    restart(replica)
    asked_at = boottime()
    restored = check(replica)
    with client_of(replica) as client:
        others = [
            client.explain(ASKED).decision,
            client.batch_check([ASKED]).results[0].decision,
            next(client.stream([ASKED])).decision,
        ]
    environment.database.start()
    after = eventually(lambda: served(replica, restored=False))

    assert restored.allowed
    assert [decision.served_from for decision in others] == [d.SERVED_FROM_RESTORED] * 3
    assert restored.served_from == d.SERVED_FROM_RESTORED
    assert staleness(restored) >= asked_at - down_since
    assert after.allowed
    assert staleness(after) < staleness(restored)


def test_a_snapshot_file_that_is_too_old_makes_no_replica_ready(
    environment: Environment, strict: tuple[Replica, Proxy]
) -> None:
    # Row 67 of the faults.
    replica, _ = strict
    eventually(lambda: has_saved(replica, 1))

    environment.database.crash()
    replica.kill()
    time.sleep(MAX_STALENESS_SECONDS + 1)
    replica.start()
    readiness = eventually(lambda: status_once_logged(replica, "seconds old"))
    environment.database.start()
    replica.wait_ready()

    assert readiness == 503
    assert eventually(lambda: check(replica)).allowed


def test_a_snapshot_file_that_was_altered_is_put_aside_and_makes_no_replica_ready(
    environment: Environment,
) -> None:
    # Row 67 of the faults.
    replica = environment.replicas[0]
    eventually(lambda: has_saved(replica, 1))

    environment.database.crash()
    replica.kill()
    data = bytearray(replica.snapshot.read_bytes())
    data[len(data) // 2] ^= 1
    replica.snapshot.write_bytes(data)
    replica.start()
    readiness = eventually(lambda: status_once_logged(replica, "was renamed to"))
    environment.database.start()
    replica.wait_ready()

    assert readiness == 503
    assert replica.snapshot.with_name("snapshot.refused").read_bytes() == data
    assert check(replica).served_from != d.SERVED_FROM_RESTORED


def test_a_snapshot_file_of_another_incarnation_is_replaced_on_contact(environment: Environment) -> None:
    # Row 67 of the faults.
    replica = environment.replicas[0]
    written = write(replica)
    eventually(lambda: has_saved(replica, written.role.revision))
    replica.kill()
    with closing(open_repository(environment.database.url)) as repository:
        repository.rename_history(repository.head().incarnation)

    environment.database.crash()
    replica.start()
    replica.wait_ready()
    restored = check(replica)
    environment.database.start()
    after = eventually(lambda: served(replica, restored=False))
    error = error_of(lambda: check(replica, d.Consistency(at_least_as_fresh=written.consistency_token)))

    assert restored.served_from == d.SERVED_FROM_RESTORED
    assert after.allowed
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "UNKNOWN_INCARNATION")
