"""Print the events of a watch, one on each line."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from rolecall.cli.options.shared import Output
from rolecall.cli.render.changes import SIGNS
from rolecall.cli.text.terminal import console, print_json, record, visible
from rolecall_client.v1 import role_pb2, watch_pb2 as pb

if TYPE_CHECKING:
    from rolecall_client.errors import RolecallError
    from rolecall_client.watch import RoleWatchEvent


class WatchPrinter:
    """Prints events on standard output, and the state of the connection on standard error."""

    def __init__(self, output: Output, address: str) -> None:
        self._json, self._address = output is Output.JSON, address
        self._out, self._err = console(sys.stdout), console(sys.stderr)
        self._started = self._interrupted = False

    def event(self, event: RoleWatchEvent) -> None:
        """Print a change. A checkpoint is printed as JSON only; the first one is reported on standard error."""
        if self._interrupted:
            self._interrupted = False
            self._note("the watch is resumed")
        if isinstance(event, pb.WatchCheckpoint):
            self._checkpoint(event)
        elif self._json:
            _write(pb.WatchRolesResponse(change=event))
        else:
            self._change(event)

    def resumed(self, error: RolecallError) -> None:
        """Report, once for each interruption, that the watch is reconnecting."""
        if not self._interrupted:
            self._interrupted = True
            self._note(f"the watch was interrupted, reconnecting: {error.message}")

    def resync(self, reason: str) -> None:
        """Report that the watch restarts with the state of every role."""
        self._started = False
        if self._json:
            _write(pb.WatchRolesResponse(resync_required=pb.ResyncRequired(reason=reason)))
        self._note(f"restarting with every role: {reason}")

    def _checkpoint(self, checkpoint: pb.WatchCheckpoint) -> None:
        if self._json:
            _write(pb.WatchRolesResponse(checkpoint=checkpoint))
        if not self._started:
            self._started = True
            self._note(f"watching {self._address} from revision {checkpoint.revision}")

    def _change(self, change: pb.RoleWatchChange) -> None:
        sign, style = SIGNS.get(change.kind, ("?", ""))
        kind = role_pb2.ChangeKind.Name(change.kind).removeprefix("CHANGE_KIND_").lower()
        line = Text.assemble(
            (_time(change), "dim"),
            f"  {change.revision:>8}  ",
            (f"{sign} {kind:<7}  ", f"bold {style}"),
            (visible(change.role.arn), style),
        )
        self._out.print(line, soft_wrap=True)

    def _note(self, text: str) -> None:
        self._err.print(visible(text), style="dim", soft_wrap=True)


def _write(message: pb.WatchRolesResponse) -> None:
    print_json(record(message), indent=None)
    sys.stdout.flush()


def _time(change: pb.RoleWatchChange) -> str:
    """Return the time of a change; a deletion has none, so it gets the time of its arrival."""
    deleted = change.kind == role_pb2.CHANGE_KIND_DELETED
    time = datetime.now(UTC) if deleted else change.role.update_time.ToDatetime(UTC)
    return time.strftime("%Y-%m-%d %H:%M:%SZ")
