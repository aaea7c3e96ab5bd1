"""What the transport of grpc.aio asks of gRPC: what it listens on, with which mode of a file, and when it starts again."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest

from rolecall.transport.channel_options import channel_options
from rolecall.transport.endpoint import AddressError, Endpoint, SocketAccess
from rolecall.transport.grpcio_server import GrpcioServer
from rolecall.transport.options import ServerOptions

METHODS: Any = "methods"


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Server:
    """A server of gRPC that writes down what is asked of it; `loop` is what accepts its calls."""

    def __init__(self, handlers: list[Any], options: list[tuple[str, int]]) -> None:
        self.handlers, self.options = handlers, options
        self.done = list[tuple[object, ...]]()
        self.refuses = False
        self.loop: Callable[[], Coroutine[Any, Any, None]] = asyncio.Event().wait  # type: ignore[assignment]
        self.accepting: asyncio.Task[None] | None = None

    def add_insecure_port(self, address: str) -> int:
        return self._listen("insecure", address, None)

    def add_secure_port(self, address: str, credentials: object) -> int:
        return self._listen("secure", address, credentials)

    async def start(self) -> None:
        self.accepting = asyncio.create_task(self.loop())

    async def stop(self, grace: float) -> None:
        self.done.append(("stop", grace))

    def _listen(self, kind: str, address: str, credentials: object) -> int:
        if self.refuses:
            raise RuntimeError
        if address.startswith("unix:"):
            Path(address.removeprefix("unix:")).touch()
        self.done.append((kind, address, credentials, umask()))
        return 7


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """Give the list of the servers of gRPC that are made."""
    servers = list[Server]()

    def server(**options: Any) -> Server:
        servers.append(Server(**options))
        return servers[-1]

    monkeypatch.setattr(grpc.aio, "server", server)
    monkeypatch.setattr(grpc, "local_server_credentials", lambda kind: ("local", kind))
    return servers


class Tls:
    credentials: Any = "certificate"


def transport() -> GrpcioServer:
    return GrpcioServer(METHODS, ServerOptions(max_message_bytes=4_097))


async def test_all_calls_reach_the_registered_methods_with_the_options_of_the_server(made: list[Server]) -> None:
    server = transport()

    (grpcs,) = made
    assert (grpcs.handlers, grpcs.options) == ([METHODS], channel_options(4_097))
    assert (server.revivals, server.connection_counts) == (0, None)
    server.tick()


@pytest.mark.parametrize(("tls", "kind", "credentials"), [(None, "insecure", None), (Tls(), "secure", "certificate")])
async def test_a_server_that_is_revived_listens_on_the_port_that_it_had(
    made: list[Server], tls: Any, kind: str, credentials: object
) -> None:
    server, mask = transport(), umask()

    port = server.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), tls)
    await server.revive()

    first, second = made
    assert port == 7
    assert first.done == [(kind, "127.0.0.1:0", credentials, mask)]
    assert second.done == [(kind, "127.0.0.1:7", credentials, mask)]
    assert (first.accepting is None, second.accepting is None, server.revivals) == (True, False, 1)


async def test_nobody_else_can_connect_to_the_admin_socket_at_any_moment(made: list[Server], tmp_path: Path) -> None:
    server, path, mask = transport(), tmp_path / "admin", umask()

    server.bind_admin(str(path))
    modes = [stat.S_IMODE(path.stat().st_mode)]
    path.chmod(0o666)
    await server.revive()

    local = ("local", grpc.LocalConnectionType.UDS)
    assert [each.done for each in made] == [[("secure", f"unix:{path}", local, 0o177)]] * 2
    assert [*modes, stat.S_IMODE(path.stat().st_mode)] == [0o600, 0o600]
    assert umask() == mask


async def test_a_socket_file_has_the_mode_of_the_umask_unless_the_endpoint_says_who_may_connect(
    made: list[Server], tmp_path: Path
) -> None:
    server, mask, plain, shared = transport(), umask(), tmp_path / "plain", tmp_path / "shared"

    plain_port = server.bind(Endpoint(f"unix:{plain}"), None)
    shared_port = server.bind(Endpoint(f"unix:{shared}", access=SocketAccess(os.getegid())), None)

    # What gRPC answers, whatever that is for a socket.
    assert (plain_port, shared_port) == (7, 7)
    assert [done[-1] for done in made[0].done] == [mask, 0o177]
    assert stat.S_IMODE(plain.stat().st_mode) == 0o666 & ~mask
    assert (stat.S_IMODE(shared.stat().st_mode), umask()) == (0o660, mask)


@pytest.mark.parametrize("access", [None, SocketAccess()])
@pytest.mark.parametrize("tls", [None, Tls()])
async def test_an_address_that_grpc_refuses_is_an_error_and_the_umask_is_what_it_was(
    made: list[Server], tmp_path: Path, access: SocketAccess | None, tls: Any
) -> None:
    server, mask = transport(), umask()
    made[0].refuses = True
    endpoint = Endpoint(f"unix:{tmp_path / 's'}", access=access)

    with pytest.raises(AddressError) as caught:
        server.bind(endpoint, tls)

    why = "the address is in use or not one of this machine"
    assert str(caught.value) == f"cannot listen on `{endpoint.address}`: {why}"
    assert umask() == mask
    await server.revive()
    assert made[1].done == []


async def fail() -> None:
    raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")


async def end() -> None: ...


@pytest.mark.parametrize(("loop", "crashes"), [(fail, True), (end, False)])
async def test_a_server_whose_loop_of_calls_fails_has_crashed_until_it_is_revived(
    made: list[Server], loop: Callable[[], Coroutine[Any, Any, None]], crashes: bool
) -> None:
    server = transport()
    made[0].loop = loop
    await server.start()
    accepting: Any = made[0].accepting
    await asyncio.wait([accepting])
    await asyncio.sleep(0)
    crashed = server._crashed.is_set()

    if crashed:
        await server.crashed()
    await server.revive()

    assert (crashed, server._crashed.is_set()) == (crashes, False)


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_loop_that_is_cancelled_or_that_fails_after_a_stop_is_no_crash(
    made: list[Server], stopped: bool
) -> None:
    server, may_fail = transport(), asyncio.Event()

    async def fail_later() -> None:
        await may_fail.wait()
        await fail()

    made[0].loop = fail_later
    await server.start()
    task: Any = made[0].accepting
    if stopped:
        await server.stop(2.5)
        may_fail.set()
    else:
        task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)

    assert not server._crashed.is_set()
    assert made[0].done == ([("stop", 2.5)] if stopped else [])


async def test_the_end_of_a_task_that_is_not_of_grpc_is_no_crash(made: list[Server]) -> None:
    server, other = transport(), asyncio.create_task(fail())

    await server.start()
    await asyncio.wait([other])
    await asyncio.sleep(0)

    assert isinstance(other.exception(), UnicodeDecodeError)
    assert not server._crashed.is_set()
    for each in made:
        assert each.accepting
        each.accepting.cancel()
