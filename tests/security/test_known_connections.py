"""What is remembered of connections and of tokens on them: for how long, how much, and under which facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rolecall.callers.caller import FOREVER
from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential
from rolecall.callers.directory import CallerDirectory
from rolecall.security import authentication
from rolecall.security.authentication import Authentication, RefusedCredentialsError
from rolecall.security.call_facts import chain_of, uid_of
from rolecall.security.certificate_chains import PresentedChain, UntrustedCertificateError
from rolecall.security.identity import UnidentifiedCallerError, authenticated
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.key_sets import KeySets
from tests.security.known_callers import ADMINISTRATOR, callers_file
from tests.security.test_certificate_chains import CLIENTS, DAY, NOW, PROD, Issued
from tests.security.test_who_calls import BEARER, MICROS, SECURE, TEST, Call, caller, cause, hash_of, identifying

Facts = Mapping[str, Sequence[bytes]]

MINUTE = 60_000_000
ADMIN: Facts = {"transport_security_type": [b"local"]}
TWO_NAMES: Facts = {**SECURE, "peer_dns": [b"a", b"b"], "x509_pem_cert": [b"x"]}
DAY_MICROS = 86_400_000_000


def certified(issued: Issued, name: bytes = b"a.example", *others: Issued) -> Facts:
    chain = {"x509_pem_cert_chain": [other.pem for other in others]} if others else {}
    return {**SECURE, "peer_dns": [name], "x509_pem_cert": [issued.pem], **chain}


class Clock:
    def __init__(self) -> None:
        self.now = MICROS

    def __call__(self) -> int:
        return self.now


def learned(who: Authentication, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows whenever something is found out about a connection."""
    asked: list[object] = []
    find: Any = who._by_connection

    def noted(facts: Facts, now: int) -> Any:
        asked.append(facts)
        return find(facts, now)

    monkeypatch.setattr(who, "_by_connection", noted)
    return asked


STRANGER = Issued("leaf", Issued("stranger"), ca=False)


@pytest.mark.parametrize("facts", [TWO_NAMES, certified(STRANGER)], ids=["two names", "another CA"])
def test_it_is_remembered_for_a_minute_that_a_certificate_is_refused_and_why(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    who = identifying(clock=clock)
    asked, errors = learned(who, monkeypatch), list[Any]()

    for passed in (0, 1, MINUTE - 1, MINUTE):
        clock.now = MICROS + passed
        with pytest.raises((UnidentifiedCallerError, UntrustedCertificateError)) as caught:
            caller(who, facts=facts)
        errors.append(caught.value)

    assert len(asked) == 2
    assert len({str(error) for error in errors}) == 1
    assert len({repr(vars(error)) for error in errors}) == 1


def test_a_refused_certificate_says_what_it_names_or_which_rule_it_breaks_each_time() -> None:
    who = identifying()
    for _ in range(2):
        with pytest.raises(UnidentifiedCallerError) as names:
            caller(who, facts={**TWO_NAMES, "peer_uri": [b"spiffe:x"]})
        with pytest.raises(UntrustedCertificateError) as rule:
            caller(who, facts=certified(STRANGER))

        assert (names.value.spiffe_ids, names.value.dns_names) == (1, 2)
        assert rule.value.fault == "WRONG_CA"
        assert str(rule.value).startswith("the certificate does not come from a CA of --tls-client-ca: ")


def test_beside_a_certificate_that_is_refused_a_token_is_no_way_in() -> None:
    with pytest.raises(UnidentifiedCallerError):
        caller(identifying(), facts=TWO_NAMES, metadata=BEARER)
    with pytest.raises(UntrustedCertificateError):
        caller(identifying(), facts=certified(STRANGER), metadata=BEARER)


def without_file(nameless: Credential | None, clock: Clock) -> Authentication:
    directory = CallerDirectory()
    return Authentication(directory, CallerTokens(directory, KeySets()), nameless=nameless, clock=clock)


def test_without_a_callers_file_a_certificate_is_valid_until_it_expires() -> None:
    clock = Clock()
    who, facts = without_file(LOCAL, clock), certified(Issued("own", ca=False, days=2), b"a.example")

    assert caller(who, facts=facts).credential.expires_at == MICROS + 2 * DAY_MICROS
    clock.now = MICROS + 2 * DAY_MICROS - 1
    assert caller(who, facts=facts).credential.identity == "a.example"
    clock.now += 1

    assert cause(who, facts=facts) == "CERTIFICATE_EXPIRED"
    clock.now += 10 * DAY_MICROS
    with pytest.raises(RefusedCredentialsError, match="the client certificate has expired"):
        caller(who, facts=facts)


def test_a_caller_without_a_certificate_stays_the_same() -> None:
    clock = Clock()
    who = without_file(LOCAL, clock)
    first = caller(who, address="unix:")

    clock.now = FOREVER - 1

    assert caller(who, address="unix:") is first


def test_a_user_is_a_caller_where_an_entry_names_it() -> None:
    named = {"name": "cron", "match": {"uid": 1000}, **ADMINISTRATOR}
    directory = CallerDirectory(callers_file({"callers": [named]}))
    who = Authentication(directory, CallerTokens(directory, KeySets()), nameless=LOCAL)

    users = [caller(who, facts={"peer_uid": [uid]}, address="unix:").credential for uid in (b"1000", b"1001")]

    assert (users[0].identity, users[0].uid, users[1]) == ("uid:1000", 1000, LOCAL)
    assert caller(without_file(LOCAL, Clock()), facts={"peer_uid": [b"1000"]}, address="unix:").credential is LOCAL


def test_the_admin_socket_has_its_caller_and_no_token() -> None:
    who = identifying(LOCAL)

    assert caller(who, facts=ADMIN, address="unix:").credential is LOCAL_ADMIN
    assert cause(who, facts=ADMIN, address="unix:", metadata=BEARER) == "TOKEN_ON_ADMIN_SOCKET"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["Bearer"], "UNKNOWN_SCHEME"), (["Bearer "], "UNKNOWN_SCHEME"), ([f"Basic {TEST}"], "UNKNOWN_SCHEME"), ([""], "UNKNOWN_SCHEME"),
        ([f"Bearer {TEST}"] * 2, "SEVERAL_TOKENS"), ([f"Bearer {TEST}", ""], "SEVERAL_TOKENS"),
    ],
)  # fmt: skip
def test_a_call_has_one_bearer_token(values: list[str], expected: str) -> None:
    metadata = [("x", "y"), *(("authorization", value) for value in values), ("z", "")]

    assert cause(identifying(), facts=SECURE, metadata=metadata) == expected


