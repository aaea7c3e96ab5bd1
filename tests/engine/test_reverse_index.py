"""The reverse index, whose entries are a key or a list of keys: it behaves as a set of pairs."""

from __future__ import annotations

from hypothesis import given, strategies as st

from rolecall.engine.reverse.index import ReverseIndex, UnsortedIndex
from rolecall.engine.reverse.sorted_keys import SortedKeys
from rolecall.policy.principal import Principal, PrincipalKind
from tests.docs.test_announced_limits import text_of

USERS = [Principal(PrincipalKind.USER, "1", name) for name in "ab"]
SERVICE = Principal(PrincipalKind.SERVICE, "", "ecs.example.com")
KEYS = ["1/one", "1/three", "1/two"]

pairs = st.tuples(st.sampled_from(KEYS), st.sampled_from(USERS))
steps = st.lists(st.tuples(st.booleans(), pairs), max_size=20)


def copied(key: str) -> str:
    """Return an equal text that is another object."""
    return "".join(list(key))


@given(st.sets(pairs), steps)
def test_an_index_is_a_set_of_pairs_however_it_came_to_have_them(
    first: set[tuple[str, Principal]], more: list[tuple[bool, tuple[str, Principal]]]
) -> None:
    unsorted, expected = UnsortedIndex(), set(first)
    for key in KEYS:
        unsorted.add(key, [user for named, user in first if named == key])
    index = ReverseIndex.of(unsorted)

    for adds, (key, user) in more:
        (index.add if adds else index.discard)(copied(key), [user])
        (expected.add if adds else expected.discard)((key, user))

    assert len(index) == len(expected)
    for user in USERS:
        keys = sorted(key for key, named in expected if named == user)
        assert index.roles_naming(user, after="", limit=9) == keys
        assert index.roles_naming(user, after="1/one", limit=1) == [key for key in keys if key > "1/one"][:1]
    assert set(index._postings) == {user for _, user in expected}


def test_a_principal_of_one_role_has_its_key_alone_and_others_a_sorted_list() -> None:
    unsorted, keys = UnsortedIndex(), KEYS[:2]
    unsorted.add(keys[0], USERS)
    unsorted.add(keys[1], USERS[1:])

    index = ReverseIndex.of(unsorted)
    index.add(keys[1], [SERVICE])

    assert index._postings[USERS[0]] is keys[0]
    assert index._postings[SERVICE] is keys[1]
    assert isinstance(index._postings[USERS[1]], SortedKeys)
    assert (len(unsorted.postings), len(index)) == (0, 4)


def test_a_principal_takes_400_bytes_and_each_role_that_names_it_nine() -> None:
    index = ReverseIndex()
    empty = index.estimated_bytes

    index.add("1/one", USERS)
    two_principals = index.estimated_bytes
    index.add("1/two", USERS[:1])

    assert (empty, two_principals) == (0, 2 * (400 + 9))
    assert index.estimated_bytes - two_principals == 9
    assert "0.4 KB for each principal that no other role names (for others 9 bytes)" in text_of("performance.md")


def test_the_roles_that_name_a_user_and_those_that_name_its_account_are_one_list_of_limited_length() -> None:
    index, root = ReverseIndex(), Principal(PrincipalKind.ROOT, "1", "")
    for key in ("1/one", "1/three"):
        index.add(key, USERS[:1])
    for key in ("1/one", "1/two"):
        index.add(key, [root])

    found = [index.roles_naming(USERS[0], after="", limit=limit) for limit in (1, 2, 3, 4)]

    assert found == [["1/one"], ["1/one", "1/three"], KEYS, KEYS]
