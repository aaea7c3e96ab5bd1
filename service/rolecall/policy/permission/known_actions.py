"""The actions of the products `ram`, `sts` and `rolecall`, and the kinds of resources that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from rolecall.policy.permission.actions import matches_any_action
from rolecall.policy.readers import fold

_RAM = """
AddClientIdToOIDCProvider AddFingerprintToOIDCProvider AddUserToGroup AttachPolicyToGroup AttachPolicyToRole AttachPolicyToUser
BindMFADevice ChangePassword CheckServiceLinkedRoleExistence ClearAccountAlias CreateAccessKey CreateGroup CreateLoginProfile
CreateOIDCProvider CreatePolicy CreatePolicyVersion CreateResourceGroup CreateRole CreateSAMLProvider CreateServiceLinkedRole
CreateUser CreateVirtualMFADevice DecodeDiagnosticMessage DeleteAccessKey DeleteGroup DeleteLoginProfile DeleteOIDCProvider
DeletePolicy DeletePolicyVersion DeleteResourceGroup DeleteRole DeleteSAMLProvider DeleteServiceLinkedRole DeleteUser
DeleteVirtualMFADevice DetachPolicyFromGroup DetachPolicyFromRole DetachPolicyFromUser GenerateCredentialReport
GetAccessKeyLastUsed GetAccountAlias GetAccountSecurityPracticeReport GetAccountSummary GetCredentialReport GetGroup
GetLoginProfile GetOIDCProvider GetPasswordPolicy GetPolicy GetPolicyVersion GetResourceGroup GetRole GetSAMLProvider
GetSecurityPreference GetServiceLinkedRoleDeletionStatus GetUser GetUserMFAInfo ListAccessKeys ListEntitiesForPolicy ListGroups
ListGroupsForUser ListOIDCProviders ListPolicies ListPoliciesForGroup ListPoliciesForRole ListPoliciesForUser
ListPolicyAttachments ListPolicyVersions ListResourceGroups ListRoles ListSAMLProviders ListTagResources ListUserBasicInfos
ListUsers ListUsersForGroup ListVirtualMFADevices PassRole RemoveClientIdFromOIDCProvider RemoveFingerprintFromOIDCProvider
RemoveUserFromGroup SetAccountAlias SetDefaultPolicyVersion SetPasswordPolicy SetSecurityPreference TagResources
UnbindMFADevice UntagResources UpdateAccessKey UpdateGroup UpdateLoginProfile UpdateOIDCProvider UpdatePolicyDescription
UpdateResourceGroup UpdateRole UpdateSAMLProvider UpdateUser
"""
_STS = "AssumeRole AssumeRoleWithOIDC AssumeRoleWithSAML GetCallerIdentity SetSourceIdentity"
_ROLECALL = """
AskFor AssertFederated CheckAccess CheckAssumeRole ExplainAssumeRole ExplainIdentity ListAssumableRoles ListTrustedPrincipals
ReadHistory Reflect ValidatePolicy Watch
"""

KNOWN_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        fold(f"{product}:{name}"): f"{product}:{name}"
        for product, names in (("ram", _RAM), ("sts", _STS), ("rolecall", _ROLECALL))
        for name in names.split()
    }
)
"""Every action of these products, by its name in lower case."""

PRODUCTS = frozenset(action.partition(":")[0] for action in KNOWN_ACTIONS)

# An action of `ram` and `sts` is about the kinds of resources that its name has; `group` does not mean a resource group.
_KINDS = {
    "role": "role/",
    "policy": "policy/",
    "policies": "policy/",
    "user": "user/",
    "accesskey": "user/",
    "loginprofile": "user/",
    "mfa": "user/",
    "group": "group/",
    "oidcprovider": "oidc-provider/",
    "samlprovider": "saml-provider/",
}
_NOT_ABOUT_A_KIND = ("resourcegroup", "passwordpolicy", "virtualmfa")


def actions_of(pattern: str) -> list[str]:
    """Return the known actions that a pattern matches, in lower case."""
    matches = matches_any_action([pattern])
    return [action for action in KNOWN_ACTIONS if matches(action)]


def product_of(pattern: str) -> str:
    """Return the product of a pattern in lower case; an empty text if it is not one of those whose actions are known."""
    product = fold(pattern.partition(":")[0])
    return product if product in PRODUCTS else ""


def nearest_action(pattern: str) -> str | None:
    """Return the action that an unknown one probably means, or None."""
    close = get_close_matches(fold(pattern), KNOWN_ACTIONS, cutoff=0.75)
    return KNOWN_ACTIONS[close[0]] if close else None


def kinds_of(actions: Iterable[str]) -> frozenset[str] | None:
    """Return how the relative ids of the resources of some actions of `ram` and `sts` begin; None: in any way."""
    kinds = frozenset[str]()
    for action in actions:
        name = action.partition(":")[2]
        found = {kind for word, kind in _KINDS.items() if word in name}
        if not found or any(word in name for word in _NOT_ABOUT_A_KIND) or product_of(action) == "rolecall":
            return None
        kinds |= found
    return kinds or None
