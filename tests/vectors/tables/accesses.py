"""Files of accesses: how actions and resources match, how statements and policies combine, and the rights of callers."""

from __future__ import annotations

from typing import Any

from tests.vectors.tables.build import NEW_YEAR, File, Json

SHOP = "acs:ram::123456789012:role/shop-1"
YEAR_2027 = "2027-01-01T00:00:00Z"

ACTIONS = [
    # pattern, action, whether it matches
    ("*", "ram:GetRole", True),
    ("*:*", "ram:GetRole", True),
    ("ram:*", "ram:GetRole", True),
    ("ram:*", "RAM:GetRole", True),
    ("Ram:gETrOLE", "ram:GetRole", True),
    ("ram:Get*", "ram:getrole", True),
    ("ram:Get*", "ram:Get", True),
    ("ram:*Role", "ram:GetRole", True),
    ("ram:G?tR*e", "ram:GetRole", True),
    ("ram:*e*o*e*", "ram:GetRole", True),
    ("r?m:*", "ram:GetRole", True),
    ("*:GetRole", "ram:GetRole", True),
    ("yundun-*:*", "yundun-ddoscoo:Describe", True),
    ("ram:GetRole", "ram:GetRoles", False),
    ("ram:GetRoles", "ram:GetRole", False),
    ("ram:Get?", "ram:Get", False),
    ("ram:Get??", "ram:GetR", False),
    ("ra:*", "ram:GetRole", False),
    ("ram:*Roles", "ram:GetRole", False),
    ("*:List*", "ram:GetRole", False),
]

RESOURCES = [
    # pattern, resource, whether it matches
    ("*", SHOP, True),
    ("*", "*", True),
    ("acs:*", "*", False),
    ("acs:*:*:*:*", "*", False),
    ("acs:ram:*:*:*", "*", False),
    ("acs:*", SHOP, True),
    ("acs:ram:*", SHOP, True),
    ("acs:ram::*", SHOP, True),
    ("acs:r?m::*", SHOP, True),
    ("acs:ecs::*", SHOP, False),
    ("acs:ram:cn-hangzhou:*", SHOP, False),
    ("acs:ram:*:*:*", SHOP, True),
    ("acs:ram::123456789012:role/shop-1", SHOP, True),
    ("acs:ram:*:123456789012:role/shop-1", SHOP, True),
    ("acs:ram:**:123456789012:role/shop-1", SHOP, True),
    ("acs:ram:?:123456789012:role/shop-1", SHOP, False),
    ("acs:ram:cn-hangzhou:123456789012:role/shop-1", SHOP, False),
    ("acs:ram:*:123456789012:role/shop-1", "acs:ram:*:123456789012:role/shop-1", True),
    ("acs:ram::123456789012:role/shop-1", "acs:ram:*:123456789012:role/shop-1", True),
    ("acs:ram::123456789012:*", "acs:ram:cn-hangzhou:123456789012:role/shop-1", False),
    ("acs:ram:*:1234*:role/*", SHOP, True),
    ("acs:ram:*:????????????:role/*", SHOP, True),
    ("acs:ram:*:1234:role/*", SHOP, False),
    ("acs:ram:*:*:role/SHOP-*", SHOP, True),
    ("acs:ram:*:*:ROLE/shop-1", SHOP, True),
    ("acs:ram:*:*:role/shop-1", "acs:ram::1:role/Shop-1", True),
    ("acs:ram:*:*:role/s?op-*", "acs:ram::1:role/SHOP-", True),
    ("acs:ram:*:*:user/Alice", "acs:ram::1:user/alice", False),
    ("acs:ram:*:*:user/alice", "acs:ram::1:user/alice", True),
    ("acs:ram:*:*:role/\u212a", "acs:ram::1:role/k", False),
    ("acs:oss:*:*:role/A", "acs:oss::1:role/a", False),
    ("acs:oss:*:*:role/A", "acs:oss::1:role/A", True),
    ("acs:oss:*:*:Bucket", "acs:oss:cn-beijing:1:Bucket", True),
    ("acs:oss:cn-*:*:Bucket", "acs:oss:cn-beijing:1:Bucket", True),
    ("acs:oss::*:Bucket", "acs:oss:cn-beijing:1:Bucket", False),
    ("acs:oss:*:*:a:*", "acs:oss::1:a:b:c", True),
    ("acs:oss:*:*:a*c", "acs:oss::1:a:b:c", True),
    ("acs:oss:*:*:", "acs:oss::1:", True),
    ("acs:oss:*:*:", "acs:oss::1:x", False),
    ("acs:oss:*:*:[a]", "acs:oss::1:a", False),
    ("acs:oss:*:*:${user}", "acs:oss::1:${user}", True),
]

