from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import permutations

import pytest

from rolecall.roles.digest import StateDigest, state_digest, stored_role
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
    # The stored form, written out: the numbers, the lengths of the texts, and the texts.
    one = '3600 1 2 3 16 12 3 1 2 0 123456789012/app123456789012App1{}{"a":"1","b":"2"}'
    other = '3600 1 2 3 18 12 5 1 2 0 123456789012/other123456789012Other2{}{"a":"1","b":"2"}'
    elsewhere = '3600 1 2 3 16 12 3 1 2 0 210987654321/app210987654321App3{}{"a":"1","b":"2"}'
    hashes = [int.from_bytes(hashlib.sha256(form.encode()).digest(), "big") for form in (one, other, elsewhere)]

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


def test_a_role_that_is_removed_was_never_there() -> None:
    digest = StateDigest(state_digest(ROLES), 3)

    digest.remove(ROLES[1])
    digest.remove(ROLES[0])
    digest.add(ROLES[0])

    assert (digest.roles, digest.value) == (2, state_digest([ROLES[0], ROLES[2]]))


def test_texts_that_only_begin_elsewhere_have_another_digest() -> None:
    one, other = (
        stored_role(replace(ONE, document="ab", description="c")),
        stored_role(replace(ONE, document="a", description="bc")),
    )
    digest = StateDigest()

    digest.add_stored([one])
    digest.remove_stored([other])

    assert digest.value != bytes(32)


@pytest.mark.parametrize("value", [b"{}", None, 7, 1.5])
def test_what_is_no_text_is_refused(value: object) -> None:
    row = [*stored_role(ONE)]
    row[4] = value

    with pytest.raises(TypeError):
        StateDigest().add_stored([row])


@pytest.mark.parametrize("value", ["3600", 3600.5, None, b"3600"])
def test_a_number_of_another_type_has_another_digest(value: object) -> None:
    row, digest = [*stored_role(ONE)], StateDigest()
    row[6] = value

    digest.add_stored([row])

    assert digest.value != state_digest([ONE])


def test_roles_are_counted_while_they_are_added() -> None:
    digest = StateDigest()
    for role in ROLES:
        digest.add(role)

    assert (digest.roles, digest.value) == (3, state_digest(ROLES))
