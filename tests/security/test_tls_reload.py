"""Certificates that change while a server runs, with real ones on real connections."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from rolecall.security.credentials import CredentialsError, TlsFiles
from rolecall.security.tls_files import MAX_PEM_BYTES, PemContents, load_certificate
from rolecall.security.tls_reload import ReloadingCertificate

PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
SOON = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)


class Secret:
    """A folder as a mounted secret is one: files that are links through `..data`, which one rename changes all at once."""

    def __init__(self, folder: Path, server: trustme.CA, clients: trustme.CA) -> None:
        self._folder, self._version = folder, 0
        for name in ("tls.crt", "tls.key", "ca.crt"):
            (folder / name).symlink_to(f"..data/{name}")
        self.put(server, clients)

    @property
    def files(self) -> TlsFiles:
        names = {"certificate": "tls.crt", "key": "tls.key", "client_authority": "ca.crt"}
        return TlsFiles(**{field: str(self._folder / name) for field, name in names.items()})

    def put(self, server: trustme.CA, clients: trustme.CA, *, expires: dt.datetime = SOON) -> None:
        issued = server.issue_cert("localhost", not_before=PAST, not_after=expires)
        self.put_content(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes(), clients.cert_pem.bytes())

    def put_content(self, certificate: bytes, key: bytes, authority: bytes) -> None:
        self._version += 1
        version = self._folder / f"..{self._version}"
        version.mkdir()
        for name, content in (("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority)):
            (version / name).write_bytes(content)
            (version / name).chmod(0o440)
        (self._folder / "..data_tmp").symlink_to(version.name)
        (self._folder / "..data_tmp").rename(self._folder / "..data")

    def content(self) -> tuple[bytes, bytes, bytes]:
        certificate, key, authority = ((self._folder / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt"))
        return certificate, key, authority


class Authorities:
    """Two authorities of servers, and two of clients: what changes is from the first to the second."""

    def __init__(self) -> None:
        self.server, self.next_server, self.clients, self.next_clients = (trustme.CA() for _ in range(4))

    def channel(self, port: int, server: trustme.CA, clients: trustme.CA) -> grpc.aio.Channel:
        issued = clients.issue_cert("client")
        credentials = grpc.ssl_channel_credentials(
            server.cert_pem.bytes(), issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes()
        )
        # Else two channels with equal credentials would be one connection.
        return grpc.aio.secure_channel(
            f"localhost:{port}", credentials, options=[("grpc.use_local_subchannel_pool", 1)]
        )


@pytest.fixture(scope="module")
def authorities() -> Authorities:
    return Authorities()


@pytest.fixture
def secret(tmp_path: Path, authorities: Authorities) -> Secret:
    return Secret(tmp_path, authorities.server, authorities.clients)


class Echo(grpc.GenericRpcHandler):
    """Answers every call with what it came with."""

    def service(self, _: object) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def answer(message: bytes, _: object) -> bytes:
            return message

        return grpc.unary_unary_rpc_method_handler(answer)


@asynccontextmanager
async def serving(certificate: ReloadingCertificate) -> AsyncIterator[int]:
    server = grpc.aio.server(handlers=[Echo()])
    port = server.add_secure_port("localhost:0", certificate.credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def answers(channel: grpc.aio.Channel) -> bool:
    call: Any = channel.unary_unary("/echo/Echo")
    try:
        return bool(await call(b"hello", timeout=20) == b"hello")
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return False
        raise


# Row 59 of the faults.
async def test_new_connections_get_the_new_certificate_and_old_ones_stay_open(
    secret: Secret, authorities: Authorities
) -> None:
    certificate = ReloadingCertificate(secret.files)
    async with serving(certificate) as port:
        old = authorities.channel(port, authorities.server, authorities.clients)
        too_early = authorities.channel(port, authorities.next_server, authorities.clients)
        assert (await answers(old), await answers(too_early)) == (True, False)

        secret.put(authorities.next_server, authorities.clients)
        assert certificate.reload_if_changed()

        new = authorities.channel(port, authorities.next_server, authorities.clients)
        too_late = authorities.channel(port, authorities.server, authorities.clients)
        assert (await answers(new), await answers(old), await answers(too_late)) == (True, True, False)
        for channel in (old, too_early, new, too_late):
            await channel.close()


# Row 59 of the faults.
async def test_a_new_client_authority_applies_to_new_connections(secret: Secret, authorities: Authorities) -> None:
    certificate = ReloadingCertificate(secret.files)
    async with serving(certificate) as port:
        old = authorities.channel(port, authorities.server, authorities.clients)
        too_early = authorities.channel(port, authorities.server, authorities.next_clients)
        assert (await answers(old), await answers(too_early)) == (True, False)

        secret.put(authorities.server, authorities.next_clients)
        assert certificate.reload_if_changed()

        new = authorities.channel(port, authorities.server, authorities.next_clients)
        too_late = authorities.channel(port, authorities.server, authorities.clients)
        assert (await answers(new), await answers(old), await answers(too_late)) == (True, True, False)
        for channel in (old, too_early, new, too_late):
            await channel.close()


async def test_a_second_server_with_the_same_credentials_shows_the_certificate_of_now(
    secret: Secret, authorities: Authorities
) -> None:
    certificate = ReloadingCertificate(secret.files)
    async with serving(certificate):
        secret.put(authorities.next_server, authorities.clients)
        certificate.reload_if_changed()

    async with (
        serving(certificate) as port,
        authorities.channel(port, authorities.next_server, authorities.clients) as channel,
    ):
        assert await answers(channel)


def truncated_key(secret: Secret) -> None:
    certificate, key, authority = secret.content()
    secret.put_content(certificate, key[: len(key) // 2], authority)


def other_key(secret: Secret) -> None:
    certificate, _, authority = secret.content()
    secret.put_content(certificate, trustme.CA().private_key_pem.bytes(), authority)


def empty_authority(secret: Secret) -> None:
    certificate, key, _ = secret.content()
    secret.put_content(certificate, key, b"")


def expired(secret: Secret) -> None:
    authority = trustme.CA()
    secret.put(authority, authority, expires=PAST.replace(year=2021))


def of_a_client_only(secret: Secret) -> None:
    _, _, authority = secret.content()
    secret.put_content(*_client_pair(), authority)


def missing(secret: Secret) -> None:
    Path(secret.files.key).unlink()


def a_pipe(secret: Secret) -> None:
    Path(secret.files.certificate).unlink()
    os.mkfifo(secret.files.certificate)


def a_pipe_as_authority(secret: Secret) -> None:
    Path(secret.files.client_authority).unlink()
    os.mkfifo(secret.files.client_authority)


def an_endless_device(secret: Secret) -> None:
    Path(secret.files.key).unlink()
    Path(secret.files.key).symlink_to("/dev/zero")


def readable_to_all(secret: Secret) -> None:
    Path(secret.files.key).chmod(0o444)


def too_long(secret: Secret) -> None:
    certificate, key, authority = secret.content()
    secret.put_content(certificate + b"\n" * MAX_PEM_BYTES, key, authority)


def _client_pair() -> tuple[bytes, bytes]:
    """Return a certificate that says that it is no server's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), PAST, SOON)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return (
        built.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, *form),
    )


