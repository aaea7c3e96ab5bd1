"""Resource patterns, matched part by part: `*` matches the empty part too, and reaches across `:` only in the last part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice, repeat
from typing import TypeAlias

from rolecall.policy.permission.access import Access
from rolecall.policy.permission.patterns import EVERYTHING
from rolecall.policy.readers import fold
from rolecall.policy.wildcard import compile_pattern, matches_any

ResourceTest: TypeAlias = Callable[[Access], bool]
"""Returns whether a statement is about the resource of an access."""

_TextTest = Callable[[str], bool]


def resource_test(patterns: Sequence[str], *, denies: bool) -> ResourceTest:
    """Return the test whether any of some patterns matches; of several resources together all, or with `denies` one."""
    if EVERYTHING in patterns:
        return lambda _: True
    tests = [_pattern_test(pattern, denies=denies) for pattern in dict.fromkeys(patterns)]

    def matches(access: Access) -> bool:
        # A call that names no resource is matched by `*` alone.
        if not access.product:
            return False
        for test in tests:
            if test(access):
                return True
        return False

    return matches


def _pattern_test(pattern: str, *, denies: bool) -> ResourceTest:
    # A pattern of fewer than five parts ends in `*`, which matches all that remains.
    _, product, region, account, relative_id = islice(chain(pattern.split(":", 4), repeat(EVERYTHING)), 5)
    product_matches, region_matches = _text_test(product), _text_test(region)
    account_matches, rest_matches = _text_test(account), _relative_test(relative_id, denies=denies)

    def matches(access: Access) -> bool:
        return (
            product_matches(access.product)
            and region_matches(access.region)
            and account_matches(access.account)
            and rest_matches(access)
        )

    return matches


def _text_test(pattern: str) -> _TextTest:
    if pattern == EVERYTHING:
        return lambda _: True
    if "*" not in pattern and "?" not in pattern:
        return lambda text: text == pattern
    return matches_any([compile_pattern(pattern)])


def _relative_test(pattern: str, *, denies: bool) -> ResourceTest:
    if pattern == EVERYTHING:
        return lambda _: True
    # The places of a character are computed once for all patterns of an access.
    exact, folded = compile_pattern(pattern), compile_pattern(fold(pattern))
    begins, ends_open = _begins_test(fold(pattern)), pattern.endswith(EVERYTHING)

    def matches(access: Access) -> bool:
        if access.is_prefix and denies:
            return begins(access)
        # A pattern matches every relative id that begins so, if it matches the shortest and ends in `*`.
        if access.is_prefix and not ends_open:
            return False
        return (folded if _is_role(access) else exact)(access.relative_id, access.places)

    return matches


def _begins_test(folded: str) -> ResourceTest:
    """Return the test whether a pattern matches some relative id that begins as asked, whatever its case."""
    head, star, _ = folded.partition(EVERYTHING)

    def matches(access: Access) -> bool:
        prefix = fold(access.relative_id)
        if not star and len(head) < len(prefix):
            return False
        return all(symbol in ("?", character) for symbol, character in zip(head, prefix, strict=False))

    return matches


def _is_role(access: Access) -> bool:
    return access.product == "ram" and access.relative_id.startswith("role/")
