"""What the linter says of single values: whether any request can satisfy them, and whether they exclude anybody."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.policy.document import Effect
from rolecall.policy.foreign_names import ForeignName, foreign_key, foreign_service
from rolecall.policy.linting.findings import Edit, Finding
from rolecall.policy.linting.lint import lint
from rolecall.policy.linting.subjects import is_mutable_github_subject
from rolecall.policy.linting.value_faults import fault_of
from tests.policy.test_lint import AUD, NOW, OIDC, OTHER_ROOT, SAML, SUB, USER, findings, policy


def found(principal: Any, condition: Any, effect: str = "Allow") -> list[Finding]:
    return list(lint(policy(principal, condition, effect), now=NOW, account="1"))


def ids(principal: Any, condition: Any, effect: str = "Allow") -> list[str]:
    return [finding.id for finding in found(principal, condition, effect)]


@pytest.mark.parametrize(
    ("operator", "like"),
    [
        ("StringEquals", "StringLike"),
        ("StringEqualsIgnoreCase", "StringLike"),
        ("StringNotEquals", "StringNotLike"),
        ("StringNotEqualsIgnoreCase", "StringNotLike"),
        ("ForAnyValue:StringEquals", "ForAnyValue:StringLike"),
        ("ForAllValues:StringEquals", "ForAllValues:StringLike"),
    ],
)
@pytest.mark.parametrize("value", ["web-*", "web-?"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_wildcard_under_equals_is_compared_by_the_letter(operator: str, like: str, value: str, effect: str) -> None:
    all_of_them = found(USER, {operator: {"acs:SourceVpc": ["vpc-1", value]}}, effect)

    finding = next(finding for finding in all_of_them if finding.id == "wildcard-under-equals")
    pointer = f"/Statement/0/Condition/{operator}/acs:SourceVpc"
    assert finding.pointer == f"{pointer}/1"
    assert finding.edit == (None if "IgnoreCase" in operator else Edit(pointer, operator=like))
    assert finding.changes_meaning == ((effect == "Allow") == ("Not" not in operator))
    assert f"`{like}`" in finding.fix


def test_a_change_that_would_make_one_condition_of_two_is_none() -> None:
    (finding, *_) = found(USER, {"StringEquals": {"acs:SourceVpc": "a*"}, "StringLike": {"acs:SourceVpc": "b*"}})

    assert (finding.id, finding.edit) == ("wildcard-under-equals", None)


@pytest.mark.parametrize(
    ("effect", "operator", "consequence"),
    [
        ("Allow", "StringEquals", "so it never matches"),
        ("Deny", "StringEquals", "so it never denies"),
        ("Allow", "StringNotEquals", "so the statement applies whatever the value"),
        ("Deny", "StringNotEquals", "so it denies every value"),
    ],
)
def test_the_consequence_of_a_wildcard_under_equals_is_said(effect: str, operator: str, consequence: str) -> None:
    finding = next(
        f for f in found(USER, {operator: {"acs:SourceVpc": "*"}}, effect) if f.id == "wildcard-under-equals"
    )

    assert finding.message.endswith(consequence)


def test_a_query_in_an_address_is_no_wildcard() -> None:
    assert ids(SAML, {"StringEquals": {"saml:recipient": "https://signin.example/sso?idp=7"}}) == []
    assert ids(SAML, {"StringEquals": {"saml:recipient": "https://signin.example/sso?idp=*"}}) == [
        "wildcard-under-equals"
    ]


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        (OTHER_ROOT, {"StringLike": {"sts:ExternalId": "*"}}, ["root-without-external-id", "restricts-nobody"]),
        (
            OTHER_ROOT,
            {"StringLike": {"sts:ExternalId": ["a-b", "?*"]}},
            ["root-without-external-id", "restricts-nobody"],
        ),
        (OIDC, {"StringLike": {"oidc:aud": "*"}, "StringEquals": SUB}, ["oidc-without-audience", "restricts-nobody"]),
        (OIDC, {"StringLike": {"oidc:iss": "https://*"}, "StringEquals": {**AUD, **SUB}}, ["restricts-nobody"]),
        (OIDC, {"StringLike": {"oidc:iss": "http*"}, "StringEquals": {**AUD, **SUB}}, ["restricts-nobody"]),
        (SAML, {"ForAnyValue:StringLike": {"saml:recipient": "**"}}, ["saml-without-recipient", "restricts-nobody"]),
        (USER, {"StringLike": {"acs:PrincipalARN": "acs:ram::*"}}, ["restricts-nobody"]),
    ],
)
def test_a_pattern_that_everything_matches_is_no_restriction(
    principal: Any, condition: Any, expected: list[str]
) -> None:
    assert ids(principal, condition) == expected


@pytest.mark.parametrize(
    ("condition", "effect"),
    [
        ({"StringLike": {"sts:SourceIdentity": "*"}}, "Allow"),
        ({"StringLike": {"acs:RequestTag/team": "*"}}, "Allow"),
        ({"StringLike": {"acs:ResourceTag/team": "*"}}, "Allow"),
        ({"StringLike": {"acs:SourceVpc": "??*"}}, "Allow"),
        ({"StringLike": {"acs:SourceVpc": "vpc-*"}}, "Allow"),
        ({"StringNotLike": {"acs:SourceVpc": "*"}}, "Deny"),
        ({"StringLike": {"acs:PrincipalARN": "acs:ram::1:user/*"}}, "Allow"),
    ],
)
def test_a_pattern_that_asks_for_presence_or_for_more_is_a_restriction(condition: Any, effect: str) -> None:
    assert "restricts-nobody" not in ids(USER, condition, effect)


def test_a_condition_that_allows_both_truth_values_restricts_nobody_and_so_counts_as_none() -> None:
    assert ids(OTHER_ROOT, {"Bool": {"acs:MFAPresent": ["true", "FALSE"]}}) == ["root-without-external-id"]


@pytest.mark.parametrize(
    "value",
    [
        "${namespace}",
        "team-${aws:username}",
        "{{ .Values.externalId }}",
        "$(cat id)",
        "<%= id %>",
        "<account-id>",
        "\u2039id\u203a",
        "1234****5678",
        "REPLACE_ME",
        "replace-me".upper(),
        "CHANGEME",
        "x-CHANGE_THIS",
    ],
)
@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringNotEquals"])
def test_a_placeholder_is_found_and_nothing_else_is_said_of_it(value: str, operator: str) -> None:
    all_of_them = ids(USER, {operator: {"sts:RoleSessionName": value}, "Bool": {"acs:MFAPresent": "true"}})

    assert all_of_them == ["placeholder"]


@pytest.mark.parametrize("opening", ["${", "{{", "$(", "<%", "\u2039"])
def test_many_placeholders_that_are_not_closed_are_read_once(opening: str) -> None:
    # One search to the end of the value for each of them would take minutes.
    value = opening * 200_000

    assert fault_of(Effect.ALLOW, policy(USER, {"StringLike": {"k": "x"}}).statements[0].conditions[0], value) is None


@pytest.mark.parametrize("value", ["exchange-menu", "$5", "a<b", "***", "changement", "{x}"])
def test_what_only_resembles_a_placeholder_is_none(value: str) -> None:
    assert "placeholder" not in ids(USER, {"StringLike": {"acs:SourceVpc": value}})


@pytest.mark.parametrize(
    ("key", "operator", "value", "why"),
    [
        ("acs:PrincipalARN", "StringEquals", "acs:sts::1:assumed-role/app/me", "has the ARN of the role"),
        ("acs:PrincipalARN", "StringLike", "acs:ram::1:assumed-role/app/*", "has the ARN of the role"),
        ("acs:PrincipalARN", "StringNotEquals", "acs:ram::1:role/app/me", "has the ARN of the role"),
        ("acs:PrincipalARN", "StringEquals", "arn:aws:iam::1:user/u", "begins with `acs:ram::`"),
        ("acs:PrincipalARN", "StringLike", "arn:*", "begins with `acs:ram::`"),
        ("sts:ExternalId", "StringEquals", "two words", "2 to 1,224 of"),
        ("sts:ExternalId", "StringEquals", " padded", "2 to 1,224 of"),
        ("sts:ExternalId", "StringEquals", "a", "2 to 1,224 of"),
        ("sts:ExternalId", "StringLike", "two words*", "2 to 1,224 of"),
        ("sts:RoleSessionName", "StringLike", "a/*", "2 to 64 of"),
        ("sts:RoleSessionName", "StringLike", "a" * 65 + "*", "2 to 64 of"),
        ("sts:SourceIdentity", "StringEquals", "acs:me", "2 to 64 of"),
        ("oidc:sub", "StringEquals", "repo:acme@1/app@2:environment:prod ", "ends with white space"),
        ("oidc:sub", "StringEquals", "system:serviceaccount:Pay:api", "lower case"),
        ("oidc:sub", "StringLike", "system:serviceaccount:pay:Api*", "lower case"),
        ("oidc:iss", "StringEquals", "https://token.actions.githubusercontent.com/", "no `/` at its end"),
        ("oidc:iss", "StringEquals", "token.actions.githubusercontent.com", "begins with `https://`"),
        ("oidc:iss", "StringLike", "http://*", "begins with `https://`"),
        ("oidc:aud", "StringEquals", "https://sts.aliyuncs.com", "has no scheme"),
        ("oidc:aud", "StringNotEquals", "https://sts.aliyuncs.com/", "has no scheme"),
    ],
)
def test_a_value_that_no_request_can_have_is_found(key: str, operator: str, value: str, why: str) -> None:
    principal = OIDC if key.startswith("oidc:") else USER
    all_of_them = [f for f in found(principal, {operator: {key: value}}) if f.id == "matches-nobody"]

    assert [finding.pointer for finding in all_of_them] == [f"/Statement/0/Condition/{operator}/{key}"]
    assert why in all_of_them[0].message


SESSION = "acs:ram::1:assumed-role/app/session"


@pytest.mark.parametrize(
    ("key", "values", "effect", "fix"),
    [
        ("acs:PrincipalARN", ["app"], "Allow", "correct the value"),
        ("acs:PrincipalARN", ["app", "acs:ram::1:role/b"], "Allow", "correct the value, or remove it from the list"),
        ("sts:ExternalId", ["x"], "Deny", "correct the value"),
        ("acs:PrincipalARN", [SESSION, "acs:ram::1:role/b"], "Deny", "remove it from the list: a policy cannot name one session"),
        ("acs:PrincipalARN", [SESSION], "Allow", "remove the statement: a policy cannot name one session"),
        ("acs:PrincipalARN", [SESSION], "Deny", "name the role, which keeps out all its sessions: a policy cannot name one session"),
    ],
)  # fmt: skip
def test_of_a_value_that_no_request_has_the_fix_is_another_unless_it_is_a_session(
    key: str, values: list[str], effect: str, fix: str
) -> None:
    fixes = [f.fix for f in found(USER, {"StringEquals": {key: values}}, effect) if f.id == "matches-nobody"]

    assert fixes == [fix]


@pytest.mark.parametrize(
    ("key", "operator", "value"),
    [
        ("acs:PrincipalARN", "StringEquals", "acs:ram::1:role/app"),
        ("acs:PrincipalARN", "StringLike", "acs:*"),
        ("acs:PrincipalARN", "StringLike", "*:role/app"),
        ("sts:ExternalId", "StringLike", "a*"),
        ("sts:ExternalId", "StringEquals", "ab"),
        ("oidc:sub", "StringEquals", "system:serviceaccount:pay:api"),
        ("oidc:sub", "StringEquals", "repo:Acme@1/App@2:environment:Prod"),
        ("oidc:iss", "StringEquals", "https://acme.eu.auth0.com/"),
        ("oidc:iss", "StringEquals", "accounts.google.com"),
        ("oidc:iss", "StringLike", "h?tps://x"),
        ("oidc:aud", "StringEquals", "https://example.com"),
    ],
)
def test_a_value_that_a_request_can_have_is_not_found(key: str, operator: str, value: str) -> None:
    principal = OIDC if key.startswith("oidc:") else USER

    assert "matches-nobody" not in ids(principal, {operator: {key: value}})


def test_a_user_is_not_named_by_a_logon_name() -> None:
    (finding,) = found({"RAM": ["acs:ram::1:user/alice@1.onaliyun.com", "acs:ram::1:user/alice@home"]}, None)

    assert (finding.id, finding.pointer) == ("matches-nobody", "/Statement/0/Principal/RAM/0")
    assert finding.fix == "write the name of the user, `alice`"


def test_claims_need_a_provider_in_the_statement() -> None:
    assert ids(USER, {"StringEquals": SUB}) == ["matches-nobody"]
    assert ids(USER, {"StringEquals": {"saml:recipient": "https://x"}}) == ["matches-nobody"]
    assert "matches-nobody" not in ids({**USER, **OIDC}, {"StringEquals": {**SUB, **AUD}})
    assert "matches-nobody" not in ids(USER, {"StringNotEquals": SUB, "Bool": {"acs:MFAPresent": "true"}})
    assert "matches-nobody" not in ids(USER, {"ForAllValues:StringEquals": SUB})
    assert "matches-nobody" not in ids(USER, {"StringEquals": SUB}, "Deny")


@pytest.mark.parametrize(
    ("key", "owner", "own"),
    [
        ("aws:SourceIp", "AWS", "acs:SourceIp"),
        ("AWS:MultiFactorAuthPresent", "AWS", "acs:MFAPresent"),
        ("aws:RequestTag/Team", "AWS", "acs:RequestTag/Team"),
        ("aws:ResourceTag/", "AWS", ""),
        ("aws:username", "AWS", ""),
        ("token.actions.githubusercontent.com:sub", "AWS", "oidc:sub"),
        ("arn:aws:iam::1:oidc-provider/gitlab.com:aud", "AWS", "oidc:aud"),
        ("acs:ram::1:oidc-provider/github:sub", "AWS", "oidc:sub"),
        ("oidc.eks.eu-west-1.amazonaws.com/id/ABC:iss", "AWS", "oidc:iss"),
        ("google.subject", "Google Cloud", "oidc:sub"),
    ],
)
def test_a_key_of_another_cloud_is_found_with_the_own_one(key: str, owner: str, own: str) -> None:
    principal = {**OIDC, **USER}
    all_of_them = found(principal, {"StringEquals": {key: "x"}})

    assert foreign_key(key) == ForeignName(owner, own)
    finding = next(finding for finding in all_of_them if finding.id == "foreign-key")
    assert "unknown-condition-key" not in [f.id for f in all_of_them]
    assert (f"`{own}`" in finding.fix) == bool(own)
    assert finding.edit == (Edit(finding.pointer, key=own) if own else None)


@pytest.mark.parametrize("key", ["oidc:sub", "sub", "team:sub", "acs:SourceIp", "x.y:actor"])
def test_other_keys_are_not_those_of_another_cloud(key: str) -> None:
    assert foreign_key(key) is None
    assert "foreign-key" not in ids(USER, {"StringEquals": {key: "10.0.0.1"}})


@pytest.mark.parametrize(
    ("service", "owner", "own"),
    [
        ("ec2.amazonaws.com", "AWS", "ecs.aliyuncs.com"),
        ("lambda.amazonaws.com", "AWS", "fc.aliyuncs.com"),
        ("glue.amazonaws.com", "AWS", ""),
        ("ec2.amazonaws.com.cn", "AWS", "ecs.aliyuncs.com"),
        ("ecs.aliyun.com", "a website", "ecs.aliyuncs.com"),
        ("storage.googleapis.com", "Google Cloud", ""),
        ("1@ec2.amazonaws.com", "AWS", "ecs.aliyuncs.com"),
    ],
)
def test_a_service_of_another_cloud_is_found_with_the_own_one(service: str, owner: str, own: str) -> None:
    (finding,) = found({"Service": ["ecs.aliyuncs.com", service]}, None)

    assert foreign_service(service.rpartition("@")[2]) == ForeignName(owner, own)
    assert (finding.id, finding.pointer) == ("foreign-service", "/Statement/0/Principal/Service/1")
    assert (f"`{own}`" in finding.fix) == bool(own)
    assert finding.edit is None


def test_own_services_are_not_those_of_another_cloud() -> None:
    for service in ("ecs.aliyuncs.com", "1@cart.shop.internal", "1@amazonaws.com.example.org"):
        assert ids({"Service": [service]}, None) == []


@pytest.mark.parametrize(
    ("subject", "mutable"),
    [
        ("repo:acme/app:ref:refs/heads/main", True),
        ("repo:acme/app:*", True),
        ("repo:acme/app", True),
        ("repo:acme@1/app:*", True),
        ("repo:acme@1/app@2:*", False),
        ("repo:acme@*/app@*:*", False),
        ("repo:*", False),
        ("repo:acme/*", False),
        ("project_path:acme/app:*", False),
    ],
)
def test_subjects_of_github_without_ids_are_known(subject: str, mutable: bool) -> None:
    assert is_mutable_github_subject(subject) == mutable


def test_a_github_subject_without_ids_is_a_note() -> None:
    (finding,) = found(OIDC, {"StringEquals": AUD, "StringLike": {"oidc:sub": "repo:acme/app:*"}})

    assert (finding.id, finding.severity, finding.changes_meaning) == ("mutable-subject", "note", True)
    assert "`repo:ORG@1/NAME@2:...`" in finding.fix


def test_a_claim_that_ram_never_sends_is_called_so() -> None:
    finding = next(f for f in found(OIDC, {"StringEquals": {**AUD, **SUB, "oidc:actor": "mona"}}))

    assert finding.id == "unknown-condition-key"
    assert "is never sent by RAM, which has `oidc:iss`, `oidc:aud` and `oidc:sub` alone" in finding.message
    assert finding.fix == "restrict the identities by `oidc:sub` as well, which every token has"


def test_a_misspelt_key_has_the_known_one_as_its_edit() -> None:
    finding = next(f for f in found(USER, {"StringLike": {"acs:SourceVPC": "x"}}))

    assert finding.edit == Edit("/Statement/0/Condition/StringLike/acs:SourceVPC", key="acs:SourceVpc")


def test_findings_of_the_field_cases_are_as_expected() -> None:
    assert findings(policy(OTHER_ROOT, {"StringEquals": {"sts:ExternalId": "{{ .Values.externalId }}"}})) == [
        ("placeholder", "/Condition/StringEquals/sts:ExternalId")
    ]


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ({"StringEquals": {"sts:ExternalId": "two words"}}, "matches-nobody"),
        ({"DateLessThan": {"acs:CurrentTime": "1969-01-01T00:00:00Z"}}, "past-date"),
        ({"StringEquals": {"sts:ExternalId": "a"}, "StringLike": {"sts:ExternalId": "b*"}}, "matches-nobody"),
    ],
)
def test_to_correct_what_matches_nobody_lets_in_more_only_in_an_allow(condition: dict[str, Any], rule: str) -> None:
    marked = {
        effect: {finding.changes_meaning for finding in found(USER, condition, effect) if finding.id == rule}
        for effect in ("Allow", "Deny")
    }

    assert marked == {"Allow": {True}, "Deny": {False}}


def test_to_name_networks_lets_in_more_only_where_the_open_one_keeps_everybody_out() -> None:
    def marked(operator: str, effect: str) -> list[bool]:
        findings = found(USER, {operator: {"acs:SourceIp": "0.0.0.0/0"}}, effect)
        return [finding.changes_meaning for finding in findings if finding.id == "open-network"]

    assert [marked("IpAddress", "Allow"), marked("NotIpAddress", "Deny")] == [[False], [False]]
    assert [marked("IpAddress", "Deny"), marked("NotIpAddress", "Allow")] == [[True], [True]]


@pytest.mark.parametrize(
    ("effect", "values", "fix"),
    [
        ("Allow", ["two words"], "correct the value"),
        ("Allow", ["two words", "x-1"], "correct the value, or remove it from the list"),
        ("Deny", ["two words"], "correct the value"),
    ],
)
def test_the_last_value_of_a_condition_is_never_to_be_removed(effect: str, values: list[str], fix: str) -> None:
    finding = next(
        f for f in found(USER, {"StringEquals": {"sts:ExternalId": values}}, effect) if f.id == "matches-nobody"
    )

    assert finding.fix == fix


@pytest.mark.parametrize(
    ("effect", "values", "fix"),
    [
        ("Allow", 1, "remove the statement: a policy cannot name one session"),
        ("Deny", 1, "name the role, which keeps out all its sessions: a policy cannot name one session"),
        ("Deny", 2, "remove it from the list: a policy cannot name one session"),
    ],
)
def test_of_a_session_the_fix_keeps_out_whom_a_deny_was_to_keep_out(effect: str, values: int, fix: str) -> None:
    names = ["acs:ram::1:assumed-role/a/s", "acs:ram::1:role/b"][:values]

    finding = next(
        f for f in found(USER, {"StringEquals": {"acs:PrincipalARN": names}}, effect) if f.id == "matches-nobody"
    )

    assert finding.fix == fix


@pytest.mark.parametrize(("effect", "fix"), [("Allow", "remove the statement"), ("Deny", "compare a key that RAM has")])
def test_a_deny_with_a_key_of_another_cloud_is_never_to_be_removed(effect: str, fix: str) -> None:
    finding = next(
        f for f in found(USER, {"StringNotEquals": {"aws:PrincipalType": "x"}}, effect) if f.id == "foreign-key"
    )

    assert (finding.fix, finding.changes_meaning) == (fix, effect == "Deny")


@pytest.mark.parametrize(
    ("effect", "fix"), [("Allow", "remove it"), ("Deny", "name the service of Alibaba Cloud that is to be kept out")]
)
def test_a_service_of_another_cloud_is_to_be_removed_from_an_allow_alone(effect: str, fix: str) -> None:
    finding = found({"Service": "x.azure.com"}, {}, effect)[0]

    assert (finding.id, finding.fix) == ("foreign-service", fix)


def test_for_all_values_beside_a_condition_that_needs_the_key_is_no_finding() -> None:
    both = {name: {"acs:RequestTag/team": "red"} for name in ("ForAllValues:StringEquals", "StringEquals")}

    assert found(USER, both) == []
