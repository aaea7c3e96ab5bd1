"""The parser: what it accepts, and that it reports all violations at once, in order, with their places."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st

from rolecall.policy import parser
from rolecall.policy.document import Effect, Quantifier, TrustPolicy
from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.limits import DEFAULT_LIMITS, Limits
from rolecall.policy.node import ParseState
from rolecall.policy.parser import parse_policy
from rolecall.policy.profile import Profile

JsonValue = object
STATEMENT: Mapping[str, JsonValue] = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"RAM": ["acs:ram::1:root"]},
}


def statement(**changes: JsonValue) -> dict[str, JsonValue]:
    return {name: value for name, value in {**STATEMENT, **changes}.items() if value is not ...}


def document(*statements: JsonValue, **changes: JsonValue) -> str:
    whole = {"Version": "1", "Statement": list(statements) or [dict(STATEMENT)], **changes}
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def condition(operator: str, key: str, value: JsonValue) -> str:
    return document(statement(Condition={operator: {key: value}}))


def violations(
    text: str, limits: Limits = DEFAULT_LIMITS, profile: Profile = Profile.ROLECALL
) -> tuple[Violation, ...]:
    with pytest.raises(InvalidPolicyError) as refused:
        parse_policy(text, limits=limits, profile=profile)
    return refused.value.violations


def only(text: str, limits: Limits = DEFAULT_LIMITS, profile: Profile = Profile.ROLECALL) -> Violation:
    found = violations(text, limits, profile)
    assert len(found) == 1, found
    return found[0]


def test_a_whole_policy_is_read() -> None:
    text = document(
        statement(
            Sid="",
            Effect="Deny",
            Action=["STS:assumerole", "sts:SetSourceIdentity", "sts:AssumeRole"],
            Principal={"RAM": "acs:ram::1:user/u", "Service": [], "Federated": ["acs:ram::1:oidc-provider/p"]},
            Condition={
                "ForAllValues:StringLike": {"acs:PrincipalArn": ["a*", "b"]},
                "Bool": {"acs:MFAPresent": True},
                "NumericLessThan": {"a/b": [1, 2.5, "3"]},
            },
        ),
        statement(Sid="second"),
    )

    policy = parse_policy(text)

    first, second = policy.statements
    assert policy.text == text
    assert (first.index, first.effect, first.sid, first.pointer) == (0, Effect.DENY, "", "/Statement/0")
    assert first.actions == ("sts:AssumeRole", "sts:SetSourceIdentity")
    assert [(p.type, p.text) for p in first.principals] == [
        ("RAM", "acs:ram::1:user/u"),
        ("Federated", "acs:ram::1:oidc-provider/p"),
    ]
    like, truth, number = first.conditions
    assert (like.quantifier, like.operator_name) == (Quantifier.FOR_ALL, "ForAllValues:StringLike")
    assert (like.key, like.spelling, like.values) == ("acs:PrincipalARN", "acs:PrincipalArn", ("a*", "b"))
    assert like.pointer == "/Statement/0/Condition/ForAllValues:StringLike/acs:PrincipalArn"
    assert (truth.values, truth.unquoted) == (("true",), (0,))
    assert (number.values, number.unquoted) == (("1", "2.5", "3"), (0, 1))
    assert number.pointer == "/Statement/0/Condition/NumericLessThan/a~1b"
    assert (second.index, second.sid, second.conditions) == (1, "second", ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            document(statement(Principal={"RAM": "acs:ram::1:root"})), id="a-lone-principal"
        ),  # row 16 of the faults
        pytest.param(document(statement(Principal={"Service": []})), id="no-principal"),
        pytest.param(document(statement(Sid="s"), statement(Sid="s")), id="one-sid-twice"),
        pytest.param(document(statement(Sid="\u00e9" * 128)), id="longest-sid"),
        pytest.param(condition("StringEquals", "whatever", "${x}"), id="unknown-key"),
        pytest.param(condition("StringEquals", "k" * 256, ["*?["]), id="literals"),  # row 22, 23 of the faults
        pytest.param(condition("DateLessThan", "acs:CurrentTime", "2026-01-01T00:00:00Z"), id="time"),
        pytest.param(condition("StringLike", "a:b", "*" * 16), id="most-stars"),
        pytest.param(condition("StringLike", "a:b", "x" * 512), id="longest-pattern"),
        pytest.param(condition("StringEquals", "a:b", "*" * 600), id="long-text-that-is-no-pattern"),
        pytest.param(f" \r\n\t{document()}\n", id="blanks-around"),
    ],
)
def test_a_valid_document_is_accepted(text: str) -> None:
    assert parse_policy(text) == TrustPolicy(text, ())


@pytest.mark.parametrize(
    ("text", "reason", "pointer", "said"),
    [
        pytest.param("{}", "MISSING_FIELD", "", "add it", id="empty-object"),  # row 15 of the faults
        pytest.param(document(Version=...), "MISSING_FIELD", "", "`Version`", id="no-version"),  # row 15 of the faults
        pytest.param(document(Version="2"), "UNSUPPORTED_VERSION", "/Version", '`"1"`', id="version-2"),  # row 15 of the faults
        pytest.param(document(Version="2012-10-17"), "UNSUPPORTED_VERSION", "/Version", "AWS", id="version-of-aws"),
        pytest.param(document(Version=1), "UNSUPPORTED_VERSION", "/Version", "quote it", id="version-unquoted"),
        pytest.param(document(Version=None), "WRONG_TYPE", "/Version", "null", id="version-null"),
        pytest.param(document(Statement=[]), "EMPTY_STATEMENTS", "/Statement", "at least one", id="no-statement"),  # row 15 of the faults
        pytest.param(document(Statement=dict(STATEMENT)), "WRONG_TYPE", "/Statement", "`[`", id="bare-statement"),  # row 16 of the faults
        pytest.param(document(Statement=["x"]), "WRONG_TYPE", "/Statement/0", "`Statement/0`", id="statement-text"),
        pytest.param("[]", "WRONG_TYPE", "", "the document must be an object, not an array", id="array"),
        pytest.param('"1"', "WRONG_TYPE", "", "the text `1`", id="text"),
        pytest.param("true", "WRONG_TYPE", "", "the bare word `true`", id="truth-value"),
        pytest.param("1", "WRONG_TYPE", "", "the number `1`", id="number"),
        pytest.param(document(Id="x"), "UNKNOWN_FIELD", "/Id", "remove it", id="id-of-aws"),
        pytest.param(document(statement(effect="Deny")), "UNKNOWN_FIELD", "/Statement/0/effect", "`Effect`", id="mis-cased-name"),  # row 2 of the faults
        pytest.param(document(statement(Conditon={})), "UNKNOWN_FIELD", "/Statement/0/Conditon", "did you mean", id="misspelt-name"),  # row 3 of the faults
        pytest.param(document(statement(xyz=1)), "UNKNOWN_FIELD", "/Statement/0/xyz", "known are", id="unknown"),  # row 3 of the faults
        pytest.param(document(statement(x="k" * 99)), "UNKNOWN_FIELD", "/Statement/0/x", "known are", id="short"),
        pytest.param(
            document(statement(**{"k" * 99: 1})), "UNKNOWN_FIELD", f"/Statement/0/{'k' * 99}", "...", id="long-name"
        ),
        pytest.param(document(statement(NotPrincipal={})), "UNKNOWN_FIELD", "/Statement/0/NotPrincipal", "Deny", id="not-principal"),  # row 3 of the faults
        pytest.param(document(statement(NotAction="x")), "UNKNOWN_FIELD", "/Statement/0/NotAction", "`Action`", id="not-action"),
        pytest.param(document(statement(Resource="*")), "UNKNOWN_FIELD", "/Statement/0/Resource", "remove it", id="resource"),
        pytest.param(document(statement(resource="*")), "UNKNOWN_FIELD", "/Statement/0/resource", "remove it", id="resource-lower"),
        pytest.param(document(statement(Effect="ALLOW")), "INVALID_EFFECT", "/Statement/0/Effect", "`Allow`", id="effect-case"),
        pytest.param(document(statement(Effect=True)), "WRONG_TYPE", "/Statement/0/Effect", "`true`", id="effect-type"),
        pytest.param(document(statement(Action=[])), "EMPTY_ACTIONS", "/Statement/0/Action", "sts:AssumeRole", id="no-action"),
        pytest.param(document(statement(Action=[1])), "WRONG_TYPE", "/Statement/0/Action/0", "the number", id="action-type"),
        pytest.param(document(statement(Action="sts:AssumeRoleWithOIDC")), "UNSUPPORTED_ACTION", "/Statement/0/Action", "every principal type", id="action-oidc"),
        pytest.param(document(statement(Action="sts:AssumeRoleWithSAML")), "UNSUPPORTED_ACTION", "/Statement/0/Action", "every principal type", id="action-saml"),
        pytest.param(document(statement(Action="sts:*")), "UNSUPPORTED_ACTION", "/Statement/0/Action", "wildcard", id="action-star"),
        pytest.param(document(statement(Action=["sts:TagSession"])), "UNSUPPORTED_ACTION", "/Statement/0/Action/0", "AWS", id="action-tag"),
        pytest.param(document(statement(Action="ecs:Run")), "UNSUPPORTED_ACTION", "/Statement/0/Action", "trust policy", id="action-other"),
        pytest.param(document(statement(Action="\u017fts:AssumeRole")), "UNSUPPORTED_ACTION", "/Statement/0/Action", "did you mean `sts:AssumeRole`", id="action"),  # row 11 of the faults
        pytest.param(document(statement(Principal="*")), "WILDCARD_PRINCIPAL", "/Statement/0/Principal", "every principal", id="star"),  # row 17 of the faults
        pytest.param(document(statement(Principal={"RAM": ["*"]})), "WILDCARD_PRINCIPAL", "/Statement/0/Principal/RAM/0", "wildcard", id="star-in-a-list"),  # row 17 of the faults
        pytest.param(document(statement(Principal=["a.b"])), "WRONG_TYPE", "/Statement/0/Principal", "an object such as", id="principal-list"),
        pytest.param(document(statement(Principal={})), "EMPTY_PRINCIPAL", "/Statement/0/Principal", "name a type", id="no-principal"),
        pytest.param(document(statement(Principal={"RAM": None})), "WRONG_TYPE", "/Statement/0/Principal/RAM", "null", id="principal-null"),
        pytest.param(document(statement(Principal={"RAM": {"Ref": "x"}})), "WRONG_TYPE", "/Statement/0/Principal/RAM", "unrendered", id="template-function"),
        pytest.param(document(statement(Principal={"RAM": [{"Fn::Sub": "x"}]})), "WRONG_TYPE", "/Statement/0/Principal/RAM/0", "unrendered", id="template-function-in-a-list"),
        pytest.param(document(statement(Principal={"Users": ["x"]})), "UNKNOWN_PRINCIPAL_TYPE", "/Statement/0/Principal/Users", "`Federated`", id="principal-type"),
        pytest.param(document(statement(Principal={"Servce": ["x"]})), "UNKNOWN_PRINCIPAL_TYPE", "/Statement/0/Principal/Servce", "`Service`", id="principal-type-typo"),
        pytest.param(document(statement(Principal={"ram": "acs:ram::1:root"})), "UNKNOWN_PRINCIPAL_TYPE", "/Statement/0/Principal/ram", "write `RAM`", id="principal-type-case"),
        pytest.param(document(statement(Principal={"CanonicalUser": "x"})), "UNKNOWN_PRINCIPAL_TYPE", "/Statement/0/Principal/CanonicalUser", "AWS", id="principal-type-canonical"),
        pytest.param(document(statement(Principal={"AWS": []})), "UNKNOWN_PRINCIPAL_TYPE", "/Statement/0/Principal/AWS", "write `RAM`", id="principal-type-aws"),
        pytest.param(document(statement(Sid=1)), "WRONG_TYPE", "/Statement/0/Sid", "number", id="sid-type"),
        pytest.param(document(statement(Sid="s" * 129)), "INVALID_SID", "/Statement/0/Sid", "129 characters; 128", id="sid-length"),
        pytest.param(document(statement(Sid="a\x1fb")), "INVALID_SID", "/Statement/0/Sid", "control", id="sid"),  # row 10 of the faults
        pytest.param(document(statement(Condition=[])), "WRONG_TYPE", "/Statement/0/Condition", "an array", id="condition-type"),
        pytest.param(document(statement(Condition={"Bool": {}})), "EMPTY_CONDITION", "/Statement/0/Condition/Bool", "nothing", id="empty-operator"),
        pytest.param(document(statement(Condition={"Bool": "x"})), "WRONG_TYPE", "/Statement/0/Condition/Bool", "an object", id="operator-type"),
        pytest.param(condition("StringEqual", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/StringEqual", "`StringEquals`", id="typo"),  # row 24 of the faults
        pytest.param(condition("stringequals", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/stringequals", "`StringEquals`", id="case"),  # row 24 of the faults
        pytest.param(condition("forallvalues:stringLike", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/forallvalues:stringLike", "`ForAllValues:StringLike`", id="prefix-case"),  # row 24 of the faults
        pytest.param(condition("foranyvalue:StringLike", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/foranyvalue:StringLike", "`ForAnyValue:StringLike`", id="other-prefix-case"),  # row 24 of the faults
        pytest.param(condition("forallvalues:zzz", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/forallvalues:zzz", "such as", id="prefix-and-nonsense"),  # row 24 of the faults
        pytest.param(condition("ForAllValues:Bol", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/ForAllValues:Bol", "`ForAllValues:Bool`", id="prefixed-typo"),  # row 24 of the faults
        pytest.param(condition("ArnLike", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/ArnLike", "`StringLike`", id="aws"),  # row 24 of the faults
        pytest.param(condition("zzz", "a:b", "x"), "UNKNOWN_OPERATOR", "/Statement/0/Condition/zzz", "such as", id="nonsense"),  # row 24 of the faults
        pytest.param(condition("Null", "a:b", "true"), "UNSUPPORTED_OPERATOR", "/Statement/0/Condition/Null", "`StringNotLike` if it is not", id="null"),  # row 25 of the faults
        pytest.param(condition("BoolIfExists", "a:b", "true"), "UNSUPPORTED_OPERATOR", "/Statement/0/Condition/BoolIfExists", "`Bool`", id="if-exists"),  # row 25 of the faults
        pytest.param(condition("StringEquals", "acs:CurrentTime", "x"), "OPERATOR_NOT_ALLOWED", "/Statement/0/Condition/StringEquals/acs:CurrentTime", "Date", id="time-as-text"),
        pytest.param(condition("StringEquals", "", "x"), "INVALID_KEY", "/Statement/0/Condition/StringEquals/", "empty", id="empty-key"),
        pytest.param(condition("StringEquals", "k" * 257, "x"), "INVALID_KEY", f"/Statement/0/Condition/StringEquals/{'k' * 257}", "257", id="long-key"),
        pytest.param(condition("StringEquals", "a\tb", "x"), "INVALID_KEY", "/Statement/0/Condition/StringEquals/a\\tb", "control", id="key"),  # row 10 of the faults
        pytest.param(condition("StringEquals", "a:b", []), "EMPTY_VALUES", "/Statement/0/Condition/StringEquals/a:b", "at least one", id="no-values"),
        pytest.param(condition("StringEquals", "a:b", None), "WRONG_TYPE", "/Statement/0/Condition/StringEquals/a:b", "null", id="value-null"),
        pytest.param(condition("StringEquals", "a:b", {}), "WRONG_TYPE", "/Statement/0/Condition/StringEquals/a:b", "an object", id="value-object"),
        pytest.param(condition("StringEquals", "a:b", [["x"]]), "WRONG_TYPE", "/Statement/0/Condition/StringEquals/a:b/0", "an array", id="value-nested"),
        pytest.param(condition("NumericEquals", "a:b", 1e22), "INVALID_NUMBER", "/Statement/0/Condition/NumericEquals/a:b", "exponent", id="exponent"),  # row 4 of the faults
        pytest.param(document(statement(Condition={"StringEquals": {"a:b": 0}})).replace(": 0}", f": {'9' * 5000}}}"), "INVALID_NUMBER", "/Statement/0/Condition/StringEquals/a:b", "512", id="digits"),  # row 5 of the faults
        pytest.param(condition("NumericEquals", "a:b", "x"), "INVALID_NUMBER", "/Statement/0/Condition/NumericEquals/a:b", "`x`", id="number"),
        pytest.param(condition("DateLessThan", "a:b", "2026-01-01"), "INVALID_DATE", "/Statement/0/Condition/DateLessThan/a:b", "hh:mm:ss", id="date"),  # row 35 of the faults
        pytest.param(condition("Bool", "a:b", "yes"), "INVALID_BOOL", "/Statement/0/Condition/Bool/a:b", "`yes`", id="bool"),
        pytest.param(condition("IpAddress", "a:b", ["::1", "10.0.0.1/8"]), "INVALID_IP", "/Statement/0/Condition/IpAddress/a:b/1", "10.0.0.0/8", id="ip"),  # row 32 of the faults
        pytest.param(condition("StringLike", "a:b", "x" * 513), "PATTERN_TOO_LONG", "/Statement/0/Condition/StringLike/a:b", "513 characters; 512", id="pattern"),  # row 21 of the faults
        pytest.param(condition("StringNotLike", "a:b", "*" * 17), "TOO_MANY_STARS", "/Statement/0/Condition/StringNotLike/a:b", "17 stars; 16", id="stars"),  # row 21 of the faults
    ],
)  # fmt: skip
def test_a_document_is_refused(text: str, reason: str, pointer: str, said: str) -> None:
    found = violations(text)

    assert reason in [violation.reason for violation in found]
    assert all(v.reason == reason for v in found), found
    assert found[0].pointer == pointer
    assert said in found[0].message
    assert found[0].line == 1
    assert found[0].column >= 1


@pytest.mark.parametrize(
    ("text", "reason", "line", "column", "said"),
    [
        pytest.param("", "EMPTY_DOCUMENT", 1, 1, "empty", id="empty"),  # row 15 of the faults
        pytest.param(" \n ", "EMPTY_DOCUMENT", 1, 1, "empty", id="blank"),  # row 15 of the faults
        pytest.param("\ufeff{}", "BYTE_ORDER_MARK", 1, 1, "without one", id="byte-order-mark"),  # row 7 of the faults
        pytest.param(
            '{} {"a": 1}', "TRAILING_TEXT", 1, 4, "remove the rest", id="trailing-text"
        ),  # row 7 of the faults
        pytest.param('{"a": 1,\n}', "TRAILING_COMMA", 1, 8, "remove it", id="trailing-comma"),  # row 7 of the faults
        pytest.param(
            '{"a": [1, ]}', "TRAILING_COMMA", 1, 9, "remove it", id="trailing-comma-in-a-list"
        ),  # row 7 of the faults
        pytest.param('{\n // no\n"a": 1}', "COMMENT", 2, 2, "comments", id="comment"),  # row 7 of the faults
        pytest.param('{"a": /* no */ 1}', "COMMENT", 1, 7, "comments", id="comment-of-c"),  # row 7 of the faults
        pytest.param("# no\n{}", "COMMENT", 1, 1, "comments", id="comment-first"),  # row 7 of the faults
        pytest.param("{} // no", "COMMENT", 1, 4, "comments", id="comment-last"),  # row 7 of the faults
        pytest.param("{'a': 1}", "SINGLE_QUOTES", 1, 2, "single quotes", id="single-quotes"),  # row 7 of the faults
        pytest.param(
            "{\"a\": 'x'}", "SINGLE_QUOTES", 1, 7, "single quotes", id="single-quoted-value"
        ),  # row 7 of the faults
        pytest.param("{\u201ca\u201d: 1}", "INVALID_JSON", 1, 2, "typographic", id="typographic-quotes"),
        pytest.param('{"a": NaN}', "NOT_A_NUMBER", 1, 7, "`NaN`", id="nan"),  # row 4 of the faults
        pytest.param('{"a": -Infinity}', "NOT_A_NUMBER", 1, 7, "`-Infinity`", id="infinity"),  # row 4 of the faults
        pytest.param('{"a": 01}', "INVALID_NUMBER", 1, 7, "`01`", id="leading-zero"),
        pytest.param('{"a": [1.]}', "INVALID_NUMBER", 1, 8, "quotes", id="bare-point"),
        pytest.param('{"a": .5}', "INVALID_NUMBER", 1, 7, "`.5`", id="no-whole-part"),
        pytest.param('{"a": +1}', "INVALID_NUMBER", 1, 7, "`+1`", id="plus-sign"),
        pytest.param('{"a": -}', "INVALID_NUMBER", 1, 7, "`-`", id="lone-minus"),
        pytest.param('{"a": 0x1F}', "INVALID_NUMBER", 1, 7, "`0x1F`", id="hexadecimal"),
        pytest.param('{"a": 1e}', "INVALID_NUMBER", 1, 7, "quotes", id="exponent-without-digits"),
        pytest.param('{"a": True}', "INVALID_JSON", 1, 7, "write `true`", id="python-true"),
        pytest.param('{"a": None}', "INVALID_JSON", 1, 7, "write `null`", id="python-none"),
        pytest.param('{"a": Allow}', "INVALID_JSON", 1, 7, 'write `"Allow"`', id="bare-word"),
        pytest.param('{Effect: "Allow"}', "INVALID_JSON", 1, 2, 'write `"Effect"`', id="bare-name"),
        pytest.param('{"a" = 1}', "INVALID_JSON", 1, 6, "not `=`", id="equals-sign"),
        pytest.param('{"a" 1}', "INVALID_JSON", 1, 6, "`:` after the name", id="no-colon"),
        pytest.param('{"a": }', "INVALID_JSON", 1, 7, "missing before `}`", id="no-value"),
        pytest.param('{"a": 1 "b": 2}', "INVALID_JSON", 1, 9, "`,` is missing", id="no-comma"),
        pytest.param("[1 true]", "INVALID_JSON", 1, 4, "`,` or `]`", id="no-comma-in-a-list"),
        pytest.param('{"a": 1 b}', "INVALID_JSON", 1, 9, "`,` or `}`", id="no-comma-before-a-word"),
        pytest.param('{"a": [1, 2', "INVALID_JSON", 1, 12, "ends too early", id="cut-short"),  # row 7 of the faults
        pytest.param('{"a": 1,', "INVALID_JSON", 1, 9, "ends too early", id="cut-after-comma"),
        pytest.param("{,}", "INVALID_JSON", 1, 2, "a name in double quotes", id="comma-first"),
        pytest.param('{"a": "x', "INVALID_JSON", 1, 7, "not closed", id="open-string"),
        pytest.param('{"a": "x\ny"}', "INVALID_JSON", 1, 9, "line ends inside", id="line-feed-in-a-string"),
        pytest.param('{"a": "x\ty"}', "INVALID_JSON", 1, 9, "control character", id="tab-in-a-string"),
        pytest.param('{"a": "\0"}', "NUL_CHARACTER", 1, 8, "NUL", id="raw-nul"),  # row 9 of the faults
        pytest.param('{"a": \0}', "NUL_CHARACTER", 1, 7, "NUL", id="raw-nul-outside"),  # row 9 of the faults
        pytest.param('{"a": "\\x"}', "INVALID_JSON", 1, 8, "`\\x`", id="unknown-escape"),
        pytest.param('{"a": "\\u12"}', "INVALID_JSON", 1, 8, "`\\u`", id="short-escape"),
        pytest.param('{"a": "x\\_y"}', "INVALID_JSON", 1, 9, "Markdown", id="markdown-in-a-string"),
        pytest.param('{"a": \\[1\\]}', "INVALID_JSON", 1, 7, "write `[`", id="markdown-bracket"),
        pytest.param('{"a": \\x}', "INVALID_JSON", 1, 7, "a value", id="backslash"),
        pytest.param('{"a": ${x}}', "INVALID_JSON", 1, 7, "not rendered", id="template-value"),
        pytest.param('{"a": $arn}', "INVALID_JSON", 1, 7, "not rendered", id="template-shell"),
        pytest.param("{{ document }}", "INVALID_JSON", 1, 1, "not rendered", id="template-document"),
        pytest.param('{"a": 1, ${x}: 2}', "INVALID_JSON", 1, 10, "not rendered", id="template-name"),
        pytest.param('{"a": "${x ? "b" : "c"}"}', "INVALID_JSON", 1, 15, "not rendered", id="template-quotes"),
        pytest.param('{"a": "\U0001f600", b}', "INVALID_JSON", 1, 12, "double quotes", id="columns-count-characters"),
        pytest.param('{"a":\r\n\r\n b}', "INVALID_JSON", 3, 2, "`b`", id="lines-of-windows"),
    ],
)
def test_text_that_is_not_json_is_refused_at_its_place(
    text: str, reason: str, line: int, column: int, said: str
) -> None:
    found = only(text)

    assert (found.reason, found.line, found.column) == (reason, line, column)
    assert said in found.message
    assert found.message.isprintable()


def test_a_syntax_error_names_the_container_it_is_in() -> None:
    assert only('{"Statement": [{"Effect": x}]}').pointer == "/Statement/0"


def test_all_violations_are_reported_at_once_in_document_order() -> None:
    text = """{
  "Version": 1,
  "Statement": [
    {
      "Effect": "Allow",
      "Effect": "Deny",
      "Principal": {
        "RAM": ["acs:ram::123****:root", "acs:ram::1:root"],
        "AWS": "arn:aws:iam::1:root"
      },
      "condition": {
        "StringEqals": {"a:b": "\\ud800"},
        "Bool": {"acs:CurrentTime": "true", "x": [null, "maybe"]}
      }
    }
  ]
}"""

    found = [(v.line, v.column, v.reason, v.suggestion) for v in violations(text)]

    assert found == [
        (2, 14, "UNSUPPORTED_VERSION", '"1"'),
        (4, 5, "MISSING_FIELD", "Action"),
        (6, 7, "DUPLICATE_KEY", ""),
        (8, 17, "MASKED_ACCOUNT_ID", ""),
        (9, 9, "UNKNOWN_PRINCIPAL_TYPE", "RAM"),
        (9, 16, "INVALID_PRINCIPAL", ""),
        (11, 7, "UNKNOWN_FIELD", "Condition"),
        (12, 9, "UNKNOWN_OPERATOR", "StringEquals"),
        (12, 32, "INVALID_UNICODE", ""),
        (13, 18, "OPERATOR_NOT_ALLOWED", ""),
        (13, 51, "WRONG_TYPE", ""),
        (13, 57, "INVALID_BOOL", ""),
    ]


def test_a_missing_element_that_is_mis_cased_is_to_be_renamed() -> None:
    unknown, missing = sorted(violations(document(version="1", Version=...)), key=lambda v: v.reason, reverse=True)

    assert (unknown.reason, unknown.suggestion) == ("UNKNOWN_FIELD", "Version")
    assert missing.message == "`Version` is missing; rename `version`"


def test_a_duplicate_name_is_refused_at_every_level() -> None:  # row 1 of the faults
    text = '{"Version":"1","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":[]}}]}'

    found = only(text)

    assert (found.reason, found.pointer, found.column) == ("DUPLICATE_KEY", "/Statement/0/Effect", 46)


def test_a_surrogate_in_a_name_is_spelled_as_an_escape() -> None:  # row 8 of the faults
    found = violations('{"Version": "1", "Statement": [], "\\ud800": 1}')

    assert [v.reason for v in found] == ["EMPTY_STATEMENTS", "UNKNOWN_FIELD", "INVALID_UNICODE"]
    assert all("\ud800" not in v.pointer + v.message for v in found)


@pytest.mark.parametrize(
    ("limits", "text", "reason", "said"),
    [
        pytest.param(
            Limits(max_document_bytes=200), document(statement(Sid="\u00e9" * 99)), "DOCUMENT_TOO_LARGE", "200 are", id="bytes"  # row 20 of the faults
        ),
        pytest.param(Limits(max_statements=1), document(statement(), statement()), "TOO_MANY_STATEMENTS", "2 statements; 1", id="statements"),
        pytest.param(
            Limits(max_principals=2),
            document(statement(Principal={"RAM": ["acs:ram::1:root"] * 2}), statement(Principal={"Service": "a.b"})),
            "TOO_MANY_PRINCIPALS",
            "3 principals; 2",
            id="principals",  # row 20 of the faults
        ),
        pytest.param(
            Limits(max_condition_keys=2),
            document(
                statement(Condition={"Bool": {"a": "true"}, "StringLike": {"a": "b"}}),
                statement(Condition={"Bool": {"a": "true"}}),
            ),
            "TOO_MANY_CONDITION_KEYS",
            "3 keys; 2",
            id="condition-keys",
        ),
        pytest.param(Limits(max_pattern_characters=2), condition("StringLike", "a", "abc"), "PATTERN_TOO_LONG", "3 characters; 2", id="pattern"),
        pytest.param(Limits(max_pattern_stars=1), condition("StringLike", "a", "**"), "TOO_MANY_STARS", "2 stars; 1", id="stars"),
        pytest.param(
            Limits(max_patterns=3),
            document(
                statement(Condition={"StringLike": {"a": ["b", "c"]}, "StringEquals": {"a": ["d"] * 9}}),
                statement(Condition={"ForAllValues:StringNotLike": {"a": ["b", "c"]}}),
            ),
            "TOO_MANY_PATTERNS",
            "4 patterns; 3",
            id="patterns",
        ),
        pytest.param(
            Limits(max_total_pattern_characters=3),
            document(
                statement(Condition={"StringLike": {"a": "ab"}, "StringEquals": {"a": "abcd"}}),
                statement(Condition={"StringNotLike": {"a": ["cd"]}}),
            ),
            "PATTERNS_TOO_LONG",
            "4 characters together; 3",
            id="characters-of-all-patterns",
        ),
        pytest.param(Limits(max_depth=4), document(), "TOO_DEEP", "4 are", id="depth"),  # row 6 of the faults
    ],
)  # fmt: skip
def test_a_limit_is_announced(limits: Limits, text: str, reason: str, said: str) -> None:
    found = only(text, limits)

    assert found.reason == reason
    assert said in found.message


def test_a_document_of_exactly_the_limit_is_read() -> None:  # row 20 of the faults
    text = document()

    parse_policy(text, limits=Limits(max_document_bytes=len(text), max_statements=1, max_principals=1, max_depth=5))

    assert only(text, Limits(max_document_bytes=len(text) - 1)).reason == "DOCUMENT_TOO_LARGE"


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        pytest.param(document(statement(Principal={"Service": ["a.internal"]})), "/Statement/0/Principal/Service/0", id="service"),
        pytest.param(document(statement(Sid="s")), "/Statement/0/Sid", id="sid"),
        pytest.param(condition("ForAnyValue:StringLike", "a", "b"), "/Statement/0/Condition/ForAnyValue:StringLike", id="any"),
        pytest.param(condition("Bool", "a", [True]), "/Statement/0/Condition/Bool/a/0", id="truth-value"),
        pytest.param(condition("NumericEquals", "a", 1), "/Statement/0/Condition/NumericEquals/a", id="number"),
    ],
)  # fmt: skip
def test_the_ram_profile_refuses_what_only_rolecall_has(text: str, pointer: str) -> None:
    parse_policy(text)

    found = only(text, profile=Profile.RAM)

    assert (found.reason, found.pointer) == ("NOT_IN_RAM", pointer)


def test_the_ram_profile_accepts_what_ram_has() -> None:
    parse_policy(
        document(statement(Principal={"Service": "1@a.aliyuncs.com"}, Condition={"ForAllValues:Bool": {"a": "true"}})),
        profile=Profile.RAM,
    )


def test_a_violation_without_a_place_is_reported_at_the_start() -> None:
    state = ParseState(Limits(), Profile.ROLECALL)
    state.note(Violation(pointer="/nowhere", reason="X", message="x"), at_name=False)

    with pytest.raises(InvalidPolicyError) as refused:
        state.raise_if_any("\n{}", None)

    assert [(v.line, v.column) for v in refused.value.violations] == [(1, 1)]


NAMES = st.sampled_from(
    ["Version", "Statement", "Effect", "Action", "Principal", "Condition", "RAM", "Bool", "Sid", "a"]
)
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["1", "Allow", "sts:AssumeRole", "*", "acs:ram::1:root"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)


def refusals(text: str, profile: Profile) -> tuple[Violation, ...]:
    try:
        parse_policy(text, profile=profile)
    except InvalidPolicyError as error:
        return error.violations
    return ()


@given(TREES, st.sampled_from(list(Profile)))
def test_any_json_is_read_or_refused_with_places_in_order(tree: JsonValue, profile: Profile) -> None:
    text = json.dumps(tree, indent=1)

    found = refusals(text, profile)

    places = [(v.line, v.column) for v in found]
    assert places == sorted(places)
    assert all(line and column for line, column in places)
    assert all(v.message.isprintable() and not v.message.endswith(".") for v in found)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    found = refusals(text, Profile.ROLECALL)

    assert found
    assert all(v.message.isprintable() and v.pointer.isprintable() for v in found)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('{"Version": , "Statement": []}', 13, "a value is missing before `,`"),
        ('{"Version": }', 13, "a value is missing before `}`"),
        ('{"Statement": [, 1]}', 16, "a value is missing before `,`"),
    ],
)
def test_a_value_that_is_missing_is_named_where_it_should_be(text: str, column: int, message: str) -> None:
    (found,) = violations(text)

    assert (found.line, found.column, found.reason, found.message) == (1, column, "INVALID_JSON", message)


@pytest.mark.parametrize("name", ["Actions", "ACTIONS"])
def test_a_name_with_a_hint_is_not_taken_for_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (guessed,) = violations(document(statement(**{name: []})))

    monkeypatch.setattr(parser, "_STATEMENT_HINTS", {"Actions": "write each in `Action`"})
    (hinted,) = violations(document(statement(**{name: []})))

    assert guessed.suggestion == ("Action" if name == "Actions" else "")
    assert (hinted.suggestion, hinted.message) == (
        "",
        f"`{name}` is not an element of a trust policy; write each in `Action`",
    )
