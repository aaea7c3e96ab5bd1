"""Look for known vulnerabilities of the locked packages, with pip-audit: `python -m tests.audit`, or `make audit`.

Each vulnerability is printed, and the command ends with 1. A package that the service of vulnerabilities does not know, or all
of them if it does not answer, are printed as not audited; with `AUDIT_REQUIRED=1`, for a release, that ends with 1 too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.repository.tree import ROOT

LOCKS = ("runtime", "dev", "build")
SECONDS = 300


def main() -> int:
    """Audit the locks; return the exit code."""
    findings: list[str] = []
    skipped: list[str] = []
    audited: set[str] = set()
    for name in LOCKS:
        report = audited_lock(name)
        findings += vulnerabilities(report)
        skipped += not_audited(report, name)
        audited |= {f"{d['name']}=={d['version']}" for d in report["dependencies"] if "version" in d}
    return concluded(sorted(set(findings)), sorted(set(skipped)), len(audited))


def audited_lock(name: str) -> dict[str, Any]:
    """Return pip-audit's report of a lock; without an answer it has the error instead of dependencies."""
    auditor, lock = str(ROOT / ".venv/audit/bin/pip-audit"), str(ROOT / f"requirements/{name}.lock")
    command = [
        auditor,
        "--requirement",
        lock,
        "--require-hashes",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        report: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"dependencies": [], "error": f"no answer in {SECONDS} s"}
    except json.JSONDecodeError:
        return {"dependencies": [], "error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    return report


def vulnerabilities(report: dict[str, Any]) -> list[str]:
    """Return a line for each vulnerability of a report."""
    return [
        f"{d['name']} {d['version']}: {v['id']}; fixed in {', '.join(v['fix_versions']) or 'no version yet'}"
        for d in report["dependencies"]
        for v in d.get("vulns", ())
    ]


def not_audited(report: dict[str, Any], name: str) -> list[str]:
    """Return a line for each package of a report that was not audited, and for a lock without an answer."""
    lines = [f"{d['name']}: {d['skip_reason']}" for d in report["dependencies"] if "skip_reason" in d]
    return [*lines, f"all of {name}.lock: {report['error']}"] if "error" in report else lines


def concluded(findings: list[str], skipped: list[str], audited: int) -> int:
    """Print what was found; return the exit code."""
    for line in skipped:
        print(f"NOT AUDITED  {line}")
    for line in findings:
        print(f"VULNERABLE   {line}")
    print(f"{len(findings)} known vulnerabilities in {audited} packages; {len(skipped)} could not be audited")
    return 1 if findings or (skipped and os.environ.get("AUDIT_REQUIRED") == "1") else 0


if __name__ == "__main__":
    sys.exit(main())
