"""The condition keys: known, derived, and meant."""

from __future__ import annotations

import pytest

from rolecall.policy.keys import family_of, is_known, known_keys, lookup_name, nearest_key, reserved_hint
from rolecall.policy.operators import Family


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("acs:PrincipalArn", "acs:PrincipalARN"),
        ("acs:PrincipalARN", "acs:PrincipalARN"),
        ("acs:principalarn", "acs:principalarn"),
        ("acs:sourceip", "acs:sourceip"),
    ],
)
def test_only_one_key_has_two_spellings(spelling: str, name: str) -> None:  # row 27 of the faults
    assert lookup_name(spelling) == name


@pytest.mark.parametrize(
    ("key", "family"),
    [
        ("acs:CurrentTime", Family.DATE),
        ("acs:SourceIp", Family.IP),
        ("acs:MFAPresent", Family.BOOL),
        ("acs:PrincipalArn", Family.STRING),
        ("acs:RequestTag/team", Family.STRING),
        ("saml:sub", Family.STRING),
        ("acs:RequestTag/", None),
        ("acs:sourceip", None),
        ("team", None),
    ],
)
def test_a_known_key_has_a_family(key: str, family: Family | None) -> None:
    assert family_of(key) is family
    assert is_known(key) is (family is not None)


def test_known_keys_are_listed_once_and_in_order() -> None:
    keys = known_keys()

    assert list(keys) == sorted(set(keys))
    assert {"acs:CurrentTime", "acs:RequestTag/*", "acs:ResourceTag/*", "saml:*", "oidc:sub"} <= set(keys)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("acs:CurrentTime", "server's clock"),
        ("acs:PrincipalARN", "principal"),
        ("acs:PrincipalArn", "principal"),
        ("sts:RoleSessionName", "`role_session_name`"),
        ("sts:ExternalId", "`external_id`"),
        ("sts:SourceIdentity", "`source_identity`"),
        ("oidc:anything", "`federated.claims`"),
        ("saml:recipient", "`federated.claims`"),
        ("acs:ResourceTag/team", "tags of the role"),
    ],
)
def test_a_derived_key_is_reserved_and_says_where_it_comes_from(key: str, said: str) -> None:  # row 28 of the faults
    hint = reserved_hint(key)

    assert hint is not None
    assert hint.startswith(f"`{key}` ")
    assert said in hint


@pytest.mark.parametrize("key", ["acs:SourceIp", "acs:RequestTag/team", "acs:currenttime", "team", "oidc"])
def test_every_other_key_may_be_sent(key: str) -> None:
    assert reserved_hint(key) is None


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("acs:sourceip", "acs:SourceIp"),
        ("acs:SourceIP", "acs:SourceIp"),
        ("acs:SourcIp", "acs:SourceIp"),
        ("aws:SourceIp", "acs:SourceIp"),
        ("aws:RequestTag/Env", "acs:RequestTag/Env"),
        ("SAML:Recipient", "saml:recipient"),
        ("sts:ExternalID", "sts:ExternalId"),
        ("something:else", None),
        ("acs:SourceIp", None),
        ("acs:SourceIp" * 10, None),
    ],
)
def test_an_unknown_key_has_a_nearest_one(key: str, near: str | None) -> None:
    assert nearest_key(key) == near
