from __future__ import annotations

from rolecall.callers.remembered_rights import RememberedRight, RememberedRights


def remember(rights: RememberedRights, name: str, texts: int = 0) -> RememberedRight:
    return rights.put((name,), texts, allowed=True, valid_until=7)


def names(rights: RememberedRights, *asked: str) -> list[str]:
    return [name for name in asked if rights.get((name,)) is not None]


def test_an_answer_is_found_with_its_end_and_the_length_of_its_texts_is_counted() -> None:
    rights = RememberedRights()

    yes = rights.put(("a",), 100, allowed=True, valid_until=7)
    no = rights.put(("b",), 0, allowed=False, valid_until=8)

    assert (rights.get(("a",)), rights.get(("b",))) == (yes, no)
    assert (yes.allowed, yes.valid_until, no.allowed, no.valid_until) == (True, 7, False, 8)
    assert yes.weight - no.weight == 100
    assert rights.bytes == yes.weight + no.weight
    assert len(rights) == 2


def test_as_many_answers_as_the_limit_are_remembered_and_the_one_that_was_stored_first_is_dropped() -> None:
    rights = RememberedRights(max_entries=3)

    for name in "abc":
        remember(rights, name)
    assert names(rights, *"abc") == ["a", "b", "c"]
    remember(rights, "d")

    assert names(rights, *"abcd") == ["b", "c", "d"]
    assert rights.bytes == 3 * remember(rights, "d").weight


def test_answers_take_exactly_as_many_bytes_as_the_limit() -> None:
    weight = remember(RememberedRights(), "a", 50).weight
    rights = RememberedRights(max_bytes=3 * weight)

    for name in "abc":
        remember(rights, name, 50)
    assert (rights.bytes, names(rights, *"abc")) == (3 * weight, ["a", "b", "c"])
    remember(rights, "d", 51)

    assert names(rights, *"abcd") == ["c", "d"]
    assert rights.bytes == 2 * weight + 1


def test_an_answer_that_is_replaced_is_counted_once_and_stored_last() -> None:
    rights = RememberedRights(max_entries=2)
    remember(rights, "a", 50)
    second = remember(rights, "b")
    replaced = remember(rights, "a", 70)

    assert rights.bytes == second.weight + replaced.weight
    remember(rights, "c")
    assert names(rights, *"abc") == ["a", "c"]


def test_an_answer_that_is_larger_than_all_together_may_be_is_not_remembered_and_its_earlier_one_is_forgotten() -> None:
    weight = remember(RememberedRights(), "a").weight
    rights = RememberedRights(max_bytes=weight)

    remember(rights, "a")
    given = remember(rights, "a", 1)

    assert given.allowed
    assert (rights.bytes, len(rights)) == (0, 0)
    remember(rights, "b")
    assert (rights.bytes, names(rights, "b")) == (weight, ["b"])
