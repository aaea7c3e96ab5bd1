"""Small pools of names, keys and values: so that random questions often match a random document, or nearly do."""

from __future__ import annotations

ACCOUNTS = ("123456789012", "210987654321")
"""The first one is the default account of the servers."""

NAMES = (*(f"role-{number}" for number in range(12)), "App", "ci.Deploy")

_OWN, _OTHER = ACCOUNTS
SAML, OIDC = f"acs:ram::{_OWN}:saml-provider/corp", f"acs:ram::{_OWN}:oidc-provider/corp"

NAMED = {
    "RAM": (
        f"acs:ram::{_OWN}:root", f"acs:ram::{_OTHER}:root", f"acs:ram::{_OWN}:user/alice", f"acs:ram::{_OWN}:user/Alice",
        f"acs:ram::{_OTHER}:user/alice", f"acs:ram::{_OWN}:role/CI-Deploy", f"acs:ram::{_OWN}:role/ci-deploy",
        f"acs:ram::{_OTHER}:role/ci-deploy", f"acs:ram::{_OWN}:role/alice",
    ),
    "Service": (
        "ecs.aliyuncs.com", f"{_OWN}@ecs.aliyuncs.com", f"{_OTHER}@ecs.aliyuncs.com", "orders.internal",
        f"{_OWN}@orders.internal", f"{_OTHER}@orders.internal",
    ),
    "Federated": (SAML, OIDC, OIDC.replace(_OWN, _OTHER), SAML.replace("corp", "Corp")),
}  # fmt: skip
EVERYBODY = {
    "RAM": [f"acs:ram::{_OWN}:root", f"acs:ram::{_OTHER}:root"],
    "Service": [*NAMED["Service"]],
    "Federated": [SAML, OIDC],
}

ASKING = (
    f"acs:ram::{_OWN}:user/alice", f"acs:ram::{_OWN}:user/Alice", f"acs:ram::{_OTHER}:user/alice", f"acs:ram::{_OWN}:user/ci-deploy",
    f"acs:ram::{_OWN}:role/ci-deploy", f"acs:ram::{_OWN}:role/CI-DEPLOY/s1", f"acs:ram::{_OWN}:assumed-role/Ci-Deploy/s1",
    f"acs:sts::{_OTHER}:assumed-role/ci-deploy/s1", f"acs:ram::{_OWN}:role/Alice/s@1", "ecs.aliyuncs.com",
    f"{_OWN}@ecs.aliyuncs.com", f"{_OTHER}@ecs.aliyuncs.com", f"{_OWN}@orders.internal", f"{_OTHER}@orders.internal",
)  # fmt: skip
ROOTS = (f"acs:ram::{_OWN}:root", f"acs:ram::{_OTHER}:root")
PLAIN_SERVICE = "orders.internal"

OPERATORS = {
    "text": ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"),
    "number": ("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
               "NumericGreaterThanEquals"),
    "date": ("DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"),
    "boolean": ("Bool",),
    "address": ("IpAddress", "NotIpAddress", "IpAddressIncludeBorder", "NotIpAddressIncludeBorder"),
}  # fmt: skip
PREFIXES = ("", "", "", "", "ForAllValues:", "ForAnyValue:")

READ = {
    "text": ("app:Text", "app:Text", "app:Text", "app:text", "app:text", "acs:SourceVpc", "acs:SourceVpc", "acs:PrincipalARN",
             "acs:PrincipalArn", "acs:PrincipalARN", "acs:PrincipalARN", "acs:PrincipalArn", "sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity", "oidc:sub", "oidc:aud", "saml:recipient", "acs:ResourceTag/team"),
    "number": ("app:Number", "app:Number", "app:Text", "acs:ResourceTag/size"),
    "date": ("acs:CurrentTime", "acs:CurrentTime", "acs:CurrentTime", "app:Day"),
    "boolean": ("acs:MFAPresent", "acs:SecureTransport"),
    "address": ("acs:SourceIp", "acs:SourceIp", "acs:VpcSourceIp"),
}  # fmt: skip
SENT = {
    "text": ("app:Text", "app:text", "acs:SourceVpc"),
    "number": ("app:Number",),
    "date": ("app:Day",),
    "boolean": ("acs:MFAPresent", "acs:SecureTransport"),
    "address": ("acs:SourceIp", "acs:VpcSourceIp"),
}

