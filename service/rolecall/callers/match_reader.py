"""Read which credentials an entry of the callers file is about.

match = {spiffe: ID} | {dns: NAME} | {oidc: {issuer, subject, audience}} | {token_sha256: HEX} | {uid: NUMBER} | {local: true}

In an id, a name and a subject `*` stands for one whole segment. It may not stand where one issuer could speak for another:
in a trust domain, in the first segment of a subject, and in the repository of the subject of a CI job.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rolecall.callers.credential import CredentialKind
from rolecall.callers.declarations import CallerMatch
from rolecall.callers.declared_value import DeclaredValue
from rolecall.callers.limits import MAX_UID
from rolecall.policy.wording import quoted

_SEGMENT = r"(?:\*|(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)"
_SPIFFE = re.compile(rf"spiffe://(?P<domain>[a-z0-9._-]{{1,255}})(?:/{_SEGMENT})*", re.ASCII)
_DNS = re.compile(r"(?:(?:\*|[a-z0-9_-]+)\.)*[a-z0-9_-]+", re.ASCII)
_MAX_DNS_CHARACTERS = 253
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REPOSITORIES = ("repo:", "project_path:")
_SUBJECT_SEPARATORS = re.compile("[:/]")
_ONE_SEGMENT = "`*` stands for one whole segment"

KINDS = ("spiffe", "dns", "oidc", "token_sha256", "uid", "local")


def read_match(node: DeclaredValue, kinds: tuple[str, ...] = KINDS) -> CallerMatch | None:
    """Return the match, or None after noting what is wrong with it."""
    given = node.fields((), kinds)
    if len(given) != 1:
        if isinstance(node.value, dict):
            node.refuse("INVALID_MATCH", f"exactly one of {', '.join(f'`{kind}`' for kind in kinds)} is needed")
        return None
    kind, value = next(iter(given.items()))
    return _READERS[kind](value)


def trust_domain_of(spiffe_id: str) -> str:
    """Return the trust domain of a SPIFFE id."""
    return spiffe_id.removeprefix("spiffe://").partition("/")[0]


def _spiffe(node: DeclaredValue) -> CallerMatch | None:
    text = node.text()
    if not text:
        return None
    if not _SPIFFE.fullmatch(text):
        node.refuse(
            "INVALID_SPIFFE_ID",
            f"{quoted(text)} is not a SPIFFE id; write `spiffe://TRUST_DOMAIN/PATH`, with the trust domain in lower case"
            f" and without `*`, and {_ONE_SEGMENT} of the path",
        )
        return None
    return CallerMatch(kind=CredentialKind.SPIFFE, text=text)


def _dns(node: DeclaredValue) -> CallerMatch | None:
    # DNS names compare without case.
    text = node.text().lower()
    if not text:
        return None
    if not _DNS.fullmatch(text) or len(text) > _MAX_DNS_CHARACTERS:
        node.refuse(
            "INVALID_DNS_NAME",
            f"{quoted(text)} is not a DNS name; write labels with `.` between them and none at the end;"
            f" {_ONE_SEGMENT}, and not for the last",
        )
        return None
    return CallerMatch(kind=CredentialKind.DNS, text=text)


def _oidc(node: DeclaredValue) -> CallerMatch | None:
    fields = node.fields(("issuer", "subject", "audience"))
    issuer, subject, audience = (
        fields[name].text() if name in fields else "" for name in ("issuer", "subject", "audience")
    )
    for name, text in (("issuer", issuer), ("audience", audience)):
        if "*" in text:
            fields[name].refuse("WILDCARD_NOT_ALLOWED", f"`{name}` may not have `*`; write it out")
    if not (issuer and subject and audience) or not _is_subject(subject, fields["subject"]):
        return None
    return CallerMatch(kind=CredentialKind.OIDC, text=subject, issuer=issuer, audience=audience)


def _is_subject(subject: str, node: DeclaredValue) -> bool:
    segments = _SUBJECT_SEPARATORS.split(subject)
    if any("*" in segment and segment != "*" for segment in segments):
        problem = f"{_ONE_SEGMENT}, between `:` or `/`; write the segment out, or only `*`"
    elif segments[0] == "*":
        problem = "the first segment of a subject may not be `*`, which would stand for subjects of every kind"
    elif subject.startswith(_REPOSITORIES) and "*" in subject.split(":")[1]:
        problem = "the repository of a CI subject may not have `*`, which would let in every repository of that name"
    else:
        return True
    node.refuse("WILDCARD_NOT_ALLOWED", problem)
    return False


def _token(node: DeclaredValue) -> CallerMatch | None:
    text = node.text()
    if _SHA256.fullmatch(text):
        return CallerMatch(kind=CredentialKind.TOKEN, text=text)
    if text:
        node.refuse(
            "INVALID_TOKEN_HASH",
            "must be the SHA-256 of a token, 64 digits in lower case; `rolecall token new` prints a token with its hash",
        )
    return None


def _uid(node: DeclaredValue) -> CallerMatch | None:
    return CallerMatch(kind=CredentialKind.UID, text=str(node.whole_number(0, MAX_UID)))


def _local(node: DeclaredValue) -> CallerMatch | None:
    if node.boolean():
        return CallerMatch(kind=CredentialKind.LOCAL, text="")
    if node.value is False:
        node.refuse("INVALID_MATCH", "`local: false` matches no caller; remove the entry")
    return None


_READERS: dict[str, Callable[[DeclaredValue], CallerMatch | None]] = {
    "spiffe": _spiffe,
    "dns": _dns,
    "oidc": _oidc,
    "token_sha256": _token,
    "uid": _uid,
    "local": _local,
}
