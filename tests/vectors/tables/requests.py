"""Requests that are refused: malformed, or with a condition key that the service derives."""

from __future__ import annotations

from typing import Any

from tests.vectors.tables.build import ACCOUNT, ROLE, File, Json, federated, user

ALICE = user("alice")
OIDC = f"acs:ram::{ACCOUNT}:oidc-provider/cluster-1"
SAML = f"acs:ram::{ACCOUNT}:saml-provider/Corp"


def files() -> list[File]:
    """Return the files of refused requests."""
    return [
        _file("principals", "A principal that a request cannot name", _principals()),
        _file("keys", "Keys that a request may not send", _keys()),
        _file("claims", "Claims of a federated identity", _claims()),
        _file("fields", "Fields of a request", _fields()),
    ]


def _file(name: str, description: str, cases: list[Json]) -> File:
    return File("requests", name, {"description": description, "role": ROLE, "cases": cases})


def refused(name: str, error: str, *, who: str | Json | None = ALICE, **fields: Any) -> Json:
    """Return a request and the reason for which it is refused."""
    identity = {} if who is None else {"principal": who} if isinstance(who, str) else {"federated": who}
    return {"name": name, **identity, "context": {}, **fields, "error": error}


def _principals() -> list[Json]:
    long = "n" * 65
    texts = {
        "an empty text": "",
        "a SAML provider": SAML,
        "an OIDC provider": OIDC,
        "a plain in-house service": "orders.internal",
        "a plain service that only ends like Alibaba Cloud's": "evilaliyuncs.com",
        "a service with a masked account": "1234****@ecs.aliyuncs.com",
        "a service in upper case": "ECS.aliyuncs.com",
        "a service of no account": "@orders.internal",
        "a service of an alias": "prod@orders.internal",
        "a service without a dot": f"{ACCOUNT}@orders",
        "full-width prefix": f"\uff41\uff43\uff53:ram::{ACCOUNT}:user/a",  # row 12 of the faults
        "full-width digits": "acs:ram::\uff11\uff12\uff13:user/a",  # row 12 of the faults
        "arabic digits": "acs:ram::\u0661\u0662\u0663:user/a",  # row 12 of the faults
        "full-width digits of a service": "\uff11@orders.internal",  # row 12 of the faults
        "trailing line feed": f"{ALICE}\n",  # row 13 of the faults
        "service and line feed": "ecs.aliyuncs.com\n",  # row 13 of the faults
        "root and line feed": f"acs:ram::{ACCOUNT}:root\n",  # row 13 of the faults
        "homoglyph": user("\u0430lice"),  # row 11 of the faults
        "a star": "*",  # row 17 of the faults
        "any user": user("*"),  # row 17 of the faults
        "any account": "acs:ram::*:user/a",  # row 17 of the faults
        "any service": "*.aliyuncs.com",  # row 17 of the faults
        "a masked account": "acs:ram::123456789012****:user/a",  # row 18 of the faults
        "dots and slashes": user("../../root"),  # row 19 of the faults
        "two slashes": user("/a"),  # row 19 of the faults
        "trailing slash": user("a/"),  # row 19 of the faults
        "no account": "acs:ram:::user/a",
        "21 digits": user("a", "1" * 21),
        "a region": f"acs:ram:cn-hangzhou:{ACCOUNT}:user/a",
        "no name": user(""),
        "65 characters": user(long),
        "a blank before it": f" {ALICE}",
        "an upper-case prefix": f"ACS:ram::{ACCOUNT}:user/a",
        "a group": f"acs:ram::{ACCOUNT}:group/g",
        "a user of STS": f"acs:sts::{ACCOUNT}:user/a",
        "a role of STS": f"acs:sts::{ACCOUNT}:role/R",
        "an assumed role without a session": f"acs:ram::{ACCOUNT}:assumed-role/R",
        "an empty session": f"acs:ram::{ACCOUNT}:role/R/",
        "a session of 65 characters": f"acs:ram::{ACCOUNT}:role/R/{long}",
        "a session with a slash": f"acs:sts::{ACCOUNT}:assumed-role/R/s/t",
        "a session with a colon": f"acs:ram::{ACCOUNT}:assumed-role/R/s:t",
        "a session that is not ASCII": f"acs:ram::{ACCOUNT}:role/R/s\u00e9ance",
        "another partition": f"arn:aws:iam::{ACCOUNT}:user/a",
        "an account": ACCOUNT,
    }
    return [
        *[refused(name, _reason(text), who=text) for name, text in texts.items() if text],
        refused("no principal at all", "REQUIRED", who=None),
        *[refused(f"as a provider: {name}", "INVALID_PRINCIPAL", who={"provider_arn": text, "claims": {}})
          for name, text in {"a user": ALICE, "a service": "ecs.aliyuncs.com", "a root": f"acs:ram::{ACCOUNT}:root",
                             "no name": f"acs:ram::{ACCOUNT}:oidc-provider/", "a star": f"acs:ram::{ACCOUNT}:oidc-provider/*",
                             "an issuer": "https://accounts.example.com"}.items()],
    ]  # fmt: skip


