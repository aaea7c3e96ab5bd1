"""What a listener does with each of its settings alone, and what it does when one is not given."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

import pytest
import trustme

from rolecall.callers.credential import ANONYMOUS
from rolecall.callers.directory import CallerDirectory
from rolecall.security import tls_files
from rolecall.security.credentials import CredentialsError, TlsFiles, listener_security
from rolecall.security.tls_files import load_certificate
from tests.security.certificates import Authority
from tests.security.known_callers import ADMINISTRATOR, callers_file
from tests.security.test_listener_security import authority, files, identity_on, listener

__all__ = ["authority"]

EACH_FILE: list[dict[str, str]] = [{"certificate": "a"}, {"key": "a"}, {"client_authority": "a"}]
INSECURE = "INSECURE: accepting calls from other machines {}; every client that reaches this port may ask for decisions (--insecure)"


@pytest.mark.parametrize("named", EACH_FILE, ids="".join)
def test_one_tls_file_alone_never_means_plain_text(named: dict[str, str]) -> None:
    tls = TlsFiles(**named)
    directory = CallerDirectory(callers_file({"callers": []}))

    assert tls.given
    assert not TlsFiles().given
    for way in ({"loopback": True}, {"insecure": True}):
        with pytest.raises(CredentialsError, match=r"^TLS needs both --tls-cert and --tls-key$"):
            listener(tls, directory, **way)


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_certificate_needs_its_key_and_a_key_its_certificate(missing: str) -> None:
    names = {"certificate": "a", "key": "b", "client_authority": "c", missing: ""}

    with pytest.raises(CredentialsError, match=r"^TLS needs both --tls-cert and --tls-key$"):
        load_certificate(TlsFiles(**names), 0)


def test_the_warning_of_an_insecure_listener_says_what_it_lacks(authority: Authority) -> None:
    plain = listener(TlsFiles(), CallerDirectory(), insecure=True)
    over_tls = listener(files(authority), CallerDirectory(), insecure=True)

    assert plain.warning == INSECURE.format("in plain text")
    assert over_tls.warning == INSECURE.format("without client certificates")
    assert identity_on(over_tls) == ANONYMOUS.identity


def test_a_transport_knows_the_users_of_this_machine_unless_it_says_otherwise() -> None:
    named = {"name": "cron", "match": {"uid": 7}, **ADMINISTRATOR}
    directory = CallerDirectory(callers_file({"callers": [named]}))

    security = listener_security(TlsFiles(), directory, loopback=True, insecure=False)

    facts: Any = {"peer_uid": [b"7"]}
    assert identity_on(security, facts=facts, address="unix:") == "uid:7"
    assert security.key_sets.by_owner() == {}


def test_the_password_of_a_key_is_never_asked_for_at_a_terminal(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    load = ssl.SSLContext.load_cert_chain

    def noted(self: ssl.SSLContext, certificate: str, key: str, password: str | None = None) -> None:
        given.append(password)
        load(self, certificate, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", noted)

    load_certificate(files(authority), 0)

    # OpenSSL asks if it is given none.
    assert given == ["", ""]


def test_tls_1_2_is_the_least_version_whatever_the_system_allows(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: list[object] = []
    least: Any = ssl.SSLContext.minimum_version

    def noted(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
        versions.append(version)
        least.fset(context, version)

    monkeypatch.setattr(ssl.SSLContext, "minimum_version", property(least.fget, noted))

    context = load_certificate(files(authority), 0).context

    assert versions == [ssl.TLSVersion.TLSv1_2]
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.maximum_version is ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_a_pair_that_fails_in_a_handshake_is_refused_with_what_openssl_says(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = files(authority)

    def fail(*_: object) -> None:
        error = ssl.SSLError(1, "[SSL: NO_SHARED_CIPHER] no shared cipher")
        error.reason = "NO_SHARED_CIPHER"
        raise error

    monkeypatch.setattr("rolecall.security.tls_files._presented_certificate", fail)

    with pytest.raises(CredentialsError) as caught:
        load_certificate(tls, 0)

    pair = f"--tls-cert `{tls.certificate}` and --tls-key `{tls.key}`"
    assert str(caught.value) == f"{pair} are invalid for a server: no_shared_cipher"


def test_the_ca_of_every_trust_domain_is_accepted_however_its_file_ends(authority: Authority) -> None:
    names = ("a.example", "b.example", "c.example")
    pems = [trustme.CA().cert_pem.bytes() for _ in names]
    endings = (b"", b"\n", b"\n# the end")
    contents = {name: pem.strip() + end for name, pem, end in zip(names, pems, endings, strict=True)}
    directory = CallerDirectory(callers_file({"trust_domains": dict.fromkeys(names, "ca"), "callers": []}, contents))

    security = listener(files(authority), directory, loopback=True)

    assert security.certificate is not None
    assert len(security.certificate.context().get_ca_certs()) == 3


def test_a_handshake_chooses_http_2_of_what_a_client_speaks(authority: Authority) -> None:
    context, client = load_certificate(files(authority), 0).context, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_alpn_protocols(["http/1.1", "h2"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(to_client, to_server), context.wrap_bio(to_server, to_client, server_side=True)

    for end in ends * 3:
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()

    assert [end.selected_alpn_protocol() for end in ends] == ["h2", "h2"]


@pytest.mark.parametrize(("changes", "reads"), [(0, 2), (1, 4), (2, 6), (3, 6)])
def test_files_that_change_while_they_are_read_are_read_again_twice(
    authority: Authority, changes: int, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    contents = tls_files.read_contents(files(authority), b"")

    def changing(*_: object) -> tls_files.PemContents:
        # The second of two readings differs while the files change.
        read.append(b"a" if len(read) % 2 and len(read) < 2 * changes else b"b")
        return contents._replace(trust_domains=read[-1])

    monkeypatch.setattr(tls_files, "read_contents", changing)
    monkeypatch.setattr(tls_files, "_context", lambda *_, **__: None)

    if changes < 3:
        assert load_certificate(files(authority), 0).contents.trust_domains == b"b"
    else:
        with pytest.raises(CredentialsError) as caught:
            load_certificate(files(authority), 0)
        name = f"--tls-cert `{files(authority).certificate}`"
        assert str(caught.value) == f"{name} and the other TLS files change while they are read; retry"
    assert len(read) == reads
