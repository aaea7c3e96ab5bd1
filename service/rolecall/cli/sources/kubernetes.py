"""Kubernetes manifests: each service account with the annotation that names a role is a test case.

The annotation is that of the webhook which gives pods their tokens (RRSA). Everything else in a manifest is ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rolecall.cli.declarations.tree import Array, Node, Scalar, Table
from rolecall.cli.sources.foreign import RENDER
from rolecall.cli.sources.found import Found, ServiceAccount
from rolecall.cli.sources.kind import Document, FileKind, Outline

ROLE_ANNOTATION = "pod-identity.alibabacloud.com/role-name"

_PREFIX = ROLE_ANNOTATION.partition("/")[0] + "/"
_KNOWN = frozenset({ROLE_ANNOTATION, f"{_PREFIX}service-account-token-expiration", f"{_PREFIX}inject-sts-endpoint"})
_LIST = "List"


def _recognises(outline: Outline) -> bool:
    return outline.has("apiVersion", "kind")


def _read(document: Document, found: Found) -> None:
    """Add the service accounts of a manifest, which is an object or a list of objects."""
    reader = _AccountReader(found)
    for item, kind in _objects(document.root, ""):
        if kind == "ServiceAccount" and _text(item, "apiVersion") in ("", "v1"):
            reader.read(item)


def _objects(node: Node, kind: str) -> Iterator[tuple[Table, str]]:
    """Yield the objects of a manifest with their kinds; in a list of one kind, its items do not have to repeat it."""
    if not isinstance(node, Table):
        return
    kind, items = _text(node, "kind") or kind, node.members.get("items")
    if kind.endswith(_LIST) and isinstance(items, Array):
        for item in items.items:
            yield from _objects(item, kind.removesuffix(_LIST))
    else:
        yield node, kind


@dataclass(frozen=True, slots=True)
class _AccountReader:
    """Adds service accounts that name a role to what is found."""

    found: Found

    def read(self, account: Table) -> None:
        """Add a service account if it names a role."""
        metadata = account.members.get("metadata")
        if not isinstance(metadata, Table) or not (name := _text(metadata, "name")):
            self.found.add_problem(account.location, "a ServiceAccount must have `metadata.name`")
            return
        annotations = metadata.members.get("annotations")
        if not isinstance(annotations, Table):
            return
        self._note_unknown(annotations, name)
        if role := self._role(annotations, name):
            namespace, location = _text(metadata, "namespace"), annotations.keys[ROLE_ANNOTATION]
            for text in (name, namespace, role):
                if "{{" in text:
                    message = f"`{text}` is a placeholder of a chart, which helm has not rendered"
                    self.found.add_problem(location, message, RENDER, reason="WRONG_KIND")
                    return
            self.found.service_accounts.append(
                ServiceAccount(namespace=namespace, name=name, role_name=role, location=location)
            )

    def _role(self, annotations: Table, name: str) -> str:
        """Return the name of the role; empty if there is none."""
        node = annotations.members.get(ROLE_ANNOTATION)
        if node is None:
            return ""
        location = annotations.keys[ROLE_ANNOTATION]
        if not isinstance(node, Scalar):
            self.found.add_problem(location, f"`{ROLE_ANNOTATION}` must be the name of a role")
            return ""
        if node.literal == "null" or not node.text.strip():
            self.found.add_remark(location, f"the annotation is empty, so the service account `{name}` has no role")
            return ""
        if node.literal:
            hint = f'write it in quotes: `"{node.text}"`'
            self.found.add_problem(location, f"`{node.text}` is not text, so Kubernetes refuses the annotation", hint)
            return ""
        return node.text

    def _note_unknown(self, annotations: Table, name: str) -> None:
        for key, location in annotations.keys.items():
            if key.startswith(_PREFIX) and key not in _KNOWN:
                message = f"`{key}` of the service account `{name}` is not a known annotation"
                self.found.add_remark(
                    location, message, f"the role is named by `{ROLE_ANNOTATION}`", severity="warning"
                )


def _text(table: Table, key: str) -> str:
    node = table.members.get(key)
    return node.text if isinstance(node, Scalar) and node.literal != "null" else ""


MANIFEST = FileKind(
    name="a Kubernetes manifest",
    recognises=_recognises,
    read=_read,
    elsewhere="`rolecall test` reads it",
    without=f"no service account has the annotation `{ROLE_ANNOTATION}`",
)
