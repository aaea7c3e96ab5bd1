"""What is wrong with a query, and how much time a decision has, as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall.engine.consistency import AtLeastAsFresh, FullyConsistent
from rolecall.engine.errors import InvalidRequestError, NotAvailableError
from rolecall.policy.principal import Principal
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import (
    MALFORMED_QUERY,
    QueryDecoder,
    duration,
    micros_of,
    requirement,
    timestamp,
)
from rolecall.transport.codecs.federation import RefusedIdentityError, VerifiedClaims, log_refusal
from rolecall_client.v1 import decision_pb2 as pb
from tests.server.serving import ACCOUNT, BOB

PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/github"


def query(**fields: Any) -> pb.AssumeRoleQuery:
    return pb.AssumeRoleQuery(**{"role": "app", **fields})


def violations(call: Any) -> list[tuple[str, str, str]]:
    """Return the field, the reason and the hint of everything that a call complains about."""
    with pytest.raises(InvalidRequestError) as refused:
        call()
    return [(one.field, one.reason, one.message) for one in refused.value.violations]


@pytest.mark.parametrize(
    ("message", "required"),
    [
        (pb.Consistency(), None),
        (pb.Consistency(minimize_latency=True), None),
        (pb.Consistency(fully_consistent=True), FullyConsistent()),
        (pb.Consistency(at_least_as_fresh="t"), AtLeastAsFresh("t")),
        (pb.Consistency(at_least_as_fresh=""), AtLeastAsFresh("")),
    ],
)
def test_a_mode_of_consistency_is_a_requirement(message: pb.Consistency, required: object) -> None:
    assert requirement(message) == required


@pytest.mark.parametrize("mode", ["minimize_latency", "fully_consistent"])
def test_a_mode_that_is_given_as_false_is_a_violation_with_a_hint(mode: str) -> None:
    modes: dict[str, Any] = {mode: False}

    hint = f"`{mode}` is given as false; leave it out, or choose another mode"
    found = violations(lambda: requirement(pb.Consistency(**modes)))
    assert found == [(f"consistency.{mode}", "INVALID_CONSISTENCY", hint)]


@pytest.mark.parametrize(
    ("message", "micros"),
    [
        (Timestamp(), 0),
        (Timestamp(seconds=2, nanos=3_999), 2_000_003),
        (Timestamp(seconds=-1, nanos=999_999_999), -1),
        (Timestamp(seconds=-62_135_596_800), -62_135_596_800_000_000),
        (Timestamp(seconds=253_402_300_799, nanos=999_999_999), 253_402_300_799_999_999),
    ],
)
def test_a_time_is_read_in_microseconds_rounded_down_and_written_again(message: Timestamp, micros: int) -> None:
    assert micros_of(message, "f") == micros
    assert micros_of(timestamp(micros), "f") == micros


@pytest.mark.parametrize(
    "message", [Timestamp(seconds=253_402_300_800), Timestamp(seconds=-62_135_596_801), Timestamp(nanos=-1)]
)
def test_a_time_of_other_years_is_a_violation_with_a_hint(message: Timestamp) -> None:
    hint = "must be a time of the years 1 to 9999 with 0 to 999,999,999 nanoseconds"

    assert violations(lambda: micros_of(message, "f")) == [("f", "INVALID_TIME", hint)]


@pytest.mark.parametrize("micros", [0, 1, 999_999, 1_000_000, 86_400_000_001])
def test_a_time_that_passes_is_written_to_the_microsecond(micros: int) -> None:
    assert duration(micros).ToMicroseconds() == micros


def test_bytes_that_are_no_query_are_a_violation_with_a_hint() -> None:
    def fail() -> None:
        raise MALFORMED_QUERY

    assert violations(fail) == [("query", "MALFORMED_MESSAGE", "the bytes are not a message of this type")]


def test_a_query_without_an_identity_says_which_there_are() -> None:
    hint = "set `principal`, or `oidc` or `federated` for an identity that an identity provider vouches for"
    found = violations(lambda: QueryDecoder(Accounts(ACCOUNT)).read(query()))

    assert found == [("identity", "REQUIRED", hint)]


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (query(oidc_token="t"), "`oidc_token` (send `oidc`, with the provider and the token)"),
        (query(oidc=pb.OidcIdentity(provider_arn=PROVIDER, token="t")), "verifying a token without a server"),
    ],
)
def test_an_identity_that_cannot_be_verified_says_what_is_not_available(asked: pb.AssumeRoleQuery, what: str) -> None:
    with pytest.raises(NotAvailableError) as refused:
        QueryDecoder(Accounts(ACCOUNT)).read(asked)

    assert str(refused.value) == str(NotAvailableError(what))


@pytest.mark.parametrize("kind", ["oidc", "federated"])
def test_a_provider_that_is_none_is_a_violation_of_the_field_that_names_it(kind: str) -> None:
    identity = pb.OidcIdentity(provider_arn="x") if kind == "oidc" else pb.FederatedIdentity(provider_arn="x")
    asked: Any = {kind: identity}

    ((field, reason, _),) = violations(lambda: QueryDecoder(Accounts(ACCOUNT)).read(query(**asked)))

    assert (field, reason) == (f"{kind}.provider_arn", "INVALID_PRINCIPAL")


class Providers:
    """A server that accepts one token, and notes what was asserted."""

    def __init__(self) -> None:
        self.asserted = list[tuple[str, Mapping[str, Sequence[str]]]]()
        self.logged = 0

    def verified(self, provider: Principal, token: str) -> VerifiedClaims:
        def log() -> None:
            self.logged += 1

        if token != "valid":
            raise RefusedIdentityError(log)
        return VerifiedClaims({"oidc:sub": ["s"]}, 77)

    def require_assertable(self, provider: Principal, claims: Mapping[str, Sequence[str]]) -> None:
        self.asserted.append((str(provider), claims))


def test_a_verified_token_gives_its_claims_until_it_expires() -> None:
    decoder = QueryDecoder(Accounts(ACCOUNT), federation=Providers())

    request = decoder.read(query(oidc=pb.OidcIdentity(provider_arn=PROVIDER, token="valid")))

    assert (str(request.principal), request.expires_at) == (PROVIDER, 77)
    assert ("s",) in request.keys.values()


def test_claims_are_asserted_of_their_provider_and_do_not_expire() -> None:
    providers = Providers()
    decoder = QueryDecoder(Accounts(ACCOUNT), federation=providers)
    claims = {"oidc:sub": pb.ConditionValues(values=["a", "b"])}

    request = decoder.read(query(federated=pb.FederatedIdentity(provider_arn=PROVIDER, claims=claims)))

    assert (str(request.principal), request.expires_at) == (PROVIDER, None)
    ((provider, asserted),) = providers.asserted
    assert (provider, list(asserted.values())) == (PROVIDER, [("a", "b")])
    assert ("a", "b") in request.keys.values()


def test_a_refused_token_is_the_only_violation_and_its_reason_is_logged_where_it_is_sent() -> None:
    providers = Providers()
    decoder = QueryDecoder(Accounts(ACCOUNT), federation=providers)
    asked = query(role="", oidc=pb.OidcIdentity(provider_arn=PROVIDER, token="bad"))

    with pytest.raises(RefusedIdentityError) as refused:
        decoder.read(asked)
    before = providers.logged
    log_refusal(refused.value)
    log_refusal(LookupError())

    hint = "the token is not a valid one of this provider; the log of the server has the reason"
    (violation,) = refused.value.violations
    assert (violation.field, violation.reason, violation.message) == ("oidc.token", "INVALID_TOKEN", hint)
    assert violation.ram_code == "AuthenticationFail.OIDCToken.Invalid"
    assert (before, providers.logged) == (0, 1)


@pytest.mark.parametrize("field", ["role_session_name", "external_id", "source_identity"])
def test_each_field_of_a_query_is_a_key_of_its_request(field: str) -> None:
    decoder = QueryDecoder(Accounts(ACCOUNT))

    request = decoder.read(query(principal=BOB, duration_seconds=900, **{field: "value"}))

    assert list(request.keys.values()) == [("value",)]
    assert (str(request.principal), request.role_key, request.duration_seconds) == (BOB, f"{ACCOUNT}/app", 900)
    assert not decoder.read(query(principal=BOB)).keys


def test_what_has_changed_of_the_providers_counts_for_queries_that_were_read_before() -> None:
    providers = Providers()
    decoder = QueryDecoder(Accounts(ACCOUNT), federation=providers)
    data = query(federated=pb.FederatedIdentity(provider_arn=PROVIDER)).SerializeToString()
    for _ in range(3):
        decoder.request(data)
    before = len(providers.asserted)

    decoder.federation_changed()
    decoder.request(data)

    assert (before, len(providers.asserted)) == (1, 2)


def test_of_several_wrong_keys_the_first_by_name_is_reported_whatever_their_order() -> None:
    names = [f"app:Key-{letter}" for letter in "hgfedcba"]
    decoder = QueryDecoder(Accounts(ACCOUNT))

    for order in (names, names[::-1], names[4:] + names[:4]):
        context = {name: pb.ConditionValues(values=["v"] * 101) for name in order}
        found = violations(lambda context=context: decoder.read(query(principal=BOB, context=context)))
        assert [(field, reason) for field, reason, _ in found] == [("context['app:Key-a']", "TOO_MANY_VALUES")]
