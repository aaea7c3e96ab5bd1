"""Every method of the client: the request that it sends, how long it waits, and the response that it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.client import EXPORT_PAGE_SIZE, PAGE_SIZE, list_all_changes, list_all_roles
from rolecall_client.v1 import caller_pb2 as caller, decision_pb2 as d, policy_pb2 as p, role_pb2 as r

ALICE = "acs:ram::1:user/alice"
SERVICES = [(caller, "CallerService"), (d, "DecisionService"), (p, "PolicyService"), (r, "RoleService")]


@dataclass
class Call:
    method: str
    requests: list[Any]
    seconds: float
    metadata: tuple[tuple[str, str | bytes], ...]


class Recording(grpc.GenericRpcHandler):
    """A server that records every call, and answers with the next of its answers or with an empty message."""

    def __init__(self) -> None:
        self.calls, self.answers = list[Call](), list[Message]()
        self.address = ""
        self._methods = {
            f"/rolecall.v1.{name}/{method.name}": method
            for module, name in SERVICES
            for method in module.DESCRIPTOR.services_by_name[name].methods
        }

    def forget(self) -> None:
        """Have no methods."""
        self._methods.clear()

    def service(self, details: Any) -> Any:
        method = self._methods.get(details.method)
        if method is None:
            return None
        module = next(module for module, name in SERVICES if f".{name}/" in details.method)
        request_type = getattr(module, method.input_type.name)
        response_type = getattr(module, method.output_type.name)

        def answer(requests: Any, context: Any) -> Message:
            given = list(requests) if details.method.endswith("ApplyRoles") else [requests]
            self.calls.append(Call(method.name, given, context.time_remaining(), context.invocation_metadata()))
            return self.answers.pop(0) if self.answers else response_type()

        if details.method.endswith("ApplyRoles"):
            return grpc.stream_unary_rpc_method_handler(
                answer, request_type.FromString, response_type.SerializeToString
            )
        return grpc.unary_unary_rpc_method_handler(answer, request_type.FromString, response_type.SerializeToString)


@contextmanager
def recording(timeout: float = 50) -> Iterator[tuple[RolecallClient, Recording]]:
    service, server = Recording(), grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    service.address = f"127.0.0.1:{port}"
    server.start()
    try:
        with RolecallClient(service.address, timeout=timeout) as client:
            yield client, service
    finally:
        server.stop(0).wait()


ASKED = query(
    ALICE,
    "r",
    context={"k": ["a", "b"]},
    duration_seconds=900,
    role_session_name="s",
    external_id="e",
    source_identity="i",
)
POD = query("k8s:ack/pay/api", "7/r", claims={"oidc:aud": "x"})
FRESH = d.Consistency(at_least_as_fresh="t")
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

CHECKED = d.CheckAssumeRoleRequest(query=ASKED, consistency=FRESH)
BATCH = d.BatchCheckAssumeRoleRequest(queries=[ASKED, POD], consistency=FRESH)
EXPLAINED = d.ExplainAssumeRoleRequest(query=ASKED, consistency=FRESH, at_revision=3)
EXPLAINED.assume_time.FromDatetime(THEN)
AT_ZERO = d.ExplainAssumeRoleRequest(query=ASKED, at_revision=0)
OURS, RAMS = p.POLICY_PROFILE_ROLECALL, p.POLICY_PROFILE_RAM
CREATE = r.CreateRoleRequest(role_name="r", request_id="i", validate_only=True)
UPDATE = r.UpdateRoleRequest(role="r", description="d", etag="e", request_id="i")
DELETE = r.DeleteRoleRequest(role="r", etag="e", request_id="i")
ROLLBACK = r.RollbackRoleRequest(role="r", revision=3, request_id="i")
UNDELETE = r.UndeleteRoleRequest(role="r", role_id="7", request_id="i")
CHANGES = r.ListChangesRequest(start_revision=3, account_ids=["1"], page_size=3, page_token="t")
LIST = r.ListRolesRequest(account_id="1", page_size=3, name_prefix="n")
REVISIONS = r.ListRoleRevisionsRequest(role="r", page_size=3, page_token="t")

Send = Callable[[RolecallClient], Any]

CASES: list[tuple[str, Send, Message]] = [
    ("CheckAssumeRole", lambda c: c.check(ASKED, consistency=FRESH), CHECKED),
    ("CheckAssumeRole", lambda c: c.check(ASKED), d.CheckAssumeRoleRequest(query=ASKED)),
    ("BatchCheckAssumeRole", lambda c: c.batch_check(iter([ASKED, POD]), consistency=FRESH), BATCH),
    ("BatchCheckAssumeRole", lambda c: c.batch_check([ASKED]), d.BatchCheckAssumeRoleRequest(queries=[ASKED])),
    ("ExplainAssumeRole", lambda c: c.explain(ASKED, consistency=FRESH, at_revision=3, assume_time=THEN), EXPLAINED),
    ("ExplainAssumeRole", lambda c: c.explain(ASKED, at_revision=0), AT_ZERO),
    ("ExplainAssumeRole", lambda c: c.explain(ASKED), d.ExplainAssumeRoleRequest(query=ASKED)),
    ("WhoAmI", lambda c: c.who_am_i(), caller.WhoAmIRequest()),
    (
        "CanI",
        lambda c: c.can_i("ram:GetRole", "acs:ram::1:role/a", {"k": ["v", "w"]}),
        caller.CanIRequest(
            action="ram:GetRole", resource="acs:ram::1:role/a", context={"k": d.ConditionValues(values=["v", "w"])}
        ),
    ),
    ("ListTrustedPrincipals", lambda c: c.who_can("r"), d.ListTrustedPrincipalsRequest(role="r")),
    ("ValidateTrustPolicy", lambda c: c.validate("x"), p.ValidateTrustPolicyRequest(document="x", profile=OURS)),
    (
        "ValidateTrustPolicy",
        lambda c: c.validate("x", ram=True),
        p.ValidateTrustPolicyRequest(document="x", profile=RAMS),
    ),
    (
        "ValidatePermissionPolicy",
        lambda c: c.validate_permission_policy("x"),
        p.ValidatePermissionPolicyRequest(document="x", profile=OURS),
    ),
    (
        "ValidatePermissionPolicy",
        lambda c: c.validate_permission_policy("x", ram=True, session_policy=True),
        p.ValidatePermissionPolicyRequest(document="x", profile=RAMS, session_policy=True),
    ),
    ("CreateRole", lambda c: c.create_role(CREATE), CREATE),
    ("GetRole", lambda c: c.get_role("r"), r.GetRoleRequest(role="r")),
    ("ListRoles", lambda c: c.list_roles(LIST), LIST),
    ("UpdateRole", lambda c: c.update_role(UPDATE), UPDATE),
    ("DeleteRole", lambda c: c.delete_role(DELETE), DELETE),
    ("ListRoleRevisions", lambda c: c.list_role_revisions(REVISIONS), REVISIONS),
    ("ListChanges", lambda c: c.list_changes(CHANGES), CHANGES),
    ("UndeleteRole", lambda c: c.undelete_role(UNDELETE), UNDELETE),
    ("RollbackRole", lambda c: c.rollback_role(ROLLBACK), ROLLBACK),
]


@pytest.fixture(scope="module")
def recorded() -> Iterator[tuple[RolecallClient, Recording]]:
    with recording() as pair:
        yield pair


@pytest.mark.parametrize(("method", "send", "request_"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_a_method_sends_its_request_with_the_timeout_of_the_client(
    recorded: tuple[RolecallClient, Recording], method: str, send: Send, request_: Message
) -> None:
    client, service = recorded
    service.calls.clear()

    response = send(client)

    (call,) = service.calls
    assert (call.method, call.requests) == (method, [request_])
    assert type(response).__name__ == f"{method}Response"
    assert 10 < call.seconds < 100  # it is 50, less what has passed, and rounded up on the wire


@pytest.mark.parametrize(
    "send",
    [
        lambda c: c.create_role(r.CreateRoleRequest(role_name="r")),
        lambda c: c.update_role(r.UpdateRoleRequest(role="r")),
        lambda c: c.delete_role(r.DeleteRoleRequest(role="r")),
        lambda c: c.undelete_role(r.UndeleteRoleRequest(role="r")),
        lambda c: c.rollback_role(r.RollbackRoleRequest(role="r")),
        lambda c: c.apply_roles([]),
    ],
    ids=["create", "update", "delete", "undelete", "rollback", "apply"],
)
def test_every_write_gets_a_request_id_of_its_own(recorded: tuple[RolecallClient, Recording], send: Send) -> None:
    client, service = recorded
    service.calls.clear()

    send(client)
    send(client)

    requests = [call.requests[0] for call in service.calls]
    ids = [getattr(request, "options", request).request_id for request in requests]
    assert [len(text) for text in ids] == [36, 36]
    assert ids[0] != ids[1]


def test_a_request_that_gets_an_id_is_a_copy(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.calls.clear()
    request = r.CreateRoleRequest(role_name="r", description="d")

    client.create_role(request)

    sent = service.calls[0].requests[0]
    assert (sent.role_name, sent.description, request.request_id) == ("r", "d", "")


def test_an_apply_sends_its_options_first_and_then_the_roles_in_chunks(
    recorded: tuple[RolecallClient, Recording],
) -> None:
    client, service = recorded
    service.calls.clear()
    roles = [r.RoleDeclaration(role_name=f"r{n}", assume_role_policy_document="x" * 200_000) for n in range(7)]

    client.apply_roles(
        iter(roles), prune_tags={"a": "1"}, validate_only=True, request_id="i", change_reason="why", source="git"
    )

    options, *chunks = service.calls[0].requests
    assert options == r.ApplyRolesRequest(
        options=r.ApplyRolesOptions(
            prune_selector=r.PruneSelector(tags={"a": "1"}),
            validate_only=True,
            request_id="i",
            change_reason="why",
            source="git",
        )
    )
    assert [len(chunk.roles.roles) for chunk in chunks] == [3, 3, 1]
    assert [role for chunk in chunks for role in chunk.roles.roles] == roles


def test_an_apply_without_roles_sends_only_its_options(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.calls.clear()

    client.apply_roles([], request_id="i")

    assert service.calls[0].requests == [r.ApplyRolesRequest(options=r.ApplyRolesOptions(request_id="i"))]


def test_an_empty_prune_selector_is_sent_and_left_to_the_server(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.calls.clear()

    client.apply_roles([], prune_tags={}, request_id="i")

    assert service.calls[0].requests[0].options.HasField("prune_selector")


def test_an_apply_has_a_timeout_of_its_own(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.calls.clear()

    client.apply_roles([])
    client.apply_roles([], timeout=20)

    by_default, chosen = (call.seconds for call in service.calls)
    assert 100 < by_default < 400
    assert 1 < chosen < 40


def assumable_request(**fields: Any) -> d.ListAssumableRolesRequest:
    return d.ListAssumableRolesRequest(
        context=ASKED.context,
        duration_seconds=900,
        role_session_name="s",
        external_id="e",
        source_identity="i",
        **fields,
    )


def test_a_reverse_query_has_every_field_of_the_query_and_asks_for_every_page(
    recorded: tuple[RolecallClient, Recording],
) -> None:
    client, service = recorded
    service.calls.clear()
    roles = [d.AssumableRole(role_arn=f"r{n}") for n in range(3)]
    service.answers = [
        d.ListAssumableRolesResponse(roles=roles[:2], next_page_token="t"),
        d.ListAssumableRolesResponse(roles=roles[2:]),
    ]

    listed = list(client.what_can(ASKED, account_id="1", page_size=2))

    first = assumable_request(principal=ALICE, account_id="1", page_size=2)
    second = assumable_request(principal=ALICE, account_id="1", page_size=2, page_token="t")
    assert [call.requests for call in service.calls] == [[first], [second]]
    assert listed == roles


@pytest.mark.parametrize("kind", ["federated", "oidc", "oidc_token"])
def test_a_reverse_query_has_the_identity_of_the_query(recorded: tuple[RolecallClient, Recording], kind: str) -> None:
    client, service = recorded
    service.calls.clear()
    identity: dict[str, Any] = {"oidc": d.OidcIdentity(provider_arn="p", token="x"), "oidc_token": "x"}
    asked = POD if kind == "federated" else d.AssumeRoleQuery(**{kind: identity[kind]})

    list(client.what_can(asked))

    (sent,) = service.calls[0].requests
    assert sent == d.ListAssumableRolesRequest(**{kind: getattr(asked, kind)}, page_size=PAGE_SIZE)


ROLE = r.Role(
    role_id="1",
    role_name="n",
    arn="a",
    account_id="7",
    description="d",
    assume_role_policy_document="x",
    max_session_duration_seconds=3_600,
    tags={"a": "1"},
    etag="e",
    revision=3,
)


def test_an_export_reads_every_page_and_returns_declarations(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.calls.clear()
    service.answers = [r.ListRolesResponse(roles=[ROLE], next_page_token="t"), r.ListRolesResponse(roles=[ROLE])]

    exported = list(client.export_roles("7", tags={"a": "1"}))

    request = r.ListRolesRequest(account_id="7", page_size=EXPORT_PAGE_SIZE, tags={"a": "1"}, view=r.ROLE_VIEW_FULL)
    second = r.ListRolesRequest(page_token="t")
    second.MergeFrom(request)
    assert [call.requests for call in service.calls] == [[request], [second]]
    assert exported == 2 * [
        r.RoleDeclaration(
            account_id="7",
            role_name="n",
            description="d",
            assume_role_policy_document="x",
            max_session_duration_seconds=3_600,
            tags={"a": "1"},
        )
    ]


def test_listing_all_roles_leaves_the_request_as_it_is(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.answers = [r.ListRolesResponse(next_page_token="t"), r.ListRolesResponse()]
    request = r.ListRolesRequest(account_id="1")

    assert list(list_all_roles(client, request)) == []
    assert request == r.ListRolesRequest(account_id="1")


def test_changes_are_listed_page_by_page_also_after_an_empty_page(recorded: tuple[RolecallClient, Recording]) -> None:
    client, service = recorded
    service.calls.clear()
    service.answers += [
        r.ListChangesResponse(changes=[r.RecordedChange(revision=1)], next_page_token="a"),
        r.ListChangesResponse(next_page_token="b"),
        r.ListChangesResponse(changes=[r.RecordedChange(revision=2)]),
    ]
    request = r.ListChangesRequest(start_revision=1)

    assert [change.revision for change in list_all_changes(client, request)] == [1, 2]
    assert [call.requests[0].page_token for call in service.calls] == ["", "a", "b"]
    assert request.page_token == ""


def test_an_error_without_details_has_the_code_and_the_text_of_grpc() -> None:
    with recording() as (client, service):
        service.forget()
        with pytest.raises(RolecallError) as caught:
            client.get_role("r")

    assert (caught.value.code, caught.value.reason, caught.value.request_id) == ("UNIMPLEMENTED", "", "")
    assert caught.value.message
    assert isinstance(caught.value.__cause__, grpc.RpcError)


def test_leaving_the_client_closes_it() -> None:
    with recording() as (client, _):
        with client:
            client.get_role("r")

        with pytest.raises((RolecallError, ValueError)):
            client.get_role("r")
