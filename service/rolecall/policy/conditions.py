"""Read and check the conditions of a statement: operators, keys and values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rolecall.policy.document import Condition, Quantifier
from rolecall.policy.json_text import Json, Members, Number
from rolecall.policy.keys import CURRENT_TIME, lookup_name
from rolecall.policy.limits import MAX_KEY_CHARACTERS, MAX_NUMBER_CHARACTERS
from rolecall.policy.node import Node, kind_of, nearest
from rolecall.policy.operators import LIKE_OPERATORS, OPERATORS, Family, Operator
from rolecall.policy.profile import Profile
from rolecall.policy.readers import fold
from rolecall.policy.wording import quoted

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_UNREADABLE = {
    Family.NUMERIC: "INVALID_NUMBER",
    Family.DATE: "INVALID_DATE",
    Family.BOOL: "INVALID_BOOL",
    Family.IP: "INVALID_IP",
}
_AWS_OPERATORS = {
    # There, `ArnEquals` has wildcards too.
    "ArnEquals": "StringLike",
    "ArnLike": "StringLike",
    "ArnNotEquals": "StringNotLike",
    "ArnNotLike": "StringNotLike",
    "BinaryEquals": "StringEquals",
}


def read_conditions(node: Node) -> tuple[Condition, ...]:
    """Read conditions = {operator: {key: value | [value, ...], ...}, ...}, the inner level not empty"""
    return tuple(condition for name, block in node.members() for condition in _block(name, block))


def patterns_of(conditions: Json) -> Iterator[str]:
    """Yield the patterns in the conditions of a statement, valid or not."""
    for name, block in conditions.items() if isinstance(conditions, Members) else ():
        if name.partition(":")[2] in LIKE_OPERATORS or name in LIKE_OPERATORS:
            for values in block.values() if isinstance(block, Members) else ():
                yield from (
                    str(v) for v in (values if isinstance(values, list) else [values]) if isinstance(v, (str, bool))
                )


def check_pattern(text: str, node: Node) -> bool:
    """Return whether a pattern is within its limits, after noting each that it exceeds."""
    limits, stars = node.state.limits, text.count("*")
    if len(text) > limits.max_pattern_characters:
        message = f"the pattern has {len(text)} characters; {limits.max_pattern_characters} are allowed"
        node.refuse("PATTERN_TOO_LONG", message)
    if stars > limits.max_pattern_stars:
        node.refuse("TOO_MANY_STARS", f"the pattern has {stars} stars; {limits.max_pattern_stars} are allowed")
    return len(text) <= limits.max_pattern_characters and stars <= limits.max_pattern_stars


def _block(name: str, node: Node) -> Iterator[Condition]:
    quantifier, operator = _operator(name, node)
    if node.value == {}:
        node.refuse("EMPTY_CONDITION", f"{quoted(name)} compares nothing; add a key with its values, or remove it")
    for spelling, values in node.members():
        condition = _condition(quantifier, operator, spelling, values)
        if condition is not None:
            yield condition


def _operator(name: str, node: Node) -> tuple[Quantifier, Operator | None]:
    """Read operator = ["ForAllValues:" | "ForAnyValue:"] one of the table"""
    quantifier = next((q for q in Quantifier if q and name.startswith(q)), Quantifier.NONE)
    if quantifier is Quantifier.FOR_ANY and node.state.profile is Profile.RAM:
        node.refuse("NOT_IN_RAM", _any_value_in_ram(OPERATORS.get(name.removeprefix(quantifier))), at_name=True)
    base = name.removeprefix(quantifier)
    operator = OPERATORS.get(base)
    if operator is not None:
        return quantifier, operator
    if base == "Null" or fold(base).endswith("ifexists"):
        node.refuse("UNSUPPORTED_OPERATOR", _unsupported(name, base), at_name=True)
    else:
        suggestion = _operator_meant(base)
        hint = (
            f"did you mean `{quantifier}{suggestion}`?"
            if suggestion
            else "operators are such as `StringEquals`, `IpAddress`"
        )
        node.refuse(
            "UNKNOWN_OPERATOR",
            f"the operator {quoted(name)} is unknown; {hint}",
            quantifier + suggestion if suggestion else "",
            at_name=True,
        )
    return quantifier, None


def _any_value_in_ram(operator: Operator | None) -> str:
    # Without the prefix a negated operator holds only if no value matches.
    instead = "compare each value in a statement of its own" if operator and operator.negated else "remove the prefix"
    return f"RAM does not document `ForAnyValue:`; {instead}"


def _unsupported(name: str, base: str) -> str:
    if base == "Null":
        return "`Null` is not supported, as in RAM; `StringLike` with `*` holds if the key is there, `StringNotLike` if it is not"
    plain = quoted(base[: -len("IfExists")])
    return (
        f"{quoted(name)} is not supported, as in RAM; in an `Allow` write {plain}, in a `Deny` write it too, and a second `Deny`"
        " with `StringNotLike` and `*`, which holds on a missing key"
    )


def _operator_meant(base: str) -> str:
    prefixed = re.fullmatch(r"(forallvalues?|foranyvalues?):(.*)", fold(base))
    if prefixed:
        prefix = Quantifier.FOR_ALL if prefixed[1].startswith("forall") else Quantifier.FOR_ANY
        meant = _operator_like(base.partition(":")[2])
        return f"{prefix}{meant}" if meant else ""
    return _AWS_OPERATORS.get(base) or _operator_like(base)


def _operator_like(name: str) -> str:
    # Close enough for a slip of the pen: another operator that resembles it would compare in another way.
    return nearest(name, tuple(OPERATORS), cutoff=0.85)


def _condition(quantifier: Quantifier, operator: Operator | None, spelling: str, node: Node) -> Condition | None:
    if not _is_key(spelling, node):
        return None
    key = lookup_name(spelling)
    if key == CURRENT_TIME and operator is not None and operator.family is not Family.DATE:
        message = f"`{CURRENT_TIME}` is a time; compare it with a `Date...` operator, not `{operator.name}`"
        node.refuse("OPERATOR_NOT_ALLOWED", message, at_name=True)
        return None
    if node.value == []:
        node.refuse("EMPTY_VALUES", f"{quoted(spelling)} has no values; give at least one")
    elements = node.elements()
    values = tuple(value for element in elements if (value := _value(operator, element)) is not None)
    if operator is None:
        return None
    return Condition(
        operator=operator,
        quantifier=quantifier,
        key=key,
        spelling=spelling,
        values=values,
        pointer=node.pointer,
        unquoted=tuple(i for i, element in enumerate(elements) if _is_unquoted(element)),
    )


def _is_key(spelling: str, node: Node) -> bool:
    if not spelling:
        problem = "a condition key is empty; name one such as `acs:SourceIp`"
    elif len(spelling) > MAX_KEY_CHARACTERS:
        problem = f"the condition key has {len(spelling)} characters; {MAX_KEY_CHARACTERS} are allowed"
    elif any(c < " " or "\x7f" <= c <= "\x9f" for c in spelling):
        problem = f"the condition key {quoted(spelling)} has a control character; remove it"
    else:
        return True
    node.refuse("INVALID_KEY", problem, at_name=True)
    return False


def _value(operator: Operator | None, node: Node) -> str | None:
    """Return the text of a value; None after noting that it cannot be read."""
    text = _scalar(node)
    if text is None or operator is None:
        return text
    if operator.name in LIKE_OPERATORS:
        # Every text is a pattern: compiling it, the longest part of reading a document of patterns, finds nothing to refuse.
        return text if check_pattern(text, node) else None
    try:
        operator.expected(text)
    except ValueError as error:
        node.refuse(_UNREADABLE[operator.family], str(error))
        return None
    return text


def _scalar(node: Node) -> str | None:
    """Read value = text | number without exponent | true | false; the last three are read as their text"""
    value = node.value
    if value is None or isinstance(value, (list, Members)):
        node.refuse_type("text in double quotes")
        return None
    if _is_unquoted(node) and node.state.profile is Profile.RAM:
        text = fold(str(value))
        node.refuse("NOT_IN_RAM", f"RAM takes condition values as text; quote {kind_of(value)}", f'"{text}"')
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Number) and not _is_plain(value, node):
        return None
    return str(value)


def _is_plain(number: Number, node: Node) -> bool:
    if len(number) > MAX_NUMBER_CHARACTERS:
        message = f"the number has {len(number)} characters; {MAX_NUMBER_CHARACTERS} are allowed"
    elif not _PLAIN_NUMBER.fullmatch(number):
        message = f"the number {quoted(number)} has an exponent; write its digits, in double quotes"
    else:
        return True
    node.refuse("INVALID_NUMBER", message)
    return False


def _is_unquoted(node: Node) -> bool:
    return isinstance(node.value, (bool, Number))
