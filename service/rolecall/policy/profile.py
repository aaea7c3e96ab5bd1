"""The profiles of the language in which a document can be read."""

from __future__ import annotations

from enum import StrEnum


class Profile(StrEnum):
    """`ROLECALL` is the whole language; `RAM` refuses what Alibaba Cloud does not have or does not document."""

    ROLECALL = "ROLECALL"
    RAM = "RAM"
