"""An issuer of tokens: its keys, its key set, and tokens with any content; and the same over `https`, from a CA of its own."""

from __future__ import annotations

import json
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

ISSUER = "https://oidc.example"
AUDIENCE = "rolecall"
NOON = 1_800_000_000
"""The time of these tests, in seconds."""

MICROS = 1_000_000

_RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def encoded(text: str | bytes) -> str:
    return urlsafe_b64encode(text.encode() if isinstance(text, str) else text).rstrip(b"=").decode()


@dataclass
class Issuer:
    """One issuer, with an RSA key and a key of each accepted curve. `key_ids` are the algorithms in lower case."""

    issuer: str = ISSUER
    now: int = NOON
    suffix: str = ""
    keys: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = self.keys or {
            "RS256": _RSA if not self.suffix else rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "ES384": ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }

    def key_id(self, algorithm: str) -> str:
        return algorithm.lower() + self.suffix

    def claims(self, **changes: object) -> dict[str, object]:
        """Return the claims of a valid token, with these changes; None removes a claim."""
        claims: dict[str, object] = {
            "iss": self.issuer, "sub": "alice", "aud": AUDIENCE, "iat": self.now - 10, "exp": self.now + 600,
        }  # fmt: skip
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, algorithm: Any = "ES256", *, header: Any = None, **changes: object) -> str:
        head = {"alg": algorithm, "typ": "JWT", "kid": self.key_id(algorithm), **(header or {})}
        return self.signed(json.dumps(head), json.dumps(self.claims(**changes)), algorithm)

    def signed(self, header: str, claims: str, algorithm: str = "ES256", key: Any = None) -> str:
        """Return a token of these very texts, signed by the key of the algorithm."""
        signing = f"{encoded(header)}.{encoded(claims)}"
        method = get_default_algorithms()[algorithm]
        signature = method.sign(signing.encode(), key if key is not None else self.keys[algorithm])
        return f"{signing}.{encoded(signature)}"

    def jwk(self, algorithm: str, **changes: object) -> dict[str, object]:
        method: Any = get_default_algorithms()[algorithm]
        made = json.loads(method.to_jwk(self.keys[algorithm].public_key()))
        made |= {"kid": self.key_id(algorithm), "use": "sig", "alg": algorithm, **changes}
        return {name: value for name, value in made.items() if value is not None}

    def key_set(self, *algorithms: str) -> bytes:
        return json.dumps({"keys": [self.jwk(algorithm) for algorithm in algorithms or self.keys]}).encode()


def kubernetes_claims(namespace: str = "shop", account: str = "orders") -> dict[str, object]:
    """Return what a projected token of a ServiceAccount claims beyond the times, as the API server writes it."""
    return {
        "iss": "https://kubernetes.default.svc.cluster.local",
        "sub": f"system:serviceaccount:{namespace}:{account}",
        "aud": [AUDIENCE],
        "jti": "f1a1e3a6-5f2e-4f3e-9a44-0f5f1c0f8a51",
        "kubernetes.io": {
            "namespace": namespace,
            "node": {"name": "node-1", "uid": "1f0a2b8e-8d5c-4a6f-9d55-0e5f6b7c8d90"},
            "pod": {"name": f"{account}-0", "uid": "5e0c8b52-3f43-4d3b-8a43-2f0a6b1c2d3e"},
            "serviceaccount": {"name": account, "uid": "c0a80101-1111-4222-8333-444455556666"},
            "warnafter": NOON + 3_607,
        },
    }


@dataclass
class Site:
    """What a key set's host answers, and how often it was asked."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    paths: list[str] = field(default_factory=list)
    port: int = 0
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    authority: bytes = b""
    dripping: bool = False
    """Whether it sends headers without end, one now and then."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/jwks"


@contextmanager
def https_site(body: bytes, *, certificate_for: str = "localhost") -> Iterator[Site]:
    """Serve a key set over `https` on this machine, with a certificate of an authority that only the test knows."""
    authority = trustme.CA()
    site = Site(body, authority=authority.cert_pem.bytes())
    authority.configure_trust(site.trust)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.paths.append(self.path)
            self.send_response(site.status)
            for name, value in site.headers.items():
                self.send_header(name, value)
            while site.dripping:
                self.wfile.write(b"x")
                self.wfile.flush()
                sleep(0.005)
            self.end_headers()
            self.wfile.write(site.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(certificate_for).configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that refuses the certificate
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
