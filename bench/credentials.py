"""What it costs to find the caller of a call, by a certificate or a token, known or new. In process, in one run.

The facts of a connection are the same objects in every call, as the HTTP/2 transport gives them; grpc.aio copies them for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509

from rolecall.callers.directory import CallerDirectory
from rolecall.security.authentication import Authentication
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.key_sets import KeySets
from tests.security.certificates import Authority
from tests.security.known_callers import callers_file
from tests.security.test_caller_tokens import oidc
from tests.security.tokens.issuing import Issuer

REPEATS, CALLS, NEW = 25, 5_000, 200
SECURE = {"transport_security_type": [b"ssl"]}


class Call:
    """A call as far as its caller goes."""

    def __init__(self, facts: Mapping[str, list[bytes]], token: str = "") -> None:
        self._facts, self.has_authorization = facts, bool(token)
        self._metadata = (("authorization", f"Bearer {token}"),)

    def auth_context(self) -> Mapping[str, list[bytes]]:
        return self._facts

    def peer(self) -> str:
        return "ipv4:10.0.0.1:50000"

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata


def measure() -> dict[str, float]:
    """Return CPU microseconds for each call: of known callers the least of many repeats, of new ones the median."""
    with TemporaryDirectory() as folder:
        authority, issuer = Authority(Path(folder) / "ca"), Issuer(now=int(time.time()))
        find = _authentication(authority, issuer, Path(folder)).authenticate
        certificate = Call(_facts(authority))
        found = {
            "a certificate, known": _known(find, certificate),
            "a certificate, new": _new(find, [Call(_facts(authority)) for _ in range(NEW)]),
            "a token, known": _known(find, Call(SECURE, issuer.token())),
        }
        for algorithm in ("RS256", "ES256"):
            tokens = [issuer.token(algorithm, jti=str(number)) for number in range(NEW)]
            found[f"a token, new, {algorithm}"] = _new(find, [Call(SECURE, token) for token in tokens])
        return found


def _authentication(authority: Authority, issuer: Issuer, folder: Path) -> Authentication:
    (folder / "jwks.json").write_bytes(issuer.key_set())
    spiffe = {"name": "orders", "match": {"spiffe": "spiffe://td/orders"}, "policies": ["RolecallDecider"]}
    value = {
        "trust_domains": {"td": "ca.pem"},
        "issuers": {issuer.issuer: {"jwks_file": str(folder / "jwks.json")}},
        "callers": [spiffe, oidc(issuer.issuer, "alice")],
    }
    directory, sets = CallerDirectory(callers_file(value, {"td": authority.pem})), KeySets()
    tokens = CallerTokens(directory, sets)
    for keys in sets.by_owner().values():
        keys.refresh()
    return Authentication(directory, tokens, nameless=None, client_authority=lambda: authority.pem)


def _facts(authority: Authority) -> dict[str, list[bytes]]:
    certificate, _ = authority.issue(x509.UniformResourceIdentifier("spiffe://td/orders"))
    return {**SECURE, "peer_uri": [b"spiffe://td/orders"], "x509_pem_cert": [certificate]}


def _known(find: Callable[[Any], object], call: Call) -> float:
    costs = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(CALLS):
            find(call)
        costs.append((time.process_time() - began) / CALLS)
    return min(costs) * 1e6


def _new(find: Callable[[Any], object], calls: list[Call]) -> float:
    costs = []
    for call in calls:
        began = time.process_time()
        find(call)
        costs.append(time.process_time() - began)
    return median(costs) * 1e6


def main() -> None:
    """Print the table."""
    print("| the caller has | CPU microseconds |\n|---|---|")
    for name, cost in measure().items():
        print(f"| {name} | {cost:.1f} |")


if __name__ == "__main__":
    main()
