"""The callers file: its YAML, and what it declares."""

from __future__ import annotations

from rolecall.callers.credential import ANONYMOUS, LOCAL, Credential, CredentialKind
from rolecall.callers.declarations import CallersFile
from rolecall.callers.document import read_callers
from rolecall.callers.errors import InvalidCallersError
from rolecall.callers.granted import CallersGeneration
from rolecall.callers.matching import matches
from rolecall.security.yaml_values import PlacedValues, read_yaml
from tests.fuzz.target import Target

_NOW = 1_800_000_000_000_000
_CREDENTIALS = (
    LOCAL,
    ANONYMOUS,
    Credential(kind=CredentialKind.SPIFFE, identity="spiffe://prod.example/ns/shop/sa/orders"),
    Credential(kind=CredentialKind.DNS, identity="orders.shop.svc"),
    Credential(kind=CredentialKind.UID, identity="uid:1000", uid=1000),
    Credential(
        kind=CredentialKind.OIDC,
        identity="https://oidc.example repo:a/b:ref",
        issuer="https://oidc.example",
        subject="repo:a/b:ref",
        audiences=("rolecall",),
    ),
)


def check_file(data: bytes) -> None:
    """A file is refused with places and reasons, or it declares callers of which each credential finds exactly its own."""
    try:
        text = data.decode()  # as a file is read; one that is not UTF-8 is refused there
    except UnicodeDecodeError:
        return
    try:
        placed = read_yaml(text, "callers.yaml")
        file = read_callers(placed.value)
    except InvalidCallersError as error:
        _check_refusal(error)
    else:
        _check_places(placed)
        _check_callers(file)


def _check_refusal(error: InvalidCallersError) -> None:
    assert error.violations
    assert all(violation.reason and violation.message for violation in error.violations)
    assert "\n" not in str(error)


def _check_places(placed: PlacedValues) -> None:
    assert all(place.startswith("callers.yaml:") for place in placed.places.values())


def _check_callers(file: CallersFile) -> None:
    generation = CallersGeneration(file)
    assert len(generation.hash) == 64
    for credential in _CREDENTIALS:
        granted = generation.granted(credential, None, _NOW)
        own = [
            e
            for e in file.callers
            if e.via is None and matches(e.match, credential) and (e.until is None or e.until > _NOW)
        ]
        assert list(granted.entries) == [entry.name for entry in own]
        assert bool(granted.policies) == (bool(own) and not granted.refusal)
        # An entry with a principal is about one credential.
        assert all(entry.principal is None or not entry.match.has_wildcard for entry in own)


_FILE = b"""trust_domains: {prod.example: ca.pem}
issuers: {"https://oidc.example": {jwks_file: keys.json, algorithms: [ES256]}}
providers:
  - {arn: "acs:ram::123456789012:oidc-provider/ci", issuer: "https://ci.example", audiences: [sts], jwks_url: "https://ci.example/k"}
callers:
  - name: orders
    match: {spiffe: "spiffe://prod.example/ns/*/sa/orders"}
    policies: [RolecallDecider, Team]
    until: 2027-01-01T00:00:00Z
  - {name: ci, match: {oidc: {issuer: "https://oidc.example", subject: "repo:a/b:*", audience: rolecall}}, policies: [RolecallAuditor]}
  - {name: host, match: {uid: 1000}, principal: "acs:ram::123456789012:user/x", policies: [RolecallSelfDecider]}
  - {name: edge, match: {dns: "*.shop.svc"}, policies: [RolecallDecider]}
policies:
  Team: {Version: "1", Statement: [{Effect: Allow, Action: "ram:Get*", Resource: "acs:ram:*:1:role/shop-*"}]}
"""
_WORDS = (
    "spiffe: ", "dns: ", "oidc: ", "token_sha256: ", "uid: ", "local: true", "via: {", "principal: ", "policies: [", "until: ",
    "AdministratorAccess", "issuers:", "providers:", "trust_domains:", "callers:", "*", "&a", "*a", "!!str", "---", "|\n", "0x10",
    "prod.example", "orders.shop.svc", "null", "~", "true", "1e3", "spiffe://", "repo:", "\\xef\\xbb\\xbf",
)  # fmt: skip

TARGETS = (
    Target(
        name="callers-file",
        check=check_file,
        words=_WORDS,
        seeds=(
            _FILE,
            b"callers: [{name: a, match: {local: true}, policies: [AdministratorAccess]}]\n",
            b"callers: []\n",
        ),
    ),
)
