"""Finds the caller of a credential, and follows the callers file when it changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

from rolecall.callers.credential import Credential
from rolecall.callers.declarations import CallersFile
from rolecall.callers.granted import WITHOUT_FILE, CallersGeneration, WithoutFile
from rolecall.callers.observation import ObservePeriod
from rolecall.callers.remembered_rights import RememberedRights
from rolecall.callers.rights import CredentialOrigin, KnownCaller
from rolecall.engine.clock import now_micros

MAX_KNOWN_CALLERS = 10_000
MAX_KNOWN_CALLERS_BYTES = 8 * 1024 * 1024

_CALLER_BYTES = 1_500

_Key: TypeAlias = "tuple[Credential, Credential | None, str, bool]"
"""A credential, the certificate beside it, the IP address, and whether over TLS."""


class CallerDirectory:
    """The callers by the current generation of the callers file, or without a file.

    Without one, the callers of this machine have AdministratorAccess, those of a server that runs with `--insecure` have
    RolecallDecider, and all others nothing, unless `without_file` says something else. The callers that were used last are
    cached, within limits of entries and bytes.
    """

    def __init__(
        self,
        file: CallersFile | None = None,
        *,
        observe: ObservePeriod | None = None,
        without_file: WithoutFile = WITHOUT_FILE,
        clock: Callable[[], int] = now_micros,
    ) -> None:
        self.clock, self.observe = clock, observe
        self._without_file = without_file
        self.current = CallersGeneration(file, without_file)
        self.remembered = RememberedRights()
        self._callers: OrderedDict[_Key, tuple[KnownCaller, int]] = OrderedDict()
        self._bytes = 0
        self._listeners: list[Callable[[], object]] = []

    @property
    def file(self) -> CallersFile | None:
        """Return the current callers file."""
        return self.current.file

    @property
    def generation(self) -> str:
        """Return the hash of the current callers file; empty without one."""
        return self.current.hash

    def caller(
        self, credential: Credential, *, source_ip: str, secure: bool, certificate: Credential | None = None
    ) -> KnownCaller:
        """Return the caller of a verified credential: the same one as before, unless the file has changed since.

        A caller that is kept longer answers by the current file, too. `certificate` is the client certificate beside which a
        token arrived. Then the token is a caller only by an entry whose `via` names the certificate (`accepts`).
        """
        key = (credential, certificate, source_ip, secure)
        found = self._callers.get(key)
        if found is not None:
            self._callers.move_to_end(key)
            return found[0]
        origin = CredentialOrigin(source_ip=source_ip, secure=secure, certificate=certificate)
        caller = KnownCaller(self, credential, origin)
        self._keep(key, caller)
        return caller

    def accepts(self, credential: Credential, certificate: Credential | None = None) -> bool:
        """Return whether any entry matches a credential now, with the certificate beside which it arrived."""
        return bool(self.current.granted(credential, certificate, self.clock()).entries)

    def on_change(self, listener: Callable[[], object]) -> None:
        """Call `listener` after each change of the file."""
        self._listeners.append(listener)

    def replace(self, file: CallersFile | None) -> None:
        """Answer by another callers file from now on, also for callers that are in use."""
        self.apply(CallersGeneration(file, self._without_file))

    def apply(self, generation: CallersGeneration) -> None:
        """Answer by another generation from now on; it may have been made on another thread."""
        self.current = generation
        # What others remember with a caller ends with it, and the old answers cannot be found any more.
        self._callers.clear()
        self._bytes = 0
        self.remembered = RememberedRights()
        for listener in self._listeners:
            listener()

    def _keep(self, key: _Key, caller: KnownCaller) -> None:
        weight = _weight(key)
        while self._callers and (
            len(self._callers) >= MAX_KNOWN_CALLERS or self._bytes + weight > MAX_KNOWN_CALLERS_BYTES
        ):
            self._bytes -= self._callers.popitem(last=False)[1][1]
        self._callers[key] = (caller, weight)
        self._bytes += weight

    def __len__(self) -> int:
        return len(self._callers)


def _weight(key: _Key) -> int:
    weight = _CALLER_BYTES
    for credential in key[:2]:
        if credential is not None:
            texts = (credential.identity, credential.issuer, credential.subject, *credential.audiences)
            weight += sum(map(len, texts))
    return weight
