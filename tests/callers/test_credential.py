from __future__ import annotations

from itertools import product

from rolecall.callers.credential import ANONYMOUS, LOCAL, LOCAL_ADMIN, Credential, CredentialKind

NAMES = ("local", "anonymous", "local-admin", "a.example", "uid:0", "spiffe://td/a", "https://i s", "https://i", "s")


def test_no_two_credentials_share_a_scope() -> None:
    kinds = set(CredentialKind) - {CredentialKind.SPIFFE, CredentialKind.LOCAL, CredentialKind.ANONYMOUS}
    credentials = {
        *(Credential(kind=kind, identity=name) for kind, name in product(kinds, NAMES) if valid(kind, name)),
        Credential(kind=CredentialKind.OIDC, identity="https://i s", issuer="https://i", subject="s"),
        Credential(kind=CredentialKind.OIDC, identity="https://i s", issuer="https://i s", subject=""),
        *(
            Credential(kind=CredentialKind.TOKEN, identity="token:0123456789abcdef", token_sha256=hashed)
            for hashed in ("0123456789abcdef01", "0123456789abcdef02")
        ),
        Credential(kind=CredentialKind.SPIFFE, identity="spiffe://td/a"),
        Credential(kind=CredentialKind.SPIFFE, identity="spiffe://td/A"),
        LOCAL,
        LOCAL_ADMIN,
        ANONYMOUS,
    }

    assert len({credential.scope for credential in credentials}) == len(credentials)


def valid(kind: CredentialKind, name: str) -> bool:
    """Return whether a certificate can have the name, if the kind is that of one."""
    return kind is not CredentialKind.DNS or not {":", "/", " "} & set(name)


def test_the_scopes_of_stored_request_ids_stay_valid() -> None:
    host = Credential(kind=CredentialKind.DNS, identity="a.example")

    assert [LOCAL.scope, ANONYMOUS.scope, host.scope] == ["local", "anonymous", "a.example"]


def test_every_kind_has_the_name_that_callers_and_stored_request_ids_know() -> None:
    assert [str(kind) for kind in CredentialKind] == [
        "spiffe", "dns", "oidc", "token", "uid", "local", "local-admin", "anonymous",
    ]  # fmt: skip
    assert [(c.kind, c.identity) for c in (LOCAL, LOCAL_ADMIN, ANONYMOUS)] == [
        ("local", "local"), ("local-admin", "local-admin"), ("anonymous", "anonymous"),
    ]  # fmt: skip


def test_the_scope_of_each_kind_is_the_one_that_was_stored() -> None:
    oidc = Credential(
        kind=CredentialKind.OIDC, identity="https://i s", issuer="https://i", subject="s", audiences=("a",)
    )
    credentials = [
        Credential(kind=CredentialKind.SPIFFE, identity="spiffe://td/a"),
        Credential(kind=CredentialKind.DNS, identity="host"),
        oidc,
        Credential(kind=CredentialKind.TOKEN, identity="token:01", token_sha256="0123"),
        Credential(kind=CredentialKind.UID, identity="uid:7", uid=7),
        LOCAL_ADMIN,
    ]

    assert [credential.scope for credential in credentials] == [
        "spiffe://td/a",
        '["dns", "host", "", "", ""]',
        '["oidc", "https://i s", "https://i", "s", ""]',
        '["token", "token:01", "", "", "0123"]',
        '["uid", "uid:7", "", "", ""]',
        '["local-admin", "local-admin", "", "", ""]',
    ]
