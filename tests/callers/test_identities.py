from __future__ import annotations

from hashlib import sha256

import pytest

from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.identities import InvalidIdentityError, credential_of, example_of
from rolecall.callers.static_tokens import STATIC_PREFIX, new_token
from tests.callers.files import ISSUER, TOKEN_HASH, callers, entry


@pytest.mark.parametrize(
    ("text", "credential"),
    [
        ("spiffe://td/a", Credential(kind=CredentialKind.SPIFFE, identity="spiffe://td/a")),
        ("Orders.SVC", Credential(kind=CredentialKind.DNS, identity="orders.svc")),
        ("uid:1000", Credential(kind=CredentialKind.UID, identity="uid:1000", uid=1000)),
        (
            f"token:{TOKEN_HASH}",
            Credential(kind=CredentialKind.TOKEN, identity=f"token:{TOKEN_HASH[:16]}", token_sha256=TOKEN_HASH),
        ),
        (
            f"{ISSUER} a:b",
            Credential(
                kind=CredentialKind.OIDC,
                identity=f"{ISSUER} a:b",
                issuer=ISSUER,
                subject="a:b",
                audiences=("rolecall",),
            ),
        ),
        ("local", LOCAL),
        ("local-admin", LOCAL_ADMIN),
        ("anonymous", ANONYMOUS),
    ],
)
def test_an_identity_is_a_credential(text: str, credential: Credential) -> None:
    assert credential_of(text, ["rolecall"]) == credential


@pytest.mark.parametrize(
    "text",
    ["", "spiffe://td/*", "*.svc", "SPIFFE://td/a", "token:x", "uid:root", "uid:", "a b c:*d", "a_b.", " x", "a.*"],
)
def test_another_text_is_no_identity(text: str) -> None:
    with pytest.raises(InvalidIdentityError):
        credential_of(text)


def test_a_token_is_random_and_its_text_is_not_shown() -> None:
    tokens = [new_token() for _ in range(100)]

    assert len({token.text for token in tokens}) == 100
    assert all(token.text.startswith(STATIC_PREFIX) and len(token.text) == 47 for token in tokens)
    assert tokens[0].text not in repr(tokens[0])
    assert all(len(token.sha256) == 64 for token in tokens)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("spiffe://td/*", "`spiffe://td/*` has `*`; write the identity of one caller"),
        ("*.svc", "`*.svc` has `*`; write the identity of one caller"),
        ("SPIFFE://td/a", "`SPIFFE://td/a` is not a SPIFFE id"),
        ("token:x", "must be the SHA-256 of a token"),
        ("uid:-1", "must be a whole number from 0"),
        ("uid:\u0663", "must be a whole number from 0"),
        ("uid:\u00b2", "must be a whole number from 0"),
        (f"{ISSUER} repo:a/*:x", "the repository of a CI subject may not have `*`"),
        (f"{ISSUER} ", "the text is empty"),
        ("https://*.example a*b", "`issuer` may not have `*`; write it out"),
        (" x", "the text is empty"),
        ("", "the text is empty"),
        ("a..b", "`a..b` is not a DNS name"),
    ],
)
def test_why_a_text_is_no_identity(text: str, problem: str) -> None:
    with pytest.raises(InvalidIdentityError) as caught:
        credential_of(text)

    assert str(caught.value).startswith(problem)


def test_a_number_may_begin_with_zeros_up_to_twenty_digits() -> None:
    assert credential_of(f"uid:{7:020}").uid == 7
    with pytest.raises(InvalidIdentityError, match="whole number"):
        credential_of(f"uid:{7:021}")


def test_without_audiences_a_token_is_for_any() -> None:
    assert credential_of(f"{ISSUER} a:b").audiences == ("any",)
    assert credential_of(f"{ISSUER} a:b", ["x", "y"]).audiences == ("x", "y")


def test_an_example_of_a_pattern_has_a_segment_for_each_star() -> None:
    matches: list[dict[str, object]] = [
        {"spiffe": "spiffe://prod.example/*/sa/*"},
        {"dns": "*.*.svc"},
        {"oidc": {"issuer": ISSUER, "subject": "a:*", "audience": "rolecall"}},
        {"token_sha256": TOKEN_HASH},
        {"uid": 7},
    ]

    examples = [example_of(callers(entry(match=match)).callers[0].match) for match in matches]

    assert examples == [
        Credential(kind=CredentialKind.SPIFFE, identity="spiffe://prod.example/any/sa/any"),
        Credential(kind=CredentialKind.DNS, identity="any.any.svc"),
        Credential(
            kind=CredentialKind.OIDC,
            identity=f"{ISSUER} a:any",
            issuer=ISSUER,
            subject="a:any",
            audiences=("rolecall",),
        ),
        Credential(kind=CredentialKind.TOKEN, identity=f"token:{TOKEN_HASH[:16]}", token_sha256=TOKEN_HASH),
        Credential(kind=CredentialKind.UID, identity="uid:7", uid=7),
    ]
    assert example_of(callers(entry(match={"local": True})).callers[0].match) is LOCAL


def test_a_static_token_has_the_hash_of_its_text() -> None:
    token = new_token()

    assert token.sha256 == sha256(token.text.encode()).hexdigest()
    assert token.text.startswith("rct_")
