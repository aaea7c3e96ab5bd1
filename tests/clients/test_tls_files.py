"""TLS files of a client: what is accepted, and that a change of them reaches the server without a failed call."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rolecall_client import AsyncRolecallClient, RolecallClient, RolecallError, query
from rolecall_client.connection import tls
from rolecall_client.connection.replaceable import MAX_REPLACED
from rolecall_client.connection.settings import ConnectionSettings, TlsFiles
from rolecall_client.connection.tls import ReloadingTls
from rolecall_client.v1 import role_pb2 as r, role_pb2_grpc
from tests.clients.test_client import ALICE, POLICY
from tests.clients.tls_service import TlsService, tls_service
from tests.storage.waiting import wait_until

ENCRYPTED = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"secret"),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsService]:
    with tls_service(tmp_path_factory.mktemp("tls")) as service:
        yield service


@pytest.fixture
def files(service: TlsService, tmp_path: Path) -> TlsFiles:
    return service.files(tmp_path / "client")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what moves the clock by which files are looked at."""
    now = [1_000.0]
    defaults: Any = ReloadingTls.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "clock", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


@pytest.fixture
def client(service: TlsService, files: TlsFiles, later: object) -> Iterator[RolecallClient]:
    with RolecallClient(service.address, tls=files) as client:
        yield client


@pytest.fixture
async def async_client(service: TlsService, files: TlsFiles, later: object) -> AsyncIterator[AsyncRolecallClient]:
    async with AsyncRolecallClient(service.address, tls=files) as client:
        yield client


def name_of(client: RolecallClient) -> str:
    return client.who_am_i().identity.rpartition("/")[2]


