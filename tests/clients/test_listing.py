from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2
from tests.cli.serving import ACCOUNT
from tests.clients.test_client import POLICY

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/listed"


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address) as client:
        yield client


def create(client: RolecallClient, name: str, who: str, kind: str = "RAM", **fields: dict[str, str]) -> None:
    document = POLICY.replace('"RAM"', f'"{kind}"').replace(f"acs:ram::{ACCOUNT}:user/alice", who)
    client.create_role(role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=document, **fields))  # type: ignore[arg-type]


def test_every_role_of_every_page_is_listed(client: RolecallClient) -> None:
    carol = f"acs:ram::{ACCOUNT}:user/listed-carol"
    for number in range(5):
        create(client, f"listed-{number}", carol)

    roles = list(client.what_can(query(carol), page_size=2))

    assert [role.role_arn for role in roles] == [f"acs:ram::{ACCOUNT}:role/listed-{n}" for n in range(5)]
    assert {role.outcome for role in roles} == {d.ASSUMABILITY_ALLOW}
    assert list(client.what_can(query(carol), account_id="1")) == []


def test_what_a_federated_identity_can_assume_is_listed(client: RolecallClient) -> None:
    create(client, "listed-pod", PROVIDER, "Federated")

    roles = client.what_can(query("k8s:listed/pay/api", account_id=ACCOUNT, context={"acs:SourceIp": "10.0.0.1"}))

    assert [role.role_arn for role in roles] == [f"acs:ram::{ACCOUNT}:role/listed-pod"]


def test_an_oidc_token_is_not_available(client: RolecallClient) -> None:
    with pytest.raises(RolecallError) as caught:
        list(client.what_can(d.AssumeRoleQuery(oidc_token="x")))

    assert caught.value.code == "UNIMPLEMENTED"


def test_the_principals_that_a_role_trusts_are_listed(client: RolecallClient) -> None:
    create(client, "listed-trusting", f"acs:ram::{ACCOUNT}:user/dora")

    grants = client.who_can("listed-trusting").grants

    assert [(grant.principal_pattern, grant.effect) for grant in grants] == [(f"acs:ram::{ACCOUNT}:user/dora", "Allow")]


def test_a_decision_in_the_past_is_explained(client: RolecallClient) -> None:
    erin = f"acs:ram::{ACCOUNT}:user/erin"
    create(client, "listed-past", erin)
    revision = client.get_role("listed-past").role.revision
    client.delete_role(role_pb2.DeleteRoleRequest(role="listed-past"))

    then = client.explain(query(erin, "listed-past"), at_revision=revision).decision
    now = client.explain(query(erin, "listed-past")).decision

    assert (then.allowed, then.revision, now.reason) == (True, revision, d.DECISION_REASON_ROLE_NOT_FOUND)


def test_exported_roles_can_be_applied(client: RolecallClient) -> None:
    tags = {"set": "exported"}
    for number in range(3):
        create(client, f"exported-{number}", f"acs:ram::{ACCOUNT}:user/frank", tags=tags)

    exported = list(client.export_roles(tags=tags))
    changes = client.apply_roles(exported, prune_tags=tags).changes

    assert [role.role_name for role in exported] == [f"exported-{n}" for n in range(3)]
    assert [change.kind for change in changes] == [role_pb2.CHANGE_KIND_UNCHANGED] * 3
