"""The questions for all systems: ten roles without and ten with two conditions, twenty principals, three statements.

Roles are read from the trust policies of bench/fixture.py, so that every peer has the same rules as Rolecall.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import product

from bench import fixture

DENIED = "app-999"
SERVICE = "orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The facts of a trust policy: an Allow for users, optionally from one network and VPC only, one for services, and a Deny."""

    name: str
    users: tuple[str, ...]
    services: tuple[str, ...]
    denied: tuple[str, ...]
    network: str = ""
    vpc: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """May this caller assume this role? From an address and a VPC, or without either."""

    caller: str
    role: str
    source_ip: str = ""
    vpc: str = ""

    @property
    def caller_type(self) -> str:
        """Return `user` or `service`."""
        return "service" if self.caller == SERVICE else "user"

    @property
    def context(self) -> dict[str, str]:
        """Return the two keys, or none."""
        return {"source_ip": self.source_ip, "vpc": self.vpc} if self.vpc else {}


def roles() -> list[Role]:
    """Return the roles of the fixture, ten without and ten with conditions."""
    sorts = (("plain", fixture.plain_document), ("keyed", fixture.keyed_document))
    return [_role(f"{sort}-{n}", document(n)) for sort, document in sorts for n in range(fixture.ROLES)]


def plain(number: int) -> Question:
    """Return the n-th question without context, that of `fixture.plain_query`."""
    return Question(f"app-{number % fixture.PRINCIPALS}", f"plain-{number % fixture.ROLES}")


def keyed(number: int) -> Question:
    """Return the n-th question with two keys, that of `fixture.keyed_query`."""
    caller, role = f"app-{number % fixture.PRINCIPALS}", f"keyed-{number % fixture.ROLES}"
    return Question(caller, role, f"10.0.0.{number % 50}", "vpc-1")


def fresh(number: int) -> Question:
    """Return the n-th of a series of distinct questions, each with another address."""
    question = keyed(number)
    address = f"10.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    return Question(question.caller, question.role, address, question.vpc)


def batch(number: int, size: int, *, with_keys: bool) -> list[Question]:
    """Return the n-th batch: one caller at one address and every role, repeated up to `size` questions."""
    first = keyed(number) if with_keys else plain(number)
    sort = first.role.partition("-")[0]
    names = [f"{sort}-{n % fixture.ROLES}" for n in range(size)]
    return [Question(first.caller, name, first.source_ip, first.vpc) for name in names]


def allowed(question: Question) -> bool:
    """Return the correct answer, from the facts."""
    role = _ROLES[question.role]
    if question.caller in role.denied:
        return False
    if question.caller in role.services:
        return True
    if question.caller not in role.users:
        return False
    return not role.network or (ip_address(question.source_ip) in ip_network(role.network) and question.vpc == role.vpc)


def every_question() -> Iterator[Question]:
    """Yield every question: all callers, the denied one and an unknown one, all roles, each condition met and not met."""
    callers = [*(f"app-{n}" for n in range(fixture.PRINCIPALS)), DENIED, SERVICE, "nobody"]
    contexts = [("10.0.0.7", "vpc-1"), ("10.255.255.255", "vpc-1"), ("11.0.0.1", "vpc-1"), ("10.0.0.7", "vpc-2")]
    for caller, role in product(callers, roles()):
        for source_ip, vpc in contexts if role.network else [("", "")]:
            yield Question(caller, role.name, source_ip, vpc)


def _role(name: str, document: str) -> Role:
    trusting, other, denying = json.loads(document)["Statement"]
    conditions = trusting.get("Condition", {})
    return Role(
        name=name,
        users=tuple(map(_user, trusting["Principal"]["RAM"])),
        services=tuple(text.partition("@")[2].partition(".")[0] for text in other["Principal"]["Service"]),
        denied=tuple(map(_user, denying["Principal"]["RAM"])),
        network=conditions.get("IpAddress", {}).get("acs:SourceIp", [""])[0],
        vpc=conditions.get("StringEquals", {}).get("acs:SourceVpc", ""),
    )


def _user(arn: str) -> str:
    return arn.rpartition("/")[2].rpartition(":")[2]


_ROLES = {role.name: role for role in roles()}
