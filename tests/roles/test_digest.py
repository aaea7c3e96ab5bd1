from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import permutations

import pytest

from rolecall.roles.canonical_json import role_bytes
from rolecall.roles.digest import StateDigest, state_digest
from rolecall.roles.role import Micros, Revision, Role

ONE = Role(
    role_id="1",
    account_id="123456789012",
    role_name="App",
    document="{}",
    create_time=Micros(1),
    update_time=Micros(2),
    revision=Revision(3),
    tags={"a": "1", "b": "2"},
)
ROLES = [ONE, replace(ONE, role_id="2", role_name="Other"), replace(ONE, role_id="3", account_id="210987654321")]


def test_the_order_of_roles_does_not_matter() -> None:
    assert len({state_digest(roles) for roles in permutations(ROLES)}) == 1


def test_it_is_the_sum_of_the_hashes_of_the_roles() -> None:
    hashes = [int.from_bytes(hashlib.sha256(role_bytes(role)).digest(), "big") for role in ROLES]

    assert state_digest(ROLES) == (sum(hashes) % 2**256).to_bytes(32, "big")
    assert state_digest([]) == bytes(32)


@pytest.mark.parametrize(
    "other",
    [[], ROLES[:2], ROLES[1:], [*ROLES, ROLES[0]], [replace(ONE, revision=Revision(4)), *ROLES[1:]],
     [replace(ONE, tags={"a": "2", "b": "1"}), *ROLES[1:]], [replace(ONE, document="{} "), *ROLES[1:]]],
)  # fmt: skip
def test_another_state_has_another_digest(other: list[Role]) -> None:
    assert state_digest(other) != state_digest(ROLES)


def test_the_order_of_tags_does_not_matter() -> None:
    assert state_digest([replace(ONE, tags={"b": "2", "a": "1"})]) == state_digest([ONE])


def test_roles_are_counted_while_they_are_added() -> None:
    digest = StateDigest()
    for role in ROLES:
        digest.add(role)

    assert (digest.roles, digest.value) == (3, state_digest(ROLES))
