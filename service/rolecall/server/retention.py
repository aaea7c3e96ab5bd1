"""Retention: removes history that is older than the settings allow, at the start and then every hour."""

from __future__ import annotations

import asyncio

from structlog.typing import FilteringBoundLogger

from rolecall.config.settings import Config
from rolecall.engine.clock import now_micros
from rolecall.roles.errors import StoreUnavailableError
from rolecall.server.replica import Replica

RETENTION_SECONDS = 3_600.0
_DAY_MICROS = 86_400_000_000


class Retention:
    """Prunes the history of a store, and the idempotency records of the same age."""

    def __init__(self, replica: Replica, config: Config, log: FilteringBoundLogger) -> None:
        self._repository, self._writing, self._log = replica.repository, replica.writing, log
        self._days, self._revisions = config.retention_days, config.retention_revisions

    async def run(self) -> None:
        """Prune now and then every hour, until cancelled."""
        while True:
            try:
                removed = await asyncio.get_running_loop().run_in_executor(self._writing, self.prune)
            except StoreUnavailableError as error:
                self._log.warning("retention", error=str(error))
            else:
                if removed:
                    self._log.info("retention", forgotten_revisions=removed)
            await asyncio.sleep(RETENTION_SECONDS)

    def prune(self) -> int:
        """Remove what is too old; return how many revisions that were. Blocks; raise `StoreUnavailableError`."""
        oldest = now_micros() - self._days * _DAY_MICROS
        return self._repository.prune(keep_after=oldest, keep_revisions=self._revisions, forget_requests_before=oldest)
