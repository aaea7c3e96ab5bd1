"""Callers on the machine of the server: by their user, and on the admin socket, over real sockets."""

from __future__ import annotations

import gc
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rolecall.callers.directory import CallerDirectory
from rolecall.server.main import StartError
from rolecall.transport.options import GRPCIO, H2
from rolecall_client.v1 import decision_pb2 as pb
from tests.security.certificates import Authority
from tests.security.known_callers import ADMINISTRATOR, callers_file, causes, serving_callers
from tests.security.test_caller_tokens import actor, bearer
from tests.server.serving import Served, check, served, until
from tests.transport.refusals import refused

NOBODY = {"callers": [{"name": "nobody", "match": {"dns": "nobody.example"}, "policies": ["RolecallDecider"]}]}


@pytest.fixture(params=[GRPCIO, H2])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"unix:{path}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


async def test_the_admin_socket_is_the_way_out_of_a_callers_file_without_an_administrator(
    authority: Authority, tmp_path: Path, transport: str
) -> None:
    path = tmp_path / "admin.sock"
    files = {"tls_cert": "cert.pem", "tls_key": "key.pem", "tls_client_ca": "ca.pem"}
    flags = {name: str(authority.folder / file) for name, file in files.items()}
    async with (
        serving_callers(
            CallerDirectory(callers_file(NOBODY)), transport=transport, admin_socket=str(path), **flags
        ) as service,
        connected(path) as channel,
    ):
        found = await actor(channel, None)
        mode = stat.S_IMODE(path.stat().st_mode)
        rights = service.server._listener_security.authentication

    assert (found, mode) == ("local-admin", 0o600)
    assert rights is not None
    assert not path.exists()


async def test_a_token_is_not_accepted_on_the_admin_socket(tmp_path: Path, transport: str) -> None:
    path = tmp_path / "admin.sock"
    async with served(transport=transport, admin_socket=str(path)) as service, connected(path) as channel:
        refusal = await refused(actor(channel, bearer("rct_x")))

    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert causes(service) == ["TOKEN_ON_ADMIN_SOCKET"]


async def test_only_calls_of_the_admin_socket_are_those_of_the_administrator(tmp_path: Path, transport: str) -> None:
    path = tmp_path / "service.sock"
    async with (
        served(transport=transport, admin_socket=str(tmp_path / "admin.sock"), listen=f"unix:{path}"),
        connected(path) as channel,
        connected(tmp_path / "admin.sock") as admin,
    ):
        assert await actor(channel, None, "a") == "local"
        assert await actor(admin, None, "b") == "local-admin"


async def test_another_user_is_not_let_in_although_it_can_open_the_admin_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "admin.sock"
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    async with served(transport=H2, admin_socket=str(path)), connected(path) as channel:
        refusal = await refused(actor(channel, None))

    assert refusal.code is grpc.StatusCode.UNAVAILABLE


async def test_a_full_server_still_has_its_admin_socket(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with served(transport=H2, max_connections=1, admin_socket=str(path)) as service, connected(path) as channel:
        stream = service.decisions.StreamCheckAssumeRole()
        await stream.write(pb.StreamCheckAssumeRoleRequest(query=check().query))
        await stream.read()

        assert await actor(channel, None) == "local-admin"
        stream.cancel()


async def test_a_server_that_was_revived_still_has_its_admin_socket(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with served(transport=GRPCIO, admin_socket=str(path)) as service:
        server: Any = service.server.grpc_server
        server.wire._crashed.set()
        await until(lambda: server.revivals)
        gc.collect()  # the server before is gone, with what it removes
        async with connected(path) as channel:
            assert await actor(channel, None) == "local-admin"
        mode = stat.S_IMODE(path.stat().st_mode)

    assert mode == 0o600


async def test_an_admin_socket_that_cannot_be_made_stops_the_start(tmp_path: Path, transport: str) -> None:
    with pytest.raises(StartError, match="cannot listen on `unix:"):
        async with served(transport=transport, admin_socket=str(tmp_path / "none" / "admin.sock")):
            pass


# --- users ---------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def unix_service(path: Path, *entries: dict[str, Any]) -> AsyncIterator[tuple[Served, Any]]:
    directory = CallerDirectory(callers_file({"callers": list(entries)}))
    async with (
        serving_callers(directory, transport=H2, listen=f"unix:{path}") as service,
        connected(path) as channel,
    ):
        yield service, channel


def entry(match: dict[str, Any]) -> dict[str, Any]:
    return {"name": "caller", "match": match, **ADMINISTRATOR}


async def test_on_a_unix_socket_the_user_is_the_caller_where_the_callers_file_names_it(tmp_path: Path) -> None:
    async with unix_service(tmp_path / "socket", entry({"uid": os.getuid()})) as (_, channel):
        assert await actor(channel, None) == f"uid:{os.getuid()}"


async def test_a_user_that_the_callers_file_does_not_name_is_a_local_caller(tmp_path: Path) -> None:
    async with unix_service(tmp_path / "socket", entry({"uid": os.getuid() + 1})) as (service, channel):
        authentication: Any = service.server._listener_security.authentication
        names: list[str] = []
        authenticate = authentication.caller_of

        def noted(context: Any) -> Any:
            caller = authenticate(context)
            names.append(caller.credential.identity)
            return caller

        authentication.caller_of = noted
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/unknown/unknown")(b"")

    assert names == ["local"]


async def test_entries_with_users_need_a_transport_that_knows_them() -> None:
    directory = CallerDirectory(callers_file({"callers": [entry({"uid": 1})]}))

    with pytest.raises(StartError, match=r"the callers file has entries with `uid`.*use --transport h2"):
        async with serving_callers(directory, transport=GRPCIO):
            pass
