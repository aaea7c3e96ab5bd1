"""The callers of a server: the directory of the callers file, kept up to date, or that of a server without one."""

from __future__ import annotations

from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from rolecall.callers.directory import CallerDirectory
from rolecall.callers.errors import InvalidCallersError
from rolecall.callers.granted import WITHOUT_FILE, WithoutFile
from rolecall.callers.observation import MAX_OBSERVE_DAYS, ObservePeriod
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.sources import ConfigError
from rolecall.policy.wording import rfc3339
from rolecall.security.callers_reload import ReloadingCallers

MAX_SHOWN_VIOLATIONS = 3

_DAY_MICROS = 86_400 * 1_000_000


class CallersFileError(Exception):
    """The server cannot start with its callers file; the message says why."""

    def __init__(self, path: str, error: InvalidCallersError) -> None:
        shown = "; ".join(map(str, error.violations[:MAX_SHOWN_VIOLATIONS]))
        more = len(error.violations) - MAX_SHOWN_VIOLATIONS
        rest = f"; and {more} more, which `rolecall callers check {path}` lists" if more > 0 else ""
        super().__init__(f"--callers: {shown}{rest}")


@dataclass(frozen=True, slots=True)
class ServerCallers:
    """The callers of a server. `reloading` is None without a callers file, `observe` without an observe period."""

    directory: CallerDirectory
    reloading: ReloadingCallers | None
    observe: ObservePeriod | None
    log: FilteringBoundLogger

    async def watch_files(self) -> None:
        """Reload the callers file when it changes, and log it, until cancelled."""
        if self.reloading is not None:
            await self.reloading.watch_files(self._log_change)

    def log_start(self) -> None:
        """Log by which callers file the server starts."""
        if self.reloading is not None:
            self._log_change(None)
        if self.observe is not None:
            self.log.warning("rights_observed", until=rfc3339(self.observe.until))

    def _log_change(self, error: InvalidCallersError | None) -> None:
        if error is not None:
            path = self.reloading.path if self.reloading is not None else ""
            why = str(CallersFileError(path, error))
            self.log.warning("callers_kept", error=why, generation=self.directory.generation)
        elif (file := self.directory.file) is not None:
            self.log.info("callers", generation=self.directory.generation, entries=len(file.callers))


def open_callers(
    config: ServingSettings, log: FilteringBoundLogger, now: int, *, without_file: WithoutFile = WITHOUT_FILE
) -> ServerCallers:
    """Return the callers of a server that starts at the time `now`; raise `CallersFileError` or `ConfigError`.

    `without_file` is what they may do without a callers file.
    """
    observe = _observe_period(config.callers_observe_until, log, now)
    if not config.callers:
        return ServerCallers(CallerDirectory(without_file=without_file), None, None, log)
    try:
        reloading = ReloadingCallers(config.callers, observe=observe)
    except InvalidCallersError as error:
        raise CallersFileError(config.callers, error) from None
    return ServerCallers(reloading.directory, reloading, observe, log)


def _observe_period(until: int | None, log: FilteringBoundLogger, now: int) -> ObservePeriod | None:
    if until is None:
        return None
    if until - now > MAX_OBSERVE_DAYS * _DAY_MICROS:
        latest = rfc3339(now // 1_000_000 * 1_000_000 + MAX_OBSERVE_DAYS * _DAY_MICROS)
        raise ConfigError(
            [f"--callers-observe-until: rights can be observed for {MAX_OBSERVE_DAYS} days at most, until {latest}"]
        )

    def on_denial(caller: str, action: str, resource: str) -> None:
        log.warning("right_missing", caller=caller, action=action, resource=resource)

    # After the date rights are enforced, so that a restart then needs no other setting.
    return ObservePeriod(until, on_denial)
