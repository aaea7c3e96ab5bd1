"""How statements, conditions and keys count together; keys that are derived; how long an answer stands."""

from __future__ import annotations

from tests.vectors.tables.build import (
    ACCOUNT,
    File,
    Json,
    allow,
    allowed,
    case,
    decisions,
    denied,
    deny,
    federated,
    nothing,
    user,
)

ALICE, BOB = user("alice"), user("bob")


def files() -> list[File]:
    """Return the files about whole policies."""
    return [_deny_overrides(), _all_of(), _doubt(), _derived(), _roles_in_any_case(), _tags(), _spellings(), _actions(), _time(), _ends(),
            _last_instant()]  # fmt: skip


def _deny_overrides() -> File:
    statements = [
        allow([ALICE, BOB]),
        deny(ALICE, {"StringEquals": {"app:Env": "prod"}}),
        deny(f"acs:ram::{ACCOUNT}:root", {"Bool": {"acs:MFAPresent": "false"}}),
        allow(ALICE, {"StringLike": {"app:Env": "*"}}),
        deny(user("carol")),
    ]
    prod, test = ["prod"], ["test"]
    false, true = ["false"], ["true"]
    cases = [
        case("only an Allow", BOB, allowed(0, missing=["acs:MFAPresent"])),
        case("every applying Allow is listed", ALICE, allowed(0, 3), {"app:Env": test, "acs:MFAPresent": true}),
        case("a Deny wins over an Allow before it", ALICE, denied(1), {"app:Env": prod, "acs:MFAPresent": true}),
        case("every applying Deny is listed", ALICE, denied(1, 2), {"app:Env": prod, "acs:MFAPresent": false}),
        case("a Deny of the root's users", BOB, denied(2), {"acs:MFAPresent": false}),
        case("a Deny alone", user("carol"), denied(4, missing=["acs:MFAPresent"])),
        case("nothing applies", user("dave"), nothing(missing=["acs:MFAPresent"])),
        case("no statement names the principal", user("dave", "9"), nothing()),
        case("keys that nothing reads", user("dave", "9"), nothing(), {"app:Other": ["x"]}),
    ]
    return decisions("deny-overrides", "A Deny that applies wins, wherever it stands", statements, cases)


