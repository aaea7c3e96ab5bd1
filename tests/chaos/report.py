"""The report of a run, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.campaign import Result
from tests.chaos.record import ALONE, Outcome

SHOWN_VIOLATIONS = 40


def figures(result: Result) -> dict[str, Any]:
    """Return the figures of a run as JSON has them."""
    record, history = result.record, result.history
    outcomes = Counter(written.outcome for written in record.written)
    refused = [w for w in record.written if w.outcome is Outcome.REFUSED]
    return {
        "seed": result.options.seed,
        "seconds": round(result.seconds, 1),
        "replicas": result.options.replicas,
        "writes": {
            "sent": len(record.written),
            "acknowledged": outcomes[Outcome.ACKNOWLEDGED],
            "refused": outcomes[Outcome.REFUSED],
            "refused_after_being_made": sum(bool(history.by_request.get(w.write.request_id)) for w in refused),
            "unanswered_then_resolved": result.unresolved,
            "of_these_made_before": result.resolved_as_made,
        },
        "revisions": history.head.revision,
        "decisions_replayed": len(record.decided),
        "decisions_by_reason": dict(Counter(d.reason for d in record.decided).most_common()),
        "decisions_by_mode": dict(Counter(d.asked.mode for d in record.decided).most_common()),
        "served_from": dict(Counter(d.served_from for d in record.decided).most_common()),
        "largest_staleness_seconds": round(max((d.staleness for d in record.decided), default=0.0), 3),
        "changes_watched": result.watched,
        "agent": _agent(result),
        "faults": dict(Counter(fault.name for fault in result.injected).most_common()),
        "full_disk_of_the_database": "a small file system of its own" if result.small_disk else "not possible here",
        "errors": {" ".join(key): count for key, count in sorted(_errors(record.errors).items())},
        "told_by_servers": dict(result.logged.most_common()),
        "errors_during": {": ".join(key): count for key, count in sorted(record.during.items())},
        "violations": [{"rule": v.rule, "what": v.what} for v in result.violations],
    }


def print_table(found: dict[str, Any], console: Console) -> None:
    """Print the figures of a run for people."""
    table = Table(title=f"seed {found['seed']}, {found['seconds']} s, {found['replicas']} replicas", show_header=False)
    for name, value in found.items():
        if name in ("seed", "seconds", "replicas", "errors_during", "violations"):
            continue
        text = "\n".join(f"{n}: {v}" for n, v in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name.replace("_", " "), text)
    console.print(table)
    for violation in found["violations"][:SHOWN_VIOLATIONS]:
        console.print(f"VIOLATED {violation['rule']}: {violation['what']}", style="red", markup=False)
    count = len(found["violations"])
    console.print(f"{count} violations" if count else "no violation", style="red" if count else "green")


def _agent(result: Result) -> dict[str, float]:
    """Return what an agent answered alone, and how long it took to catch up each time that its server was back."""
    alone = [decided for decided in result.record.decided if decided.asked.asker == ALONE]
    return {
        "decided_alone": len(alone),
        "largest_staleness_seconds": round(max((decided.staleness for decided in alone), default=0.0), 3),
        "median_seconds_to_catch_up": round(median(result.caught_up or [0.0]), 3),
        "most_seconds_to_catch_up": round(max(result.caught_up, default=0.0), 3),
    }


def _errors(errors: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """Sum the errors by kind of worker: all writers, all checkers."""
    summed: Counter[tuple[str, str, str]] = Counter()
    for (who, code, reason), count in errors.items():
        summed[who.partition("-")[0], code, reason or "-"] += count
    return summed
