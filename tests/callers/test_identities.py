from __future__ import annotations

import pytest

from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential, CredentialKind
from rolecall.callers.identities import InvalidIdentityError, credential_of
from rolecall.callers.static_tokens import STATIC_PREFIX, new_token
from tests.callers.files import ISSUER, TOKEN_HASH


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
