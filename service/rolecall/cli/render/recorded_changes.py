"""Print recorded changes: as a table or as JSON, or one on each line as they happen."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rolecall.cli.options.shared import Output
from rolecall.cli.text.terminal import add_row, console, print_json, record, table, visible

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from rolecall_client.errors import RolecallError
    from rolecall_client.v1 import role_pb2 as pb


def kind_name(kind: pb.ChangeKind, role: pb.Role) -> str:
    """Return the kind of a change as it is shown; a creation of a role that is older than the change restored it."""
    from rolecall_client.v1 import role_pb2

    if kind == role_pb2.CHANGE_KIND_CREATED and role.create_time != role.update_time:
        return "UNDELETED"
    return role_pb2.ChangeKind.Name(kind).removeprefix("CHANGE_KIND_")


def show_recorded(changes: list[pb.RecordedChange], output: Output, *, more: str) -> None:
    """Print a list of changes. `more`: which further changes there are, `older` or `later` ones; empty: none."""
    if output is Output.JSON:
        print_json({"changes": [record(change) for change in changes]})
    elif changes:
        rows = table("REVISION", "TIME", "CHANGE", "ROLE", "BY", "REASON")
        for each in changes:
            kind, reason = kind_name(each.kind, each.role), _reason(each)
            add_row(rows, (str(each.revision), _time(each.time), kind, each.role.arn, each.actor, reason))
        console(sys.stdout).print(rows)
    else:
        console(sys.stderr).print("no changes", style="dim")
    if more:
        hint = (
            "show more with --limit" if more == "older" else "show more with --limit, or from a later --from-revision"
        )
        console(sys.stderr).print(f"there are {more} changes; {hint}", style="dim")


class ChangePrinter:
    """Prints changes on standard output as they come, and the state of the connection on standard error."""

    def __init__(self, output: Output, address: str) -> None:
        self._json, self._address = output is Output.JSON, address
        self._out, self._err = console(sys.stdout), console(sys.stderr)
        self._started = self._interrupted = False

    def page(self, page: pb.ListChangesResponse) -> None:
        """Print the changes of a page. The first last page, and the first one after an interruption, are reported."""
        if self._interrupted:
            self._interrupted = False
            self._note("connected again")
        self.changes(page.changes)
        if not self._started and not page.next_page_token:
            self._started = True
            self._note(f"following {self._address} from revision {page.revision}")

    def changes(self, changes: Iterable[pb.RecordedChange]) -> None:
        """Print some changes."""
        for change in changes:
            if self._json:
                print_json(record(change), indent=None)
            else:
                self._line(change)
        sys.stdout.flush()

    def interrupted(self, error: RolecallError) -> None:
        """Report, once for each interruption, that the server is called again."""
        if not self._interrupted:
            self._interrupted = True
            self._note(f"the server cannot be reached, trying again: {error.message}")

    def _line(self, change: pb.RecordedChange) -> None:
        from rich.text import Text

        from rolecall.cli.render.changes import SIGNS

        sign, style = SIGNS.get(change.kind, ("?", ""))
        reason = _reason(change)
        line = Text.assemble(
            (_time(change.time), "dim"),
            f"  {change.revision:>8}  ",
            (f"{sign} {kind_name(change.kind, change.role).lower():<9}  ", f"bold {style}"),
            (visible(change.role.arn), style),
            f"  by {visible(change.actor)}",
            f": {visible(reason)}" if reason else "",
        )
        self._out.print(line, soft_wrap=True)

    def _note(self, text: str) -> None:
        self._err.print(visible(text), style="dim", soft_wrap=True)


def _reason(change: pb.RecordedChange) -> str:
    """Return the reason, and where an apply had its declarations from."""
    return f"{change.reason} ({change.source})".strip() if change.source else change.reason


def _time(time: Timestamp) -> str:
    return time.ToDatetime().strftime("%Y-%m-%d %H:%M:%SZ")
