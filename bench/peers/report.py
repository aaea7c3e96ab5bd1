"""Write the results into docs/ as tables and a plot."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.peers import tools

mpl.use("svg")

from matplotlib import pyplot as plt

PAGE = tools.ROOT / "docs" / "performance.md"
PLOT = tools.ROOT / "docs" / "performance.svg"
BEGIN = "<!-- bench.peers: generated from here on by `python -m bench.peers report` -->"
END = "<!-- bench.peers: generated up to here -->"

TITLES = {
    "rolecall": "Rolecall",
    "echo": "(echo)",
    "cerbos": "Cerbos",
    "opa": "OPA",
    "openfga": "OpenFGA",
    "spicedb": "SpiceDB",
    "h2load": "h2load",
}
OURS, THEIRS, FLOOR = "#2a6fdb", "#b4b9c2", "#e3e5e9"
PLOTTED = ("check, two keys, 4 x 16", "check, two keys, never asked before", "batch of 50, two keys")
CHECKS = {"check, 4 x 16": 0.15, "check, 4 x 1": 0.2, "check, 400 a second": 0.45}
"""Of the loads of single checks: what a check should cost at most, as a share of the bare echo."""

OF_CERBOS = 0.15

Results = dict[str, Any]
Row = Sequence[str]


def write(results: Results) -> None:
    """Write the tables between the markers of docs/performance.md, and the plot beside it."""
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE} lacks its markers; add the lines\n{BEGIN}\n{END}")
    PAGE.write_text(f"{before}{BEGIN}\n\n{page(results)}\n{END}{after}")
    _plot(results, PLOT)
    print(f"written: {PAGE}, {PLOT}")


def page(results: Results) -> str:
    """Return the generated part of the page."""
    sections = (
        ("Aims", _claims(results)),
        ("CPU time of the server for a decision, in microseconds", _costs(results)),
        ("Throughput and latency", _speeds(results)),
        ("In process, in microseconds", _in_process(results)),
        ("Steps of a check, in microseconds", _steps(results)),
        ("Where and how it was measured", _circumstances(results)),
    )
    return "\n".join(f"### {title}\n\n{text}" for title, text in sections)


def ratio(results: Results, ours: tuple[str, str], theirs: tuple[str, str]) -> float | None:
    """Return the ratio of the costs, theirs to ours, as the median over the rounds; None if one was not measured."""
    left, right = _rounds(results, ours), _rounds(results, theirs)
    return statistics.median(b / a for a, b in zip(left, right, strict=True)) if left and right else None


def _rounds(results: Results, which: tuple[str, str]) -> list[float]:
    row = _row(results, *which)
    return [figures["cpu_us"] for figures in row["rounds"]] if row else []


def _row(results: Results, sort: str, system: str) -> Results | None:
    return next((row for row in results["loads"] if (row["load"], row["system"]) == (sort, system)), None)


def _claims(results: Results) -> str:
    shares = [_share_claim(*claim) for claim in _share_claims(results)]
    times = [_claim(*claim) for claim in _batch_claims(results) + _library_claims(results)]
    head = ["aim", "target", "measured", ""]
    return f"{_table(head, shares)}\n{_table(head, times)}"


def _share_claims(results: Results) -> list[tuple[str, float | None, float]]:
    """Return what a check costs as a share of the echo and of every peer."""
    claims = []
    for sort, of_echo in CHECKS.items():
        targets = {"echo": of_echo, "cerbos": OF_CERBOS, "opa": 1.0, "openfga": 1.0, "spicedb": 1.0}
        for system, target in targets.items():
            times = ratio(results, (sort, "rolecall"), (sort, system))
            claims.append((f"{sort}: share of {TITLES[system]}", 1 / times if times else None, target))
    return claims


def _share_claim(text: str, measured: float | None, target: float) -> Row:
    if measured is None:
        return text, f"at most {target:g}", "not measured", ""
    return text, f"at most {target:g}", _number(measured), "reached" if measured <= target else "**missed**"


def _batch_claims(results: Results) -> list[tuple[str, float | None, float]]:
    def of(sort: str, system: str, base: str) -> float | None:
        return ratio(results, (sort, "rolecall"), (base, system))

    return [
        ("an item of a batch of 100: Cerbos' of 50 costs", of("batch of 100", "cerbos", "batch of 50"), 12),
        ("the same, two keys", of("batch of 100, two keys", "cerbos", "batch of 50, two keys"), 12),
    ]


def _library_claims(results: Results) -> list[tuple[str, float | None, float]]:
    figures = {row["library"]: row["rounds"] for row in results["in_process"]}

    def of(library: str) -> float:
        ratios: list[float] = [b / a for a, b in zip(figures["rolecall"], figures[library], strict=True)]
        return statistics.median(ratios)

    return [
        ("in process: cedarpy, parsed once, costs", of("cedarpy"), 30),
        ("in process: cedarpy, policies as text, costs", of("cedarpy, policies as text"), 30),
        ("in process: casbin costs", of("casbin"), 10),
    ]


def _claim(text: str, measured: float | None, aim: float) -> Row:
    if measured is None:
        return text, f"{aim:g} x Rolecall", "not measured", ""
    return text, f"{aim:g} x Rolecall", f"{_number(measured)} x", "reached" if measured >= aim else "**missed**"


def _costs(results: Results) -> str:
    systems = _systems(results)
    rows = [[sort, *(_cost(results, sort, system) for system in systems)] for sort in _sorts(results)]
    legend = "In parentheses: the ratio to Rolecall. An item of a batch counts as a decision.\n\n"
    return legend + _table(["load", *(TITLES[system] for system in systems)], rows)


def _cost(results: Results, sort: str, system: str) -> str:
    row = _row(results, sort, system)
    if row is None:
        return "-"
    times = ratio(results, (sort, "rolecall"), (sort, system))
    return _number(row["cpu_us"]) + (f" ({_number(times)} x)" if times is not None and system != "rolecall" else "")


def _speeds(results: Results) -> str:
    rows = []
    for sort, system in ((sort, system) for sort in _sorts(results) for system in _systems(results)):
        row = _row(results, sort, system)
        if row and row["per_second"]:
            milliseconds = [f"{row[part] / 1_000:.2f}" for part in ("p50_us", "p90_us", "p99_us")]
            rows.append([sort, TITLES[system], f"{row['per_second']:,.0f}", *milliseconds])
    return _table(["load", "", "decisions a second", "p50, ms", "p90, ms", "p99, ms"], rows)


def _in_process(results: Results) -> str:
    ours = results["in_process"][0]["us"]
    rows = [
        [r["library"], r["version"], _number(r["us"]), f"{_number(r['us'] / ours)} x"] for r in results["in_process"]
    ]
    return _table(["library", "version", "a decision", ""], rows)


def _steps(results: Results) -> str:
    """Return the steps of Rolecall beside the cost of the whole server and of the echo."""
    sorts: Results = results["steps"]
    wholes = {"asked before": "check, two keys, 4 x 16", "never asked before": "check, two keys, never asked before"}
    rows = [[name, *(_number(steps[name]) for steps in sorts.values())] for name in next(iter(sorts.values()))]
    rows.append(["all steps of Rolecall", *(_number(sum(steps.values())) for steps in sorts.values())])
    for text, system in (("the whole server (table above)", "rolecall"), ("the echo (table above)", "echo")):
        figures = [_row(results, wholes[sort], system) for sort in sorts]
        rows.append([text, *(_number(row["cpu_us"]) if row else "-" for row in figures)])
    return _table(["a check with two keys", *sorts], rows)


def _circumstances(results: Results) -> str:
    machine, rounds, scale = results["machine"], results["rounds"], results["scale"]
    versions = "; ".join(
        f"{TITLES[name]} {version.split()[-1].removeprefix('v')}" for name, version in results["versions"].items()
    )
    compared = "; ".join(f"{TITLES[name]} {count:,}" for name, count in results["equal_answers"].items())
    in_flight = f"{results['connections']} connections, `4 x 16` with 16 calls in flight on each, others with 4"
    lines = [
        f"Machine: {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}. Clients and servers share it.",
        f"Versions: {versions}.",
        *(f"Absent: {TITLES[name]}, since {reason}." for name, reason in results["absent"].items()),
        f"Equal answers, verified before the measurement: {compared}.",
        f"Medians of {rounds} rounds after a warm-up round; {in_flight}, over HTTP/1.1 as many connections as calls.",
        f"Measured with `python -m bench.peers run --rounds {rounds} --scale {scale:g}`, after `python -m bench.peers setup`.",
    ]
    return "".join(f"* {line}\n" for line in lines)


def _plot(results: Results, path: Path) -> None:
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "rolecall", "font.size": 9, "font.family": "sans-serif"}
    sorts = [sort for sort in PLOTTED if sort in _sorts(results)]
    figure, panels = plt.subplots(1, len(sorts), figsize=(4.2 * len(sorts), 2.6), layout="constrained", squeeze=False)
    for panel, sort in zip(panels[0], sorts, strict=True):
        _panel(panel, results, sort)
    figure.suptitle("CPU time of the server for a decision, microseconds (less is better)", fontsize=10)
    figure.patch.set_facecolor("white")
    figure.savefig(path, metadata={"Date": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def _panel(panel: Any, results: Results, sort: str) -> None:
    measured = [(system, row["cpu_us"]) for system in _systems(results) if (row := _row(results, sort, system))]
    names = [TITLES[system] for system, _ in measured]
    colors = [{"rolecall": OURS, "echo": FLOOR}.get(system, THEIRS) for system, _ in measured]
    bars = panel.barh(names, [figure for _, figure in measured], color=colors)
    panel.bar_label(bars, labels=[_number(figure) for _, figure in measured], padding=3)
    panel.set_title(sort, fontsize=9)
    panel.invert_yaxis()
    panel.margins(x=0.18)
    panel.spines[["top", "right"]].set_visible(False)


def _sorts(results: Results) -> list[str]:
    return [sort["name"] for sort in results["sorts"]]


def _systems(results: Results) -> list[str]:
    measured = {row["system"] for row in results["loads"]}
    return [name for name in TITLES if name in measured]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: Row, rows: Iterable[Row]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))
