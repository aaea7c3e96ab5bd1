from __future__ import annotations

from dataclasses import replace

import pytest

from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.public_keys import PublicKeys
from rolecall.security.tokens.remembered import LastRefusal, RememberedTokens, token_bytes, token_hash
from rolecall.security.tokens.verifier import VerifiedToken

TOKEN = VerifiedToken(
    issuer="https://i", subject="alice", audiences=("a",), valid_from=0, expires_at=1, keys=PublicKeys(())
)


def test_a_token_is_found_by_its_hash_and_in_no_other_way() -> None:
    tokens = RememberedTokens[VerifiedToken]()
    tokens.put(token_hash("secret"), TOKEN, token_bytes(TOKEN))

    assert tokens.get(token_hash("secret")) is TOKEN
    assert tokens.get(token_hash("secret ")) is None
    assert "secret" not in repr(vars(tokens))


def test_the_token_that_was_not_used_for_the_longest_time_is_dropped() -> None:
    tokens = RememberedTokens[VerifiedToken](max_tokens=2)
    for name in ("a", "b"):
        tokens.put(name.encode(), TOKEN, token_bytes(TOKEN))
    tokens.get(b"a")
    tokens.put(b"c", TOKEN, token_bytes(TOKEN))

    assert [tokens.get(name) is TOKEN for name in (b"a", b"b", b"c")] == [True, False, True]
    assert len(tokens) == 2


def test_the_bytes_of_all_tokens_are_limited() -> None:
    long = replace(TOKEN, subject="s" * 1_024, audiences=("a" * 1_024,) * 3)
    tokens = RememberedTokens[VerifiedToken](max_bytes=100_000)
    for number in range(1_000):
        tokens.put(str(number).encode(), long, token_bytes(long))

    assert 80_000 < tokens.bytes <= 100_000
    assert len(tokens) < 40
    for number in range(1_000):
        tokens.drop(str(number).encode())
    assert (tokens.bytes, len(tokens)) == (0, 0)


def test_a_token_that_is_replaced_or_too_large_is_not_counted() -> None:
    tokens = RememberedTokens[VerifiedToken](max_bytes=1_000)
    tokens.put(b"a", TOKEN, token_bytes(TOKEN))
    once = tokens.bytes
    tokens.put(b"a", TOKEN, token_bytes(TOKEN))
    large = replace(TOKEN, subject="s" * 1_024)
    tokens.put(b"b", large, token_bytes(large))

    assert tokens.bytes == once
    assert tokens.get(b"b") is None


def test_as_many_tokens_and_bytes_as_the_limits_are_remembered() -> None:
    tokens = RememberedTokens[VerifiedToken](max_tokens=3, max_bytes=30)
    for name in (b"a", b"b", b"c"):
        tokens.put(name, TOKEN, 10)
    assert (tokens.bytes, len(tokens)) == (30, 3)

    tokens.put(b"d", TOKEN, 11)

    assert [tokens.get(name) is TOKEN for name in (b"a", b"b", b"c", b"d")] == [False, False, True, True]
    assert (tokens.bytes, len(tokens)) == (21, 2)


def test_a_token_may_take_all_bytes_and_a_larger_one_is_forgotten() -> None:
    tokens = RememberedTokens[VerifiedToken](max_bytes=30)
    tokens.put(b"a", TOKEN, 30)
    assert (tokens.get(b"a"), tokens.bytes) == (TOKEN, 30)

    tokens.put(b"a", TOKEN, 31)

    assert (tokens.get(b"a"), tokens.bytes, len(tokens)) == (None, 0, 0)


def test_every_text_of_a_token_is_counted() -> None:
    once = token_bytes(TOKEN)
    longer = {
        "issuer": replace(TOKEN, issuer=TOKEN.issuer + "x" * 100),
        "subject": replace(TOKEN, subject=TOKEN.subject + "x" * 100),
        "audience": replace(TOKEN, audiences=("a" + "x" * 100,)),
    }

    assert {name: token_bytes(token) - once for name, token in longer.items()} == dict.fromkeys(longer, 100)
    assert token_bytes(replace(TOKEN, audiences=("a", "b"))) > once


def test_a_text_that_is_not_valid_unicode_has_a_hash() -> None:
    assert token_hash("\ud800") != token_hash("\udfff")


def test_a_refusal_is_repeated_for_a_moment_for_the_same_token_with_its_reason() -> None:
    last, error = LastRefusal(), RefusedTokenError(TokenFault.WRONG_AUDIENCE, "the token is for another audience")
    last.raise_again(b"", 0)
    last.note(b"a", error, 1_000)

    with pytest.raises(RefusedTokenError) as caught:
        last.raise_again(b"a", 1_000)
    with pytest.raises(RefusedTokenError):
        last.raise_again(b"a", 100_999)
    last.raise_again(b"a", 101_000)
    last.raise_again(b"b", 1_000)

    assert (caught.value.fault, caught.value.why) == (error.fault, error.why)
    assert caught.value is not error
