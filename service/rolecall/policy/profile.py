"""Which dialect of the language a document is read in."""

from __future__ import annotations

from enum import StrEnum


class Profile(StrEnum):
    """`ROLECALL` is the whole language; `RAM` refuses what Alibaba does not have, or does not document."""

    ROLECALL = "ROLECALL"
    RAM = "RAM"
