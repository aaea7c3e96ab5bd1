"""The limits of the callers file."""

from __future__ import annotations

MAX_CALLERS_BYTES = 1024 * 1024
"""Of all files together; what a ConfigMap of Kubernetes can have."""

MAX_CALLERS_FILES = 100
MAX_CALLERS_DEPTH = 32
MAX_CALLERS_VALUES = 100_000
"""Of one file: mappings, lists and scalars."""

MAX_ENTRIES = 5_000
MAX_OWN_POLICIES = 500
MAX_POLICIES_OF_AN_ENTRY = 20
"""Of each kind: system policies and the file's own. Also of all entries of one caller together."""

MAX_TRUST_DOMAINS = 100
MAX_ISSUERS = 100
MAX_PROVIDERS = 1_000
MAX_AUDIENCES = 16
MAX_NAME_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 2_048
"""Of an id, an issuer, a subject, an audience, a path and a URL."""

MAX_TOKEN_AGE_SECONDS = 86_400
MAX_UID = 4_294_967_294
MAX_CALLERS_VIOLATIONS = 250
"""Of one reading: the rest of the file is not examined."""
