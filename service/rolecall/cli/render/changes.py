"""Print what an apply changed, or would change: one line for each role, its diff, and a summary."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from rolecall.cli.text.terminal import console, visible
from rolecall_client.v1 import role_pb2 as pb

if TYPE_CHECKING:
    from rich.console import Console

SIGNS = {
    pb.CHANGE_KIND_CREATED: ("+", "green"),
    pb.CHANGE_KIND_UPDATED: ("~", "yellow"),
    pb.CHANGE_KIND_DELETED: ("-", "red"),
    pb.CHANGE_KIND_UNCHANGED: ("=", "dim"),
}
"""A sign and a style for each kind of change."""

_LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_HEADERS = ("--- ", "+++ ")


def show_changes(changes: Iterable[pb.RoleChange], *, dry_run: bool) -> None:
    """Print changes on standard output: the name of each role, and the diff of an updated one. `-o json` has whole roles."""
    out = console(sys.stdout)
    counts: Counter[int] = Counter()
    for change in changes:
        counts[change.kind] += 1
        if change.kind != pb.CHANGE_KIND_UNCHANGED:
            _show_change(out, change)
    out.print(Text(_summary(counts, dry_run=dry_run), style="bold"), soft_wrap=True)


def _show_change(out: Console, change: pb.RoleChange) -> None:
    sign, style = SIGNS.get(change.kind, ("?", ""))
    out.print(Text.assemble((f"{sign} ", f"bold {style}"), (visible(change.role_arn), style)), soft_wrap=True)
    if change.kind != pb.CHANGE_KIND_UPDATED:
        return
    for line in change.diff.splitlines():
        if not line.startswith(_HEADERS):
            out.print(Text(f"    {visible(line)}", style=_LINE_STYLES.get(line[:1], "")), soft_wrap=True)


def _summary(counts: Counter[int], *, dry_run: bool) -> str:
    kinds = [
        (pb.CHANGE_KIND_CREATED, "create", "created"),
        (pb.CHANGE_KIND_UPDATED, "update", "updated"),
        (pb.CHANGE_KIND_DELETED, "delete", "deleted"),
    ]
    parts = [f"{infinitive if dry_run else past} {counts[kind]}" for kind, infinitive, past in kinds if counts[kind]]
    unchanged = f"{counts[pb.CHANGE_KIND_UNCHANGED]} unchanged"
    if not parts:
        return unchanged
    return f"{'would ' if dry_run else ''}{', '.join(parts)}; {unchanged}"
