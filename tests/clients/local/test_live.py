"""A client that decides itself, with a real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.local import LocalOptions, LocalReplica
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.serving import ACCOUNT, environment
from tests.clients.test_client import ALICE, POLICY, create
from tests.engine.world import deny, document

PATIENCE_SECONDS = 30.0


def replica_of(client: RolecallClient) -> LocalReplica:
    assert client.replica is not None
    assert client.replica.wait_until_ready(PATIENCE_SECONDS)
    return client.replica


def is_local(answer: d.CheckAssumeRoleResponse) -> bool:
    return answer.decision.decision_id.startswith("local-")


@pytest.fixture
def client(address: str) -> Iterator[RolecallClient]:
    with RolecallClient(address, local=LocalOptions()) as client:
        yield client


def following(client: RolecallClient, name: str) -> LocalReplica:
    """Create a role, and wait until the client has it."""
    revision = create(client, name).role.revision
    replica = replica_of(client)
    until_reached(replica, revision)
    return replica


def until_reached(replica: LocalReplica, revision: int) -> None:
    while replica.revision < revision:
        threading.Event().wait(0.005)


def test_a_client_decides_itself_as_the_server_does(client: RolecallClient, address: str) -> None:
    following(client, "followed")
    asked = [query(who, f"{ACCOUNT}/{role}") for who in (ALICE, ALICE + "x") for role in ("followed", "nobody")]

    with RolecallClient(address) as other:
        here, there = ([it.check(one) for one in asked] for it in (client, other))

    assert all(map(is_local, here))
    assert list(map(as_compared, here)) == list(map(as_compared, there))


def as_compared(answer: d.CheckAssumeRoleResponse) -> d.Decision:
    decision = d.Decision()
    decision.CopyFrom(answer.decision)
    for field in ("decision_id", "served_from", "staleness", "valid_for", "revision"):
        decision.ClearField(field)
    return decision


def test_a_client_reads_its_own_write_before_it_is_followed(client: RolecallClient) -> None:
    replica_of(client)
    token = create(client, "written").consistency_token

    answer = client.check(query(ALICE, f"{ACCOUNT}/written"), consistency=d.Consistency(at_least_as_fresh=token))

    assert answer.decision.allowed


def test_nothing_is_allowed_after_the_checkpoint_of_a_revocation(client: RolecallClient) -> None:
    replica = following(client, "revoked")
    asked = query(ALICE, f"{ACCOUNT}/revoked")

    changed = r.UpdateRoleRequest(role=f"{ACCOUNT}/revoked", assume_role_policy_document=document(deny(ALICE)))
    updated = client.update_role(changed)
    until_reached(replica, updated.role.revision)
    answer = client.check(asked, consistency=d.Consistency(at_least_as_fresh=updated.consistency_token))

    assert is_local(answer)
    assert not answer.decision.allowed
    assert answer.consistency_token == updated.consistency_token


def test_what_only_the_server_can_answer_is_asked_there(client: RolecallClient) -> None:
    following(client, "asked")

    in_default_account = client.check(query(ALICE, "asked"))
    consistent = client.check(query(ALICE, f"{ACCOUNT}/asked"), consistency=d.Consistency(fully_consistent=True))
    with pytest.raises(RolecallError) as malformed:
        client.check(query("nonsense", f"{ACCOUNT}/asked"))

    assert not is_local(in_default_account)
    assert not is_local(consistent)
    assert in_default_account.decision.allowed
    assert malformed.value.code == "INVALID_ARGUMENT"


def test_only_the_followed_accounts_are_decided(address: str) -> None:
    other = "210987654321"
    with RolecallClient(address) as writer:
        create(writer, "near")
        writer.create_role(r.CreateRoleRequest(account_id=other, role_name="far", assume_role_policy_document=POLICY))

    with RolecallClient(address, local=LocalOptions(account_ids=(other,))) as client:
        replica_of(client)
        far, near = (
            client.check(query(ALICE, f"{account}/{name}")) for account, name in ((other, "far"), (ACCOUNT, "near"))
        )

    assert (is_local(far), is_local(near)) == (True, False)
    assert (far.decision.allowed, near.decision.allowed) == (True, True)


def test_a_closed_client_answers_nothing(address: str) -> None:
    with RolecallClient(address, local=LocalOptions()) as client:
        replica_of(client)

    with pytest.raises(RolecallError):
        client.check(query(ALICE, f"{ACCOUNT}/any"))
    assert not [thread for thread in threading.enumerate() if thread.name == "rolecall-following"]


def test_threads_share_a_replica(client: RolecallClient) -> None:
    following(client, "shared")
    answers = list[d.CheckAssumeRoleResponse]()
    asked = query(ALICE, f"{ACCOUNT}/shared")
    threads = [
        threading.Thread(target=lambda: answers.extend(client.check(asked) for _ in range(200))) for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({answer.decision.decision_id for answer in answers}) == 800
    assert all(answer.decision.allowed for answer in answers)


def test_a_replica_loads_neither_the_server_nor_sql_nor_the_command_line() -> None:
    script = """
import sys
import rolecall_client.local.layer
loaded = {name.partition('.')[0] for name in sys.modules} & {'sqlalchemy', 'alembic', 'typer', 'rich', 'structlog', 'cryptography', 'jwt', 'yaml', 'uvloop'}
loaded |= {name for name in sys.modules if name.startswith(('rolecall.server', 'rolecall.cli', 'rolecall.storage', 'rolecall.config', 'rolecall.security', 'rolecall.transport.services'))}
print(sorted(loaded))
"""

    run = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )

    assert run.stdout.strip() == "[]"


def test_the_client_alone_says_what_to_install_for_decisions_of_its_own() -> None:
    script = """
import sys
sys.modules['rolecall'] = None
from rolecall_client import RolecallClient
from rolecall_client.local import LocalOptions
try:
    RolecallClient('127.0.0.1:1', local=LocalOptions())
except ModuleNotFoundError as error:
    print(error)
"""

    run = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )

    assert "install the client with its extra `local`" in run.stdout


async def test_a_client_of_an_event_loop_decides_itself(address: str) -> None:
    async with AsyncRolecallClient(address, local=LocalOptions()) as client:
        await client.create_role(r.CreateRoleRequest(role_name="async", assume_role_policy_document=POLICY))
        assert client.replica is not None
        assert await client.replica.until_ready(PATIENCE_SECONDS)
        here = await client.check(query(ALICE, f"{ACCOUNT}/async"))
        there = await client.check(query(ALICE, "async"))

    assert (is_local(here), is_local(there)) == (True, False)
    assert (here.decision.allowed, there.decision.allowed) == (True, True)
    with pytest.raises(RolecallError):
        await client.check(query(ALICE, f"{ACCOUNT}/async"))


async def test_the_first_check_of_an_event_loop_starts_the_watch(address: str) -> None:
    async with AsyncRolecallClient(address, local=LocalOptions()) as client:
        first = await client.check(query(ALICE, f"{ACCOUNT}/nobody"))
        assert client.replica is not None
        assert await asyncio.to_thread(client.replica.wait_until_ready, PATIENCE_SECONDS)
        later = await client.check(query(ALICE, f"{ACCOUNT}/nobody"))

    assert (is_local(first), is_local(later)) == (False, True)
