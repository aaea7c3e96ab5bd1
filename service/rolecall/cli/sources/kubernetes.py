"""Kubernetes manifests: each service account with the annotation that names a role is a test case.

The annotation is that of the webhook which gives pods their tokens (RRSA). Everything else in a manifest is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.sources.found import Found, ServiceAccount
from rolecall.cli.sources.kind import Document, FileKind, Outline

ROLE_ANNOTATION = "pod-identity.alibabacloud.com/role-name"
DEFAULT_NAMESPACE = "default"

_PREFIX = ROLE_ANNOTATION.partition("/")[0] + "/"
_KNOWN = frozenset({ROLE_ANNOTATION, f"{_PREFIX}service-account-token-expiration", f"{_PREFIX}inject-sts-endpoint"})


def _recognises(outline: Outline) -> bool:
    return outline.has("apiVersion", "kind")


def _read(document: Document, found: Found) -> None:
    manifest, count = document.root, 0
    for item in _objects(manifest):
        if _text(item, "kind") == "ServiceAccount":
            count += _read_account(item, found)
    if not count:
        found.add_remark(manifest.location, f"skipped: no service account has the annotation `{ROLE_ANNOTATION}`")


def _objects(node: Node) -> Iterator[Table]:
    if not isinstance(node, Table):
        return
    items = node.members.get("items")
    if _text(node, "kind").endswith("List") and isinstance(items, Array):
        for item in items.items:
            yield from _objects(item)
    else:
        yield node


def _read_account(account: Table, found: Found) -> bool:
    metadata = account.members.get("metadata")
    if not isinstance(metadata, Table) or not (name := _text(metadata, "name")):
        found.add_problem(account.location, "a ServiceAccount must have `metadata.name`")
        return False
    annotations = metadata.members.get("annotations")
    if not isinstance(annotations, Table):
        return False
    _note_unknown(annotations, name, found)
    if ROLE_ANNOTATION not in annotations.members:
        return False
    role, location = annotations.members[ROLE_ANNOTATION], annotations.keys[ROLE_ANNOTATION]
    if not isinstance(role, Scalar) or role.literal == "null" or not role.text:
        found.add_problem(location, f"`{ROLE_ANNOTATION}` must be the name of a role")
        return False
    namespace = _text(metadata, "namespace")
    if not namespace:
        message = f"the service account `{name}` has no namespace; `{DEFAULT_NAMESPACE}` is assumed"
        found.add_remark(metadata.location, message, reason="DEFAULT_NAMESPACE")
    found.service_accounts.append(
        ServiceAccount(namespace=namespace or DEFAULT_NAMESPACE, name=name, role_name=role.text, location=location)
    )
    return True


def _note_unknown(annotations: Table, name: str, found: Found) -> None:
    for key, location in annotations.keys.items():
        if key.startswith(_PREFIX) and key not in _KNOWN:
            message = f"`{key}` of the service account `{name}` is not a known annotation"
            found.add_remark(location, message, f"the role is named by `{ROLE_ANNOTATION}`", severity="warning")


def _text(table: Table, key: str) -> str:
    node = table.members.get(key)
    return node.text if isinstance(node, Scalar) and node.literal != "null" else ""


MANIFEST = FileKind(name="a Kubernetes manifest", recognises=_recognises, read=_read)
