"""The principals of documents, and every spelling of the principals of requests that they match."""

from __future__ import annotations

from tests.vectors.tables.build import (
    ACCOUNT,
    ROLE,
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
    root,
    user,
)

OTHER = "210987654321"
THIRD = "5"

EVERY_KIND = [
    allow(f"acs:ram::{OTHER}:root"),
    allow(user("alice", ACCOUNT)),
    allow(f"acs:ram::{ACCOUNT}:role/Deployer"),
    allow({"Service": "ecs.aliyuncs.com"}),
    allow({"Service": f"{OTHER}@actiontrail.aliyuncs.com"}),
    allow({"Service": "orders.internal"}),
    allow({"Service": f"{OTHER}@billing.internal"}),
    allow({"Federated": f"acs:ram::{ACCOUNT}:saml-provider/Corp"}),
    allow({"Federated": f"acs:ram::{ACCOUNT}:oidc-provider/cluster-1"}),
]


def files() -> list[File]:
    """Return the files about principals."""
    return [_users(), _roles(), _services(), _own_account(), _providers(), _roots(), _several(), _samples()]


def _users() -> File:
    cases = [
        case("the user that is named", user("alice"), allowed(1)),
        case("another user of the account", user("bob"), nothing()),
        case("user names compare with their case", user("Alice"), nothing()),
        case("the same name in another account is a user under its root", user("alice", OTHER), allowed(0)),
        case("the same name in a third account", user("alice", THIRD), nothing()),
        case("a role of the user's name", f"acs:ram::{ACCOUNT}:role/alice", nothing()),
        case("a name that begins with the named one", user("alice2"), nothing()),
        case("a name that the named one begins with", user("alic"), nothing()),
        case("leading zeros make another account", user("alice", "0" + ACCOUNT), nothing()),
    ]
    return decisions("principal-user", "A RAM user", EVERY_KIND, cases)


def _roles() -> File:
    spellings = {
        "the role alone": "acs:ram::{}:role/{}",
        "role and session": "acs:ram::{}:role/{}/build-7",
        "assumed role of ram": "acs:ram::{}:assumed-role/{}/build-7",
        "assumed role of sts": "acs:sts::{}:assumed-role/{}/build-7",
    }
    cases = []
    for name, spelling in spellings.items():
        cases += [
            case(f"{name}: the role that is named", spelling.format(ACCOUNT, "Deployer"), allowed(2)),
            case(f"{name}: in lower case", spelling.format(ACCOUNT, "deployer"), allowed(2)),
            case(f"{name}: in upper case", spelling.format(ACCOUNT, "DEPLOYER"), allowed(2)),
            case(f"{name}: another role", spelling.format(ACCOUNT, "Deployer2"), nothing()),
            case(f"{name}: any role of an account whose root is named", spelling.format(OTHER, "x"), allowed(0)),
            case(f"{name}: the same role of a third account", spelling.format(THIRD, "Deployer"), nothing()),
            case(f"{name}: a role of a user's name", spelling.format(ACCOUNT, "alice"), nothing()),
        ]
    return decisions("principal-role", "A role session, in its four spellings", EVERY_KIND, cases)


def _services() -> File:
    cases = [
        case("a plain service", "ecs.aliyuncs.com", allowed(3)),
        case("a plain service, spelled with the role's account", f"{ACCOUNT}@ecs.aliyuncs.com", allowed(3)),
        case("a plain service acting for another account", f"{OTHER}@ecs.aliyuncs.com", nothing()),
        case("a sub-service is another service", "eci.ecs.aliyuncs.com", nothing()),
        case("another service", "fc.aliyuncs.com", nothing()),
        case("a service of an account", f"{OTHER}@actiontrail.aliyuncs.com", allowed(4)),
        case("a service of an account, plain", "actiontrail.aliyuncs.com", nothing()),
        case("a service of an account, for the role's own", f"{ACCOUNT}@actiontrail.aliyuncs.com", nothing()),
        case("a service of an account, for a third", f"{THIRD}@actiontrail.aliyuncs.com", nothing()),
        case("an in-house service of the role's account", f"{ACCOUNT}@orders.internal", allowed(5)),
        case("an in-house service of another account", f"{OTHER}@orders.internal", nothing()),
        case("an in-house service that is named with its account", f"{OTHER}@billing.internal", allowed(6)),
        case("an in-house service that is named with another account", f"{ACCOUNT}@billing.internal", nothing()),
        case("another in-house service", f"{ACCOUNT}@orders2.internal", nothing()),
    ]
    return decisions("principal-service", "Services, plain and acting for an account", EVERY_KIND, cases)


