"""What the linter says of valid policies, and of which it says nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from rolecall.policy.document import TrustPolicy
from rolecall.policy.linting.findings import Severity
from rolecall.policy.linting.lint import lint
from rolecall.policy.linting.rules import RULES
from rolecall.policy.operators import OPERATORS, Family
from rolecall.policy.parser import parse_policy
from rolecall.policy.readers import read_date

NOW = read_date("2026-06-01T00:00:00Z")
OIDC = {"Federated": "acs:ram::1:oidc-provider/p"}
SAML = {"Federated": ["acs:ram::1:saml-provider/p"]}
USER = {"RAM": "acs:ram::1:user/u"}
OTHER_ROOT = {"RAM": ["acs:ram::1:root", "acs:ram::2:root"]}
AUD = {"oidc:aud": "sts.aliyuncs.com"}
SUB = {"oidc:sub": "repo:acme@1/app@2:ref:refs/heads/main"}


def policy(principal: object, condition: object = None, effect: str = "Allow") -> TrustPolicy:
    statement = {"Effect": effect, "Action": "sts:AssumeRole", "Principal": principal}
    if condition is not None:
        statement["Condition"] = condition
    return parse_policy(json.dumps({"Version": "1", "Statement": [statement]}))


def findings(found: TrustPolicy, account: str = "1") -> list[tuple[str, str]]:
    return [(f.id, f.pointer.removeprefix("/Statement/0")) for f in lint(found, now=NOW, account=account)]


def sub(pattern: str, operator: str = "StringLike") -> TrustPolicy:
    return policy(OIDC, {"StringEquals": AUD, operator: {"oidc:sub": [pattern]}})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(policy(OIDC, {"StringEquals": AUD}), ("oidc-without-subject", ""), id="oidc-no-subject"),
        pytest.param(
            policy(OIDC, {"StringEquals": AUD, "StringNotEquals": SUB}),
            ("oidc-without-subject", ""),
            id="oidc-negated-subject",
        ),
        pytest.param(policy(OIDC, {"StringEquals": SUB}), ("oidc-without-audience", ""), id="oidc-no-audience"),
        pytest.param(policy(SAML), ("saml-without-recipient", ""), id="saml-no-recipient"),
        pytest.param(policy(OTHER_ROOT), ("root-without-external-id", "/Principal/RAM/1"), id="other-root"),
        pytest.param(
            policy(USER, {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}),
            ("open-network", "/Condition/IpAddress/acs:SourceIp/1"),
            id="every-ipv4",  # row 34 of the faults
        ),
        pytest.param(
            policy(USER, {"IpAddress": {"acs:SourceIp": "::/0"}}),
            ("open-network", "/Condition/IpAddress/acs:SourceIp"),
            id="every-ipv6",  # row 34 of the faults
        ),
        pytest.param(
            policy(USER, {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}}),
            ("allow-for-all-values", "/Condition/ForAllValues:StringEquals/acs:SourceVpc"),
            id="for-all",
        ),
        pytest.param(
            policy(USER, {"StringNotEquals": {"acs:SourceVpc": "v"}, "NotIpAddress": {"acs:SourceIp": "10.0.0.1"}}),
            ("allow-only-negated", "/Condition"),
            id="only-negated",
        ),
        pytest.param(
            policy(USER, {"Bool": {"acs:MFAPresent": "false"}}, "Deny"),
            ("deny-on-absent-key", "/Condition/Bool/acs:MFAPresent"),
            id="deny-positive",
        ),
        pytest.param(
            policy({"Service": "ecs.aliyuncs.com"}, {"StringLike": {"acs:PrincipalArn": "*"}}, "Deny"),
            ("deny-on-absent-key", "/Condition/StringLike/acs:PrincipalArn"),
            id="deny-service-by-arn",
        ),
        pytest.param(
            policy({**OIDC, **USER}, {"StringEquals": SUB}, "Deny"),
            ("deny-on-absent-key", "/Condition/StringEquals/oidc:sub"),
            id="deny-users-by-subject",
        ),
        pytest.param(
            policy(USER, {"DateLessThan": {"acs:CurrentTime": "2026-06-01T00:00:00Z"}}),
            ("past-date", "/Condition/DateLessThan/acs:CurrentTime"),
            id="past-to-the-microsecond",
        ),
        pytest.param(
            policy(USER, {"DateEquals": {"acs:CurrentTime": ["2025-01-01T00:00:00Z", "2024-01-01T00:00:00Z"]}}, "Deny"),
            ("past-date", "/Condition/DateEquals/acs:CurrentTime"),
            id="past-instants",
        ),
        pytest.param(
            policy(USER, {"Bool": {"acs:MFAPresent": [True]}}),
            ("unquoted-scalar", "/Condition/Bool/acs:MFAPresent/0"),
            id="unquoted",
        ),
        pytest.param(
            policy(USER, {"StringLike": {"acs:SourceVPC": "x"}}),
            ("unknown-condition-key", "/Condition/StringLike/acs:SourceVPC"),
            id="unknown-key-with-a-near-one",
        ),
        pytest.param(
            policy(USER, {"StringLike": {"team": "x"}}),
            ("unknown-condition-key", "/Condition/StringLike/team"),
            id="unknown-key",
        ),
        pytest.param(
            policy(USER, {"StringLike": {"acs:SourceVpc": ["a", "b", "a"]}}),
            ("duplicate-value", "/Condition/StringLike/acs:SourceVpc/2"),
            id="value-twice",
        ),
        pytest.param(
            policy({"RAM": ["acs:ram::1:user/u", "acs:ram::1:user/u"]}),
            ("duplicate-value", "/Principal/RAM/1"),
            id="principal-twice",
        ),
        pytest.param(policy(USER, {}), ("empty-condition", "/Condition"), id="empty-condition"),
        pytest.param(policy({"Service": [], "RAM": []}), ("matches-nobody", "/Principal"), id="no-principal"),
        pytest.param(
            policy(
                USER,
                {
                    "DateGreaterThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"},
                    "DateLessThanEquals": {"acs:CurrentTime": "2027-01-01T00:00:00Z"},
                },
            ),
            ("matches-nobody", "/Condition/DateLessThanEquals/acs:CurrentTime"),
            id="empty-window",
        ),
        pytest.param(
            policy(
                USER,
                {
                    "StringEquals": {"sts:ExternalId": ["ab", "cd"]},
                    "StringNotEqualsIgnoreCase": {"sts:ExternalId": ["CD", "AB"]},
                },
            ),
            ("matches-nobody", "/Condition/StringNotEqualsIgnoreCase/sts:ExternalId"),
            id="contradiction",
        ),
        pytest.param(
            policy(USER, {"Bool": {"acs:MFAPresent": "true"}, "ForAnyValue:Bool": {"acs:MFAPresent": "FALSE"}}),
            ("matches-nobody", "/Condition/ForAnyValue:Bool/acs:MFAPresent"),
            id="contradiction-of-truth-values",
        ),
    ],
)
def test_a_rule_fires(found: TrustPolicy, expected: tuple[str, str]) -> None:
    assert findings(found) == [expected]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(policy(USER), id="user"),
        pytest.param(policy({"RAM": "acs:ram::1:root"}), id="own-root"),
        pytest.param(policy(OTHER_ROOT, {"StringEquals": {"sts:ExternalId": "ab"}}), id="other-root-with-external-id"),
        pytest.param(policy(OTHER_ROOT, effect="Deny"), id="other-root-denied"),
        pytest.param(policy(OIDC, {"StringEquals": {**AUD, **SUB}}), id="oidc"),
        pytest.param(policy(OIDC, effect="Deny"), id="oidc-denied"),
        pytest.param(policy(OIDC, {"StringEquals": SUB}, "Deny"), id="oidc-subject-denied"),
        pytest.param(policy(SAML, {"StringEquals": {"saml:recipient": "https://x"}}), id="saml"),
        pytest.param(policy(USER, {"IpAddress": {"acs:SourceIp": "0.0.0.0/1"}}), id="half-the-internet"),
        pytest.param(
            policy(USER, {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}}, "Deny"), id="for-all-in-a-deny"
        ),
        pytest.param(policy(USER, {"NotIpAddress": {"acs:SourceIp": "10.0.0.1"}}, "Deny"), id="deny-negated"),
        pytest.param(
            policy(
                USER,
                {"Bool": {"acs:MFAPresent": "true"}, "NotIpAddress": {"acs:SourceIp": "10.0.0.1"}},
            ),
            id="negated-beside-positive",
        ),
        pytest.param(policy(USER, {"StringLike": {"acs:PrincipalARN": "*"}}, "Deny"), id="deny-user-by-arn"),
        pytest.param(
            policy(USER, {"DateGreaterThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}}, "Deny"), id="since-long"
        ),
        pytest.param(
            policy(USER, {"DateLessThanEquals": {"acs:CurrentTime": "2026-06-01T00:00:00Z"}}), id="last-moment"
        ),
        pytest.param(
            policy(USER, {"DateEquals": {"acs:CurrentTime": "2026-06-02T00:00:00Z"}}), id="an-instant-to-come"
        ),
        pytest.param(
            policy(
                USER,
                {
                    "DateGreaterThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"},
                    "DateLessThan": {"acs:CurrentTime": "2027-01-01T00:00:01Z"},
                },
            ),
            id="window",
        ),
        pytest.param(
            policy(USER, {"StringEquals": {"acs:RequestTag/a": "x"}, "StringNotEquals": {"acs:RequestTag/a": "x"}}),
            id="a-key-with-several-values",
        ),
        pytest.param(
            policy(USER, {"StringEquals": {"sts:ExternalId": "ab"}, "NumericEquals": {"sts:ExternalId": "1"}}),
            id="unreadable-is-no-contradiction",
        ),
        pytest.param(
            policy(USER, {"StringLike": {"sts:ExternalId": "a*"}, "StringNotLike": {"sts:ExternalId": "a*"}}),
            id="patterns-are-not-tried",
        ),
        pytest.param(policy({"RAM": ["acs:ram::1:user/u", "acs:ram::1:user/U"]}), id="users-of-different-case"),
    ],
)
def test_no_rule_fires(found: TrustPolicy) -> None:
    assert findings(found) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "repo:*",
        "repo*",
        "repo:acme/*",
        "repo:acme*",
        "repo:acme/*:ref:refs/heads/main",
        "repo:*/app:*",
        "project_path:acme/*:ref_type:branch",
        "system:serviceaccount:*",
        "system:serviceaccount:*:web",
        "org/0123/*",
        "org/0123/project/*",
        "organization:acme:*",
        "organization:acme:pipeline:*",
        "organization:acme:project:*:workspace:main",
        "repo:acme@1/*",
    ],
)
def test_a_subject_as_wide_as_an_organisation_is_found(pattern: str) -> None:
    assert findings(sub(pattern)) == [("organisation-wide-subject", "/Condition/StringLike/oidc:sub/0")]


@pytest.mark.parametrize(
    "pattern",
    [
        "repo:acme@1/app@2:*",
        "repo:acme@1/app@?:*",
        "system:serviceaccount:web:*",
        "project_path:acme/app:*",
        "organization:acme:pipeline:app:*",
        "organization:acme:pipeline:app-*",
        "org/0123/project/45*",
        "someone",
    ],
)
def test_a_subject_that_names_its_project_is_not_broad(pattern: str) -> None:
    assert findings(sub(pattern)) == []


def test_a_subject_that_may_be_missing_is_none() -> None:
    found = policy(OIDC, {"StringEquals": AUD, "ForAllValues:StringEquals": SUB})

    assert [name for name, _ in findings(found)] == ["oidc-without-subject", "allow-for-all-values"]


def test_a_subject_that_everything_matches_is_none() -> None:
    for pattern in ("*", "**", "?*", "*?*"):
        assert findings(sub(pattern)) == [
            ("oidc-without-subject", ""),
            ("restricts-nobody", "/Condition/StringLike/oidc:sub/0"),
        ]


def test_a_broad_subject_beside_a_narrow_one_is_harmless() -> None:
    found = policy(OIDC, {"StringEquals": {**AUD, **SUB}, "StringLike": {"oidc:sub": "repo:acme@1/*"}})

    assert findings(found) == []


def test_a_root_may_be_its_own_account_when_that_is_not_known() -> None:
    first, second = lint(policy(OTHER_ROOT), now=NOW)

    assert first.id == second.id == "root-without-external-id"
    assert "unless that is the role's own account" in first.message


def test_findings_come_in_document_order_with_places() -> None:
    text = """{"Version": "1", "Statement": [
  {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/u"},
   "Condition": {"Bool": {"acs:MFAPresent": true, "acs:mfapresent": "true"}}},
  {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": []}}]}"""

    found = lint(parse_policy(text), now=NOW)

    assert [(f.id, f.severity, f.line, f.column) for f in found] == [
        ("unquoted-scalar", Severity.NOTE, 3, 45),
        ("unknown-condition-key", Severity.WARNING, 3, 69),
        ("matches-nobody", Severity.WARNING, 4, 64),
    ]
    assert found[1].fix == "did you mean `acs:MFAPresent`?"
    assert str(found[2]).startswith("/Statement/1/Principal: warning: the statement names no principal")


def test_severities_are_ranked_from_the_most_serious() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [Severity.ERROR, Severity.WARNING, Severity.NOTE]


def test_a_policy_without_text_is_linted_without_places() -> None:
    built = replace(policy(OIDC), text="")

    assert {(f.line, f.column) for f in lint(built, now=NOW)} == {(0, 0)}
    assert {f.pointer for f in lint(built, now=NOW)} == {"/Statement/0"}


VALUES = {
    Family.STRING: st.text("ab*?:/", max_size=8),
    Family.NUMERIC: st.sampled_from(["1", "-2.5"]),
    Family.DATE: st.sampled_from(["2026-01-01T00:00:00Z", "2027-01-01T00:00:00+23:59", "0001-01-01T00:00:00+01:00"]),
    Family.BOOL: st.sampled_from(["true", "FALSE"]),
    Family.IP: st.sampled_from(["::/0", "10.0.0.1", "0.0.0.0/0"]),
}
KEYS = st.sampled_from(
    ["oidc:sub", "oidc:aud", "sts:ExternalId", "acs:PrincipalArn", "acs:MFAPresent", "x~/y", "\u202e"]
)
CONDITIONS = st.sampled_from(sorted(OPERATORS)).flatmap(
    lambda name: st.tuples(
        st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]).map(lambda prefix: prefix + name),
        st.dictionaries(
            st.just("acs:CurrentTime") | KEYS if OPERATORS[name].family is Family.DATE else KEYS,
            st.lists(VALUES[OPERATORS[name].family], min_size=1, max_size=4),
            min_size=1,
            max_size=3,
        ),
    )
)
PRINCIPALS = st.sampled_from([OIDC, SAML, USER, OTHER_ROOT, {"Service": []}, {**OIDC, **USER}])


@given(PRINCIPALS, st.lists(CONDITIONS, min_size=1, max_size=4).map(dict), st.sampled_from(["Allow", "Deny"]))
def test_no_valid_policy_makes_the_linter_raise(principal: object, condition: object, effect: str) -> None:
    for finding in lint(policy(principal, condition, effect), now=NOW):
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.message.isprintable()
        assert finding.pointer.isprintable()
        assert finding.fix.isprintable()


def test_findings_of_one_line_come_in_the_order_of_their_columns() -> None:
    found = lint(
        policy(
            {"RAM": ["acs:ram::1:user/u", "acs:ram::1:user/u"]},
            {"IpAddress": {"acs:SourceIp": ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/8"]}},
        ),
        now=NOW,
    )

    assert [finding.id for finding in found] == ["duplicate-value", "open-network", "duplicate-value"]
    assert {finding.line for finding in found} == {1}
    assert [finding.column for finding in found] == sorted(finding.column for finding in found)


def test_every_rule_has_its_severity() -> None:
    severities = {rule.id: Severity(rule.severity) for rule in RULES}
    found = lint(policy(OIDC), now=NOW, account="1")

    assert {finding.id: finding.severity for finding in found} == {
        "oidc-without-subject": Severity.ERROR,
        "oidc-without-audience": Severity.WARNING,
    }
    assert {rule for rule, severity in severities.items() if severity is Severity.ERROR} == {
        "oidc-without-subject",
        "organisation-wide-subject",
    }
    assert {rule for rule, severity in severities.items() if severity is Severity.NOTE} == {
        "unquoted-scalar",
        "duplicate-value",
        "mutable-subject",
    }
    assert len(severities) == len(RULES) == 21


@pytest.mark.parametrize(("values", "found"), [(2, True), (1_000, False)])
def test_conditions_that_contradict_each_other_are_looked_for_while_that_is_cheap(values: int, found: bool) -> None:
    texts = [f"aaaa{number}" for number in range(values)]
    masked = [f"*?a*?a?{chr(ord('A') + number % 26)}{number}*" for number in range(200)]

    examined = policy(USER, {"StringEquals": {"sts:ExternalId": texts}, "StringLike": {"sts:ExternalId": masked}})

    assert ("matches-nobody" in {name for name, _ in findings(examined)}) is found
