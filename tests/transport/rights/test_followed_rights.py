"""Which questions a process that follows a server decides itself, and which rights the others need before they are put to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rolecall.callers.caller import Caller
from rolecall.engine.errors import EngineError, InvalidRequestError, UpstreamOnlyError
from rolecall.policy.principal import Principal
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.codecs.federation import VerifiedClaims
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rights.followed import Followed, FollowedRights
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.files import allowing
from tests.callers.permitted import administrator, permitted
from tests.server.serving import ACCOUNT, BOB

OTHER = "210987654321"
ROLE = f"acs:ram::{ACCOUNT}:role/app"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/github"
SAML = f"acs:ram::{ACCOUNT}:saml-provider/corp"
ECS = "ecs.aliyuncs.com"
CHECK, ASK_FOR, ASSERT = "rolecall:CheckAssumeRole", "rolecall:AskFor", "rolecall:AssertFederated"
UNKNOWN_SETTING = "its setting for requests with a source identity is not known here"
UNKNOWN_PROVIDER = "the provider of the identity is not known here"
NOT_FOLLOWED = "the account of the role is not followed"
UNKNOWN_NAME = "the account of the role is named in a way that is not known here"
UNVERIFIED = "the keys of the provider are not known here"


class Providers:
    """The providers of a follower, which verifies the tokens of one of them."""

    def verified(self, provider: Principal, token: str) -> VerifiedClaims:
        if token == "known":
            return VerifiedClaims({}, 2**60)
        raise UpstreamOnlyError(UNVERIFIED)

    def require_assertable(self, provider: Principal, claims: Mapping[str, Sequence[str]]) -> None: ...


VERSIONS: dict[str, Any] = {f"{OTHER}/app": object()}
FOLLOWED = Followed(
    version_of=VERSIONS.get,
    covers=lambda key: key.startswith(f"{ACCOUNT}/"),
    knows=lambda _: False,
    source_identity=False,
)


def rights(followed: Followed = FOLLOWED) -> FollowedRights:
    decoder, accounts = QueryDecoder(Accounts(), federation=Providers()), Accounts()
    return FollowedRights(CheckRights(decoder, accounts, lambda _: None), decoder, accounts, followed)


def query(role: str = ROLE, **fields: Any) -> bytes:
    identity = {} if {"federated", "oidc"} & set(fields) else {"principal": BOB}
    return pb.AssumeRoleQuery(role=role, **{**identity, **fields}).SerializeToString()


CLAIMS = query(federated=pb.FederatedIdentity(provider_arn=PROVIDER))


def token(text: str = "unknown", role: str = ROLE) -> bytes:
    return query(role, oidc=pb.OidcIdentity(provider_arn=PROVIDER, token=text))


def outcome(judged: FollowedRights, asked: bytes, caller: Caller | None = None) -> object:
    """Return what becomes of a question: None if it is decided here, else why not, or the right that is missing."""
    try:
        judged.request(asked, caller or administrator(), 0)
    except PermissionDeniedError as error:
        return error.action, error.resource
    except UpstreamOnlyError as error:
        return str(error)
    except EngineError as error:
        return type(error)
    return None


def why(text: str) -> str:
    return str(UpstreamOnlyError(text))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (query(), None),
        (query(f"{OTHER}/app"), None),
        (query(f"{OTHER}/absent"), why(NOT_FOLLOWED)),
        (query(source_identity="alice"), why(UNKNOWN_SETTING)),
        (CLAIMS, why(UNKNOWN_PROVIDER)),
        (query(federated=pb.FederatedIdentity(provider_arn=SAML)), why(UNKNOWN_PROVIDER)),
        (token("known"), None),
        (token(), why(UNVERIFIED)),
        (query("app"), why(UNKNOWN_NAME)),
        (query("partner/app"), why(UNKNOWN_NAME)),
        (query("a" * 64), why(UNKNOWN_NAME)),
        (query("a" * 65), InvalidRequestError),
        (query("a" * 63 + "/app"), why(UNKNOWN_NAME)),
        (query("a" * 64 + "/app"), InvalidRequestError),
        (query("1a/app"), InvalidRequestError),
        (query("a/b/c"), InvalidRequestError),
        (query("größe"), InvalidRequestError),
        (query(""), InvalidRequestError),
        (query(principal="?"), InvalidRequestError),
        (query("app", principal="?"), InvalidRequestError),
        (query("app", federated=pb.FederatedIdentity(provider_arn=PROVIDER)), why(UNKNOWN_NAME)),
        (token("known", role="app"), why(UNKNOWN_NAME)),
    ],
)
def test_a_question_is_decided_here_or_put_to_the_server_or_refused(asked: bytes, expected: object) -> None:
    assert outcome(rights(), asked) == expected


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        (query(source_identity="alice"), replace(FOLLOWED, source_identity=True)),
        (CLAIMS, replace(FOLLOWED, knows=lambda provider: str(provider) == PROVIDER)),
        (query(f"{OTHER}/absent"), replace(FOLLOWED, covers=lambda key: key == f"{OTHER}/absent")),
    ],
)
def test_what_is_known_of_the_server_is_decided_here(asked: bytes, known: Followed) -> None:
    assert outcome(rights(known), asked) is None


@pytest.mark.parametrize(
    ("asked", "caller", "missing"),
    [
        (query("app"), permitted(allowing(ASK_FOR)), (CHECK, "*")),
        (query("app"), permitted(allowing(CHECK)), (ASK_FOR, BOB)),
        (query("app"), permitted(allowing(CHECK), allowing(ASK_FOR, resource=BOB)), why(UNKNOWN_NAME)),
        (token(), permitted(allowing(ASK_FOR)), (CHECK, ROLE)),
        (token(), permitted(allowing(CHECK)), (ASK_FOR, PROVIDER)),
        (token(), permitted(allowing(CHECK), allowing(ASK_FOR, resource=PROVIDER)), why(UNVERIFIED)),
        (CLAIMS, permitted(allowing(CHECK, ASK_FOR)), (ASSERT, PROVIDER)),
        (query("a/b/c"), permitted(allowing(ASK_FOR)), (CHECK, "*")),
        (query("app", principal=ECS), permitted(allowing(CHECK)), (ASK_FOR, f"acs:rolecall:::service/{ECS}")),
        (
            query("app", principal=ECS),
            permitted(allowing(CHECK), allowing(ASK_FOR, resource=f"acs:rolecall::{ACCOUNT}:service/{ECS}")),
            (ASK_FOR, f"acs:rolecall:::service/{ECS}"),
        ),
        (
            query("app", federated=pb.FederatedIdentity(provider_arn=PROVIDER)),
            permitted(allowing(CHECK)),
            (ASK_FOR, PROVIDER),
        ),
        (
            query("app", federated=pb.FederatedIdentity(provider_arn=PROVIDER)),
            permitted(allowing(CHECK, ASK_FOR)),
            (ASSERT, PROVIDER),
        ),
        (token("known", role="app"), permitted(allowing(CHECK)), (ASK_FOR, PROVIDER)),
    ],
)
def test_a_question_is_put_to_the_server_only_with_the_rights_that_it_needs(
    asked: bytes, caller: Caller, missing: object
) -> None:
    assert outcome(rights(), asked, caller) == missing


@pytest.mark.parametrize("kind", ["oidc", "federated"])
@pytest.mark.parametrize("role", ["app", ROLE, "a/b/c"])
def test_a_provider_that_is_none_is_a_violation_of_its_field_whoever_decides(kind: str, role: str) -> None:
    identity = pb.OidcIdentity(provider_arn="x") if kind == "oidc" else pb.FederatedIdentity(provider_arn="x")

    with pytest.raises(InvalidRequestError) as refused:
        rights().request(query(role, **{kind: identity}), administrator(), 0)

    violation = refused.value.violations[0]
    assert (violation.field, violation.reason) == (f"{kind}.provider_arn", "INVALID_PRINCIPAL")


def test_questions_are_known_if_all_were_judged_and_can_be_decided_here() -> None:
    judged, caller = rights(), administrator()
    request = judged.request(query(), caller, 0)
    assert judged.known([query(), query()], caller, 0) == [request, request]
    assert judged.known([query(), query(f"{OTHER}/app")], caller, 0) is None
    outcome(judged, query(f"{OTHER}/absent"))

    assert judged.known([query(f"{OTHER}/absent")], caller, 0) is None
    assert judged.known([query(), query(f"{OTHER}/absent")], caller, 0) is None
