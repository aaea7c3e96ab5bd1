"""Who makes a call, as far as the transport's facts and the call's metadata go: what no test can send over loopback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from rolecall.callers.caller import Caller
from rolecall.callers.credential import ANONYMOUS, LOCAL, Credential
from rolecall.callers.directory import CallerDirectory
from rolecall.security import authentication
from rolecall.security.authentication import Authentication, RefusedCredentialsError
from rolecall.security.call_facts import authorization, is_local, source_ip
from rolecall.security.identity import UnidentifiedCallerError
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.key_sets import KeySets
from tests.callers.files import TOKEN_HASH
from tests.security.known_callers import ADMINISTRATOR, callers_file
from tests.security.test_certificate_chains import CLIENTS, Issued

TEST = "rct_test"
MICROS = 1_798_761_600 * 1_000_000  # in the year of the certificates


@dataclass
class Call:
    """A call as far as identification goes."""

    facts: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    address: str = "ipv4:10.1.2.3:7"
    metadata: Sequence[tuple[str, str]] = ()
    peers: int = 0

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        return self.facts

    def peer(self) -> str:
        return self.address

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        return self.metadata


SECURE = {"transport_security_type": [b"ssl"]}


def hash_of(token: str) -> str:
    from hashlib import sha256

    return sha256(token.encode()).hexdigest()


ENTRIES = [
    {"name": "script", "match": {"token_sha256": hash_of(TEST)}, **ADMINISTRATOR},
    {"name": "hosts", "match": {"dns": "*.example"}, **ADMINISTRATOR},
]


def identifying(nameless: Credential | None = None, clock: Any = None) -> Authentication:
    directory = CallerDirectory(callers_file({"callers": ENTRIES}))
    tokens = CallerTokens(directory, KeySets())
    return Authentication(
        directory, tokens, nameless=nameless, client_authority=lambda: CLIENTS.pem, clock=clock or (lambda: MICROS)
    )


def caller(of: Authentication, **call: Any) -> Caller:
    context: Any = Call(**call)
    return of.caller_of(context)


def cause(of: Authentication, **call: Any) -> str:
    with pytest.raises(RefusedCredentialsError) as caught:
        caller(of, **call)
    return caught.value.fault


BEARER = [("authorization", f"Bearer {TEST}")]


def test_a_token_in_plain_text_from_another_machine_is_refused_whatever_it_is() -> None:
    for nameless in (None, ANONYMOUS):
        assert cause(identifying(nameless), metadata=BEARER) == "PLAIN_TEXT"
        assert cause(identifying(nameless), metadata=[("authorization", "Bearer x")]) == "PLAIN_TEXT"


@pytest.mark.parametrize(
    ("facts", "address"),
    [
        (SECURE, "ipv4:10.1.2.3:7"), ({}, "ipv4:127.0.0.1:7"), ({}, "ipv6:[::1]:7"), ({}, "ipv6:%5B::1%5D:7"), ({}, "unix:"),
        ({}, "ipv6:[::ffff:127.0.0.1]:7"),
    ],
)  # fmt: skip
def test_a_token_over_tls_or_from_this_machine_is_the_caller(facts: Any, address: str) -> None:
    found = caller(identifying(), facts=facts, address=address, metadata=BEARER)

    assert found.credential.identity == f"token:{hash_of(TEST)[:16]}"


def test_the_scheme_of_a_token_is_read_without_regard_to_case() -> None:
    found = caller(identifying(), facts=SECURE, metadata=[("authorization", f"bEARER {TEST}")])

    assert found.credential.token_sha256 == hash_of(TEST)


def test_without_any_credential_a_call_has_no_caller_unless_one_is_meant() -> None:
    assert cause(identifying(), facts=SECURE) == "NO_CREDENTIALS"
    assert caller(identifying(LOCAL), address="unix:").credential is LOCAL


def test_a_transport_that_says_that_there_is_no_token_is_not_asked_for_metadata() -> None:
    @dataclass
    class Quick(Call):
        has_authorization: bool = False

        def invocation_metadata(self) -> Sequence[tuple[str, str]]:
            raise AssertionError

    context: Any = Quick(facts={})

    assert authorization(context) == ()
    assert identifying(LOCAL).caller_of(context).credential is LOCAL


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.1.2.3:50051", "10.1.2.3"), ("ipv6:[2001:db8::1]:7", "2001:db8::1"), ("ipv6:%5B2001:db8::1%5D:7", "2001:db8::1"),
        ("ipv6:[::ffff:10.1.2.3]:7", "10.1.2.3"), ("ipv6:[fe80::1%25eth0]:7", "fe80::1"), ("ipv6:[fe80::1%eth0]:7", "fe80::1"),
        ("unix:", ""), ("unix:/run/rolecall.sock", ""),
    ],
)  # fmt: skip
def test_the_address_of_a_peer_is_the_one_that_policies_compare(peer: str, address: str) -> None:
    assert source_ip(peer) == address
    assert is_local(peer) is (address == "")


def with_certificate(issued: Issued, name: bytes) -> dict[str, list[bytes]]:
    return {**SECURE, "peer_dns": [name], "x509_pem_cert": [issued.pem]}


def test_what_a_certificate_proves_is_remembered_with_the_certificate_and_not_with_its_names() -> None:
    """Two certificates may have one name and different CAs: the second must not be let in by the first."""
    who, own, other = identifying(), Issued("own", CLIENTS, ca=False), Issued("other", Issued("stranger"), ca=False)

    for _ in range(2):
        assert caller(who, facts=with_certificate(own, b"a.example")).credential.identity == "a.example"
        with pytest.raises(Exception, match="does not come from"):
            caller(who, facts=with_certificate(other, b"a.example"))


def test_an_error_that_is_remembered_does_not_collect_traces() -> None:
    who, raised = identifying(), list[UnidentifiedCallerError]()
    for _ in range(3):
        with pytest.raises(UnidentifiedCallerError) as caught:
            caller(who, facts={**SECURE, "peer_dns": [b"a", b"b"], "x509_pem_cert": [b"x"]})
        raised.append(caught.value)

    assert len({id(error) for error in raised}) == 3


def test_a_certificate_is_valid_until_its_last_second() -> None:
    now = MICROS
    who = identifying(clock=lambda: now)
    facts = with_certificate(Issued("own", CLIENTS, ca=False, days=2), b"a.example")
    assert caller(who, facts=facts).credential.expires_at == MICROS + 2 * 86_400_000_000

    now = MICROS + 2 * 86_400_000_000 - 1
    assert caller(who, facts=facts).credential.identity == "a.example"
    now += 1

    with pytest.raises(Exception, match=r"has expired|does not come from"):
        caller(who, facts=facts)


def test_what_is_remembered_of_connections_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "MAX_KNOWN", 100)
    who: Any = identifying(LOCAL)
    for number in range(1_000):
        caller(who, address=f"ipv4:10.0.{number // 250}.{number % 250}:7")
        assert len(who._known) <= 100
        assert who._known_bytes <= 100 * 1_100


def test_connections_of_one_address_share_what_is_remembered() -> None:
    who: Any = identifying(LOCAL)
    for port in range(1_000):
        caller(who, address=f"ipv4:10.0.0.1:{port}")

    assert len(who._known) == 1


def test_the_caller_of_an_address_is_not_that_of_another() -> None:
    who = identifying(LOCAL)
    first, second = (caller(who, address=f"ipv4:10.0.0.{host}:7") for host in (1, 2))

    assert first is not second
    assert first is caller(who, address="ipv4:10.0.0.1:9")


def test_callers_without_a_name_are_their_connections() -> None:
    who, nobody = identifying(LOCAL), identifying()
    local: Any = Call(facts={})
    refused: Any = Call(facts=SECURE, metadata=[("authorization", "Bearer x")])
    named: Any = Call(facts=SECURE, metadata=BEARER)

    assert who.name_of(local) is None
    assert nobody.name_of(refused) is None
    assert nobody.name_of(named) == f"token:{hash_of(TEST)[:16]}"


def test_a_static_token_that_no_entry_lists_is_refused_however_it_begins() -> None:
    for token in ("rct_", "rct_" + "x" * 600, f"rct_{TOKEN_HASH}"):
        with pytest.raises(Exception, match="no entry of the callers file has the hash"):
            caller(identifying(), facts=SECURE, metadata=[("authorization", f"Bearer {token}")])
