"""Finds the entries of the callers file that a credential matches."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from types import MappingProxyType

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.declarations import CallerEntry, CallerMatch

_SEGMENT: Mapping[CredentialKind, str] = MappingProxyType(
    {CredentialKind.SPIFFE: "[^/]+", CredentialKind.DNS: "[^.]+", CredentialKind.OIDC: "[^:/]+"}
)


def matches(match: CallerMatch, credential: Credential) -> bool:
    """Return whether a credential is one of those that are meant."""
    if match.kind is not credential.kind:
        return False
    if match.kind is CredentialKind.OIDC and not _is_for(match, credential):
        return False
    text = _text_of(credential)
    return bool(_pattern(match).fullmatch(text)) if match.has_wildcard else match.text == text


class EntryIndex:
    """The entries of one callers file, found without looking at each: only those with `*` are compared one by one."""

    def __init__(self, entries: Iterable[CallerEntry]) -> None:
        self._exact: defaultdict[tuple[CredentialKind, str], list[tuple[int, CallerEntry]]] = defaultdict(list)
        self._patterns: defaultdict[CredentialKind, list[tuple[int, CallerEntry, re.Pattern[str]]]] = defaultdict(list)
        for number, entry in enumerate(entries):
            match = entry.match
            if match.has_wildcard:
                self._patterns[match.kind].append((number, entry, _pattern(match)))
            else:
                self._exact[match.kind, match.text].append((number, entry))

    def matching(self, credential: Credential, certificate: Credential | None = None) -> tuple[CallerEntry, ...]:
        """Return the entries that a credential matches, in the order of the file.

        `certificate` is what a token arrived with. Then only entries whose `via` it matches apply; without one, only entries
        without `via`.
        """
        text = _text_of(credential)
        found = list(self._exact.get((credential.kind, text), ()))
        found += [
            (number, entry) for number, entry, pattern in self._patterns[credential.kind] if pattern.fullmatch(text)
        ]
        found.sort(key=itemgetter(0))
        return tuple(
            entry for _, entry in found if _is_for(entry.match, credential) and _arrives_by(entry.via, certificate)
        )


def _is_for(match: CallerMatch, credential: Credential) -> bool:
    """Return whether the issuer and an audience of a token are those of the match, which other credentials do not have."""
    if match.kind is not CredentialKind.OIDC:
        return True
    return match.issuer == credential.issuer and match.audience in credential.audiences


def _arrives_by(via: CallerMatch | None, certificate: Credential | None) -> bool:
    if via is None or certificate is None:
        return via is None and certificate is None
    return matches(via, certificate)


def _text_of(credential: Credential) -> str:
    match credential.kind:
        case CredentialKind.SPIFFE | CredentialKind.DNS:
            return credential.identity
        case CredentialKind.OIDC:
            return credential.subject
        case CredentialKind.TOKEN:
            return credential.token_sha256
        case CredentialKind.UID:
            return str(credential.uid)
    return ""


def _pattern(match: CallerMatch) -> re.Pattern[str]:
    # `re` caches what it compiles; a segment is never empty, and never reaches across a separator.
    return re.compile(_SEGMENT[match.kind].join(map(re.escape, match.text.split("*"))))
