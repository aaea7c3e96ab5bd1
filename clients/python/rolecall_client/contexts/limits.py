"""The limits of a file of contexts. A file that exceeds one is refused with a message that says the limit."""

from __future__ import annotations

MAX_FILE_BYTES = 256 * 1024
MAX_DEPTH = 8
MAX_VALUES = 20_000
MAX_CONTEXTS = 200
MAX_ALIASES = 1_000
MAX_WORDS = 64
MAX_TEXT_CHARACTERS = 4_096
MAX_PROBLEMS = 50
MAX_TIMEOUT_SECONDS = 86_400
