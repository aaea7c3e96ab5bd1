"""The key sets of all issuers and providers of the callers file, read in the background."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rolecall.callers.declarations import CallersFile, KeySource
from rolecall.regular_file import read_regular, reason_of
from rolecall.security.tls_files import MAX_PEM_BYTES, CredentialsError
from rolecall.security.tokens.key_reader import JwksHosts, KeyFile, KeyReader, KeyUrl, require_listed, shown_url
from rolecall.security.tokens.key_set import MAX_AGE_SECONDS, KeySet
from rolecall.security.tokens.public_keys import InvalidKeySetError

CHECK_SECONDS = 1.0
START_SECONDS = 5.0
"""How long a start waits for the first keys of URLs. Later they are known when they arrive."""

_THREADS = 4


class KeySets:
    """The key set of each owner, an issuer or a provider: two owners never share keys, even if they name one source.

    `hosts` may be asked for key sets, and `authority` names a file with the CAs that verify them; empty: those of the system.
    """

    def __init__(
        self, hosts: JwksHosts | None = None, *, authority: str = "", max_age: float = MAX_AGE_SECONDS
    ) -> None:
        self._hosts, self._max_age, self._authority = hosts or {}, max_age, authority
        self._sets: dict[tuple[str, str, str], KeySet] = {}
        self._reading: dict[KeySet, asyncio.Future[None]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="keys")
        self._tls: ssl.SSLContext | None = None

    def of(self, owner: str, source: KeySource) -> KeySet:
        """Return the key set of an owner, the same one while its source is the same."""
        key = (owner, source.file, source.url)
        if key not in self._sets:
            self._sets[key] = KeySet(self._reader(source), max_age=self._max_age)
        return self._sets[key]

    def by_owner(self) -> Mapping[str, KeySet]:
        """Return all key sets by their owners."""
        return {owner: keys for (owner, _, _), keys in self._sets.items()}

    def retain(self, file: CallersFile | None) -> None:
        """Drop the key sets that the callers file does not name."""
        named = {(owner, source.file, source.url) for owner, source in sources_of(file)}
        self._sets = {key: keys for key, keys in self._sets.items() if key in named}

    async def read_first(self) -> None:
        """Read all keys, those of URLs for a limited time; raise `CredentialsError` if a file or a URL cannot be used at all."""
        for (_, file, url), keys in self._sets.items():
            try:
                if url:
                    require_listed(url, self._hosts)
                else:
                    await asyncio.to_thread(keys.refresh)
            except InvalidKeySetError as error:
                where = "" if file else f" of `{shown_url(url)}`"
                raise CredentialsError(f"the callers file: the key set{where}: {error}") from None
        self._start_due()
        if self._reading:
            await asyncio.wait(list(self._reading.values()), timeout=START_SECONDS)

    async def watch(self, on_change: Callable[[str, str], object]) -> None:
        """Read the keys that are due, until cancelled; `on_change` gets each owner's new error once, and "" when it passed."""
        reported: dict[str, str] = {}
        while True:
            self._start_due()
            for owner, keys in self.by_owner().items():
                if keys.reads and keys.error != reported.get(owner, ""):
                    reported[owner] = keys.error
                    on_change(owner, keys.error)
            await asyncio.sleep(CHECK_SECONDS)

    def close(self) -> None:
        """Read nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start_due(self) -> None:
        # One by one: a host that does not answer must not delay the keys of the others.
        for keys in self._sets.values():
            if keys not in self._reading and keys.due():
                reading = asyncio.get_running_loop().run_in_executor(self._threads, _refresh, keys)
                self._reading[keys] = reading
                reading.add_done_callback(partial(self._done, keys))

    def _done(self, keys: KeySet, _: asyncio.Future[None]) -> None:
        self._reading.pop(keys, None)

    def _reader(self, source: KeySource) -> KeyReader:
        if source.file:
            return KeyFile(source.file)
        if self._tls is None:
            self._tls = _context(self._authority)
        return KeyUrl(source.url, self._hosts, self._tls)


def sources_of(file: CallersFile | None) -> Iterator[tuple[str, KeySource]]:
    """Yield every owner of a key set that a callers file names, and where its keys are."""
    if file is not None:
        yield from ((issuer.issuer, issuer.keys) for issuer in file.issuers)
        yield from ((provider.arn, provider.keys) for provider in file.providers)


def _refresh(keys: KeySet) -> None:
    try:
        keys.refresh()
    except InvalidKeySetError:
        return  # its `error` and `errors` have it


def _context(authority: str) -> ssl.SSLContext:
    if not authority:
        return ssl.create_default_context()
    try:
        # Bundles of CA certificates have comments, also with letters that are not ASCII.
        certificates = read_regular(Path(authority), MAX_PEM_BYTES).decode("ascii", "ignore")
        # Never empty: Python would take the CA certificates of the system instead.
        return ssl.create_default_context(cadata=f"{certificates}\n")
    except ssl.SSLError:
        raise CredentialsError(f"--jwks-ca: `{authority}` contains no PEM certificate") from None
    except OSError as error:
        raise CredentialsError(f"--jwks-ca: cannot read `{authority}`: {reason_of(error)}") from None
