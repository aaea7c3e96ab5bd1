"""SARIF 2.1.0: findings with their locations, the format of code scanning services.

Lines and columns count from 1, in characters. A file below the current directory has a relative path, as services expect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from rolecall.cli.problem import Location, Problem

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_REMARK = "remark"
_RULES = {
    "case-failed": "A test case whose decision is not the expected one",
    "statement-not-covered": "A statement that applies in no test case",
    _REMARK: "A remark about a file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SarifResult:
    """One finding. `rule` is a stable name, `level` is `error`, `warning` or `note`; `related` are messages with locations.

    `changes_meaning` is that of a `Problem`.
    """

    rule: str
    level: str
    message: str
    location: Location
    related: Sequence[tuple[str, Location]] = ()
    changes_meaning: bool = False


def problem_result(problem: Problem) -> SarifResult:
    """Return a problem as a finding."""
    hint = f"; {problem.hint}" if problem.hint else ""
    return SarifResult(
        rule=problem.reason or _REMARK,
        level=problem.severity,
        message=problem.message + hint,
        location=problem.location,
        changes_meaning=problem.changes_meaning,
    )


def sarif_log(results: Sequence[SarifResult]) -> Mapping[str, object]:
    """Return the log of one run."""
    rules = list(dict.fromkeys(result.rule for result in results))
    driver = {"name": "rolecall", "version": _version(), "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, rules) for result in results],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str) -> Mapping[str, object]:
    return {"id": rule, "shortDescription": {"text": _RULES.get(rule, f"{rule.replace('_', ' ').lower()}")}}


def _result(result: SarifResult, rules: Sequence[str]) -> Mapping[str, object]:
    return {
        "ruleId": result.rule,
        "ruleIndex": rules.index(result.rule),
        "level": result.level,
        "message": {"text": result.message},
        "locations": [{"physicalLocation": _location(result.location)}],
        **_related(result.related),
        **({"properties": {"changesMeaning": True}} if result.changes_meaning else {}),
    }


def _related(locations: Iterable[tuple[str, Location]]) -> Mapping[str, object]:
    related = [
        {"id": number, "physicalLocation": _location(location), "message": {"text": message}}
        for number, (message, location) in enumerate(locations, start=1)
    ]
    return {"relatedLocations": related} if related else {}


def _location(location: Location) -> Mapping[str, object]:
    region = {"startLine": location.line, "startColumn": max(location.column, 1)}
    return {"artifactLocation": {"uri": _uri(location.file)}, **({"region": region} if location.line else {})}


def _uri(file: str) -> str:
    path, here = Path(file).resolve(), Path.cwd().resolve()
    return quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()


def _version() -> str:
    try:
        return metadata.version("rolecall")
    except metadata.PackageNotFoundError:
        return "0"
