"""The pages that watches send from the store: they are bounded in bytes, and the oldest makes room for the newest."""

from __future__ import annotations

from rolecall.engine.feed import estimated_bytes
from rolecall.engine.stored_pages import StoredPage, StoredPages
from rolecall.roles.role import Revision
from tests.engine.test_feed import commit


def page(*revisions: int) -> StoredPage:
    return StoredPage([commit(revision) for revision in revisions])


def test_a_page_gives_the_next_commit_after_a_revision_until_it_is_at_its_end() -> None:
    some = page(3, 4, 5)

    found = [some.after(Revision(revision)) for revision in range(7)]

    assert [each and each.revision for each in found] == [3, 3, 3, 4, 5, None, None]


def test_pages_are_taken_away_oldest_first_until_the_newest_has_room() -> None:
    pages, all_pages = StoredPages(2 * page(1).bytes), [page(1), page(2), page(3)]

    for each in all_pages[:2]:
        pages.add(each)
    full = (len(pages), pages.bytes)
    pages.add(all_pages[2])

    assert full == (2, 2 * page(1).bytes)
    assert [len(each.commits) for each in all_pages] == [0, 1, 1]
    assert (len(pages), pages.bytes) == (2, 2 * page(1).bytes)


def test_a_page_that_is_larger_than_all_may_be_stays_alone() -> None:
    pages, small, large = StoredPages(page(1).bytes), page(1), page(2, 3)

    pages.add(small)
    pages.add(large)

    assert (len(pages), small.commits, len(large.commits)) == (1, (), 2)
    assert pages.bytes == large.bytes == 2 * estimated_bytes(commit(2))


def test_a_page_that_is_removed_twice_counts_once() -> None:
    pages, some = StoredPages(1_000_000), page(1)
    pages.add(page(2))
    pages.add(some)

    for _ in range(2):
        pages.remove(some)

    assert (len(pages), pages.bytes, some.commits) == (1, page(2).bytes, ())
