"""Which texts a request can send for the keys whose texts are restricted. A condition on another text matches no request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from rolecall.policy.keys import EXTERNAL_ID, ROLE_SESSION_NAME, SOURCE_IDENTITY


class RestrictedText:
    """A rule for texts: `least` to `most` of some characters, given as a class of a regular expression and in words.

    `allows` returns a true value for a text that a request may send, `has_characters` for one of these characters alone.
    """

    def __init__(self, characters: str, words: str, least: int, most: int) -> None:
        self.least, self.most = least, most
        self.words = f"{least} to {most:,} of `{words}`"
        self.allows = re.compile(f"[{characters}]{{{least},{most}}}", re.ASCII).fullmatch
        self.has_characters = re.compile(f"[{characters}]*", re.ASCII).fullmatch


SESSION_NAMES = RestrictedText("A-Za-z0-9.@_-", "A-Z a-z 0-9 . @ _ -", 2, 64)
EXTERNAL_IDS = RestrictedText("A-Za-z0-9_+=,.@:/-", "A-Z a-z 0-9 _ + = , . @ : / -", 2, 1_224)
# Without a colon, which also keeps out the reserved prefixes `acs:`, `aliyun:` and `alibabacloud:`.
SOURCE_IDENTITIES = RestrictedText("A-Za-z0-9_+=,.@-", "A-Z a-z 0-9 _ + = , . @ -", 2, 64)

RESTRICTED_TEXTS: Mapping[str, RestrictedText] = MappingProxyType(
    {ROLE_SESSION_NAME: SESSION_NAMES, EXTERNAL_ID: EXTERNAL_IDS, SOURCE_IDENTITY: SOURCE_IDENTITIES}
)
"""The keys whose texts are restricted."""
