"""The most likely mistake where a text is not JSON, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from rolecall.policy.wording import quoted


class ExpectedToken(StrEnum):
    """The token that was expected; the value is its name in messages."""

    VALUE = "a value"
    NAME = "a name in double quotes"
    COLON = "a `:` after the name"
    MEMBER_END = "a `,` or `}`"
    ELEMENT_END = "a `,` or `]`"
    NOTHING = "the end of the document"


class SyntaxHint(NamedTuple):
    """A reason, a message, the offset, and what to write instead, if that is clear."""

    reason: str
    message: str
    offset: int
    suggestion: str = ""


_STRING_START = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+')
_COMMENT = re.compile(r"//|/\*|#")
_PLACEHOLDER = re.compile(r"\$\{|\{\{|\{%|\$\(|<%|\$[A-Za-z_]|<[A-Za-z_]")
_CONSTANT = re.compile(r"[+-]?(?:NaN|Infinity|nan|inf)\b")
_NUMBER_LIKE = re.compile(r"[+-]?\.?[0-9][0-9A-Za-z_.+-]*|[+-](?=\s|[,}\]]|\Z)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NUMBER_TAIL = re.compile(r"[0-9][0-9.eE_xX]")
_WORDS = {"true": "true", "false": "false", "none": "null", "undefined": "null"}
_MARKDOWN = ("[", "]", "_", "*", "{", "}")
_TYPOGRAPHIC_QUOTES = ("\u201c", "\u201d", "\u2018", "\u2019")
_Hints: TypeAlias = "tuple[Callable[[str, int], SyntaxHint | None], ...]"
_TEMPLATE = "looks like a template that was not rendered; render it, then submit the result"


def hint_of_syntax(text: str, at: int, expected: ExpectedToken) -> SyntaxHint:
    """Return the hint for the text at `at`, where `expected` should be."""
    if not text.strip():
        return SyntaxHint("EMPTY_DOCUMENT", "the document is empty; write a policy, a JSON object", 0)
    if text.startswith("\ufeff"):
        return SyntaxHint(
            "BYTE_ORDER_MARK", "the document starts with a byte order mark; save it as UTF-8 without one", 0
        )
    for hint in (_comment_or_quote, _escape_or_nul, *_IN_PLACE_OF[expected]):
        found = hint(text, at)
        if found:
            return found
    if at == len(text):
        return SyntaxHint("INVALID_JSON", f"the document ends too early: {expected} is missing", at)
    return SyntaxHint("INVALID_JSON", f"{quoted(text[at])} is where {expected} should be", at)


def hint_of_string(text: str, at: int) -> SyntaxHint:
    """Return what is wrong with the string that starts at `at`."""
    found = _STRING_START.match(text, at)
    stop = found.end() if found else at
    rest = text[stop : stop + 2]
    match rest[:1]:
        case "":
            return SyntaxHint("INVALID_JSON", "the string that starts here is not closed", at)
        case "\0":
            return SyntaxHint("NUL_CHARACTER", "a string holds the NUL character; remove it", stop)
        case "\n" | "\r":
            return SyntaxHint("INVALID_JSON", "a line ends inside a string; close the string, or write `\\n`", stop)
        case "\\" if rest[1:] in _MARKDOWN:
            return _markdown(rest, stop)
        case "\\":
            return SyntaxHint(
                "INVALID_JSON", f"{quoted(rest)} is not an escape of JSON; write `\\\\` for a backslash", stop
            )
    return SyntaxHint("INVALID_JSON", "a string holds a control character; write it as an escape such as `\\t`", stop)


def _comment_or_quote(text: str, at: int) -> SyntaxHint | None:
    if _COMMENT.match(text, at):
        return SyntaxHint("COMMENT", "JSON has no comments; remove it", at)
    if text.startswith("'", at):
        return SyntaxHint("SINGLE_QUOTES", 'JSON quotes with `"`, not with single quotes', at)
    if text[at : at + 1] in _TYPOGRAPHIC_QUOTES:
        return SyntaxHint("INVALID_JSON", f'{quoted(text[at])} is a typographic quote; JSON quotes with `"`', at)
    return None


def _escape_or_nul(text: str, at: int) -> SyntaxHint | None:
    if text.startswith("\0", at):
        return SyntaxHint("NUL_CHARACTER", "the document holds the NUL character; remove it", at)
    if text.startswith("\\", at) and text[at + 1 : at + 2] in _MARKDOWN:
        return _markdown(text[at : at + 2], at)
    return None


def _markdown(escape: str, at: int) -> SyntaxHint:
    message = f"{quoted(escape)} is an escape of Markdown; write {quoted(escape[1:])} alone"
    return SyntaxHint("INVALID_JSON", message, at, escape[1:])


def _template_value(text: str, at: int) -> SyntaxHint | None:
    if not _PLACEHOLDER.match(text, at):
        return None
    return SyntaxHint("INVALID_JSON", f"{quoted(_shown(text, at))} {_TEMPLATE}", at)


def _constant(text: str, at: int) -> SyntaxHint | None:
    found = _CONSTANT.match(text, at)
    if not found:
        return None
    return SyntaxHint("NOT_A_NUMBER", f"{quoted(found[0])} is not a number of JSON; write its digits", at)


def _number(text: str, at: int) -> SyntaxHint | None:
    found = _NUMBER_LIKE.match(text, at)
    if not found:
        return None
    return SyntaxHint("INVALID_NUMBER", f"{quoted(found[0])} is not a number of JSON; put the value into quotes", at)


def _lost_value(text: str, at: int) -> SyntaxHint | None:
    if text[at : at + 1] not in ("]", "}", ","):
        return None
    return SyntaxHint("INVALID_JSON", f"a value is missing before {quoted(text[at])}", at)


def _bare_word(text: str, at: int) -> SyntaxHint | None:
    found = _WORD.match(text, at)
    if not found:
        return None
    suggestion = _WORDS.get(found[0].lower(), f'"{found[0]}"')
    return SyntaxHint("INVALID_JSON", f"{quoted(found[0])} is not JSON; write {quoted(suggestion)}", at, suggestion)


def _template_name(text: str, at: int) -> SyntaxHint | None:
    # Of doubled braces the first is read as an object: the placeholder starts one character earlier.
    return _template_value(text, at - 1) or _template_value(text, at)


def _bare_name(text: str, at: int) -> SyntaxHint | None:
    found = _WORD.match(text, at)
    if not found:
        return None
    suggestion = f'"{found[0]}"'
    return SyntaxHint("INVALID_JSON", f"names are in double quotes; write {quoted(suggestion)}", at, suggestion)


def _equals_sign(text: str, at: int) -> SyntaxHint | None:
    if not text.startswith("=", at):
        return None
    return SyntaxHint("INVALID_JSON", "JSON has `:` after a name, not `=`", at, ":")


def _template_before(text: str, at: int) -> SyntaxHint | None:
    if at == len(text) or not _PLACEHOLDER.search(text[:at].rpartition("\n")[2]):
        return None
    message = f"{quoted(_shown(text, at))} follows a value, and the line {_TEMPLATE}"
    return SyntaxHint("INVALID_JSON", message, at)


def _number_tail(text: str, at: int) -> SyntaxHint | None:
    if not _NUMBER_TAIL.match(text, at - 1):
        return None
    return _number(text, len(text[:at].rstrip("+-.0123456789eE")))


def _lost_comma(text: str, at: int) -> SyntaxHint | None:
    if text[at : at + 1] not in ('"', "{", "["):
        return None
    return SyntaxHint("INVALID_JSON", f"a `,` is missing before {quoted(text[at])}", at, ",")


def _trailing_text(text: str, at: int) -> SyntaxHint:
    return SyntaxHint("TRAILING_TEXT", f"the document ends before {quoted(_shown(text, at))}; remove the rest", at)


_AFTER_VALUE: _Hints = (_template_before, _number_tail, _lost_comma)
_IN_PLACE_OF: Mapping[ExpectedToken, _Hints] = {
    ExpectedToken.VALUE: (_template_value, _constant, _number, _lost_value, _bare_word),
    ExpectedToken.NAME: (_template_name, _bare_name),
    ExpectedToken.COLON: (_equals_sign,),
    ExpectedToken.MEMBER_END: _AFTER_VALUE,
    ExpectedToken.ELEMENT_END: _AFTER_VALUE,
    ExpectedToken.NOTHING: (_trailing_text,),
}


def _shown(text: str, at: int) -> str:
    return text[at : at + 32].partition("\n")[0]
