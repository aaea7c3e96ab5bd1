"""Over the wire, a call is allowed exactly if the oracle allows its action, on its resource, with its condition keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import grpc
import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall_client.v1 import decision_pb2, role_pb2
from tests.immunity.test_stolen_rights import ADMIN, ECS, as_, declared, file, token
from tests.oracle.accesses import decide_access
from tests.security.known_callers import serving_callers
from tests.server.serving import ACCOUNT, DOCUMENT, Served

pytestmark = pytest.mark.long

Json = dict[str, Any]
Keys = dict[str, list[str]]

ROUNDS, QUESTIONS = 150, 8
ALICE, ECS_SERVICE = f"acs:ram::{ACCOUNT}:user/alice", "ecs.aliyuncs.com"
STORED = {"app": (ECS, {"team": "red"}), "bpp": (DOCUMENT, {"team": "blue"}), "other": (ECS, {})}
SPELLINGS = ("app", "APP", "bpp", "other", "none", f"acs:ram::{ACCOUNT}:role/App")

ACTIONS = (
    "*", "ram:*", "rolecall:*", "ram:Get*", "ram:GetRole", "ram:CreateRole", "ram:UpdateRole", "RAM:deleterole", "*:*Role", "ram:L*",
    "rolecall:CheckAssumeRole", "rolecall:AskFor", "rolecall:ReadHistory", "rolecall:ListTrusted*", "rolecall:Explain*", "rolecall:A*",
)  # fmt: skip
RESOURCES = (
    "*", "acs:ram::*", f"acs:ram:*:{ACCOUNT}:role/*", f"acs:ram::{ACCOUNT}:role/APP", "acs:ram:*:*:role/?pp", "acs:ram::*:user/*",
    ALICE, "acs:rolecall:*:*:service/*", f"acs:rolecall::{ACCOUNT}:service/{ECS_SERVICE}", "acs:*:*:*:*",
)  # fmt: skip
CONDITIONS: Sequence[Json] = (
    {"StringEquals": {"acs:ResourceTag/team": ["red"]}}, {"StringNotEquals": {"acs:ResourceTag/team": "red"}},
    {"StringLike": {"acs:RequestTag/team": "r*"}}, {"ForAllValues:StringEquals": {"acs:RequestTag/team": "red"}},
    {"ForAllValues:StringEquals": {"ram:ServiceNames": [ECS_SERVICE], "ram:TrustedPrincipalTypes": "Service"}},
    {"ForAnyValue:StringEquals": {"ram:TrustedPrincipalTypes": "RAM"}}, {"ForAllValues:StringEquals": {"rolecall:TrustedAccounts": "-"}},
    {"StringEquals": {"rolecall:Caller": "nobody"}}, {"IpAddress": {"acs:SourceIp": "127.0.0.0/8"}},
    {"Bool": {"acs:SecureTransport": "false"}}, {"Bool": {"acs:MFAPresent": "true"}}, {"StringEquals": {"acs:PrincipalARN": ALICE}},
)  # fmt: skip


def policy(random: Random) -> Json:
    return {"Version": "1", "Statement": [statement(random) for _ in range(random.randint(1, 4))]}


def statement(random: Random) -> Json:
    drawn: Json = {
        "Effect": random.choice(["Allow", "Allow", "Allow", "Deny"]),
        random.choice(["Action"] * 5 + ["NotAction"]): random.sample(ACTIONS, random.choice([1, 1, 2, 3])),
        "Resource": random.sample(RESOURCES, random.choice([1, 1, 2, 3])),
    }
    return drawn | ({"Condition": random.choice(CONDITIONS)} if random.random() < 0.6 else {})


@dataclass(frozen=True)
class Question:
    """A call, and the rights that it needs: all of each group, of which one is enough."""

    call: Callable[[Served], Any]
    needs: tuple[tuple[str, str, Keys], ...]
    own: bool = False


def question(random: Random) -> Question:
    spelled = random.choice(SPELLINGS)
    name = spelled.rpartition("/")[2]
    resource = f"acs:ram::{ACCOUNT}:role/{name}"
    document, tags = STORED.get(name.lower(), ("", {}))
    standing = tag_keys("acs:ResourceTag/", tags)
    new, given = random.choice([ECS, DOCUMENT]), random.choice([{"team": "red"}, {"team": "blue"}, {}])
    match random.choice(
        ["get", "check", "service", "explain", "trusted", "history", "update", "retag", "delete", "create"]
    ):
        case "get":
            return Question(lambda s: s.roles.GetRole(role_pb2.GetRoleRequest(role=spelled), metadata=as_("x")),
                            (("ram:GetRole", resource, standing),))  # fmt: skip
        case "check":
            return asked(spelled, resource, standing, ALICE, ALICE)
        case "service":
            return asked(spelled, resource, standing, ECS_SERVICE, f"acs:rolecall::{ACCOUNT}:service/{ECS_SERVICE}")
        case "explain":
            request = decision_pb2.ExplainAssumeRoleRequest(query={"principal": ALICE, "role": spelled})
            return Question(lambda s: s.decisions.ExplainAssumeRole(request, metadata=as_("x")),
                            (("rolecall:ExplainAssumeRole", resource, standing), ("rolecall:AskFor", ALICE, {})), own=True)  # fmt: skip
        case "trusted":
            trusted = decision_pb2.ListTrustedPrincipalsRequest(role=spelled)
            return Question(lambda s: s.decisions.ListTrustedPrincipals(trusted, metadata=as_("x")),
                            (("rolecall:ListTrustedPrincipals", resource, standing),))  # fmt: skip
        case "history":
            history = role_pb2.ListRoleRevisionsRequest(role=spelled)
            return Question(lambda s: s.roles.ListRoleRevisions(history, metadata=as_("x")),
                            (("rolecall:ReadHistory", resource, standing),))  # fmt: skip
        case "update" if document:
            update = role_pb2.UpdateRoleRequest(role=spelled, assume_role_policy_document=new, validate_only=True)
            return Question(lambda s: s.roles.UpdateRole(update, metadata=as_("x")),
                            (("ram:UpdateRole", resource, {**standing, **trusted_keys(document, new)}),))  # fmt: skip
        case "retag":
            retag = role_pb2.UpdateRoleRequest(
                role=spelled, tags=given, update_mask={"paths": ["tags"]}, validate_only=True
            )
            keys = {**standing, **tag_keys("acs:RequestTag/", given), **trusted_keys(*([document] if document else []))}
            return Question(
                lambda s: s.roles.UpdateRole(retag, metadata=as_("x")), (("ram:UpdateRole", resource, keys),)
            )
        case "delete":
            delete = role_pb2.DeleteRoleRequest(role=spelled, validate_only=True)
            keys = {**standing, **trusted_keys(*([document] if document else []))}
            return Question(
                lambda s: s.roles.DeleteRole(delete, metadata=as_("x")), (("ram:DeleteRole", resource, keys),)
            )
        case _:
            create = role_pb2.CreateRoleRequest(
                role_name="new", assume_role_policy_document=new, tags=given, validate_only=True
            )
            keys = {**tag_keys("acs:RequestTag/", given), **trusted_keys(new)}
            return Question(lambda s: s.roles.CreateRole(create, metadata=as_("x")),
                            (("ram:CreateRole", f"acs:ram::{ACCOUNT}:role/new", keys),))  # fmt: skip


def asked(spelled: str, resource: str, standing: Keys, principal: str, identity: str) -> Question:
    request = decision_pb2.CheckAssumeRoleRequest(query={"principal": principal, "role": spelled})
    needs: tuple[tuple[str, str, Keys], ...] = (
        ("rolecall:CheckAssumeRole", resource, standing),
        ("rolecall:AskFor", identity, {}),
    )
    return Question(lambda s: s.decisions.CheckAssumeRole(request, metadata=as_("x")), needs, own=principal == ALICE)


def tag_keys(prefix: str, tags: Mapping[str, str]) -> Keys:
    return {prefix + name: [value] for name, value in tags.items()}


def trusted_keys(*documents: str) -> Keys:
    """Return the keys of a write, read naively: whom the documents name together, or `-`."""
    named = [(kind, name) for text in documents for statement in json.loads(text)["Statement"]
             for kind, names in statement["Principal"].items() for name in names]  # fmt: skip
    return {
        "ram:TrustedPrincipalTypes": sorted({kind for kind, _ in named}) or ["-"],
        "ram:ServiceNames": sorted({name for kind, name in named if kind == "Service"}) or ["-"],
        "rolecall:TrustedAccounts": sorted({name.split(":")[3] for kind, name in named if kind == "RAM"}) or ["-"],
    }


async def is_permitted(call: Any) -> bool:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code() is not grpc.StatusCode.PERMISSION_DENIED
    return True


@pytest.mark.parametrize("seed", [1, 2])
async def test_calls_of_a_caller_with_random_policies_are_allowed_as_the_oracle_says(seed: int) -> None:
    random, directory, allowed = Random(seed), CallerDirectory(file(ADMIN)), 0
    identity = f"token:{sha256(token('x').encode()).hexdigest()[:16]}"
    own = {
        "acs:SourceIp": ["127.0.0.1"],
        "acs:SecureTransport": ["false"],
        "acs:MFAPresent": ["false"],
        "rolecall:Caller": [identity],
    }
    async with serving_callers(directory) as service:
        for name, (document, tags) in STORED.items():
            created = role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=document, tags=tags)
            await service.roles.CreateRole(created, metadata=as_("admin"))
        for _ in range(ROUNDS):
            policies = {f"p{number}": policy(random) for number in range(random.choice([1, 1, 2]))}
            bound = random.random() < 0.3
            directory.replace(
                file(ADMIN, declared("x", *policies, **({"principal": ALICE} if bound else {})), **policies)
            )
            given = [{"name": name, "document": document} for name, document in policies.items()]
            caller_keys = own | ({"acs:PrincipalARN": [ALICE]} if bound else {})
            for _ in range(QUESTIONS):
                drawn = question(random)
                # About itself a caller needs no right to ask for another.
                needs = drawn.needs[:1] if bound and drawn.own else drawn.needs
                expected = all(
                    decide_access(
                        given,
                        {
                            "action": a,
                            "resource": r,
                            "context": {**keys, **caller_keys},
                            "time": "2026-11-29T00:00:00Z",
                        },
                        callers_rights=True,
                    )["allowed"]
                    for a, r, keys in needs
                )

                got = await is_permitted(drawn.call(service))

                assert got == expected, (needs, bound, json.dumps(policies))
                allowed += got

    assert 0.1 < allowed / (ROUNDS * QUESTIONS) < 0.6
