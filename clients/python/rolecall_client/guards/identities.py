"""Who calls: the principal that the certificate or the token of a peer stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rolecall_client.guards.peer import PeerFacts, UnknownCallerError
from rolecall_client.guards.spiffe import dns_name_of, service_account_of, spiffe_id_of
from rolecall_client.guards.spiffe_patterns import SpiffePatterns
from rolecall_client.queries import KUBERNETES_PREFIX, Values

MAX_TOKEN_BYTES = 8_192

_PRINCIPAL = re.compile(
    r"acs:(ram|sts)::[0-9]{1,20}:[^\s:]+|[0-9]{1,20}@[a-z0-9.-]+|[a-z0-9.-]+\.aliyuncs\.com|k8s:[^/\s]+/[^/\s]+/[^/\s]+",
    re.ASCII,
)
_OIDC_PROVIDER = re.compile(r"acs:ram::[0-9]{1,20}:oidc-provider/[^/\s]+", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_DNS_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerIdentity:
    """Who a query asks for, in the spelling of `rolecall_client.query`: `as_`, and its `token` or `claims` if it has any.

    `account_id` is the account of a role whose name has none.
    """

    as_: str
    token: str = field(default="", repr=False)
    claims: Values | None = field(default=None, hash=False)
    account_id: str = ""


Identify = Callable[[PeerFacts], CallerIdentity]
"""Returns who calls; raises `UnknownCallerError` unless the call names exactly one caller."""


class SpiffePrincipals:
    """Callers by the SPIFFE id of their certificate: `{"spiffe://prod.example/ns/shop/sa/cart": "acs:ram::ID:user/cart"}`.

    In a pattern `*` stands for one whole segment of the path. An id that is listed counts before a pattern; an id that matches
    patterns of different principals names no caller. Raise `ValueError` if an id or a principal is invalid.
    """

    def __init__(self, principals: Mapping[str, str]) -> None:
        self._patterns = SpiffePatterns({spiffe: required_principal(as_) for spiffe, as_ in principals.items()})
        self.needs_account = _have_service_account(principals)

    def __call__(self, peer: PeerFacts) -> CallerIdentity:
        """Return who calls."""
        spiffe = spiffe_id_of(peer)
        found = self._patterns.find(spiffe)
        if len(found) != 1:
            what = f"stands for {len(found)} principals" if found else "stands for no principal; add it to the map"
            raise UnknownCallerError(f"the certificate has `{spiffe}`, which {what}")
        return CallerIdentity(as_=next(iter(found)))


class SpiffeServiceAccounts:
    """Callers that are service accounts: `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/NAME` is `k8s:PROVIDER/NAMESPACE/NAME`.

    The provider is that of the role's account; `account_id` is the account of roles whose names have none. `claims` are those that
    every service account has, such as `oidc:iss`; the guard asserts them, so its own client needs the right to.
    """

    def __init__(self, trust_domain: str, provider: str, *, account_id: str = "", claims: Values | None = None) -> None:
        if not re.fullmatch(r"[a-z0-9._-]{1,255}", trust_domain, re.ASCII):
            raise ValueError(f"`{trust_domain}` is no trust domain; write it as in `spiffe://TRUST_DOMAIN/...`")
        if not re.fullmatch(r"[^/\s:]+", provider):
            raise ValueError(f"`{provider}` is not the name of a provider; write the last part of its ARN")
        self._trust_domain, self._provider = trust_domain, provider
        self._claims, self._account_id = claims, account_id
        self.needs_account = not account_id

    def __call__(self, peer: PeerFacts) -> CallerIdentity:
        """Return who calls."""
        namespace, name = service_account_of(spiffe_id_of(peer), self._trust_domain)
        as_ = f"{KUBERNETES_PREFIX}{self._provider}/{namespace}/{name}"
        return CallerIdentity(as_=as_, claims=self._claims, account_id=self._account_id)


class DnsPrincipals:
    """Callers by the only DNS name of their certificate: `{"cart.shop.internal": "acs:ram::ID:user/cart"}`, without wildcards.

    A certificate with a SPIFFE id is not looked at further, and names no caller here.
    """

    def __init__(self, principals: Mapping[str, str]) -> None:
        if invalid := sorted(name for name in principals if not _DNS_NAME.fullmatch(name)):
            raise ValueError(f"`{invalid[0]}` is no DNS name; write it in lower case and without wildcards")
        self._principals = {name: required_principal(as_) for name, as_ in principals.items()}
        self.needs_account = _have_service_account(principals)
        if not self._principals:
            raise ValueError("the map names no caller")

    def __call__(self, peer: PeerFacts) -> CallerIdentity:
        """Return who calls."""
        name = dns_name_of(peer)
        as_ = self._principals.get(name)
        if as_ is None:
            raise UnknownCallerError(f"the certificate has `{name}`, which stands for no principal; add it to the map")
        return CallerIdentity(as_=as_)


class OidcBearer:
    """Callers by the token that they send, once, as `authorization: Bearer TOKEN`. The server verifies it, not the guard.

    `provider_arn` is `acs:ram::ACCOUNT:oidc-provider/NAME`, a provider whose keys the server has.
    """

    challenge = "Bearer"

    def __init__(self, provider_arn: str) -> None:
        if not _OIDC_PROVIDER.fullmatch(provider_arn):
            raise ValueError(f"`{provider_arn}` is no OIDC provider; write `acs:ram::ACCOUNT:oidc-provider/NAME`")
        self._provider_arn = provider_arn

    def __call__(self, peer: PeerFacts) -> CallerIdentity:
        """Return who calls."""
        sent = peer.values_of("authorization")
        scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or len(token) > MAX_TOKEN_BYTES or not _TOKEN.fullmatch(token):
            raise UnknownCallerError(f"the call has {len(sent)} `authorization`, not one of the form `Bearer TOKEN`")
        return CallerIdentity(as_=self._provider_arn, token=token)


def required_principal(text: str) -> str:
    """Return a principal in one of its spellings; raise `ValueError`."""
    if not _PRINCIPAL.fullmatch(text):
        raise ValueError(
            f"`{text}` is no principal; write `acs:ram::ACCOUNT:user/NAME`, `ACCOUNT@SERVICE` or `k8s:PROVIDER/NAMESPACE/NAME`"
        )
    return text


def _have_service_account(principals: Mapping[str, str]) -> bool:
    """Return whether a principal belongs to the provider of the role's account, so that the role needs its account."""
    return any(as_.startswith(KUBERNETES_PREFIX) for as_ in principals.values())
