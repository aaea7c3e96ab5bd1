"""The principals of requests and of documents, read with regular expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_NAME = r"[A-Za-z0-9._@-]{1,64}"
_SPELLINGS = {
    "root": r"acs:ram::(?P<account>[0-9]{1,20}):root",
    "user": rf"acs:ram::(?P<account>[0-9]{{1,20}}):user/(?P<name>{_NAME})",
    "role": rf"acs:ram::(?P<account>[0-9]{{1,20}}):role/(?P<name>{_NAME})(/{_NAME})?",
    "session": rf"acs:(ram|sts)::(?P<account>[0-9]{{1,20}}):assumed-role/(?P<name>{_NAME})/{_NAME}",
    "service of an account": r"(?P<account>[0-9]{1,20})@(?P<name>[a-z0-9.-]+)",
    "service": r"(?P<name>[a-z0-9.-]+)",
}


@dataclass(frozen=True)
class Requester:
    """The principal of a request: its kind, its account, its name, and its ARN in conditions (empty for a service)."""

    kind: str
    account: str
    name: str
    arn: str


def requester_of(request: dict[str, Any], role_account: str) -> Requester:
    """Return the principal of `request`, which asks for a role of `role_account`."""
    if "federated" in request:
        arn = request["federated"]["provider_arn"]
        return Requester("federated", arn.split(":")[3], arn.split("/")[1], arn)
    for spelling, pattern in _SPELLINGS.items():
        found = re.fullmatch(pattern, request["principal"])
        if found is None:
            continue
        facts = found.groupdict()
        account, name = facts.get("account", role_account), facts.get("name", "")
        if spelling == "root":
            return Requester("root", account, name, request["principal"])
        if spelling == "user":
            return Requester("user", account, name, f"acs:ram::{account}:user/{name}")
        if spelling in {"role", "session"}:
            return Requester("role", account, name, f"acs:ram::{account}:role/{name}")
        return Requester("service", account, name, "")
    raise ValueError(f"the request names no principal: {request['principal']!r}")


def is_named_by(requester: Requester, text: str, role_account: str) -> bool:
    """Return whether a principal of a document, for a role of `role_account`, means `requester`."""
    if not text.startswith("acs:"):
        account, _, name = text.rpartition("@")
        return requester.kind == "service" and requester.name == name and requester.account == (account or role_account)
    _, _, _, account, path = text.split(":")
    if account != requester.account:
        return False
    if path == "root":
        return requester.kind in {"user", "role"}
    kind, name = path.split("/")
    if kind == "role":
        return requester.kind == "role" and requester.name.lower() == name.lower()
    if kind == "user":
        return requester.kind == "user" and requester.name == name
    return requester.kind == "federated" and requester.arn == text
