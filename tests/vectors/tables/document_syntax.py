"""Documents that are not strict JSON, or whose members are not those of a trust policy."""

from __future__ import annotations

from tests.vectors.tables.build import Json
from tests.vectors.tables.texts import (
    ALLOW,
    CONDITION,
    PLAIN,
    PRINCIPAL,
    STATEMENT,
    WHO,
    bad,
    document,
    good,
    of_condition,
    of_principal,
    of_statement,
)


def json_cases() -> list[Json]:
    """Return the cases of texts that are not strict JSON."""

    def sid(text: str) -> str:
        return of_statement(f'"Effect": "Allow", "Action": "sts:AssumeRole", "Sid": ¶"{text}"')

    at_sid = f"{STATEMENT}/Sid"
    return [
        good("a plain document", PLAIN),
        good("white space of every kind", f" \t\r\n{PLAIN}\r\n\t "),
        good("escapes", PLAIN.replace("Allow", "\\u0041llow").replace('"RAM"', '"\\u0052AM"')),
        good("a surrogate pair", sid("\\ud83d\\ude00").replace("¶", "")),
        bad("an empty text", "¶", ("EMPTY_DOCUMENT", "")),  # row 15 of the faults
        bad("white space only", " \n ", ("EMPTY_DOCUMENT", None)),  # row 15 of the faults
        bad("duplicate effect", document(f'{{"Effect": "Deny", ¶"Effect": "Allow", "Action": "sts:AssumeRole", '  # row 1 of the faults
            f'"Principal": {WHO}}}'), ("DUPLICATE_KEY", f"{STATEMENT}/Effect")),
        bad("duplicate by escape", document(f'{{"Effect": "Deny", ¶"\\u0045ffect": "Allow", '  # row 1 of the faults
            f'"Action": "sts:AssumeRole", "Principal": {WHO}}}'), ("DUPLICATE_KEY", f"{STATEMENT}/Effect")),
        bad("duplicate version", f'{{"Version": "1", ¶"Version": "1", "Statement": [{ALLOW}]}}',  # row 1 of the faults
            ("DUPLICATE_KEY", "/Version")),
        bad("duplicate operator", of_condition('{"StringEquals": {"a:b": "1"}, ¶"StringEquals": {"a:c": "1"}}'),  # row 1 of the faults
            ("DUPLICATE_KEY", f"{CONDITION}/StringEquals")),
        bad("duplicate condition key", of_condition('{"StringEquals": {"a:b": "1", ¶"a:b": "2"}}'),  # row 1 of the faults
            ("DUPLICATE_KEY", f"{CONDITION}/StringEquals/a:b")),
        bad("duplicate principal type", of_principal('{"RAM": "acs:ram::1:root", ¶"RAM": "acs:ram::2:root"}'),  # row 1 of the faults
            ("DUPLICATE_KEY", f"{PRINCIPAL}/RAM")),
        bad("three of a kind", document(f'{{"Effect": "Deny", ¶"Effect": "Allow", "Action": "sts:AssumeRole",\n'  # row 1 of the faults
            f'¶"Effect": "Deny", "Principal": {WHO}}}'), ("DUPLICATE_KEY", f"{STATEMENT}/Effect"),
            ("DUPLICATE_KEY", f"{STATEMENT}/Effect")),
        bad("nan", of_condition('{"NumericEquals": {"a:b": ¶NaN}}'), ("NOT_A_NUMBER", None)),  # row 4 of the faults
        bad("infinity", of_condition('{"NumericEquals": {"a:b": ¶Infinity}}'), ("NOT_A_NUMBER", None)),  # row 4 of the faults
        bad("minus infinity", of_condition('{"NumericEquals": {"a:b": ¶-Infinity}}'), ("NOT_A_NUMBER", None)),  # row 4 of the faults
        bad("huge exponent", of_condition('{"NumericEquals": {"a:b": ¶1e400}}'),  # row 4 of the faults
            ("INVALID_NUMBER", f"{CONDITION}/NumericEquals/a:b")),
        bad("an integer of 5000 digits", of_statement(f'"Effect": "Allow", "Action": ¶{"7" * 5000}'),  # row 5 of the faults
            ("WRONG_TYPE", f"{STATEMENT}/Action")),
        bad("arrays a thousand deep", "[" * 32 + "¶" + "[" * 968 + "]" * 1000, ("TOO_DEEP", None)),  # row 6 of the faults
        bad("depth 33", "[" * 32 + "¶[" + "]" * 33, ("TOO_DEEP", None)),  # row 6 of the faults
        bad("depth 32 is not too deep", "¶" + "[" * 32 + "]" * 32, ("WRONG_TYPE", "")),  # row 6 of the faults
        bad("objects and arrays", '{"a":[' * 16 + "¶[1]" + "]}" * 16, ("TOO_DEEP", None)),  # row 6 of the faults
        bad("byte order mark", "¶\ufeff" + PLAIN, ("BYTE_ORDER_MARK", None)),  # row 7 of the faults
        bad("trailing text", PLAIN + "\n ¶x", ("TRAILING_TEXT", None)),  # row 7 of the faults
        bad("second document", PLAIN + "¶{}", ("TRAILING_TEXT", None)),  # row 7 of the faults
        bad("trailing comma in an object", '{"Version": "1"¶,}', ("TRAILING_COMMA", None)),  # row 7 of the faults
        bad("trailing comma in an array", '{"Version": "1", "Statement": [\n  1¶,\n]}', ("TRAILING_COMMA", None)),  # row 7 of the faults
        bad("line comment", '{"Version": "1", ¶// why\n "Statement": []}', ("COMMENT", None)),  # row 7 of the faults
        bad("block comment", '{"Version": "1", ¶/* why */ "Statement": []}', ("COMMENT", None)),  # row 7 of the faults
        bad("single quotes", "{¶'Version': '1'}", ("SINGLE_QUOTES", None)),  # row 7 of the faults
        bad("single quoted value", "{\"Version\": ¶'1'}", ("SINGLE_QUOTES", None)),  # row 7 of the faults
        bad("lone high surrogate", sid("\\ud800"), ("INVALID_UNICODE", at_sid)),  # row 8 of the faults
        bad("lone low surrogate", sid("a\\udc00b"), ("INVALID_UNICODE", at_sid)),  # row 8 of the faults
        bad("lone surrogate in a key", of_condition('{"StringEquals": {¶"a:\\ud800": "x"}}'),  # row 8 of the faults
            ("INVALID_UNICODE", None)),
        bad("nul", of_condition('{"StringEquals": {"a:b": ["ok", ¶"\\u0000"]}}'),  # row 9 of the faults
            ("NUL_CHARACTER", f"{CONDITION}/StringEquals/a:b/1")),
        bad("unquoted-name", '{¶Version: "1"}', ("INVALID_JSON", None)),
        bad("unquoted-value", '{"Version": ¶one}', ("INVALID_JSON", None)),
        bad("a comma is missing", '{"Version": "1" ¶"Statement": []}', ("INVALID_JSON", None)),
        bad("a colon is missing", '{"Version" ¶"1"}', ("INVALID_JSON", None)),
        bad("an end is missing", '{"Version": "1"', ("INVALID_JSON", None)),
        bad("a closing quote is missing", '{"Version": "1', ("INVALID_JSON", None)),
        bad("a line break inside a string", '{"Version": "1\n"}', ("INVALID_JSON", None)),
        bad("an unknown escape", '{"Version": "\\x31"}', ("INVALID_JSON", None)),
        bad("a leading zero", of_condition('{"NumericEquals": {"a:b": 01}}'), ("INVALID_NUMBER", None)),
        bad("an upper-case literal", of_condition('{"Bool": {"a:b": ¶True}}'), ("INVALID_JSON", None)),
        bad("columns count characters", '{"Version": "1", "Statement": [], "😀é": "\t", ¶\'x\'}'.replace("\t", "\\t"),
            ("SINGLE_QUOTES", None)),
        bad("a carriage return and a line feed are one line's end", '{\r\n"Version": "1",\r\n ¶\'x\'}',
            ("SINGLE_QUOTES", None)),
    ]  # fmt: skip


