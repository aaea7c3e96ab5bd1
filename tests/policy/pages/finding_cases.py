"""The principals, the conditions and the permissions in which the linters are asked for findings."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_USER: Json = {"RAM": "acs:ram::1:user/u"}
_OIDC: Json = {"Federated": "acs:ram::1:oidc-provider/p"}
_SAML: Json = {"Federated": "acs:ram::1:saml-provider/p"}
_ECS: Json = {"Service": "ecs.aliyuncs.com"}
_AUD = {"oidc:aud": "sts.aliyuncs.com"}
_SUB = {"oidc:sub": "repo:acme@1/app@2:ref:refs/heads/main"}
_BOTH = {"StringEquals": {**_AUD, **_SUB}}

PRINCIPALS: list[Json] = [
    _USER, _OIDC, _SAML, _ECS, {"RAM": ["acs:ram::1:root", "acs:ram::2:root", "acs:ram::3:root"]}, {"RAM": []}, {"RAM": [], "Service": []},
    {"RAM": ["acs:ram::1:role/r", "acs:ram::1:role/R", "acs:ram::1:role/r"]}, {"Service": ["ec2.amazonaws.com", "sqs.amazonaws.com"]},
    {"Service": ["ecs.aliyun.com", "x.azure.com", "1@vault.azure.net"]}, {"RAM": "acs:ram::1:user/alice@1.onaliyun.com"},
    {"RAM": ["acs:ram::1:user/alice@example.com", "acs:ram::1:role/r@1.onaliyun.com"]},
]  # fmt: skip

CONDITIONS: list[tuple[Json, Json]] = [
    (_OIDC, {"StringEquals": _AUD}), (_OIDC, {"StringEquals": _SUB}), (_OIDC, _BOTH), (_SAML, {"StringEquals": {"saml:recipient": "https://x"}}),
    (_OIDC, {"StringNotEquals": _SUB, "StringEquals": _AUD}), (_OIDC, {"ForAllValues:StringEquals": _SUB, "StringEquals": _AUD}),
    (_OIDC, {"ForAnyValue:StringEquals": _SUB, "StringEquals": _AUD}), ({**_OIDC, **_USER}, _BOTH), ({**_SAML, **_ECS}, {"Bool": {"acs:MFAPresent": "true"}}),
    (_OIDC, {"StringEquals": _AUD, "StringLike": {"oidc:sub": ["repo:acme@1/*", "repo:acme@1/app@2:*"]}}),
    (_OIDC, {"StringEquals": {**_AUD, **_SUB}, "StringLike": {"oidc:sub": ["repo:acme@1/*"]}}),
    (_USER, _BOTH), (_USER, {"StringEquals": {"saml:recipient": "x"}}), (_SAML, {"StringEquals": {"saml:recipient": "x", "oidc:sub": "y"}}),
    (_USER, {"StringNotEquals": _SUB, "Bool": {"acs:MFAPresent": "true"}}), (_USER, {"ForAllValues:StringEquals": _SUB}),
    (_USER, {}), (_USER, {"Bool": {"acs:MFAPresent": ["true", "false"]}}), (_USER, {"Bool": {"acs:MFAPresent": ["true", "TRUE"]}}),
    (_USER, {"Bool": {"acs:MFAPresent": True}, "NumericEquals": {"app:n": [1, "2", 3.5]}}),
    ({"RAM": "acs:ram::2:root"}, {"StringEquals": {"sts:ExternalId": "ab"}}), ({"RAM": "acs:ram::2:root"}, {"StringLike": {"sts:ExternalId": "*"}}),
    ({"RAM": "acs:ram::2:root"}, {"StringLike": {"sts:ExternalId": "?*"}}), ({"RAM": "acs:ram::2:root"}, {"StringLike": {"sts:ExternalId": "ab*"}}),
    ({"RAM": "acs:ram::2:root"}, {"Bool": {"sts:ExternalId": ["true", "FALSE"]}}), ({"RAM": "acs:ram::2:root"}, {"Bool": {"sts:ExternalId": ["true", "TRUE"]}}),
    (_USER, {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "0.0.0.0/0", "::/0", "0.0.0.0/1", "10.0.0.0/8"]}}),
    (_USER, {"NotIpAddress": {"acs:SourceIp": "0.0.0.0/0"}, "Bool": {"acs:MFAPresent": "true"}}),
    (_USER, {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}}),
    (_USER, {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}, "StringEquals": {"acs:SourceVpc": "v"}}),
    (_USER, {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}, "StringNotEquals": {"acs:SourceVpc": "w"}}),
    (_USER, {"ForAllValues:StringEquals": {"acs:SourceVpc": "v"}, "StringEquals": {"app:k": "v"}}),
    (_USER, {"StringNotEquals": {"acs:SourceVpc": "v"}, "NotIpAddress": {"acs:SourceIp": "10.0.0.1"}}),
    (_USER, {"StringNotEquals": {"acs:SourceVpc": "v"}, "IpAddress": {"acs:SourceIp": "10.0.0.1"}}),
    (_USER, {"StringEquals": {"acs:PrincipalARN": "acs:ram::1:user/u"}}), (_ECS, {"StringEquals": {"acs:PrincipalArn": "acs:ram::1:user/u"}}),
    (_OIDC, {"StringEquals": {"acs:PrincipalARN": "acs:ram::1:user/u"}}), (_OIDC, {"StringEquals": {"oidc:iss": "https://x"}}),
    (_USER, {"StringEquals": {"sts:RoleSessionName": "ab"}}), (_ECS, {"StringEquals": {"sts:RoleSessionName": "ab"}}),
    (_USER, {"ForAnyValue:StringEquals": {"acs:SourceVpc": "v"}}), (_USER, {"DateGreaterThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}}),
    (_USER, {"DateLessThan": {"acs:CurrentTime": ["2026-05-31T23:59:59.999999Z", "2026-06-01T00:00:00Z"]}}),
    (_USER, {"DateLessThan": {"acs:CurrentTime": ["2026-06-01T00:00:00.000001Z"]}}), (_USER, {"DateLessThanEquals": {"acs:CurrentTime": ["2026-06-01T00:00:00Z"]}}),
    (_USER, {"DateLessThanEquals": {"acs:CurrentTime": ["2026-05-31T23:59:59.999999Z"]}}), (_USER, {"DateEquals": {"acs:CurrentTime": "2026-06-01T00:00:00Z"}}),
    (_USER, {"DateEquals": {"acs:CurrentTime": "2026-05-31T23:59:59.999999Z"}}), (_USER, {"DateNotEquals": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}}),
    (_USER, {"ForAllValues:DateLessThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}}), (_USER, {"DateLessThan": {"app:time": "2020-01-01T00:00:00Z"}}),
    (_USER, {"DateGreaterThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}, "DateLessThanEquals": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}}),
    (_USER, {"DateGreaterThanEquals": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}, "DateLessThanEquals": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}}),
    (_USER, {"DateGreaterThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}, "DateLessThan": {"acs:CurrentTime": "2027-01-01T00:00:00.000002Z"}}),
    *((_USER, {"StringEquals": {key: ["ab", "cd"]}, "StringNotEquals": {key: ["cd", "ab"]}}) for key in (
        "sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity", "acs:PrincipalARN", "acs:SourceVpc", "acs:PrincipalRDId", "app:k")),
    *((_OIDC, {"StringEquals": {**_AUD, **_SUB, key: "https://a"}, "StringNotEquals": {key: "https://a"}}) for key in ("oidc:iss", "oidc:email")),
    (_OIDC, {"StringEquals": {**_AUD, "oidc:sub": "a"}, "StringNotEquals": {"oidc:aud": "sts.aliyuncs.com"}}),
    (_OIDC, {"StringEquals": {**_AUD, "oidc:sub": "a"}, "StringNotEquals": {"oidc:sub": "a"}}),
    (_USER, {"Bool": {"acs:MFAPresent": "true", "acs:SecureTransport": "true"}, "ForAnyValue:Bool": {"acs:MFAPresent": "false", "acs:SecureTransport": "false"}}),
    (_USER, {"StringEquals": {"sts:ExternalId": "ab"}, "StringNotLike": {"sts:ExternalId": "a*"}}),
    (_USER, {"StringEquals": {"sts:ExternalId": ["ab", "b"]}, "StringNotLike": {"sts:ExternalId": "a*"}}),
    (_USER, {"StringEquals": {"aws:SourceIp": "10.0.0.1", "acs:SourceIp": "10.0.0.1"}}), (_USER, {"IpAddress": {"aws:SourceIp": "10.0.0.1"}}),
    (_USER, {"StringNotEquals": {"aws:PrincipalTag/x": "y"}}), (_USER, {"StringEquals": {"aws:RequestTag/a~/b": "y"}}), (_OIDC, {"StringEquals": {"gitlab.com:sub": "x", **_AUD}}),
    (_USER, {"StringEquals": {"acs:sourcevpc": "x", "acs:SourceVpc": "y"}}), (_USER, {"StringEquals": {"acs:sourcevpc": "x"}}),
    (_USER, {"StringEquals": {"team": "x", "oidc:email": "y"}}), (_OIDC, {"StringEquals": {**_AUD, **_SUB, "oidc:email": "y", "oidc:subject": "z"}}),
    (_USER, {"StringLike": {"team": "a*", "acs:RequestTag/team": "*"}}),
]  # fmt: skip

_PATTERNS_OF_SUBJECTS = [
    "repo:*", "repo*", "repo:acme/*", "repo:acme*", "repo:acme/app:*", "repo:acme/app*", "repo:acme@1/app@2:*", "repo:acme@1/app@?:*", "repo:acme@1/*",
    "repo:*/app:x", "repo:a?me/app:x", "project_path:acme/*", "project_path:acme/app:*", "system:serviceaccount:*", "system:serviceaccount:web:*", "org/0/*",
    "org/0/project/*", "org/0/project/4*", "*", "**", "?*", "*?*", "??*", "a*",
    *(f"{owner}:acme:{part}:*" for owner in ("organization", "organisation", "org", "workspace", "group", "account", "team", "tenant", "other") for part in ("pipeline", "x")),
    *(f"organization:acme:{part}:*" for part in
      ("project", "workspace", "repository", "repo", "environment", "env", "team", "user", "branch", "ref", "other")),
    "organization:acme:pipeline:x*", "organization:acme:*", "organization:acme:pipeline:x:*",
]  # fmt: skip
_LITERALS = [
    "repo:acme/app", "repo:acme/app:ref:x", "repo:acme@1/app:x", "repo:acme@1/app@2", "repo:acme@x/app@2", "repo:acme", "repo:a*/app", "repo:a/b/c",
    "system:serviceaccount:Shop:web", "system:serviceaccount:shop:web", " a", "a ",
]  # fmt: skip
_PLACEHOLDERS = [
    "${x}", "a{{ x }}b", "$(x)", "<%= x %>", "\u2039x\u203a", "<your account>", "<1>", "<", "${x", "123****", "***", "REPLACE_ME", "CHANGETHIS", "replace_me",
    "CHANGE-ME", "XREPLACE_ME", "REPLACE_MEx", "$(b) ${a}", "${a} $(b)", "{{x}} <b>", "<_x>", "${}", "{x}",
]  # fmt: skip
_ARNS = [
    "acs:ram::1:role/r/s", "acs:ram::1:assumed-role/r/s", "acs:sts::1:assumed-role/r/s", "acs:ram::1:role/r/", "acs:ram::1:role/r", "arn:aws:iam::1:x",
    "acs:ram:", "acs:ram::1:user/*", "*", "acs:*", "acs:ram::*", "ac?:*", "acs:ram::1:role/r/*",
]  # fmt: skip
_ISSUERS = [
    "https://token.actions.githubusercontent.com/", "https://gitlab.com/", "https://app.terraform.io/", "https://agent.buildkite.com/",
    "https://oidc.circleci.com/org/1/", "https://oidc-ack-cn-x.oss-cn-x.aliyuncs.com/c1/", "https://gitlab.com", "https://x/", "gitlab.com", "accounts.google.com",
    "http://x", "https://*", "http*", "*", "h?tps://*",
]  # fmt: skip
_TEXTS = ["ab", "a", "a" * 64, "a" * 65, "a b", "a:b", "a/b", "", "\u00e9\u00e9", "a+b=c,d.e@f-g_h"]

VALUES: list[tuple[str, str, Any]] = [
    *(("StringLike", "oidc:sub", text) for text in _PATTERNS_OF_SUBJECTS), *(("StringEquals", "oidc:sub", text) for text in _LITERALS),
    ("StringNotEquals", "oidc:sub", "system:serviceaccount:Shop:web"), ("StringLike", "oidc:sub", "system:serviceaccount:Shop:*"), ("StringEquals", "oidc:sub", ["repo:acme/app", "x "]),
    *(("StringEquals", "app:k", text) for text in _PLACEHOLDERS), ("StringLike", "app:k", "${x}*"), ("NumericEquals", "app:k", "1"),
    *((operator, "acs:PrincipalArn", text) for operator in ("StringEquals", "StringLike") for text in _ARNS),
    ("StringEquals", "acs:PrincipalARN", ["acs:ram::1:role/r/s", "x", "acs:ram::1:role/r"]), ("StringNotEquals", "acs:PrincipalARN", "acs:ram::1:role/r/s"), ("StringNotLike", "acs:PrincipalARN", "*"),
    *((operator, "oidc:iss", text) for operator in ("StringEquals", "StringLike") for text in _ISSUERS),
    *(("StringEquals", "oidc:aud", text) for text in ("https://sts.aliyuncs.com", "http://sts.aliyuncs.com/", "https://sts.aliyuncs.com/x", "sts.aliyuncs.com", "x\n")),
    *(("StringEquals", key, text) for key in ("sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity") for text in _TEXTS),
    *(("StringLike", "sts:SourceIdentity", text) for text in ("a*", "a" * 64 + "*", "a" * 65 + "*", "a *", "?", "*", "?*", "??*")),
    ("StringEquals", "sts:ExternalId", "a" * 1_224), ("StringEquals", "sts:ExternalId", "a" * 1_225),
    *((operator, "acs:SourceVpc", "vpc-*") for operator in (
        "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "ForAnyValue:StringEquals", "ForAllValues:StringNotEquals", "StringLike")),
    *(("StringEquals", "saml:recipient", text) for text in ("https://x?a=b", "https://x?a=*", "https://x*?a", "http://x?", "ftp://x?a", "a?b", "https://x?a?b")),
    *(("StringLike", key, "*") for key in ("acs:SourceVpc", "acs:RequestTag/a", "acs:ResourceTag/a", "acs:PrincipalARN", "app:k")),
    *((operator, "acs:SourceVpc", "*") for operator in ("StringNotLike", "ForAllValues:StringLike", "ForAnyValue:StringLike")),
    ("StringLike", "acs:SourceVpc", ["a*", "*", "?", "?**", "*?", "a"]),
]  # fmt: skip

_EVERY = [
    "*",
    "acs:*",
    "acs:ram:*",
    "acs:ram:*:*:role/*",
    "acs:ram:*:*:oidc-provider/*",
    "acs:ram:*:1*:role/*",
    "acs:ram:*:*:role/a*",
    "acs:oss:*:*:*",
]
_ACTIONS = [
    "*", "*:*", "sts:AssumeRole", "sts:*", "ram:PassRole", "ram:Pass*", "*:passrole", "ram:CreateOIDCProvider", "ram:UpdateOIDCProvider",
    "ram:AddClientIdToOIDCProvider", "ram:AddFingerprintToOIDCProvider", "ram:*OIDC*", "ram:GetOIDCProvider",
]  # fmt: skip
_SERVICE = "ecs.aliyuncs.com"

PERMISSIONS: list[Json] = [
    {}, *({"Action": action, "Resource": resource} for action in _ACTIONS for resource in ("*", "acs:ram:*:*:role/*", "acs:ram:*:*:oidc-provider/*")),
    *({"Action": ["ram:GetRole", "sts:AssumeRole", "*"], "Resource": resource} for resource in _EVERY), {"NotAction": "ram:*"}, {"NotAction": "*", "Resource": "*"},
    *({"Action": "ram:PassRole", "Resource": "*", "Condition": condition} for condition in (
        {"StringEquals": {"acs:Service": _SERVICE}}, {"StringLike": {"acs:Service": "*.x"}}, {"StringLike": {"acs:Service": ["a", "**"]}},
        {"StringLike": {"acs:Service": ""}}, {"StringNotEquals": {"acs:Service": _SERVICE}}, {"ForAllValues:StringEquals": {"acs:Service": _SERVICE}},
        {"ForAnyValue:StringEquals": {"acs:Service": _SERVICE}}, {"StringEquals": {"acs:SourceVpc": "v"}})),
    *({"Action": "ram:CreateRole", "Condition": {operator: {key: "x"}}} for operator in (
        "StringEquals", "StringNotEquals", "ForAnyValue:StringEquals", "ForAnyValue:StringNotEquals", "ForAllValues:StringEquals")
      for key in ("ram:TrustedPrincipalTypes", "ram:ServiceNames", "rolecall:TrustedAccounts", "rolecall:Caller", "acs:SourceVpc")),
    *({"Action": action, "Resource": resource} for action, resource in (
        ("ram:GetRole", "acs:ram:cn:1:role/x"), ("ram:GetRole", "acs:ram:*cn*:1:role/x"), ("ram:GetRole", "acs:ram:**:1:role/x"), ("ram:GetRole", "acs:ram:?:*"),
        ("oss:Get*", "acs:oss:cn:1:x"), ("ram:*", "acs:ram:*::role/x"), ("ram:*", "acs:ram:*:x:role/x"), ("ram:*", "acs:ram:*:1?:role/x"), ("ram:*", "acs:ram:*:1:"),
        ("ram:*", "acs:ram:*:1:role/{x}"), ("ram:*", "acs:ram:*:1:role/a.b_c@d-e?*"), ("oss:*", "acs:oss:*::"), ("ram:*", "acs:ram:*:123****:role/x"),
        ("ram:*", "acs:ram:*:1**2:role/x"), ("ram:*", "acs:ram:*:**1:role/x"), ("ram:*", "acs:ram:*:1*:role/x"), ("oss:*", "acs:oss:*:123****:x"),
        ("ram:GetRole", "acs:ram:*:*:user/x"), ("ram:GetRole", "acs:ram:*:*:r*"), ("ram:GetRole", "acs:ram:*:*:?ole/x"), ("ram:GetRole", "acs:oss:*:*:role/x"),
        ("ram:GetRole", "acs:*m:*:*:role/x"), ("ram:Get*", "acs:ram:*:*:user/x"), ("ram:Get*", "acs:ram:*:*:bucket/x"), ("ram:ListRoles", "acs:ram:*:*:user/x"),
        ("ram:CreatePolicy", "acs:ram:*:*:role/x"), ("ram:ListPolicies", "acs:ram:*:*:policy/x"), ("ram:ListPolicies", "acs:ram:*:*:role/x"), ("ram:CreateAccessKey", "acs:ram:*:*:role/x"),
        ("ram:BindMFADevice", "acs:ram:*:*:role/x"), ("ram:GetUserMFAInfo", "acs:ram:*:*:user/x"), ("ram:CreateLoginProfile", "acs:ram:*:*:group/x"), ("ram:CreateGroup", "acs:ram:*:*:group/x"),
        ("ram:GetSAMLProvider", "acs:ram:*:*:oidc-provider/x"), ("ram:GetSAMLProvider", "acs:ram:*:*:saml-provider/x"), ("ram:GetOIDCProvider", "acs:ram:*:*:saml-provider/x"),
        ("ram:CreateResourceGroup", "acs:oss:*:*:x"), ("rolecall:Watch", "acs:rolecall:*:*:x"), ("rolecall:Watch", "acs:oss:*:*:x"), ("sts:AssumeRole", "acs:rolecall:*:*:x"),
        ("ram:GetRoles", "acs:ram:*:1:role/x"), ("ram:Xyzzy", "acs:ram:*:1:role/x"), ("sts:TagSession", "acs:ram:*:1:role/x"), ("rolecall:Nothing*", "acs:ram:*:1:role/x"))),
    {"NotAction": ["ram:GetRoles", "ram:Xyzzy"], "Resource": "*"}, {"Action": ["ram:GetRole", "RAM:getrole", "ram:GetRole"], "Resource": ["acs:ram:*:1:role/x"] * 2},
    {"Action": ["ram:GetRole", "oss:Get*"], "Resource": "acs:oss:*:1:x", "Condition": {"StringEquals": {"oss:Prefix": "x"}}}, {"Condition": {"StringEquals": {"ram:TrustedPrincipalType": "x", "team": "y"}}},
    *({"Action": action, "Resource": "acs:ram:*:*:role/~*"} for action in ("*", "sts:AssumeRole", "ram:PassRole")), {"Action": "ram:CreateOIDCProvider", "Resource": "acs:ram:*:*:oidc-provider/~*"},
    {"Condition": {}}, {"Condition": {"StringEquals": {"acs:PrincipalARN": ["a", "a"]}, "StringNotEquals": {"acs:PrincipalARN": "a"}}},
    *({"Condition": {"Bool": {key: "true"}}} for key in ("acs:MFAPresent", "rolecall:Caller", "acs:Service")), {"Condition": {"Bool": {"acs:MFAPresent": True}}},
    {"Condition": {"DateLessThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}, "IpAddress": {"acs:SourceIp": "0.0.0.0/0"}}},
    {"Condition": {"DateGreaterThan": {"acs:CurrentTime": "2020-01-01T00:00:00Z"}}},
]  # fmt: skip
