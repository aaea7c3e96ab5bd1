"""Checks files in an interval, and reports each new error of them once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

CHECK_SECONDS = 10.0

Invalid = TypeVar("Invalid", bound=Exception)


async def reload_when_changed(
    reload_if_changed: Callable[[], Awaitable[bool]],
    invalid: type[Invalid],
    on_change: Callable[[Invalid | None], object],
    seconds: float,
) -> None:
    """Call `reload_if_changed`, which returns whether it has reloaded or raises `invalid`, in this interval until cancelled.

    `on_change` gets each new error once, and None after a reload or when an error has passed.
    """
    reported = ""
    while True:
        await asyncio.sleep(seconds)
        try:
            renewed = await reload_if_changed()
        except invalid as error:
            if str(error) != reported:
                reported = str(error)
                on_change(error)
            continue
        if renewed or reported:
            reported = ""
            on_change(None)
