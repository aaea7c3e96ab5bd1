"""A server whose callers have static tokens, one for each name, and the rights of a callers file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

from rolecall.callers.directory import CallerDirectory
from rolecall.callers.document import read_callers
from tests.security.known_callers import serving_callers
from tests.server.serving import ACCOUNT, Served

OTHER = "210987654321"
ROLE = f"acs:ram::{ACCOUNT}:role/app"
ADMIN, NOBODY = "admin", "nobody"

Policy = dict[str, object]
Rights = Mapping[str, Sequence[str | Policy]]


def token_of(name: str) -> str:
    return "rct_" + name.ljust(43, "-")


def by(name: str) -> list[tuple[str, str]]:
    """Return the metadata of a call by the caller of that name."""
    return [("authorization", f"Bearer {token_of(name)}")]


def policy(*actions: str, on: str | list[str] = "*", effect: str = "Allow", **condition: object) -> Policy:
    """Return a permission policy of one statement; `condition` has the operators with `:` written as `_`."""
    statement: dict[str, object] = {"Effect": effect, "Action": list(actions), "Resource": on}
    if condition:
        statement["Condition"] = {name.replace("_", ":"): value for name, value in condition.items()}
    return {"Version": "1", "Statement": [statement]}


def document(callers: Rights, principals: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a callers file of callers with the names of system policies, or policies of their own."""
    own = dict[str, Policy]()
    entries = list[object]()
    everyone: Rights = {ADMIN: ["AdministratorAccess"], NOBODY: [policy("oss:GetObject")], **callers}
    for name, policies in everyone.items():
        names = []
        for number, one in enumerate(policies):
            if not isinstance(one, str):
                own[f"{name}-{number}"] = one
            names.append(one if isinstance(one, str) else f"{name}-{number}")
        match = {"token_sha256": sha256(token_of(name).encode()).hexdigest()}
        bound = {"principal": principals[name]} if principals and name in principals else {}
        entries.append({"name": name, "match": match, "policies": names, **bound})
    return {"callers": entries, "policies": own}


def directory_of(callers: Rights, principals: dict[str, str] | None = None) -> CallerDirectory:
    return CallerDirectory(read_callers(document(callers, principals)))


@asynccontextmanager
async def serving(callers: Rights, principals: dict[str, str] | None = None, **flags: object) -> AsyncIterator[Served]:
    """Give a server with these callers beside `admin` and `nobody`."""
    async with serving_callers(directory_of(callers, principals), **flags) as service:
        yield service