EXPECTED = {
    "text": ("red", "Red", "RED", "r?d", "r*", "*", "**d", "?", "", "*e*d*", "[r]ed", "r\u00e9d", "\u212aed", "ked", "\U0001f600", "??",
             "red ", "red*red", "\u0130", "i", "a\\b", 'a"b', "${acs:PrincipalARN}", "\u00df", "SS", "\n"),
    "arn": (f"acs:ram::{_OWN}:user/alice", f"acs:ram::{_OWN}:user/al*", f"acs:ram::{_OWN}:role/ci-deploy", f"acs:ram::{_OWN}:role/CI-*",
            "acs:ram::*:role/*DEPLOY", "acs:ram::*:user/ci-*", "ACS:RAM::*", "*:role/?i-*", SAML, f"acs:ram::{_OTHER}:role/ci-deploy/s1"),
    "number": ("5", "5.0", "+5", "-5", "0", "-0", "0.1", "0.10", "00012", "9007199254740993", "9007199254740992.0", "10"),
    "date": ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", "2025-12-31T23:59:59.999999Z", "2026-01-01T08:00:00+08:00",
             "2024-02-29T00:00:00Z", "2025-12-31T19:00:00-05:00", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.9Z"),
    "boolean": ("true", "false", "True", "FALSE"),
    "address": ("10.0.0.0/8", "10.0.0.0/30", "10.0.0.4", "10.0.0.4/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1",
                "2001:DB8:0:0::/33", "::ffff:10.0.0.0/104", "::ffff:10.0.0.4", "128.0.0.0/1", "::ffff:0:0/96"),
}  # fmt: skip
GIVEN = {
    "text": ("red", "Red", "RED", "rd", "r\nd", "reed", "", "[r]ed", "r\u00e9d", "R\u00c9D", "\u212aed", "ked", "Ked", "\U0001f600",
             "\U0001f600\U0001f600", "a", "redred", "red ", "\u0130", "i", "I", "a\\b", 'a"b', "\u00df", "ss", "\u1e9e", "\n", "5"),
    "number": ("5", "5.00", "+5", "-5", "0", "-0.0", "0.1", "0.100", "12", "9007199254740993", "9007199254740992", "10", "9.99", "five",
               "5.", "1e1", "\u0665", "", " 5", "5\n", "1_0", "0x5", "Infinity"),
    "date": ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z", "2025-12-31T23:59:59.999999Z", "2026-01-01T01:00:00+01:00",
             "2024-02-29T12:00:00Z", "2023-02-29T12:00:00Z", "2026-01-01", "soon", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
             "2026-01-01T00:00:60Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00Z\n", "9999-12-31T23:59:59.999999Z"),
    "boolean": ("true", "false", "TRUE", "False", "yes", "1", "", "true ", "tr\u00fce"),
    "address": ("10.0.0.0", "10.0.0.3", "10.0.0.4", "10.255.255.255", "11.0.0.0", "9.255.255.255", "127.255.255.255", "128.0.0.0",
                "2001:db8::1", "2001:DB8:0::2", "2001:db9::", "::ffff:10.0.0.4", "::ffff:a00:3", "::10.0.0.4", "10.0.0.0/8",
                "010.0.0.4", "10.0.4", "here", "fe80::1%eth0", "::", "10.0.0.4 "),
}  # fmt: skip

