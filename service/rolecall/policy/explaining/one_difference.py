"""The one thing in which two texts differ that look alike, such as case, white space, or a `/` at the end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rolecall.policy.keys import OIDC_AUDIENCE, OIDC_ISSUER
from rolecall.policy.readers import fold
from rolecall.policy.wording import quoted

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII)
_LOOK_ALIKES = str.maketrans("аеорсухіјѕԁһӏԛԝαοντιρ‐‑‒–—−’", "aeopcyxijsdhlqwaovtip------'")  # noqa: RUF001
_USUAL: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (OIDC_ISSUER, "slash"): ", without which issuers are usually written",
        (OIDC_AUDIENCE, "slash"): ", without which audiences are usually written",
        (OIDC_AUDIENCE, "scheme"): ", which audiences rarely have",
    }
)


def one_difference(key: str, expected: str, actual: str) -> str:
    """Return in what an expected text of a condition key and the actual one differ, if it is one thing; otherwise an empty text."""
    for find in _DIFFERENCES:
        if found := find(key, expected, actual):
            return found
    return ""


def _case(_: str, expected: str, actual: str) -> str:
    return "they differ in case alone" if fold(expected) == fold(actual) else ""


def _white_space(_: str, expected: str, actual: str) -> str:
    if "".join(expected.split()) != "".join(actual.split()):
        return ""
    return f"they differ in white space alone: {_whose(_blanks(expected), _blanks(actual))}"


def _blanks(text: str) -> str:
    if text != text.lstrip():
        return "begins with it"
    return "ends with it" if text != text.rstrip() else "has it" if any(map(str.isspace, text)) else ""


def _invisible(_: str, expected: str, actual: str) -> str:
    hidden = {c for text in (expected, actual) for c in text if unicodedata.category(c) in ("Cc", "Cf")}
    if not hidden or _without(expected, hidden) != _without(actual, hidden):
        return ""
    whose = _whose("has it" if hidden & set(expected) else "", "has it")
    return f"they differ in an invisible character alone, {_named(min(hidden))}: {whose}"


def _look_alike(_: str, expected: str, actual: str) -> str:
    if len(expected) != len(actual) or _plain(expected) != _plain(actual):
        return ""
    one, other = next((a, b) for a, b in zip(expected, actual, strict=True) if a != b)
    return f"they differ in a character that looks the same: {_named(one)} is expected, {_named(other)} was sent"


def _slash(key: str, expected: str, actual: str) -> str:
    if expected.rstrip("/") != actual.rstrip("/"):
        return ""
    whose = _whose("has it" if len(expected) > len(actual) else "", "has it")
    return f"they differ in the `/` at the end alone{_USUAL.get((key, 'slash'), '')}: {whose}"


def _scheme(key: str, expected: str, actual: str) -> str:
    if _SCHEME.sub("", expected, count=1) != _SCHEME.sub("", actual, count=1):
        return ""
    of_expected, of_actual = _SCHEME.match(expected), _SCHEME.match(actual)
    if of_expected and of_actual:
        return f"they differ in the scheme alone: {quoted(of_expected[0])} is expected, {quoted(of_actual[0])} was sent"
    whose = _whose("has one" if of_expected else "", "has one")
    return f"they differ in the scheme alone{_USUAL.get((key, 'scheme'), '')}: {whose}"


def _beginning(_: str, expected: str, actual: str) -> str:
    short, long = sorted((expected, actual), key=len)
    if len(short) < 4 or not long.startswith(short):
        return ""
    which = "the value that was sent" if long == actual else "the expected one"
    return f"{which} continues with {quoted(long[len(short) :])}"


def _whose(expected: str, actual: str) -> str:
    return f"the expected value {expected}" if expected else f"the value that was sent {actual}"


def _without(text: str, characters: set[str]) -> str:
    return "".join(c for c in text if c not in characters)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)


def _named(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character').lower()})"


_DIFFERENCES: tuple[Callable[[str, str, str], str], ...] = (
    _case,
    _white_space,
    _invisible,
    _look_alike,
    _slash,
    _scheme,
    _beginning,
)