def test_a_new_certificate_is_used_by_the_next_call_after_a_second(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    before = name_of(client)
    service.issue(files, "b")
    at_once = name_of(client)
    later(1)

    assert (before, at_once, name_of(client)) == ("a", "a", "b")


async def test_the_asynchronous_client_uses_it_as_well(
    service: TlsService, files: TlsFiles, async_client: AsyncRolecallClient, later: Callable[[float], None]
) -> None:
    before = (await async_client.who_am_i()).identity
    service.issue(files, "b")
    later(1)
    after = (await async_client.who_am_i()).identity

    assert (before, after) == ("spiffe://td/a", "spiffe://td/b")


def test_files_that_do_not_fit_are_not_used_and_reported_once(
    service: TlsService,
    files: TlsFiles,
    client: RolecallClient,
    later: Callable[[float], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert files.key is not None
    new = files.key.read_bytes()
    service.issue(files, "b")
    fitting = files.key.read_bytes()
    files.key.write_bytes(new)

    with caplog.at_level(logging.WARNING):
        seen = []
        for _ in range(3):
            later(1)
            seen.append(name_of(client))
    files.key.write_bytes(fitting)
    later(1)

    assert (seen, name_of(client)) == (["a", "a", "a"], "b")
    assert len(caplog.messages) == 1
    assert "are not a certificate and its key" in caplog.messages[0]


@pytest.mark.parametrize("content", [b"", b"no certificate"])
def test_files_that_cannot_be_used_are_refused_at_the_start(files: TlsFiles, content: bytes) -> None:
    files.ca.write_bytes(content)

    with pytest.raises(ValueError, match=r"ca.pem` has no certificates in PEM form"):
        RolecallClient("rolecall", tls=files)


def test_a_key_with_a_password_is_refused_instead_of_asked_for(files: TlsFiles) -> None:
    assert files.key is not None
    files.key.write_bytes(ENCRYPTED)

    with pytest.raises(ValueError, match="without a password"):
        RolecallClient("rolecall", tls=files)


def test_a_missing_file_is_an_error_of_the_system(files: TlsFiles) -> None:
    files.ca.unlink()

    with pytest.raises(FileNotFoundError):
        RolecallClient("rolecall", tls=files)


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_a_pipe_is_refused_instead_of_waited_for(files: TlsFiles, name: str) -> None:
    path = getattr(files, name)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(OSError, match="it is not a regular file"):
        RolecallClient("rolecall", tls=files)


def test_files_that_are_replaced_while_they_are_verified_are_not_used(
    service: TlsService, files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was read is one certificate, and what was found valid is another.
    monkeypatch.setattr(tls, "_verify", lambda found: service.issue(found, "b"))

    with pytest.raises(ValueError, match="are being replaced"):
        RolecallClient("rolecall", tls=files)


def test_a_file_of_any_size_is_not_read(files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "MAX_FILE_BYTES", 100)

    with pytest.raises(ValueError, match="has more than 100 bytes"):
        RolecallClient("rolecall", tls=files)


def test_a_certificate_comes_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="given together"):
        TlsFiles(ca=tmp_path, cert=tmp_path)


def test_calls_in_progress_end_on_the_old_channel_and_none_fails(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    ended, names, errors = threading.Event(), set[str](), list[RolecallError]()

    def call() -> None:
        while not ended.is_set():
            try:
                names.add(name_of(client))
            except RolecallError as error:
                errors.append(error)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for number in range(8):
        service.issue(files, f"n{number}")
        later(1)
        wait_until(partial(names.__contains__, f"n{number}"))
    ended.set()
    for caller in callers:
        caller.join()

    assert errors == []
    assert client._calls._channel._replaced == set()


class Waiting(role_pb2_grpc.RoleServiceServicer):
    """Answers each call when the test says so."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.answer: dict[str, threading.Event] = {name: threading.Event() for name in ("a", "b", "c")}

    def GetRole(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.arrived.release()
        self.answer[request.role].wait(20)
        return r.GetRoleResponse(role=r.Role(role_name=request.role))


def test_the_end_of_one_call_does_not_end_another_on_the_old_channel(
    service: TlsService, files: TlsFiles, later: Callable[[float], None]
) -> None:
    waiting, server, folder = Waiting(), grpc.server(ThreadPoolExecutor(4)), service.authority.folder
    role_pb2_grpc.add_RoleServiceServicer_to_server(waiting, server)
    pair = ((folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()

    with RolecallClient(f"127.0.0.1:{port}", tls=files) as client, ThreadPoolExecutor(3) as pool:
        old = {name: pool.submit(client.get_role, name) for name in ("a", "b")}
        for _ in old:
            waiting.arrived.acquire(timeout=20)
        service.issue(files, "b")
        later(1)
        new = pool.submit(client.get_role, "c")
        waiting.arrived.acquire(timeout=20)
        answered = []
        for name, call in {**old, "c": new}.items():
            waiting.answer[name].set()
            answered.append(call.result(20).role.role_name)

    server.stop(0).wait()
    assert answered == ["a", "b", "c"]


def test_a_channel_that_was_replaced_leaves_no_connection(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    name_of(client)
    before = connections(service)
    assert before > 0

    for number in range(3):
        service.issue(files, f"n{number}")
        later(1)
        name_of(client)

    wait_until(lambda: connections(service) <= before)


def test_a_stream_moves_to_the_new_channel_and_answers_everything(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    asked = iter([query(ALICE, f"role-{number}") for number in range(30)])
    answers = client.stream(asked, in_flight=3)
    first = [next(answers).sequence for _ in range(4)]

    service.issue(files, "b")
    later(1)
    name_of(client)
    rest = [answer.sequence for answer in answers]

    assert first + rest == list(range(30))
    assert client._calls._channel._replaced == set()


def test_a_stream_that_is_opened_while_its_channel_is_replaced_moves_as_well(
    service: TlsService,
    files: TlsFiles,
    client: RolecallClient,
    later: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = client._calls._channel
    use = channel.use

    def replaced_just_then() -> Any:
        used = use()
        monkeypatch.undo()
        service.issue(files, "b")
        channel._tls._looked_at = 0.0  # type: ignore[union-attr]
        channel.refresh()
        return used

    monkeypatch.setattr(channel, "use", replaced_just_then)
    resumed = list[RolecallError]()
    events = client.watch_roles(resumed=resumed.append)
    next(events)
    events.close()

    assert ["TLS files have changed" in error.message for error in resumed] == [True]
    assert channel._replaced == set()


async def test_an_asynchronous_stream_moves_as_well(
    service: TlsService, files: TlsFiles, async_client: AsyncRolecallClient, later: Callable[[float], None]
) -> None:
    answers = async_client.stream([query(ALICE, f"role-{number}") for number in range(30)], in_flight=3)
    first = [(await anext(answers)).sequence for _ in range(4)]

    service.issue(files, "b")
    later(1)
    await async_client.who_am_i()
    rest = [answer.sequence async for answer in answers]

    assert first + rest == list(range(30))
    assert async_client._calls._channel._replaced == set()


def test_a_watch_moves_to_the_new_channel_and_misses_nothing(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    resumed = list[RolecallError]()
    events = client.watch_roles(resumed=resumed.append)
    next(events)

    service.issue(files, "b")
    later(1)
    client.create_role(r.CreateRoleRequest(role_name="moved", assume_role_policy_document=POLICY))
    seen = next(event for event in events if hasattr(event, "role"))
    events.close()
    client.delete_role(r.DeleteRoleRequest(role="moved"))

    assert seen.role.role_name == "moved"
    assert [error.code for error in resumed] == ["UNAVAILABLE"]
    assert "TLS files have changed" in resumed[0].message


def test_the_channel_stays_while_many_replaced_ones_have_calls(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    channel = client._calls._channel
    used = []
    for number in range(MAX_REPLACED + 3):
        used.append(channel.use())
        service.issue(files, f"n{number}")
        later(1)
    last = name_of(client)

    replaced = len(channel._replaced)
    for one in used:
        channel.done(one)
    later(1)

    assert (last, replaced) == (f"n{MAX_REPLACED - 1}", MAX_REPLACED)
    assert name_of(client) == f"n{MAX_REPLACED + 2}"
    assert channel._replaced == set()


def test_the_digest_of_the_credential_changes_with_the_files(
    service: TlsService, files: TlsFiles, client: RolecallClient, later: Callable[[float], None]
) -> None:
    before = client._credential.digest()
    service.issue(files, "b")
    unchanged = client._credential.digest()
    later(1)

    assert unchanged == before
    assert client._credential.digest() != before


def test_closing_the_client_closes_replaced_channels_as_well(
    service: TlsService, files: TlsFiles, later: Callable[[float], None]
) -> None:
    before = connections(service)
    with RolecallClient(service.address, tls=files) as client:
        name_of(client)
        used = client._calls._channel.use()
        service.issue(files, "b")
        later(1)
        name_of(client)
        assert connections(service) > before

    client._calls._channel.done(used)
    wait_until(lambda: connections(service) <= before)


def test_settings_have_all_that_a_client_needs(service: TlsService, files: TlsFiles) -> None:
    settings = ConnectionSettings(address=service.address, tls=files, timeout=7)

    with RolecallClient.connect(settings) as client, RolecallClient.connect(settings, timeout=8) as other:
        assert name_of(client) == "a"
        assert (client._usual.timeout, other._usual.timeout) == (7, 8)


def test_credentials_and_files_exclude_each_other(files: TlsFiles) -> None:
    with pytest.raises(ValueError, match="give one of them"):
        RolecallClient("rolecall", tls=files, credentials=grpc.ssl_channel_credentials())


def connections(service: TlsService) -> int:
    """Return the number of open connections of this process to the server."""
    gc.collect()
    port = int(service.address.rpartition(":")[2])
    lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    rows = [line.split() for line in lines]
    return sum(int(row[2].partition(":")[2], 16) == port and row[3] == "01" for row in rows)
