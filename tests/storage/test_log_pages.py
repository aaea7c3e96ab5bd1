"""The pages of the log of a SQL store: they have few changes, unless one commit alone has many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.roles.repository import RoleRepository
from rolecall.roles.role import Revision
from rolecall.storage.sql import history
from rolecall.storage.sqlite.driver import open_sqlite
from tests.storage.samples import create

MOST = 3


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RoleRepository]:
    monkeypatch.setattr(history, "CHANGES_PER_READ", MOST)
    with closing(open_sqlite(tmp_path / "rolecall.db")) as opened:
        yield opened


def pages_of(repository: RoleRepository, sizes: Sequence[int], *, after: int = 0, limit: int = 10) -> list[list[int]]:
    """Write a commit of each size; return the sizes of the commits of each page."""
    for number, size in enumerate(sizes):
        create(repository, *(f"r{number}-{n}" for n in range(size)))
    pages, last = list[list[int]](), Revision(after)
    while page := repository.commits(after=last, limit=limit):
        assert [commit.revision for commit in page] == list(range(last + 1, last + 1 + len(page)))
        pages.append([len(commit.changes) for commit in page])
        last = page[-1].revision
    return pages


@pytest.mark.parametrize(
    ("sizes", "pages"),
    [
        ([3], [[3]]),
        ([1, 2], [[1, 2]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([2, 2, 1], [[2], [2, 1]]),
        ([1, 3, 1], [[1], [3], [1]]),
        ([5, 1, 2, 1, 4], [[5], [1, 2], [1], [4]]),
        ([4, 5], [[4], [5]]),
    ],
    ids=str,
)
def test_a_page_ends_before_the_commit_with_which_it_has_too_many_changes(
    repository: RoleRepository, sizes: list[int], pages: list[list[int]]
) -> None:
    assert pages_of(repository, sizes) == pages


def test_the_changes_before_a_page_do_not_count(repository: RoleRepository) -> None:
    assert pages_of(repository, [5, 1, 2], after=1) == [[1, 2]]


def test_a_page_has_no_more_commits_than_asked_and_those_after_it_do_not_count(repository: RoleRepository) -> None:
    assert pages_of(repository, [1, 1, 5], limit=2) == [[1, 1], [5]]
    assert pages_of(repository, [], limit=1) == [[1], [1], [5]]
