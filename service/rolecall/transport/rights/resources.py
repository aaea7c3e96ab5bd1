"""The resources of rights, and the condition keys that a resource and a request have."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.callers.caller import NO_ACCESS_KEYS, AccessKeys, Caller
from rolecall.policy.compiler import match_form
from rolecall.policy.keys import RESOURCE_TAG_PREFIX
from rolecall.policy.principal import Principal, PrincipalKind
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import InvalidFieldsError
from rolecall.roles.role import Role, RoleRef

ANY = "*"
"""The resource of a call that names none, or no valid one: what is wrong is then shown only to a caller that may ask about all."""


def role_resource(ref: RoleRef | None) -> str:
    """Return the resource of a role; `ANY` without one."""
    return ANY if ref is None else ref.arn


def named_role(accounts: Accounts, text: str) -> RoleRef | None:
    """Return the role that a text names, None if it names none."""
    try:
        return accounts.role(text)
    except InvalidFieldsError:
        return None


def named_account(accounts: Accounts, text: str) -> str | None:
    """Return the id of the account that a text names, None if it names none."""
    try:
        return accounts.account_id(text)
    except InvalidFieldsError:
        return None


def roles_of_account(account_id: str | None, prefix: str = "") -> str:
    """Return the resource of all roles of an account whose names begin with `prefix`."""
    return ANY if account_id is None else f"acs:ram::{account_id}:role/{prefix}*"


def whole_account(account_id: str) -> str:
    """Return the resource of an account with all that is in it."""
    return f"acs:ram::{account_id}:*"


def identity_resource(principal: Principal, account_id: str = "") -> str:
    """Return the resource of an identity that is asked about. A service without an account acts in that of the role."""
    if principal.kind is PrincipalKind.SERVICE:
        return f"acs:rolecall::{principal.account or account_id}:service/{principal.name}"
    return str(principal)


def is_own(principal: Principal, caller: Caller, account_id: str) -> bool:
    """Return whether the identity that is asked about is what the caller itself is in RAM's terms."""
    own = caller.principal
    if own is None or own.kind is not principal.kind:
        return False
    # By the resources, which spell out the account of a service; the names of roles compare without regard to case.
    return identity_resource(match_form(own)) == identity_resource(match_form(principal), account_id)


def keys_of_role(caller: Caller, role: Role | None) -> AccessKeys:
    """Return the keys of a role as it stands: its tags, if the caller's policies read any. An absent role has none."""
    if role is None or not caller.reads_tags:
        return NO_ACCESS_KEYS
    return tag_keys(RESOURCE_TAG_PREFIX, role.tags)


def tag_keys(prefix: str, tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return a condition key for each tag."""
    return {prefix + name: (value,) for name, value in tags.items()}
