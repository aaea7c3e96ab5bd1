"""Which listeners may be opened, whom they ask for a certificate, and what a change of the callers file reaches."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN
from rolecall.callers.directory import CallerDirectory
from rolecall.security import tls_files
from rolecall.security.authentication import RefusedCredentialsError
from rolecall.security.credentials import CredentialsError, ListenerSecurity, TlsFiles, listener_security
from rolecall.security.identity import authenticated
from rolecall.security.tls_files import MAX_PEM_BYTES, PemContents, load_certificate
from rolecall.security.tls_reload import ReloadingCertificate
from rolecall.security.tokens.key_sets import KeySets
from tests.security.certificates import Authority
from tests.security.known_callers import ADMINISTRATOR, callers_file
from tests.security.test_known_connections import ADMIN
from tests.security.test_who_calls import BEARER, SECURE, TEST, Call, hash_of

STATIC = {"name": "script", "match": {"token_sha256": hash_of(TEST)}, **ADMINISTRATOR}
WORKLOAD = {"name": "a", "match": {"spiffe": "spiffe://prod.example/a"}, **ADMINISTRATOR}
USER = {"name": "cron", "match": {"uid": 7}, **ADMINISTRATOR}
DOMAINS = {"trust_domains": {"prod.example": "ca"}, "callers": [WORKLOAD]}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("second"))


def files(authority: Authority, *, clients: bool = False) -> TlsFiles:
    folder = authority.folder
    return TlsFiles(
        certificate=str(folder / "cert.pem"),
        key=str(folder / "key.pem"),
        client_authority=str(folder / "ca.pem") if clients else "",
    )


def known(value: dict[str, Any], **authorities: bytes) -> CallerDirectory:
    return CallerDirectory(callers_file(value, {"prod.example": authorities.get("pem", b"")}))


def listener(
    tls: TlsFiles, directory: CallerDirectory, *, loopback: bool = False, insecure: bool = False, **options: Any
) -> ListenerSecurity:
    return listener_security(tls, directory, loopback=loopback, insecure=insecure, **options)


def identity_on(security: ListenerSecurity, **call: Any) -> str:
    context: Any = Call(**call)
    if security.authenticate is None:
        return security.identify(context).credential.identity
    return security.authenticate(context).credential.identity


def test_beyond_this_machine_callers_have_certificates_or_tokens_over_tls(authority: Authority) -> None:
    tls, pem = files(authority), authority.pem
    opened = [
        listener(files(authority, clients=True), known({"callers": []})),
        listener(tls, known(DOMAINS, pem=pem)),
        listener(tls, known({"callers": [STATIC]})),
        listener(TlsFiles(), CallerDirectory(), insecure=True),
    ]
    assert [bool(security.warning) for security in opened] == [False, False, False, True]

    for refused, directory in (
        (tls, known({"callers": []})), (TlsFiles(), known({"callers": [STATIC]})), (TlsFiles(), known(DOMAINS, pem=pem)),
        (tls, CallerDirectory()), (TlsFiles(), CallerDirectory()),
    ):  # fmt: skip
        with pytest.raises(CredentialsError):
            listener(refused, directory)


def test_why_a_listener_may_not_be_opened_says_what_to_give(authority: Authority) -> None:
    with pytest.raises(CredentialsError) as plain:
        listener(TlsFiles(), CallerDirectory())
    with pytest.raises(CredentialsError) as tls:
        listener(files(authority), CallerDirectory())
    with pytest.raises(CredentialsError) as clients:
        listener(files(authority, clients=True), CallerDirectory(), insecure=True)

    assert "give --tls-cert, --tls-key and --tls-client-ca, listen on 127.0.0.1, or give --insecure" in str(plain.value)
    assert "give --tls-client-ca, or --callers with issuers or static tokens, or --insecure" in str(tls.value)
    assert "write one with `rolecall callers init --admin IDENTITY > callers.yaml`" in str(clients.value)


@pytest.mark.parametrize(
    ("options", "nameless"),
    [({"loopback": True}, LOCAL), ({"insecure": True}, ANONYMOUS), ({"loopback": True, "insecure": True}, LOCAL)],
)
def test_the_caller_without_credentials_is_that_of_the_listener(options: dict[str, bool], nameless: Any) -> None:
    security = listener(TlsFiles(), CallerDirectory(), **options)
    with_file = listener(TlsFiles(), known({"callers": [STATIC]}), **options)

    assert identity_on(security) == identity_on(with_file) == nameless.identity
    assert (security.authentication, security.name_of) == (None, None)
    assert with_file.identify is authenticated
    assert with_file.name_of is not None
    assert bool(security.warning) is (nameless is ANONYMOUS)
    assert identity_on(with_file, facts=SECURE, metadata=BEARER) == f"token:{hash_of(TEST)[:16]}"


def test_with_an_admin_socket_every_call_is_authenticated() -> None:
    security = listener(TlsFiles(), CallerDirectory(), loopback=True, admin_socket=True)

    assert identity_on(security, facts=ADMIN, address="unix:") == LOCAL_ADMIN.identity
    assert identity_on(security) == LOCAL.identity


def test_where_certificates_are_asked_for_there_is_no_caller_without_one(authority: Authority) -> None:
    for security in (
        listener(files(authority, clients=True), known({"callers": []}), loopback=True),
        listener(files(authority), known(DOMAINS, pem=authority.pem), loopback=True),
    ):
        assert security.certificate is not None
        assert security.certificate.clients_required
        with pytest.raises(RefusedCredentialsError) as caught:
            identity_on(security, facts=SECURE)
        assert caught.value.fault == "NO_CREDENTIALS"
    without = listener(files(authority), known({"callers": [STATIC]}), loopback=True).certificate
    assert without is not None
    assert not without.clients_required


def test_entries_with_users_need_a_transport_that_knows_them() -> None:
    for callers, sees_users, accepted in (
        ([USER], True, True),
        ([USER], False, False),
        ([STATIC], False, True),
        ([STATIC, USER], False, False),
    ):
        directory = known({"callers": callers})
        if accepted:
            listener(TlsFiles(), directory, loopback=True, sees_users=sees_users)
        else:
            with pytest.raises(CredentialsError, match="use --transport h2, or match those callers by `local: true`"):
                listener(TlsFiles(), directory, loopback=True, sees_users=sees_users)
    listener(TlsFiles(), CallerDirectory(), loopback=True, sees_users=False)


def test_a_change_of_the_callers_file_reaches_tokens_providers_certificates_and_keys(authority: Authority) -> None:
    sets, directory = KeySets(), known({"callers": []})
    security = listener(TlsFiles(), directory, loopback=True, key_sets=sets)
    provider = {"arn": "acs:ram::123456789012:oidc-provider/ci", "issuer": "i", "audiences": ["a"], "jwks_file": "p"}
    value = {
        "issuers": {"https://i": {"jwks_file": "k"}}, "providers": [provider], "callers": [STATIC, WORKLOAD],
        "trust_domains": {"prod.example": "ca"},
    }  # fmt: skip
    before = security.caller_tokens.accepted

    directory.replace(callers_file(value, {"prod.example": authority.pem}))

    assert (before, security.caller_tokens.accepted) == (False, True)
    assert list(sets.by_owner()) == ["https://i", provider["arn"]]
    assert security.key_sets is sets
    authentication: Any = security.authentication
    assert list(authentication._domains) == ["prod.example"]
    directory.replace(callers_file({"callers": []}))
    assert (security.caller_tokens.accepted, sets.by_owner(), authentication._domains) == (False, {}, {})


def test_a_new_certificate_brings_the_authorities_of_clients_that_were_loaded_with_it(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    security = listener(files(authority, clients=True), known({"callers": []}), loopback=True)
    renewed: list[bytes] = []
    authentication: Any = security.authentication
    monkeypatch.setattr(authentication, "renew_authorities", lambda: renewed.append(authentication._client_authority()))

    security.on_certificate()

    assert renewed == [authority.pem]
    listener(TlsFiles(), CallerDirectory(), loopback=True).on_certificate()


# --- how connections are secured -------------------------------------------------------------------------------------------


def test_connections_have_tls_1_2_or_1_3_and_nothing_that_hides_a_chain(authority: Authority) -> None:
    context = load_certificate(files(authority), 0).context

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_TICKET
    assert context.num_tickets == 0
    assert context.verify_mode is ssl.CERT_NONE
    assert context.get_ca_certs() == []


def test_clients_are_asked_for_certificates_of_every_authority_that_is_known(
    authority: Authority, other: Authority
) -> None:
    def accepted(tls: TlsFiles, domains: bytes = b"", *, required: bool = False) -> tuple[int, ssl.VerifyMode]:
        loaded = load_certificate(tls, 0, domains, clients_required=required)
        return len(loaded.context.get_ca_certs()), loaded.context.verify_mode

    clients, plain = files(authority, clients=True), files(authority)
    assert accepted(clients) == (1, ssl.CERT_REQUIRED)
    assert accepted(clients, other.pem) == (2, ssl.CERT_REQUIRED)
    assert accepted(plain, other.pem, required=True) == (1, ssl.CERT_REQUIRED)
    assert accepted(plain, other.pem) == (1, ssl.CERT_NONE)
    assert accepted(plain, required=True) == (0, ssl.CERT_REQUIRED)
    with pytest.raises(CredentialsError, match="the CA files of the trust domains contain no PEM certificate"):
        load_certificate(plain, 0, b"none")


def test_the_authorities_of_a_handshake_are_those_of_clients_and_of_trust_domains() -> None:
    def authorities(clients: bytes | None, domains: bytes) -> bytes | None:
        return PemContents(b"", b"", clients, domains).authorities

    assert authorities(b"a", b"b") == b"a\nb"
    assert (authorities(None, b"b"), authorities(b"a", b""), authorities(None, b"")) == (b"b", b"a", None)


def test_trust_domains_that_are_added_are_accepted_with_the_next_check(authority: Authority, other: Authority) -> None:
    domains = [authority.pem]
    certificate = ReloadingCertificate(files(authority), trust_domains=lambda: domains[0])
    assert (certificate.client_authority, certificate.clients_required) == (b"", True)

    assert not certificate.reload_if_changed()
    domains[0] = authority.pem + other.pem
    assert certificate.reload_if_changed()

    assert len(certificate.context().get_ca_certs()) == 2
    assert certificate.context().verify_mode is ssl.CERT_REQUIRED
    domains[0] = b""
    assert certificate.reload_if_changed()
    assert certificate.context().verify_mode is ssl.CERT_REQUIRED


def test_files_may_be_as_large_as_the_limit(authority: Authority, tmp_path: Path) -> None:
    large = tmp_path / "cert.pem"
    content = (authority.folder / "cert.pem").read_bytes()
    large.write_bytes(content + b"\n" * (MAX_PEM_BYTES - len(content)))
    tls = TlsFiles(certificate=str(large), key=files(authority).key)

    assert load_certificate(tls, 0).expires_at > 0
    large.write_bytes(content + b"\n" * (MAX_PEM_BYTES - len(content) + 1))
    with pytest.raises(CredentialsError, match="it has more than 4,194,304 bytes"):
        load_certificate(tls, 0)


def test_a_system_that_has_no_files_in_memory_loads_the_files_by_name(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr("os.memfd_create", refuse)
    assert load_certificate(files(authority), 0).expires_at > 0
    monkeypatch.setattr(tls_files.sys, "platform", "darwin")  # type: ignore[attr-defined]
    assert load_certificate(files(authority), 0).expires_at > 0
