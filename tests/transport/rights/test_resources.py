"""The resources of rights as texts, and what a caller is in RAM's terms."""

from __future__ import annotations

from typing import Any

import pytest

from rolecall.policy.principal import principal_of_request
from rolecall.roles.accounts import Accounts
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.rights.resources import (
    identity_resource,
    is_own,
    keys_of_role,
    named_account,
    named_role,
    role_resource,
    roles_of_account,
    tag_keys,
    whole_account,
)
from tests.server.serving import ACCOUNT, BOB, DOCUMENT

OTHER = "210987654321"
ACCOUNTS = Accounts(ACCOUNT, {"partner": OTHER})


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("app", f"acs:ram::{ACCOUNT}:role/app"),
        ("partner/App", f"acs:ram::{OTHER}:role/App"),
        (f"acs:ram::{OTHER}:role/app", f"acs:ram::{OTHER}:role/app"),
        ("nowhere/app", "*"),
        ("a/b/c", "*"),
        ("", "*"),
    ],
)
def test_a_role_is_its_arn_and_a_text_that_names_none_is_everything(text: str, resource: str) -> None:
    assert role_resource(named_role(ACCOUNTS, text)) == resource


@pytest.mark.parametrize(
    ("text", "prefix", "resource"),
    [
        (ACCOUNT, "", f"acs:ram::{ACCOUNT}:role/*"),
        ("partner", "shop-", f"acs:ram::{OTHER}:role/shop-*"),
        ("no such account", "shop-", "*"),
    ],
)
def test_the_roles_of_an_account_are_those_with_a_prefix(text: str, prefix: str, resource: str) -> None:
    assert roles_of_account(named_account(ACCOUNTS, text), prefix) == resource
    assert whole_account(ACCOUNT) == f"acs:ram::{ACCOUNT}:*"


@pytest.mark.parametrize(
    ("principal", "account", "resource"),
    [
        (BOB, OTHER, BOB),
        (f"acs:ram::{ACCOUNT}:role/Job", "", f"acs:ram::{ACCOUNT}:role/Job"),
        ("ecs.aliyuncs.com", OTHER, f"acs:rolecall::{OTHER}:service/ecs.aliyuncs.com"),
        ("ecs.aliyuncs.com", "", "acs:rolecall:::service/ecs.aliyuncs.com"),
        (f"{ACCOUNT}@ecs.aliyuncs.com", OTHER, f"acs:rolecall::{ACCOUNT}:service/ecs.aliyuncs.com"),
    ],
)
def test_an_identity_is_its_arn_and_a_service_acts_in_an_account(principal: str, account: str, resource: str) -> None:
    assert identity_resource(principal_of_request(principal), account) == resource


class Caller:
    """A caller as far as its principal and its policies count."""

    def __init__(self, principal: str = "", *, reads_tags: bool = False) -> None:
        self.principal = principal_of_request(principal) if principal else None
        self.reads_tags = reads_tags


@pytest.mark.parametrize(
    ("own", "asked", "account", "same"),
    [
        ("", BOB, ACCOUNT, False),
        (BOB, BOB, "", True),
        (BOB, BOB.replace("bob", "Bob"), "", False),
        (f"acs:ram::{ACCOUNT}:role/Job", f"acs:ram::{ACCOUNT}:role/JOB", "", True),
        (f"acs:ram::{ACCOUNT}:role/bob", BOB, "", False),
        (f"{ACCOUNT}@ecs.aliyuncs.com", "ecs.aliyuncs.com", ACCOUNT, True),
        (f"{ACCOUNT}@ecs.aliyuncs.com", "ecs.aliyuncs.com", OTHER, False),
        (f"{ACCOUNT}@ecs.aliyuncs.com", "ecs.aliyuncs.com", "", False),
    ],
)
def test_a_caller_is_only_what_it_is_itself(own: str, asked: str, account: str, same: bool) -> None:
    caller: Any = Caller(own)

    assert is_own(principal_of_request(asked), caller, account) is same


def test_the_tags_of_a_role_are_keys_for_a_caller_whose_policies_read_them() -> None:
    role = Role(
        role_id="1",
        account_id=ACCOUNT,
        role_name="app",
        document=DOCUMENT,
        create_time=Micros(0),
        update_time=Micros(0),
        revision=Revision(1),
        tags={"team": "shop", "empty": ""},
    )
    reads, ignores = Caller(reads_tags=True), Caller()
    keys = {"acs:ResourceTag/team": ("shop",), "acs:ResourceTag/empty": ("",)}

    assert keys_of_role(reads, role) == keys  # type: ignore[arg-type]
    assert keys_of_role(ignores, role) == {}  # type: ignore[arg-type]
    assert keys_of_role(reads, None) == {}  # type: ignore[arg-type]
    assert tag_keys("p/", {"a": "b"}) == {"p/a": ("b",)}
