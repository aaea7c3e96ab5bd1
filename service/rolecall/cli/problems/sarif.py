"""SARIF 2.1.0: findings with their locations, the format of code scanning services.

Lines and columns count from 1, in characters. A file below the current directory has a relative path, as services expect.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rolecall.cli.problems.problem import Location, Problem
from rolecall.cli.problems.sarif_regions import Regions
from rolecall.cli.problems.sarif_rules import REMARK, rule_record

if TYPE_CHECKING:
    from rolecall.cli.linting.judging import SuppressedProblem

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "rolecallFinding/v1"
_INFORMATION = "https://rolecall.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class SarifResult:
    """One finding. `rule` is a stable name, `level` is `error`, `warning` or `note`; `related` are messages with locations.

    `changes_meaning`, `pointer` and `role` are those of a `Problem`; `suppression` is why it is accepted, and where.
    """

    rule: str
    level: str
    message: str
    location: Location
    related: Sequence[tuple[str, Location]] = ()
    changes_meaning: bool = False
    pointer: str = ""
    role: str = ""
    suppression: tuple[str, Location] | None = None


def problem_result(problem: Problem) -> SarifResult:
    """Return a problem as a finding."""
    hint = f"; {problem.hint}" if problem.hint else ""
    return SarifResult(
        rule=problem.reason or REMARK,
        level=problem.severity,
        message=problem.message + hint,
        location=problem.location,
        changes_meaning=problem.changes_meaning,
        pointer=problem.pointer,
        role=problem.role,
    )


def suppressed_result(suppressed: SuppressedProblem) -> SarifResult:
    """Return a finding that is accepted."""
    from dataclasses import replace

    why = suppressed.suppression
    return replace(problem_result(suppressed.problem), suppression=(why.reason, why.location))


def sarif_log(results: Sequence[SarifResult]) -> Mapping[str, object]:
    """Return the log of one run."""
    rules = list(dict.fromkeys(result.rule for result in results))
    driver = {
        "name": "rolecall",
        "version": _version(),
        "informationUri": _INFORMATION,
        "rules": [rule_record(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": _Results(rules).records(results),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


class _Results:
    """Makes the results of one run, whose fingerprints are unique in it."""

    def __init__(self, rules: Sequence[str]) -> None:
        self._index = {rule: number for number, rule in enumerate(rules)}
        self._regions = Regions()
        self._seen: Counter[str] = Counter()

    def records(self, results: Iterable[SarifResult]) -> list[Mapping[str, object]]:
        """Return the results in their order."""
        return [self._record(result) for result in results]

    def _record(self, result: SarifResult) -> Mapping[str, object]:
        return {
            "ruleId": result.rule,
            "ruleIndex": self._index[result.rule],
            "level": result.level,
            "message": {"text": result.message},
            "locations": [{"physicalLocation": self._location(result.location)}],
            "partialFingerprints": {FINGERPRINT: self._fingerprint(result)},
            **self._related(result.related),
            **self._suppressions(result.suppression),
            **({"properties": {"changesMeaning": True}} if result.changes_meaning else {}),
        }

    def _fingerprint(self, result: SarifResult) -> str:
        """Return what identifies a finding when its line moves: the rule, the file, the role and the element."""
        facts = (result.rule, _uri(result.location.file), result.role, result.pointer or result.message)
        digest = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._seen[digest] += 1
        return f"{digest}:{self._seen[digest]}"

    def _related(self, locations: Iterable[tuple[str, Location]]) -> Mapping[str, object]:
        related = [
            {"id": number, "physicalLocation": self._location(location), "message": {"text": message}}
            for number, (message, location) in enumerate(locations, start=1)
        ]
        return {"relatedLocations": related} if related else {}

    def _suppressions(self, suppression: tuple[str, Location] | None) -> Mapping[str, object]:
        if suppression is None:
            return {}
        reason, location = suppression
        at = {"location": {"physicalLocation": self._location(location)}} if location.line else {}
        # Without `status`, which means accepted: two published schemas of 2.1.0 differ in the name of that field.
        return {"suppressions": [{"kind": "external", "justification": reason, **at}]}

    def _location(self, location: Location) -> Mapping[str, object]:
        region = {"region": self._regions.region(location)} if location.line else {}
        return {"artifactLocation": {"uri": _uri(location.file)}, **region}


def _uri(file: str) -> str:
    path, here = Path(file).resolve(), Path.cwd().resolve()
    return quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()


def _version() -> str:
    try:
        return metadata.version("rolecall")
    except metadata.PackageNotFoundError:
        return "0"
