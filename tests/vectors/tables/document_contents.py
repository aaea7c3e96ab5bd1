"""Documents that name whom they may not, or expect what cannot be read."""

from __future__ import annotations

import json

from tests.vectors.tables.build import Json
from tests.vectors.tables.texts import CONDITION, PRINCIPAL, bad, good, of_condition, of_principal, of_ram


def principal_cases() -> list[Json]:
    """Return the cases of principals."""

    def service(text: str) -> str:
        return of_principal(f'{{"Service": ¶"{text}"}}')

    def provider(text: str) -> str:
        return of_principal(f'{{"Federated": ¶"{text}"}}')

    ram, longest = f"{PRINCIPAL}/RAM", "n" * 64
    one_of_each = ('{"RAM": ["acs:ram::1:root", "acs:ram::12345678901234567890:user/a.b_c@d-e", "acs:ram::1:role/R"], '
                   '"Service": ["ecs.aliyuncs.com", "1@ecs.aliyuncs.com", "orders.internal", "1@orders.internal"], '
                   '"Federated": ["acs:ram::1:saml-provider/S", "acs:ram::1:oidc-provider/O"]}')  # fmt: skip
    wrong = {
        "homoglyph": "acs:ram::1:user/\\u0430dmin",  # row 11 of the faults
        "zero width": "acs:ram::1:user/ad\\u200bmin",  # row 10 of the faults
        "full-width prefix": "\uff41\uff43\uff53:ram::1:root",  # row 12 of the faults
        "full-width digits": "acs:ram::\uff11\uff12\uff13:root",  # row 12 of the faults
        "arabic digits": "acs:ram::\u0661\u0662\u0663:root",  # row 12 of the faults
        "trailing line feed": "acs:ram::1:user/a\\n",  # row 13 of the faults
        "root and line feed": "acs:ram::1:root\\n",  # row 13 of the faults
        "dots and slashes": "acs:ram::1:user/../../root",  # row 19 of the faults
        "two slashes": "acs:ram::1:user//a",  # row 19 of the faults
        "trailing slash": "acs:ram::1:user/a/",  # row 19 of the faults
        "no name": "acs:ram::1:user/",
        "no account": "acs:ram:::root",
        "21 digits": "acs:ram::123456789012345678901:root",
        "letters for an account": "acs:ram::prod:root",
        "a region": "acs:ram:cn-hangzhou:1:root",
        "another product": "acs:sts::1:role/R",
        "another partition": "arn:aws:iam::1:root",
        "upper-case prefix": "ACS:ram::1:root",
        "upper-case kind": "acs:ram::1:User/a",
        "root with a name": "acs:ram::1:root/a",
        "a group": "acs:ram::1:group/g",
        "a bare account": "123456789012",
        "an empty text": "",
        "65 characters": f"acs:ram::1:user/{longest}n",
        "a blank": "acs:ram::1:user/a b",
        "a session": "acs:ram::1:role/R/S",
        "an assumed role": "acs:ram::1:assumed-role/R/S",
        "a service as RAM": "ecs.aliyuncs.com",
        "a provider as RAM": "acs:ram::1:saml-provider/S",
    }
    services = ["Ecs.aliyuncs.com", "ecs", "ecs.", ".ecs.com", "ecs..com", "-ecs.com", "ecs-.com", "e_cs.com", "", "ecs.com.",
                "@ecs.aliyuncs.com", "prod@ecs.aliyuncs.com", "1@2@ecs.aliyuncs.com", "1@ecs", "ecs.aliyuncs.com\\n",
                "\\u0435cs.aliyuncs.com", "acs:ram::1:root", "https://ecs.aliyuncs.com", "123456789012345678901@a.b"]  # fmt: skip
    label = "l" * 63
    long_service = ".".join([label, label, label, label[:61]])
    providers = ["acs:ram::1:user/a", "acs:ram::1:root", "acs:ram::1:ldap-provider/L", "acs:ram::1:saml-provider/",
                 "acs:ram::1:saml-provider/a/b", "acs:ram::1:saml-provider/.a", "acs:ram::1:saml-provider/a-", f"acs:ram::1:oidc-provider/{longest}{longest}n", "accounts.example.com"]  # fmt: skip
    return [
        good("one of each", of_principal(one_of_each)),
        good("names of 64 characters", of_principal(f'{{"RAM": ["acs:ram::1:user/{longest}", "acs:ram::1:role/{longest}"]}}')),
        good("a provider's name of 128", of_principal(f'{{"Federated": "acs:ram::1:oidc-provider/{longest}{longest}"}}')),
        good("a provider's name of one character", of_principal('{"Federated": "acs:ram::1:saml-provider/S"}')),
        good("an account of 20 digits", of_principal('{"RAM": "acs:ram::12345678901234567890:root"}')),
        good("a service's account of 20 digits", of_principal('{"Service": "12345678901234567890@a.b"}')),
        good("labels of one character", of_principal('{"Service": ["a.b", "1.2", "a-b.c-d"]}')),
        good("a label of 63 characters", of_principal(f'{{"Service": "{label}.b"}}')),
        bad("a label of 64 characters", service(f"{label}l.b"), ("INVALID_PRINCIPAL", f"{PRINCIPAL}/Service")),
        good("a service of 253 characters", of_principal(f'{{"Service": "1@{long_service}"}}')),
        bad("a service of 254 characters", service(f"{long_service}l"), ("INVALID_PRINCIPAL", f"{PRINCIPAL}/Service")),
        good("no service", of_principal('{"Service": []}')),
        good("no service beside a user", of_principal('{"Service": [], "RAM": "acs:ram::1:user/a"}')),
        *[bad(name, of_ram(text), ("INVALID_PRINCIPAL", ram)) for name, text in wrong.items()],
        *[bad(f"service {text}", service(text), ("INVALID_PRINCIPAL", f"{PRINCIPAL}/Service")) for text in services],
        *[bad(f"provider {text}", provider(text), ("INVALID_PRINCIPAL", f"{PRINCIPAL}/Federated")) for text in providers],
        bad("a star", of_principal('¶"*"'), ("WILDCARD_PRINCIPAL", PRINCIPAL)),  # row 17 of the faults
        bad("a star in a list", of_principal('{"RAM": [¶"*"]}'), ("WILDCARD_PRINCIPAL", f"{ram}/0")),  # row 17 of the faults
        bad("any user", of_ram("acs:ram::1:user/*"), ("WILDCARD_PRINCIPAL", ram)),  # row 17 of the faults
        bad("users by prefix", of_ram("acs:ram::1:user/dev-*"), ("WILDCARD_PRINCIPAL", ram)),  # row 17 of the faults
        bad("any service", service("*.aliyuncs.com"), ("WILDCARD_PRINCIPAL", f"{PRINCIPAL}/Service")),  # row 17 of the faults
        bad("any provider", provider("acs:ram::1:oidc-provider/*"), ("WILDCARD_PRINCIPAL", f"{PRINCIPAL}/Federated")),  # row 17 of the faults
        bad("a masked account", of_ram("acs:ram::123456789012****:root"), ("MASKED_ACCOUNT_ID", ram)),  # row 18 of the faults
        bad("masked in the middle", of_ram("acs:ram::100******0719:user/Alice"), ("MASKED_ACCOUNT_ID", ram)),  # row 18 of the faults
        bad("a wildcard in an account", of_ram("acs:ram::1*:root"), ("WILDCARD_PRINCIPAL", ram)),  # row 18 of the faults
        bad("a masked provider", provider("acs:ram::123456789012****:saml-provider/testprovider"),  # row 18 of the faults
            ("MASKED_ACCOUNT_ID", f"{PRINCIPAL}/Federated")),
        bad("a masked service account", service("177*******6878@actiontrail.aliyuncs.com"),  # row 18 of the faults
            ("MASKED_ACCOUNT_ID", f"{PRINCIPAL}/Service")),
        bad("the second of three", of_principal('{"RAM": ["acs:ram::1:root", ¶"x", "acs:ram::2:root"]}'),
            ("INVALID_PRINCIPAL", f"{ram}/1")),
        bad("an empty principal", of_principal("¶{}"), ("EMPTY_PRINCIPAL", PRINCIPAL)),
        bad("a text", of_principal('¶"acs:ram::1:root"'), ("WRONG_TYPE", PRINCIPAL)),
        bad("a list", of_principal('¶["acs:ram::1:root"]'), ("WRONG_TYPE", PRINCIPAL)),
        bad("null", of_principal("¶null"), ("WRONG_TYPE", PRINCIPAL)),
        bad("a number for a value", of_principal('{"RAM": ¶1}'), ("WRONG_TYPE", ram)),
        bad("a list in the list", of_principal('{"RAM": [¶["acs:ram::1:root"]]}'), ("WRONG_TYPE", f"{ram}/0")),
        *[bad(f"type {name}", of_principal(f'{{¶"{name}": "{text}"}}'), ("UNKNOWN_PRINCIPAL_TYPE", f"{PRINCIPAL}/{name}"))
          for name, text in {"AWS": "acs:ram::1:root", "ram": "acs:ram::1:root", "Ram": "acs:ram::1:root",
                             "service": "ecs.aliyuncs.com", "User": "acs:ram::1:user/a", "*": "acs:ram::1:root"}.items()],
    ]  # fmt: skip


