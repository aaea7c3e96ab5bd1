"""SPIFFE ids and patterns of them, each with the principal that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rolecall_client.guards.spiffe import is_spiffe_id

ANY_SEGMENT: Final = "*"
MAX_PATTERNS = 1_000
MEMOISED = 1_024
"""Ids whose principals are remembered. With many patterns the comparison is most of what a guard does."""


class SpiffePatterns:
    """Finds the principals of a valid SPIFFE id. In a pattern `*` stands for one whole segment of the path."""

    def __init__(self, principals: Mapping[str, str]) -> None:
        for spiffe in principals:
            _require_pattern(spiffe)
        self._exact = {spiffe: as_ for spiffe, as_ in principals.items() if ANY_SEGMENT not in spiffe}
        self._patterns = [(spiffe.split("/"), as_) for spiffe, as_ in principals.items() if spiffe not in self._exact]
        if not principals:
            raise ValueError("the map names no caller")
        if len(self._patterns) > MAX_PATTERNS:
            raise ValueError(f"the map has {len(self._patterns):,} patterns; the limit is {MAX_PATTERNS:,}")
        self._memoised = lru_cache(maxsize=MEMOISED)(self._find)

    def find(self, spiffe: str) -> frozenset[str]:
        """Return the principals that an id stands for: that of its own entry, or else those of all patterns that match."""
        return self._memoised(spiffe)

    def _find(self, spiffe: str) -> frozenset[str]:
        if spiffe in self._exact:
            return frozenset({self._exact[spiffe]})
        segments = spiffe.split("/")
        return frozenset(as_ for pattern, as_ in self._patterns if _matches(pattern, segments))


def _matches(pattern: list[str], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        expected in {ANY_SEGMENT, segment} for expected, segment in zip(pattern, segments, strict=True)
    )


def _require_pattern(text: str) -> None:
    segments = text.split("/")
    sample = [*segments[:3], *("x" if segment == ANY_SEGMENT else segment for segment in segments[3:])]
    if not is_spiffe_id("/".join(sample)):
        raise ValueError(
            f"`{text}` is no SPIFFE id; write `spiffe://TRUST_DOMAIN/PATH`, with `*` for whole segments of the path alone"
        )
