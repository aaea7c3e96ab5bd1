"""Read the patterns of a statement: its actions and its resources, each with `*` and `?`."""

from __future__ import annotations

import re

from rolecall.policy.conditions import check_pattern
from rolecall.policy.node import Node
from rolecall.policy.wording import quoted

EVERYTHING = "*"

_ACTION = re.compile(r"[A-Za-z0-9_*?-]+:[A-Za-z0-9_.*?-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PARTS = 5
_FORM = "write `*`, or `acs:PRODUCT:REGION:ACCOUNT_ID:RELATIVE_ID` such as `acs:ram:*:123456789012:role/shop-*`"


def read_actions(node: Node) -> tuple[str, ...]:
    """Read actions = action | [action, ...], at least one"""
    if node.value == []:
        node.refuse("EMPTY_ACTIONS", "the list of actions is empty; name at least one, such as `ram:GetRole`")
    return tuple(text for element in node.elements() if (text := _action(element)) is not None)


def read_resources(node: Node) -> tuple[str, ...]:
    """Read resources = resource | [resource, ...], at least one"""
    if node.value == []:
        node.refuse("EMPTY_RESOURCES", "`Resource` is empty; name at least one resource, or `*`")
    return tuple(text for element in node.elements() if (text := _resource(element)) is not None)


def _action(node: Node) -> str | None:
    """Read action = "*" | PRODUCT ":" NAME, each with `*` and `?`"""
    text = node.text("text such as `ram:GetRole`")
    if text is None or not check_pattern(text, node):
        return None
    if text != EVERYTHING and not _ACTION.fullmatch(text):
        node.refuse("INVALID_ACTION", f"the action {quoted(text)} {_action_hint(text)}")
        return None
    return text


def _action_hint(text: str) -> str:
    if _has_placeholder(text):
        return "has a placeholder of a template that was not filled in; render the template first"
    if ":" not in text:
        return "names no product; write `PRODUCT:Name` such as `ram:GetRole`, or `*`"
    return "is not `PRODUCT:Name`; both are letters, digits, `-` and `_`, with `*` and `?`, such as `ram:Get*`"


def _resource(node: Node) -> str | None:
    """Read resource = "*" | "acs:" PRODUCT ":" REGION ":" ACCOUNT ":" RELATIVE-ID, each part with `*` and `?`"""
    text = node.text("text such as `acs:ram:*:ACCOUNT_ID:role/NAME`, or `*`")
    if text is None or not check_pattern(text, node):
        return None
    problem = "" if text == EVERYTHING else _problem(text)
    if problem:
        node.refuse("INVALID_RESOURCE", f"the resource {quoted(text)} {problem}")
        return None
    return text


def _problem(text: str) -> str:
    """Return what is wrong with a resource, or an empty text."""
    if text.startswith("arn:"):
        return f"is an AWS name; {_FORM}"
    prefix, *parts = text.split(":", _PARTS - 1)
    if prefix != "acs" or not parts:
        return f"does not start with `acs:`; {_FORM}"
    if not parts[0]:
        return "has no product between its first two `:`; write it, such as `acs:ram:*:ACCOUNT_ID:role/NAME`"
    if len(parts) < _PARTS - 1 and parts[-1] != EVERYTHING:
        return f"has {len(parts) + 1} of five parts; {_FORM}"
    return "has a control character; remove it" if _CONTROL.search(text) else ""


def _has_placeholder(text: str) -> bool:
    return bool(re.search(r"\$\{|\{\{|\$\(|<%|%[sdv]|<[^<>]*>|\$[A-Za-z_]", text))
