"""The elements that policies of both kinds have: version, statements, effects, labels, and limits on conditions."""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.policy.conditions import patterns_of
from rolecall.policy.document import Effect
from rolecall.policy.json_text import Members, Number
from rolecall.policy.limits import MAX_SID_CHARACTERS
from rolecall.policy.node import Node, nearest
from rolecall.policy.profile import Profile
from rolecall.policy.wording import quoted

_FEWER_PATTERNS = "merge similar patterns, or compare values without wildcards with `StringEquals`"


def read_version(node: Node) -> None:
    """Read version = "1"."""
    if isinstance(node.value, Number):
        node.refuse(
            "UNSUPPORTED_VERSION", f'`Version` must be the text `"1"`; quote it, not {node.value[:16]} bare', '"1"'
        )
    elif isinstance(node.value, str) and node.value != "1":
        aws = "; that is the version of AWS policies" if node.value in ("2012-10-17", "2008-10-17") else ""
        node.refuse("UNSUPPORTED_VERSION", f'`Version` must be `"1"`, not {quoted(node.value)}{aws}', '"1"')
    else:
        node.text('the text `"1"`')


def statement_nodes(node: Node) -> list[Node]:
    """Read statements = [statement, ...], at least one"""
    limit = node.state.limits.max_statements
    if not isinstance(node.value, list):
        node.refuse_type("an array of statements; put `[` and `]` around it")
        return []
    if not node.value:
        node.refuse("EMPTY_STATEMENTS", "`Statement` is empty; a policy needs at least one statement")
    if len(node.value) > limit:
        node.refuse("TOO_MANY_STATEMENTS", f"there are {len(node.value)} statements; {limit} are allowed")
    return node.elements()


def read_effect(node: Node) -> Effect | None:
    """Read effect = "Allow" | "Deny"."""
    text = node.text('`"Allow"` or `"Deny"`')
    if text is None:
        return None
    names = tuple(Effect)
    if text in names:
        return Effect(text)
    suggestion = nearest(text, names, cutoff=0.85)
    node.refuse("INVALID_EFFECT", f"the effect {quoted(text)} is neither `Allow` nor `Deny`", suggestion)
    return None


def read_sid(node: Node) -> str:
    """Read sid = text of up to 128 characters"""
    text = node.text()
    if text is None:
        return ""
    if len(text) > MAX_SID_CHARACTERS:
        node.refuse("INVALID_SID", f"`Sid` has {len(text)} characters; {MAX_SID_CHARACTERS} are allowed")
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        node.refuse("INVALID_SID", "`Sid` has a control character; remove it")
    refuse_in_ram(node, "`Sid` is not in RAM's grammar; remove it", at_name=True)
    return text


def refuse_in_ram(node: Node, message: str, *, at_name: bool = False) -> None:
    """Note a violation if the document must be one of RAM."""
    if node.state.profile is Profile.RAM:
        node.refuse("NOT_IN_RAM", message, at_name=at_name)


def check_conditions(node: Node) -> None:
    """Note a violation if the conditions of all statements together compare too many keys, or have too many patterns."""
    limit, conditions = node.state.limits.max_condition_keys, [s.get("Condition") for s in objects(node)]
    keys = sum(len(block) for condition in conditions for block in values_of(condition) if isinstance(block, Members))
    if keys > limit:
        node.refuse("TOO_MANY_CONDITION_KEYS", f"the conditions compare {keys} keys; {limit} are allowed")
    _check_patterns(node, [len(pattern) for condition in conditions for pattern in patterns_of(condition)])


def objects(node: Node) -> list[Members]:
    """Return the elements of an array that are objects, valid or not; none of another value."""
    return [value for value in node.value if isinstance(value, Members)] if isinstance(node.value, list) else []


def values_of(value: object) -> list[object]:
    """Return the values of an object; none of another value."""
    return list(value.values()) if isinstance(value, Members) else []


def _check_patterns(node: Node, lengths: Sequence[int]) -> None:
    """Note a violation if there are too many patterns, or patterns of too many characters together."""
    limits, characters = node.state.limits, sum(lengths)
    if len(lengths) > limits.max_patterns:
        node.refuse(
            "TOO_MANY_PATTERNS",
            f"the `...Like` conditions have {len(lengths)} patterns; {limits.max_patterns} are allowed; {_FEWER_PATTERNS}",
        )
    if characters > limits.max_total_pattern_characters:
        node.refuse(
            "PATTERNS_TOO_LONG",
            f"the patterns of the `...Like` conditions have {characters} characters together;"
            f" {limits.max_total_pattern_characters} are allowed; {_FEWER_PATTERNS}",
        )
