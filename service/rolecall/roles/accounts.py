"""The names of accounts and roles in requests: ids, aliases, the default account, ARNs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from rolecall.policy.wording import quoted
from rolecall.roles.errors import FieldViolation, InvalidFieldsError
from rolecall.roles.fields import account_violation, role_name_violations
from rolecall.roles.role import RoleRef

MEMOISED_ROLES = 8_192

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}", re.ASCII)
_ARN = re.compile(r"acs:ram::([^:/]*):role/([^/]*)")
_SHAPES = "write `acs:ram::ACCOUNT:role/NAME`, `ACCOUNT/NAME` or `NAME`"


class Accounts:
    """The default account of a server, and its aliases of account ids.

    `default` (an id or an alias, or empty for none) is the account of requests that name none; `aliases` maps names to ids.
    """

    def __init__(self, default: str = "", aliases: Mapping[str, str] | None = None) -> None:
        self._aliases = dict(aliases or {})
        for alias, account_id in self._aliases.items():
            _require_alias(alias, account_id)
        self._default = self.account_id(default) if default else ""
        self._memoised = lru_cache(maxsize=MEMOISED_ROLES)(self._role)

    @property
    def default(self) -> str:
        """Return the id of the default account, or empty text."""
        return self._default

    def account_id(self, text: str) -> str:
        """Return the id of the account `text` (an id, an alias, or empty for the default); raise `InvalidFieldsError`."""
        if not text:
            return self._default_account()
        if known := self._aliases.get(text):
            return known
        if violation := account_violation(text, aliases=bool(self._aliases)):
            raise InvalidFieldsError([violation])
        return text

    def role(self, text: str) -> RoleRef:
        """Return the role that `text` (`ARN`, `ACCOUNT/NAME` or `NAME`) names; raise `InvalidFieldsError`. Memoised."""
        return self._memoised(text)

    def _default_account(self) -> str:
        if not self._default:
            message = "must be given: this server has no default account"
            raise InvalidFieldsError([FieldViolation(field="account_id", reason="REQUIRED", message=message)])
        return self._default

    def _role(self, text: str) -> RoleRef:
        account, name = _split(text)
        try:
            account_id = self.account_id(account)
        except InvalidFieldsError as error:
            raise InvalidFieldsError(
                replace(v, field="role", message=f"account {v.message}") for v in error.violations
            ) from None
        if violations := role_name_violations(name, field="role"):
            raise InvalidFieldsError(violations)
        return RoleRef(account_id, name)


def may_be_alias(text: str) -> bool:
    """Return whether a server could have `text` as an alias."""
    return _ALIAS.fullmatch(text) is not None


def _split(text: str) -> tuple[str, str]:
    """role = "acs:ram::" ID ":role/" NAME | ACCOUNT "/" NAME | NAME"""
    if not text:
        raise _invalid("REQUIRED", f"must be given: {_SHAPES}")
    if text.startswith("acs:"):
        return _split_arn(text)
    account, slash, name = text.rpartition("/")
    if "/" in account or ":" in text or (slash and not account):
        raise _invalid("INVALID_ROLE", f"{quoted(text)} does not name a role: {_SHAPES}")
    return account, name


def _split_arn(text: str) -> tuple[str, str]:
    arn = _ARN.fullmatch(text)
    if arn is None or not arn[1]:
        raise _invalid("INVALID_ROLE", f"{quoted(text)} is not the ARN of a role: write `acs:ram::ACCOUNT:role/NAME`")
    if violation := account_violation(arn[1], aliases=False):
        raise _invalid("INVALID_ACCOUNT_ID", f"account {violation.message}")
    return arn[1], arn[2]


def _invalid(reason: str, message: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldViolation(field="role", reason=reason, message=message)])


def _require_alias(alias: str, account_id: str) -> None:
    if not may_be_alias(alias):
        raise _bad_alias(
            f"{quoted(alias)} is not an alias: write 1 to 63 letters, digits, `_`, `.`, `-`, the first a letter"
        )
    if violation := account_violation(account_id, aliases=False):
        raise _bad_alias(f"alias {quoted(alias)}: {violation.message}")


def _bad_alias(message: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldViolation(field="account_aliases", reason="INVALID_ALIAS", message=message)])