def test_every_fact_of_a_connection_distinguishes_it() -> None:
    who = identifying(LOCAL)
    between = Issued("between", CLIENTS)
    calls: list[dict[str, Any]] = [
        {"facts": {}}, {"facts": SECURE}, {"facts": {"peer_uid": [b"7"]}}, {"facts": {}, "address": "ipv4:10.1.2.4:7"},
        {"facts": certified(Issued("own", between, ca=False), b"a.example", between)},
    ]  # fmt: skip

    for call in calls:
        caller(who, **call)

    known: Any = who
    assert len(known._known) == len(calls)
    with pytest.raises(UntrustedCertificateError):
        caller(who, facts=certified(Issued("own", between, ca=False)))


def test_the_intermediate_certificates_of_a_client_distinguish_its_connections() -> None:
    between = Issued("between", CLIENTS)
    leaf = Issued("own", between, ca=False)
    who = identifying()

    with pytest.raises(UntrustedCertificateError):
        caller(who, facts=certified(leaf))
    assert caller(who, facts=certified(leaf, b"a.example", between)).credential.identity == "a.example"
    with pytest.raises(UntrustedCertificateError):
        caller(who, facts=certified(leaf))


def test_as_many_connections_as_the_limit_are_remembered_and_then_all_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authentication, "MAX_KNOWN", 3)
    who: Any = identifying(LOCAL)

    def call(host: int) -> Any:
        return caller(who, address=f"ipv4:10.0.0.{host}:7")

    for host in (1, 2, 3, 1, 2, 3):
        call(host)
    assert len(who._known) == 3
    each = who._known_bytes // 3
    call(4)

    assert (len(who._known), who._known_bytes) == (1, each)


def test_connections_take_as_many_bytes_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    who: Any = identifying(LOCAL)
    caller(who, address="ipv4:10.0.0.1:7")
    each = who._known_bytes
    monkeypatch.setattr(authentication, "MAX_KNOWN_BYTES", 2 * each)

    for host in (2, 2, 1):
        caller(who, address=f"ipv4:10.0.0.{host}:7")
    assert (len(who._known), who._known_bytes) == (2, 2 * each)
    caller(who, address="ipv4:10.0.0.30:7")

    assert (len(who._known), who._known_bytes) == (1, each + 1)


def test_what_is_learned_again_is_counted_once() -> None:
    clock = Clock()
    who: Any = identifying(clock=clock)
    sizes = []
    for _ in range(3):
        with pytest.raises(UnidentifiedCallerError):
            caller(who, facts=TWO_NAMES)
        sizes.append(who._known_bytes)
        clock.now += MINUTE

    assert len(set(sizes)) == 1


def test_a_token_is_one_caller_on_each_connection() -> None:
    who = identifying()
    inside, outside = "ipv4:10.1.2.3:7", "ipv4:10.1.2.4:7"

    first, again, other, back = (
        caller(who, facts=SECURE, address=address, metadata=BEARER) for address in (inside, inside, outside, inside)
    )

    assert first is again is back
    assert other is not first


