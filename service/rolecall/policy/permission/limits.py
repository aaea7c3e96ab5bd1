"""The limits of permission policies, and of the accesses that are asked about."""

from __future__ import annotations

from dataclasses import replace

from rolecall.policy.limits import Limits

PERMISSION_LIMITS = Limits(max_document_bytes=24_576, max_document_characters=6_144)
"""Of one document, which RAM limits in characters; a character has up to four bytes."""

SESSION_POLICY_LIMITS = replace(PERMISSION_LIMITS, max_document_bytes=8_192, max_document_characters=2_048)
"""Of the policy that a session was created with."""

MAX_ACTION_CHARACTERS = 128
MAX_RESOURCE_CHARACTERS = 2_048
"""Of the action and the resource that are asked about."""

MAX_PART_CHARACTERS = 64
"""Of the product, the region and the account of a resource that is asked about."""
