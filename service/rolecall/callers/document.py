"""Read the callers file from decoded YAML, or report all its violations at once.

callers file = {trust_domains?, issuers?, providers?, callers, policies?}
entry = {name, match, via?, principal?, policies, until?}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from rolecall.callers.credential import CredentialKind
from rolecall.callers.declarations import CallerEntry, CallerMatch, CallersFile, OidcProvider, OwnPolicy
from rolecall.callers.declared_value import CallersViolations, DeclaredValue, json_text
from rolecall.callers.limits import (
    MAX_ENTRIES,
    MAX_NAME_CHARACTERS,
    MAX_OWN_POLICIES,
    MAX_POLICIES_OF_AN_ENTRY,
)
from rolecall.callers.match_reader import read_match, trust_domain_of
from rolecall.callers.trust_reader import read_issuers, read_providers, read_trust_domains
from rolecall.policy.errors import InvalidPolicyError, InvalidPrincipalError
from rolecall.policy.node import nearest
from rolecall.policy.permission.parser import parse_permission_policy
from rolecall.policy.permission.system_policies import SYSTEM_POLICIES
from rolecall.policy.principal import Principal, PrincipalKind, principal_of_request
from rolecall.policy.readers import fold, read_date
from rolecall.policy.wording import quoted

_ENTRY_NAME = re.compile(rf"[A-Za-z0-9._@-]{{1,{MAX_NAME_CHARACTERS}}}", re.ASCII)
_POLICY_NAME = re.compile(rf"[A-Za-z0-9-]{{1,{MAX_NAME_CHARACTERS}}}", re.ASCII)
_BOUND_KINDS = frozenset({PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.SERVICE})
_TOKENS = frozenset({CredentialKind.OIDC, CredentialKind.TOKEN})


def read_callers(value: object) -> CallersFile:
    """Return what decoded YAML declares; raise `InvalidCallersError` with all violations."""
    violations = CallersViolations()
    fields = DeclaredValue(value, "", violations).fields(
        ("callers",), ("trust_domains", "issuers", "providers", "policies")
    )
    own = tuple(_own_policies(fields["policies"])) if "policies" in fields else ()
    domains = tuple(read_trust_domains(fields["trust_domains"])) if "trust_domains" in fields else ()
    issuers = tuple(read_issuers(fields["issuers"])) if "issuers" in fields else ()
    providers = tuple(read_providers(fields["providers"])) if "providers" in fields else ()
    reader = _EntryReader(
        _names(fields, "policies"), _names(fields, "trust_domains"), _names(fields, "issuers"), providers
    )
    entries = tuple(reader.entries(fields["callers"])) if "callers" in fields else ()
    violations.raise_if_any()
    return CallersFile(trust_domains=domains, issuers=issuers, providers=providers, callers=entries, policies=own)


def _names(fields: dict[str, DeclaredValue], name: str) -> frozenset[str]:
    """Return the names that a mapping declares, valid or not, so that what refers to them is not refused as well."""
    node = fields.get(name)
    return frozenset(node.value) if node is not None and isinstance(node.value, dict) else frozenset()


def _own_policies(node: DeclaredValue) -> Iterator[OwnPolicy]:
    """Read policies = {NAME: permission policy, ...}"""
    system = {fold(name): name for name in SYSTEM_POLICIES}
    first: dict[str, str] = {}
    for name, value in node.members(MAX_OWN_POLICIES, "policies"):
        if not _POLICY_NAME.fullmatch(name):
            value.refuse(
                "INVALID_NAME",
                f"{quoted(name)} is not the name of a policy; write up to {MAX_NAME_CHARACTERS} letters, digits and `-`",
            )
        elif fold(name) in system:
            value.refuse("NAME_OF_SYSTEM_POLICY", f"{quoted(name)} is the name of a system policy; choose another")
        elif (pointer := first.setdefault(fold(name), value.pointer)) != value.pointer:
            value.refuse(
                "DUPLICATE_POLICY",
                f"the policy {quoted(name)} differs from another only in case; rename one",
                first=pointer,
            )
        elif (policy := _own_policy(name, value)) is not None:
            yield policy


def _own_policy(name: str, node: DeclaredValue) -> OwnPolicy | None:
    text = json_text(node.value)
    try:
        return OwnPolicy(name, parse_permission_policy(text))
    except InvalidPolicyError as error:
        for violation in error.violations:
            # The document is as it stands in the file, so its pointers continue that of the policy.
            DeclaredValue(None, node.pointer + violation.pointer, node.violations).refuse(
                violation.reason, violation.message, violation.suggestion
            )
        return None


class _EntryReader:
    """Reads entries that may refer to these policies, trust domains, issuers and providers."""

    def __init__(
        self,
        policies: Collection[str],
        trust_domains: Collection[str],
        issuers: Collection[str],
        providers: tuple[OidcProvider, ...],
    ) -> None:
        self._policies, self._trust_domains, self._issuers = policies, trust_domains, issuers
        self._providers = providers

    def entries(self, node: DeclaredValue) -> Iterator[CallerEntry]:
        """Read callers = [entry, ...], each name once"""
        first: dict[str, str] = {}
        for value in node.items(MAX_ENTRIES, "callers"):
            fields = value.fields(("name", "match", "policies"), ("via", "principal", "until"))
            name = _entry_name(fields["name"]) if "name" in fields else ""
            if name and (pointer := first.setdefault(name, value.pointer)) != value.pointer:
                fields["name"].refuse(
                    "DUPLICATE_CALLER", f"the name {quoted(name)} is given twice", first=f"{pointer}/name"
                )
            entry = self._entry(name, fields)
            if entry is not None:
                yield entry

    def _entry(self, name: str, fields: dict[str, DeclaredValue]) -> CallerEntry | None:
        match = self._match(fields["match"]) if "match" in fields else None
        via = self._via(fields["via"], match) if "via" in fields else None
        principal = _principal(fields["principal"]) if "principal" in fields else None
        policies = tuple(self._policy_names(fields["policies"])) if "policies" in fields else ()
        until = _time(fields["until"]) if "until" in fields else None
        if match is None:
            return None
        if "principal" in fields and any(m is not None and m.has_wildcard for m in (match, via)):
            fields["match"].refuse(
                "WILDCARD_NOT_ALLOWED", "an entry with `principal` may not have `*`: two callers would be one principal"
            )
        return CallerEntry(name=name, match=match, via=via, principal=principal, policies=policies, until=until)

    def _match(self, node: DeclaredValue) -> CallerMatch | None:
        match = read_match(node)
        if match is None:
            return None
        if match.kind is CredentialKind.OIDC:
            self._check_token(match, node)
        self._check_trust_domain(match, node)
        return match

    def _via(self, node: DeclaredValue, match: CallerMatch | None) -> CallerMatch | None:
        """Read via = {spiffe: ID} | {dns: NAME}, beside a match of a token"""
        via = read_match(node, ("spiffe", "dns"))
        if match is not None and match.kind not in _TOKENS:
            node.refuse(
                "INVALID_MATCH", "`via` is for `oidc` and `token_sha256`, which arrive beside a certificate; remove it"
            )
        if via is not None:
            self._check_trust_domain(via, node)
        return via

    def _check_trust_domain(self, match: CallerMatch, node: DeclaredValue) -> None:
        domain = trust_domain_of(match.text)
        if match.kind is CredentialKind.SPIFFE and domain not in self._trust_domains:
            node.refuse(
                "UNKNOWN_TRUST_DOMAIN",
                f"the trust domain {quoted(domain)} has no CA; add it to `trust_domains` with the path of its CA certificates",
            )

    def _check_token(self, match: CallerMatch, node: DeclaredValue) -> None:
        if match.issuer not in self._issuers:
            node.refuse(
                "UNKNOWN_ISSUER", f"the issuer {quoted(match.issuer)} has no keys; add it to `issuers` with its JWKS"
            )
        # Else the token of a federated user, which passes through many hands, would be a caller.
        if provider := next((p for p in self._providers if match.audience in p.audiences), None):
            node.refuse(
                "AUDIENCE_OF_PROVIDER",
                f"the audience {quoted(match.audience)} is that of the provider `{provider.arn}`; "
                "let callers get tokens for an audience of their own",
            )

    def _policy_names(self, node: DeclaredValue) -> Iterator[str]:
        """Read policies = [name of a system policy or of the file's own, ...], each once"""
        if node.value == []:
            node.refuse("EMPTY_LIST", "`policies` is empty; name at least one, or remove the entry")
        given: set[str] = set()
        for value in node.items(2 * MAX_POLICIES_OF_AN_ENTRY, "policies"):
            name = value.text()
            if name in given:
                value.refuse("DUPLICATE_POLICY", f"the policy {quoted(name)} is listed twice; remove one")
            elif name and name not in self._policies and name not in SYSTEM_POLICIES:
                self._refuse_policy(name, value)
            elif name:
                yield name
            given.add(name)
        _check_policies(node, given)

    def _refuse_policy(self, name: str, node: DeclaredValue) -> None:
        meant = nearest(name, (*SYSTEM_POLICIES, *sorted(self._policies)))
        hint = f"did you mean `{meant}`?" if meant else "name a system policy, or add it to `policies` of this file"
        node.refuse("UNKNOWN_POLICY", f"the policy {quoted(name)} does not exist; {hint}", meant)


def _check_policies(node: DeclaredValue, names: Collection[str]) -> None:
    for kind, count in (
        ("system policies", sum(name in SYSTEM_POLICIES for name in names)),
        ("policies of the file", sum(name not in SYSTEM_POLICIES for name in names)),
    ):
        if count > MAX_POLICIES_OF_AN_ENTRY:
            node.refuse("TOO_MANY", f"there are {count} {kind}; {MAX_POLICIES_OF_AN_ENTRY} are allowed")


def _entry_name(node: DeclaredValue) -> str:
    text = node.text()
    if text and not _ENTRY_NAME.fullmatch(text):
        node.refuse(
            "INVALID_NAME",
            f"{quoted(text)} is not a name; write up to {MAX_NAME_CHARACTERS} letters, digits, `.`, `_`, `@` and `-`",
        )
    return text


def _principal(node: DeclaredValue) -> Principal | None:
    """Read principal = ARN of a user or role | ID@service"""
    text = node.text()
    if not text:
        return None
    try:
        principal = principal_of_request(text)
    except InvalidPrincipalError as error:
        node.refuse(error.reason, error.message, error.suggestion)
        return None
    # A session is read as its role, so only the spelling shows that the text is one.
    if principal.kind in _BOUND_KINDS and principal.account and str(principal) == text:
        return principal
    node.refuse(
        "INVALID_PRINCIPAL",
        f"{quoted(text)} is no principal that a caller can be; write `acs:ram::ACCOUNT_ID:user/NAME`,"
        " `acs:ram::ACCOUNT_ID:role/NAME` or `ACCOUNT_ID@SERVICE`",
    )
    return None


def _time(node: DeclaredValue) -> int | None:
    text = node.text()
    try:
        return read_date(text) if text else None
    except ValueError as error:
        node.refuse("INVALID_TIME", str(error))
        return None
