"""The options with which commands configure the linter."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.cli.options.shared import pairs

if TYPE_CHECKING:
    from rolecall.cli.linting.judging import Linting


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LintOptions:
    """Which findings of the linter are reported, and how serious they are."""

    lint_config: Annotated[
        Path | None,
        typer.Option(
            "--lint-config",
            metavar="FILE",
            help="The configuration of the linter for all documents [default: the nearest `.rolecall-lint.yaml` of each].",
            show_default=False,
        ),
    ] = None
    suppress: Annotated[
        list[str],
        typer.Option("--suppress", metavar="FINDING=REASON", help="Accept a finding, and say why; repeatable."),
    ] = dataclasses.field(default_factory=list)

    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List suppressed findings, too.")] = False

    def linting(self, paths: Iterable[Path | str], now: int) -> Linting:
        """Return the configurations of one run, in which the command line names `paths`; `now` is in microseconds since 1970."""
        from rolecall.cli.linting.judging import Linting
        from rolecall.cli.linting.reader import command_line_suppressions

        today = dt.datetime.fromtimestamp(now / 1_000_000, dt.UTC).date()
        everywhere = command_line_suppressions(pairs(self.suppress, "--suppress"))
        return Linting(paths, today, given=self.lint_config, everywhere=everywhere)
