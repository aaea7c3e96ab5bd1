"""Small pools of principals, keys and values, so that random cases often match, or nearly match."""

from __future__ import annotations

ACCOUNT, OTHER = "123456789012", "210987654321"

ROLES = [
    {"arn": f"acs:ram::{ACCOUNT}:role/app", "tags": {}},
    {"arn": f"acs:ram::{ACCOUNT}:role/app", "tags": {"team": "red"}},
    {"arn": f"acs:ram::{OTHER}:role/app", "tags": {"team": ""}},
]

SAML, OIDC = f"acs:ram::{ACCOUNT}:saml-provider/corp", f"acs:ram::{ACCOUNT}:oidc-provider/corp"

NAMED = {
    "RAM": [
        f"acs:ram::{ACCOUNT}:root", f"acs:ram::{OTHER}:root", f"acs:ram::{ACCOUNT}:user/alice",
        f"acs:ram::{ACCOUNT}:user/Alice", f"acs:ram::{OTHER}:user/alice", f"acs:ram::{ACCOUNT}:role/Deploy",
        f"acs:ram::{ACCOUNT}:role/deploy", f"acs:ram::{OTHER}:role/deploy", f"acs:ram::{ACCOUNT}:role/alice",
    ],
    "Service": [
        "ecs.aliyuncs.com", f"{ACCOUNT}@ecs.aliyuncs.com", f"{OTHER}@ecs.aliyuncs.com", "orders.internal",
        f"{ACCOUNT}@orders.internal", f"{OTHER}@orders.internal",
    ],
    "Federated": [SAML, OIDC, SAML.replace(ACCOUNT, OTHER), SAML.replace("corp", "Corp")],
}  # fmt: skip

REQUESTERS = [
    f"acs:ram::{ACCOUNT}:user/alice", f"acs:ram::{ACCOUNT}:user/Alice", f"acs:ram::{OTHER}:user/alice",
    f"acs:ram::{ACCOUNT}:user/bob", f"acs:ram::{ACCOUNT}:role/deploy", f"acs:ram::{ACCOUNT}:role/DEPLOY/s1",
    f"acs:ram::{OTHER}:assumed-role/Deploy/s1", f"acs:sts::{ACCOUNT}:assumed-role/deploy/s1",
    "ecs.aliyuncs.com", f"{ACCOUNT}@ecs.aliyuncs.com", f"{OTHER}@ecs.aliyuncs.com", f"{ACCOUNT}@orders.internal",
    f"{OTHER}@orders.internal", f"acs:ram::{ACCOUNT}:role/alice/s1",
]  # fmt: skip
ROOTS = [f"acs:ram::{ACCOUNT}:root", f"acs:ram::{OTHER}:root"]

OPERATORS = {
    "String": ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
               "StringNotLike"],
    "Numeric": ["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
                "NumericGreaterThanEquals"],
    "Date": ["DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
             "DateGreaterThanEquals"],
    "Bool": ["Bool"],
    "Ip": ["IpAddress", "NotIpAddress", "IpAddressIncludeBorder", "NotIpAddressIncludeBorder"],
}  # fmt: skip
PREFIXES = ["", "", "", "ForAllValues:", "ForAnyValue:"]

KEYS = {
    "String": ["app:Text", "app:Text", "acs:SourceVpc", "acs:PrincipalARN", "acs:PrincipalArn", "sts:ExternalId",
               "sts:SourceIdentity", "sts:RoleSessionName", "oidc:sub", "saml:recipient", "acs:ResourceTag/team", "app:text"],
    "Numeric": ["app:Number", "app:Number", "app:Text"],
    "Date": ["acs:CurrentTime", "acs:CurrentTime", "app:Day"],
    "Bool": ["acs:MFAPresent", "acs:SecureTransport"],
    "Ip": ["acs:SourceIp", "acs:SourceIp", "acs:VpcSourceIp"],
}  # fmt: skip
SENT = {
    "String": ["app:Text", "acs:SourceVpc", "app:text"],
    "Numeric": ["app:Number"],
    "Date": ["app:Day"],
    "Bool": ["acs:MFAPresent", "acs:SecureTransport"],
    "Ip": ["acs:SourceIp", "acs:VpcSourceIp"],
}

EXPECTED = {
    "String": ["red", "Red", "r?d", "r*", "*", "**d", "?", "", "[r]ed", "ré", "\u212aed", "ked", "😀", "5", "red ", "red*red",
               f"acs:ram::{ACCOUNT}:user/alice", f"acs:ram::{ACCOUNT}:role/deploy", "acs:ram::*:role/DEP*", "acs:*alice", SAML],
    "Numeric": ["5", "5.0", "+5", "-5", "0", "-0", "0.1", "0.10", "9007199254740993", "9007199254740992.0", "10"],
    "Date": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", "2025-12-31T23:59:59.999999Z",
             "2026-01-01T08:00:00+08:00", "2026-01-01T12:00:00Z", "2026-02-01T00:00:00.5Z", "2025-12-31T19:00:00-05:00",
             "9999-12-31T23:59:59.999999Z"],
    "Bool": ["true", "false", "True", "FALSE"],
    "Ip": ["10.0.0.0/8", "10.0.0.0/30", "10.0.0.4", "192.168.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1",
           "::ffff:10.0.0.0/104", "::ffff:10.0.0.4"],
}  # fmt: skip
REQUESTED = {
    "String": ["red", "Red", "RED", "rd", "r\nd", "reed", "", "[r]ed", "ré", "RÉ", "\u212aed", "ked", "Ked", "😀", "a", "redred",
               "red ", "\udc80"],
    "Numeric": ["5", "5.00", "+5", "-5", "0", "-0.0", "0.1", "0.100", "9007199254740993", "9007199254740992", "10", "9.99", "five",
                "5.", "1e1", "\u0665", ""],
    "Date": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", "2025-12-31T23:59:59.999999Z",
             "2026-01-01T01:00:00+01:00", "2026-01-15T00:00:00Z", "2026-02-01T00:00:00.500000Z", "2026-01-01", "soon",
             "2026-01-01T24:00:00Z", "2026-01-01T00:00:00"],
    "Bool": ["true", "false", "TRUE", "False", "yes", "1", ""],
    "Ip": ["10.0.0.0", "10.0.0.3", "10.0.0.4", "10.255.255.255", "11.0.0.0", "9.255.255.255", "192.168.255.255", "2001:db8::1",
           "2001:DB8:0::2", "2001:db9::", "::ffff:10.0.0.4", "::ffff:a00:3", "::10.0.0.4", "10.0.0.0/8", "010.0.0.4", "here"],
}  # fmt: skip

TIMES = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", "2025-12-31T23:59:59.999999Z", "2025-12-31T23:59:59.999998Z",
         "2026-01-01T12:00:00Z", "2026-01-20T00:00:00Z", "2026-02-01T00:00:00.5Z", "2026-03-01T00:00:00+03:00"]  # fmt: skip
FIELDS = {
    "external_id": ["red", "Red", "ked"],
    "source_identity": ["red", "reed"],
    "role_session_name": ["red", "s1"],
}
CLAIMS = {"saml:recipient": ["red", "Red", "rd"], "oidc:sub": ["red", "r", "redred"]}
ACTIONS = ["sts:AssumeRole"] * 12 + ["STS:assumerole", "sts:SetSourceIdentity"]
