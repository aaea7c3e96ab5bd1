"""Who asks, and whom a document names, read with regular expressions."""

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
class Asker:
    """Who asks: its kind, its account, its name, and the ARN that conditions see (none for a service)."""

    kind: str
    account: str
    name: str
    arn: str


def asker_of(question: dict[str, Any], role_account: str) -> Asker:
    """Return who asks `question` of a role of `role_account`."""
    if "federated" in question:
        arn = question["federated"]["provider_arn"]
        return Asker("federated", arn.split(":")[3], arn.split("/")[1], arn)
    for spelling, pattern in _SPELLINGS.items():
        found = re.fullmatch(pattern, question["principal"])
        if found is None:
            continue
        facts = found.groupdict()
        account, name = facts.get("account", role_account), facts.get("name", "")
        if spelling == "root":
            return Asker("root", account, name, question["principal"])
        if spelling == "user":
            return Asker("user", account, name, f"acs:ram::{account}:user/{name}")
        if spelling in {"role", "session"}:
            return Asker("role", account, name, f"acs:ram::{account}:role/{name}")
        return Asker("service", account, name, "")
    raise ValueError(f"the question names no principal: {question['principal']!r}")


def is_named_by(asker: Asker, text: str, role_account: str) -> bool:
    """Tell whether a principal of a document, for a role of `role_account`, means `asker`."""
    if not text.startswith("acs:"):
        account, _, name = text.rpartition("@")
        return asker.kind == "service" and asker.name == name and asker.account == (account or role_account)
    _, _, _, account, path = text.split(":")
    if account != asker.account:
        return False
    if path == "root":
        return asker.kind in {"user", "role"}
    kind, name = path.split("/")
    if kind == "role":
        return asker.kind == "role" and asker.name.lower() == name.lower()
    if kind == "user":
        return asker.kind == "user" and asker.name == name
    return asker.kind == "federated" and asker.arn == text
