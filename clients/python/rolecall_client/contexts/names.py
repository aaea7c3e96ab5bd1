"""The names in a file of contexts: those of contexts, aliases and accounts."""

from __future__ import annotations

import re

CONTEXT_NAME_RULE = "write 1 to 63 letters, digits, `.`, `_`, `-`, the first a letter or digit"
ALIAS_RULE = "write 1 to 63 letters, digits, `_`, `.`, `-`, the first a letter"
ACCOUNT_RULE = "write its 1 to 20 digits"

_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{1,20}", re.ASCII)


def is_context_name(text: str) -> bool:
    """Return whether a text may be the name of a context: it never has `=`, which a condition key of a command has."""
    return bool(_CONTEXT.fullmatch(text))


def is_alias(text: str) -> bool:
    """Return whether a text may be the alias of an account, by the rule that servers have, too."""
    return bool(_ALIAS.fullmatch(text))


def is_account_id(text: str) -> bool:
    """Return whether a text is the id of an account."""
    return bool(_ACCOUNT.fullmatch(text))
