"""Files of documents: what the neighbouring tables hold, the limits, violations together, and the profile RAM."""

from __future__ import annotations

from tests.vectors.tables.build import File, Json
from tests.vectors.tables.document_contents import condition_cases, principal_cases
from tests.vectors.tables.document_syntax import json_cases, structure_cases
from tests.vectors.tables.texts import (
    CONDITION,
    PLAIN,
    PRINCIPAL,
    STATEMENT,
    WHO,
    bad,
    document,
    documents,
    good,
    of_condition,
    of_principal,
    of_statement,
)


def files() -> list[File]:
    """Return the files of documents."""
    return [
        documents("json", "What is not strict JSON", json_cases()),
        documents("structure", "Members, their names and their types", structure_cases()),
        documents("principals", "Whom a document may name", principal_cases()),
        documents("conditions", "Operators, keys and values", condition_cases()),
        documents("limits", "At each limit and one beyond", _limits()),
        documents("together", "All violations at once, in document order", _together()),
        documents("profile-ram", "What is ours and not RAM's", _profile_ram()),
    ]


def _limits() -> list[Json]:
    def sized(size: int) -> str:
        return PLAIN + " " * (size - len(PLAIN))

    short = '{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": []}}'

    def principals(count: int) -> str:
        return of_principal('{"RAM": [' + ", ".join(f'"acs:ram::{n}:root"' for n in range(count)) + "]}")

    def keys(count: int) -> str:
        return of_condition('{"StringEquals": {' + ", ".join(f'"k:{n}": "v"' for n in range(count)) + "}}")

    def pattern(operator: str, text: str) -> str:
        return of_condition(f'{{"{operator}": {{"a:b": ¶"{text}"}}}}')

    def patterns(count: int, text: str) -> str:
        values = ", ".join([f'"{text}"'] * count)
        return of_condition(f'{{"StringLike": {{"a:b": [{values}]}}}}')

    def apart(count: int) -> str:
        one = (
            f'"Action": "sts:AssumeRole", "Principal": {WHO}, "Condition": {{"Bool": {{"a:b": "true", "a:c": "true"}}}}'
        )
        return document(*[f'{{"Effect": "Allow", {one}}}' for _ in range(count)])

    at = f"{CONDITION}/StringLike/a:b"
    wide = of_condition('{"StringEquals": {"a:b": "%s"}}')
    room = 16384 - len(wide) + 2
    return [
        good("16384 bytes", sized(16384)),  # row 20 of the faults
        bad("16385 bytes", sized(16385), ("DOCUMENT_TOO_LARGE", None)),  # row 20 of the faults
        good("16384 bytes of non-ASCII text", wide % ("é" * (room // 2) + "e" * (room % 2))),
        bad("16386 bytes of non-ASCII text", wide % ("é" * (room // 2 + 1) + "e" * (room % 2)), ("DOCUMENT_TOO_LARGE", None)),
        good("100 statements", document(*[short] * 100)),
        bad("101 statements", document(*[short] * 101), ("TOO_MANY_STATEMENTS", "/Statement")),
        good("500 principals", principals(500)),
        bad("501 principals", principals(501), ("TOO_MANY_PRINCIPALS", None)),
        good("64 condition keys", keys(64)),
        bad("65 condition keys", keys(65), ("TOO_MANY_CONDITION_KEYS", None)),
        good("64 condition keys in 32 statements", apart(32)),
        good("a pattern of 512 characters", pattern("StringLike", "a" * 512).replace("¶", "")),
        good("a pattern of 512 characters of four bytes", pattern("StringLike", "😀" * 512).replace("¶", "")),
        bad("a pattern of 513 characters", pattern("StringLike", "a" * 513), ("PATTERN_TOO_LONG", at)),
        bad("a negated pattern of 513 characters", pattern("StringNotLike", "a" * 513),
            ("PATTERN_TOO_LONG", f"{CONDITION}/StringNotLike/a:b")),
        good("a text of 513 characters", pattern("StringEquals", "a" * 513).replace("¶", "")),
        good("16 stars", pattern("StringLike", "*a" * 16).replace("¶", "")),  # row 21 of the faults
        bad("17 stars", pattern("StringLike", "*a" * 17), ("TOO_MANY_STARS", at)),  # row 21 of the faults
        good("256 patterns", patterns(256, "a")),
        bad("257 patterns", patterns(257, "a"), ("TOO_MANY_PATTERNS", "/Statement")),
        good("4096 characters of patterns", patterns(8, "a" * 512)),
        bad("4104 characters of patterns", patterns(9, "a" * 456), ("PATTERNS_TOO_LONG", "/Statement")),
        good("17 stars in StringEquals", pattern("StringEquals", "*" * 17).replace("¶", "")),
    ]  # fmt: skip


def _together() -> list[Json]:
    many = (
        '{"Version": ¶"2",\n ¶"Extra": 1,\n "Statement": [\n'
        '  ¶{"Effect": ¶"allow", "Principal": {"RAM": [¶"*", "acs:ram::1:root", ¶"acs:ram::1234****:root"]},\n'
        '   "Condition": {¶"Null": {"a:b": "true"}, "IpAddress": {"acs:SourceIp": ["10.0.0.0/8", ¶"10.0.0.1/8"]}}},\n'
        "  ¶7,\n"
        f'  {{"Effect": "Deny", "Action": [¶"sts:*"], "Principal": {WHO}, ¶"Resource": "*"}}\n ]}}'
    )
    first, third = "/Statement/0", "/Statement/2"
    return [
        bad("ten violations", many, ("UNSUPPORTED_VERSION", "/Version"), ("UNKNOWN_FIELD", "/Extra"),
            ("MISSING_FIELD", first), ("INVALID_EFFECT", f"{first}/Effect"),
            ("WILDCARD_PRINCIPAL", f"{first}/Principal/RAM/0"), ("MASKED_ACCOUNT_ID", f"{first}/Principal/RAM/2"),
            ("UNSUPPORTED_OPERATOR", f"{first}/Condition/Null"), ("INVALID_IP", f"{first}/Condition/IpAddress/acs:SourceIp/1"),
            ("WRONG_TYPE", "/Statement/1"), ("UNSUPPORTED_ACTION", f"{third}/Action/0"),
            ("UNKNOWN_FIELD", f"{third}/Resource")),
        bad("members in another order are reported in the document's",
            '{"Statement": [{"Principal": {¶"AWS": "acs:ram::1:root"}, "Action": ¶"*", "Effect": ¶"permit"}], "Version": ¶"0"}',
            ("UNKNOWN_PRINCIPAL_TYPE", f"{first}/Principal/AWS"), ("UNSUPPORTED_ACTION", f"{first}/Action"),
            ("INVALID_EFFECT", f"{first}/Effect"), ("UNSUPPORTED_VERSION", "/Version")),
        bad("after a duplicate the rest is reported too",
            f'{{"Version": "1", "Statement": [{{"Effect": "Allow", ¶"Effect": "Deny", "Action": ¶"*", "Principal": {WHO}}}]}}',
            ("DUPLICATE_KEY", f"{first}/Effect"), ("UNSUPPORTED_ACTION", f"{first}/Action")),
    ]  # fmt: skip


def _profile_ram() -> list[Json]:
    def ram(name: str, text: str, pointer: str) -> list[Json]:
        return [good(f"{name}, ours", text.replace("¶", "")), bad(name, text, ("NOT_IN_RAM", pointer), profile="RAM")]

    in_house = of_principal('{"Service": ["ecs.aliyuncs.com", ¶"orders.internal"]}')
    acting = of_principal('{"Service": ¶"1@orders.internal"}')
    any_value = of_condition('{¶"ForAnyValue:StringEquals": {"oidc:aud": "x"}}')
    label = of_statement('"Effect": "Allow", "Action": "sts:AssumeRole", ¶"Sid": "x"')
    return [
        good("a plain document", PLAIN, profile="RAM"),
        good("ForAllValues", of_condition('{"ForAllValues:StringEquals": {"oidc:aud": "x"}}'), profile="RAM"),
        good("a service of Alibaba Cloud", of_principal('{"Service": ["ecs.aliyuncs.com", "1@ecs.aliyuncs.com"]}'), profile="RAM"),
        *ram("an in-house service", in_house, f"{PRINCIPAL}/Service/1"),
        *ram("an in-house service of an account", acting, f"{PRINCIPAL}/Service"),
        *ram("ForAnyValue", any_value, f"{CONDITION}/ForAnyValue:StringEquals"),
        *ram("a label", label, f"{STATEMENT}/Sid"),
        *ram("an unquoted boolean", of_condition('{"Bool": {"a:b": ¶true}}'), f"{CONDITION}/Bool/a:b"),
        *ram("an unquoted number", of_condition('{"NumericEquals": {"a:b": ["1", ¶2]}}'), f"{CONDITION}/NumericEquals/a:b/1"),
        bad("all at once", document('{¶"Sid": "x", "Effect": "Allow", "Action": "sts:AssumeRole",\n "Principal": '
            '{"Service": ¶"a.b"}, "Condition": {¶"ForAnyValue:Bool": {"a:b": ¶true}}}'),
            ("NOT_IN_RAM", f"{STATEMENT}/Sid"), ("NOT_IN_RAM", f"{PRINCIPAL}/Service"),
            ("NOT_IN_RAM", f"{CONDITION}/ForAnyValue:Bool"), ("NOT_IN_RAM", f"{CONDITION}/ForAnyValue:Bool/a:b"),
            profile="RAM"),
    ]  # fmt: skip
