"""Update every page that has changed: read the difference."""

from __future__ import annotations

from tests.policy.pages.table import PAGES, path_of

for name, written in PAGES.items():
    path_of(name).write_text(written(), "utf-8")
