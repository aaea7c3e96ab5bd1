"""The settings of one server process.

Each is one field of `Config`: its flag is `--field-name`, its variable `ROLECALL_FIELD_NAME`. A default that belongs to an options
class is written there and read from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rolecall.config.administration_settings import AdministrationSettings
from rolecall.config.serving_settings import ServingSettings
from rolecall.config.setting import setting
from rolecall.config.sources import ConfigError
from rolecall.config.store_settings import DEFAULT_STORE, StoreSettings
from rolecall.config.types import read_one_worker
from rolecall.regular_file import read_regular, reason_of

MAX_STORE_FILE_BYTES = 64 * 1024


# Fields of the last base come first.
@dataclass(frozen=True, kw_only=True)
class Config(AdministrationSettings, StoreSettings, ServingSettings):
    """The settings of one process. The defaults suit a laptop; None stands for a default that depends on other settings."""

    workers: int = setting(1, read_one_worker, "Number of processes that answer calls; 1 in this version.")

    @property
    def store_url(self) -> str:
        """Return the URL of the store; raise `ConfigError` when its file cannot be read."""
        if not self.store_file:
            return self.store
        try:
            url = read_regular(Path(self.store_file), MAX_STORE_FILE_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = reason_of(error) if isinstance(error, OSError) else "it is not text"
            raise ConfigError([f"--store-file: cannot read `{self.store_file}`: {why}"]) from None
        if not url:
            raise ConfigError([f"--store-file: `{self.store_file}` is empty"])
        return url

    def contradictions(self) -> Iterator[str]:
        """Yield what is wrong with settings that depend on each other."""
        if self.store_file and self.store != DEFAULT_STORE:
            yield "--store and --store-file name two stores; give one of them"
        yield from super().contradictions()
