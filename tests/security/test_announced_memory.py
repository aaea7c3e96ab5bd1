"""What is remembered of callers has the limits that `docs/caching.md` and `docs/security.md` announce, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.callers import limits
from rolecall.callers.credential import LOCAL
from rolecall.security import authentication, callers_file, tls_files
from rolecall.security.tokens import key_reader, key_set, public_keys, remembered
from tests.security.test_who_calls import caller, identifying

DOCS = Path(__file__).parents[2] / "docs"
KIB, MIB = 1024, 1024**2

CACHING = {
    "connections (`Authentication`)": (
        f"for {authentication.REFUSED_SECONDS / 60:.3g} minute",
        f"| {authentication.MAX_KNOWN:,}, {authentication.MAX_KNOWN_BYTES / MIB:.12g} MiB; then all are dropped |",
    ),
    "(`CallerTokens`)": (f"| {remembered.MAX_TOKENS:,} tokens, {remembered.MAX_BYTES / MIB:.12g} MiB |",),
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


@pytest.mark.parametrize("what", CACHING)
def test_what_is_remembered_of_callers_has_the_announced_limit(what: str) -> None:
    assert caller(identifying(LOCAL), address="unix:").credential is LOCAL
    (row,) = [line for line in (DOCS / "caching.md").read_text().splitlines() if what in line and line.startswith("|")]

    for sentence in CACHING[what]:
        assert sentence.replace("for 1 minute", "for a minute") in row


@pytest.mark.parametrize("sentence", SECURITY)
def test_what_is_read_for_callers_has_the_announced_limit(sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "callers.yaml"
    path.write_text("callers: []")
    assert callers_file.load_callers(str(path)).file.callers == ()
    with pytest.raises(tls_files.CredentialsError):
        tls_files.read_contents(tls_files.TlsFiles())
    with pytest.raises(public_keys.InvalidKeySetError):
        key_set.KeySet(key_reader.KeyFile(str(path))).refresh()

    assert sentence in (DOCS / "security.md").read_text()
