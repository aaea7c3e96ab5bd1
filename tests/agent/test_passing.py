"""What an agent does not answer itself is passed to the server that it follows, with the token of the caller and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from cryptography import x509

from rolecall.server.agent.passing import CallersConnection
from rolecall.transport.errors import NotPassedError
from rolecall.transport.passing.calls import MAX_PASSED_CALLS
from rolecall_client.connection.endpoint import Endpoint
from rolecall_client.errors import error_of_call
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.agent.serving import BOB, Node, failure, query, running
from tests.security.certificates import Authority
from tests.server.serving import DOCUMENT, for_ever, served, until

TOKENS = {name: f"rct_{name[0] * 43}" for name in ("administrator", "reader", "node")}
POLICIES = {"administrator": "AdministratorAccess", "reader": "RolecallAuditor", "node": "AdministratorAccess"}
CREATE = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document=DOCUMENT)


def bearer(name: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {TOKENS.get(name, name)}")]


def entries() -> str:
    return "".join(
        f"  - {{name: {name}, match: {{token_sha256: {sha256(token.encode()).hexdigest()}}}, policies: [{POLICIES[name]}]}}\n"
        for name, token in TOKENS.items()
    )


@asynccontextmanager
async def pair_of(folder: Path, *, callers: bool = True, **flags: object) -> AsyncIterator[Node]:
    """Give an agent with every right on its server, which identifies callers by tokens unless it has no callers file."""
    (folder / "callers.yaml").write_text(f"callers:\n{entries()}")
    (folder / "token").write_text(TOKENS["node"])
    known = {"callers": str(folder / "callers.yaml")} if callers else {}
    async with (
        served(**known, **flags) as upstream,
        running(upstream.server.bound.address, upstream_token_file=str(folder / "token")) as agent,
    ):
        yield Node(upstream, agent)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Node]:
    async with pair_of(tmp_path) as made:
        yield made


def started(pair: Node, *methods: str) -> int:
    return sum(pair.upstream.stats(method).started for method in methods)


async def test_a_write_is_passed_with_the_token_of_its_caller_who_is_its_author(pair: Node) -> None:
    created = await pair.agent.roles.CreateRole(CREATE, metadata=bearer("administrator"))
    listed = await pair.agent.roles.ListRoleRevisions(
        role_pb2.ListRoleRevisionsRequest(role="app"), metadata=bearer("reader")
    )

    digest = sha256(TOKENS["administrator"].encode()).hexdigest()[:16]
    assert created.role.role_name == "app"
    assert [revision.actor for revision in listed.revisions] == [f"token:{digest}"]


async def test_what_an_agent_does_not_answer_is_passed(pair: Node) -> None:
    role = (await pair.agent.roles.CreateRole(CREATE, metadata=bearer("administrator"))).role
    agent, reader = pair.agent.decisions, bearer("reader")

    past = pb.ExplainAssumeRoleRequest(query=query(), at_revision=role.revision)
    explained = await agent.ExplainAssumeRole(past, metadata=reader)
    roles = await agent.ListAssumableRoles(pb.ListAssumableRolesRequest(principal=BOB), metadata=reader)
    principals = await agent.ListTrustedPrincipals(pb.ListTrustedPrincipalsRequest(role="app"), metadata=reader)
    found = await pair.agent.roles.GetRole(role_pb2.GetRoleRequest(role="app"), metadata=reader)

    assert (explained.decision.allowed, explained.decision.revision) == (True, role.revision)
    assert [listed.role_arn for listed in roles.roles] == [role.arn]
    assert len(principals.grants) == 1
    assert found.role == role


async def test_an_apply_is_passed_message_by_message(pair: Node) -> None:
    declared = [
        role_pb2.ApplyRolesRequest(
            roles=role_pb2.RoleChunk(
                roles=[role_pb2.RoleDeclaration(role_name=f"r{n}", assume_role_policy_document=DOCUMENT)]
            )
        )
        for n in range(20)
    ]
    messages = [role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions()), *declared]

    await pair.agent.roles.ApplyRoles(iter(messages), metadata=bearer("administrator"))
    refused = error_of_call(await failure(pair.agent.roles.ApplyRoles(iter(messages), metadata=bearer("reader"))))
    disordered = error_of_call(
        await failure(pair.agent.roles.ApplyRoles(iter([declared[0]] * 50), metadata=bearer("administrator")))
    )

    assert len(pair.upstream.server.replica.snapshot) == 20
    assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    assert (disordered.code, disordered.reason) == ("INVALID_ARGUMENT", "UPLOAD_ORDER")


async def test_the_status_of_the_server_is_that_of_the_caller_with_all_its_details(pair: Node) -> None:
    metadata = [*bearer("administrator"), ("x-request-id", "r-1")]
    invalid = role_pb2.CreateRoleRequest(role_name="app", assume_role_policy_document='{"Version":"2"}')
    async with grpc.aio.insecure_channel(pair.upstream.server.bound.address) as channel:
        direct: Any = channel.unary_unary("/rolecall.v1.RoleService/CreateRole")

        expected = await failure(direct(invalid.SerializeToString(), metadata=metadata))
        passed = await failure(pair.agent.roles.CreateRole(invalid, metadata=metadata))

    assert (passed.code(), passed.details()) == (expected.code(), expected.details())
    assert tuple(passed.trailing_metadata() or ()) == tuple(expected.trailing_metadata() or ())
    assert len(error_of_call(passed).violations) > 1


# --- the rights of the agent are not lent ---------------------------------------------------------------------------------

METHODS = ("CreateRole", "GetRole", "ListAssumableRoles", "ExplainAssumeRole", "ApplyRoles")


async def test_a_call_without_a_token_is_never_passed_with_the_credential_of_the_agent(pair: Node) -> None:
    roles, decisions = pair.agent.roles, pair.agent.decisions
    calls = [
        roles.CreateRole(CREATE),
        roles.GetRole(role_pb2.GetRoleRequest(role="app")),
        decisions.ListAssumableRoles(pb.ListAssumableRolesRequest(principal=BOB)),
        decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query())),
        roles.ApplyRoles(iter([role_pb2.ApplyRolesRequest(options=role_pb2.ApplyRolesOptions())])),
    ]

    errors = [error_of_call(await failure(call)) for call in calls]

    assert {(error.code, error.reason) for error in errors} == {("UNIMPLEMENTED", "NOT_PASSED")}
    assert errors[0].message.startswith("the agent cannot pass this on: the call has no token of its caller; ")
    assert started(pair, *METHODS) == 0


@pytest.mark.parametrize(
    "values", [["Basic YTpi"], ["Bearer"], ["Bearer a b"], ["Bearer x", "Bearer y"], [""]], ids=str
)
async def test_what_is_no_single_token_is_not_passed(pair: Node, values: list[str]) -> None:
    metadata = [("authorization", value) for value in values]

    error = error_of_call(await failure(pair.agent.roles.CreateRole(CREATE, metadata=metadata)))

    assert (error.code, error.reason) == ("UNIMPLEMENTED", "NOT_PASSED")
    assert started(pair, "WhoAmI", *METHODS) == 0


async def test_a_caller_has_its_own_rights_on_the_server_and_not_those_of_the_agent(pair: Node) -> None:
    denied = error_of_call(await failure(pair.agent.roles.CreateRole(CREATE, metadata=bearer("reader"))))
    unknown = error_of_call(await failure(pair.agent.roles.CreateRole(CREATE, metadata=bearer("rct_unknown"))))

    assert (denied.code, denied.metadata["action"]) == ("PERMISSION_DENIED", "ram:CreateRole")
    assert unknown.code == "UNAUTHENTICATED"
    assert len(pair.upstream.server.replica.snapshot) == 0


async def test_a_callers_file_of_the_agent_must_know_the_token_too(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"callers:\n{entries().splitlines()[0]}\n")
    async with (
        pair_of(tmp_path) as pair,
        running(
            pair.upstream.server.bound.address, callers=str(own), upstream_token_file=str(tmp_path / "token")
        ) as agent,
    ):
        created = await agent.roles.CreateRole(CREATE, metadata=bearer("administrator"))
        unknown = error_of_call(
            await failure(agent.roles.GetRole(role_pb2.GetRoleRequest(role="app"), metadata=bearer("reader")))
        )

    assert created.role.role_name == "app"
    assert unknown.code == "UNAUTHENTICATED"


@pytest.mark.parametrize(("via", "code"), [("agent.example", None), ("other.example", "UNAUTHENTICATED")])
async def test_with_a_certificate_of_the_agent_the_server_must_accept_the_token_through_it(
    tmp_path: Path, via: str, code: str | None
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue(x509.DNSName("agent.example"))
    (tmp_path / "agent.pem").write_bytes(certificate)
    (tmp_path / "agent.key").write_bytes(key)
    (tmp_path / "agent.key").chmod(0o600)
    (tmp_path / "agent.key").chmod(0o600)
    digest = sha256(TOKENS["reader"].encode()).hexdigest()
    (tmp_path / "server.yaml").write_text(
        "callers:\n"
        "  - {name: node, match: {dns: agent.example}, policies: [AdministratorAccess]}\n"
        f"  - {{name: reader, match: {{token_sha256: {digest}}}, via: {{dns: {via}}}, policies: [RolecallAuditor]}}\n"
    )
    files = {"upstream_tls_ca": "ca.pem", "upstream_tls_cert": "agent.pem", "upstream_tls_key": "agent.key"}
    flags = {name: str(tmp_path / file) for name, file in files.items()}
    async with authority.served(callers=str(tmp_path / "server.yaml")) as upstream:
        address = f"localhost:{upstream.server.bound.address.rpartition(':')[2]}"
        async with running(address, **flags) as agent:
            write = error_of_call(await failure(agent.roles.CreateRole(CREATE, metadata=bearer("reader"))))
            reading = agent.roles.ListRoles(role_pb2.ListRolesRequest(), metadata=bearer("reader"))
            read = error_of_call(await failure(reading)).code if code else (await reading).roles

    assert write.code == (code or "PERMISSION_DENIED")
    assert read == (code or [])


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "unix:FOLDER/server.sock"])
async def test_nothing_is_passed_to_a_server_that_would_take_it_for_a_call_of_the_agent(
    tmp_path: Path, listen: str
) -> None:
    async with pair_of(tmp_path, callers=False, listen=listen.replace("FOLDER", str(tmp_path))) as pair:
        error = error_of_call(await failure(pair.agent.roles.CreateRole(CREATE, metadata=bearer("anything"))))

        assert (error.code, error.reason) == ("UNIMPLEMENTED", "NOT_PASSED")
        assert "does not identify callers by tokens" in error.message
        assert started(pair, *METHODS) == 0


async def test_only_the_token_and_the_request_id_are_passed(pair: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, seen = pair.agent.replica.upstream.callers_connection, list[Any]()
    unary = connection.unary

    async def noted(path: str, message: bytes, metadata: Any, seconds: float | None) -> bytes:
        seen.append((path, metadata, seconds))
        return await unary(path, message, metadata, seconds)

    monkeypatch.setattr(connection, "unary", noted)
    sent = [*bearer("reader"), ("x-request-id", "r-1"), ("cookie", "c"), ("x-forwarded-user", "root"), ("a-bin", b"1")]
    await pair.agent.roles.ListRoles(role_pb2.ListRolesRequest(), metadata=sent, timeout=50)

    assert [path for path, _, _ in seen] == ["/rolecall.v1.CallerService/WhoAmI", "/rolecall.v1.RoleService/ListRoles"]
    assert {metadata for _, metadata, _ in seen} == {(bearer("reader")[0], ("x-request-id", "r-1"))}
    # gRPC counts what is left by another clock than the one of the deadline, so it may be a little more than 50.
    assert all(0 < seconds < 51 for _, _, seconds in seen)


@pytest.mark.parametrize(
    ("upstream", "peer", "why"),
    [
        ("10.0.0.1:1", "ipv4:127.0.0.1:1", "its token would be sent in plain text to another machine"),
        ("127.0.0.1:1", "ipv4:10.0.0.2:1", "its token was sent in plain text from another machine"),
    ],
    ids=["to the server", "from the caller"],
)
async def test_a_token_is_not_passed_where_others_could_read_it(upstream: str, peer: str, why: str) -> None:
    connection = CallersConnection(Endpoint(address=upstream))
    context: Any = SimpleNamespace(
        invocation_metadata=lambda: bearer("reader"), peer=lambda: peer, auth_context=dict[str, list[bytes]]
    )

    with pytest.raises(NotPassedError, match=why):
        connection.token_of(context)

    await connection.close()


# --- how passed calls end -------------------------------------------------------------------------------------------------


def explanation(pair: Node, **options: Any) -> Any:
    """Begin an explanation that the server does not answer while it cannot catch up."""
    request = pb.ExplainAssumeRoleRequest(query=query(), consistency=pb.Consistency(fully_consistent=True))
    return pair.agent.decisions.ExplainAssumeRole(request, metadata=bearer("reader"), **options)


def under_way(pair: Node) -> int:
    return len(pair.upstream.server.grpc_server.limits.calls.calls)


@pytest.mark.parametrize("ends", ["cancelled", "deadline"])
async def test_a_call_that_its_caller_ends_ends_on_the_server(pair: Node, ends: str) -> None:
    pair.upstream.let_catching_up_take(for_ever)
    call = explanation(pair, timeout=3 if ends == "deadline" else None)
    await until(lambda: under_way(pair) == 1)

    if ends == "cancelled":
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    else:
        assert (await failure(call)).code() is grpc.StatusCode.DEADLINE_EXCEEDED

    await until(lambda: under_way(pair) == 0)
    await until(lambda: not pair.agent.server.grpc_server.limits.calls.calls)


async def test_a_call_that_fails_is_not_repeated() -> None:
    calls = list[bytes]()

    async def fail(message: bytes, context: Any) -> None:
        calls.append(message)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    handlers: dict[str, Any] = {"CreateRole": grpc.unary_unary_rpc_method_handler(fail)}
    server = grpc.aio.server()
    server.add_registered_method_handlers("rolecall.v1.RoleService", handlers)
    connection = CallersConnection(Endpoint(address=f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"))
    await server.start()

    with pytest.raises(grpc.aio.AioRpcError, match="not now"):
        await connection.unary("/rolecall.v1.RoleService/CreateRole", b"once", (), 30)
    await connection.close()
    await server.stop(None)

    assert calls == [b"once"]


async def test_the_number_of_passed_calls_is_limited(pair: Node) -> None:
    pair.upstream.let_catching_up_take(for_ever)
    calls = [explanation(pair) for _ in range(MAX_PASSED_CALLS)]
    await until(lambda: under_way(pair) == MAX_PASSED_CALLS)

    error = error_of_call(await failure(explanation(pair)))
    for call in calls:
        call.cancel()
    await until(lambda: under_way(pair) == 0)
    listed = await pair.agent.roles.ListRoles(role_pb2.ListRolesRequest(), metadata=bearer("reader"))

    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS")
    assert error.metadata["limit"] == str(MAX_PASSED_CALLS)
    assert not listed.roles


async def test_while_the_server_is_away_the_caller_learns_that_and_no_address(pair: Node) -> None:
    await pair.upstream.server.close()

    error = error_of_call(await failure(pair.agent.roles.CreateRole(CREATE, metadata=bearer("administrator"))))

    assert (error.code, error.reason) == ("UNAVAILABLE", "UPSTREAM_UNAVAILABLE")
    assert error.retry_after
    assert "127.0.0.1" not in error.message
