"""The tokens that callers present: of the issuers in the callers file, or static ones that it lists by their hash."""

from __future__ import annotations

from collections import defaultdict

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.declarations import CallersFile
from rolecall.callers.directory import CallerDirectory
from rolecall.security.tokens.faults import RefusedTokenError, TokenFault
from rolecall.security.tokens.key_sets import KeySets
from rolecall.security.tokens.remembered import RememberedTokens, token_hash
from rolecall.security.tokens.verifier import TrustedIssuer, VerifiedToken, verify_token

STATIC_PREFIX = "rct_"
MAX_STATIC_CHARACTERS = 512


class CallerTokens:
    """Makes credentials of tokens, by the current callers file. For one event loop."""

    def __init__(self, directory: CallerDirectory, key_sets: KeySets) -> None:
        self._directory, self._key_sets = directory, key_sets
        self._issuers: dict[str, TrustedIssuer] = {}
        self._hashes: frozenset[str] = frozenset()
        self.remembered = RememberedTokens()
        self.apply(directory.file)

    @property
    def accepted(self) -> bool:
        """Return whether any token can be that of a caller."""
        return bool(self._issuers or self._hashes)

    def apply(self, file: CallersFile | None) -> None:
        """Verify tokens by this callers file from now on."""
        self._hashes = file.token_hashes if file else frozenset()
        self._issuers = _issuers(file, self._key_sets) if file else {}
        # What was verified by other rules is verified again.
        self.remembered = RememberedTokens()

    def credential(self, text: str, now: int) -> Credential:
        """Return the credential that a token is at the time `now`, in microseconds; raise `RefusedTokenError`."""
        if text.startswith(STATIC_PREFIX):
            return self._static(text)
        token = self._verified(text, now)
        return Credential(
            kind=CredentialKind.OIDC,
            identity=f"{token.issuer} {token.subject}",
            issuer=token.issuer,
            subject=token.subject,
            audiences=token.audiences,
            expires_at=token.expires_at,
        )

    def _static(self, text: str) -> Credential:
        # A lookup by hash may take longer for some hashes than for others: it shows something of a hash that the caller knows,
        # and nothing of the tokens.
        digest = token_hash(text).hex() if len(text) <= MAX_STATIC_CHARACTERS else ""
        if digest not in self._hashes:
            raise RefusedTokenError(
                TokenFault.UNKNOWN_TOKEN, "no entry of the callers file has the hash of the static token"
            )
        return Credential(kind=CredentialKind.TOKEN, identity=f"token:{digest[:16]}", token_sha256=digest)

    def _verified(self, text: str, now: int) -> VerifiedToken:
        key = token_hash(text)
        token = self.remembered.get(key)
        if token is not None:
            try:
                token.require_valid(self._issuers[token.issuer], now)
            except RefusedTokenError:
                self.remembered.drop(key)
            else:
                return token
        token = verify_token(text, self._issuers.get, now)
        self.remembered.put(key, token)
        return token


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
