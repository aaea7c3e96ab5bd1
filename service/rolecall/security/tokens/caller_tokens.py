"""The tokens that callers present: of the issuers in the callers file, or static ones that it lists by their hash."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from sys import getsizeof

from rolecall.callers.caller import Caller
from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.callers.static_tokens import STATIC_PREFIX
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.remembered import LastRefusal, RememberedTokens, token_bytes, token_hash
from rolecall.security.tokens.verifier import TrustedIssuer, VerifiedToken, verify_token

MAX_STATIC_CHARACTERS = 512


_RECOGNISED_BYTES = 1_300
"""What a recognised token takes beside its texts, with its last caller."""


@dataclass(slots=True, eq=False)
class RecognisedToken:
    """What a token is: a credential, which was verified, or is listed. `last` belongs to `Authentication`: its last caller."""

    credential: Credential
    verified: VerifiedToken | None = None
    last: tuple[object, Caller] | None = None


class CallerTokens:
    """Makes credentials of tokens, by the current callers file. For one event loop."""

    def __init__(self, directory: CallerDirectory, key_sets: KeySets) -> None:
        self._directory, self._key_sets = directory, key_sets
        self._issuers: dict[str, TrustedIssuer] = {}
        self._hashes: frozenset[str] = frozenset()
        self.apply(directory.file)

    @property
    def accepted(self) -> bool:
        """Return whether any token can be that of a caller."""
        return bool(self._issuers or self._hashes)

    def apply(self, file: CallersFile | None) -> None:
        """Verify tokens by this callers file from now on."""
        self._hashes = file.token_hashes if file else frozenset()
        self._issuers = _issuers(file, self._key_sets) if file else {}
        # What was verified, or refused, by other rules is verified again.
        self._refused = LastRefusal()
        self.remembered = RememberedTokens[RecognisedToken]()

    def recognised(self, text: str, now: int) -> RecognisedToken:
        """Return what a token is at the time `now`, in microseconds; raise `RefusedTokenError`."""
        key = token_hash(text)
        found = self.remembered.get(key)
        if found is None:
            return self._remember(key, self._static(text, key) if _is_static(text) else self._verified(text, key, now))
        if found.verified is None:
            return found
        try:
            found.verified.require_valid(self._issuers[found.verified.issuer], now)
        except RefusedTokenError:
            self.remembered.drop(key)
            return self._remember(key, self._verified(text, key, now))
        return found

    def _remember(self, key: bytes, token: RecognisedToken) -> RecognisedToken:
        verified = token_bytes(token.verified) if token.verified else 0
        weight = _RECOGNISED_BYTES + verified + getsizeof(token.credential.identity)
        self.remembered.put(key, token, weight)
        return token

    def _static(self, text: str, key: bytes) -> RecognisedToken:
        # A lookup by hash may take longer for some hashes than for others: it shows something of a hash that the caller knows,
        # and nothing of the tokens.
        digest = key.hex()
        if len(text) > MAX_STATIC_CHARACTERS or digest not in self._hashes:
            raise RefusedTokenError(
                TokenFault.UNKNOWN_TOKEN, "no entry of the callers file has the hash of the static token"
            )
        return RecognisedToken(
            Credential(kind=CredentialKind.TOKEN, identity=f"token:{digest[:16]}", token_sha256=digest)
        )

    def _verified(self, text: str, key: bytes, now: int) -> RecognisedToken:
        self._refused.raise_again(key, now)
        try:
            token = verify_token(text, self._issuers.get, now)
        except RefusedTokenError as error:
            self._refused.note(key, error, now)
            raise
        credential = Credential(
            kind=CredentialKind.OIDC,
            identity=f"{token.issuer} {token.subject}",
            issuer=token.issuer,
            subject=token.subject,
            audiences=token.audiences,
            expires_at=token.expires_at,
        )
        return RecognisedToken(credential, token)


def _is_static(text: str) -> bool:
    return text.startswith(STATIC_PREFIX)


def _issuers(file: CallersFile, key_sets: KeySets) -> dict[str, TrustedIssuer]:
    """Return the issuers of callers' tokens. Their audiences are those that some entry asks for: without an entry, none."""
    audiences = defaultdict[str, set[str]](set)
    for entry in file.callers:
        if entry.match.kind is CredentialKind.OIDC:
            audiences[entry.match.issuer].add(entry.match.audience)
    return {
        issuer.issuer: TrustedIssuer(
            issuer=issuer.issuer,
            audiences=frozenset(audiences[issuer.issuer]),
            algorithms=frozenset(issuer.keys.algorithms),
            keys=key_sets.of(issuer.issuer, issuer.keys),
        )
        for issuer in file.issuers
    }
