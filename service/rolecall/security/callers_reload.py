"""The callers file of a running server, reloaded when it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rolecall.callers.directory import CallerDirectory
from rolecall.callers.errors import InvalidCallersError
from rolecall.callers.granted import CallersGeneration
from rolecall.callers.observation import ObservePeriod
from rolecall.security.callers_file import CallersContents, load_callers, read_authorities, read_files
from rolecall.security.file_watch import CHECK_SECONDS, reload_when_changed


class ReloadingCallers:
    """Loads the callers of a path into a directory, and again when the files change; invalid files leave the last valid ones.

    Raise `InvalidCallersError` if the first load fails. `reloads` counts changes, `errors` the checks that found invalid files;
    `loaded_at` is when the current ones were read, in seconds since the epoch.
    """

    def __init__(
        self,
        path: str,
        *,
        observe: ObservePeriod | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path, self._clock = path, clock
        loaded = load_callers(path)
        self._contents = loaded.contents
        self.directory = CallerDirectory(loaded.file, observe=observe)
        self.reloads = self.errors = 0
        self.loaded_at = clock()

    @property
    def generation(self) -> str:
        """Return the hash of the current callers file."""
        return self.directory.generation

    async def reload_if_changed(self) -> bool:
        """Reload the files if they have changed; return whether they had. Raise `InvalidCallersError` if they are invalid."""
        try:
            changed = await asyncio.to_thread(self._changed)
        except InvalidCallersError:
            self.errors += 1
            raise
        self.loaded_at = self._clock()
        if changed is None:
            return False
        # Replaced in the event loop, so that a call sees one generation until it awaits something.
        self._contents, generation = changed
        self.directory.apply(generation)
        self.reloads += 1
        return True

    async def watch_files(
        self, on_change: Callable[[InvalidCallersError | None], object], *, seconds: float = CHECK_SECONDS
    ) -> None:
        """Reload the files when they change, checking them in this interval, until cancelled.

        `on_change` gets each new error once, and None after a reload or when an error has passed.
        """
        await reload_when_changed(self.reload_if_changed, InvalidCallersError, on_change, seconds)

    def _changed(self) -> tuple[CallersContents, CallersGeneration] | None:
        """Return the next generation if a file or a CA file has changed, else None. Takes up to seconds for a large file."""
        file = self.directory.file
        if file is not None and self._contents == CallersContents(read_files(self.path), read_authorities(file, {})):
            return None
        loaded = load_callers(self.path)
        return loaded.contents, CallersGeneration(loaded.file)
