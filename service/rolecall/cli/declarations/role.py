"""One role of a declaration file.

* file = {apiVersion: "rolecall/v1", roles: [role, ...]} | role with apiVersion
* role = {name, account_id?, description?, max_session_duration_seconds?, tags?, policy}
* policy = trust_policy: mapping | trust_policy_json: text | trust_policy_file: path beside the file
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rolecall.cli.declarations.document import Source, TextSource, TreeSource, block_source
from rolecall.cli.declarations.tree import Array, Node, Scalar, Table, tag_problems
from rolecall.cli.problems.problem import Location, Problem, ProblemsError
from rolecall.cli.text.files import MAX_POLICY_FILE_BYTES, read_text
from rolecall.roles.documents import DOCUMENT_FIELD
from rolecall_client.v1.role_pb2 import RoleDeclaration

API_VERSION = "rolecall/v1"

_POLICY_KEYS = ("trust_policy", "trust_policy_json", "trust_policy_file")
_ROLE_KEYS = ("name", "account_id", "description", "max_session_duration_seconds", "tags", *_POLICY_KEYS)
_FILE_KEYS = ("apiVersion", "roles")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRole:
    """A role that a file declares, and the locations of its parts.

    `unread` are the fields of the message that cannot be read, which have problems; the others can be judged nevertheless.
    """

    message: RoleDeclaration
    table: Table
    source: Source
    unread: frozenset[str] = frozenset()

    @property
    def location(self) -> Location:
        """Return the location of the role's name."""
        return self.table.keys.get("name", self.table.location)

    def location_of(self, field: str) -> Location:
        """Return the location of a field of the message, or of the role if the file does not have the field."""
        keys = {"role_name": ("name",), DOCUMENT_FIELD: _POLICY_KEYS}.get(field, (field,))
        return next((self.table.keys[key] for key in keys if key in self.table.keys), self.location)


