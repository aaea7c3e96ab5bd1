"""Where the server listens, what it refuses to listen on, and how it limits its connections."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from rolecall.transport.channel_options import channel_options
from rolecall.transport.endpoint import AddressError, Endpoint, SocketAccess, reason_of
from rolecall.transport.rpc.open_streams import MAX_STREAM_SECONDS
from tests.repository.tree import DOCS
from tests.server.serving import Served, check, served
from tests.transport.refusals import refused


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        yield taken.getsockname()[1]


def test_a_port_that_is_taken_is_refused_with_the_reason(taken_port: int) -> None:
    endpoint = Endpoint(f"127.0.0.1:{taken_port}", "127.0.0.1", taken_port)

    with pytest.raises(AddressError) as caught:
        endpoint.require_free()

    assert caught.value.address == endpoint.address
    reason = os.strerror(errno.EADDRINUSE).lower()
    assert str(caught.value) == f"cannot listen on `{endpoint.address}`: {reason}"


def test_a_name_without_an_address_is_refused_with_the_reason() -> None:
    with pytest.raises(AddressError, match=r"^cannot listen on `no-such-host\.invalid:1`: [a-z].*"):
        Endpoint("no-such-host.invalid:1", "no-such-host.invalid", 1).require_free()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EADDRINUSE, "error while binding on 127.0.0.1:1"), os.strerror(errno.EADDRINUSE).lower()),
        (OSError(errno.EPERM, "error while binding on 127.0.0.1:1"), os.strerror(errno.EPERM).lower()),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not known"),
        (socket.gaierror(-1, "Bad value for ai_flags"), "bad value for ai_flags"),
        (OSError(0, "Getting the address failed"), "getting the address failed"),
        (OSError("Getting the address failed"), "getting the address failed"),
    ],
)
def test_a_reason_is_in_lower_case_and_does_not_repeat_the_address(error: OSError, reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_free_is_accepted_and_stays_free(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.create_server((host, 0), family=family)) as probe:
        port = probe.getsockname()[1]
    endpoint = Endpoint(f"[{host}]:{port}", host, port)

    endpoint.require_free()

    socket.create_server((host, port), family=family).close()


def test_a_unix_socket_needs_no_free_port() -> None:
    endpoint = Endpoint("unix:/tmp/rolecall.sock")

    endpoint.require_free()

    assert (endpoint.host, endpoint.port, endpoint.access) == ("", 0, None)


def test_a_socket_file_is_given_to_a_group_and_keeps_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, given = tmp_path / "socket", list[tuple[object, ...]]()
    path.touch(0o644)
    monkeypatch.setattr(os, "chown", lambda *args: given.append(args))

    SocketAccess(77).apply(path)
    shared = stat.S_IMODE(path.stat().st_mode)
    SocketAccess().apply(path)

    # -1: the owner stays.
    assert given == [(path, -1, 77)]
    assert (shared, stat.S_IMODE(path.stat().st_mode)) == (0o660, 0o600)


def test_a_socket_file_that_cannot_be_given_to_the_group_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "socket"
    path.touch(0o600)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)

    with pytest.raises(AddressError) as raised:
        SocketAccess(77).apply(path)

    why = "its file cannot be given to the group 77 (operation not permitted); run as a member of it"
    assert (raised.value.address, str(raised.value)) == (f"unix:{path}", f"cannot listen on `unix:{path}`: {why}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        (Endpoint("127.0.0.1:0", "127.0.0.1", 0), "127.0.0.1:7"),
        (Endpoint("[::1]:0", "::1", 0), "[::1]:7"),
        (Endpoint("unix:/tmp/rolecall.sock"), "unix:/tmp/rolecall.sock"),
    ],
    ids=["ipv4", "ipv6", "unix"],
)
def test_the_chosen_port_becomes_part_of_the_address(endpoint: Endpoint, address: str) -> None:
    assert endpoint.with_port(7) == address


async def test_an_address_of_another_machine_is_refused(service: Served) -> None:
    endpoint = Endpoint("unix:/no/such/directory/rolecall.sock")

    with pytest.raises(AddressError, match="there is no directory `/no/such/directory`; make it first"):
        service.server.grpc_server.bind(endpoint, None)


async def test_a_second_server_cannot_share_the_port(service: Served) -> None:
    host, _, port = service.server.bound.address.rpartition(":")
    # As `require_free` would refuse it first, gRPC is asked itself.
    endpoint = Endpoint(service.server.bound.address)

    async with served() as second:
        with pytest.raises(AddressError):
            second.server.grpc_server.bind(endpoint, None)

    assert (host, int(port) > 0) == ("127.0.0.1", True)


async def test_a_stopped_server_does_not_count_as_crashed(grpcio_service: Served) -> None:
    server = grpcio_service.server.grpc_server

    await server.stop(0)

    assert not cast("Any", server.wire)._crashed.is_set()


def test_a_connection_outlives_its_streams_so_that_none_is_cut() -> None:
    options = dict(channel_options(4_096))

    assert options["grpc.max_connection_age_ms"] == 300_000
    assert options["grpc.max_connection_age_grace_ms"] == MAX_STREAM_SECONDS * 1_000 + 30_000
    assert options["grpc.max_receive_message_length"] == 4_096


def documented(row: str) -> list[int]:
    """Return the numbers of a row of the table of limits of connections, in its second column."""
    lines = (DOCS / "operations.md").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"| {row}")]
    return [int(number.replace(",", "")) for number in re.findall(r"[0-9][0-9,]*", line.split(" | ")[1])]


def test_grpc_keeps_the_documented_limits_of_connections() -> None:
    options = dict(channel_options(4_096))
    keepalive, acknowledged = documented("silence of a connection")
    headers, _ = documented("headers of a call")
    (age,), (handshake,) = documented("age of a connection"), documented("the time until the preface")

    assert options["grpc.keepalive_time_ms"] == keepalive * 1_000
    assert options["grpc.keepalive_timeout_ms"] == acknowledged * 1_000
    assert options["grpc.http2.min_ping_interval_without_data_ms"] == documented("pings by a client")[0] * 1_000
    assert options["grpc.keepalive_permit_without_calls"] == 1
    assert options["grpc.max_connection_age_ms"] == age * 1_000
    assert options["grpc.server_handshake_timeout_ms"] == handshake * 1_000
    assert options["grpc.max_concurrent_streams"] == documented("calls in progress on a connection")[0]
    assert options["grpc.max_metadata_size"] == options["grpc.absolute_max_metadata_size"] == headers * 1_024
    assert options["grpc.so_reuseport"] == 0
    assert len(options) == len(channel_options(4_096)) == 14


def test_grpc_queues_as_many_calls_as_the_server_refuses_with_a_reason_and_no_more_than_twice_that() -> None:
    options = dict(channel_options(4_096))

    assert options["grpc.server.max_pending_requests"] == 20_000
    assert options["grpc.server.max_pending_requests_hard_limit"] == 40_000


async def test_metadata_up_to_the_limit_is_accepted(service: Served) -> None:
    await service.decisions.CheckAssumeRole(check(), metadata=[("k", "x" * 15_000)])
    refusal = await refused(service.decisions.CheckAssumeRole(check(), metadata=[("k", "x" * 17_000)]))

    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
