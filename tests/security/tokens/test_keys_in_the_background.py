"""Key sets are read in the background: at the start, when they are due, and each for itself."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from rolecall.callers.declarations import KeySource
from rolecall.security.tls_files import CredentialsError
from rolecall.security.tokens import key_sets
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.public_keys import InvalidKeySetError
from tests.security.known_callers import callers_file
from tests.security.tokens.issuing import Issuer
from tests.security.tokens.reading import Fixed
from tests.server.serving import until

ISSUED = Issuer()
ISSUER, OTHER = "https://oidc.example", "https://other.example"


def source(path: Path) -> KeySource:
    return KeySource(file=str(path), url="", algorithms=("ES256",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_bytes(ISSUED.key_set())
    return path


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sets, "CHECK_SECONDS", 0.001)


@asynccontextmanager
async def watching(sets: KeySets) -> AsyncIterator[list[tuple[str, str]]]:
    """Read key sets in the background; give what was reported."""
    reported: list[tuple[str, str]] = []
    task = asyncio.create_task(sets.watch(lambda owner, error: reported.append((owner, error))))
    try:
        yield reported
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        sets.close()


async def test_owners_of_one_source_have_key_sets_of_their_own(path: Path) -> None:
    sets = KeySets()

    assert sets.of(ISSUER, source(path)) is sets.of(ISSUER, source(path))
    assert sets.of(ISSUER, source(path)) is not sets.of(OTHER, source(path))


async def test_keys_stay_while_the_callers_file_names_their_source_and_go_with_it(path: Path) -> None:
    sets = KeySets()
    file = callers_file({"issuers": {ISSUER: {"jwks_file": str(path)}}, "callers": []})
    kept, dropped = sets.of(ISSUER, source(path)), sets.of(OTHER, source(path))

    sets.retain(file)

    assert list(sets.by_owner()) == [ISSUER]
    assert sets.of(ISSUER, source(path)) is kept
    assert sets.of(OTHER, source(path)) is not dropped


async def test_an_owner_that_is_added_has_its_keys_without_a_call(path: Path) -> None:
    sets = KeySets()
    await sets.read_first()
    async with watching(sets):
        keys = sets.of(ISSUER, source(path))
        await until(lambda: keys.usable)

    assert keys.reads == 1


async def test_each_error_and_its_end_are_reported_once(path: Path) -> None:
    sets = KeySets()
    keys: Any = sets.of(ISSUER, source(path))
    keys.source = reading = Fixed(b"", seconds=0.0)
    async with watching(sets) as reported:
        await until(lambda: keys.errors >= 5)
        reading.data = ISSUED.key_set()
        await until(lambda: len(reported) == 2)

    assert reported == [(ISSUER, "cannot be reached"), (ISSUER, "")]


async def test_a_source_that_does_not_answer_does_not_delay_the_others(path: Path) -> None:
    answer = threading.Event()

    class Hanging(Fixed):
        def read(self) -> bytes:
            answer.wait(60)
            raise InvalidKeySetError("too late")

    sets = KeySets()
    hanging: Any = sets.of(ISSUER, source(path))
    hanging.source = Hanging(b"")
    other = sets.of(OTHER, source(path))
    async with watching(sets):
        await until(lambda: other.usable)
        waiting = hanging.usable
        answer.set()

    assert not waiting


async def test_a_file_that_cannot_be_used_stops_the_start_and_a_url_that_does_not_answer_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = KeySets()
    broken.of(ISSUER, source(tmp_path / "none"))
    with pytest.raises(CredentialsError, match="cannot read the key set"):
        await broken.read_first()

    silent = KeySets({"localhost": ()})
    keys = silent.of(ISSUER, KeySource(file="", url="https://localhost:1/jwks", algorithms=("ES256",)))
    await silent.read_first()

    assert (keys.usable, keys.errors) == (False, 1)
    assert "has the private address" in keys.error


async def test_a_key_set_is_not_read_from_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys.json")
    keys = KeySets()
    keys.of(ISSUER, source(tmp_path / "keys.json"))

    with pytest.raises(CredentialsError, match="it is a named pipe, not a regular file"):
        await keys.read_first()


def test_a_file_of_authorities_that_has_none_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    (tmp_path / "empty.pem").write_text("")
    os.mkfifo(tmp_path / "pipe.pem")
    for name in ("ca.pem", "none.pem", "empty.pem", "pipe.pem"):
        with pytest.raises(CredentialsError, match="--jwks-ca"):
            KeySets(authority=str(tmp_path / name)).of(
                ISSUER, KeySource(file="", url="https://localhost/jwks", algorithms=("ES256",))
            )