SETS = [
    # pattern, question, whether an Allow matches all of them, whether a Deny matches one of them
    ("*", "acs:ram::1:*", True, True),
    ("acs:ram:*:1:*", "acs:ram::1:*", True, True),
    ("acs:ram::*", "acs:ram::1:role/a*", True, True),
    ("acs:ram:*:1:role/*", "acs:ram::1:*", False, True),
    ("acs:ram:*:1:role/secret", "acs:ram::1:*", False, True),
    ("acs:ram:*:1:role/shop-*", "acs:ram::1:role/shop-*", True, True),
    ("acs:ram:*:1:role/shop-*", "acs:ram::1:role/SHOP-a*", True, True),
    ("acs:ram:*:1:role/shop-?", "acs:ram::1:role/shop-*", False, True),
    ("acs:ram:*:1:role/??op*", "acs:ram::1:role/sho*", False, True),
    ("acs:ram:*:1:role/??o*", "acs:ram::1:role/sho*", True, True),
    ("acs:ram:*:1:role/*-x", "acs:ram::1:role/a*", False, True),
    ("acs:ram:*:1:role/shop", "acs:ram::1:role/shopping*", False, False),
    ("acs:ram:*:1:role/shop", "acs:ram::1:role/shop*", False, True),
    ("acs:ram:*:1:user/Al*", "acs:ram::1:user/Al*", True, True),
    ("acs:ram:*:1:role/shop-*", "acs:ram::1:role/store-*", False, False),
    ("acs:ram:*:2:*", "acs:ram::1:*", False, False),
    ("acs:oss:*:1:*", "acs:ram::1:*", False, False),
]


def files() -> list[File]:
    """Return the files about accesses."""
    return [_actions(), _not_actions(), _resources(), _sets(), _not_written_out(), _deny_overrides(), _conditions(), _time(),
            _callers_rights(), _system_policies()]  # fmt: skip


