"""Write the bill of materials of the server (CycloneDX 1.6), and check it: `python -m tests.audit.sbom`, or `make sbom`.

It lists the packages of `requirements/runtime.lock`, with their hashes: those that the image has.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.repository.tree import ROOT

LOCK, BILL = ROOT / "requirements/runtime.lock", ROOT / "dist/sbom.cdx.json"
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]+\])?==([^\s;]+)", re.MULTILINE)


def main() -> int:
    """Write the bill; print what is wrong with it, and return the exit code."""
    BILL.parent.mkdir(exist_ok=True)
    write(LOCK, BILL)
    wrong = faults(json.loads(BILL.read_text()), LOCK.read_text())
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{BILL.relative_to(ROOT)}: {len(_LOCKED.findall(LOCK.read_text()))} packages, {len(wrong)} faults")
    return 1 if wrong else 0


def write(lock: Path, bill: Path) -> None:
    """Write the bill of a lock, validated against the schema of CycloneDX; the same lock gives the same bytes."""
    command = [
        str(ROOT / ".venv/audit/bin/cyclonedx-py"), "requirements", "--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application",
        "--spec-version", "1.6", "--output-format", "JSON", "--output-reproducible", "--validate", "--output-file", str(bill), str(lock),
    ]  # fmt: skip
    # It warns that a requirements file says nothing about what depends on what.
    subprocess.run(command, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})


def faults(bill: dict[str, Any], lock: str) -> list[str]:
    """Return what a bill lacks: the format, the product, or a package of the lock with its version and hashes."""
    found = {(c["name"].lower(), c["version"]): c for c in bill.get("components", ())}
    wrong = [] if (bill.get("bomFormat"), bill.get("specVersion")) == ("CycloneDX", "1.6") else ["not CycloneDX 1.6"]
    if bill.get("metadata", {}).get("component", {}).get("name") != "rolecall":
        wrong.append("the bill is not about rolecall")
    for name, version in _LOCKED.findall(lock):
        component = found.get((name.lower(), version))
        if component is None:
            wrong.append(f"{name} {version} is missing")
        elif "hashes" not in json.dumps(component):
            wrong.append(f"{name} {version} has no hash")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
