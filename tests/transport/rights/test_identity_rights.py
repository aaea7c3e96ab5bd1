"""The rights on the identity of a question: each that it needs must be there, on its own resource, and none besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rolecall.callers.caller import NO_ACCESS_KEYS, AccessKeys
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.snapshot import RoleVersion
from rolecall.policy.principal import Principal, principal_of_request, provider_of_request
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.errors import PermissionDeniedError
from rolecall.transport.rights.checks import CheckRights
from rolecall_client.v1 import decision_pb2 as pb
from tests.server.serving import ACCOUNT, BOB, DOCUMENT

OTHER = "210987654321"
ROLE = f"acs:ram::{ACCOUNT}:role/app"
OIDC = f"acs:ram::{ACCOUNT}:oidc-provider/p"
SAML = f"acs:ram::{ACCOUNT}:saml-provider/p"
ECS = f"acs:rolecall::{ACCOUNT}:service/ecs.aliyuncs.com"
CHECK, ASK_FOR, ASSERT = "rolecall:CheckAssumeRole", "rolecall:AskFor", "rolecall:AssertFederated"

Needed = tuple[tuple[str, str], ...]


class Holder:
    """A caller that has exactly these rights, and notes what it is asked."""

    def __init__(self, *rights: tuple[str, str], principal: str = "", reads_tags: bool = False) -> None:
        self._rights = set(rights)
        self.principal = principal_of_request(principal) if principal else None
        self.reads_tags = reads_tags
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []

    def allows(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> bool:
        self.asked.append((action, resource, dict(keys)))
        return (action, resource) in self._rights


def asked_by(principal: Principal, *, expires_at: int | None = None) -> AssumeRoleRequest:
    return AssumeRoleRequest(principal, f"{ACCOUNT}/app", {}, 0, expires_at)


def role() -> Role:
    return Role(
        role_id="1",
        account_id=ACCOUNT,
        role_name="app",
        document=DOCUMENT,
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(1),
        tags={"team": "shop"},
    )


def rights() -> CheckRights:
    return CheckRights(QueryDecoder(Accounts()), Accounts(), lambda _: None)


IDENTITIES: dict[str, tuple[str, str, int | None, Needed]] = {
    "another": (BOB, "", None, ((ASK_FOR, BOB),)),
    "itself": (BOB, BOB, None, ()),
    "service": ("ecs.aliyuncs.com", "", None, ((ASK_FOR, ECS),)),
    "itself as a service": ("ecs.aliyuncs.com", f"{ACCOUNT}@ecs.aliyuncs.com", None, ()),
    "claims": (OIDC, "", None, ((ASK_FOR, OIDC), (ASSERT, OIDC))),
    "claims of SAML": (SAML, "", None, ((ASK_FOR, SAML), (ASSERT, SAML))),
    "a verified token": (OIDC, "", 77, ((ASK_FOR, OIDC),)),
}
"""What is asked about, what the caller itself is, when the token expires, and the rights that are needed."""

given = pytest.mark.parametrize(("text", "own", "expires_at", "needed"), IDENTITIES.values(), ids=IDENTITIES)


def request_of(text: str, expires_at: int | None) -> AssumeRoleRequest:
    principal = provider_of_request(text) if "-provider/" in text else principal_of_request(text)
    return asked_by(principal, expires_at=expires_at)


@given
def test_a_role_may_be_checked_with_the_right_on_it_and_every_right_on_the_identity(
    text: str, own: str, expires_at: int | None, needed: Needed
) -> None:
    request, whole = request_of(text, expires_at), ((CHECK, ROLE), *needed)

    assert rights().may_check(request, role(), _caller(Holder(*whole, principal=own)))
    for missing in whole:
        holder = Holder(*(right for right in whole if right != missing), principal=own)
        assert not rights().may_check(request, role(), _caller(holder)), missing


@given
def test_the_rights_on_an_identity_are_required_one_after_another(
    text: str, own: str, expires_at: int | None, needed: Needed
) -> None:
    request = request_of(text, expires_at)

    rights().require_identity(request, ACCOUNT, _caller(Holder(*needed, principal=own)))
    for missing in needed:
        holder = Holder(*(right for right in needed if right != missing), principal=own)
        with pytest.raises(PermissionDeniedError) as denied:
            rights().require_identity(request, ACCOUNT, _caller(holder))
        assert (denied.value.action, denied.value.resource) == missing


def test_about_all_accounts_a_service_is_asked_for_in_none() -> None:
    everywhere = "acs:rolecall:::service/ecs.aliyuncs.com"
    request = request_of("ecs.aliyuncs.com", None)

    rights().require_identity(request, "", _caller(Holder((ASK_FOR, everywhere))))
    with pytest.raises(PermissionDeniedError) as denied:
        rights().require_identity(request, "", _caller(Holder((ASK_FOR, ECS))))

    assert (denied.value.action, denied.value.resource) == (ASK_FOR, everywhere)


@pytest.mark.parametrize(("reads", "keys"), [(True, {"acs:ResourceTag/team": ("shop",)}), (False, {})])
def test_the_tags_of_a_role_count_for_the_right_on_it_alone(reads: bool, keys: dict[str, tuple[str, ...]]) -> None:
    holder = Holder((CHECK, ROLE), (ASK_FOR, BOB), reads_tags=reads)

    assert rights().may_check(request_of(BOB, None), role(), _caller(holder))
    assert holder.asked == [(CHECK, ROLE, keys), (ASK_FOR, BOB, {})]


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("exists", [True, False])
def test_a_question_is_judged_with_the_tags_of_the_role_as_it_stands(reads: bool, exists: bool) -> None:
    looked_up, given = list[str](), list[tuple[str, str, dict[str, Any]]]()

    def version_of(key: str) -> Any:
        looked_up.append(key)
        return RoleVersion(role()) if exists else None

    class Asked(Holder):
        number = 1

        def allowed_until(self, action: str, resource: str, keys: AccessKeys = NO_ACCESS_KEYS) -> int | None:
            given.append((action, resource, dict(keys)))
            return 100

    judged = CheckRights(QueryDecoder(Accounts()), Accounts(), version_of)
    query = pb.AssumeRoleQuery(principal=BOB, role=ROLE).SerializeToString()

    request = judged.request(query, _caller(Asked(reads_tags=reads)), 0)
    judged.require("rolecall:ExplainAssumeRole", ROLE, request, _caller(Asked(reads_tags=reads)))

    tags = {"acs:ResourceTag/team": ("shop",)} if reads and exists else {}
    assert given == [
        (CHECK, ROLE, tags),
        (ASK_FOR, BOB, {}),
        ("rolecall:ExplainAssumeRole", ROLE, tags),
        (ASK_FOR, BOB, {}),
    ]
    assert looked_up == [f"{ACCOUNT}/app"] * (2 if reads else 0)


def _caller(holder: Holder) -> Any:
    return holder
