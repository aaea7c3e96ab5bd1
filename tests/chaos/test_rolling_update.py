"""Pods are replaced by others at other addresses, as a Deployment does it: clients that go by the name see no error."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from rolecall_client import RolecallError, query
from rolecall_client.channel import RESOLUTION_SECONDS
from tests.chaos.isolation import open_client
from tests.chaos.names import Names
from tests.chaos.replicas import Replica
from tests.coherence.ports import free_port
from tests.engine.world import ALICE

pytestmark = pytest.mark.long

DRAIN_DELAY_SECONDS = 1
MIN_READY_SECONDS = DRAIN_DELAY_SECONDS + 2 * RESOLUTION_SECONDS
"""More than a client needs, and less than the 30 seconds for which an answer of DNS counts when nothing else is said."""


def test_a_rolling_update_to_other_addresses_is_seen_by_no_client(tmp_path: Path) -> None:
    # Row 77 of the faults.
    names, port = Names(), free_port()
    pods = [pod(tmp_path, number, port) for number in range(4)]
    try:
        for old in pods[:2]:
            begin(old, names)
        with asked(f"dns://{names.authority}/rolecall-headless.access.svc:{port}") as answers:
            for old, new in zip(pods[:2], pods[2:], strict=True):
                begin(new, names)
                time.sleep(MIN_READY_SECONDS)
                names.addresses.discard(host_of(old))
                old.terminate()
                assert old.wait_ended() == 0
            time.sleep(2)
    finally:
        for each in filter(lambda each: each.running, pods):
            each.kill()
        names.close()

    assert set(answers) == {"answered"}
    assert answers["answered"] > 100


def pod(directory: Path, number: int, port: int) -> Replica:
    address = f"127.0.0.{11 + number}:{port}"
    settings = {"listen": address, "drain_delay_seconds": DRAIN_DELAY_SECONDS}
    return Replica(f"pod-{number}", "memory://", directory, **settings)


def begin(pod: Replica, names: Names) -> None:
    pod.start()
    pod.wait_ready()
    names.addresses.add(host_of(pod))


def host_of(pod: Replica) -> str:
    return pod.address.partition(":")[0]


@contextmanager
def asked(target: str) -> Iterator[Counter[str]]:
    """Ask again and again; give how often there was an answer, and which errors there were."""
    ended, answers = Event(), Counter[str]()

    def ask() -> None:
        with open_client(target, 10) as client:
            while not ended.is_set():
                try:
                    client.check(query(ALICE, "app"))
                except RolecallError as error:
                    answers[str(error)] += 1
                else:
                    answers["answered"] += 1
                time.sleep(0.005)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield answers
        finally:
            ended.set()
        asking.result()
