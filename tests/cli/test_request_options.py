"""The options that describe a request: the query that they make for a server, and for the engine in this process."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.cli.failure import CommandError
from rolecall.cli.options.request import (
    ExplainedRequest,
    RequestOptions,
    offline_query,
    principal_query,
    remote_query,
    with_role_of,
)
from rolecall.cli.options.shared import Connection, RemoteOptions
from rolecall.cli.problems.problem import Location
from rolecall.cli.sources.found import FoundPolicy, FoundRole
from rolecall.policy.kind import PolicyKind
from rolecall_client.contexts.context import ServerContext
from rolecall_client.v1 import decision_pb2 as pb, role_pb2

ALICE = "acs:ram::123456789012:user/alice"
POD = "k8s:ack/payments/api"
SUBJECT = {"oidc:sub": pb.ConditionValues(values=["system:serviceaccount:payments:api"])}


class Server:
    """A server that knows one alias, and its default account."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_role(self, role: str, /) -> role_pb2.GetRoleResponse:
        self.asked.append(role)
        account = {"prod": "77", "": "42"}[role.rpartition("/")[0]]
        return role_pb2.GetRoleResponse(role=role_pb2.Role(account_id=account))

    def list_roles(self, request: role_pb2.ListRolesRequest, /) -> role_pb2.ListRolesResponse:
        raise AssertionError(request)


def options(as_: str = ALICE, **fields: Any) -> RequestOptions:
    return RequestOptions(as_=as_, **fields)


def pod_of(account: str) -> pb.FederatedIdentity:
    return pb.FederatedIdentity(provider_arn=f"acs:ram::{account}:oidc-provider/ack", claims=SUBJECT)


def found_role(**fields: Any) -> FoundRole:
    given: dict[str, Any] = {"name": "found", "document": "{}", "label": "l", "source": None}
    return FoundRole(location=Location("f"), **given | fields)


def found_policy() -> FoundPolicy:
    return FoundPolicy(location=Location("f"), document="{}", kind=PolicyKind.TRUST)


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(CommandError) as refused:
        call()
    return refused.value.message, refused.value.hint


FACTS: dict[str, Any] = {
    "context": ["acs:SourceIp=10.0.0.1", "prod", "app:Team=a", "app:Team=b"],
    "external_id": "external",
    "session_name": "session",
    "source_identity": "source",
    "duration": 900,
}
EXPECTED: dict[str, Any] = {
    "context": {
        "acs:SourceIp": pb.ConditionValues(values=["10.0.0.1"]),
        "app:Team": pb.ConditionValues(values=["a", "b"]),
    },
    "external_id": "external",
    "role_session_name": "session",
    "source_identity": "source",
    "duration_seconds": 900,
}


def test_without_facts_a_query_has_a_principal_and_a_role_alone() -> None:
    assert remote_query(options(role="app"), Server()) == pb.AssumeRoleQuery(principal=ALICE, role="app")
    assert principal_query(options(), "", Server()) == pb.AssumeRoleQuery(principal=ALICE)


def test_every_fact_reaches_the_query() -> None:
    server, expected = Server(), pb.AssumeRoleQuery(principal=ALICE, **EXPECTED)

    listed = principal_query(options(**FACTS), "77", server)
    asked = remote_query(options(role="app", **FACTS), server)

    assert listed == expected
    expected.role = "app"
    assert asked == expected
    assert options(**FACTS).server_context == "prod"
    assert server.asked == []


def test_claims_are_those_of_the_provider() -> None:
    provider = "acs:ram::42:oidc-provider/p"

    query = remote_query(options(provider, role="app", claim=["oidc:aud=a", "oidc:aud=b"]), Server())

    claims = {"oidc:aud": pb.ConditionValues(values=["a", "b"])}
    assert query == pb.AssumeRoleQuery(role="app", federated=pb.FederatedIdentity(provider_arn=provider, claims=claims))


@pytest.mark.parametrize(
    ("role", "account_id", "sent", "account", "asked"),
    [
        ("app", "", "app", "42", ["rolecall-context"]),
        ("app", "7", "7/app", "7", []),
        ("app", "prod", "prod/app", "77", ["prod/rolecall-context"]),
        ("prod/app", "7", "prod/app", "77", ["prod/rolecall-context"]),
        ("acs:ram::9:role/app", "7", "acs:ram::9:role/app", "9", []),
    ],
)
def test_the_provider_of_a_service_account_is_in_the_account_of_the_role(
    role: str, account_id: str, sent: str, account: str, asked: list[str]
) -> None:
    server = Server()

    query = remote_query(options(POD, role=role, account_id=account_id), server)

    assert query == pb.AssumeRoleQuery(role=sent, federated=pod_of(account))
    assert server.asked == asked


def test_a_list_of_roles_names_the_account_of_the_provider_of_a_service_account() -> None:
    server = Server()

    assert principal_query(options(POD), "prod", server) == pb.AssumeRoleQuery(federated=pod_of("77"))
    assert refusal(lambda: principal_query(options(POD), "", server)) == (
        f"`{POD}` needs the account of its provider",
        "add --account-id ID",
    )


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ({}, "--role is missing", "give a role of the server, or decide without a server: --policy FILE"),
        ({"role": "a", "role_tag": ["k=v"]}, "--role-tag needs --policy: a role on a server has its own tags", ""),
        (
            {"role": "a", "max_session_duration": 1},
            "--max-session-duration needs --policy: a role on a server has its own maximum",
            "",
        ),
        ({"role": "\udcff"}, "an option is not UTF-8 text", ""),
        (
            {"role": "a", "claim": ["oidc:sub=x"]},
            f"claims come with an identity provider, and `{ALICE}` is not one; use the ARN of the provider",
            "",
        ),
        ({"role": "a", "claim": ["x"]}, "--claim takes KEY=VALUE, not `x`", ""),
        ({"role": "a", "context": ["=x"]}, "--context takes KEY=VALUE, not `=x`", ""),
    ],
)
def test_a_query_that_a_server_cannot_answer_is_refused_with_what_to_do(
    fields: dict[str, Any], message: str, hint: str
) -> None:
    assert refusal(lambda: remote_query(options(**fields), Server())) == (message, hint)


