"""What the audit and the bill of materials report, from reports of their tools."""

from __future__ import annotations

from typing import Any

import pytest

from tests.audit.__main__ import concluded, not_audited, vulnerabilities
from tests.audit.sbom import BILL, LOCK, faults

KNOWN: dict[str, Any] = {
    "name": "pyyaml",
    "version": "5.1",
    "vulns": [{"id": "PYSEC-2020-96", "fix_versions": ["5.3.1"]}],
}
UNFIXED: dict[str, Any] = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": []}]}
UNKNOWN: dict[str, Any] = {"name": "grpcio", "skip_reason": "not found"}
CLEAN: dict[str, Any] = {"name": "rich", "version": "15.0.0", "vulns": []}
LOCKED = 'rich==15.0.0 \\\n    --hash=sha256:ab\nuvloop==0.23.0 ; sys_platform != "win32" \\\n    --hash=sha256:cd\n'


def test_every_known_vulnerability_is_listed_with_the_version_that_fixes_it() -> None:
    found = vulnerabilities({"dependencies": [KNOWN, UNKNOWN, CLEAN, UNFIXED]})

    assert found == ["pyyaml 5.1: PYSEC-2020-96; fixed in 5.3.1", "old 1: PYSEC-2026-1; fixed in no version yet"]


def test_what_could_not_be_audited_is_listed_and_not_taken_for_clean() -> None:
    skipped = not_audited({"dependencies": [UNKNOWN, CLEAN], "error": "no answer in 300 s"}, "dev")

    assert skipped == ["grpcio: not found", "all of dev.lock: no answer in 300 s"]


@pytest.mark.parametrize(
    ("findings", "skipped", "required", "code"),
    [([], [], "", 0), ([], ["x"], "", 0), ([], ["x"], "1", 1), (["v"], [], "", 1), (["v"], ["x"], "1", 1)],
)
def test_a_vulnerability_always_fails_and_a_silent_service_only_a_release(
    findings: list[str], skipped: list[str], required: str, code: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("AUDIT_REQUIRED", required)

    assert concluded(findings, skipped, 7) == code

    out = capsys.readouterr().out
    assert f"{len(findings)} known vulnerabilities in 7 packages; {len(skipped)} could not be audited" in out
    assert all(line in out for line in (*findings, *skipped))


def test_a_bill_that_lacks_a_package_a_hash_or_the_product_is_refused() -> None:
    hashed = {"externalReferences": [{"hashes": [{"alg": "SHA-256", "content": "ab"}]}]}
    whole = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"name": "rolecall"}},
        "components": [
            {"name": "rich", "version": "15.0.0", **hashed},
            {"name": "uvloop", "version": "0.23.0", **hashed},
        ],
    }

    assert faults(whole, LOCKED) == []
    assert faults(whole | {"metadata": {}}, LOCKED) == ["the bill is not about rolecall"]
    assert faults(whole | {"specVersion": "1.2"}, LOCKED) == ["not CycloneDX 1.6"]
    assert faults(whole | {"components": [{"name": "rich", "version": "15.0.0"}]}, LOCKED) == [
        "rich 15.0.0 has no hash",
        "uvloop 0.23.0 is missing",
    ]


def test_the_bill_is_written_from_the_lock_of_the_image() -> None:
    assert LOCK.name == "runtime.lock"
    assert BILL.parent.name == "dist"
