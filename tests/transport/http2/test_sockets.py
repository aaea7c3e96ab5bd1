"""The sockets that the server listens on: how they send, and who may connect to them."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from rolecall.transport.endpoint import AddressError, Endpoint, SocketAccess
from rolecall.transport.http2.sockets import SocketFile, listening_socket
from tests.repository.tree import DOCS


def unix(path: Path, access: SocketAccess | None = None) -> Endpoint:
    return Endpoint(f"unix:{path}", access=access)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1:0", socket.AF_INET), ("[::1]:0", socket.AF_INET6)])
def test_an_accepted_connection_sends_at_once_and_buffers_what_is_documented(
    address: str, family: socket.AddressFamily
) -> None:
    kib = re.search(
        r"\| answers in the kernel that are not sent \| (\d+) KiB of a connection", (DOCS / "operations.md").read_text()
    )
    assert kib
    with closing(listening_socket(Endpoint(address), 5)) as bound:
        client = socket.create_connection(bound.getsockname()[:2])
        bound.settimeout(10)
        accepted, _ = bound.accept()
        with client, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == int(kib[1]) * 1_024
            assert accepted.family == family


@pytest.mark.parametrize("address", ["127.0.0.1:0", "unix"])
def test_a_listening_socket_does_not_block(address: str, tmp_path: Path) -> None:
    endpoint = unix(tmp_path / "s") if address == "unix" else Endpoint(address)

    with closing(listening_socket(endpoint, 5)) as bound:
        assert not bound.getblocking()
        with pytest.raises(BlockingIOError):
            bound.accept()


def test_only_the_user_or_a_group_may_connect_if_the_endpoint_says_so(tmp_path: Path) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"

    with closing(listening_socket(unix(own, SocketAccess()), 5)):
        assert mode(own) == 0o600
    with closing(listening_socket(unix(shared, SocketAccess(os.getegid())), 5)):
        assert (mode(shared), shared.stat().st_gid) == (0o660, os.getegid())


def test_a_socket_whose_file_cannot_be_given_to_the_group_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "x")

    monkeypatch.setattr(os, "chown", refuse)
    path = tmp_path / "s"

    with pytest.raises(AddressError) as error:
        listening_socket(unix(path, SocketAccess(7)), 5)

    why = "its file cannot be given to the group 7 (operation not permitted); run as a member of it"
    assert str(error.value) == f"cannot listen on `unix:{path}`: {why}"
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(path))


def test_a_file_of_a_socket_that_is_in_use_stays_and_a_stale_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(listening_socket(unix(path), 5)):
        with pytest.raises(OSError, match=r".") as error:
            listening_socket(unix(path), 5)
        assert error.value.errno == errno.EADDRINUSE
        assert error.value.strerror == os.strerror(errno.EADDRINUSE)
        before = path.stat().st_ino

    with closing(listening_socket(unix(path), 5)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert before


@pytest.mark.parametrize("access", [None, SocketAccess(7)])
def test_a_socket_that_cannot_be_used_is_closed(
    tmp_path: Path, access: SocketAccess | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[socket.socket]()

    class Noted(socket.socket):
        def __init__(self, *given: int) -> None:
            super().__init__(*given)
            made.append(self)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "x")

    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(socket, "socket", Noted)

    with pytest.raises(AddressError if access else FileNotFoundError):
        listening_socket(unix(tmp_path / ("s" if access else "missing/s"), access), 5)

    assert [one.fileno() for one in made] == [-1]


def test_a_server_removes_its_own_file_and_no_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with closing(listening_socket(unix(first), 5)) as one, closing(listening_socket(unix(second), 5)) as other:
        files = [SocketFile(bound) for bound in (one, other)]
        second.unlink()
        with closing(listening_socket(unix(second), 5)):
            for file in files:
                file.remove()
                file.remove()

    assert (first.exists(), second.exists()) == (False, True)
