from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine

ACCOUNT = "123456789012"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/cluster"
POD = "system:serviceaccount:pay:api"


def declare(
    path: Path, name: str, principal: Mapping[str, str], condition: object = None, *, copies: int = 1
) -> Sequence[str]:
    statement: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    if condition:
        statement["Condition"] = condition
    policy = {"Version": "1", "Statement": [statement]}
    roles = [{"name": f"{name}-{n}" if copies > 1 else name, "trust_policy": policy} for n in range(copies)]
    path.write_text(json.dumps({"apiVersion": "rolecall/v1", "roles": roles}))
    return "apply", "-f", str(path)


def test_roles_are_shown_with_what_they_depend_on(online: CommandLine, tmp_path: Path) -> None:
    alice = {"RAM": f"acs:ram::{ACCOUNT}:user/what-alice"}
    vpn = {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}, "StringEquals": {"sts:ExternalId": "xx"}}
    online(*declare(tmp_path / "a.json", "what-open", alice))
    online(*declare(tmp_path / "b.json", "what-vpn", alice, vpn))

    shown = online("what-can", "--as", alice["RAM"])
    inside = online("what-can", "--as", alice["RAM"], "--context", "acs:SourceIp=10.0.0.1", "--external-id", "xx")
    outside = online("what-can", "--as", alice["RAM"], "--context", "acs:SourceIp=11.0.0.1")

    assert [line.split() for line in shown.out.splitlines()[2:]] == [
        [f"acs:ram::{ACCOUNT}:role/what-open", "ALLOW"],
        [f"acs:ram::{ACCOUNT}:role/what-vpn", "CONDITIONAL", "acs:SourceIp,", "sts:ExternalId"],
    ]
    assert [line.split()[1] for line in inside.out.splitlines()[2:]] == ["ALLOW", "ALLOW"]
    assert [line.split()[1] for line in outside.out.splitlines()[2:]] == ["ALLOW"]


def test_every_page_is_shown(online: CommandLine, tmp_path: Path) -> None:
    service = {"Service": "paged.aliyuncs.com"}
    online(*declare(tmp_path / "many.json", "what-many", service, copies=1_050))

    roles = json.loads(online("what-can", "--as", "paged.aliyuncs.com", "-o", "json").out)["roles"]

    assert len({role["role_arn"] for role in roles}) == len(roles) == 1_050
    assert {role["outcome"] for role in roles} == {"ALLOW"}


def test_a_service_account_is_one_of_the_account(online: CommandLine, tmp_path: Path) -> None:
    condition = {"StringEquals": {"oidc:sub": POD}}
    online(*declare(tmp_path / "pod.json", "what-pod", {"Federated": PROVIDER}, condition))

    short = online("what-can", "--as", "k8s:cluster/pay/api", "--account-id", ACCOUNT)
    long = online("what-can", "--as", PROVIDER, "--claim", f"oidc:sub={POD}")
    other = online("what-can", "--as", "k8s:cluster/pay/web", "--account-id", ACCOUNT)

    assert short.out == long.out
    assert short.out.splitlines()[2].split() == [f"acs:ram::{ACCOUNT}:role/what-pod", "ALLOW"]
    assert (other.code, other.out, other.err) == (0, "", "no roles\n")


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["--as", "k8s:cluster/pay/api"], "needs the account of its provider"),
        (["--as", "?"], "principal"),
        (["--as", "ecs.aliyuncs.com", "--claim", "oidc:sub=x"], "claims come with an identity provider"),
    ],
)
def test_an_invalid_request_is_an_error(online: CommandLine, arguments: list[str], reported: str) -> None:
    outcome = online("what-can", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert reported in outcome.err
