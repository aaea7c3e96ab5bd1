"""How many roles an apply may delete, and the question on a terminal whether it should."""

from __future__ import annotations

import io
from typing import Any

import pytest

from rolecall.cli.checks.prune_guard import PruneGuard
from rolecall.cli.failure import CommandError
from rolecall_client.v1 import role_pb2 as r


def changes(**kinds: int) -> list[r.RoleChange]:
    """Return so many changes of each kind; the roles of each are numbered."""
    return [
        r.RoleChange(kind=kind_of(kind), role_arn=f"role/{number}")
        for kind, count in kinds.items()
        for number in range(count)
    ]


def kind_of(name: str) -> Any:
    return r.ChangeKind.Value(f"CHANGE_KIND_{name.upper()}")


def guard(*, most: int | None = None, yes: bool = False) -> PruneGuard:
    return PruneGuard(max_deletes=most, yes=yes)


@pytest.mark.parametrize(
    ("kinds", "most", "limit"),
    [
        ({"deleted": 10}, None, None),
        ({"deleted": 11}, None, 10),
        ({"deleted": 11, "unchanged": 98}, None, 10),
        ({"deleted": 11, "unchanged": 99}, None, None),
        ({"deleted": 11, "updated": 50, "unchanged": 49}, None, None),
        ({"deleted": 11, "created": 1_000}, None, 10),
        ({"deleted": 20, "unchanged": 180}, None, None),
        ({"deleted": 21, "unchanged": 180}, None, 20),
        ({"deleted": 1}, 0, 0),
        ({"deleted": 0}, 0, None),
        ({"deleted": 3}, 3, None),
        ({"deleted": 4}, 3, 3),
    ],
)
def test_a_tenth_of_the_roles_that_exist_may_be_deleted_and_ten_in_any_case(
    kinds: dict[str, int], most: int | None, limit: int | None
) -> None:
    if limit is None:
        guard(most=most).require_few(changes(**kinds))
        return
    with pytest.raises(CommandError) as caught:
        guard(most=most).require_few(changes(**kinds))

    count = kinds["deleted"]
    roles = "1 role" if count == 1 else f"{count} roles"
    assert caught.value.message == f"{roles} would be deleted; the limit is {limit}, and nothing was written"
    assert (
        caught.value.hint
        == f"look at them with --dry-run; if all of them should go, add `--max-deletes {kinds['deleted']}`"
    )


class Stream(io.StringIO):
    """A stream that is a terminal or not."""

    def __init__(self, text: str = "", *, terminal: bool = True) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def asked(monkeypatch: pytest.MonkeyPatch, answer: Stream, count: int = 2, *, terminal: bool = True) -> str:
    """Return what is written on standard error when the deletion of some roles is to be confirmed."""
    err = Stream(terminal=terminal)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setattr("sys.stdin", answer)
    guard().confirm(changes(deleted=count, updated=3))
    return err.getvalue()


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "YES\n", " Y \n", "y"])
def test_a_yes_confirms(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    assert asked(monkeypatch, Stream(answer)) == "- role/0\n- role/1\ndelete 2 roles? [y/N]: "


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n", "no, y\n"])
def test_any_other_answer_does_not(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    with pytest.raises(CommandError, match=r"^not confirmed; nothing was written$"):
        asked(monkeypatch, Stream(answer))


def test_a_terminal_without_a_keyboard_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError) as caught:
        asked(monkeypatch, Stream("y\n", terminal=False), count=1)

    assert (caught.value.message, caught.value.hint) == (
        "1 role would be deleted, and standard input is no terminal to ask on",
        "add --yes; nothing was written",
    )


def test_nothing_is_asked_where_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, Stream("n\n"), terminal=False) == ""
    assert asked(monkeypatch, Stream("n\n"), count=0) == ""
    guard(yes=True).confirm(changes(deleted=1))


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, "  and 1 more\n"), (45, "  and 25 more\n")])
def test_at_most_twenty_roles_are_listed(monkeypatch: pytest.MonkeyPatch, count: int, more: str) -> None:
    listed = "".join(f"- role/{number}\n" for number in range(20))

    assert asked(monkeypatch, Stream("y\n"), count=count) == f"{listed}{more}delete {count} roles? [y/N]: "


def test_what_is_not_printable_in_the_name_of_a_role_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    err = Stream()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setattr("sys.stdin", Stream("y\n"))

    guard().confirm([r.RoleChange(kind=r.CHANGE_KIND_DELETED, role_arn="\x1b[2J")])

    assert err.getvalue().startswith("- \\x1b[2J\n")


def test_the_question_is_shown_before_the_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []

    class Terminal(Stream):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    class Keyboard(Stream):
        def readline(self, *_: Any) -> Any:
            assert flushed[-1].endswith("delete 1 role? [y/N]: ")
            return "y\n"

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr("sys.stdin", Keyboard())

    guard().confirm(changes(deleted=1))

    assert flushed