def _keys() -> list[Json]:
    reserved = ["acs:CurrentTime", "acs:PrincipalARN", "acs:PrincipalArn", "sts:RoleSessionName", "sts:ExternalId",
                "sts:SourceIdentity", "acs:ResourceTag/team", "acs:ResourceTag/", "oidc:iss", "oidc:aud", "oidc:sub",
                "oidc:anything", "saml:recipient", "saml:anything"]  # fmt: skip
    return [
        *[refused(key, "RESERVED_KEY", context={key: ["x"]}) for key in reserved],  # row 28 of the faults
        # row 28 of the faults
        refused("beside another key", "RESERVED_KEY", context={"acs:SourceIp": ["10.0.0.1"], "oidc:sub": ["x"]}),
        # row 28 of the faults
        refused("also of the provider itself", "RESERVED_KEY", who=federated(OIDC), context={"oidc:sub": ["x"]}),
        # row 39 of the faults
        refused("the time", "RESERVED_KEY", context={"acs:CurrentTime": ["2026-01-01T00:00:00Z"]}),
        refused("an empty key", "INVALID_CONTEXT_KEY", context={"": ["x"]}),
        refused("101 values of a key", "TOO_MANY_VALUES", context={"app:Text": [f"v{n}" for n in range(101)]}),
    ]


def _claims() -> list[Json]:
    return [
        refused("a SAML claim of an OIDC provider", "INVALID_CLAIM", who=federated(OIDC, saml_recipient=["x"])),
        refused("an OIDC claim of a SAML provider", "INVALID_CLAIM", who=federated(SAML, oidc_sub=["x"])),
        refused("a claim without its prefix", "INVALID_CLAIM", who=federated(OIDC, sub=["x"])),
        refused("a key that is no claim", "INVALID_CLAIM", who=federated(OIDC, acs_SourceIp=["10.0.0.1"])),
        refused("a prefix in upper case", "INVALID_CLAIM", who=federated(OIDC, OIDC_sub=["x"])),
        refused("a derived key", "INVALID_CLAIM", who=federated(OIDC, acs_PrincipalARN=["x"])),
    ]


def _fields() -> list[Json]:
    roles = {"no name": f"acs:ram::{ACCOUNT}:role/", "a user": ALICE, "an alias that is not configured": "nowhere/app",
             "a star": f"acs:ram::{ACCOUNT}:role/*", "line feed": f"{ROLE['arn']}\n", "a slash": "1/2/3",  # row 13 of the faults
             "full-width digits": "\uff11/app", "65 characters": "r" * 65, "a blank": "my app",  # row 12 of the faults
             "a session": f"{ROLE['arn']}/session"}  # fmt: skip
    sessions = ["s", "s" * 65, "a b", "s/t", "séance", "ab\n", "a:b", "a+b"]
    external = ["x", "x" * 1225, "a b", "ab\n", "clé", "a*b", "a&b"]
    identities = ["x", "x" * 65, "a b", "ab\n", "clé", "a/b", "a:b", "acs:bob", "aliyun:bob", "alibabacloud:bob"]
    return [
        *[refused(f"role: {name}", "INVALID_ROLE", role=text) for name, text in roles.items()],
        refused("role: none", "REQUIRED", role=""),
        *[refused(f"session name {text!a}", "INVALID_SESSION_NAME", role_session_name=text) for text in sessions],
        *[refused(f"external id {text!a}", "INVALID_EXTERNAL_ID", external_id=text) for text in external],
        *[refused(f"source identity {text!a}", "INVALID_SOURCE_IDENTITY", source_identity=text) for text in identities],
        *[refused(f"duration {seconds}", "INVALID_DURATION", duration_seconds=seconds) for seconds in (-1, 1, 899, 3601, 43201)],
    ]  # fmt: skip


def _reason(text: str) -> str:
    """Two or more stars are digits that documentation masks; one is a wildcard."""
    return {0: "INVALID_PRINCIPAL", 1: "WILDCARD_PRINCIPAL"}.get(text.count("*"), "MASKED_ACCOUNT_ID")