INVALID = [
    pytest.param(truncated_key, "are not a PEM certificate and its unencrypted key", id="half a key"),
    pytest.param(other_key, "are not a PEM certificate and its unencrypted key", id="another key"),
    pytest.param(empty_authority, "contains no PEM certificate", id="no authority"),
    pytest.param(expired, r"expired at 2021-01-01T00:00:00\+00:00; renew it", id="expired"),
    pytest.param(of_a_client_only, "are invalid for a server: un.* certificate purpose", id="a client's"),
    pytest.param(missing, "--tls-key: cannot read", id="a file is gone"),
    pytest.param(a_pipe, "--tls-cert: cannot read .* it is a named pipe, not a regular file", id="a pipe"),
    pytest.param(a_pipe_as_authority, "--tls-client-ca: cannot read .* it is a named pipe", id="a pipe as authority"),
    pytest.param(an_endless_device, "--tls-key: cannot read .* it is a device", id="an endless device"),
    pytest.param(
        readable_to_all, "--tls-key: cannot read .* accessible to every user.*`chmod o= FILE`", id="everyone's key"
    ),
    pytest.param(too_long, "--tls-cert: cannot read .* it has more than 4,194,304 bytes", id="too long"),
]


# Row 59 of the faults.
@pytest.mark.parametrize(("spoil", "sentence"), INVALID)
async def test_invalid_files_change_nothing_and_are_counted(
    secret: Secret, authorities: Authorities, spoil: Callable[[Secret], None], sentence: str
) -> None:
    certificate = ReloadingCertificate(secret.files)
    before = certificate.expires_at
    spoil(secret)

    for errors in (1, 2):
        with pytest.raises(CredentialsError, match=sentence):
            certificate.reload_if_changed()

        assert (certificate.errors, certificate.renewals, certificate.expires_at) == (errors, 0, before)
    async with (
        serving(certificate) as port,
        authorities.channel(port, authorities.server, authorities.clients) as channel,
    ):
        assert await answers(channel)


