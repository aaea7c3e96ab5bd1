"""A context is added to the file, and everything else in it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall_client.connection.settings import TlsFiles
from rolecall_client.contexts.adding import add_context
from rolecall_client.contexts.context import ServerContext, TokenOrigin
from rolecall_client.contexts.errors import ContextsError
from rolecall_client.contexts.limits import MAX_CONTEXTS
from rolecall_client.contexts.reading import read_contexts

NEW = ServerContext(
    name="new",
    address="new:1",
    tls=TlsFiles(ca=Path("/ca files/ca.pem"), cert=Path("/c.pem"), key=Path("/k.pem"), server_name="roles"),
    token=TokenOrigin(command=("/bin/print-token", "a b", "no", "\u00fc\n'\"", "{x: y}", "#")),
    timeout=2.5,
)
PLAIN = ServerContext(name="plain", address="x:1", token=TokenOrigin(file=Path("/t: #1")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def written(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def test_without_a_file_one_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "configurations" / "rolecall" / "config.yaml"

    made = add_context(path, PLAIN)

    assert made == read_contexts(path)
    assert (made.current, made.contexts) == ("plain", {"plain": PLAIN})
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_comments_and_the_order_of_the_others_stay(file: Path) -> None:
    text = "# mine\ncurrent: a\ncontexts:  # all\n    # the first\n    a: {address: x} # one\n\n    b:\n        address: y\n"
    written(file, text)

    added = add_context(file, PLAIN)

    assert added == read_contexts(file)
    assert (added.current, set(added.contexts)) == ("a", {"a", "b", "plain"})
    before, _, after = file.read_text().partition("    plain:\n")
    assert before == "# mine\ncurrent: a\ncontexts:  # all\n"
    assert after.partition("    # the first\n")[2] == "    a: {address: x} # one\n\n    b:\n        address: y\n"


@pytest.mark.parametrize("name", ["true", "no", "1", "1.5", "a-b.c_d"])
def test_every_text_is_read_as_it_was_given(file: Path, name: str) -> None:
    context = ServerContext(
        name=name, address="x:1", token=TokenOrigin(command=("a b", "no", "{x: y}", "#", "'\"\\", "\u00fc"))
    )
    written(file, "contexts:\n  a: {address: x}\n")

    add_context(file, context)

    assert read_contexts(file).context(name) == context


def test_what_a_context_may_not_have_is_not_written(file: Path) -> None:
    with pytest.raises(
        ContextsError, match="`new` cannot be added: a word of `command` must have 1 to 4,096 printable"
    ):
        add_context(file, NEW)

    assert not file.exists()  # one of its words has a line feed


def test_a_name_is_given_once(file: Path) -> None:
    written(file, "contexts:\n  plain: {address: x}\n")

    with pytest.raises(ContextsError, match="there is a context `plain` already"):
        add_context(file, PLAIN)


@pytest.mark.parametrize("text", ["{contexts: {a: {address: x}}}", "contexts: {a: {address: x}}", "contexts: {}"])
def test_a_layout_that_cannot_be_changed_safely_is_refused(file: Path, text: str) -> None:
    written(file, text)

    with pytest.raises(ContextsError, match=r"too unusual to change; add in an editor: plain: +address: x:1"):
        add_context(file, PLAIN)

    assert file.read_text() == text


def test_one_context_too_many_is_refused(file: Path) -> None:
    written(file, "contexts:\n" + "".join(f"  c{number}: {{address: x}}\n" for number in range(MAX_CONTEXTS)))

    with pytest.raises(ContextsError):
        add_context(file, PLAIN)

    assert "plain" not in file.read_text()


def test_a_file_that_others_can_write_is_not_changed(file: Path) -> None:
    written(file, "contexts:\n  a: {address: x}\n")
    file.chmod(0o666)

    with pytest.raises(ContextsError, match="other users can write"):
        add_context(file, PLAIN)
