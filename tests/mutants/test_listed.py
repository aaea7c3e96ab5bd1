from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutants.changes import all_changes, changes_of
from tests.mutants.listed import LISTS, Place, listed, place_of, with_effect
from tests.mutants.signatures import Signatures
from tests.mutants.small_tree import SIGN, make_small_tree
from tests.mutants.source import Source
from tests.mutants.tree import REPOSITORY, package_of, source_paths

ENTRY = {"file": SIGN, "line": "if number < 0:", "changes": ["`<` -> `<=`"], "reason": "zero is never given"}


@pytest.fixture(scope="module")
def signatures() -> Signatures:
    return Signatures(Source.read(REPOSITORY, path).tree for path in source_paths(REPOSITORY))


def test_a_listed_change_is_not_tried_and_the_others_of_its_line_are(tmp_path: Path) -> None:
    make_small_tree(tmp_path)
    before = all_changes(tmp_path)
    (tmp_path / LISTS).mkdir()
    (tmp_path / LISTS / "policy.json").write_text(json.dumps([ENTRY]))

    left = with_effect(before, listed(tmp_path))

    assert [place_of(change) for change in before if change not in left] == [
        Place(SIGN, "if number < 0:", "`<` -> `<=`")
    ]


@pytest.mark.parametrize("file", sorted((REPOSITORY / LISTS).glob("*.json")), ids=lambda path: path.stem)
def test_each_listed_change_can_be_made_in_its_package_and_has_a_reason(file: Path, signatures: Signatures) -> None:
    found = {place: reason for place, reason in listed(REPOSITORY).items() if package_of(place.file) == file.stem}
    sources = [Source.read(REPOSITORY, path) for path in sorted({place.file for place in found})]
    possible = {place_of(change) for source in sources for change in changes_of(source, signatures)}

    assert found
    assert [place for place in found if place not in possible] == [], "the code has changed: remove these"
    assert [place for place, reason in found.items() if not reason] == []


def test_each_list_has_only_changes_of_its_package() -> None:
    lists = {path.stem: json.loads(path.read_text()) for path in (REPOSITORY / LISTS).glob("*.json")}

    assert {name: {package_of(entry["file"]) for entry in entries} for name, entries in lists.items()} == {
        name: {name} for name in lists
    }