def test_a_token_has_the_address_and_the_security_of_its_connection() -> None:
    policy = {
        "Version": "1",
        "Statement": [{
            "Effect": "Allow", "Action": "ram:GetRole", "Resource": "*",
            "Condition": {"IpAddress": {"acs:SourceIp": "10.1.2.3"}, "Bool": {"acs:SecureTransport": "true"}},
        }],
    }  # fmt: skip
    entry = {"name": "script", "match": {"token_sha256": hash_of(TEST)}, "policies": ["Here"]}
    directory = CallerDirectory(callers_file({"callers": [entry], "policies": {"Here": policy}}))
    who = Authentication(directory, CallerTokens(directory, KeySets()), nameless=None)
    calls: list[dict[str, Any]] = [
        {"facts": SECURE, "address": "ipv4:10.1.2.3:7"}, {"facts": SECURE, "address": "ipv4:10.1.2.4:7"}, {"address": "ipv4:127.0.0.1:7"},
    ]  # fmt: skip

    allowed = [caller(who, metadata=BEARER, **call).allows("ram:GetRole", "acs:ram::1:role/a") for call in calls]

    assert allowed == [True, False, False]


def test_a_renewed_certificate_is_the_same_beside_a_token() -> None:
    entries = [
        {"name": "script", "match": {"token_sha256": hash_of(TEST)}, "via": {"dns": "a.example"}, **ADMINISTRATOR},
        {"name": "hosts", "match": {"dns": "*.example"}, **ADMINISTRATOR},
    ]
    directory = CallerDirectory(callers_file({"callers": entries}))
    tokens = CallerTokens(directory, KeySets())
    who = Authentication(directory, tokens, nameless=None, client_authority=lambda: CLIENTS.pem, clock=lambda: MICROS)

    old, new = (
        caller(who, facts=certified(Issued("own", CLIENTS, ca=False, days=days)), metadata=BEARER) for days in (2, 3)
    )

    assert old is new
    assert old.entries == ("script",)
    with pytest.raises(RefusedCredentialsError) as refused:
        caller(who, facts=certified(Issued("own", CLIENTS, ca=False), b"b.example"), metadata=BEARER)
    assert refused.value.fault == "NO_ENTRY"
    assert cause(who, facts=SECURE, metadata=BEARER) == "NO_ENTRY"


@pytest.mark.parametrize("nameless", [LOCAL, ANONYMOUS])
def test_only_a_caller_that_is_not_its_connection_has_a_name(nameless: Credential) -> None:
    context: Any = Call()
    admin: Any = Call(facts=ADMIN, address="unix:")
    certificate: Any = Call(facts=certified(Issued("own", CLIENTS, ca=False)))
    refused: list[Any] = [Call(facts=TWO_NAMES), Call(facts=certified(STRANGER)), Call(metadata=BEARER), Call(facts=SECURE, metadata=[("authorization", "Bearer x.y.z")])]  # fmt: skip
    who = identifying(nameless)

    assert (who.name_of(context), who.name_of(admin), who.name_of(certificate)) == (None, None, "a.example")
    assert [who.name_of(call) for call in refused] == [None] * 4


async def test_an_authenticated_call_has_its_caller() -> None:
    call: Any = Call(facts=SECURE, metadata=BEARER)

    found = identifying().authenticate(call)

    assert authenticated(call) is found


def test_the_authorities_are_those_of_the_file_and_of_the_clients_as_they_are_now() -> None:
    spiffe: Facts = {
        **SECURE, "peer_uri": [b"spiffe://prod.example/a"], "x509_pem_cert": [Issued("leaf", PROD, ca=False).pem],
    }  # fmt: skip
    value = {
        "trust_domains": {"prod.example": "ca.pem"},
        "callers": [{"name": "a", "match": {"spiffe": "spiffe://prod.example/a"}, **ADMINISTRATOR}],
    }
    file, clients = callers_file(value, {"prod.example": PROD.pem}), [b""]
    directory = CallerDirectory(file)
    who = Authentication(
        directory,
        CallerTokens(directory, KeySets()),
        nameless=None,
        client_authority=lambda: clients[0],
        clock=lambda: MICROS,
    )
    named = certified(Issued("own", CLIENTS, ca=False))

    assert caller(who, facts=spiffe).credential.identity == "spiffe://prod.example/a"
    with pytest.raises(UntrustedCertificateError, match="there is none"):
        caller(who, facts=named)
    clients[0] = CLIENTS.pem
    who.renew_authorities()
    assert caller(who, facts=named).credential.identity == "a.example"
    assert caller(who, facts=spiffe).credential.identity == "spiffe://prod.example/a"
    who.apply(None)
    with pytest.raises(UntrustedCertificateError, match="is not one of the callers file"):
        caller(who, facts=spiffe)


def test_the_facts_of_a_certificate_and_of_a_user_are_those_of_the_transport() -> None:
    facts = {"x509_pem_cert": [b"leaf"], "x509_pem_cert_chain": [b"one", b"two"], "peer_uid": [b"0"]}

    assert chain_of(facts) == PresentedChain(b"leaf", b"onetwo")
    assert chain_of({"x509_pem_cert": [b"leaf"]}) == PresentedChain(b"leaf")
    assert (chain_of({}), chain_of({"x509_pem_cert": []})) == (None, None)
    assert (uid_of(facts), uid_of({})) == (0, None)


def test_these_tests_use_the_time_of_their_certificates() -> None:
    assert int((NOW + DAY).timestamp()) * 1_000_000 == MICROS + DAY_MICROS
