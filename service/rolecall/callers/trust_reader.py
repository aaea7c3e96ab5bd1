"""Read whom the server trusts to name callers: trust domains, issuers of tokens, and providers of federated identities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rolecall.callers.declarations import KeySource, OidcProvider, TokenIssuer, TrustDomain
from rolecall.callers.declared_value import DeclaredValue
from rolecall.callers.limits import (
    MAX_AUDIENCES,
    MAX_ISSUERS,
    MAX_PROVIDERS,
    MAX_TOKEN_AGE_SECONDS,
    MAX_TRUST_DOMAINS,
)
from rolecall.policy.errors import InvalidPrincipalError
from rolecall.policy.principal import PrincipalKind, provider_of_request
from rolecall.policy.wording import listed, quoted

# A symmetric key would let everyone who can verify a token issue one.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
DEFAULT_ALGORITHMS = ("RS256", "ES256")
DEFAULT_TOKEN_AGE_SECONDS = 3_600

_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}", re.ASCII)
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[!-~]*)?", re.ASCII)
_KEY_FIELDS = ("jwks_file", "jwks_url", "algorithms")


def read_trust_domains(node: DeclaredValue) -> Iterator[TrustDomain]:
    """Read trust_domains = {NAME: PATH of CA certificates, ...}"""
    for name, value in node.members(MAX_TRUST_DOMAINS, "trust domains"):
        path = value.text()
        if not _TRUST_DOMAIN.fullmatch(name):
            value.refuse(
                "INVALID_TRUST_DOMAIN",
                f"{quoted(name)} is not a trust domain; write up to 255 of `a-z`, `0-9`, `.`, `_` and `-`",
            )
        elif path:
            yield TrustDomain(name, path)


def read_issuers(node: DeclaredValue) -> Iterator[TokenIssuer]:
    """Read issuers = {ISSUER: {jwks_file | jwks_url, algorithms?}, ...}"""
    for issuer, value in node.members(MAX_ISSUERS, "issuers"):
        keys = _keys(value, value.fields((), _KEY_FIELDS))
        # Callers are named by issuer, a blank and subject: with a blank in an issuer two callers could have one name.
        if "*" in issuer or " " in issuer or not issuer or not issuer.isprintable():
            value.refuse(
                "INVALID_ISSUER",
                f"{quoted(issuer)} is not an issuer; write the `iss` of its tokens, without `*` and blanks",
            )
        elif keys is not None:
            yield TokenIssuer(issuer, keys)


def read_providers(node: DeclaredValue) -> Iterator[OidcProvider]:
    """Read providers = [{arn, issuer, audiences, jwks_file | jwks_url, ...}, ...], each ARN once"""
    first: dict[str, str] = {}
    for value in node.items(MAX_PROVIDERS, "providers"):
        provider = _provider(value)
        if provider is None:
            continue
        pointer = first.setdefault(provider.arn, value.pointer)
        if pointer != value.pointer:
            value.refuse("DUPLICATE_PROVIDER", f"the provider {quoted(provider.arn)} is given twice", first=pointer)
        yield provider


def _provider(node: DeclaredValue) -> OidcProvider | None:
    optional = (*_KEY_FIELDS, "max_token_age_seconds", "allow_asserted")
    fields = node.fields(("arn", "issuer", "audiences"), optional)
    if not fields:
        return None
    keys = _keys(node, fields)
    arn = _provider_arn(fields["arn"]) if "arn" in fields else ""
    issuer = fields["issuer"].text() if "issuer" in fields else ""
    audiences = _audiences(fields["audiences"]) if "audiences" in fields else ()
    age, asserted = fields.get("max_token_age_seconds"), fields.get("allow_asserted")
    seconds = age.whole_number(1, MAX_TOKEN_AGE_SECONDS) if age else DEFAULT_TOKEN_AGE_SECONDS
    allow_asserted = asserted.boolean() if asserted else False
    if not (keys and arn and issuer and audiences):
        return None
    return OidcProvider(
        arn=arn,
        issuer=issuer,
        audiences=audiences,
        keys=keys,
        max_token_age_seconds=seconds,
        allow_asserted=allow_asserted,
    )


def _provider_arn(node: DeclaredValue) -> str:
    text = node.text()
    if not text:
        return ""
    try:
        if provider_of_request(text).kind is PrincipalKind.OIDC_PROVIDER:
            return text
    except InvalidPrincipalError:
        pass
    node.refuse(
        "INVALID_PROVIDER", f"{quoted(text)} is not an OIDC provider; write `acs:ram::ACCOUNT_ID:oidc-provider/NAME`"
    )
    return ""


def _audiences(node: DeclaredValue) -> tuple[str, ...]:
    if node.value == []:
        node.refuse("EMPTY_LIST", "`audiences` is empty; name at least one audience of the provider's tokens")
    texts = tuple(text for value in node.items(MAX_AUDIENCES, "audiences") if (text := value.text()))
    if any("*" in text for text in texts):
        node.refuse("WILDCARD_NOT_ALLOWED", "an audience may not have `*`; write it out")
    return texts


def _keys(node: DeclaredValue, fields: dict[str, DeclaredValue]) -> KeySource | None:
    """Read keys = jwks_file: PATH | jwks_url: https://..., and algorithms?"""
    given = [name for name in ("jwks_file", "jwks_url") if name in fields]
    algorithms = _algorithms(fields["algorithms"]) if "algorithms" in fields else DEFAULT_ALGORITHMS
    if len(given) != 1:
        if isinstance(node.value, dict):
            node.refuse("INVALID_KEY_SOURCE", "exactly one of `jwks_file` and `jwks_url` is needed")
        return None
    text = fields[given[0]].text()
    if not text or not algorithms:
        return None
    if given[0] == "jwks_file":
        return KeySource(text, "", algorithms)
    if not _HTTPS.fullmatch(text):
        # Without the text, which may have a password.
        fields["jwks_url"].refuse("INVALID_URL", "not an https URL; write `https://HOST/PATH`, without a user")
        return None
    return KeySource("", text, algorithms)


def _algorithms(node: DeclaredValue) -> tuple[str, ...]:
    if node.value == []:
        node.refuse("EMPTY_LIST", "`algorithms` is empty; name at least one, or leave the field out")
    texts = []
    for value in node.items(len(ALGORITHMS), "algorithms"):
        text = value.text()
        if text and text not in ALGORITHMS:
            value.refuse(
                "UNKNOWN_ALGORITHM", f"{quoted(text)} is not an asymmetric algorithm; write {listed(ALGORITHMS)}"
            )
        texts.append(text)
    return tuple(texts)