def _statement(**changes: Any) -> Json:
    whole = {"Effect": "Allow", "Action": "ram:GetRole", "Resource": "*", **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def _deny(**changes: Any) -> Json:
    return _statement(Effect="Deny", **changes)


def _case(
    name: str, action: str, resource: str, expect: Json, context: Json | None = None, *, time: str = NEW_YEAR
) -> Json:
    return {
        "name": name,
        "action": action,
        "resource": resource,
        "context": context or {},
        "time": time,
        "expect": expect,
    }


def _expect(
    reason: str, *places: int | tuple[str, int], missing: list[str] | None = None, until: str | None = None
) -> Json:
    named = [place if isinstance(place, tuple) else ("custom", place) for place in places]
    return {
        "allowed": reason == "ALLOW",
        "reason": reason,
        "determining": [[policy, f"/Statement/{index}"] for policy, index in named],
        "missing_keys": missing or [],
        "valid_until": until,
    }


def _allowed(*places: int | tuple[str, int], missing: list[str] | None = None, until: str | None = None) -> Json:
    return _expect("ALLOW", *places, missing=missing, until=until)


def _denied(*places: int | tuple[str, int], missing: list[str] | None = None, until: str | None = None) -> Json:
    return _expect("EXPLICIT_DENY", *places, missing=missing, until=until)


def _nothing(missing: list[str] | None = None, until: str | None = None) -> Json:
    return _expect("IMPLICIT_DENY", missing=missing, until=until)


def _file(
    name: str,
    description: str,
    statements: list[Json] | dict[str, list[Json]],
    cases: list[Json],
    *,
    callers_rights: bool = False,
) -> File:
    named = statements if isinstance(statements, dict) else {"custom": statements}
    policies = [{"name": n, "document": {"Version": "1", "Statement": s}} for n, s in named.items()]
    names = [case["name"] for case in cases]
    if len(set(names)) != len(names):
        raise ValueError(f"two cases of {name} share a name: {sorted({n for n in names if names.count(n) > 1})}")
    content = {"description": description, "callers_rights": callers_rights, "policies": policies, "cases": cases}
    return File("accesses", name, content)


def _actions() -> File:
    """Each statement has a resource of its own, so that one file contains every pattern."""
    statements = [_statement(Action=p, Resource=f"acs:app:::{n}") for n, (p, _, _) in enumerate(ACTIONS)]
    cases = [
        _case(f"{pattern} and {action}", action, f"acs:app:::{n}", _allowed(n) if matches else _nothing())
        for n, (pattern, action, matches) in enumerate(ACTIONS)
    ]
    return _file("actions", "Patterns of actions compare without regard to ASCII case", statements, cases)


def _not_actions() -> File:
    statements = [
        _statement(Action=..., NotAction=["ram:*", "STS:assume*"]),
        _deny(Action=..., NotAction=["oss:*", "ram:*", "sts:*"], Resource="acs:app:*:*:*"),
    ]
    cases = [
        _case("an action that a pattern matches", "ram:GetRole", "*", _nothing()),
        _case("in another case", "sts:AssumeRole", "*", _nothing()),
        _case("an action that none matches", "sts:GetCallerIdentity", "*", _allowed(0)),
        _case("an action of another product", "oss:GetObject", "*", _allowed(0)),
        _case("a Deny of what none matches", "log:GetProject", "acs:app:::x", _denied(1)),
        _case("a Deny that excludes the action", "oss:GetObject", "acs:app:::x", _allowed(0)),
        _case("neither is about it", "ram:GetRole", "acs:app:::x", _nothing()),
    ]
    return _file("not-actions", "NotAction is about every action that no pattern matches", statements, cases)


def _resources() -> File:
    statements = [_statement(Action=f"app:N{n}", Resource=pattern) for n, (pattern, _, _) in enumerate(RESOURCES)]
    cases = [
        _case(f"{pattern} and {resource}", f"app:N{n}", resource, _allowed(n) if matches else _nothing())
        for n, (pattern, resource, matches) in enumerate(RESOURCES)
    ]
    return _file("resources", "Patterns of resources match part by part", statements, cases)


def _sets() -> File:
    statements = [_statement(Action=f"app:Allow{n}", Resource=pattern) for n, (pattern, *_) in enumerate(SETS)]
    statements += [_statement(Action="app:Deny*")]
    statements += [_deny(Action=f"app:Deny{n}", Resource=pattern) for n, (pattern, *_) in enumerate(SETS)]
    cases = [
        _case(f"{pattern} is all of {asked}", f"app:Allow{n}", asked, _allowed(n) if every else _nothing())
        for n, (pattern, asked, every, _) in enumerate(SETS)
    ]
    cases += [
        _case(
            f"{pattern} is one of {asked}",
            f"app:Deny{n}",
            asked,
            _denied(len(SETS) + 1 + n) if some else _allowed(len(SETS)),
        )
        for n, (pattern, asked, _, some) in enumerate(SETS)
    ]
    return _file("several-resources", "A `*` at the end asks about all resources that begin so", statements, cases)


def _not_written_out() -> File:
    written = [
        ("a pattern of actions", "ram:Get*", SHOP),
        ("an action with a question mark", "ram:GetRol?", SHOP),
        ("an action without a product", "GetRole", SHOP),
        ("an empty action", "", SHOP),
        ("an action with three parts", "ram:Get:Role", SHOP),
        ("an action of 129 characters", f"ram:{'x' * 125}", SHOP),
        ("an empty resource", "ram:GetRole", ""),
        ("a resource of three parts", "ram:GetRole", "acs:ram:"),
        ("a resource without a product", "ram:GetRole", "acs::::role/x"),
        ("a resource of another kind", "ram:GetRole", "arn:ram::1:role/x"),
        ("a star before the end", "ram:GetRole", "acs:ram::1:role/s*p"),
        ("a question mark", "ram:GetRole", "acs:ram::1:role/sho?"),
        ("a star in place of the account", "ram:GetRole", "acs:ram::*:role/x"),
        ("a star in place of a region that is not RAM's", "ram:GetRole", "acs:oss:*:1:bucket"),
        ("an account of 65 characters", "ram:GetRole", f"acs:oss::{'1' * 65}:x"),
        ("a resource of 2049 characters", "ram:GetRole", f"acs:oss::1:{'x' * 2038}"),
    ]
    cases = [_case(name, action, resource, _nothing()) for name, action, resource in written]
    cases += [
        _case("an action of 128 characters", f"ram:{'x' * 124}", SHOP, _allowed(0)),
        _case("an account of 64 characters", "ram:GetRole", f"acs:oss::{'1' * 64}:x", _allowed(0)),
        _case("a resource of 2048 characters", "ram:GetRole", f"acs:oss::1:{'x' * 2037}", _allowed(0)),
    ]
    return _file("not-written-out", "An access that is not written out is denied", [_statement(Action="*")], cases)


def _deny_overrides() -> File:
    policies = {
        "readers": [_statement(Action="ram:Get*"), _statement(Action=["ram:List*", "ram:GetRole"], Resource=SHOP)],
        "no-secrets": [_deny(Action="*", Resource=["acs:ram:*:*:role/secret-*", "acs:ram:*:*:user/*"])],
        "again": [
            _statement(Resource="acs:ram:*:*:role/*"),
            _deny(Action="ram:GetRole", Resource="acs:ram:*:*:role/secret-1"),
        ],
    }
    secret = "acs:ram::1:role/Secret-1"
    cases = [
        _case(
            "every applying Allow is listed",
            "ram:GetRole",
            SHOP,
            _allowed(("readers", 0), ("readers", 1), ("again", 0)),
        ),
        _case("of one policy", "ram:GetUser", "acs:ram::1:group/x", _allowed(("readers", 0))),
        _case("a Deny of another policy wins", "ram:GetUser", "acs:ram::1:user/x", _denied(("no-secrets", 0))),
        _case("every applying Deny is listed", "ram:GetRole", secret, _denied(("no-secrets", 0), ("again", 1))),
        _case("a Deny alone", "ram:DeleteRole", secret, _denied(("no-secrets", 0))),
        _case("nothing applies", "ram:DeleteRole", SHOP, _nothing()),
    ]
    return _file("deny-overrides", "All policies of a principal are read together, and a Deny wins", policies, cases)


def _conditions() -> File:
    statements = [
        _statement(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}),
        _statement(
            Action="ram:CreateRole", Condition={"ForAllValues:StringEquals": {"ram:ServiceNames": "ecs.aliyuncs.com"}}
        ),
        _deny(Condition={"Bool": {"acs:MFAPresent": "false"}}),
        _statement(Action="ram:DeleteRole", Condition={}),
        _statement(
            Action="ram:GetUser",
            Condition={"StringEquals": {"acs:PrincipalArn": ["acs:ram::1:role/CI", "acs:ram::1:user/Ci"]}},
        ),
        _statement(Action="ram:GetUser", Condition={"StringEquals": {"app:Other": "x"}}, Resource="acs:ram:*:2:*"),
    ]
    inside, mfa = {"acs:SourceIp": ["10.1.2.3"]}, {"acs:MFAPresent": ["true"]}
    names = "ram:ServiceNames"
    cases = [
        _case("the condition holds", "ram:GetRole", SHOP, _allowed(0), inside | mfa),
        _case("it does not hold", "ram:GetRole", SHOP, _nothing(), {"acs:SourceIp": ["11.1.2.3"]} | mfa),
        _case("the keys are missing", "ram:GetRole", SHOP, _nothing(["acs:MFAPresent", "acs:SourceIp"])),
        _case("a Deny does not apply without its key", "ram:GetRole", SHOP, _allowed(0, missing=["acs:MFAPresent"]), inside),
        _case("the condition of a Deny holds", "ram:GetRole", SHOP, _denied(2), inside | {"acs:MFAPresent": ["false"]}),
        _case("an unreadable value in a Deny", "ram:GetRole", SHOP, _denied(2), inside | {"acs:MFAPresent": ["no"]}),
        _case("an unreadable value in an Allow", "ram:GetRole", SHOP, _nothing(), {"acs:SourceIp": ["here"]} | mfa),
        _case("every value is expected", "ram:CreateRole", SHOP, _allowed(1), {names: ["ecs.aliyuncs.com"] * 2}),
        _case("one value is not", "ram:CreateRole", SHOP, _nothing(), {names: ["ecs.aliyuncs.com", "fc.aliyuncs.com"]}),
        _case("another principal beside the service", "ram:CreateRole", SHOP, _nothing(), {names: ["1@ecs.aliyuncs.com"]}),
        _case("a stand-in for no value", "ram:CreateRole", SHOP, _nothing(), {names: ["-"]}),
        _case("an absent key", "ram:CreateRole", SHOP, _allowed(1, missing=[names])),
        _case("an empty condition restricts nothing", "ram:DeleteRole", SHOP, _allowed(3)),
        _case("a role in any case", "ram:GetUser", "acs:ram::1:user/x", _allowed(4), {"acs:PrincipalARN": ["acs:ram::1:role/ci"]}),
        _case("a user exactly", "ram:GetUser", "acs:ram::1:user/x", _nothing(), {"acs:PrincipalARN": ["acs:ram::1:user/ci"]}),
        _case("only keys of statements about the access are missing", "ram:GetUser", "acs:ram::1:user/x",
              _nothing(["acs:PrincipalARN"])),
    ]  # fmt: skip
    return _file("conditions", "Conditions are those of trust policies", statements, cases)