# Spellings that some reading takes for the same, or for neighbours.
NEAR = (
    ("red", "Red", "RED", "rd", "reed", "red ", "r\u00e9d", "R\u00c9D", "re\u0301d", "r\nd", "redred", "r?d", "[r]ed"),
    ("ked", "Ked", "\u212aed"),
    ("i", "I", "\u0130", "\u0131", "i\u0307"),
    ("\u00df", "ss", "SS", "\u1e9e", "\u017fs"),
    ("", "\n", " ", "?", "*", "a"),
    ("\U0001f600", "\U0001f600\U0001f600", "??", "ab"),
    ("5", "5.0", "5.00", "+5", "05", "-5", "5.", "5e0", "\u0665", " 5", "5\n", "5.0000000000000000001", "4.9999999999999999999"),
    ("0", "-0", "+0", "0.0", "-0.0", "00", "", "."),
    ("0.1", "0.10", "0.1000000000000000055", ".1", "0,1"),
    ("12", "00012", "0x12", "1_2", "12.0"),
    ("9007199254740993", "9007199254740992", "9007199254740992.0", "9007199254740994", "+9007199254740993.0"),
    ("10", "9.99", "10.00", "1e1", "10.000001"),
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000001Z", "2025-12-31T23:59:59.999999Z",
     "2026-01-01T08:00:00+08:00", "2025-12-31T19:00:00-05:00", "2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01",
     "2026-01-01T00:00:00.0000001Z", "2026-01-01T24:00:00+24:00", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00-00:00"),
    ("2024-02-29T00:00:00Z", "2024-02-28T23:59:59.999999Z", "2023-02-29T00:00:00Z", "2024-02-29T00:00:00.5Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999-23:59"),
    ("1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.899999Z"),
    ("true", "True", "TRUE", "tr\u00fce", "true ", "1", "yes", "t"),
    ("false", "False", "FALSE", "0", "no", "fal\u017fe"),
    ("10.0.0.4", "10.0.0.4/32", "::ffff:10.0.0.4", "::FFFF:a00:4", "0:0:0:0:0:ffff:a00:4", "::10.0.0.4", "010.0.0.4", "10.0.0.4 ",
     "10.0.0.3", "10.0.0.5", "10.0.4", "167772164", "64:ff9b::10.0.0.4"),
    ("10.0.0.0/8", "10.0.0.0/30", "::ffff:10.0.0.0/104", "10.0.0.0", "10.0.0.3", "10.255.255.255", "11.0.0.0", "9.255.255.255"),
    ("0.0.0.0/0", "::/0", "::ffff:0:0/96", "0.0.0.0", "::", "::ffff:0.0.0.0", "255.255.255.255", "ffff::"),
    ("128.0.0.0/1", "127.255.255.255", "128.0.0.0", "::ffff:128.0.0.1"),
    ("2001:db8::1", "2001:DB8:0::1", "2001:db8:0:0:0:0:0:1", "2001:db8::2", "2001:db8::1%eth0", "2001:db8:0:0:0:0:0:0:1", "2001:0db8::0001"),
    ("2001:db8::/32", "2001:DB8:0:0::/33", "2001:db8::", "2001:db8:7fff::", "2001:db8:8000::", "2001:db9::", "2001:db7:ffff::"),
)  # fmt: skip

CLAIMS = {
    SAML: {"saml:recipient": ("red", "Red", "https://example.com/saml"), "saml:other": ("1",)},
    OIDC: {
        "oidc:sub": ("red", "system:serviceaccount:shop:orders"),
        "oidc:aud": ("red", "sts.aliyuncs.com"),
        "oidc:iss": ("x",),
    },
}
SESSION_NAMES = ("red", "s1", "night@build")
EXTERNAL_IDS = ("red", "Red", "ked", "a-long/secret")
SOURCE_IDENTITIES = ("red", "reed")
TAGS = {"team": ("red", "Red", "", "r\u00e9d"), "size": ("5", "5.0", "x"), "soak": ("1",)}
DURATIONS = (3_600, 3_601, 7_200, 43_200)
"""The longest sessions of roles."""
LENGTHS = (900, 3_600, 3_601, 7_200, 43_200, 899, 43_201)
"""The sessions that are asked for."""
