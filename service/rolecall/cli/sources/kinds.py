"""Recognise the kind of a document by its top-level names."""

from __future__ import annotations

import json
from collections.abc import Collection
from enum import Enum, auto

from rolecall.cli.declarations.tree import Node, Scalar, Table
from rolecall.policy.kind import PolicyKind, kind_of_policy

_ROLE_NAMES = frozenset({"roles", "cases", "trust_policy", "trust_policy_json", "trust_policy_file"})
_PLAN_NAMES = frozenset({"planned_values", "resource_changes", "values", "terraform_version"})
_POLICY_NAMES = frozenset({"Version", "Statement"})


class Kind(Enum):
    """The kinds of documents that contain roles or test cases."""

    CASES = auto()
    ROLES = auto()
    POLICY = auto()
    PLAN = auto()
    MANIFEST = auto()
    EMPTY = auto()
    OTHER = auto()


def kind_of_json(text: str) -> Kind:
    """Return the kind of a JSON text. Invalid JSON counts as a policy, because the policy parser has the best messages."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Kind.POLICY
    if not isinstance(value, dict):
        return Kind.OTHER
    version = value.get("apiVersion")
    return _kind(value.keys(), version if isinstance(version, str) else "")


def kind_of_text(text: str) -> PolicyKind | None:
    """Return the kind of a policy; None if its statements may be of both kinds. Invalid JSON counts as a trust policy."""
    try:
        return kind_of_policy(json.loads(text))
    except (ValueError, RecursionError):
        return PolicyKind.TRUST


def kind_of_node(node: Node) -> Kind:
    """Return the kind of a YAML document. It is never a trust policy, because these are JSON."""
    if isinstance(node, Scalar) and node.literal == "null":
        return Kind.EMPTY
    if not isinstance(node, Table):
        return Kind.OTHER
    version = node.members.get("apiVersion")
    kind = _kind(node.members.keys(), version.text if isinstance(version, Scalar) else "")
    return Kind.OTHER if kind is Kind.POLICY else kind


def _kind(names: Collection[str], api_version: str) -> Kind:
    if "cases" in names:
        return Kind.CASES
    if api_version.startswith("rolecall/") or not _ROLE_NAMES.isdisjoint(names):
        return Kind.ROLES
    if "format_version" in names and not _PLAN_NAMES.isdisjoint(names):
        return Kind.PLAN
    if "apiVersion" in names and "kind" in names:
        return Kind.MANIFEST
    return Kind.OTHER if _POLICY_NAMES.isdisjoint(names) else Kind.POLICY