def _own_account() -> File:
    statements = [
        allow({"Service": f"{ACCOUNT}@orders.internal"}),
        allow({"Service": f"{ACCOUNT}@ecs.aliyuncs.com"}),
        deny({"Service": f"{ACCOUNT}@fc.aliyuncs.com"}),
        allow({"Service": "fc.aliyuncs.com"}),
        allow({"Service": ["oss.aliyuncs.com", f"{ACCOUNT}@oss.aliyuncs.com"]}),
    ]
    cases = [
        case("in-house, with the account", f"{ACCOUNT}@orders.internal", allowed(0)),
        case("in-house, with another account", f"{OTHER}@orders.internal", nothing()),
        case("a plain request meets the account's own id", "ecs.aliyuncs.com", allowed(1)),
        case("and so does the id", f"{ACCOUNT}@ecs.aliyuncs.com", allowed(1)),
        case("but not another's", f"{OTHER}@ecs.aliyuncs.com", nothing()),
        case("a Deny with the id stops the plain service", "fc.aliyuncs.com", denied(2)),
        case("a Deny with the id stops the id", f"{ACCOUNT}@fc.aliyuncs.com", denied(2)),
        case("both spellings in one statement count once", "oss.aliyuncs.com", allowed(4)),
    ]
    description = (
        "`ID@service` with the id of the role's own account is the plain service, in documents and in requests"
    )
    return decisions("principal-service-own-account", description, statements, cases)


def _providers() -> File:
    saml, oidc = f"acs:ram::{ACCOUNT}:saml-provider/Corp", f"acs:ram::{ACCOUNT}:oidc-provider/cluster-1"
    cases = [
        case("SAML", federated(saml), allowed(7)),
        case("OIDC", federated(oidc), allowed(8)),
        case("the SAML name as OIDC", federated(f"acs:ram::{ACCOUNT}:oidc-provider/Corp"), nothing()),
        case("the OIDC name as SAML", federated(f"acs:ram::{ACCOUNT}:saml-provider/cluster-1"), nothing()),
        case("provider names compare with their case", federated(f"acs:ram::{ACCOUNT}:saml-provider/corp"), nothing()),
        case("a root does not name the account's providers", federated(f"acs:ram::{OTHER}:saml-provider/Corp"), nothing()),
        case("the same provider of a third account", federated(f"acs:ram::{THIRD}:saml-provider/Corp"), nothing()),
    ]  # fmt: skip
    return decisions("principal-provider", "An identity of an identity provider", EVERY_KIND, cases)


def _roots() -> File:
    statements = [
        allow(f"acs:ram::{OTHER}:root"),
        allow(f"acs:ram::{ACCOUNT}:root"),
        deny(f"acs:ram::{THIRD}:root", {"StringEquals": {"app:Reason": "x"}}),
    ]
    cases = [
        case("an account root, where the policy names it", f"acs:ram::{OTHER}:root", root()),
        case("the root of the role's account", f"acs:ram::{ACCOUNT}:root", root()),
        case("a root that a Deny names", f"acs:ram::{THIRD}:root", root()),
        case("a root that nothing names", "acs:ram::7:root", root()),
        case("a user called root", user("root", OTHER), allowed(0)),
        case("a role called root", f"acs:ram::{ACCOUNT}:role/root", allowed(1)),
        case("a service of the account is not under its root", f"{OTHER}@ecs.aliyuncs.com", nothing()),
        case("a plain service is not under the root of the role's account", "ecs.aliyuncs.com", nothing()),
        case("a user under the Deny", user("u", THIRD), nothing(missing=["app:Reason"])),
        case("a user under the Deny, who meets it", user("u", THIRD), denied(2), {"app:Reason": ["x"]}),
    ]
    return decisions("principal-root", "An account's root: its users and roles, never itself", statements, cases)


