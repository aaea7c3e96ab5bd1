"""What is found out once for a caller, and not again for its next call."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.security.authentication import Authentication
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.key_sets import KeySets
from tests.security.known_callers import callers_file
from tests.security.test_certificate_chains import CLIENTS, Issued
from tests.security.test_who_calls import BEARER, MICROS, SECURE, Call, caller, identifying, with_certificate


def asked(who: Authentication, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows whenever the directory is asked for a caller."""
    found: list[object] = []
    directory: Any = who._directory
    find = directory.caller

    def noted(credential: object, **facts: object) -> Any:
        found.append(credential)
        return find(credential, **facts)

    monkeypatch.setattr(directory, "caller", noted)
    return found


def test_the_caller_of_a_token_is_looked_up_once_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    who = identifying()
    lookups = asked(who, monkeypatch)

    for host, expected in ((3, 1), (3, 1), (4, 2), (4, 2), (3, 3)):
        caller(who, facts=SECURE, address=f"ipv4:10.1.2.{host}:7", metadata=BEARER)
        assert len(lookups) == expected


def test_the_caller_of_a_connection_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    who = identifying(LOCAL)
    lookups = asked(who, monkeypatch)

    for _ in range(3):
        caller(who, address="unix:")

    assert lookups == [LOCAL]


def test_another_callers_file_or_client_ca_is_applied_to_known_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    who = identifying(LOCAL)
    lookups = asked(who, monkeypatch)

    caller(who, address="unix:")
    who.apply(who._directory.file)
    caller(who, address="unix:")
    who.renew_authorities()
    caller(who, address="unix:")

    assert lookups == [LOCAL] * 3


def test_metadata_that_a_transport_does_not_have_holds_no_token() -> None:
    call: Any = Call(metadata=None)  # type: ignore[arg-type]

    assert identifying(LOCAL).caller_of(call).credential is LOCAL


def test_a_caller_without_a_token_has_the_security_of_its_connection() -> None:
    statement = {
        "Effect": "Allow", "Action": "ram:GetRole", "Resource": "*", "Condition": {"Bool": {"acs:SecureTransport": "true"}},
    }  # fmt: skip
    entries = [
        {"name": name, "match": match, "policies": ["Secure"]}
        for name, match in (("laptop", {"local": True}), ("hosts", {"dns": "*.example"}))
    ]
    policies = {"Secure": {"Version": "1", "Statement": [statement]}}
    directory = CallerDirectory(callers_file({"callers": entries, "policies": policies}))
    tokens = CallerTokens(directory, KeySets())
    who = Authentication(directory, tokens, nameless=LOCAL, client_authority=lambda: CLIENTS.pem, clock=lambda: MICROS)
    certificate = with_certificate(Issued("own", CLIENTS, ca=False), b"a.example")

    plain, secure, certified = (caller(who, facts=facts) for facts in ({}, SECURE, certificate))

    allowed = [each.allows("ram:GetRole", "acs:ram::1:role/a") for each in (plain, secure, certified)]
    assert allowed == [False, True, True]