@pytest.mark.parametrize(("spoil", "sentence"), INVALID)
def test_a_server_does_not_start_with_invalid_files(
    secret: Secret, spoil: Callable[[Secret], None], sentence: str
) -> None:
    spoil(secret)

    with pytest.raises(CredentialsError, match=sentence):
        ReloadingCertificate(secret.files)


def test_valid_files_after_invalid_ones_are_loaded(secret: Secret, authorities: Authorities) -> None:
    certificate = ReloadingCertificate(secret.files)
    other_key(secret)
    with pytest.raises(CredentialsError):
        certificate.reload_if_changed()

    secret.put(authorities.server, authorities.clients, expires=SOON + dt.timedelta(days=1))

    assert certificate.reload_if_changed()
    assert (certificate.errors, certificate.renewals) == (1, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory that OpenSSL can open by a path")
def test_a_file_that_becomes_a_pipe_after_it_was_read_blocks_nothing(
    secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rolecall.security import tls_files

    load = tls_files._load_pair

    def after_the_reading(context: ssl.SSLContext, tls: TlsFiles, contents: PemContents) -> None:
        Path(secret.files.certificate).unlink(missing_ok=True)
        os.mkfifo(secret.files.certificate)
        load(context, tls, contents)

    monkeypatch.setattr(tls_files, "_load_pair", after_the_reading)

    with pytest.raises(CredentialsError, match="it is a named pipe"):
        load_certificate(secret.files, 0)


def test_without_files_in_memory_the_files_are_loaded_by_name(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rolecall.security.tls_files._file_in_memory", lambda: None)

    assert load_certificate(secret.files, 0).contents[:3] == secret.content()


def test_unchanged_files_are_not_reloaded(secret: Secret) -> None:
    certificate = ReloadingCertificate(secret.files)
    secret.put_content(*secret.content())

    assert not certificate.reload_if_changed()
    assert (certificate.errors, certificate.renewals) == (0, 0)


def test_it_is_known_when_the_certificate_expires(secret: Secret, authorities: Authorities) -> None:
    certificate = ReloadingCertificate(secret.files)
    assert certificate.expires_at == int(SOON.timestamp())

    later = SOON + dt.timedelta(days=60)
    secret.put(authorities.server, authorities.clients, expires=later)
    certificate.reload_if_changed()

    assert certificate.expires_at == int(later.timestamp())


def test_a_certificate_that_expires_while_in_use_is_reported(secret: Secret) -> None:
    now = SOON.timestamp() - 2
    certificate = ReloadingCertificate(secret.files, clock=lambda: now)
    assert not certificate.reload_if_changed()

    now += 2

    with pytest.raises(CredentialsError, match="expired at"):
        certificate.reload_if_changed()


def test_files_that_change_while_they_are_checked_are_read_again(
    secret: Secret, authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the certificate of before could be shown with the key of after, of which the files that were checked know nothing."""
    from rolecall.security import tls_files

    check, changes = tls_files._expiry_of_pair, iter([authorities.next_server])

    def changing(tls: TlsFiles, contents: PemContents) -> int:
        for server in changes:
            secret.put(server, authorities.clients)
        return check(tls, contents)

    monkeypatch.setattr(tls_files, "_expiry_of_pair", changing)

    loaded = load_certificate(secret.files, 0)

    assert loaded.contents[:3] == secret.content()


def test_files_that_keep_changing_are_refused(
    secret: Secret, authorities: Authorities, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rolecall.security import tls_files

    check = tls_files._expiry_of_pair

    attempts: list[TlsFiles] = []

    def changing(tls: TlsFiles, contents: PemContents) -> int:
        attempts.append(tls)
        secret.put(authorities.server, authorities.clients)
        return check(tls, contents)

    monkeypatch.setattr(tls_files, "_expiry_of_pair", changing)

    with pytest.raises(CredentialsError, match="change while they are read"):
        load_certificate(secret.files, 0)
    assert len(attempts) == 3


def test_a_certificate_is_valid_until_the_second_in_which_it_expires(secret: Secret) -> None:
    expiry = int(SOON.timestamp())

    assert load_certificate(secret.files, expiry - 1).expires_at == expiry
    with pytest.raises(CredentialsError, match="expired at"):
        load_certificate(secret.files, expiry)


async def test_the_files_are_checked_every_ten_seconds(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    certificate = ReloadingCertificate(secret.files)
    monkeypatch.setattr(asyncio, "sleep", sleep)

    with suppress(asyncio.CancelledError):
        await certificate.watch_files(lambda _: None)

    assert pauses == [10.0] * 3


def test_no_text_shows_the_key(secret: Secret) -> None:
    loaded = load_certificate(secret.files, 0)

    assert "PRIVATE" not in f"{loaded!r} {loaded}"


async def test_each_change_of_the_files_is_reported_once(secret: Secret, authorities: Authorities) -> None:
    certificate, reported = ReloadingCertificate(secret.files), asyncio.Queue[str]()
    keeping = asyncio.create_task(certificate.watch_files(lambda error: reported.put_nowait(str(error)), seconds=0.005))

    async def next_report() -> str:
        return await asyncio.wait_for(reported.get(), 30)

    before = secret.content()
    secret.put(authorities.next_server, authorities.clients)
    assert await next_report() == "None"
    secret.put_content(b"", b"", b"")
    assert "are not a PEM certificate" in await next_report()
    seen = certificate.errors
    while certificate.errors < seen + 3:  # noqa: ASYNC110  (a counter is all there is to wait for)
        await asyncio.sleep(0.005)
    secret.put_content(*before)
    assert await next_report() == "None"

    assert reported.empty()
    assert (certificate.renewals, secret.content()) == (2, before)
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_an_error_that_passes_by_itself_is_reported_as_passed(secret: Secret, tmp_path: Path) -> None:
    certificate, reported = ReloadingCertificate(secret.files), asyncio.Queue[str]()
    keeping = asyncio.create_task(certificate.watch_files(lambda error: reported.put_nowait(str(error)), seconds=0.005))

    (tmp_path / "..data").rename(tmp_path / "away")
    assert "cannot read" in await asyncio.wait_for(reported.get(), 30)
    (tmp_path / "away").rename(tmp_path / "..data")
    assert await asyncio.wait_for(reported.get(), 30) == "None"

    assert certificate.renewals == 0
    keeping.cancel()
    await asyncio.wait([keeping])


def test_a_certificate_does_not_show_its_key(secret: Secret) -> None:
    loaded = load_certificate(secret.files, 0)

    assert repr(loaded) == f"Certificate(expires_at={loaded.expires_at})"