def _time() -> File:
    until = {"DateLessThan": {"acs:CurrentTime": YEAR_2027}}
    statements = [
        _statement(Condition=until),
        _statement(Action="ram:ListRoles", Condition={"DateLessThan": {"acs:CurrentTime": "2030-01-01T00:00:00Z"}}),
        _statement(
            Resource="acs:ram:*:2:*", Condition={"DateGreaterThan": {"acs:CurrentTime": "2026-06-01T00:00:00Z"}}
        ),
        _deny(
            Resource="acs:ram:*:3:*", Condition={"DateGreaterThanEquals": {"acs:CurrentTime": "2026-07-01T00:00:00Z"}}
        ),
    ]
    june = "2026-06-01T00:00:00.000001Z"
    cases = [
        _case("until the date", "ram:GetRole", SHOP, _allowed(0, until=YEAR_2027)),
        _case("at the date", "ram:GetRole", SHOP, _nothing(), time=YEAR_2027),
        _case(
            "the nearest change of a statement about the access",
            "ram:GetRole",
            "acs:ram::2:role/x",
            _allowed(0, until=june),
        ),
        _case("after it both apply", "ram:GetRole", "acs:ram::2:role/x", _allowed(0, 2, until=YEAR_2027), time=june),
        _case("a Deny that will apply", "ram:GetRole", "acs:ram::3:role/x", _allowed(0, until="2026-07-01T00:00:00Z")),
        _case(
            "a Deny that applies",
            "ram:GetRole",
            "acs:ram::3:role/x",
            _denied(3, until=YEAR_2027),
            time="2026-08-01T00:00:00Z",
        ),
        _case("another action", "ram:DeleteRole", SHOP, _nothing()),
    ]
    return _file("time", "How long an answer is valid", statements, cases)


