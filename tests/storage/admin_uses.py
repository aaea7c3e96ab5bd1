"""The ways in which commands use a store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from rolecall.storage.maintenance.admin_store import AdminStore

Use = Callable[[AdminStore], AbstractContextManager[object]]
USES: dict[str, Use] = {
    "pages": lambda store: store.pages(),
    "snapshot": lambda store: store.snapshot_transaction(),
    "beside": lambda store: store.snapshot_transaction_beside(Path(store.path or "database").with_name("a.backup")),
    "fill": lambda store: store.fill_transaction(),
}
