"""Files of permission policies, valid and not."""

from __future__ import annotations

from tests.vectors.tables.build import File, Json
from tests.vectors.tables.texts import STATEMENT, bad, document, documents, good

PLAIN_MEMBERS = '"Effect": "Allow", "Action": "ram:GetRole", "Resource": "*"'
PLAIN = document(f"{{{PLAIN_MEMBERS}}}")
ACTION, RESOURCE, CONDITION = f"{STATEMENT}/Action", f"{STATEMENT}/Resource", f"{STATEMENT}/Condition"


def files() -> list[File]:
    """Return the files of permission policies."""
    return [
        _file("structure", "Members, their names and their types", _structure()),
        _file("actions", "Actions, and their patterns", _actions()),
        _file("resources", "Resources, and their patterns", _resources()),
        _file("conditions", "Conditions, as in trust policies", _conditions()),
        _file("limits", "At each limit and one beyond", _limits()),
        _file("together", "All violations at once, in document order; and the profile RAM", _together()),
    ]


def _file(name: str, description: str, cases: list[Json]) -> File:
    return File("permission-documents", name, documents(name, description, cases).content)


def of_statement(members: str) -> str:
    """Return a document of one statement with these members."""
    return document(f"{{{members}}}")


def of_action(action: str, name: str = "Action") -> str:
    """Return a document whose one statement has these actions."""
    return of_statement(f'"Effect": "Allow", "{name}": {action}, "Resource": "*"')


def of_resource(resource: str) -> str:
    """Return a document whose one statement has these resources."""
    return of_statement(f'"Effect": "Allow", "Action": "*", "Resource": {resource}')


def of_condition(condition: str) -> str:
    """Return a document whose one statement has this condition."""
    return of_statement(f'{PLAIN_MEMBERS}, "Condition": {condition}')


def _structure() -> list[Json]:
    return [
        good("a plain statement", PLAIN),
        good("a label", of_statement(f'{PLAIN_MEMBERS}, "Sid": "reads"')),
        good("a Deny", of_statement('"Effect": "Deny", "NotAction": ["ram:*"], "Resource": ["*"]')),
        bad("no version", f'¶{{"Statement": [{{{PLAIN_MEMBERS}}}]}}', ("MISSING_FIELD", "")),
        bad("the version of AWS", PLAIN.replace('"1"', '¶"2012-10-17"'), ("UNSUPPORTED_VERSION", "/Version")),
        bad("no statements", '{"Version": "1", "Statement": ¶[]}', ("EMPTY_STATEMENTS", "/Statement")),
        bad("a lone statement", f'{{"Version": "1", "Statement": ¶{{{PLAIN_MEMBERS}}}}}', ("WRONG_TYPE", "/Statement")),
        bad("a statement that is text", document('¶"Allow"'), ("WRONG_TYPE", STATEMENT)),
        bad("an effect in lower case", PLAIN.replace('"Allow"', '¶"allow"'), ("INVALID_EFFECT", f"{STATEMENT}/Effect")),
        bad("no effect", document('¶{"Action": "*", "Resource": "*"}'), ("MISSING_FIELD", STATEMENT)),
        bad("no action", document('¶{"Effect": "Deny", "Resource": "*"}'), ("MISSING_FIELD", STATEMENT)),
        bad("no resource", document('¶{"Effect": "Deny", "Action": "*"}'), ("MISSING_FIELD", STATEMENT)),
        bad("both kinds of actions", of_statement(f'{PLAIN_MEMBERS}, ¶"NotAction": "ram:*"'),
            ("ACTION_AND_NOT_ACTION", f"{STATEMENT}/NotAction")),
        bad("a principal", of_statement(f'{PLAIN_MEMBERS}, ¶"Principal": {{"RAM": ["acs:ram::1:root"]}}'),
            ("UNKNOWN_FIELD", f"{STATEMENT}/Principal")),
        bad("all but some resources", of_statement('"Effect": "Deny", "Action": "*", "Resource": "*", ¶"NotResource": "*"'),
            ("UNKNOWN_FIELD", f"{STATEMENT}/NotResource")),
        bad("a mis-cased member", of_statement('"Effect": "Deny", ¶"action": "*", "Resource": "*"'),
            ("UNKNOWN_FIELD", f"{STATEMENT}/action")),
        bad("an effect that is repeated", of_statement(f'{PLAIN_MEMBERS}, ¶"Effect": "Deny"'),
            ("DUPLICATE_KEY", f"{STATEMENT}/Effect")),
        bad("text that is not JSON", '{"Version": "1"¶, }', ("TRAILING_COMMA", None)),
    ]  # fmt: skip


