"""What is exactly at a limit of the callers file is accepted, and one more is refused where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rolecall.callers.document import read_callers
from tests.callers.files import ACCOUNT, ISSUER, allowing, callers, document, entry, violations_of

Fields = dict[str, object]

PROVIDER: Fields = {"issuer": "https://ci.example", "audiences": ["sts"], "jwks_file": "/ci.json"}
OWN = {f"P{number}": allowing("ram:GetRole") for number in range(21)}
SYSTEM = [
    "AdministratorAccess", "RolecallDecider", "RolecallSelfDecider", "RolecallChecker", "RolecallAuditor",
]  # fmt: skip


def provider(number: int = 0, **fields: object) -> Fields:
    return {"arn": f"acs:ram::{ACCOUNT}:oidc-provider/p{number}", **PROVIDER, **fields}


def audiences(count: int) -> list[str]:
    return [f"a{number}" for number in range(count)]


def of_entry(**fields: object) -> Fields:
    return document(entry(**fields))


def of_file(**fields: object) -> Fields:
    return document(entry(match={"local": True}), **fields)


def seconds(number: object) -> Fields:
    return of_file(providers=[provider(max_token_age_seconds=number)])


def name_of_dns(length: int) -> str:
    return "a." * ((length - 1) // 2) + "a" * (2 - length % 2)


BOUNDS: dict[str, tuple[Callable[[int], Fields], int, str, str]] = {
    "entries": (lambda n: document(*(entry(f"c{i}") for i in range(n))), 5_000, "/callers", "TOO_MANY"),
    "policies of the file": (
        lambda n: of_file(policies={f"P{i}": allowing("ram:GetRole") for i in range(n)}), 500, "/policies", "TOO_MANY",
    ),
    "policies of an entry": (
        lambda n: document(entry(policies=[*list(OWN)[:n], *SYSTEM]), policies=OWN), 20, "/callers/0/policies", "TOO_MANY",
    ),
    "trust domains": (
        lambda n: of_file(trust_domains={f"d{i}.example": "/ca.pem" for i in range(n)}), 100, "/trust_domains", "TOO_MANY",
    ),
    "issuers": (
        lambda n: of_file(issuers={f"https://i{i}.example": {"jwks_file": "/k"} for i in range(n)}), 100, "/issuers", "TOO_MANY",
    ),
    "providers": (lambda n: of_file(providers=[provider(i) for i in range(n)]), 1_000, "/providers", "TOO_MANY"),
    "audiences": (
        lambda n: of_file(providers=[provider(audiences=audiences(n))]), 16, "/providers/0/audiences", "TOO_MANY",
    ),
    "name of an entry": (lambda n: of_entry(name="n" * n), 128, "/callers/0/name", "INVALID_NAME"),
    "name of a policy": (
        lambda n: of_file(policies={"P" * n: allowing("ram:GetRole")}), 128, f"/policies/{'P' * 129}", "INVALID_NAME",
    ),
    "text": (
        lambda n: of_file(providers=[provider(audiences=["a" * n])]), 2_048, "/providers/0/audiences/0", "TOO_LONG",
    ),
    "age of a token": (seconds, 86_400, "/providers/0/max_token_age_seconds", "WRONG_TYPE"),
    "user id": (lambda n: of_entry(match={"uid": n}), 4_294_967_294, "/callers/0/match/uid", "WRONG_TYPE"),
    "trust domain": (
        lambda n: of_file(trust_domains={"d" * n: "/ca.pem"}), 255, f"/trust_domains/{'d' * 256}", "INVALID_TRUST_DOMAIN",
    ),
    "trust domain of an id": (
        lambda n: document(
            entry(match={"spiffe": f"spiffe://{'d' * n}/a"}), trust_domains={"d" * min(n, 255): "/ca.pem"}
        ),
        255, "/callers/0/match/spiffe", "INVALID_SPIFFE_ID",
    ),
    "DNS name": (lambda n: of_entry(match={"dns": name_of_dns(n)}), 253, "/callers/0/match/dns", "INVALID_DNS_NAME"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "limit", "pointer", "reason"), BOUNDS.values(), ids=BOUNDS)
def test_what_is_at_the_limit_is_accepted_and_one_more_is_refused(
    make: Callable[[int], Fields], limit: int, pointer: str, reason: str
) -> None:
    assert violations_of(make(limit)) == []
    assert violations_of(make(limit + 1)) == [(pointer, reason)]


def test_the_names_of_the_policies_of_an_entry_are_read_up_to_twenty_of_each_kind() -> None:
    names = [f"N{number}" for number in range(41)]

    found = violations_of(of_entry(policies=names))

    assert found[0] == ("/callers/0/policies", "TOO_MANY")
    assert ("/callers/0/policies", "TOO_MANY") not in violations_of(of_entry(policies=names[:20]))


@pytest.mark.parametrize(
    ("document_of", "smallest", "pointer"),
    [
        (seconds, 1, "/providers/0/max_token_age_seconds"),
        (lambda n: of_entry(match={"uid": n}), 0, "/callers/0/match/uid"),
    ],
    ids=["age of a token", "user id"],
)
def test_a_number_has_a_smallest_value(document_of: Callable[[int], Fields], smallest: int, pointer: str) -> None:
    assert violations_of(document_of(smallest)) == []
    assert violations_of(document_of(smallest - 1)) == [(pointer, "WRONG_TYPE")]


def test_two_hundred_and_fifty_violations_are_too_many_and_one_less_is_a_list_of_all() -> None:
    most, too_many = (violations_of(document(*[7] * count)) for count in (249, 250))

    assert [reason for _, reason in most] == ["WRONG_TYPE"] * 249
    assert [reason for _, reason in too_many] == ["WRONG_TYPE"] * 249 + ["TOO_MANY_VIOLATIONS"]


def test_the_system_policies_of_an_entry_are_not_counted_with_those_of_the_file() -> None:
    names = [*list(OWN)[:20], *SYSTEM]

    (found,) = read_callers(document(entry(policies=names), policies=OWN)).callers

    assert found.policies == tuple(names)


def test_the_defaults_of_a_provider_and_of_an_issuer_are_those_that_are_announced() -> None:
    file = callers(providers=[provider()])

    assert file.providers[0].max_token_age_seconds == 3_600
    assert not file.providers[0].allow_asserted
    assert {source.algorithms for source in (file.providers[0].keys, file.issuers[0].keys)} == {("RS256", "ES256")}


def test_what_is_given_replaces_every_default() -> None:
    keys: Fields = {"jwks_url": "https://keys.example:8443/set?of=1", "algorithms": ["EdDSA", "PS512"]}
    given = {name: value for name, value in provider().items() if name != "jwks_file"}

    file = callers(
        issuers={ISSUER: keys}, providers=[{**given, **keys, "max_token_age_seconds": 60, "allow_asserted": True}]
    )

    (found,), (issuer,) = file.providers, file.issuers
    assert (found.arn, found.issuer, found.audiences) == (given["arn"], "https://ci.example", ("sts",))
    assert (found.max_token_age_seconds, found.allow_asserted) == (60, True)
    for source in (found.keys, issuer.keys):
        assert (source.file, source.url, source.algorithms) == ("", keys["jwks_url"], ("EdDSA", "PS512"))
