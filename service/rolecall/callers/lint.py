"""The linter of the callers file: what is valid and probably a mistake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from rolecall.callers.credential import CredentialKind
from rolecall.callers.declarations import CallerEntry, CallerMatch, CallersFile
from rolecall.callers.granted import ADMINISTRATOR, CallersGeneration, comparable
from rolecall.callers.identities import example_of
from rolecall.callers.match_reader import trust_domain_of
from rolecall.policy.linting.findings import Finding, Severity
from rolecall.policy.permission.lint import lint_permissions
from rolecall.policy.positions import escaped
from rolecall.policy.wording import quoted, rfc3339


def lint_callers(file: CallersFile, *, now: int) -> tuple[Finding, ...]:
    """Return the findings of a valid callers file and of the policies in it; `now` is in microseconds since 1970."""
    found = [finding for rule in _RULES for finding in rule(file, now)]
    for own in file.policies:
        pointer = f"/policies/{escaped(own.name)}"
        found += [_moved(finding, pointer) for finding in lint_permissions(own.policy, now=now)]
    return tuple(found)


def _ended(file: CallersFile, now: int) -> Iterator[Finding]:
    for index, entry in enumerate(file.callers):
        if entry.until is not None and entry.until <= now:
            yield _finding(
                "entry-ended",
                Severity.WARNING,
                f"/callers/{index}/until",
                f"the entry {quoted(entry.name)} ended at {rfc3339(entry.until)}",
                "remove it, or give it another `until`",
            )


def _administrators(file: CallersFile, now: int) -> Iterator[Finding]:  # noqa: ARG001
    for index, entry in enumerate(file.callers):
        if ADMINISTRATOR in entry.policies and entry.match.has_wildcard:
            yield _finding(
                "administrators-by-wildcard",
                Severity.WARNING,
                f"/callers/{index}/match",
                f"every caller that matches `{entry.match}` may do everything",
                "write an entry for each administrator",
            )
    if not any(ADMINISTRATOR in entry.policies for entry in file.callers):
        yield _finding(
            "no-administrator",
            Severity.NOTE,
            "/callers",
            f"no caller has {ADMINISTRATOR}: only the admin socket can do what the other policies do not allow",
            "leave it so if the admin socket is enough",
        )


def _conflicts(file: CallersFile, now: int) -> Iterator[Finding]:
    """An entry with a principal has no `*`, so two of them have a caller in common only if their matches are the same."""
    by_match = defaultdict[tuple[CallerMatch, CallerMatch | None], list[tuple[int, CallerEntry]]](list)
    for index, entry in enumerate(file.callers):
        if entry.principal is not None and (entry.until is None or now < entry.until):
            by_match[entry.match, entry.via].append((index, entry))
    for (_, first), *others in by_match.values():
        for index, entry in others:
            if _differ(first, entry):
                yield _finding(
                    "principal-conflict",
                    Severity.ERROR,
                    f"/callers/{index}/principal",
                    f"{quoted(entry.name)} and {quoted(first.name)} give one caller two principals, so that it may do nothing",
                    "give both the same principal, or remove one of the entries",
                )


def _too_many(file: CallersFile, now: int) -> Iterator[Finding]:
    generation = CallersGeneration(file)
    for index, entry in enumerate(file.callers):
        certificate = example_of(entry.via) if entry.via else None
        granted = generation.granted(example_of(entry.match), certificate, now)
        if granted.refusal.endswith("limit"):
            yield _finding(
                "too-many-policies",
                Severity.ERROR,
                f"/callers/{index}/policies",
                f"callers of {quoted(entry.name)} may do nothing: with {len(granted.entries)} entries, {granted.refusal}",
                "put what they share into one policy",
            )


def _differ(first: CallerEntry, second: CallerEntry) -> bool:
    return (
        first.principal is not None
        and second.principal is not None
        and (comparable(first.principal) != comparable(second.principal))
    )


def _unused(file: CallersFile, now: int) -> Iterator[Finding]:  # noqa: ARG001
    matches = [m for entry in file.callers for m in (entry.match, entry.via) if m is not None]
    used = {
        "policies": {name for entry in file.callers for name in entry.policies},
        "issuers": {match.issuer for match in matches},
        "trust_domains": {trust_domain_of(m.text) for m in matches if m.kind is CredentialKind.SPIFFE},
    }
    declared = {
        "policies": [own.name for own in file.policies],
        "issuers": [issuer.issuer for issuer in file.issuers],
        "trust_domains": [domain.name for domain in file.trust_domains],
    }
    for field, names in declared.items():
        for name in names:
            if name not in used[field]:
                yield _finding(
                    "unused-declaration",
                    Severity.NOTE,
                    f"/{field}/{escaped(name)}",
                    f"no entry uses {quoted(name)}",
                    "remove it, or write the entry that needs it",
                )


def _asserted(file: CallersFile, now: int) -> Iterator[Finding]:  # noqa: ARG001
    for index, provider in enumerate(file.providers):
        if provider.allow_asserted:
            yield _finding(
                "claims-asserted",
                Severity.WARNING,
                f"/providers/{index}/allow_asserted",
                f"claims of {quoted(provider.arn)} may be asserted without a token by callers with `rolecall:AssertFederated`",
                "leave it out, and let queries carry the token",
            )


_RULES: tuple[Callable[[CallersFile, int], Iterator[Finding]], ...] = (
    _ended,
    _administrators,
    _conflicts,
    _too_many,
    _unused,
    _asserted,
)


def _finding(name: str, severity: Severity, pointer: str, message: str, fix: str) -> Finding:
    return Finding(id=name, severity=severity, pointer=pointer, message=message, fix=fix)


def _moved(finding: Finding, pointer: str) -> Finding:
    """Return a finding in a policy as one in the file, where its lines are others."""
    return replace(finding, pointer=pointer + finding.pointer, line=0, column=0, edit=None)