def _actions() -> list[Json]:
    accepted = ["*", "*:*", "ram:*", "ram:Get?ole", "RAM:getrole", "yundun-ddoscoo:*", "a:b.c-d_e", "*:*Role*", "r?m:x"]
    refused = [
        "",
        "GetRole",
        "ram:",
        ":GetRole",
        "ram:Get Role",
        "ram:a:b",
        "**",
        "ram:Get/Role",
        "${p}:x",
        "ram\\u003aGet\\n",
        "r\\u00e9:x",
    ]
    return [
        *[good(f"the action {action}", of_action(f'"{action}"')) for action in accepted],
        *[bad(f"not an action: {action}", of_action(f'¶"{action}"'), ("INVALID_ACTION", ACTION)) for action in refused],
        good("several actions", of_action('["ram:GetRole", "sts:*"]')),
        good("all but some actions", of_action('["ram:*", "sts:*"]', "NotAction")),
        bad("one of several", of_action('["ram:GetRole", ¶"x"]'), ("INVALID_ACTION", f"{ACTION}/1")),
        bad("no action in a list", of_action("¶[]"), ("EMPTY_ACTIONS", ACTION)),
        bad("no action to leave out", of_action("¶[]", "NotAction"), ("EMPTY_ACTIONS", f"{STATEMENT}/NotAction")),
        bad("an action that is a number", of_action("¶1"), ("WRONG_TYPE", ACTION)),
        bad("an action that is an object", of_action("¶{}"), ("WRONG_TYPE", ACTION)),
    ]


def _resources() -> list[Json]:
    accepted = ["*", "acs:*", "acs:ram:*", "acs:ram::*", "acs:ram:*:*", "acs:ram:*:1:role/x", "acs:r*:?:*:*", "acs:oss:*:*:a b/c:d",
                "acs:ram::${account}:role/x", "acs:log:*:*:Projekt\\u00e4", "acs:ram:::"]  # fmt: skip
    refused = ["", "role/x", "acs", "acs:", "ACS:ram:*:1:x", "acs::ram::*", "acs:ram", "acs:ram:*:role/x", "**",
               "arn:aws:iam::1:role/x", "*:ram:*:*:*", "acs:ram:*:1:a\\u0007"]  # fmt: skip
    return [
        *[good(f"the resource {resource}", of_resource(f'"{resource}"')) for resource in accepted],
        *[
            bad(f"not a resource: {resource}", of_resource(f'¶"{resource}"'), ("INVALID_RESOURCE", RESOURCE))
            for resource in refused
        ],
        good("several resources", of_resource('["acs:ram:*:1:*", "*"]')),
        bad("one of several", of_resource('["*", ¶"x"]'), ("INVALID_RESOURCE", f"{RESOURCE}/1")),
        bad("no resource in a list", of_resource("¶[]"), ("EMPTY_RESOURCES", RESOURCE)),
        bad("a resource that is null", of_resource("¶null"), ("WRONG_TYPE", RESOURCE)),
    ]


