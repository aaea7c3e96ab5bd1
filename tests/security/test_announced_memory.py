"""What is remembered of callers has the limits that `docs/caching.md` and `docs/security.md` announce, to the byte."""

from __future__ import annotations

from pathlib import Path
from sys import getsizeof
from typing import Any

import pytest

from rolecall.callers import limits
from rolecall.callers.credential import LOCAL
from rolecall.callers.directory import CallerDirectory
from rolecall.security import authentication, callers_file, tls_files
from rolecall.security.tokens import key_reader, key_set, public_keys, remembered
from rolecall.security.tokens.caller_tokens import CallerTokens
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.public_keys import PublicKeys
from rolecall.security.tokens.remembered import token_bytes
from rolecall.security.tokens.verifier import VerifiedToken
from tests.security.known_callers import callers_file as callers_of
from tests.security.test_who_calls import ENTRIES, MICROS, TEST, caller, identifying

DOCS = Path(__file__).parents[2] / "docs"
KIB, MIB = 1024, 1024**2

CACHING = {
    "connections (`Authentication`)": (
        f"for {authentication.REFUSED_SECONDS / 60:.3g} minute",
        f"| {authentication.MAX_KNOWN:,}, {authentication.MAX_KNOWN_BYTES / MIB:.12g} MiB, each counted as ",
        "its key; then all are dropped |",
    ),
    "(`CallerTokens`)": (
        f"| {remembered.MAX_TOKENS:,} tokens, {remembered.MAX_BYTES / MIB:.12g} MiB, each counted as ",
    ),
    "(`ProviderTokens`)": (
        f"| {remembered.MAX_TOKENS:,} tokens, {remembered.MAX_BYTES / MIB:.12g} MiB, each counted as ",
    ),
}
SECURITY = (
    f"{tls_files.MAX_PEM_BYTES / MIB:.12g} MiB each",
    f"1 MiB, {callers_file.MAX_AUTHORITY_BYTES / MIB:.12g} MiB each",
    f"The limits are {limits.MAX_CALLERS_BYTES / MIB:.12g} MiB of all files together",
    f"| {public_keys.MAX_KEY_SET_BYTES / KIB:.12g} KiB |",
    f"RSA of {public_keys.MIN_RSA_BITS:,} to {public_keys.MAX_RSA_BITS:,} bits",
    f"until they are `--jwks-max-age-seconds` old ({'a' if key_set.MAX_AGE_SECONDS == 86_400 else '?'} day)",
    f"read every {key_reader.URL_SECONDS / 60:.12g} minutes, and {key_set.COOL_DOWN_SECONDS:.12g} seconds after a failure",
)


def row(what: str) -> str:
    """Return the row of a table of `docs/caching.md`."""
    (found,) = [
        line for line in (DOCS / "caching.md").read_text().splitlines() if what in line and line.startswith("|")
    ]
    return found


@pytest.mark.parametrize("what", CACHING)
def test_what_is_remembered_of_callers_has_the_announced_limit(what: str) -> None:
    assert caller(identifying(LOCAL), address="unix:").credential is LOCAL

    for sentence in CACHING[what]:
        assert sentence.replace("for 1 minute", "for a minute") in row(what)


def test_what_is_remembered_of_callers_counts_as_many_bytes_as_is_announced() -> None:
    connections: Any = identifying(LOCAL)
    caller(connections, address="unix:")
    ((key, _),) = connections._known.items()
    tokens = CallerTokens(CallerDirectory(callers_of({"callers": ENTRIES})), KeySets())
    found = tokens.recognised(TEST, MICROS)
    proved = VerifiedToken(issuer="i", subject="s", audiences=("a",), valid_from=0, expires_at=1, keys=PublicKeys(()))
    texts = getsizeof(proved.audiences) + 3 * getsizeof("a")

    connection = connections._known_bytes - sum(map(len, key))
    assert f"each counted as {connection:,} bytes and its key" in row("connections (`Authentication`)")
    static = tokens.remembered.bytes - getsizeof(found.credential.identity)
    assert f"each counted as {static:,} bytes, its texts, and what it proves" in row("(`CallerTokens`)")
    assert f"each counted as {token_bytes(proved) - texts:,} bytes and its texts" in row("(`ProviderTokens`)")


@pytest.mark.parametrize("sentence", SECURITY)
def test_what_is_read_for_callers_has_the_announced_limit(sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text("callers: []")
    assert callers_file.load_callers(str(path)).file.callers == ()
    with pytest.raises(tls_files.CredentialsError):
        tls_files.read_contents(tls_files.TlsFiles(), b"")
    with pytest.raises(public_keys.InvalidKeySetError):
        key_set.KeySet(key_reader.KeyFile(str(path))).refresh()

    assert sentence in (DOCS / "security.md").read_text()
