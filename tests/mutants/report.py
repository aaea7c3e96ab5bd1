"""The report of a run: the score of each package, and each change that no test noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.mutants.trial import Trial

AIM = 95


@dataclass(frozen=True, slots=True)
class Score:
    """How many changes of a package were tried, and how many were noticed."""

    package: str
    tried: int
    noticed: int

    @property
    def percent(self) -> float:
        """Return the percentage that was noticed."""
        return 100 * self.noticed / self.tried

    @property
    def is_enough(self) -> bool:
        """Return whether the percentage reaches the aim."""
        return 100 * self.noticed >= AIM * self.tried


def scores(trials: Iterable[Trial]) -> list[Score]:
    """Return the score of each package, by name."""
    noticed: dict[str, list[bool]] = {}
    for trial in trials:
        noticed.setdefault(trial.change.package, []).append(trial.noticed)
    return [Score(package, len(found), sum(found)) for package, found in sorted(noticed.items())]


def survivors(trials: Iterable[Trial]) -> list[Trial]:
    """Return the changes that no test noticed, sorted by place."""
    found = [trial for trial in trials if not trial.noticed]
    return sorted(found, key=lambda trial: (trial.change.path, trial.change.edit.start))


def figures(trials: Sequence[Trial], *, seed: int) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "seed": seed,
        "aim_percent": AIM,
        "packages": [
            {
                "package": score.package,
                "tried": score.tried,
                "noticed": score.noticed,
                "survived": score.tried - score.noticed,
                "percent": round(score.percent, 1),
            }
            for score in scores(trials)
        ],
        "trials": [_figures_of(trial) for trial in sorted(trials, key=lambda trial: trial.change.place)],
    }


def survivor_text(trial: Trial) -> str:
    """Return where a survivor is, what changed, and the lines that differ."""
    tested = f"{trial.tests} tests passed" if trial.tests else "no test executes it"
    lines = [f"{trial.change.place}: {trial.change.edit.what} ({tested})", *trial.change.diff.splitlines()]
    return "\n    ".join(lines)


def survivors_text(trials: Sequence[Trial]) -> str:
    """Return the scores and all survivors as text."""
    lines = [f"{s.package}: {s.noticed} of {s.tried} noticed, {s.percent:.0f} %" for s in scores(trials)]
    return "\n\n".join(["\n".join(lines), *map(survivor_text, survivors(trials))]) + "\n"


def print_report(trials: Sequence[Trial], console: Console) -> None:
    """Print the survivors, and the table of scores below them."""
    for trial in survivors(trials):
        console.print(survivor_text(trial), markup=False, soft_wrap=True)
        console.print()
    table = Table("package", "tried", "noticed", "survived", "score")
    for row in _rows(scores(trials)):
        table.add_row(*row)
    console.print(table)


def _rows(found: list[Score]) -> Iterator[tuple[str, ...]]:
    for score in found:
        percent = f"{score.percent:.0f} %" if score.is_enough else f"[red]{score.percent:.0f} %[/red]"
        yield score.package, str(score.tried), str(score.noticed), str(score.tried - score.noticed), percent


def _figures_of(trial: Trial) -> dict[str, Any]:
    return {
        "place": trial.change.place,
        "change": trial.change.edit.what,
        "outcome": trial.outcome.value,
        "noticed_by": trial.noticed_by,
        "tests": trial.tests,
        "seconds": trial.seconds,
        "diff": trial.change.diff,
    }
