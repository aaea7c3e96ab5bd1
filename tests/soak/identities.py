"""Who asks, and whom a document names. Written from docs/policy-language.md alone; see `values.py`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.soak.values import lower


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal: `kind` is root, user, role, service, saml-provider or oidc-provider. A service may have no account."""

    kind: str
    account: str
    name: str

    @property
    def arn(self) -> str | None:
        """Return the value of `acs:PrincipalARN`: of a session its role's ARN; a service has none."""
        return None if self.kind == "service" else f"acs:ram::{self.account}:{self.kind}/{self.name}"


@cache
def identity(text: str) -> Identity:
    """Return the principal that a document or a request spells."""
    if not text.startswith("acs:"):
        account, _, name = text.rpartition("@")
        return Identity("service", account, name)
    _, _, _, account, path = text.split(":", 4)
    kind, _, name = path.partition("/")
    if kind in {"role", "assumed-role"}:
        return Identity("role", account, name.partition("/")[0])
    return Identity(kind, account, name)


def names(text: str, who: Identity, account: str) -> bool:
    """Return whether the principal `text` of a document is `who`, for a role of `account`."""
    named = identity(text)
    if named.kind == "root":
        return who.kind in {"user", "role"} and who.account == named.account
    if named.kind != who.kind:
        return False
    if named.kind == "service":
        # A plain name acts in the account of the role.
        return (named.name, named.account or account) == (who.name, who.account or account)
    if named.kind == "role":
        return (named.account, lower(named.name)) == (who.account, lower(who.name))
    return named == who