def _all_of() -> File:
    statements = [
        allow(ALICE, {"StringEquals": {"app:Team": ["red", "blue"], "app:Env": "test"},
                      "IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}}),
        allow(BOB, {"StringNotEquals": {"app:Team": ["red", "blue"], "app:Env": "prod"}}),
    ]  # fmt: skip
    good = {"app:Team": ["blue"], "app:Env": ["test"], "acs:SourceIp": ["10.1.1.1"]}
    team, env, address = {"app:Team": ["green"]}, {"app:Env": ["prod"]}, {"acs:SourceIp": ["11.1.1.1"]}
    cases = [
        case("all conditions hold", ALICE, allowed(0), good),
        case("a key of the operator fails", ALICE, nothing(), good | team),
        case("the other key of the operator fails", ALICE, nothing(), good | env),
        case("the other operator fails", ALICE, nothing(), good | address),
        case("a value that fails beside one that holds", ALICE, allowed(0), good | {"app:Team": ["green", "red"]}),
        case("all keys are missing", ALICE, nothing(missing=["acs:SourceIp", "app:Env", "app:Team"])),
        case("negated: none of the values may match", BOB, nothing(), {"app:Team": ["blue"], "app:Env": ["test"]}),
        case("negated: one value sent of two matches", BOB, nothing(), {"app:Team": ["x", "red"], "app:Env": ["t"]}),
        case("negated: no value matches", BOB, allowed(1), {"app:Team": ["green"], "app:Env": ["test"]}),
        case("negated: all keys are missing", BOB, allowed(1, missing=["app:Env", "app:Team"])),
        case("negated: each key must hold", BOB, nothing(missing=["app:Team"]), {"app:Env": ["prod"]}),
        case("keys compare with their case", BOB, allowed(1, missing=["app:Env", "app:Team"]), {"app:team": ["red"]}),
    ]
    return decisions("conditions-together", "Values: any. Keys: all. Operators: all.", statements, cases)


def _doubt() -> File:
    level, vpc = {"NumericLessThan": {"app:Level": "5"}}, {"StringEquals": {"acs:SourceVpc": "vpc-1"}}
    statements = [
        allow(ALICE, level | vpc),
        allow(user("deny")),
        deny(user("deny"), level | vpc),
        allow(BOB, {"NumericLessThan": {"app:Level": "5", "app:Other": "5"}}),
        allow(user("twice")),
        deny(user("twice"), {"NumericLessThan": {"app:Level": "5"}, "NumericGreaterThan": {"app:Level": "9"}}),
    ]
    bad, inside, outside = {"app:Level": ["low"]}, {"acs:SourceVpc": ["vpc-1"]}, {"acs:SourceVpc": ["vpc-2"]}
    cases = [
        case("an Allow does not apply", ALICE, nothing(), bad | inside),
        case("a Deny applies when its other condition holds", user("deny"), denied(2), bad | inside),
        case("a Deny does not when its other condition fails", user("deny"), allowed(1), bad | outside),
        case("a Deny does not when its other key is missing", user("deny"), allowed(1, missing=["acs:SourceVpc"]), bad),
        case("a key beside it that can be read", BOB, nothing(), bad | {"app:Other": ["1"]}),
        case("a value beside it that matches", BOB, nothing(), {"app:Level": ["1", "low"], "app:Other": ["1"]}),
        case("two conditions on one key meet a Deny together", user("twice"), denied(5), bad),
        case("which no number could", user("twice"), allowed(4), {"app:Level": ["1"]}),
        case("two numbers can", user("twice"), denied(5), {"app:Level": ["1", "10"]}),
    ]
    return decisions("unreadable-values", "A value that cannot be read never helps the caller", statements, cases)


def _derived() -> File:
    alice_only = {"StringEquals": {"acs:PrincipalARN": ALICE}}
    role_arn = f"acs:ram::{ACCOUNT}:role/Deployer"
    oidc = f"acs:ram::{ACCOUNT}:oidc-provider/cluster-1"
    everyone: Json = {
        "RAM": f"acs:ram::{ACCOUNT}:root", "Service": ["ecs.aliyuncs.com", "orders.internal"], "Federated": oidc,
    }  # fmt: skip
    statements = [
        allow(everyone, alice_only),
        allow(everyone, {"StringEquals": {"acs:PrincipalArn": role_arn}}),
        allow(everyone, {"StringEquals": {"acs:PrincipalARN": oidc}, "StringLike": {"oidc:sub": "system:*"}}),
        allow(everyone, {"StringEquals": {"sts:ExternalId": "deal-7"}}),
        allow(everyone, {"StringEquals": {"sts:RoleSessionName": "night@build"}}),
        allow(everyone, {"StringEquals": {"sts:SourceIdentity": "carol"}}),
        deny(everyone, {"StringNotLike": {"acs:PrincipalARN": "acs:ram::*"}}),
    ]
    sent = ["sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity"]
    more = ["oidc:sub", *sent]
    spellings = [role_arn, f"{role_arn}/s-1", role_arn.replace(":role", ":assumed-role") + "/s-1",
                 f"acs:sts::{ACCOUNT}:assumed-role/Deployer/s-1"]  # fmt: skip
    cases = [
        case("the ARN of a user", ALICE, allowed(0, missing=more)),
        case("another user's", BOB, nothing(missing=more)),
        *[case(f"of a session its role's, from {arn}", arn, allowed(1, missing=more)) for arn in spellings],
        case("a role's ARN compares without regard to case", role_arn.lower(), allowed(1, missing=more)),
        case("of a federated identity its provider's", federated(oidc, oidc_sub=["system:x"]), allowed(2, missing=sent)),
        case("without its claim", federated(oidc), nothing(missing=more)),
        case("a service has none", "ecs.aliyuncs.com", denied(6, missing=["acs:PrincipalARN", *more])),
        case("nor has an in-house one", f"{ACCOUNT}@orders.internal", denied(6, missing=["acs:PrincipalARN", *more])),
        case("the external id", BOB, allowed(3, missing=["oidc:sub", *sent[1:]]), external_id="deal-7"),
        case("another external id", BOB, nothing(missing=["oidc:sub", *sent[1:]]), external_id="Deal-7"),
        case("the session name", BOB, allowed(4, missing=["oidc:sub", sent[0], sent[2]]), role_session_name="night@build"),
        case("the source identity", BOB, allowed(5, missing=["oidc:sub", *sent[:2]]), source_identity="carol"),
        case("all of them", ALICE, allowed(0, 3, 4, 5, missing=["oidc:sub"]), external_id="deal-7",
             role_session_name="night@build", source_identity="carol"),
        case("the session of the principal is not the requested session name", f"{role_arn.replace('Deployer', 'x')}/night@build",
             nothing(missing=more)),
    ]  # fmt: skip
    return decisions(
        "keys-derived", "Keys that are derived from the principal and from the request's fields", statements, cases
    )


def _roles_in_any_case() -> File:
    everyone, role_arn = f"acs:ram::{ACCOUNT}:root", f"acs:ram::{ACCOUNT}:role"
    statements = [
        allow(everyone),
        deny(everyone, {"StringLike": {"acs:PrincipalARN": ["acs:ram::*:role/CI-*", "acs:ram::*:user/CI-*"]}}),
        deny(everyone, {"ForAnyValue:StringEquals": {"acs:PrincipalArn": [f"{role_arn}/Night"]}}),
        allow(everyone, {"StringNotEquals": {"acs:PrincipalARN": [f"{role_arn}/other", user("other")]}}),
    ]
    cases = [
        case("a pattern of a role", f"{role_arn}/CI-x", denied(1)),
        case("another case of the name", f"{role_arn}/ci-X/s-1", denied(1)),
        case("a pattern of a user compares exactly", user("ci-x"), allowed(0, 3)),
        case("the pattern of a user", user("CI-x"), denied(1)),
        case("a whole name", f"{role_arn}/NIGHT", denied(2)),
        case("a negated operator too", f"{role_arn}/OTHER", allowed(0)),
        case("a negated operator on a user compares exactly", user("OTHER"), allowed(0, 3)),
        case("the user of that name", user("other"), allowed(0)),
    ]
    return decisions(
        "principal-arn-case", "acs:PrincipalARN of a role compares without regard to case", statements, cases
    )


def _tags() -> File:
    role = {"arn": f"acs:ram::{ACCOUNT}:role/app", "tags": {"team": "red", "empty": "", "a/b": "slash"}}
    statements = [
        allow(ALICE, {"StringEquals": {"acs:ResourceTag/team": "red"}}),
        allow(BOB, {"StringEquals": {"acs:ResourceTag/Team": "red"}}),
        allow(user("empty"), {"StringEquals": {"acs:ResourceTag/empty": ""}}),
        allow(user("slash"), {"StringEquals": {"acs:ResourceTag/a/b": "slash"}}),
        allow(user("none"), {"StringNotEquals": {"acs:ResourceTag/none": "x"}}),
        allow(user("request"), {"StringEquals": {"acs:RequestTag/team": "red"}}),
        deny(user("request"), {"StringEquals": {"acs:ResourceTag/team": "blue"}}),
    ]
    cases = [
        case("a tag of the role", ALICE, allowed(0)),
        case("tag names compare with their case", BOB, nothing(missing=["acs:ResourceTag/Team"])),
        case("an empty tag is present", user("empty"), allowed(2)),
        case("a slash in its name", user("slash"), allowed(3)),
        case("a tag that the role lacks", user("none"), allowed(4, missing=["acs:ResourceTag/none"])),
        case("a tag of the request is sent", user("request"), allowed(5), {"acs:RequestTag/team": ["red"]}),
        case("and is not the role's", user("request"), nothing(missing=["acs:RequestTag/team"])),
    ]
    return decisions("keys-of-tags", "Tags of the role and tags of the request", statements, cases, role=role)


def _spellings() -> File:
    statements = [
        allow(ALICE, {"StringEquals": {"acs:PrincipalArn": ALICE}}),
        allow({"Service": "ecs.aliyuncs.com"}, {"StringEquals": {"acs:PrincipalArn": ALICE}}),
        allow(BOB, {"StringEquals": {"acs:principalarn": BOB}}),
        allow(user("ip"), {"IpAddress": {"acs:sourceip": "10.0.0.0/8"}}),
        allow(user("odd"), {"StringEquals": {"app:Any/at~all": "x"}}),
    ]
    cases = [
        case("acs:PrincipalArn is acs:PrincipalARN", ALICE, allowed(0)),
        case("and is missing under the latter's name", "ecs.aliyuncs.com", nothing(missing=["acs:PrincipalARN"])),
        case("no other spelling is", BOB, nothing(missing=["acs:principalarn"])),
        case("another key's other spelling", user("ip"), nothing(missing=["acs:sourceip"]), {"acs:SourceIp": ["10.1.1.1"]}),
        case("an unknown key is a key", user("odd"), allowed(4), {"app:Any/at~all": ["x"]}),
    ]  # fmt: skip
    return decisions("keys-spelled", "Key names compare exactly, but for acs:PrincipalArn", statements, cases)


def _actions() -> File:
    statements = [
        allow(ALICE, Action=["sts:AssumeRole", "sts:SetSourceIdentity"]),
        allow(BOB, Action="sts:SetSourceIdentity"),
        allow(user("lower"), Action="sts:assumerole"),
        allow(user("upper"), Action=["STS:SETSOURCEIDENTITY", "STS:ASSUMEROLE"]),
        deny(ALICE, Action=["sts:SetSourceIdentity"]),
        allow(user("label"), Sid="Any text: é 😀"),
    ]
    cases = [
        case("both actions", ALICE, allowed(0)),
        case("both actions, with a source identity", ALICE, allowed(0), source_identity="carol"),
        case("not the requested action", BOB, nothing()),
        case("in lower case", user("lower"), allowed(2)),
        case("in upper case, second", user("upper"), allowed(3)),
        case("a label changes nothing", user("label"), allowed(5)),
    ]
    return decisions(
        "actions", "sts:AssumeRole is the requested action; actions compare without regard to case", statements, cases
    )


def _time() -> File:
    """Six operators at the boundary itself: the answer at -1, 0 and +1 microseconds, and until when it stands."""
    at, after = "2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000001Z"
    before = "2026-02-28T23:59:59.999999Z"
    # For each operator: does it hold before, at and after; and the instants at which its answer changes.
    rows = {
        "DateEquals": ((False, True, False), [at, after]),
        "DateNotEquals": ((True, False, True), [at, after]),
        "DateLessThan": ((True, False, False), [at]),
        "DateLessThanEquals": ((True, True, False), [after]),
        "DateGreaterThan": ((False, False, True), [after]),
        "DateGreaterThanEquals": ((False, True, True), [at]),
    }
    statements = [allow(user(name), {name: {"acs:CurrentTime": at}}) for name in rows]
    statements += [deny(user(f"Deny{name}"), {name: {"acs:CurrentTime": at}}) for name in rows]
    statements += [allow([user(f"Deny{name}") for name in rows])]
    cases = []
    for index, (name, (holds, changes)) in enumerate(rows.items()):
        for time, applies in zip((before, at, after), holds, strict=True):
            until = next((change for change in changes if _later(change, time)), None)
            of_allow = allowed(index, until=until) if applies else nothing(until=until)
            of_deny = denied(index + 6, until=until) if applies else allowed(12, until=until)
            cases += [
                case(f"{name} at {time}", user(name), of_allow, time=time),
                case(f"Deny {name} at {time}", user(f"Deny{name}"), of_deny, time=time),
            ]
    return decisions("time-boundaries", "acs:CurrentTime a microsecond before, at, and after", statements, cases)


def _later(change: str, time: str) -> bool:
    order = ["2026-02-28T23:59:59.999999Z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00.000001Z"]
    return order.index(change) > order.index(time)


def _ends() -> File:
    window = {"DateGreaterThanEquals": {"acs:CurrentTime": "2026-03-01T00:00:00Z"},
              "DateLessThan": {"acs:CurrentTime": "2026-04-01T02:00:00+02:00"}}  # fmt: skip
    statements = [
        allow(ALICE, window),
        allow(user("two"), {"DateLessThan": {"acs:CurrentTime": ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"]}}),
        allow(BOB),
        deny(BOB, {"DateGreaterThan": {"acs:CurrentTime": "2026-05-01T00:00:00Z"}}),
        allow(user("fixed"), {"DateLessThan": {"app:Day": "2026-03-01T00:00:00Z"}}),
        allow(user("both"), {"DateLessThan": {"acs:CurrentTime": "2026-03-01T00:00:00Z"}, "Bool": {"acs:MFAPresent": "true"}}),
        deny(user("alice", "9"), {"DateLessThan": {"acs:CurrentTime": "2026-02-01T00:00:00Z"}}),
        allow(user("set"), {"ForAllValues:DateLessThan": {"acs:CurrentTime": "2026-03-01T00:00:00Z"}}),
    ]  # fmt: skip
    march, april = "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"
    cases = [
        case("before the window", ALICE, nothing(until=march)),
        case("as the window opens", ALICE, allowed(0, until=april), time=march),
        case("inside the window", ALICE, allowed(0, until=april), time="2026-03-20T12:00:00.5Z"),
        case("a microsecond before it closes", ALICE, allowed(0, until=april), time="2026-03-31T23:59:59.999999Z"),
        case("as it closes", ALICE, nothing(), time=april),
        case("in another offset", ALICE, nothing(), time="2026-04-01T00:00:00-00:30"),
        case("of two dates the later one settles it", user("two"), allowed(1, until=april), time="2026-02-01T00:00:00Z"),
        case("also between them", user("two"), allowed(1, until=april), time="2026-03-15T00:00:00Z"),
        case("a Deny to come", BOB, allowed(2, until="2026-05-01T00:00:00.000001Z"), time="2026-05-01T00:00:00Z"),
        case("a Deny that came", BOB, denied(3), time="2026-05-01T00:00:00.000001Z"),
        case("a date that is not the time's", user("fixed"), allowed(4), {"app:Day": ["2026-01-01T00:00:00Z"]}),
        case("a statement that fails otherwise", user("both"), nothing(until=march), {"acs:MFAPresent": ["false"]}),
        case("a statement that names another principal", user("carol"), nothing()),
        case("a set prefix changes nothing", user("set"), allowed(7, until=march)),
    ]  # fmt: skip
    return decisions("time-ends", "How long an answer stands", statements, cases)


def _last_instant() -> File:
    last = "9999-12-31T23:59:59.999999Z"
    statements = [
        allow(ALICE, {"DateLessThanEquals": {"acs:CurrentTime": last}}),
        allow(BOB, {"DateLessThan": {"acs:CurrentTime": last}}),
        allow(user("at"), {"DateEquals": {"acs:CurrentTime": last}}),
        allow(user("beyond"), {"DateLessThan": {"acs:CurrentTime": "9999-12-31T23:59:59-01:00"}}),
    ]
    cases = [
        case("an end beyond the last instant that can be written is none", ALICE, allowed(0)),
        case("an end at the last instant is an end", BOB, allowed(1, until=last)),
        case("as it ends", BOB, nothing(), time=last),
        case("a start at the last instant is an end of the answer before", user("at"), nothing(until=last)),
        case("the last instant itself", user("at"), allowed(2), time=last),
        case("an offset that leads beyond the last instant", user("beyond"), allowed(3)),
    ]
    return decisions("time-last-instant", "The year 9999", statements, cases)
