"""Decisions about a trust policy, by a second evaluator that is written from docs/policy-language.md alone.

It imports neither the product nor the oracle of the vectors, and decides by loops over the document, so that an error of one is not
an error of the other. `values.py`, `conditions.py` and `identities.py` belong to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.soak.conditions import Comparison, Finding, holds_at, judge
from tests.soak.identities import Identity, identity, names
from tests.soak.values import instant, lower

TIME, ARN = "acs:CurrentTime", "acs:PrincipalARN"
LAST = instant("9999-12-31T23:59:59.999999Z")
_OF_THE_PROVIDER = {"oidc:": "oidc-provider", "saml:": "saml-provider"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question: may this identity assume this role? With `claims` the principal is a federated identity's provider."""

    principal: str
    role: str = ""
    claims: Mapping[str, Sequence[str]] | None = None
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
    duration: int = 0
    session_name: str = ""
    external_id: str = ""
    source_identity: str = ""

    @property
    def who(self) -> Identity:
        """Return who asks."""
        return identity(self.principal)

    def keys(self, tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
        """Return the values of every key but the time, for a role with these tags."""
        found: dict[str, Sequence[str]] = {_lookup(key): texts for key, texts in self.context.items()}
        found |= self.claims or {}
        fields = (
            ("sts:RoleSessionName", self.session_name),
            ("sts:ExternalId", self.external_id),
            ("sts:SourceIdentity", self.source_identity),
        )
        found |= {key: [text] for key, text in fields if text}
        found |= {f"acs:ResourceTag/{key}": [text] for key, text in tags.items()}
        if self.who.arn is not None:
            found[ARN] = [self.who.arn]
        return {key: texts for key, texts in found.items() if texts}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision: its reason, the statements that determined it, and the absent keys that matching statements read."""

    reason: str
    determining: tuple[int, ...] = ()
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Read:
    """One statement as it was evaluated; `named` is the principal of the document that matches, or empty."""

    effect: str
    counts: bool
    named: str
    conditions: tuple[tuple[Comparison, tuple[str, ...], Finding], ...]

    @property
    def applies(self) -> bool:
        """Return whether the statement applies."""
        return self.counts and bool(self.named) and all(finding.holds for _, _, finding in self.conditions)


def decide(document: Any, asked: Asked, account: str, tags: Mapping[str, str], now: int) -> Verdict:
    """Return the verdict of the policy of a role in `account`, at a time in microseconds since 1970."""
    if asked.who.kind == "root":
        return Verdict("ROOT_NOT_ALLOWED")
    matching = [
        (i, read) for i, read in enumerate(reads(document, asked, account, tags, now)) if read.counts and read.named
    ]
    missing = frozenset(c.key for _, read in matching for c, given, _ in read.conditions if not given)
    for effect, reason in (("Deny", "EXPLICIT_DENY"), ("Allow", "ALLOW")):
        applying = tuple(i for i, read in matching if read.effect == effect and read.applies)
        if applying:
            return Verdict(reason, applying, missing)
    return Verdict("IMPLICIT_DENY", (), missing)


def reads(document: Any, asked: Asked, account: str, tags: Mapping[str, str], now: int) -> Iterator[Read]:
    """Yield how each statement is evaluated, in the order of the document."""
    keys = asked.keys(tags)
    for statement in document["Statement"]:
        yield Read(
            statement["Effect"],
            "sts:assumerole" in [lower(action) for action in listed(statement["Action"])],
            next((text for text in principals(statement) if names(text, asked.who, account)), ""),
            tuple(
                _found(c, keys, asked.who, now, denies=statement["Effect"] == "Deny") for c in comparisons(statement)
            ),
        )


def possibility(document: Any, asked: Asked, account: str, tags: Mapping[str, str], now: int) -> frozenset[str] | None:
    """Return the absent keys with which a role that is denied may still be allowed; None: with none.

    A Deny that applies for certain ends it. Otherwise an Allow may apply whose only failing conditions are on absent keys that the
    identity can send; each condition is judged by itself.
    """
    open_keys = set[str]()
    possible = False
    for read in reads(document, asked, account, tags, now):
        if not read.counts or not read.named:
            continue
        unknown = {c.key for c, given, _ in read.conditions if not given and _can_send(asked.who, c.key)}
        if not all(finding.holds for c, _, finding in read.conditions if c.key not in unknown):
            continue
        if read.effect == "Deny" and not unknown:
            return None
        possible |= read.effect == "Allow"
        open_keys |= unknown
    return frozenset(open_keys) if possible else None


def boundaries(document: Any) -> list[int]:
    """Return the instants at which a condition on the time may change its result, sorted."""
    expected = [
        instant(text)
        for statement in document["Statement"]
        for condition in comparisons(statement)
        if condition.key == TIME
        for text in condition.expected
    ]
    # There is no time after the year 9999.
    return sorted({edge for at in expected for edge in (at, at + 1) if edge <= LAST})


def keys_read(document: Any) -> set[str]:
    """Return the keys that a document reads, without the time."""
    return {c.key for statement in document["Statement"] for c in comparisons(statement)} - {TIME}


def comparisons(statement: Any) -> list[Comparison]:
    """Return the conditions of a statement, in the order of the document."""
    return [
        Comparison(operator, _lookup(key), tuple(_text(value) for value in listed(expected)))
        for operator, block in statement.get("Condition", {}).items()
        for key, expected in block.items()
    ]


def principals(statement: Any) -> list[str]:
    """Return the principals of a statement, of every type, in the order of the document."""
    return [text for texts in statement["Principal"].values() for text in listed(texts)]


def listed(value: Any) -> list[Any]:
    """Return a list; a lone value is a list of one."""
    return value if isinstance(value, list) else [value]


def _found(
    condition: Comparison, keys: Mapping[str, Sequence[str]], who: Identity, now: int, *, denies: bool
) -> tuple[Comparison, tuple[str, ...], Finding]:
    if condition.key == TIME:
        return condition, ("now",), Finding(holds_at(condition, now))
    given = tuple(keys.get(condition.key, ()))
    in_any_case = condition.key == ARN and who.kind == "role"
    return condition, given, judge(condition, given, denies=denies, in_any_case=in_any_case)


def _can_send(who: Identity, key: str) -> bool:
    if key == ARN or key.startswith("acs:ResourceTag/"):
        return False
    kind = next((kind for prefix, kind in _OF_THE_PROVIDER.items() if key.startswith(prefix)), who.kind)
    return kind == who.kind


def _lookup(key: str) -> str:
    return ARN if key == "acs:PrincipalArn" else key


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
