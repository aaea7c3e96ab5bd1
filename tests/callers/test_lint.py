from __future__ import annotations

from rolecall.callers.declarations import CallersFile
from rolecall.callers.lint import lint_callers
from tests.callers.files import ACCOUNT, ISSUER, allowing, callers, entry

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
ADMIN = entry("admin", match={"local": True}, policies=["AdministratorAccess"])


def findings(file: CallersFile) -> list[tuple[str, str]]:
    return [
        (finding.id, finding.pointer)
        for finding in lint_callers(file, now=NOW)
        if not finding.pointer.startswith(("/issuers", "/trust_domains"))
    ]


def test_an_ordinary_file_has_no_findings() -> None:
    assert findings(callers(ADMIN, entry())) == []


def test_an_entry_that_has_ended() -> None:
    ended, lasting = entry(until="2026-01-01T00:00:00Z"), entry("b", until="2026-01-01T00:00:01Z")

    assert findings(callers(ADMIN, ended, lasting)) == [("entry-ended", "/callers/1/until")]


def test_administrators_by_a_pattern_and_a_file_without_any() -> None:
    many = entry(match={"dns": "*.admin.svc"}, policies=["AdministratorAccess"])

    assert findings(callers(many)) == [("administrators-by-wildcard", "/callers/0/match")]
    assert findings(callers(entry())) == [("no-administrator", "/callers")]


def test_two_principals_of_one_caller() -> None:
    principals = ("user/a", "user/b", "role/A", "role/a")
    entries = [entry(f"e{i}", principal=f"acs:ram::{ACCOUNT}:{p}") for i, p in enumerate(principals)]

    assert findings(callers(ADMIN, *entries[:2])) == [("principal-conflict", "/callers/2/principal")]
    assert findings(callers(ADMIN, *entries[2:])) == []
    assert findings(callers(ADMIN, entries[0], entries[1] | {"until": "2025-01-01T00:00:00Z"})) == [
        ("entry-ended", "/callers/2/until")
    ]


def test_what_no_entry_uses() -> None:
    file = callers(ADMIN, entry(), policies={"Mine": allowing("ram:GetRole")})

    found = [(f.id, f.pointer) for f in lint_callers(file, now=NOW)]

    assert found == [
        ("unused-declaration", "/policies/Mine"),
        ("unused-declaration", f"/issuers/{ISSUER.replace('/', '~1')}"),
        ("unused-declaration", "/trust_domains/dev.example"),
    ]


def test_claims_that_need_no_token() -> None:
    provider = {
        "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci",
        "issuer": "https://ci.example",
        "audiences": ["sts"],
        "jwks_file": "/ci.json",
        "allow_asserted": True,
    }

    assert findings(callers(ADMIN, providers=[provider])) == [("claims-asserted", "/providers/0/allow_asserted")]


def test_the_findings_of_a_policy_have_their_pointer_in_the_file() -> None:
    file = callers(ADMIN, entry(policies=["Mine"]), policies={"Mine": allowing("sts:AssumeRole")})

    assert [pointer for _, pointer in findings(file)] == ["/policies/Mine/Statement/0/Action/0"]


def test_more_policies_than_a_caller_may_have() -> None:
    names = [f"P{number}" for number in range(21)]
    file = callers(
        ADMIN,
        entry("one", policies=names[:20]),
        entry("two", match={"spiffe": "spiffe://prod.example/ns/shop/sa/*"}, policies=names[20:]),
        policies={name: allowing("ram:GetRole", "ram:ListRoles", resource="acs:ram:*:1:role/*") for name in names},
    )

    assert ("too-many-policies", "/callers/1/policies") in findings(file)
    assert ("too-many-policies", "/callers/2/policies") not in findings(file)


def test_a_fix_in_a_policy_that_allows_more_is_marked() -> None:
    file = callers(
        ADMIN, entry(policies=["Mine"]), policies={"Mine": allowing("ram:GetRoles", resource="acs:ram:*:1:role/a")}
    )

    (found,) = (finding for finding in lint_callers(file, now=NOW) if finding.id == "unknown-action")

    assert found.changes_meaning
