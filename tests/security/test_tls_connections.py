"""TLS on the HTTP/2 transport, in both event loops: that of asyncio, and uvloop, on which servers run."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
import uvloop
from cryptography import x509

from rolecall.security.credentials import TlsFiles
from rolecall.security.tls_reload import ReloadingCertificate
from rolecall.transport.connection_counts import ConnectionRefusal
from rolecall.transport.endpoint import Endpoint
from rolecall.transport.grpcio_server import GrpcioServer
from rolecall.transport.http2.methods import Methods
from rolecall.transport.http2.options import ConnectionOptions
from rolecall.transport.http2.server import Http2Server
from rolecall.transport.options import ServerOptions
from tests.security.certificates import Authority
from tests.server.serving import until
from tests.transport import frames

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
FACTS = ("peer_uri", "peer_dns")
NewLoop = Callable[[], asyncio.AbstractEventLoop]


def run(new_loop: NewLoop, work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(work, 60))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def certificate(authority: Authority, *, clients: bool = True) -> ReloadingCertificate:
    names = {"certificate": "cert.pem", "key": "key.pem"} | ({"client_authority": "ca.pem"} if clients else {})
    return ReloadingCertificate(TlsFiles(**{field: str(authority.folder / name) for field, name in names.items()}))


class Names:
    """Answers with the names in the client's certificate."""

    handlers: Any = None

    def named(self, _: str) -> Any:
        async def run_call(_: object, context: Any) -> bytes:
            facts = context.auth_context()
            return repr([(kind, list(facts.get(kind, ()))) for kind in FACTS]).encode()

        return grpc.stream_unary_rpc_method_handler(run_call)


class GrpcNames(grpc.GenericRpcHandler):
    def service(self, _: object) -> Any:
        return Names().named("")


@asynccontextmanager
async def listening(tls: ReloadingCertificate | None, options: ConnectionOptions | None = None) -> Any:
    server = Http2Server(Methods(Names().named, {}), options or ConnectionOptions())
    port = server.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), tls)
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop(0)


def channel(authority: Authority, port: int, *names: x509.GeneralName) -> grpc.aio.Channel:
    pem, key = authority.issue(*names)
    root = (authority.folder / "ca.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(root, key, pem)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", "localhost")]
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options)


async def names_seen(authority: Authority, port: int, *names: x509.GeneralName) -> bytes:
    async with channel(authority, port, *names) as connected:
        call: Any = connected.unary_unary("/names/Names")
        return bytes(await call(b"", timeout=30, wait_for_ready=True))


URI, DNS, IP = x509.UniformResourceIdentifier, x509.DNSName, x509.IPAddress
CERTIFICATES = [
    (URI("spiffe://td/a"),),
    (DNS("web.example.org"),),
    (URI("spiffe://td/a"), DNS("web"), URI("https://example.org/%20"), DNS("*.example.org")),
    (x509.RFC822Name("a@example.org"), DNS("A.Example.ORG")),
    (),
]


@LOOPS
def test_both_transports_see_the_same_names_in_every_certificate(new_loop: NewLoop, authority: Authority) -> None:
    async def work() -> None:
        tls, registry = certificate(authority), GrpcNames()
        grpcio = GrpcioServer(registry, ServerOptions())  # type: ignore[arg-type]
        other_port = grpcio.bind(Endpoint("127.0.0.1:0", "127.0.0.1"), tls)
        await grpcio.start()
        async with listening(tls) as (_, port):
            for names in CERTIFICATES:
                ours = await names_seen(authority, port, *names)
                assert ours == await names_seen(authority, other_port, *names)
        await grpcio.stop(0)

    run(new_loop, work())


def client_context(
    authority: Authority, version: ssl.TLSVersion, protocols: list[str], *, own: bool = True
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.folder / "ca.pem"))
    context.check_hostname = False
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT if hasattr(ssl, "VERIFY_X509_STRICT") else context.verify_flags
    context.minimum_version = context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(protocols)
    if own:
        context.load_cert_chain(authority.folder / "cert.pem", authority.folder / "key.pem")
    return context