class RoleReader:
    """Reads the roles of one file, and collects every problem."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text_of_file, self._lines = path, text, text.splitlines()
        self.problems: list[Problem] = []

    def roles(self, document: Node) -> Iterator[DeclaredRole]:
        """Yield the roles of a document, also those of which fields cannot be read: these have problems, and must not be used."""
        if not isinstance(document, Table):
            self._note(document.location, "must be a mapping with `apiVersion` and `roles`")
            return
        self.problems += tag_problems(document, self._text_of_file)
        whole = "roles" in document.members or "name" not in document.members
        self._api_version(document)
        self._known(document, _FILE_KEYS if whole else (*_ROLE_KEYS, "apiVersion"))
        if not whole:
            yield self._read(document)
        elif elements := self._elements(document):
            for element in elements.items:
                yield from self._element(element)

    def _element(self, node: Node) -> Iterator[DeclaredRole]:
        if not isinstance(node, Table):
            self._note(node.location, "a role must be a mapping with `name` and a trust policy")
            return
        self._known(node, _ROLE_KEYS)
        yield self._read(node)

    def _read(self, node: Table) -> DeclaredRole:
        readers: dict[str, Callable[[], Any]] = {
            "role_name": lambda: self._text(node, "name", required=True),
            "account_id": lambda: self._text(node, "account_id"),
            "description": lambda: self._text(node, "description"),
            "max_session_duration_seconds": lambda: self._seconds(node),
            "tags": lambda: self._tags(node),
        }
        fields, unread = {}, set()
        for name, read in readers.items():
            before = len(self.problems)
            fields[name] = read()
            unread |= {name} if len(self.problems) > before else set()
        source = self._source(node)
        if source is None:
            source = TextSource("", node.location, exact=False)
            unread.add(DOCUMENT_FIELD)
        message = RoleDeclaration(**fields, assume_role_policy_document=source.text)
        return DeclaredRole(message=message, table=node, source=source, unread=frozenset(unread))

    def _api_version(self, document: Table) -> None:
        version = document.members.get("apiVersion")
        if version is None:
            self._note(document.location, "`apiVersion` is missing", f"begin the file with `apiVersion: {API_VERSION}`")
        elif not isinstance(version, Scalar) or version.text != API_VERSION:
            self._note(version.location, f"`apiVersion` must be `{API_VERSION}`")

    def _elements(self, document: Table) -> Array | None:
        roles = document.members.get("roles")
        if isinstance(roles, Array):
            return roles
        location = roles.location if roles else document.location
        self._note(location, "`roles` must be a list of roles" if roles else "`roles` is missing")
        return None

    def _known(self, table: Table, known: Iterable[str]) -> None:
        for key, location in table.keys.items():
            if key not in known:
                nearest = difflib.get_close_matches(key, list(known))
                hint = (
                    f"did you mean `{nearest[0]}`?"
                    if nearest
                    else f"known keys are {', '.join(f'`{k}`' for k in known)}"
                )
                self._note(location, f"unknown key `{key}`", hint, reason="UNKNOWN_FIELD")

    def _text(self, table: Table, key: str, *, required: bool = False) -> str:
        node = table.members.get(key)
        if node is None and required:
            self._note(table.location, f"`{key}` is missing")
        if node is None:
            return ""
        if isinstance(node, Scalar) and node.literal != "null":
            return self._unicode(node.text, node.location, f"`{key}`")
        self._note(node.location, f"`{key}` must be text", "write a text, or leave out the key")
        return ""

    def _unicode(self, text: str, location: Location, what: str) -> str:
        """Return a text that is valid Unicode, as JSON's escapes need not be; note it if it is not."""
        if _SURROGATE.search(text) is None:
            return text
        self._note(location, f"{what} must not have a lone surrogate", reason="INVALID_UNICODE")
        return ""

    def _seconds(self, table: Table) -> int:
        text = self._text(table, "max_session_duration_seconds")
        if _SECONDS.fullmatch(text):
            return int(text)
        if text:
            location = table.members["max_session_duration_seconds"].location
            self._note(location, f"`max_session_duration_seconds` must be a whole number of seconds, not `{text}`")
        return 0

    def _tags(self, table: Table) -> dict[str, str]:
        node = table.members.get("tags")
        if node is None:
            return {}
        if not isinstance(node, Table):
            self._note(node.location, "`tags` must be a mapping of text to text")
            return {}
        return {self._unicode(key, node.keys[key], "a key of `tags`"): self._text(node, key) for key in node.members}

    def _source(self, table: Table) -> Source | None:
        given = [key for key in _POLICY_KEYS if key in table.members]
        if len(given) != 1:
            location = table.keys[given[1]] if given else table.location
            what = f"only one of `{'`, `'.join(given)}` may be given" if given else "the trust policy is missing"
            self._note(
                location, what, "" if given else "add `trust_policy`, `trust_policy_json` or `trust_policy_file`"
            )
            return None
        node = table.members[given[0]]
        if given[0] == "trust_policy":
            return self._tree(node)
        text = self._text(table, given[0])
        if not isinstance(node, Scalar):
            return None
        if not node.text and node.style:
            # Without a note the role would be left out without a word, and an apply could delete it.
            self._note(node.location, f"`{given[0]}` must not be empty")
        if not text:
            return None
        return block_source(node, self._lines) if given[0] == "trust_policy_json" else self._file(node)

    def _tree(self, node: Node) -> Source | None:
        if isinstance(node, Table):
            source = TreeSource(node)
            return source if self._unicode(source.text, node.location, "`trust_policy`") else None
        self._note(node.location, "`trust_policy` must be a mapping", "put JSON text under `trust_policy_json`")
        return None

    def _file(self, node: Scalar) -> Source | None:
        path = self._path.parent / node.text
        try:
            return TextSource(read_text(path, MAX_POLICY_FILE_BYTES), Location(str(path), 1, 1))
        except ProblemsError as error:
            self._note(node.location, error.problems[0].message)
            return None

    def _note(self, location: Location, message: str, hint: str = "", *, reason: str = "") -> None:
        self.problems.append(Problem(location=location, message=message, hint=hint, reason=reason))
