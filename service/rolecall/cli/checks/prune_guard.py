"""The deletions of an apply: how many it may make, and the question whether it should."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rolecall.cli.failure import CommandError
from rolecall.cli.text.terminal import visible

if TYPE_CHECKING:
    from rolecall_client.v1.role_pb2 import RoleChange

MIN_DELETES = 10
PART_OF_ROLES = 10
"""Without an option, at most this many deletions are made, or one role of this many if that is more."""

_SHOWN_ROLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneGuard:
    """Judges the deletions that a dry run has found. `max_deletes` is None unless an option says it; `yes`: nobody is asked."""

    max_deletes: int | None
    yes: bool

    def require_few(self, changes: Iterable[RoleChange]) -> None:
        """Raise `CommandError` if there are too many deletions."""
        every = list(changes)
        roles = _deleted(every)
        limit = _default_limit(every) if self.max_deletes is None else self.max_deletes
        if len(roles) > limit:
            raise CommandError(
                f"{_counted(roles)} would be deleted; the limit is {limit}, and nothing was written",
                hint=f"look at them with --dry-run; if all of them should go, add `--max-deletes {len(roles)}`",
            )

    def confirm(self, changes: Iterable[RoleChange]) -> None:
        """On a terminal, ask whether the roles should be deleted; raise `CommandError` unless they should."""
        roles = _deleted(changes)
        if self.yes or not roles or not _is_terminal(sys.stderr):
            return
        if not _is_terminal(sys.stdin):
            raise CommandError(
                f"{_counted(roles)} would be deleted, and standard input is no terminal to ask on",
                hint="add --yes; nothing was written",
            )
        for role in roles[:_SHOWN_ROLES]:
            sys.stderr.write(f"- {visible(role)}\n")
        if len(roles) > _SHOWN_ROLES:
            sys.stderr.write(f"  and {len(roles) - _SHOWN_ROLES} more\n")
        sys.stderr.write(f"delete {_counted(roles)}? [y/N]: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise CommandError("not confirmed; nothing was written")


def _deleted(changes: Iterable[RoleChange]) -> list[str]:
    from rolecall_client.v1.role_pb2 import CHANGE_KIND_DELETED

    return [change.role_arn for change in changes if change.kind == CHANGE_KIND_DELETED]


def _default_limit(changes: list[RoleChange]) -> int:
    """Return a part of the roles that exist among those that are declared or would be deleted, and not less than a minimum."""
    from rolecall_client.v1.role_pb2 import CHANGE_KIND_CREATED

    existing = sum(change.kind != CHANGE_KIND_CREATED for change in changes)
    return max(MIN_DELETES, existing // PART_OF_ROLES)


def _counted(roles: list[str]) -> str:
    return "1 role" if len(roles) == 1 else f"{len(roles)} roles"


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()
