"""The roles of the world: one for each file of vectors, and those that the faults are about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rolecall_client.v1 import role_pb2 as r
from tests.cli.serving import ACCOUNT
from tests.vectors.cases import files

Json = dict[str, Any]

ALICE = f"acs:ram::{ACCOUNT}:user/alice"
GRANTED = {
    "Version": "1",
    "Statement": [
        {"Sid": "alice", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ALICE}},
    ],
}
REVOKED = {
    "Version": "1",
    "Statement": [
        *GRANTED["Statement"],
        {"Sid": "revoked", "Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": ALICE}},
    ],
}

OF_FAULTS = ("orders", "billing", "written", "watched")
OF_REQUESTS = "app"
"""The role that malformed queries are about."""


def declarations() -> Iterator[r.RoleDeclaration]:
    """Yield the declarations of all roles."""
    for name in OF_FAULTS:
        yield r.RoleDeclaration(account_id=ACCOUNT, role_name=name, assume_role_policy_document=json.dumps(GRANTED))
    found = files("decisions")
    for file in found:
        yield role_of_file(file.values[0], str(file.id))
    yield role_of_file(found[0].values[0], OF_REQUESTS)


def role_of_file(file: Json, name: str) -> r.RoleDeclaration:
    """Return the declaration of the role of a file of decision vectors, with a name of its own."""
    return r.RoleDeclaration(
        account_id=file["role"]["arn"].split(":")[3],
        role_name=name,
        assume_role_policy_document=json.dumps(file["trust_policy"]),
        tags=file["role"]["tags"],
    )
