from __future__ import annotations

from rolecall.callers.declarations import CallersFile
from rolecall.callers.lint import lint_callers
from rolecall.policy.permission.lint import lint_permissions
from tests.callers.files import ACCOUNT, ISSUER, TOKEN_HASH, allowing, callers, entry

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
    principals = ("user/a", "user/b", "role/A", "role/a", "role/b")
    entries = [entry(f"e{i}", principal=f"acs:ram::{ACCOUNT}:{p}") for i, p in enumerate(principals)]

    assert findings(callers(ADMIN, *entries[:2])) == [("principal-conflict", "/callers/2/principal")]
    assert findings(callers(ADMIN, *entries[2:4])) == []
    assert findings(callers(ADMIN, *entries[3:])) == [("principal-conflict", "/callers/2/principal")]
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


def facts(file: CallersFile, name: str) -> list[tuple[str, str]]:
    return [(finding.severity.value, finding.pointer) for finding in lint_callers(file, now=NOW) if finding.id == name]


def test_how_serious_each_finding_is() -> None:
    administrators = callers(entry("many", match={"dns": "*.svc"}, policies=["AdministratorAccess"], until=ENDED))
    conflict = callers(*(entry(name, principal=f"acs:ram::{ACCOUNT}:user/{name}") for name in "ab"))
    provider = {
        "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci", "issuer": "https://ci.example", "audiences": ["sts"],
        "jwks_file": "/ci.json", "allow_asserted": True,
    }  # fmt: skip

    assert facts(administrators, "entry-ended") == [("warning", "/callers/0/until")]
    assert facts(administrators, "administrators-by-wildcard") == [("warning", "/callers/0/match")]
    assert facts(conflict, "no-administrator") == [("note", "/callers")]
    assert facts(conflict, "principal-conflict") == [("error", "/callers/1/principal")]
    assert facts(callers(providers=[{**provider, "allow_asserted": False}, {**provider, "arn": OTHER_ARN}]), "claims-asserted") == [
        ("warning", "/providers/1/allow_asserted")
    ]  # fmt: skip


ENDED = "2026-01-01T00:00:00Z"
OTHER_ARN = f"acs:ram::{ACCOUNT}:oidc-provider/other"


def test_an_entry_may_be_for_administrators_or_have_a_wildcard() -> None:
    file = callers(
        entry("one", match={"dns": "one.svc"}, policies=["AdministratorAccess"]),
        entry("many", match={"dns": "*.svc"}, policies=["RolecallDecider", "RolecallAuditor"]),
    )

    assert findings(file) == []


def test_principals_conflict_for_one_caller_and_while_both_entries_last() -> None:
    def named(user: str, **fields: object) -> dict[str, object]:
        return entry(user, **{"principal": f"acs:ram::{ACCOUNT}:user/{user}", **fields})

    token = {"match": {"token_sha256": TOKEN_HASH}}
    through, alone = named("a", **token, via={"dns": "proxy.svc"}), named("b", **token)
    later = "2026-01-01T00:00:01Z"

    assert findings(callers(ADMIN, named("a"), named("b", match={"dns": "b.svc"}))) == []
    assert findings(callers(ADMIN, through, alone)) == []
    assert findings(callers(ADMIN, entry("x"), named("a"))) == []
    assert facts(callers(ADMIN, named("a"), named("b", until=ENDED)), "principal-conflict") == []
    for conflicting in ([named("a"), named("b", until=later)], [named("a", until=later), named("b"), named("c")]):
        expected = [("error", f"/callers/{number}/principal") for number in range(2, len(conflicting) + 1)]
        assert facts(callers(ADMIN, *conflicting), "principal-conflict") == expected


def test_a_trust_domain_is_used_by_a_match_or_by_a_certificate_beside_a_token() -> None:
    oidc = {"oidc": {"issuer": ISSUER, "subject": "a:b", "audience": "rolecall"}}
    via = {"spiffe": "spiffe://dev.example/proxy"}

    used = callers(ADMIN, entry(match=oidc, via=via), entry("own"))
    dns = callers(ADMIN, entry(match=oidc, via={"dns": "dev.example"}))

    assert facts(used, "unused-declaration") == []
    assert facts(dns, "unused-declaration") == [
        ("note", "/trust_domains/prod.example"),
        ("note", "/trust_domains/dev.example"),
    ]


def test_a_caller_with_too_many_policies_through_its_certificate_is_found() -> None:
    names = [f"P{number}" for number in range(21)]
    match, via = {"token_sha256": TOKEN_HASH}, {"dns": "*.svc"}
    entries = [
        entry("a", match=match, via=via, policies=names[:20]),
        entry("b", match=match, via=via, policies=names[20:]),
    ]
    policies = {name: allowing("ram:GetRole", resource="acs:ram:*:1:role/a") for name in names}

    both = callers(ADMIN, *entries, policies=policies)
    ended = callers(ADMIN, entries[0], entries[1] | {"until": ENDED}, policies=policies)

    assert facts(both, "too-many-policies") == [("error", "/callers/1/policies"), ("error", "/callers/2/policies")]
    assert facts(ended, "too-many-policies") == []


def test_what_is_found_in_a_policy_has_neither_a_place_nor_an_edit_of_the_policy_alone() -> None:
    file = callers(
        ADMIN, entry(policies=["Mine"]), policies={"Mine": allowing("ram:GetRoles", resource="acs:ram:*:1:role/a")}
    )

    (found,) = (finding for finding in lint_callers(file, now=NOW) if finding.id == "unknown-action")

    assert (found.pointer, found.line, found.column, found.edit) == ("/policies/Mine/Statement/0/Action/0", 0, 0, None)


def test_an_edit_of_a_policy_alone_is_not_one_of_the_file() -> None:
    policy = allowing("ram:GetRole", resource="acs:ram:*:1:role/a", Condition={"StringEquals": {"acs:sourceip": "x"}})
    file = callers(ADMIN, entry(policies=["Mine"]), policies={"Mine": policy})

    alone = [finding for finding in lint_permissions(file.policies[0].policy, now=NOW) if finding.edit is not None]
    of_file = [finding for finding in lint_callers(file, now=NOW) if finding.id == "unknown-condition-key"]

    assert [finding.id for finding in alone] == ["unknown-condition-key"]
    assert [(finding.pointer, finding.edit) for finding in of_file] == [
        ("/policies/Mine/Statement/0/Condition/StringEquals/acs:sourceip", None)
    ]


def test_a_condition_on_a_time_that_has_passed_is_found_by_the_given_time() -> None:
    def named(day: str) -> CallersFile:
        condition = {"DateLessThan": {"acs:CurrentTime": f"{day}T00:00:00Z"}}
        policy = allowing("ram:GetRole", resource="acs:ram:*:1:role/a", Condition=condition)
        return callers(ADMIN, entry(policies=["Mine"]), policies={"Mine": policy})

    assert findings(named("2026-01-02")) == []
    assert [pointer for _, pointer in findings(named("2025-12-31"))] != []
