"""Settings of the store of a server."""

from __future__ import annotations

from dataclasses import dataclass

from rolecall.config.setting import setting
from rolecall.config.types import OneOf, Seconds, read_text

DEFAULT_STORE = "sqlite:///rolecall.db"


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """The store of a server, and how it is followed."""

    store: str = setting(
        DEFAULT_STORE, read_text, "URL of the store: sqlite:///PATH, postgresql://... or memory://.", secret=True
    )
    store_file: str = setting(
        "", read_text, "File with the URL of the store, such as a mounted secret; replaces --store."
    )
    create_store: str = setting(
        "auto",
        OneOf(("auto", "never")),
        "Make a new SQLite store where there is no file (`auto`), or refuse to start (`never`); an empty file is always refused.",
    )
    poll_seconds: float = setting(
        1.0, Seconds(0.05, 60), "Interval between polls of the store for new commits, with a jitter of 10 %."
    )
    reconcile_seconds: float = setting(
        3_600.0, Seconds(0, 604_800), "Interval between comparisons of all roles in memory with the store; 0: never."
    )
