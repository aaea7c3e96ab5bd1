from __future__ import annotations

from dataclasses import replace

from rolecall.security.tokens.public_keys import PublicKeys
from rolecall.security.tokens.remembered import RememberedTokens, token_bytes, token_hash
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
