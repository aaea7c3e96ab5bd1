from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from rolecall.callers.credential import ANONYMOUS, LOCAL
from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.security.credentials import CredentialsError, TlsFiles, listener_security
from rolecall.security.identity import authenticated

CALLERS = CallerDirectory(CallersFile())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "key.pem").chmod(0o600)
    return TlsFiles(
        certificate=str(folder / "cert.pem"), key=str(folder / "key.pem"), client_authority=str(folder / "ca.pem")
    )


def without_clients(files: TlsFiles) -> TlsFiles:
    return TlsFiles(certificate=files.certificate, key=files.key)


def test_on_this_machine_plain_text_is_taken_and_everybody_is_local() -> None:
    security = listener_security(TlsFiles(), CallerDirectory(), loopback=True, insecure=False)

    assert (security.certificate, security.warning) == (None, "")
    assert security.identify(None).credential == LOCAL  # type: ignore[arg-type]


def test_beyond_this_machine_nothing_is_taken_without_certificates_of_clients(files: TlsFiles) -> None:
    for tls in (TlsFiles(), without_clients(files)):
        with pytest.raises(CredentialsError, match="--tls-client-ca"):
            listener_security(tls, CALLERS, loopback=False, insecure=False)


def test_insecure_warns_and_makes_every_caller_anonymous(files: TlsFiles) -> None:
    for tls in (TlsFiles(), without_clients(files)):
        security = listener_security(tls, CallerDirectory(), loopback=False, insecure=True)

        assert "INSECURE" in security.warning
        assert security.identify(None).credential == ANONYMOUS  # type: ignore[arg-type]


def test_with_an_authority_callers_are_whom_their_certificates_name_also_with_insecure(files: TlsFiles) -> None:
    for loopback, insecure in ((True, False), (False, False), (False, True)):
        security = listener_security(files, CALLERS, loopback=loopback, insecure=insecure)

        assert (security.identify, security.warning) == (authenticated, "")
        assert security.certificate is not None


def test_clients_with_certificates_need_a_callers_file(files: TlsFiles) -> None:
    with pytest.raises(CredentialsError, match="rolecall callers init --admin IDENTITY"):
        listener_security(files, CallerDirectory(), loopback=True, insecure=False)


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_certificate_and_its_key_belong_together(files: TlsFiles, missing: str) -> None:
    given = {"certificate": files.certificate, "key": files.key, missing: ""}

    with pytest.raises(CredentialsError, match="both --tls-cert and --tls-key"):
        listener_security(TlsFiles(**given), CALLERS, loopback=True, insecure=False)


def test_a_missing_file_is_named_with_its_flag(files: TlsFiles, tmp_path: Path) -> None:
    tls = TlsFiles(certificate=str(tmp_path / "none.pem"), key=files.key)

    with pytest.raises(CredentialsError, match=r"--tls-cert: cannot read `.*none\.pem`: no such file"):
        listener_security(tls, CALLERS, loopback=True, insecure=False)


def test_a_key_of_another_certificate_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    trustme.CA().issue_cert("other").private_key_pem.write_to_path(tmp_path / "other.pem")
    (tmp_path / "other.pem").chmod(0o600)

    with pytest.raises(CredentialsError, match="are not a PEM certificate and its unencrypted key"):
        listener_security(
            TlsFiles(certificate=files.certificate, key=str(tmp_path / "other.pem")),
            CALLERS,
            loopback=True,
            insecure=False,
        )


def test_an_authority_without_certificate_is_refused(files: TlsFiles) -> None:
    tls = TlsFiles(certificate=files.certificate, key=files.key, client_authority=files.key)

    with pytest.raises(CredentialsError, match="contains no PEM certificate"):
        listener_security(tls, CALLERS, loopback=True, insecure=False)


def test_on_this_machine_a_certificate_is_used_without_those_of_clients(files: TlsFiles) -> None:
    security = listener_security(without_clients(files), CallerDirectory(), loopback=True, insecure=False)

    assert security.certificate is not None
    assert security.certificate is not None
    assert security.warning == ""
    assert security.identify(None).credential == LOCAL  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "sentence"), [(False, "in plain text;"), (True, "without client certificates;")])
def test_the_warning_says_what_is_missing(files: TlsFiles, given: bool, sentence: str) -> None:
    tls = without_clients(files) if given else TlsFiles()

    assert (
        f"accepting calls from other machines {sentence}"
        in listener_security(tls, CALLERS, loopback=False, insecure=True).warning
    )


@pytest.mark.parametrize(
    ("given", "sentence"), [(False, "in plain text and without"), (True, "must present a certificate")]
)
def test_the_refusal_says_what_to_give(files: TlsFiles, given: bool, sentence: str) -> None:
    tls = without_clients(files) if given else TlsFiles()

    with pytest.raises(CredentialsError, match=sentence):
        listener_security(tls, CALLERS, loopback=False, insecure=False)


@pytest.mark.parametrize("name", ["certificate", "key", "client_authority"])
def test_one_file_is_enough_to_ask_for_tls(name: str) -> None:
    assert TlsFiles(**{name: "x"}).given
    assert not TlsFiles().given
