"""The limits of a policy document: those that an operator may set, and those of the grammar."""

from __future__ import annotations

from dataclasses import dataclass

MAX_VIOLATIONS = 250
"""Of one document: parsing stops there, because a small document may have thousands."""

MAX_FINDINGS_OF_A_RULE = 250
"""Of one rule of the linter, in one document."""

MAX_SID_CHARACTERS = 128
MAX_KEY_CHARACTERS = 256
MAX_NUMBER_CHARACTERS = 512
MAX_VALUES = 100
"""Of one key in a request."""

MAX_CONTEXT_CHARACTERS = 16_384
"""Of all values in a request together: it bounds the time that the patterns of a policy take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one document. Principals, condition keys and patterns are counted over all statements.

    `max_document_bytes` counts bytes of UTF-8, `max_document_characters` code points (None: any number). A pattern is a value
    of a `...Like` operator, with or without wildcards: `max_pattern_characters` and `max_pattern_stars` apply to each,
    `max_total_pattern_characters` to all together.
    """

    max_document_bytes: int = 16_384
    max_document_characters: int | None = None
    max_statements: int = 100
    max_principals: int = 500
    max_condition_keys: int = 64
    max_patterns: int = 256
    max_pattern_characters: int = 512
    max_total_pattern_characters: int = 4_096
    max_pattern_stars: int = 16
    max_depth: int = 32


DEFAULT_LIMITS = Limits()
