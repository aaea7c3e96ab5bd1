"""Rights over real connections, as a story: a decider, a team, an auditor and a token service, each with its certificate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from cryptography import x509

from rolecall.transport.options import GRPCIO, H2
from rolecall_client.v1 import (
    caller_pb2,
    caller_pb2_grpc,
    decision_pb2,
    decision_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    role_pb2,
    role_pb2_grpc,
    watch_pb2,
    watch_pb2_grpc,
)
from tests.security.certificates import Authority
from tests.server.serving import ACCOUNT, BOB, Served, until
from tests.transport.refusals import Refusal, refused
from tests.transport.rights.test_writes import ECS, ROOT, trust

OTHER = "210987654321"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/github"
DENIED = grpc.StatusCode.PERMISSION_DENIED

SEED = {
    "ForAllValues:StringEquals": {"ram:TrustedPrincipalTypes": ["Service"], "ram:ServiceNames": ["ecs.aliyuncs.com"]}
}
POLICIES = {
    "EcsRoles": {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ram:CreateRole", "ram:UpdateRole"],
                "Resource": f"acs:ram:*:{ACCOUNT}:role/*",
                "Condition": SEED,
            }
        ],
    },
    "AssertGithub": {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "rolecall:AssertFederated", "Resource": PROVIDER}],
    },
}
NAMES = ("admin", "decider", "team", "auditor", "tokens", "stranger")
ENTRIES: Mapping[str, list[str]] = {
    "admin": ["AdministratorAccess"],
    "decider": ["RolecallDecider"],
    "team": ["EcsRoles"],
    "auditor": ["RolecallAuditor"],
    "tokens": ["RolecallDecider", "AssertGithub"],
}


def spiffe(name: str) -> str:
    return f"spiffe://prod.example/sa/{name}"


def callers_file(entries: Mapping[str, list[str]] = ENTRIES) -> str:
    callers = [{"name": n, "match": {"spiffe": spiffe(n)}, "policies": policies} for n, policies in entries.items()]
    file = {"trust_domains": {"prod.example": "ca.pem"}, "callers": callers, "policies": POLICIES}
    return yaml.safe_dump(json.loads(json.dumps(file)))


class Story:
    """A server, and a connection for each caller."""

    def __init__(self, service: Served, channels: Mapping[str, Any]) -> None:
        self.service, self.channels = service, channels

    def roles(self, name: str) -> Any:
        return role_pb2_grpc.RoleServiceStub(self.channels[name])

    def decisions(self, name: str) -> Any:
        return decision_pb2_grpc.DecisionServiceStub(self.channels[name])

    def calls(self, name: str) -> dict[str, Any]:
        """Return one call of each kind by a caller, not yet awaited."""
        roles, decisions = self.roles(name), self.decisions(name)
        watch = watch_pb2_grpc.WatchServiceStub(self.channels[name])
        validate = policy_pb2_grpc.PolicyServiceStub(self.channels[name]).ValidateTrustPolicy
        check, claims = query(), asserted()
        return {
            "check": decisions.CheckAssumeRole(decision_pb2.CheckAssumeRoleRequest(query=check)),
            "assert": decisions.CheckAssumeRole(decision_pb2.CheckAssumeRoleRequest(query=claims)),
            "explain": decisions.ExplainAssumeRole(decision_pb2.ExplainAssumeRoleRequest(query=check)),
            "assumable": decisions.ListAssumableRoles(decision_pb2.ListAssumableRolesRequest(principal=BOB)),
            "trusted": decisions.ListTrustedPrincipals(decision_pb2.ListTrustedPrincipalsRequest(role="app")),
            "get": roles.GetRole(role_pb2.GetRoleRequest(role="app")),
            "list": roles.ListRoles(role_pb2.ListRolesRequest()),
            "history": roles.ListRoleRevisions(role_pb2.ListRoleRevisionsRequest(role="app")),
            "create": roles.CreateRole(creation("new", trust(ROOT))),
            "create for ecs": roles.CreateRole(creation(f"ecs-{name}", trust(ECS))),
            "update": roles.UpdateRole(role_pb2.UpdateRoleRequest(role="app", description=name)),
            "rollback": roles.RollbackRole(role_pb2.RollbackRoleRequest(role="app", revision=1)),
            "delete": roles.DeleteRole(role_pb2.DeleteRoleRequest(role="app", validate_only=True)),
            "watch": watch.WatchRoles(watch_pb2.WatchRolesRequest(account_ids=[ACCOUNT])).read(),
            "validate": validate(policy_pb2.ValidateTrustPolicyRequest(document=trust(ECS))),
        }


def query(role: str = "app") -> decision_pb2.AssumeRoleQuery:
    return decision_pb2.AssumeRoleQuery(principal=BOB, role=role)


def asserted() -> decision_pb2.AssumeRoleQuery:
    federated = decision_pb2.FederatedIdentity(
        provider_arn=PROVIDER, claims={"oidc:sub": decision_pb2.ConditionValues(values=["repo:shop"])}
    )
    return decision_pb2.AssumeRoleQuery(federated=federated, role="app")


def creation(name: str, document: str) -> role_pb2.CreateRoleRequest:
    return role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=document)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def file(authority: Authority) -> Path:
    path = authority.folder / "story.yaml"
    path.write_text(callers_file())
    return path


@asynccontextmanager
async def played(authority: Authority, file: Path, transport: str) -> AsyncIterator[Story]:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(authority.served(callers=str(file), transport=transport))
        channels = {
            name: await stack.enter_async_context(
                authority.client(service, x509.UniformResourceIdentifier(spiffe(name)))
            )
            for name in NAMES
        }
        yield Story(service, channels)


@pytest.fixture(params=[GRPCIO, H2])
async def story(authority: Authority, file: Path, request: pytest.FixtureRequest) -> AsyncIterator[Story]:
    async with played(authority, file, request.param) as story:
        await story.roles("admin").CreateRole(creation("app", trust(ROOT)))
        yield story


async def allowed(calls: Mapping[str, Any]) -> set[str]:
    """Return the names of the calls that are answered; the others must be denied."""
    done = set()
    for name, call in calls.items():
        try:
            await call
        except grpc.aio.AioRpcError as error:
            if error.code() is not DENIED:
                raise
        else:
            done.add(name)
    return done


DECIDES = {"check", "assumable"}


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        ("decider", DECIDES),
        ("team", {"create for ecs"}),
        ("auditor", {*DECIDES, "explain", "trusted", "get", "list", "history", "watch", "validate"}),
        ("tokens", {*DECIDES, "assert"}),
        ("stranger", set()),
    ],
)
async def test_each_caller_may_do_its_part_and_everything_else_is_denied(
    story: Story, caller: str, expected: set[str]
) -> None:
    assert await allowed(story.calls(caller)) == expected


async def test_the_administrator_may_do_everything(story: Story) -> None:
    calls = story.calls("admin")

    assert await allowed(calls) == set(calls)


async def test_the_team_can_write_roles_for_ecs_and_no_others(story: Story) -> None:
    team, admin = story.roles("team"), story.roles("admin")
    await team.CreateRole(creation("web", trust(ECS)))
    await admin.CreateRole(creation("was-root", trust(ROOT)))
    await admin.UpdateRole(role_pb2.UpdateRoleRequest(role="was-root", assume_role_policy_document=trust(ECS)))
    revision = story.service.server.replica.snapshot.revision
    attempts: list[Refusal] = [
        await refused(team.CreateRole(creation("a", trust({"Service": ["ecs.aliyuncs.com", "oss.aliyuncs.com"]})))),
        await refused(team.CreateRole(creation("a", trust({**ECS, **ROOT})))),
        await refused(team.CreateRole(creation("a", trust(ROOT)))),
        await refused(team.CreateRole(creation("a", trust({"Service": [f"{OTHER}@ecs.aliyuncs.com"]})))),
        await refused(team.RollbackRole(role_pb2.RollbackRoleRequest(role="was-root", revision=3))),
        await refused(team.UpdateRole(role_pb2.UpdateRoleRequest(role="app", tags={"team": "ours"}))),
    ]
    await team.UpdateRole(role_pb2.UpdateRoleRequest(role="web", tags={"team": "ours"}))

    assert {refusal.code for refusal in attempts} == {DENIED}
    assert {refusal.facts["action"] for refusal in attempts} == {"ram:CreateRole", "ram:UpdateRole"}
    assert story.service.server.replica.snapshot.revision == revision + 1


async def test_every_caller_is_answered_about_itself(story: Story) -> None:
    stubs = {name: caller_pb2_grpc.CallerServiceStub(story.channels[name]) for name in NAMES}
    who = {name: await stub.WhoAmI(caller_pb2.WhoAmIRequest()) for name, stub in stubs.items()}
    ask = caller_pb2.CanIRequest(action="rolecall:AssertFederated", resource=PROVIDER)
    can = {name: await stub.CanI(ask) for name, stub in stubs.items()}

    assert {name: answer.identity for name, answer in who.items()} == {name: spiffe(name) for name in NAMES}
    assert {name: list(answer.policies) for name, answer in who.items()} == {**ENTRIES, "stranger": []}
    assert {answer.credential_kind for answer in who.values()} == {caller_pb2.CREDENTIAL_KIND_SPIFFE}
    assert len({answer.generation for answer in who.values()}) == 1
    assert {name for name, answer in can.items() if answer.allowed} == {"admin", "tokens"}
    assert {name for name, answer in can.items() if answer.HasField("explanation")} == {"admin", "auditor"}


async def test_what_a_caller_can_do_depends_on_the_keys_that_it_asks_with(story: Story) -> None:
    stub = caller_pb2_grpc.CallerServiceStub(story.channels["team"])
    context = {
        "ram:TrustedPrincipalTypes": decision_pb2.ConditionValues(values=["Service"]),
        "ram:ServiceNames": decision_pb2.ConditionValues(values=["ecs.aliyuncs.com"]),
    }
    resource = f"acs:ram::{ACCOUNT}:role/web"
    answer = await stub.CanI(caller_pb2.CanIRequest(action="ram:CreateRole", resource=resource, context=context))
    context["ram:ServiceNames"].values.append("oss.aliyuncs.com")
    other = await stub.CanI(caller_pb2.CanIRequest(action="ram:CreateRole", resource=resource, context=context))
    invalid = await refused(
        stub.CanI(
            caller_pb2.CanIRequest(
                action="CreateRole",
                resource="acs:ram",
                context={"acs:SourceIp": decision_pb2.ConditionValues(values=["10.0.0.1"])},
            )
        )
    )

    assert (answer.allowed, other.allowed) == (True, False)
    assert [field.reason for field in invalid.fields] == ["INVALID_ACTION", "INVALID_RESOURCE", "RESERVED_KEY"]


async def test_a_caller_that_is_removed_from_the_file_is_denied_on_what_it_has_open(story: Story, file: Path) -> None:
    stream = story.decisions("decider").StreamCheckAssumeRole()
    await stream.write(decision_pb2.StreamCheckAssumeRoleRequest(query=query()))
    first = await stream.read()
    watch = watch_pb2_grpc.WatchServiceStub(story.channels["auditor"]).WatchRoles(watch_pb2.WatchRolesRequest())
    await watch.read()
    directory = story.service.server.callers.directory
    generation = directory.generation

    rewrite(file, {"admin": ["AdministratorAccess"]})
    reloading = story.service.server.callers.reloading
    assert reloading is not None
    # The file may have been found changed by the server itself.
    await reloading.reload_if_changed()
    await until(lambda: directory.generation != generation)
    refusals = [await refused(asyncio.wait_for(ended(call), 10)) for call in (stream, watch)]

    assert first.HasField("decision")
    assert [refusal.code for refusal in refusals] == [DENIED, DENIED]


def rewrite(file: Path, entries: Mapping[str, list[str]]) -> None:
    file.write_text(callers_file(entries))


async def ended(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
