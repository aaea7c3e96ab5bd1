"""Pages of commits that were read from the store for watches: bounded in bytes, whatever the number of watches that send one.

A watch whose page is taken away continues where it was, with a page that it reads then. So a client that reads slowly
occupies no memory that another one waits for.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.engine.feed import estimated_bytes
from rolecall.roles.change import Commit
from rolecall.roles.role import Revision


class StoredPage:
    """Some commits that follow each other. It is empty once it has been taken away."""

    def __init__(self, commits: Sequence[Commit]) -> None:
        self.commits = commits
        self.bytes = sum(map(estimated_bytes, commits))

    def after(self, revision: Revision) -> Commit | None:
        """Return the next commit after a revision; None if the page has none."""
        return next((commit for commit in self.commits if commit.revision > revision), None)


class StoredPages:
    """The pages that watches are sending, at most `max_bytes` and one page. For one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pages: dict[StoredPage, None] = {}
        self.bytes = 0

    def add(self, page: StoredPage) -> None:
        """Add a page. The oldest ones are taken away for it if there is no room. Call `remove` in any case."""
        self._pages[page] = None
        self.bytes += page.bytes
        while self.bytes > self._max_bytes and len(self._pages) > 1:
            self.remove(next(iter(self._pages)))

    def remove(self, page: StoredPage) -> None:
        """Take a page away, or do nothing if it has been taken away already."""
        if page in self._pages:
            del self._pages[page]
            self.bytes -= page.bytes
            page.commits = ()

    def __len__(self) -> int:
        return len(self._pages)
