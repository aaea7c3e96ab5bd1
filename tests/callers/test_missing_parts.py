"""What is missing in a callers file is reported once, and nothing follows from it; what is not given has no value."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rolecall.callers.declarations import TrustDomain
from rolecall.callers.document import read_callers
from rolecall.callers.errors import CallersViolation, InvalidCallersError
from tests.callers.files import ACCOUNT, ISSUER, ORDERS, TOKEN_HASH, callers, document, entry, violations_of

Fields = dict[str, object]

PROVIDER: Fields = {
    "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci", "issuer": "https://ci.example", "audiences": ["rolecall"],
    "jwks_file": "/ci.json",
}  # fmt: skip
OIDC = {"oidc": {"issuer": ISSUER, "subject": "a:b", "audience": "rolecall"}}


def without(fields: Mapping[str, object], name: str) -> Fields:
    return {other: value for other, value in fields.items() if other != name}


@pytest.mark.parametrize("name", ["name", "match", "policies"])
def test_each_entry_without_a_part_is_reported_once(name: str) -> None:
    incomplete = [without(entry(number), name) for number in ("a", "b")]

    assert violations_of(document(*incomplete)) == [(f"/callers/{number}", "MISSING_FIELD") for number in range(2)]


def test_an_entry_without_a_match_is_reported_for_that_alone_whatever_else_it_has() -> None:
    fields = entry(via={"dns": "*.svc"}, principal=f"acs:ram::{ACCOUNT}:user/a", until="2027-01-01T00:00:00Z")

    assert violations_of(document(without(fields, "match"))) == [("/callers/0", "MISSING_FIELD")]


@pytest.mark.parametrize("name", ["issuer", "subject", "audience"])
def test_a_token_without_a_part_is_reported_once(name: str) -> None:
    incomplete = entry(match={"oidc": without(OIDC["oidc"], name)})

    assert violations_of(document(incomplete)) == [("/callers/0/match/oidc", "MISSING_FIELD")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("arn", "MISSING_FIELD"),
        ("issuer", "MISSING_FIELD"),
        ("audiences", "MISSING_FIELD"),
        ("jwks_file", "INVALID_KEY_SOURCE"),
    ],
)
def test_each_provider_without_a_part_is_reported_once_and_has_no_audience(name: str, reason: str) -> None:
    providers = [without(PROVIDER, name)] * 2

    assert violations_of(document(entry(match=OIDC), providers=providers)) == [
        (f"/providers/{number}", reason) for number in range(2)
    ]


@pytest.mark.parametrize("text", [" a", "a ", "a\x07b", "a\u2028b", "\u202ea"])
def test_a_text_with_a_blank_at_an_end_or_a_character_that_does_not_print_is_refused(text: str) -> None:
    audiences = document(entry(match={"local": True}), providers=[{**PROVIDER, "audiences": [text]}])

    assert violations_of(audiences) == [("/providers/0/audiences/0", "INVALID_TEXT")]
    assert violations_of(document(entry(text))) == [("/callers/0/name", "INVALID_TEXT")]


def test_a_violation_has_a_suggestion_a_place_and_a_first_value_only_if_there_is_one() -> None:
    with pytest.raises(InvalidCallersError) as some:
        read_callers(document(entry("a b"), entry(policies=["Stored"])))
    with pytest.raises(InvalidCallersError) as too_many:
        read_callers(document(*[7] * 250))

    shown = "; ".join(f"{found.pointer}: {found.message}" for found in some.value.violations)
    assert str(some.value) == shown
    for found in (*some.value.violations, too_many.value.violations[-1]):
        assert (found.suggestion, found.place, found.first) == ("", "", "")


def test_a_violation_is_shown_with_its_place_and_its_suggestion_if_it_has_them() -> None:
    bare = CallersViolation(pointer="", reason="MISSING_FIELD", message="`callers` is missing; add it")
    placed = CallersViolation(pointer="/x", reason="R", message="wrong", suggestion="callers", place="callers.yaml:1:2")

    assert str(bare) == "/: `callers` is missing; add it"
    assert str(placed).startswith("callers.yaml:1:2: wrong")
    assert "callers`" in str(placed)


@pytest.mark.parametrize(
    ("match", "text"),
    [({"spiffe": ORDERS}, ORDERS), ({"dns": "a.svc"}, "a.svc"), ({"token_sha256": TOKEN_HASH}, TOKEN_HASH), ({"uid": 7}, "7"),
     ({"local": True}, "")],
)  # fmt: skip
def test_only_a_token_of_an_issuer_has_an_issuer_and_an_audience(match: Fields, text: str) -> None:
    (found,) = callers(entry(match=match)).callers
    (token,) = callers(entry(match=OIDC)).callers

    assert (found.match.text, found.match.issuer, found.match.audience) == (text, "", "")
    assert (token.match.text, token.match.issuer, token.match.audience) == ("a:b", ISSUER, "rolecall")
    assert (found.principal, found.via, found.until) == (None, None, None)


def test_a_trust_domain_has_no_certificates_before_their_file_is_read() -> None:
    assert callers(entry()).trust_domains == (
        TrustDomain("prod.example", "/ca/prod.pem", b""), TrustDomain("dev.example", "/ca/dev.pem", b""),
    )  # fmt: skip


def test_an_entry_has_at_most_twenty_system_policies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"System{number}" for number in range(21)]
    monkeypatch.setattr("rolecall.callers.document.SYSTEM_POLICIES", dict.fromkeys(names))

    assert violations_of(document(entry(policies=names[:20]))) == []
    with pytest.raises(InvalidCallersError) as refused:
        read_callers(document(entry(policies=names)))

    assert str(refused.value) == "/callers/0/policies: there are 21 system policies; 20 are allowed"