async def settings_received(port: int, context: ssl.SSLContext | None) -> bool:
    """Return whether the server answers the preface with its settings."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0))
        received = await frames.Frames(reader).next()
        writer.transport.abort()
    except (OSError, asyncio.IncompleteReadError):
        return False
    return received is not None and received[0] == frames.SETTINGS


@LOOPS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_of_tls_1_2_and_1_3_are_served_if_they_speak_http2(
    new_loop: NewLoop, authority: Authority, version: ssl.TLSVersion
) -> None:
    async def work() -> None:
        async with listening(certificate(authority)) as (server, port):
            assert await settings_received(port, client_context(authority, version, ["h2"]))
            assert not await settings_received(port, client_context(authority, version, []))
            assert not await settings_received(port, client_context(authority, version, ["http/1.1"]))
            assert not await settings_received(port, client_context(authority, version, ["h2"], own=False))
            await until(lambda: not server.connections and not server.acceptance.handshakes)

    run(new_loop, work())


@LOOPS
def test_a_plain_client_of_a_tls_port_and_a_tls_client_of_a_plain_port_are_closed(
    new_loop: NewLoop, authority: Authority
) -> None:
    async def work() -> None:
        async with listening(certificate(authority)) as (server, port):
            assert not await settings_received(port, None)
            await until(lambda: not server.acceptance.handshakes)
        async with listening(None) as (server, port):
            context = client_context(authority, ssl.TLSVersion.TLSv1_3, ["h2"])
            assert not await settings_received(port, context)
            await until(lambda: not server.connections)

    run(new_loop, work())


@LOOPS
def test_handshakes_that_do_not_end_are_bounded_in_number_and_time(new_loop: NewLoop, authority: Authority) -> None:
    async def work() -> None:
        options = replace(ConnectionOptions(), max_handshakes=3, handshake=0.5)
        async with listening(certificate(authority), options) as (server, port):
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
            await until(lambda: server.connection_counts.refused[ConnectionRefusal.HANDSHAKES] == 5)
            assert len(server.acceptance.handshakes) <= 3

            assert await names_seen(authority, port, DNS("web"))
            for reader, _ in silent:
                assert await _ended(reader)
            await until(lambda: not server.acceptance.handshakes)
            for _, writer in silent:
                writer.close()

    run(new_loop, work())


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(100) == b""
    except ConnectionError:
        return True


@LOOPS
def test_every_failed_handshake_is_counted_by_its_reason(new_loop: NewLoop, tmp_path: Path) -> None:
    version = ssl.TLSVersion.TLSv1_3
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")

    async def old_version(port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        assert not await settings_received(port, context)

    async def stranger(port: int) -> None:
        context = client_context(ours, version, ["h2"], own=False)
        context.load_cert_chain(other.folder / "cert.pem", other.folder / "key.pem")
        assert not await settings_received(port, context)

    async def distrustful(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context(other, version, ["h2"]).wrap_bio(received, sent)
        with suppress(ssl.SSLCertVerificationError):
            while True:
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                writer.write(sent.read())
                received.write(await reader.read(65_536))
        writer.write(sent.read())  # an alert, which not every client sends
        assert await _ended(reader)
        writer.close()

    async def leaves(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        await writer.drain()
        writer.transport.abort()

    async def silent(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await _ended(reader)
        writer.close()

    async def work() -> None:
        options = replace(ConnectionOptions(), handshake=0.5)
        async with listening(certificate(ours), options) as (server, port):
            refused = server.connection_counts.refused
            for reason, attempt in (
                ("certificate", settings_received(port, client_context(ours, version, ["h2"], own=False))),
                ("certificate", stranger(port)),
                ("rejected_by_client", distrustful(port)),
                ("tls", old_version(port)),
                ("tls", settings_received(port, None)),
                ("alpn", settings_received(port, client_context(ours, version, ["http/1.1"]))),
                ("left", leaves(port)),
                ("slow_handshake", silent(port)),
            ):
                before = refused[reason]
                await attempt
                await until(lambda: refused[reason] > before)  # noqa: B023 -- awaited at once
            assert sum(refused.values()) >= 8
            assert not server.connections

    run(new_loop, work())


@LOOPS
def test_a_session_that_a_client_of_tls_1_2_resumes_has_its_certificate_and_those_sent_with_it(
    new_loop: NewLoop, authority: Authority
) -> None:
    sent = authority.folder / "sent.pem"
    own, key = authority.issue(URI("spiffe://td/a"))
    sent.write_bytes(own + (authority.folder / "ca.pem").read_bytes() + key)
    context = client_context(authority, ssl.TLSVersion.TLSv1_2, ["h2"], own=False)
    context.load_cert_chain(sent)

    def connect(port: int, session: ssl.SSLSession | None) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        secured = context.wrap_socket(plain, session=session)
        secured.sendall(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0))
        assert secured.recv(9)[3] == frames.SETTINGS
        return secured

    async def work() -> None:
        async with listening(certificate(authority)) as (server, port):
            first = await asyncio.to_thread(connect, port, None)
            again = await asyncio.to_thread(connect, port, first.session)

            assert again.session_reused
            facts = [connection.auth_context for connection in server.connections]
            assert facts[0] == facts[1]
            assert facts[0]["x509_pem_cert_chain"]
            first.close()
            again.close()

    run(new_loop, work())


@LOOPS
def test_a_renewed_certificate_is_for_new_connections_and_old_ones_stay_open(new_loop: NewLoop, tmp_path: Path) -> None:
    def put(server: trustme.CA) -> None:
        issued = server.issue_cert("localhost")
        (tmp_path / "cert.pem").write_bytes(issued.cert_chain_pems[0].bytes())
        (tmp_path / "key.pem").write_bytes(issued.private_key_pem.bytes())
        (tmp_path / "key.pem").chmod(0o600)

    def connect(server: trustme.CA, port: int) -> Any:
        credentials = grpc.ssl_channel_credentials(server.cert_pem.bytes())
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.ssl_target_name_override", "localhost")]
        return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options)

    async def answers(connected: Any) -> bool:
        code = await connected.unary_unary("/names/Names")(b"", timeout=20).code()
        return code is grpc.StatusCode.OK

    async def work() -> None:
        before, after = trustme.CA(), trustme.CA()
        put(before)
        tls = ReloadingCertificate(
            TlsFiles(certificate=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"), client_authority="")
        )
        async with listening(tls) as (_, port):
            old = connect(before, port)
            assert await answers(old)
            put(after)
            assert tls.reload_if_changed()

            new, late = connect(after, port), connect(before, port)
            assert (await answers(new), await answers(old), await answers(late)) == (True, True, False)
            for connected in (old, new, late):
                await connected.close()

    run(new_loop, work())