def _several() -> File:
    statements = [
        allow({"RAM": [user("alice"), user("bob")], "Service": "ecs.aliyuncs.com"}),
        allow({"Service": [], "RAM": user("carol")}),
        allow({"Service": []}),
        deny({"RAM": []}),
        allow({"RAM": [], "Federated": []}),
        allow({"RAM": [user("dave"), f"acs:ram::{ACCOUNT}:root"]}, {"StringEquals": {"app:Team": "red"}}),
    ]
    red = {"app:Team": ["red"]}
    cases = [
        case("the first of a type", user("alice"), allowed(0, missing=["app:Team"])),
        case("the second of a type", user("bob"), allowed(0, 5), red),
        case("the other type", "ecs.aliyuncs.com", allowed(0)),
        case("beside an empty type", user("carol"), allowed(1, missing=["app:Team"])),
        case("an empty type matches no principal", "fc.aliyuncs.com", nothing()),
        case("named twice by one statement counts once", user("dave"), allowed(5), red),
        case("an empty Deny matches no principal", user("erin"), allowed(5), red),
    ]
    return decisions("principal-several", "Several types and values, and none", statements, cases)


def _samples() -> File:
    condition = {
        "StringEquals": {
            "oidc:aud": ["4962712425650571234"],
            "oidc:iss": "https://dev-123456.okta.com",
            "oidc:sub": "KryrkIdjylZb7agUgCEf0000",
        }
    }
    recipient = "https://signin.aliyun.com/saml-role/sso"
    saml, oidc = f"acs:ram::{ACCOUNT}:saml-provider/testprovider", f"acs:ram::{ACCOUNT}:oidc-provider/TestOIDCProvider"
    statements: list[Json] = [
        allow([f"acs:ram::{OTHER}:root"]),
        allow([user("testuser")]),
        allow({"Service": ["ecs.aliyuncs.com"]}),
        allow({"Federated": [saml]}, {"StringEquals": {"saml:recipient": recipient}}),
        allow({"Federated": [oidc]}, condition),
    ]
    good = {"oidc_aud": ["4962712425650571234"], "oidc_iss": ["https://dev-123456.okta.com"]}
    sub = ["KryrkIdjylZb7agUgCEf0000"]
    cases = [
        case("a user of the trusted account", user("anybody", OTHER), allowed(0)),
        case("a role of the trusted account", f"acs:ram::{OTHER}:role/anything/s1", allowed(0)),
        case("the trusted account itself", f"acs:ram::{OTHER}:root", root()),
        case("a user of the role's account", user("anybody"), nothing()),
        case("the trusted user", user("testuser"), allowed(1)),
        case("the trusted service", "ecs.aliyuncs.com", allowed(2)),
        case("a user is no service", user("ecs.aliyuncs.com"), nothing()),
        case("SAML with its recipient", federated(saml, saml_recipient=[recipient]), allowed(3)),
        case("SAML for another recipient", federated(saml, saml_recipient=[recipient + "/"]), nothing()),
        case("SAML without a recipient", federated(saml), nothing(missing=["saml:recipient"])),
        case("OIDC with all three claims", federated(oidc, **good, oidc_sub=sub), allowed(4)),
        case("OIDC, one audience of two", federated(oidc, **good | {"oidc_aud": ["x", *good["oidc_aud"]]}, oidc_sub=sub),
             allowed(4)),
        case("OIDC for another subject", federated(oidc, **good, oidc_sub=["kryrkidjylzb7agugcef0000"]), nothing()),
        case("OIDC without a subject", federated(oidc, **good), nothing(missing=["oidc:sub"])),
        case("OIDC without claims", federated(oidc), nothing(missing=["oidc:aud", "oidc:iss", "oidc:sub"])),
    ]  # fmt: skip
    return decisions("samples-of-create-role", "The five sample trust policies of RAM's CreateRole, in one", statements,
                     cases, role=ROLE)  # fmt: skip
