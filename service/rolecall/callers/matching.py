"""Finds the entries of the callers file that a credential matches.

A text is cut into segments and the separators between them, and so is a pattern, in which `*` matches one segment that is not
empty. So a text is followed through a tree of the patterns, in a time that depends on the patterns that match so far.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from rolecall.callers.credential import Credential, CredentialKind
from rolecall.callers.declarations import CallerEntry, CallerMatch

_ANY = "*"
_SEPARATORS: Mapping[CredentialKind, re.Pattern[str]] = MappingProxyType(
    {
        CredentialKind.SPIFFE: re.compile("(/)"),
        CredentialKind.DNS: re.compile(r"(\.)"),
        CredentialKind.OIDC: re.compile("([:/])"),
    }
)


def matches(match: CallerMatch, credential: Credential) -> bool:
    """Return whether a credential is one of those that are meant."""
    if match.kind is not credential.kind or not _is_for(match, credential):
        return False
    wanted, given = _parts(match.kind, match.text), _parts(match.kind, _text_of(credential))
    return len(wanted) == len(given) and all(w in (g, _ANY if g else g) for w, g in zip(wanted, given, strict=True))


class _Node:
    """What patterns have in common up to here: how they continue, and the entries whose pattern ends here."""

    __slots__ = ("entries", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.entries: list[tuple[int, CallerEntry]] = []


class EntryIndex:
    """The entries of one callers file, found without looking at each."""

    def __init__(self, entries: Iterable[CallerEntry]) -> None:
        self._roots: defaultdict[CredentialKind, _Node] = defaultdict(_Node)
        for number, entry in enumerate(entries):
            node = self._roots[entry.match.kind]
            for part in _parts(entry.match.kind, entry.match.text):
                node = node.next.setdefault(part, _Node())
            node.entries.append((number, entry))

    def matching(self, credential: Credential, certificate: Credential | None = None) -> tuple[CallerEntry, ...]:
        """Return the entries that a credential matches, in the order of the file.

        `certificate` is what a token arrived with. Then only entries whose `via` it matches apply; without one, only entries
        without `via`.
        """
        nodes = [self._roots[credential.kind]]
        for part in _parts(credential.kind, _text_of(credential)):
            # A part is a segment where a pattern has a segment, and a separator where it has one.
            steps = {part, _ANY} if part else {part}
            nodes = [following for node in nodes for step in steps if (following := node.next.get(step))]
        found = sorted(entry for node in nodes for entry in node.entries)  # each has a number of its own
        return tuple(
            entry for _, entry in found if _is_for(entry.match, credential) and _arrives_by(entry.via, certificate)
        )


def _parts(kind: CredentialKind, text: str) -> Sequence[str]:
    """Return the segments of a text, and the separators between them."""
    separators = _SEPARATORS.get(kind)
    return separators.split(text) if separators else (text,)


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
