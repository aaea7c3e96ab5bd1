"""One run: rounds on each store in turn, for as long as it is wanted."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.soak.answers import Mismatch
from tests.soak.figures import Figures
from tests.soak.rounds import StoreRounds
from tests.soak.sending import UnpredictedWriteError
from tests.soak.servers import running_servers

PROGRESS_SECONDS = 30.0
SHOWN_MISMATCHES = 10

Report = Callable[[str], object]


async def run(figures: Figures, *, seconds: float, stores: Sequence[str], report: Report) -> None:
    """Run for so many seconds, and at least one round on each store, and count in `figures`."""
    seed = figures.seed
    async with AsyncExitStack() as stack:
        running = []
        for store in stores:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rolecall-soak-")))
            servers = await stack.enter_async_context(running_servers(store, directory))
            one = StoreRounds(store, seed, servers, _found(figures, report))
            stack.push_async_callback(one.end)
            figures.stores[store] = one.figures
            await one.start()
            running.append(one)
        report(f"seed {seed}: servers of {' and '.join(stores)} are running")
        try:
            await _rounds(running, figures, seconds, report)
        except* UnpredictedWriteError as errors:
            for error in errors.exceptions:
                _found(figures, report)(Mismatch("", "", "write", f"the run cannot continue: {error}", {}))


async def _rounds(running: Sequence[StoreRounds], figures: Figures, seconds: float, report: Report) -> None:
    began = time.monotonic()
    reported = began
    while not figures.seconds or figures.seconds < seconds:
        for one in running:
            await one.round()
        figures.seconds = time.monotonic() - began
        if time.monotonic() - reported > PROGRESS_SECONDS:
            reported = time.monotonic()
            report(figures.line)


def _found(figures: Figures, report: Report) -> Callable[[Mismatch], None]:
    def found(mismatch: Mismatch) -> None:
        figures.add(mismatch)
        if figures.count <= SHOWN_MISMATCHES:
            report(
                f"MISMATCH of {mismatch.server} ({mismatch.way}): {mismatch.what}\n{json.dumps(mismatch.case, default=str)}"
            )

    return found