def _callers_rights() -> File:
    allows: list[Json] = [
        {"Action": "*"}, {"Action": "*:*"}, {"Action": "rol*:*"}, {"Action": "rolecall?:*"}, {"Action": "*:Watch"},
        {"Action": ..., "NotAction": "ram:*"}, {"Action": ..., "NotAction": "rolecall:AskFor"},
        {"Action": "rolecall:*"}, {"Action": "RoleCall:watch"}, {"Action": ["*", "rolecall:W?tch"]},
        {"Action": ["*", "rolecall:AskFor"]},
    ]  # fmt: skip
    reached = {7, 8, 9}
    statements = [_statement(**allow, Resource=f"acs:app:::{n}") for n, allow in enumerate(allows)]
    own = len(statements)
    statements.append(_statement(Action="rolecall:*", Resource="acs:app:::deny*"))
    denies: list[Json] = [
        {"Action": "*"},
        {"Action": "*:wat*"},
        {"Action": ..., "NotAction": "ram:*"},
        {"Action": "rolecall:*"},
    ]
    statements += [_deny(**deny, Resource=f"acs:app:::deny{n}") for n, deny in enumerate(denies)]
    cases = [
        _case(
            f"an Allow of {_spelled(allow)}",
            "rolecall:Watch",
            f"acs:app:::{n}",
            _allowed(n) if n in reached else _nothing(),
        )
        for n, allow in enumerate(allows)
    ]
    cases += [
        _case(f"a Deny of {_spelled(deny)}", "ROLECALL:Watch", f"acs:app:::deny{n}", _denied(own + 1 + n))
        for n, deny in enumerate(denies)
    ]
    cases += [
        _case("other actions are reached by any pattern", "ram:GetRole", "acs:app:::0", _allowed(0)),
        _case("and by NotAction", "sts:AssumeRole", "acs:app:::5", _allowed(5)),
        _case("an action of a product that begins so", "rolecalls:Watch", "acs:app:::0", _allowed(0)),
    ]
    description = "As rights of a caller, an Allow reaches an action of this service only by a pattern of its own"
    return _file("callers-rights", description, statements, cases, callers_rights=True)


def _spelled(changes: Json) -> str:
    return ", ".join(f"{name} {value}" for name, value in changes.items() if value is not ...)


def _system_policies() -> File:
    everything = [_statement(Action="*")]
    policies = {"AdministratorAccess": everything, "CopyOfIt": everything}
    cases = [
        _case("another policy of that name reaches no action of this service", "rolecall:Watch", SHOP, _nothing()),
        _case("nor does a copy of it", "rolecall:AskFor", SHOP, _nothing()),
        _case("other actions", "ram:DeleteRole", SHOP, _allowed(("AdministratorAccess", 0), ("CopyOfIt", 0))),
    ]
    description = "AdministratorAccess is the system policy, and no other document"
    return _file("administrator-access", description, policies, cases, callers_rights=True)
