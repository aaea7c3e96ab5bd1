"""The current context is changed in the file, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.reading import read_contexts
from rolecall_client.contexts.writing import use_context


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.touch(mode=0o640)
    return path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# mine\ncurrent: a  # now\ncontexts:\n  a: {address: x}\n  b: {address: y}   # other\n",
            "# mine\ncurrent: b  # now\ncontexts:\n  a: {address: x}\n  b: {address: y}   # other\n",
        ),
        (
            "current: a\ncontexts: {a: {address: x}, b: {address: y}, 'true': {address: z}}",
            "current: b\ncontexts: {a: {address: x}, b: {address: y}, 'true': {address: z}}",
        ),
        (
            "# mine\n\ncontexts:\n  a: {address: x}\n  b: {address: y}",
            "# mine\n\ncurrent: b\ncontexts:\n  a: {address: x}\n  b: {address: y}",
        ),
        (
            "contexts: {a: {address: x}, b: {address: y}}\r\ncurrent: 'a'\r\n",
            "contexts: {a: {address: x}, b: {address: y}}\r\ncurrent: b\r\n",
        ),
        (
            '{"contexts": {"a": {"address": "x"}, "b": {"address": "y"}}, "current": "a"}',
            '{"contexts": {"a": {"address": "x"}, "b": {"address": "y"}}, "current": b}',
        ),
        (
            "# \u00fc\u4e2d\ncontexts: {'a': {address: \u00fc}, b: {address: y}}\ncurrent:   a",
            "# \u00fc\u4e2d\ncontexts: {'a': {address: \u00fc}, b: {address: y}}\ncurrent:   b",
        ),
    ],
)
def test_only_the_name_changes(file: Path, before: str, after: str) -> None:
    file.write_bytes(before.encode())

    used = use_context(file, "b")

    assert file.read_bytes().decode() == after
    assert used == read_contexts(file)
    assert used.current == "b"


def test_the_rights_of_the_file_stay_and_nothing_is_left_beside_it(file: Path) -> None:
    file.write_text("contexts: {a: {address: x}}")
    mode = stat.S_IMODE(file.stat().st_mode)

    with pytest.raises(ContextsError):
        use_context(file, "b")
    use_context(file, "a")

    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert [path.name for path in file.parent.iterdir()] == ["config.yaml"]


def test_a_link_stays_a_link(file: Path) -> None:
    file.write_text("current: a\ncontexts: {a: {address: x}, b: {address: y}}")
    link = file.with_name("link.yaml")
    link.symlink_to(file)

    use_context(link, "b")

    assert link.is_symlink()
    assert read_contexts(file).current == "b"


def test_a_layout_that_cannot_be_changed_safely_is_refused(file: Path) -> None:
    text = "{contexts: {a: {address: x}}}"
    file.write_text(text)

    with pytest.raises(ContextsError, match=r"too unusual to change; write `current: a` in it"):
        use_context(file, "a")

    assert file.read_text() == text


@pytest.mark.parametrize("name", ["true", "null", "1", "1e3", "no"])
def test_a_name_that_yaml_reads_as_something_else_is_written_as_text(file: Path, name: str) -> None:
    file.write_text(f"contexts: {{'{name}': {{address: x}}}}")

    use_context(file, name)

    assert read_contexts(file).current == name
