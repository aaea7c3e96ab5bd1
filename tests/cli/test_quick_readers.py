"""The quick parsers are used where they exist, and no file is read that is longer than those of any kind."""

from __future__ import annotations

import runpy

import pytest
import yaml

from rolecall.cli.declarations import tree
from rolecall.cli.linting import explained
from rolecall.cli.sources import kinds


def test_yaml_is_read_by_the_parser_of_libyaml() -> None:
    assert tree._LOADER is yaml.CBaseLoader
    assert len(tree.read_documents("a: b\n", "a.yaml")) == 1
    assert explained._LOADER is yaml.CSafeLoader
    assert next(explained._read("violations")).id


def test_without_libyaml_yaml_is_read_by_the_parser_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CBaseLoader", "CSafeLoader"):
        monkeypatch.delattr(yaml, name)

    assert runpy.run_path(tree.__file__, run_name="tree_in_python")["_LOADER"] is yaml.BaseLoader
    assert runpy.run_path(explained.__file__, run_name="explained_in_python")["_LOADER"] is yaml.SafeLoader


def test_the_longest_file_that_is_read_is_the_longest_plan() -> None:
    assert kinds.MAX_BYTES == 134_217_728
    assert kinds.kind_of_text("no kind") is None