def _conditions() -> list[Json]:
    return [
        good("an empty condition, which restricts nothing", of_condition("{}")),
        good("a set prefix", of_condition('{"ForAllValues:StringEquals": {"ram:ServiceNames": ["ecs.aliyuncs.com"]}}')),
        bad("an operator without keys", of_condition('{"Bool": ¶{}}'), ("EMPTY_CONDITION", f"{CONDITION}/Bool")),
        bad("an operator of AWS", of_condition('{¶"Null": {"acs:MFAPresent": "true"}}'), ("UNSUPPORTED_OPERATOR", f"{CONDITION}/Null")),
        bad("an operator that is misspelt", of_condition('{¶"StringEqual": {"a:b": "c"}}'), ("UNKNOWN_OPERATOR", f"{CONDITION}/StringEqual")),
        bad("a value that cannot be read", of_condition('{"IpAddress": {"acs:SourceIp": ¶"10.0.0.1/8"}}'),
            ("INVALID_IP", f"{CONDITION}/IpAddress/acs:SourceIp")),
        bad("no value", of_condition('{"Bool": {"acs:MFAPresent": ¶[]}}'), ("EMPTY_VALUES", f"{CONDITION}/Bool/acs:MFAPresent")),
    ]  # fmt: skip


def _limits() -> list[Json]:
    short = '{"Effect": "Deny", "Action": "*", "Resource": "*"}'

    def sized(size: int) -> str:
        return PLAIN + " " * (size - len(PLAIN))

    def keys(count: int) -> str:
        return of_condition('{"StringEquals": {' + ", ".join(f'"k:{n}": "v"' for n in range(count)) + "}}")

    wide = of_resource('["' + '", "'.join(["acs:oss:*:*:" + "\u540d" * 480] * 12) + '"]')
    return [
        good("6144 characters", sized(6144)),
        bad("6145 characters", sized(6145), ("DOCUMENT_TOO_LARGE", None)),
        good("6144 characters of three bytes", wide + " " * (6144 - len(wide))),
        good("100 statements", document(*[short] * 100)),
        bad("101 statements", document(*[short] * 101), ("TOO_MANY_STATEMENTS", "/Statement")),
        good("an action of 512 characters", of_action(f'"ram:{"x" * 508}"')),
        bad("an action of 513 characters", of_action(f'¶"ram:{"x" * 509}"'), ("PATTERN_TOO_LONG", ACTION)),
        good("a resource of 512 characters", of_resource(f'"acs:oss:*:*:{"x" * 500}"')),
        bad("a resource of 513 characters", of_resource(f'¶"acs:oss:*:*:{"x" * 501}"'), ("PATTERN_TOO_LONG", RESOURCE)),
        good("an action of 16 stars", of_action(f'"ram:{"*a" * 16}"')),
        bad("an action of 17 stars", of_action(f'¶"ram:{"*a" * 17}"'), ("TOO_MANY_STARS", ACTION)),
        bad("a resource of 17 stars", of_resource(f'¶"acs:*:*:*:{"*a" * 14}"'), ("TOO_MANY_STARS", RESOURCE)),
        good("64 condition keys", keys(64)),
        bad("65 condition keys", keys(65), ("TOO_MANY_CONDITION_KEYS", None)),
        bad(
            "a label of 129 characters",
            of_statement(f'{PLAIN_MEMBERS}, "Sid": ¶"{"s" * 129}"'),
            ("INVALID_SID", f"{STATEMENT}/Sid"),
        ),
    ]


def _together() -> list[Json]:
    statements = (
        '{"Effect": ¶"allow", "Action": ["ram:GetRole", ¶"GetUser"], ¶"NotResource": "*", "Resource": ¶"x"}',
        '¶{"Effect": "Deny", "Resource": "*"}',
    )
    return [
        bad("several", document(*statements).replace('"Version": "1"', '"Version": ¶1'),
            ("UNSUPPORTED_VERSION", "/Version"), ("INVALID_EFFECT", f"{STATEMENT}/Effect"), ("INVALID_ACTION", f"{ACTION}/1"),
            ("UNKNOWN_FIELD", f"{STATEMENT}/NotResource"), ("INVALID_RESOURCE", RESOURCE), ("MISSING_FIELD", "/Statement/1")),
        good("what RAM has", of_condition('{"Bool": {"acs:MFAPresent": "true"}}'), profile="RAM"),
        bad("a label, which RAM does not have", of_statement(f'{PLAIN_MEMBERS}, ¶"Sid": "x"'), ("NOT_IN_RAM", f"{STATEMENT}/Sid"),
            profile="RAM"),
    ]  # fmt: skip
