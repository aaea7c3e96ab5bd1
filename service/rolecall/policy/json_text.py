"""Strict JSON (RFC 8259) as values: parsed by the C parser, with numbers as they are spelled.

`positions.py` finds the place of a value, and runs only when there is something to report.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn, TypeAlias

from rolecall.policy.errors import InvalidPolicyError, Violation
from rolecall.policy.positions import JsonSyntaxError, Lines, Scan, scan
from rolecall.policy.wording import printable


class Number(str):
    """A JSON number, as the document spells it."""

    __slots__ = ()


class Members(dict[str, "Json"]):
    """A JSON object."""

    __slots__ = ()


Json: TypeAlias = "str | Number | bool | list[Json] | Members | None"

# Lone surrogates and NUL, as escapes or raw: a document without any of these needs no scan for flaws.
_SUSPECT = re.compile("\\\\u0000|\\\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def decode(text: str, *, max_bytes: int, max_depth: int, max_characters: int | None = None) -> tuple[Json, Scan | None]:
    """Return the value of a JSON text, and its scan if something in it is flawed; raise `InvalidPolicyError`.

    A flaw is what JSON allows and the language does not: a duplicate name (the last value is returned), a lone surrogate, NUL.
    """
    _check_size(text, max_bytes, max_characters)
    duplicates = False

    def members(pairs: list[tuple[str, Json]]) -> Members:
        nonlocal duplicates
        made = Members(pairs)
        duplicates = duplicates or len(made) != len(pairs)
        return made

    try:
        value: Json = json.loads(
            text, object_pairs_hook=members, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        _explain(text, max_depth)
        raise _invalid(text, JsonSyntaxError("INVALID_JSON", f"the document cannot be read: {error}", 0)) from error
    if _is_deeper(value, max_depth):
        _explain(text, max_depth)
    return value, _explain(text, max_depth) if duplicates or _SUSPECT.search(text) else None


def _check_size(text: str, max_bytes: int, max_characters: int | None) -> None:
    if max_characters is not None and len(text) > max_characters:
        message = f"the document has {len(text)} characters; {max_characters} are allowed"
    elif (size := len(text.encode("utf-8", "surrogatepass"))) > max_bytes:
        message = f"the document has {size} bytes; {max_bytes} are allowed"
    else:
        return
    raise _invalid(text, JsonSyntaxError("DOCUMENT_TOO_LARGE", message, 0))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_deeper(value: Json, max_depth: int) -> bool:
    """Return whether arrays and objects lie more than `max_depth` deep, level by level."""
    level: list[Json] = [value]
    for _ in range(max_depth + 1):
        containers = [v for v in level if isinstance(v, (list, dict))]
        if not containers:
            return False
        level = [inner for c in containers for inner in (c.values() if isinstance(c, dict) else c)]
    return True


def _explain(text: str, max_depth: int) -> Scan:
    try:
        return scan(text, max_depth=max_depth)
    except JsonSyntaxError as error:
        raise _invalid(text, error) from None


def _invalid(text: str, error: JsonSyntaxError) -> InvalidPolicyError:
    line, column = Lines(text).at(error.offset)
    return InvalidPolicyError(
        [
            Violation(
                pointer=printable(error.pointer),
                reason=error.reason,
                message=error.message,
                suggestion=error.suggestion,
                line=line,
                column=column,
            )
        ]
    )
