"""Nothing is decided for a credential whose watch the server has not accepted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from rolecall.callers.static_tokens import new_token
from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.boottime import boottime
from rolecall_client.local import LocalOptions, layer
from rolecall_client.local.watch_credential import WatchCredential, noting
from rolecall_client.v1 import watch_pb2 as w
from tests.cli.serving import ACCOUNT, served
from tests.clients.local.test_live import is_local
from tests.clients.test_client import ALICE, create

WATCHER, OTHER_WATCHER, CHECKER = new_token(), new_token(), new_token()
ASKED = query(ALICE, f"{ACCOUNT}/app")


class Stream:
    def __init__(self) -> None:
        self.cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


def test_a_credential_is_current_when_the_server_has_sent_a_checkpoint_for_it() -> None:
    credential, stream = WatchCredential(), Stream()
    credential.opened(stream, b"one")

    before = credential.is_current(b"one")
    credential.accepted()
    after = credential.is_current(b"one")

    assert (before, after, stream.cancelled) == (False, True, 0)


def test_another_credential_has_the_stream_opened_again_once() -> None:
    credential, stream = WatchCredential(), Stream()
    credential.opened(stream, b"one")
    credential.accepted()

    current = [credential.is_current(b"two") for _ in range(2)]

    assert current == [False, False]
    assert stream.cancelled == 1


def test_a_credential_that_changes_while_a_stream_is_opened_is_not_taken_for_the_one_that_was_sent() -> None:
    digests, credential, stream = iter([b"one", b"two"]), WatchCredential(), Stream()

    noting(lambda _: stream, lambda: next(digests), credential)(w.WatchRolesRequest())
    credential.accepted()

    assert [credential.is_current(digest) for digest in (b"one", b"two")] == [False, False]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve two callers that may do everything, and one that may only check."""
    folder = tmp_path_factory.mktemp("known")
    rights = {WATCHER: "AdministratorAccess", OTHER_WATCHER: "AdministratorAccess", CHECKER: "RolecallDecider"}
    entries = [
        {"name": f"caller-{number}", "match": {"token_sha256": token.sha256}, "policies": [policy]}
        for number, (token, policy) in enumerate(rights.items())
    ]
    path = folder / "callers.yaml"
    path.write_text(json.dumps({"callers": entries}))
    with served("--callers", str(path), directory=folder) as address:
        with RolecallClient(address, token=WATCHER.text) as client:
            create(client, "app")
        yield address


def eventually(condition: Callable[[], bool]) -> None:
    late = boottime() + 30
    while not condition():
        assert boottime() < late, "it did not happen"


def test_a_renewed_credential_is_decided_for_after_the_server_has_accepted_it(address: str) -> None:
    token = [WATCHER.text]
    with RolecallClient(address, token=lambda: token[0], local=LocalOptions()) as client:
        assert client.replica is not None
        assert client.replica.wait_until_ready(30)
        before = client.check(ASKED)
        replica_revision = client.replica.revision

        token[0] = OTHER_WATCHER.text
        first = client.check(ASKED)
        eventually(lambda: is_local(client.check(ASKED)))

        assert (is_local(before), is_local(first)) == (True, False)
        assert client.replica.revision == replica_revision


async def test_an_event_loop_has_its_renewed_credential_accepted_alike(address: str) -> None:
    token = [WATCHER.text]
    async with AsyncRolecallClient(address, token=lambda: token[0], local=LocalOptions()) as client:
        assert client.replica is not None
        assert await client.replica.until_ready(30)
        before = await client.check(ASKED)

        token[0] = OTHER_WATCHER.text
        first = later = await client.check(ASKED)
        while not is_local(later):
            later = await client.check(ASKED)

        assert (is_local(before), is_local(first)) == (True, False)


def test_a_watch_that_was_refused_is_tried_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "REFUSED_SECONDS", 0.01)
    token = [CHECKER.text]
    with RolecallClient(address, token=lambda: token[0], local=LocalOptions()) as client:
        replica = client.replica
        assert replica is not None
        with pytest.raises(RolecallError):
            replica.wait_until_ready(30)

        token[0] = WATCHER.text
        eventually(lambda: is_local(client.check(ASKED)))

        assert replica.wait_until_ready(30)


async def test_an_event_loop_tries_a_refused_watch_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "REFUSED_SECONDS", 0.01)
    token = [CHECKER.text]
    async with AsyncRolecallClient(address, token=lambda: token[0], local=LocalOptions()) as client:
        assert client.replica is not None
        with pytest.raises(RolecallError):
            await client.replica.until_ready(30)

        token[0] = WATCHER.text
        answer = await client.check(ASKED)
        while not is_local(answer):
            answer = await client.check(ASKED)

        assert client.replica.ready


def test_a_credential_that_may_not_watch_ends_decisions_of_the_client(address: str) -> None:
    token = [WATCHER.text]
    with RolecallClient(address, token=lambda: token[0], local=LocalOptions()) as client:
        replica = client.replica
        assert replica is not None
        assert replica.wait_until_ready(30)

        token[0] = CHECKER.text
        answer = client.check(ASKED)
        eventually(lambda: replica.staleness() is None)

        assert not is_local(answer)
        assert answer.decision.allowed
        assert not is_local(client.check(ASKED))
        with pytest.raises(RolecallError) as refused:
            replica.wait_until_ready(30)
    assert refused.value.code == "PERMISSION_DENIED"
