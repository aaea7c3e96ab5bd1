from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rolecall.roles.errors import RoleExistsError
from tests.engine.following import Parts, Written


@pytest.fixture
def parts() -> Iterator[Parts]:
    made = Parts()
    yield made
    made.close()


async def test_a_refusal_that_its_caller_did_not_wait_for_is_nobodys_error(parts: Parts) -> None:
    reported, go_on = list[dict[str, Any]](), threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def refused() -> Written:
        go_on.wait(30)
        raise RoleExistsError("acs:ram::123456789012:role/app")

    caller = asyncio.create_task(parts.writer.write(refused))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    go_on.set()
    await parts.writer.drain()
    cancelled = caller.cancelled()
    del caller  # whose error leads to the write
    await asyncio.sleep(0)
    gc.collect()

    assert cancelled
    assert reported == []
