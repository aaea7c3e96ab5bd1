"""The limits of a request."""

from __future__ import annotations

MAX_CONTEXT_KEYS = 100
MAX_KEY_CHARACTERS = 256
MAX_VALUES = 100
MAX_VALUE_CHARACTERS = 4_096
MAX_CONTEXT_CHARACTERS = 16_384
"""Of all values together: it bounds the time that the patterns of a policy take."""

MIN_DURATION_SECONDS = 900
"""Of a session; the maximum is the role's."""