def condition_cases() -> list[Json]:
    """Return the cases of operators, keys and values."""

    def values(operator: str, text: str) -> str:
        return of_condition(f'{{"{operator}": {{"app:Key": {text}}}}}')

    def refused(reason: str, operator: str, texts: list[str]) -> list[Json]:
        at = f"{CONDITION}/{operator}/app:Key"
        return [bad(f"{operator} {text!a}", values(operator, "¶" + json.dumps(text)), (reason, at)) for text in texts]

    unknown = ["StringEqual", "stringequals", "STRINGLIKE", "Ipaddress", "ArnLike", "BinaryEquals", "NotBool", "BoolNot", "",
               "ForAllValues:", "ForAllValues:Nope", "forallvalues:StringEquals", "ForAllValues:ForAnyValue:StringEquals",
               "ForAllValue:StringEquals", "StringEquals "]  # fmt: skip
    unsupported = ["Null", "StringEqualsIfExists", "BoolIfExists", "ForAllValues:StringEqualsIfExists"]
    digits = ["\uff15", "\u0665", "1e3", "0x1", "", " 1", "1.", ".5", "1_000", "--1", "NaN", "five"]
    dates = [
        "2026-01-01T00:00:00",
        "2026-W01-1",
        "20260101T000000Z",
        "2026-01-01",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0800",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00Z",
        "2026-02-29T00:00:00Z",
        "",
        "now",
    ]
    late = ["2026-01-01T23:59:60Z", "2026-01-01T24:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
            "2026-01-01T00:00:00.0000001Z", "2026-01-01T00:00:00+24:00"]  # fmt: skip
    families = {
        "String": ["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"],
        "Numeric": ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
        "Date": ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
    }
    samples = {"String": "x", "Numeric": "1", "Date": "2026-01-01T00:00:00Z", "Bool": "true", "Ip": "10.0.0.0/8"}
    names = [(family, family + end) for family, ends in families.items() for end in ends]
    names += [("Bool", "Bool"), *[("Ip", n + "IpAddress" + b) for n in ("", "Not") for b in ("", "IncludeBorder")]]
    return [
        *[good(f"{prefix}{name}", values(prefix + name, f'"{samples[family]}"'))
          for family, name in names for prefix in ("", "ForAllValues:", "ForAnyValue:")],
        good("unquoted scalars are their text", of_condition('{"Bool": {"a:b": true}, "NumericLessThan": {"a:c": 10}, '
             '"StringEquals": {"a:d": [1.50, false, "x"]}}')),
        good("several values", values("StringEquals", '["a", "b", "a"]')),
        good("an empty text is a value", values("StringEquals", '""')),
        good("policy variables are text", values("StringLike", '"${acs:PrincipalARN}"')),
        good("an unknown key", of_condition('{"StringEquals": {"acs:NoSuchKey": "x", "team": "y"}}')),
        good("the time with dates", of_condition('{"DateLessThan": {"acs:CurrentTime": "2026-01-01T00:00:00+08:00"}}')),
        good("networks", values("IpAddress", '["0.0.0.0/0", "::/0", "10.1.2.3/32", "2001:db8::/32", "::ffff:10.0.0.0/104"]')),
        good("an empty condition, which restricts nothing", of_condition("{}")),
        bad("an operator without keys", of_condition('{"StringEquals": ¶{}}'), ("EMPTY_CONDITION", f"{CONDITION}/StringEquals")),
        bad("a key without values", values("StringEquals", "¶[]"), ("EMPTY_VALUES", f"{CONDITION}/StringEquals/app:Key")),
        *[bad(f"a condition that is {t}", of_condition(f"¶{t}"), ("WRONG_TYPE", CONDITION)) for t in ("[]", "null", '"x"')],
        *[bad(f"an operator's keys are {t}", of_condition(f'{{"Bool": ¶{t}}}'), ("WRONG_TYPE", f"{CONDITION}/Bool"))
          for t in ("[]", "null", '"x"')],
        *[bad(f"a value that is {t}", values("StringEquals", f"¶{t}"), ("WRONG_TYPE", f"{CONDITION}/StringEquals/app:Key"))
          for t in ("null", "{}")],
        bad("a list in the list", values("StringEquals", '["a", ¶["b"]]'), ("WRONG_TYPE", f"{CONDITION}/StringEquals/app:Key/1")),
        *[bad(f"operator {name}", of_condition(f'{{¶"{name}": {{"a:b": "x"}}}}'),  # row 24 of the faults
              ("UNKNOWN_OPERATOR", f"{CONDITION}/{name}")) for name in unknown],
        *[bad(f"operator {name}", of_condition(f'{{¶"{name}": {{"a:b": "true"}}}}'),  # row 25 of the faults
              ("UNSUPPORTED_OPERATOR", f"{CONDITION}/{name}")) for name in unsupported],
        *[bad(f"the time with {name}", of_condition(f'{{"{name}": {{¶"acs:CurrentTime": "{value}"}}}}'),
              ("OPERATOR_NOT_ALLOWED", f"{CONDITION}/{name}/acs:CurrentTime"))
          for name, value in (("StringEquals", "2026-01-01T00:00:00Z"), ("NumericLessThan", "1"), ("StringNotLike", "2026*"))],
        bad("an empty key", of_condition('{"StringEquals": {¶"": "x"}}'), ("INVALID_KEY", f"{CONDITION}/StringEquals/")),
        good("a key of 256 characters", of_condition(f'{{"StringEquals": {{"{"k" * 256}": "x"}}}}')),
        bad("a key of 257 characters", of_condition(f'{{"StringEquals": {{¶"{"k" * 257}": "x"}}}}'),
            ("INVALID_KEY", f"{CONDITION}/StringEquals/{'k' * 257}")),
        *[bad(f"a key with the control character {ord(c):#04x}", of_condition(f'{{"StringEquals": {{¶"a\\u{ord(c):04x}b": "x"}}}}'),
              ("INVALID_KEY", f"{CONDITION}/StringEquals/a\\x{ord(c):02x}b")) for c in "\x01\x1f\x7f\x80\x9f"],
        *[good(f"a key with the character {ord(c):#04x}", of_condition(f'{{"StringEquals": {{"a\\u{ord(c):04x}b": "x"}}}}'))
          for c in " ~\xa0"],
        good("a number of 512 digits", values("NumericEquals", f'["{"1" * 512}", {"1" * 512}]')),
        bad("a number of 513 digits in quotes", values("NumericEquals", f'¶"{"1" * 513}"'),
            ("INVALID_NUMBER", f"{CONDITION}/NumericEquals/app:Key")),
        bad("a number of 513 digits", values("StringEquals", f'¶{"1" * 513}'),
            ("INVALID_NUMBER", f"{CONDITION}/StringEquals/app:Key")),
        *[bad(f"a number with an exponent, {text}", values("NumericEquals", f"¶{text}"),
              ("INVALID_NUMBER", f"{CONDITION}/NumericEquals/app:Key")) for text in ("1e3", "1E-3", "-1.5e+2")],
        good("numbers without an exponent", values("NumericEquals", "[-1, 0, 1.50, -0.5]")),
        *refused("INVALID_NUMBER", "NumericEquals", digits),
        *refused("INVALID_BOOL", "Bool", ["yes", "1", "", "true ", "t"]),
        bad("Bool 1", values("Bool", "¶1"), ("INVALID_BOOL", f"{CONDITION}/Bool/app:Key")),
        *refused("INVALID_DATE", "DateLessThan", dates),  # row 35 of the faults
        *refused("INVALID_DATE", "DateEquals", late),  # row 36 of the faults
        *refused("INVALID_IP", "IpAddress", ["010.0.0.1", "127.1", "0x7f000001", "1", "10.0.0.0/08/1", "10.0.0.256"]),  # row 29 of the faults
        *refused("INVALID_IP", "NotIpAddress", ["10.0.0.1/8", "10.0.0.0/0.255.255.255", "10.0.0.0/255.0.0.0", "10.0.0.0/33",
                                                "10.0.0.0/", "2001:db8::1/32", "::/129", "10.0.0.0/-1"]),  # row 32 of the faults
        *refused("INVALID_IP", "IpAddressIncludeBorder", ["fe80::1%eth0", "fe80::%eth0/64"]),  # row 33 of the faults
        *refused("INVALID_IP", "IpAddress", ["", "*", "localhost", " 10.0.0.1", "10.0.0.1\n", "\uff11.0.0.1", "10.0.0.1,10.0.0.2",
                                             "10.0.0.0-10.0.0.9"]),
        good("mapped", values("IpAddress", '"::ffff:10.0.0.1"')),  # row 30 of the faults
        good("translated tunnelled and compatible", values("IpAddress", '["64:ff9b::a00:1", "::10.0.0.1", "2002::/16"]')),  # row 31 of the faults
        good("the whole internet", values("IpAddress", '"0.0.0.0/0"')),  # row 34 of the faults
        good("brackets", values("StringLike", '["[a-z]", "[!x]"]')),  # row 22 of the faults
        good("wildcards in equals", values("StringEquals", '["a*", "a?"]')),  # row 23 of the faults
        bad("more violations than are examined", values("DateEquals", '["x"' + ', "x"' * 250 + "]"),
            *[("INVALID_DATE", f"{CONDITION}/DateEquals/app:Key/{number}") for number in range(250)],
            ("TOO_MANY_VIOLATIONS", f"{CONDITION}/DateEquals/app:Key/249")),
        bad("the second of three values", values("DateEquals", '["2026-01-01T00:00:00Z", ¶"x", "2026-01-02T00:00:00Z"]'),
            ("INVALID_DATE", f"{CONDITION}/DateEquals/app:Key/1")),
        bad("a key is not escaped in messages", of_condition('{"Bool": {"acs:ResourceTag/a~b": ¶{}}}'),
            ("WRONG_TYPE", "/Statement/0/Condition/Bool/acs:ResourceTag~1a~0b")),
        bad("a key is escaped in pointers", of_condition('{"Bool": {"acs:ResourceTag/a~b": ¶"x"}}'),
            ("INVALID_BOOL", f"{CONDITION}/Bool/acs:ResourceTag~1a~0b")),
    ]  # fmt: skip
