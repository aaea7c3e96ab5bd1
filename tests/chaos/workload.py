"""What is written in a run: roles of a few hot names and many cold ones, created, changed, deleted, created again, applied and rolled back.

Every write leaves its request id in the description, so that it changes something and can be identified.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rolecall_client import RolecallClient
from rolecall_client.v1 import role_pb2 as r
from tests.oracle import cases, pools

HOT = [f"{pools.ACCOUNT}/hot-{n}" for n in range(6)]
COLD = [f"{account}/cold-{n}" for account in (pools.ACCOUNT, pools.OTHER) for n in range(30)]
NAMES = [*HOT, *COLD]

PRUNED = {"set": "pruned"}
"""The tag of roles that an apply may delete."""

KINDS = ["create"] * 5 + ["update"] * 7 + ["delete"] * 3 + ["apply"] * 2 + ["rollback"] * 2


@dataclass(frozen=True, slots=True)
class Write:
    """One write, ready to be sent, and to be sent again with the same request id."""

    kind: str
    request_id: str
    roles: tuple[str, ...]
    send: Callable[[RolecallClient], Any]


def draw_write(random: Random, client: RolecallClient) -> Write | None:
    """Return the next write; None for a rollback of a role that has no earlier revision. May raise `RolecallError`."""
    kind = random.choice(KINDS)
    request_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
    name = _spelled(random, random.choice(HOT if random.random() < 0.5 else COLD))
    match kind:
        case "create":
            return _create(random, request_id, name)
        case "update":
            return _update(random, request_id, name, client)
        case "delete":
            return _delete(request_id, name)
        case "apply":
            return draw_apply(random, request_id, random.sample(COLD, random.randint(2, 12)))
    return _rollback(random, request_id, name, client)


def draw_apply(random: Random, request_id: str, names: Sequence[str]) -> Write:
    """Return the declaration of some roles; one in three deletes what else carries the tag of the pruned."""
    pruning = random.random() < 0.33
    tags = PRUNED if pruning else {}
    declared = [_declaration(random, request_id, name, tags) for name in names]

    def send(client: RolecallClient) -> r.ApplyRolesResponse:
        prune = {**PRUNED, "team": "red"} if pruning else None
        return client.apply_roles(declared, prune_tags=prune, request_id=request_id, timeout=10)

    return Write("apply", request_id, tuple(names), send)


def _create(random: Random, request_id: str, name: str) -> Write:
    account, _, bare = name.partition("/")
    request = r.CreateRoleRequest(
        account_id=account,
        role_name=bare,
        assume_role_policy_document=draw_document(random),
        description=f"write {request_id}",
        tags=_tags(random),
        request_id=request_id,
    )
    return Write("create", request_id, (name,), lambda client: client.create_role(request))


def _update(random: Random, request_id: str, name: str, client: RolecallClient) -> Write:
    request = r.UpdateRoleRequest(role=name, description=f"write {request_id}", request_id=request_id)
    if random.random() < 0.8:
        request.assume_role_policy_document = draw_document(random)
    else:
        request.tags.update({"team": random.choice(["red", "Red", ""])})
    if random.random() < 0.2:
        request.etag = client.get_role(name).role.etag
    return Write("update", request_id, (name,), lambda sender: sender.update_role(request))


def _delete(request_id: str, name: str) -> Write:
    request = r.DeleteRoleRequest(role=name, request_id=request_id)
    return Write("delete", request_id, (name,), lambda client: client.delete_role(request))


def _rollback(random: Random, request_id: str, name: str, client: RolecallClient) -> Write | None:
    known = client.list_role_revisions(r.ListRoleRevisionsRequest(role=name, page_size=20)).revisions
    if len(known) < 2:
        return None
    request = r.RollbackRoleRequest(role=name, revision=random.choice(known[1:]).revision, request_id=request_id)
    return Write("rollback", request_id, (name,), lambda sender: sender.rollback_role(request))


def _declaration(random: Random, request_id: str, name: str, tags: dict[str, str]) -> r.RoleDeclaration:
    account, _, bare = name.partition("/")
    return r.RoleDeclaration(
        account_id=account,
        role_name=bare,
        assume_role_policy_document=draw_document(random),
        description=f"write {request_id}",
        tags={**_tags(random), **tags},
    )


def draw_document(random: Random) -> str:
    """Return a trust policy; one in four reads the clock too, at instants that no jump of a clock comes near."""
    policy = cases.policy(random)
    if random.random() < 0.25:
        operator, year = random.choice([("DateLessThan", 2199), ("DateGreaterThan", 2001), ("DateLessThan", 2001)])
        condition = policy["Statement"][0].setdefault("Condition", {})
        condition.setdefault(operator, {})["acs:CurrentTime"] = f"{year}-01-01T00:00:00Z"
    return json.dumps(policy)


def _tags(random: Random) -> dict[str, str]:
    return {"team": random.choice(["red", "Red", ""])} if random.random() < 0.5 else {}


def _spelled(random: Random, name: str) -> str:
    """Names of roles compare without regard to case, so now and then one comes in another."""
    account, _, bare = name.partition("/")
    return f"{account}/{bare.upper()}" if random.random() < 0.1 else name