@pytest.mark.parametrize(
    ("fields", "on_server", "accounts"),
    [
        ({}, "", []),
        ({"account_id": "7"}, "", []),
        ({"role": "app"}, "app", [""]),
        ({"role": "app", "account_id": "7"}, "7/app", ["7"]),
        ({"role": "prod/app", "account_id": "7"}, "prod/app", ["prod"]),
        ({"role": "acs:ram::9:role/app", "account_id": "7"}, "acs:ram::9:role/app", [None]),
    ],
)
def test_a_role_is_in_the_account_that_an_option_names(
    fields: dict[str, Any], on_server: str, accounts: list[str | None]
) -> None:
    assert (options(**fields).role_on_server, options(**fields).accounts) == (on_server, accounts)


def test_a_request_is_put_to_the_server_of_its_context() -> None:
    remote = RemoteOptions(address="a:1", timeout=7.0)

    assert options(context=["prod"]).connection(remote) == Connection(address="a:1", timeout=7.0, context="prod")
    assert options().connection(remote) == Connection(address="a:1", timeout=7.0)


def test_a_role_without_a_name_is_named_by_the_file_of_its_policy() -> None:
    assert options(policy="p.json").role_name == "the role with p.json"
    assert options(policy="p.json", role="app").role_name == "app"


@pytest.mark.parametrize(
    ("found", "role", "account"),
    [
        ({"account_id": "7"}, "7/found", "7"),
        ({"account_id": "7", "declared": False}, "given", "42"),
        ({}, "given", "42"),
    ],
)
def test_a_role_that_a_file_declares_with_its_account_is_the_one_that_is_asked_about(
    found: dict[str, Any], role: str, account: str
) -> None:
    named = with_role_of(options(role="given", account_id="42"), found_role(**found))

    assert (named.role, named.account_id, named.as_) == (role, account, ALICE)


def test_a_role_that_a_file_declares_without_an_account_names_one_that_no_option_names() -> None:
    declared, alone = found_role(), found_role(declared=False)

    assert with_role_of(options(account_id="42"), declared) == options(role="found", account_id="42")
    assert with_role_of(options(), alone) == options()
    assert with_role_of(options(), found_policy()) == options()


CONTEXT = ServerContext(name="c", address="a:1", accounts={"prod": "77"}, default_account="prod")


@pytest.mark.parametrize(
    ("fields", "context", "role", "account"),
    [
        ({}, None, "", "123456789012"),
        ({"account_id": "7"}, None, "", "7"),
        ({"account_id": "prod"}, None, "", "prod"),
        ({}, CONTEXT, "", "77"),
        ({"account_id": "7"}, CONTEXT, "", "7"),
        ({"account_id": "prod"}, CONTEXT, "", "77"),
        ({"role": "prod/app"}, CONTEXT, "77/app", "77"),
        ({"role": "prod/app"}, None, "prod/app", "123456789012"),
        ({"role": "app"}, ServerContext(name="c", address="a:1"), "app", "123456789012"),
    ],
)
def test_without_a_server_accounts_are_those_of_the_context(
    fields: dict[str, Any], context: ServerContext | None, role: str, account: str
) -> None:
    query, offline = offline_query(options(**fields), found_policy(), context)

    assert (offline.role, offline.account_id, offline.document) == (role, account, "{}")
    assert query == pb.AssumeRoleQuery(principal=ALICE, role=role)


def test_without_a_server_the_provider_of_a_service_account_is_in_the_account_of_the_role() -> None:
    query, _ = offline_query(options(POD, account_id="7"), found_policy(), None)
    within, _ = offline_query(options(POD, role="9/app", account_id="7"), found_policy(), None)

    assert query == pb.AssumeRoleQuery(federated=pod_of("7"))
    assert within == pb.AssumeRoleQuery(role="9/app", federated=pod_of("9"))


def test_without_a_server_the_role_has_what_the_file_and_the_options_say_of_it() -> None:
    found = found_role(document="d", tags={"a": "1", "b": "2"}, max_session_duration_seconds=7_200)

    _, of_file = offline_query(options(), found, None)
    _, of_options = offline_query(options(role_tag=["b=3", "c=4"], max_session_duration=900), found, None)
    _, of_policy = offline_query(options(role_tag=["c=4"]), found_policy(), None)

    assert (of_file.document, of_file.tags, of_file.max_session_duration_seconds) == ("d", {"a": "1", "b": "2"}, 7_200)
    assert (of_options.tags, of_options.max_session_duration_seconds) == ({"a": "1", "b": "3", "c": "4"}, 900)
    assert (of_policy.tags, of_policy.max_session_duration_seconds) == ({"c": "4"}, 0)
    assert (
        refusal(lambda: offline_query(options(role_tag=["x"]), found, None))[0] == "--role-tag takes KEY=VALUE, not `x`"
    )


def test_an_explained_access_is_about_every_resource_and_no_principal_unless_it_is_said() -> None:
    asked = ExplainedRequest()

    assert (asked.as_, asked.action, asked.resource, asked.policy) == ("", "", "*", "")
