"""Callers files as decoded YAML, and small parts of them."""

from __future__ import annotations

from pathlib import Path

from rolecall.callers.declarations import CallersFile
from rolecall.callers.document import read_callers
from rolecall.callers.errors import InvalidCallersError

ACCOUNT = "123456789012"
ORDERS = "spiffe://prod.example/ns/shop/sa/orders"
ISSUER = "https://oidc.example"
TOKEN_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def entry(name: object = "orders", **fields: object) -> dict[str, object]:
    """Return an entry of a decider, with other fields or further ones."""
    return {"name": name, "match": {"spiffe": ORDERS}, "policies": ["RolecallDecider"], **fields}


def document(*callers: object, **fields: object) -> dict[str, object]:
    """Return a callers file with these entries, with other fields or further ones."""
    return {
        "trust_domains": {"prod.example": "/ca/prod.pem", "dev.example": "/ca/dev.pem"},
        "issuers": {ISSUER: {"jwks_file": "/keys.json"}},
        "callers": list(callers),
        **fields,
    }


def callers(*entries: object, **fields: object) -> CallersFile:
    """Return the callers file with these entries."""
    return read_callers(document(*entries, **fields))


def allowing(*actions: str, resource: str = "*", **fields: object) -> dict[str, object]:
    """Return a permission policy that allows actions on a resource, with further fields of its statement."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **fields}
    return {"Version": "1", "Statement": [statement]}


def put(path: Path, text: str) -> None:
    """Write a file in one step, so that a server which watches it reads all of it."""
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


def violations_of(value: object) -> list[tuple[str, str]]:
    """Return the pointer and the reason of each violation of a callers file."""
    try:
        read_callers(value)
    except InvalidCallersError as error:
        return [(violation.pointer, violation.reason) for violation in error.violations]
    return []
