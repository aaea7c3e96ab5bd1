"""The parts of a JSON Web Token, read strictly before anything is verified.

1. A token has at most `MAX_TOKEN_BYTES` and three parts in base64url without padding.
2. Its header and its claims are JSON objects without duplicate members: of two, one reader would take the first, another the last.
3. Its header names an algorithm, and brings no key and no rule of its own (`jku`, `x5u`, `jwk`, `x5c`, `crit`, `b64`).
4. It has `iss`, `sub`, `aud`, `exp` and `iat`; times are whole seconds.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from rolecall.security.tokens.faults import RefusedTokenError, TokenFault

MAX_TOKEN_BYTES = 8 * 1024
MAX_CLAIM_CHARACTERS = 1_024
MAX_AUDIENCES = 20

_LAST_SECOND = 253_402_300_799  # of the year 9999
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_FORBIDDEN = ("jku", "x5u", "jwk", "x5c", "crit", "b64")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedToken:
    """What a token claims. Times are in seconds since the epoch; without `nbf`, `not_before` is 0."""

    text: str = field(repr=False)
    algorithm: str
    key_id: str
    issuer: str
    subject: str
    audiences: tuple[str, ...]
    expires_at: int
    issued_at: int
    not_before: int


def read_token(text: str) -> UnverifiedToken:
    """token = HEADER "." CLAIMS "." SIGNATURE; raise `RefusedTokenError`."""
    if len(text) > MAX_TOKEN_BYTES:
        raise RefusedTokenError(TokenFault.TOO_LARGE, f"the token has more than {MAX_TOKEN_BYTES} bytes")
    if not _COMPACT.fullmatch(text):
        raise _malformed("the token is not three parts in base64url")
    first, second, _ = text.split(".")
    header, claims = _object("header", first), _object("claims", second)
    if forbidden := [name for name in _FORBIDDEN if name in header]:
        raise RefusedTokenError(TokenFault.FORBIDDEN_HEADER, f"the header has `{forbidden[0]}`")
    return UnverifiedToken(
        text=text,
        algorithm=_text(header, "alg"),
        key_id=_text(header, "kid") if "kid" in header else "",
        issuer=_text(claims, "iss"),
        subject=_text(claims, "sub"),
        audiences=_audiences(claims.get("aud")),
        expires_at=_seconds(claims, "exp"),
        issued_at=_seconds(claims, "iat"),
        not_before=_seconds(claims, "nbf") if "nbf" in claims else 0,
    )


class _DuplicateMemberError(ValueError):
    """An object has two members of one name."""


def _object(what: str, part: str) -> Mapping[str, object]:
    try:
        value = json.loads(
            urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
        )
    except _DuplicateMemberError:
        raise RefusedTokenError(TokenFault.DUPLICATE_MEMBER, f"two members of the {what} have one name") from None
    except (ValueError, RecursionError):
        raise _malformed(f"the {what} is not JSON in base64url") from None
    if not isinstance(value, dict):
        raise _malformed(f"the {what} is not a JSON object")
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _DuplicateMemberError
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _text(members: Mapping[str, object], name: str) -> str:
    return _valid_text(name, members.get(name))


def _valid_text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_CLAIM_CHARACTERS or _CONTROL.search(value):
        rule = f"must be 1 to {MAX_CLAIM_CHARACTERS} characters without control characters"
        raise RefusedTokenError(TokenFault.INVALID_CLAIM, f"`{name}` {rule}")
    return value


def _audiences(value: object) -> tuple[str, ...]:
    """aud = TEXT | [TEXT, ...]."""
    if not isinstance(value, list):
        return (_valid_text("aud", value),)
    if not 1 <= len(value) <= MAX_AUDIENCES:
        raise RefusedTokenError(TokenFault.INVALID_CLAIM, f"`aud` must have 1 to {MAX_AUDIENCES} values")
    return tuple(_valid_text("aud", each) for each in value)


def _seconds(members: Mapping[str, object], name: str) -> int:
    value = members.get(name)
    # `bool` is an `int`, and a number such as 1e308 is a `float`.
    if type(value) is not int or not 0 < value <= _LAST_SECOND:
        raise RefusedTokenError(TokenFault.INVALID_CLAIM, f"`{name}` must be a time in whole seconds")
    return value


def _malformed(why: str) -> RefusedTokenError:
    return RefusedTokenError(TokenFault.MALFORMED, why)