def structure_cases() -> list[Json]:
    """Return the cases of members that are unknown, missing or of a wrong type."""

    def effect(text: str) -> str:
        return document(f'{{"Effect": ¶{text}, "Action": "sts:AssumeRole", "Principal": {WHO}}}')

    def action(text: str) -> str:
        return of_statement(f'"Effect": "Allow", "Action": {text}')

    def label(*parts: str) -> str:
        mark, text = parts if len(parts) == 2 else ("", *parts)
        return of_statement(f'"Effect": "Allow", "Action": "sts:AssumeRole", "Sid": {mark}"{text}"')

    at_effect, at_action = f"{STATEMENT}/Effect", f"{STATEMENT}/Action"
    unknown = ["effect", "NotPrincipal", "NotAction", "Resource", "Principals", "Conditions", "Conditon", "id", ""]
    mis_cased = 'Action": "sts:AssumeRole", ¶"condition": {"Bool": {"a:b": "true"}}, "Effect": "Allow"'
    return [
        good("a label", of_statement('"Effect": "Deny", "Action": "sts:AssumeRole", "Sid": "who may"')),
        good("one principal", of_principal('{"RAM": "acs:ram::1:root"}')),  # row 16 of the faults
        good("a list of one", of_principal('{"RAM": ["acs:ram::1:root"]}')),  # row 16 of the faults
        good("two actions", action('["sts:AssumeRole", "sts:SetSourceIdentity"]')),
        good("actions in any case", action('["STS:assumerole", "sts:setsourceidentity"]')),
        bad("empty object", "¶¶{}", ("MISSING_FIELD", ""), ("MISSING_FIELD", "")),  # row 15 of the faults
        bad("no statements", '{"Version": "1", "Statement": ¶[]}', ("EMPTY_STATEMENTS", "/Statement")),  # row 15 of the faults
        bad("no version", f'¶{{"Statement": [{ALLOW}]}}', ("MISSING_FIELD", "")),  # row 15 of the faults
        bad("no statement member", '\n ¶{"Version": "1"}', ("MISSING_FIELD", "")),  # row 15 of the faults
        *[
            bad(f"version {text}", f'{{"Version": ¶{text}, "Statement": [{ALLOW}]}}',  # row 15 of the faults
                ("UNSUPPORTED_VERSION", "/Version"))
            for text in ('"2"', '"2012-10-17"', '"1.0"', '" 1"', '""', "1")
        ],
        bad("a bare statement", f'{{"Version": "1", "Statement": ¶{ALLOW}}}', ("WRONG_TYPE", "/Statement")),  # row 16 of the faults
        *[bad(f"the document is {text}", f"¶{text}", ("WRONG_TYPE", "")) for text in ("[]", "null", '"x"', "1", "true")],
        *[
            bad(f"a statement is {text}", document(f"¶{text}"), ("WRONG_TYPE", STATEMENT))
            for text in ("[]", "null", '"x"', "1")
        ],
        bad("the version is missing and mis-cased", f'¶{{¶"version": "1", "Statement": [{ALLOW}]}}',
            ("MISSING_FIELD", ""), ("UNKNOWN_FIELD", "/version")),
        bad("a member of the document", f'{{"Version": "1", ¶"Id": "x", "Statement": [{ALLOW}]}}',
            ("UNKNOWN_FIELD", "/Id")),
        *[
            bad(f"a member {name}",  # row 2 (`effect`) and row 3 of the faults
                of_statement(f'"Effect": "Allow", "Action": "sts:AssumeRole", ¶"{name}": "x"'),
                ("UNKNOWN_FIELD", f"{STATEMENT}/{name}"))
            for name in unknown
        ],
        bad("a member condition", of_statement(f'"{mis_cased}'), ("UNKNOWN_FIELD", f"{STATEMENT}/condition")),  # row 2 of the faults
        bad("names are escaped in pointers", of_statement('"Effect": "Allow", "Action": "sts:AssumeRole", ¶"a/b~c": 1'),
            ("UNKNOWN_FIELD", f"{STATEMENT}/a~1b~0c")),
        bad("an empty statement", document("¶¶¶{}"), *[("MISSING_FIELD", STATEMENT)] * 3),
        bad("no effect", document(f'¶{{"Action": "sts:AssumeRole", "Principal": {WHO}}}'), ("MISSING_FIELD", STATEMENT)),
        bad("no action", document(f'¶{{"Effect": "Allow", "Principal": {WHO}}}'), ("MISSING_FIELD", STATEMENT)),
        bad("no principal", document('¶{"Effect": "Allow", "Action": "sts:AssumeRole"}'), ("MISSING_FIELD", STATEMENT)),
        *[bad(f"effect {text}", effect(text), ("INVALID_EFFECT", at_effect))
          for text in ('"allow"', '"DENY"', '"Alow"', '""', '"Allow "')],
        *[bad(f"effect {text}", effect(text), ("WRONG_TYPE", at_effect)) for text in ("true", '["Allow"]', "null")],
        *[bad(f"action {text}", action(f"¶{text}"), ("UNSUPPORTED_ACTION", at_action))
          for text in ('"*"', '"sts:*"', '"sts:AssumeRoleWithOIDC"', '"sts:AssumeRoleWithSAML"', '"ecs:RunInstances"',
                       '""', '"sts:AssumeRole "', '"\\u017fts:AssumeRole"')],
        bad("one action of two", action('["sts:AssumeRole", ¶"sts:AssumeRoles"]'), ("UNSUPPORTED_ACTION", f"{at_action}/1")),
        bad("no actions", action("¶[]"), ("EMPTY_ACTIONS", at_action)),
        bad("action null", action("¶null"), ("WRONG_TYPE", at_action)),
        bad("an action that is a number", action("[¶1]"), ("WRONG_TYPE", f"{at_action}/0")),
        good("a label of 128 characters", label("é" * 128)),
        bad("a label of 129 characters", label("¶", "a" * 129), ("INVALID_SID", f"{STATEMENT}/Sid")),
        *[bad(f"a label with the control character {ord(c):#04x}", label("¶", f"a\\u{ord(c):04x}"),
              ("INVALID_SID", f"{STATEMENT}/Sid")) for c in "\x01\x1f\x7f\x80\x9f"],
        *[good(f"a label with the character {ord(c):#04x}", label(f"a\\u{ord(c):04x}")) for c in " ~\xa0"],
        bad("a label that is a number", of_statement('"Effect": "Allow", "Action": "sts:AssumeRole", "Sid": ¶1'),
            ("WRONG_TYPE", f"{STATEMENT}/Sid")),
    ]  # fmt: skip
