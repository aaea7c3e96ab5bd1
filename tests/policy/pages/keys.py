"""What condition keys and actions mean, and which known ones those that are unknown are taken for."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.policy.foreign_names import foreign_key
from rolecall.policy.keys import family_of, is_known, known_keys, lookup_name, nearest_key, reserved_hint
from rolecall.policy.permission import keys as of_permissions
from rolecall.policy.permission.known_actions import KNOWN_ACTIONS, actions_of, kinds_of, nearest_action, product_of

_KEYS = [
    "acs:CurrentTime", "acs:SourceIp", "acs:VpcSourceIp", "acs:SecureTransport", "acs:MFAPresent", "acs:PrincipalARN", "acs:PrincipalArn",
    "acs:PrincipalRDId", "acs:PrincipalRDPath", "acs:SourceVpc", "sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity",
    "saml:recipient", "saml:sub", "saml:", "saml", "oidc:iss", "oidc:aud", "oidc:sub", "oidc:email", "oidc:", "acs:RequestTag/team", "acs:RequestTag/",
    "acs:ResourceTag/team", "acs:ResourceTag/", "acs:Service", "rolecall:Caller", "ram:ServiceName", "ram:ServiceNames", "ram:TrustedPrincipalTypes",
    "rolecall:TrustedAccounts", "acs:currenttime", "acs:sourceip", "acs:SourceIP", "acs:Sourcelp", "acs:MfaPresent", "ACS:PRINCIPALARN",
    "acs:requesttag/Team", "ACS:ResourceTag/", "acs:resourcetag/a", "SAML:x", "sts:externalid", "sts:ExternalID", "oidc:subject", "oidc:audience",
    "ram:trustedprincipaltype", "ram:servicename", "ROLECALL:CALLER", "rolecall:caller", "acs:service", "rolecall:TrustedAccount", "sts:RoleSession",
    "team", "", "x" * 64, "acs:SourceIp" + "x" * 53, "acs:RequestTag/" + "x" * 49, "acs:requesttag/" + "x" * 49, "acs:requesttag/" + "x" * 50,
    "aws:CurrentTime", "aws:MultiFactorAuthPresent", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:SecureTransport",
    "aws:SourceIdentity", "aws:SourceIp", "aws:SourceVpc", "aws:VpcSourceIp", "AWS:sourceip", "aws:RequestTag/Team", "aws:ResourceTag/Team", "aws:RequestTag/",
    "aws:PrincipalTag/x", "aws:Nothing", "google.subject", "assertion.sub", "assertion.aud", "assertion.iss", "Assertion.Sub", "assertion.email",
    "token.actions.githubusercontent.com:sub", "gitlab.com:aud", "a/b:iss", "localhost:sub", "gitlab.com:email",
    "arn:aws:iam::1:oidc-provider/x:sub", "acs:ram::1:oidc-provider/x:aud", "acs:ram::1:oidc-provider:aud", "a b.c:sub",
]  # fmt: skip
_SLIPS = [
    "ram:GetRoles", "ram:getrole", "RAM:ListRole", "sts:AssumeRoles", "sts:TagSession", "rolecall:CheckAssume", "rolecall:Wach", "oss:GetObject",
    "ram:Xyzzy", "ram:CreatePolicyVersions", "ram:Get*", "*", "*:*", "ram:?etRole", "r*:GetRole", "sts:*Role", "rolecall:*", "ram:*MFA*",
]  # fmt: skip


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_keys(), *_actions(), ""])


def _keys() -> Iterator[str]:
    yield "# known keys"
    yield " ".join(known_keys())
    for key in _KEYS:
        yield f"# {key}"
        if lookup_name(key) != key:
            yield f"is {lookup_name(key)}"
        if is_known(key):
            yield f"known, {family_of(key)}"
        else:
            yield f"unknown, {family_of(key)}, near {nearest_key(key)}"
        yield f"in permission policies {of_permissions.is_known(key)}, near {of_permissions.nearest_key(key)}"
        yield from filter(None, [reserved_hint(key)])
        yield from (f"of {foreign.owner}, here {foreign.own or 'none'}" for foreign in [foreign_key(key)] if foreign)


def _actions() -> Iterator[str]:
    yield "# known actions, and the kinds of their resources"
    for folded, action in sorted(KNOWN_ACTIONS.items()):
        yield f"{action}: {_kinds([folded])}"
    yield f"several: {_kinds(['ram:getrole', 'ram:getuser'])}; {_kinds(['ram:getrole', 'ram:setpasswordpolicy'])}; {_kinds([])}"
    yield "# patterns of actions"
    for pattern in _SLIPS:
        found = actions_of(pattern)
        yield f"{pattern}: {len(found)} of {product_of(pattern) or 'no product'}, first {min(found, default='none')}, near {nearest_action(pattern)}"


def _kinds(actions: list[str]) -> str:
    found = kinds_of(actions)
    return "any" if found is None else " ".join(sorted(found))
