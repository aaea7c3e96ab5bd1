"""Both clients with a cache: what they ask the server, and what is left when they are closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from rolecall_client import AnswerCacheOptions, AsyncRolecallClient, RolecallClient, query
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.batching.held_server import HeldServer, held_server
from tests.clients.test_client import ALICE, create

CACHE = AnswerCacheOptions()


@pytest.fixture
def server() -> Iterator[tuple[HeldServer, str]]:
    with held_server() as (held, address):
        held.let_pass()
        yield held, address


def ask(kind: str, address: str, token: Callable[[], str], between: Callable[[], object]) -> list[d.Decision]:
    """Check three times with a client of a kind, and do something before the third."""
    if kind == "sync":
        with RolecallClient(address, cache=CACHE, token=token) as client:
            first, second = client.check(query(ALICE, "r")), client.check(query(ALICE, "r"))
            between()
            return [response.decision for response in (first, second, client.check(query(ALICE, "r")))]

    async def asked() -> list[d.Decision]:
        async with AsyncRolecallClient(address, cache=CACHE, token=token) as client:
            first, second = await client.check(query(ALICE, "r")), await client.check(query(ALICE, "r"))
            between()
            return [response.decision for response in (first, second, await client.check(query(ALICE, "r")))]

    return asyncio.run(asked())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_nothing_is_kept_across_tokens(server: tuple[HeldServer, str], kind: str) -> None:
    held, address = server
    tokens = ["one"]

    ask(kind, address, lambda: tokens[-1], lambda: tokens.append("two"))
    sent = [held.next().metadata["authorization"] for _ in range(held.seen)]

    assert sent == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_with_one_token_the_server_is_asked_once(server: tuple[HeldServer, str], kind: str) -> None:
    decisions = ask(kind, server[1], lambda: "one", lambda: None)

    assert server[0].seen == 1
    assert [decision.served_from == d.SERVED_FROM_CACHED for decision in decisions] == [False, True, True]


def test_a_client_without_the_option_caches_nothing(server: tuple[HeldServer, str]) -> None:
    with RolecallClient(server[1]) as client:
        for _ in range(3):
            client.check(query(ALICE, "r"))

        assert client.answer_cache is None
    assert server[0].seen == 3


def test_the_cache_of_a_client_counts_and_can_be_cleared(server: tuple[HeldServer, str]) -> None:
    with RolecallClient(server[1], cache=CACHE) as client:
        cache = client.answer_cache
        assert cache is not None
        for _ in range(3):
            client.check(query(ALICE, "r"))
        counted = (cache.hits, cache.misses, len(cache))
        cache.clear()
        client.check(query(ALICE, "r"))

    assert counted == (2, 1, 1)
    assert server[0].seen == 2


def test_closing_a_client_ends_its_thread(address: str) -> None:
    def following() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("rolecall-")]

    before = following()
    client = RolecallClient(address, cache=CACHE)
    create(client, "threads")
    client.check(query(ALICE, "threads"))
    during = following()
    client.close()

    assert len(during) > len(before)
    assert "rolecall-following" not in set(following()) - set(before)


async def test_closing_an_asynchronous_client_ends_its_task(address: str) -> None:
    async with AsyncRolecallClient(address, cache=CACHE) as client:
        await client.check(query(ALICE, "tasks"))
        during = {task.get_name() for task in asyncio.all_tasks()}

    after = {task.get_name() for task in asyncio.all_tasks()}
    assert "rolecall-following" in during
    assert "rolecall-following" not in after


def test_a_cache_without_a_watch_opens_no_stream(address: str) -> None:
    with RolecallClient(address, cache=AnswerCacheOptions(watch=False)) as client:
        threads = [thread for thread in threading.enumerate() if thread.name == "rolecall-following"]
        create(client, "unwatched")
        first, second = (client.check(query(ALICE, "unwatched")).decision for _ in range(2))

    assert threads == []
    assert (first.served_from, second.served_from) == (d.SERVED_FROM_EVALUATED, d.SERVED_FROM_CACHED)
