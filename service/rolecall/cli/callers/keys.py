"""Check the key sets that a callers file names: those in files are read, those behind a URL are listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rolecall.cli.callers.files import location_of
from rolecall.cli.problems.problem import Problem

if TYPE_CHECKING:
    from rolecall.callers.declarations import CallersFile, KeySource
    from rolecall.security.callers_file import LoadedCallers


def key_problems(callers: LoadedCallers, path: str) -> Iterator[Problem]:
    """Yield an error for each file that has no keys, and a note for each host that the server must list."""
    from rolecall.security.callers_file import nearest_place

    for pointer, keys in _sources(callers.file):
        location = location_of(nearest_place(pointer, callers.places), path)
        if keys.url:
            host = urlsplit(keys.url).hostname
            yield Problem(
                location=location,
                severity="note",
                reason="listed-host",
                pointer=pointer,
                message=f"the server fetches these keys only from a host that it lists: `--jwks-host {host}`",
                finding=True,
            )
        elif why := _unusable(keys.file):
            yield Problem(location=location, reason="INVALID_KEY_SET", pointer=pointer, message=why)


def _sources(file: CallersFile) -> Iterator[tuple[str, KeySource]]:
    from rolecall.policy.positions import escaped

    for issuer in file.issuers:
        yield f"/issuers/{escaped(issuer.issuer)}", issuer.keys
    for index, provider in enumerate(file.providers):
        yield f"/providers/{index}", provider.keys


def _unusable(path: str) -> str:
    """Return why a file has no keys, or an empty text."""
    from rolecall.security.tokens.key_reader import KeyFile
    from rolecall.security.tokens.public_keys import InvalidKeySetError, read_key_set

    try:
        read_key_set(KeyFile(path).read())
    except InvalidKeySetError as error:
        return str(error)
    return ""
