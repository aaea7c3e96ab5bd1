"""The options of `apply` about deletions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.checks.prune_guard import PruneGuard
from rolecall.cli.failure import CommandError
from rolecall.cli.options.shared import pairs

if TYPE_CHECKING:
    from rolecall.cli.declarations import DeclaredRole

PruneOption = Annotated[
    str | None,
    typer.Option(
        "--prune",
        metavar="KEY=VALUE[,...]",
        help="Delete the roles that have all of these tags and are not declared. Without this option nothing is deleted.",
    ),
]
PruneAccountOption = Annotated[
    list[str],
    typer.Option(
        "--prune-account",
        metavar="ID",
        help="With --prune: an account, an id or an alias, in which roles are deleted; default: those of the declared roles.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Delete roles without asking, also on a terminal.")]
MaxDeletesOption = Annotated[
    int | None,
    typer.Option(
        "--max-deletes",
        metavar="N",
        min=0,
        help="Write nothing if more roles would be deleted; default: 10, or a tenth of the roles that exist among those that are "
        "declared or would be deleted, if that is more.",
        show_default=False,
    ),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """The roles that are deleted, and how many may be."""

    prune: PruneOption = None
    prune_account: PruneAccountOption = dataclasses.field(default_factory=list)
    max_deletes: MaxDeletesOption = None
    yes: YesOption = False

    @property
    def selector(self) -> dict[str, str] | None:
        """Return the tags that select the roles; None if nothing is deleted. Raise `CommandError` for any other text."""
        return None if self.prune is None else pairs(self.prune.split(","), "--prune")

    @property
    def guard(self) -> PruneGuard:
        """Return the judge of the deletions."""
        return PruneGuard(max_deletes=self.max_deletes, yes=self.yes)

    def require_account(self, declared: Sequence[DeclaredRole]) -> None:
        """Raise `CommandError` if no account is declared or named in which roles may be deleted."""
        if self.prune is not None and not declared and not self.prune_account:
            hint = "name the account in which roles are deleted: --prune-account ID"
            raise CommandError("the files declare no role, and so no account to prune", hint=hint)
