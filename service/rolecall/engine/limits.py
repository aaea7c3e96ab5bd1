"""The limits of a request."""

from __future__ import annotations

MAX_CONTEXT_KEYS = 100
MAX_KEY_CHARACTERS = 256
MAX_VALUE_CHARACTERS = 4_096
MIN_DURATION_SECONDS = 900
"""Of a session; the maximum is the role's."""
